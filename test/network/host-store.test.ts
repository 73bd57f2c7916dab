import { join } from 'node:path'
import type { LevelDatastore } from 'datastore-level'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type HostStore, openHostStore } from '../../src/network/host-store.js'
import { cleanUp, tempDir } from '../support/temp.js'

type Key = Parameters<LevelDatastore['put']>[0]

/** What the store uses of a key. */
function key(text: string): Key {
  return { toString: () => text } as Key
}

async function openStore(dir = tempDir()): Promise<HostStore> {
  const store = await openHostStore(join(dir, 'dht'), () => {})
  cleanUp(() => store.close().catch(() => {}))
  return store
}

async function contentOf(store: LevelDatastore, prefix: string): Promise<Map<string, number>> {
  const content = new Map<string, number>()
  for await (const pair of store.query({ prefix })) {
    content.set(pair.key.toString(), pair.value[0] ?? -1)
  }
  return content
}

test('host store: whatever was written last is read, before and after it reaches the disk', async () => {
  const dir = tempDir()
  const store = await openStore(dir)
  const name = fc.constantFrom('/x/a', '/x/b', '/x/c', '/y/a')
  const step = fc.oneof(
    fc.record({ put: name, value: fc.nat(255) }),
    fc.record({ del: name }),
    fc.record({ batch: fc.array(fc.tuple(name, fc.option(fc.nat(255))), { maxLength: 5 }) }),
    fc.constant('flush' as const),
    fc.constant('read' as const),
  )
  const model = new Map<string, number>()
  const write = (text: string, value: number | null) => {
    if (value === null) model.delete(text)
    else model.set(text, value)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      for (const doing of steps) {
        if (doing === 'flush') await store.flush()
        else if (doing === 'read') {
          for (const text of ['/x/a', '/x/b', '/x/c', '/y/a']) {
            expect(await store.has(key(text))).toBe(model.has(text))
            const read = await store.get(key(text)).then(
              ([first]) => first,
              ({ name }: Error) => name,
            )
            expect(read).toBe(model.get(text) ?? 'NotFoundError')
          }
          const expected = [...model].filter(([text]) => text.startsWith('/x/'))
          expect(await contentOf(store, '/x')).toEqual(new Map(expected.sort()))
        } else if ('put' in doing) {
          await store.put(key(doing.put), Uint8Array.of(doing.value))
          write(doing.put, doing.value)
        } else if ('del' in doing) {
          await store.delete(key(doing.del))
          write(doing.del, null)
        } else {
          const batch = store.batch()
          for (const [text, value] of doing.batch) {
            if (value === null) batch.delete(key(text))
            else batch.put(key(text), Uint8Array.of(value))
            write(text, value)
          }
          await batch.commit()
        }
      }
    }),
    { numRuns: 60 },
  )
  await store.close()
  const again = await openStore(dir)
  expect(await contentOf(again, '/')).toEqual(new Map([...model].sort()))
})

test('host store: thousands of writes in a row leave the event loop its turns', async () => {
  const store = await openStore()
  let turns = 0
  let counting = true
  const count = () => {
    turns += 1
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  for (let n = 0; n < 3000; n++) await store.put(key(`/k/${n}`), Uint8Array.of(1))
  counting = false
  expect(turns).toBeGreaterThan(100)
})

test('host store: closed, it refuses writes and keeps what it had', async () => {
  const dir = tempDir()
  const store = await openStore(dir)
  await store.put(key('/k'), Uint8Array.of(7))
  await store.close()
  await expect(store.put(key('/late'), Uint8Array.of(1))).rejects.toMatchObject({
    code: 'CANCELLED',
  })
  const again = await openStore(dir)
  expect(await contentOf(again, '/')).toEqual(new Map([['/k', 7]]))
})

test('host store: a second process on the same directory is told so', async () => {
  const dir = tempDir()
  await openStore(dir)
  await expect(openHostStore(join(dir, 'dht'), () => {})).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    exitCode: 11,
  })
})

test("host store: kad-dht's round over all records gets those of others, and ours go when old", async () => {
  const store = await openStore()
  store.usePeers('self', async () => true)
  const now = Date.now()
  await store.putProvider(['aaa'], 'self', now)
  await store.putProvider(['bbb'], 'self', now - 49 * 3_600_000)
  await store.putProvider(['aaa', 'ccc'], 'other', now - 49 * 3_600_000)
  expect([...(await contentOf(store, '/dht/provider')).keys()]).toEqual([
    '/dht/provider/aaa/other',
    '/dht/provider/ccc/other',
  ])
  expect([...(await contentOf(store, '/dht')).keys()]).toEqual([
    '/dht/provider/aaa/other',
    '/dht/provider/aaa/self',
    '/dht/provider/ccc/other',
  ])
})
