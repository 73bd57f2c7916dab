import { expect, test } from 'vitest'
import { FileTreeBuilder, fixedChunking, sha256 } from '../../src/content/index.js'
import { garbage, MemoryChunkStore, openMeta, References } from '../../src/store/index.js'
import { all, newChunk } from '../support/chunk-store-suite.js'
import { cleanUp, tempDir } from '../support/temp.js'

const CHUNK = 64 * 1024

async function world() {
  const store = new MemoryChunkStore()
  const path = tempDir()
  let meta = await openMeta(path)
  cleanUp(() => meta.close())
  const make = async () => {
    const references = new References({ meta, store })
    await references.start()
    return references
  }
  const world = {
    store,
    references: await make(),
    async restart() {
      await world.references.stop()
      await meta.close()
      meta = await openMeta(path)
      world.references = await make()
    },
    async garbage(): Promise<number> {
      const sweep = world.references.sweep()
      try {
        return (await all(garbage(store, world.references, sweep))).length
      } finally {
        sweep.end()
      }
    },
    /** A file of one chunk and its manifest. */
    async file(text: string) {
      const bytes = new Uint8Array(Buffer.alloc(CHUNK, text))
      const builder = new FileTreeBuilder(fixedChunking(CHUNK), async (block) => {
        await store.put([{ ...block, kind: 'manifest' }])
      })
      const chunk = newChunk(bytes)
      await store.put([chunk])
      await builder.add(chunk.digest, bytes.length)
      return (await builder.finish(sha256(bytes))).cid
    },
  }
  return world
}

test('placed: a content is kept as by a pin, over restarts, until it is placed here no longer', async () => {
  const it = await world()
  const [one, two] = [await it.file('one'), await it.file('two')]
  await it.references.place([one, two])
  await it.references.place([one])
  expect(await it.garbage()).toBe(0)
  await it.restart()
  expect(await it.garbage()).toBe(0)
  await it.references.unplace([one])
  expect(await it.garbage()).toBe(2)
  await it.references.unplace([two, one])
  expect(await it.garbage()).toBe(4)
})

test('placed: pins and placements keep apart from each other', async () => {
  const it = await world()
  const one = await it.file('one')
  await it.references.place([one])
  await it.references.pin(one)
  await it.references.unplace([one])
  expect(await it.garbage()).toBe(0)
  await it.references.place([one])
  await it.references.unpin(one)
  expect(await it.garbage()).toBe(0)
  expect((await all(it.references.pins())).length).toBe(0)
  await it.references.unplace([one])
  expect(await it.garbage()).toBe(2)
})

test('placed: they are listed in byte order, and looked up', async () => {
  const it = await world()
  const cids = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => it.file(text)))
  await it.references.place(cids.slice(1))
  const listed = await all(it.references.placed())
  const hex = listed.map(({ bytes }) => Buffer.from(bytes).toString('hex'))
  expect(hex).toEqual([...hex].sort())
  expect(hex).toHaveLength(4)
  expect(await it.references.arePlaced(cids)).toEqual([false, true, true, true, true])
})

test('placed: while somebody is not sure what must be kept, nothing may be freed', async () => {
  const it = await world()
  await it.file('nobody wants it')
  const first = it.references.keepEverything()
  const second = it.references.keepEverything()
  expect(await it.garbage()).toBe(0)
  first()
  first()
  expect(await it.garbage()).toBe(0)
  second()
  expect(await it.garbage()).toBe(2)
})

test('placed: what becomes placed during a sweep is not freed by it', async () => {
  const it = await world()
  const cid = await it.file('late')
  await it.references.settle()
  const chunks = await all(it.store.list())
  const sweep = it.references.sweep()
  expect(chunks.map((chunk) => sweep.mayFree(chunk))).toEqual([true, true])
  await it.references.place([cid])
  expect(chunks.map((chunk) => sweep.mayFree(chunk))).toEqual([false, false])
  await it.references.settle()
  expect(chunks.map((chunk) => sweep.mayFree(chunk))).toEqual([false, false])
  sweep.end()
})
