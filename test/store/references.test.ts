import { createHash } from 'node:crypto'
import type { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/base/index.js'
import {
  cidOf,
  DirectoryTreeBuilder,
  digestOf,
  FileTreeBuilder,
  fixedChunking,
  sha256,
} from '../../src/content/index.js'
import { garbage, MemoryChunkStore, openMeta, References } from '../../src/store/index.js'
import { all, newChunk, randomChunk } from '../support/chunk-store-suite.js'
import { cleanUp, tempDir } from '../support/temp.js'

const CHUNK = 64 * 1024

async function world({ clock }: { clock?: Clock } = {}) {
  const store = new MemoryChunkStore()
  const path = tempDir()
  let meta = await openMeta(path)
  cleanUp(() => meta.close())
  const make = async () => {
    const references = new References({ meta, store, ...(clock && { clock }) })
    await references.start()
    return references
  }
  const world = {
    store,
    references: await make(),
    get meta() {
      return meta
    },
    /** As after a crash: a new process, the same disk. */
    async restart() {
      await world.references.stop()
      await meta.close()
      meta = await openMeta(path)
      world.references = await make()
    },
    /** Digests that a collector would free now. */
    async garbage(): Promise<Set<string>> {
      const sweep = world.references.sweep()
      try {
        const found = await all(garbage(store, world.references, sweep))
        return new Set(found.map(({ digest }) => Buffer.from(digest).toString('hex')))
      } finally {
        sweep.end()
      }
    },
  }
  return world
}

const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')

/** A file of so many chunks; every chunk's bytes follow from `seed` and its place. */
async function file(store: MemoryChunkStore, seed: string, chunks: number) {
  const digests: Uint8Array[] = []
  const builder = new FileTreeBuilder(fixedChunking(CHUNK), async ({ digest, bytes }) => {
    digests.push(digest)
    await store.put([{ digest, kind: 'manifest', bytes }])
  })
  const whole = createHash('sha256')
  for (let i = 0; i < chunks; i++) {
    const chunk = newChunk(Buffer.alloc(CHUNK, `${seed} ${i} `))
    whole.update(chunk.bytes)
    digests.push(chunk.digest)
    await store.put([chunk])
    await builder.add(chunk.digest, CHUNK)
  }
  const { cid, sizeBytes } = await builder.finish(new Uint8Array(whole.digest()))
  return { cid, sizeBytes, digests: new Set(digests.map(hex)) }
}

async function directory(
  store: MemoryChunkStore,
  entries: Record<string, { cid: CID; sizeBytes: number }>,
) {
  const digests = new Set<string>()
  const builder = new DirectoryTreeBuilder(async ({ digest, bytes }) => {
    digests.add(hex(digest))
    await store.put([{ digest, kind: 'manifest', bytes }])
  })
  for (const name of Object.keys(entries).sort()) {
    await builder.add({ name, kind: 'file', ...entries[name]! })
  }
  const { cid, sizeBytes } = await builder.finish()
  return { cid, sizeBytes, digests }
}

test('references: a pin keeps all that it leads to, and nothing else', async () => {
  const { store, references, garbage } = await world()
  const kept = await file(store, 'kept', 3)
  const dead = await file(store, 'dead', 2)
  await references.pin(kept.cid, { name: 'k' })
  expect(await garbage()).toEqual(dead.digests)
  expect(await references.isReferenced(digestOf(kept.cid))).toBe(true)
  expect(await references.isReferenced(digestOf(dead.cid))).toBe(false)
})

test('references: what two roots share stays until both are unpinned', async () => {
  const { store, references, garbage } = await world()
  const shared = await file(store, 'shared', 2)
  const own = await file(store, 'own', 1)
  const one = await directory(store, { s: shared })
  const two = await directory(store, { o: own, s: shared, t: shared })
  await references.pin(one.cid)
  await references.pin(two.cid)
  expect(await garbage()).toEqual(new Set())
  expect(await references.unpin(two.cid)).toBe(true)
  expect(await garbage()).toEqual(new Set([...two.digests, ...own.digests]))
  await references.pin(shared.cid)
  await references.unpin(one.cid)
  expect(await garbage()).toEqual(new Set([...one.digests, ...two.digests, ...own.digests]))
  await references.unpin(shared.cid)
  expect((await garbage()).size).toBe((await all(store.list())).length)
  expect(await references.unpin(shared.cid)).toBe(false)
})

test('references: a chunk that repeats in a file is one chunk, unpinned whole', async () => {
  const { store, references, garbage } = await world()
  const builder = new FileTreeBuilder(fixedChunking(CHUNK), async (block) => {
    await store.put([{ ...block, kind: 'manifest' }])
  })
  const zeros = newChunk(new Uint8Array(CHUNK))
  await store.put([zeros])
  for (let i = 0; i < 1000; i++) await builder.add(zeros.digest, CHUNK)
  const { cid } = await builder.finish(sha256(new Uint8Array(1)))
  await references.pin(cid)
  expect(await garbage()).toEqual(new Set())
  await references.unpin(cid)
  expect((await garbage()).size).toBe(2)
})

test('references: a raw CID can be pinned: a file of one chunk', async () => {
  const { store, references, garbage } = await world()
  const [a, b] = [randomChunk(), randomChunk()]
  await store.put([a!, b!])
  await references.pin(cidOf('chunk', a!.digest))
  expect(await garbage()).toEqual(new Set([hex(b!.digest)]))
})

test('references: pins are listed with their names and times, and survive a restart', async () => {
  const now = { value: 1000 }
  const clock: Clock = { now: () => now.value, monotonicMs: () => now.value }
  const it = await world({ clock })
  const a = await file(it.store, 'a', 1)
  const b = await file(it.store, 'b', 1)
  await it.references.pin(a.cid, { name: 'a' })
  now.value = 2000
  await it.references.pin(b.cid, { name: 'b', ttlMs: 500 })
  await it.references.pin(a.cid, { name: 'A', ttlMs: 10 }) // for ever stays for ever
  await it.restart()
  const pins = await all(it.references.pins())
  expect(new Map(pins.map(({ name, ...rest }) => [name, rest]))).toEqual(
    new Map([
      ['A', { cid: a.cid, createdAt: 1000 }],
      ['b', { cid: b.cid, createdAt: 2000, expiresAt: 2500 }],
    ]),
  )
  expect(await it.garbage()).toEqual(new Set())
  now.value = 2500
  expect(await it.references.pinOf(b.cid)).toBeUndefined()
  expect(await it.references.expire()).toBe(1)
  expect(await it.garbage()).toEqual(b.digests)
})

test('references: pinning again makes a life longer, never shorter', async () => {
  const now = { value: 0 }
  const { store, references } = await world({
    clock: { now: () => now.value, monotonicMs: () => now.value },
  })
  const { cid } = await file(store, 'x', 1)
  await references.pin(cid, { ttlMs: 1000 })
  await references.pin(cid, { ttlMs: 500 })
  expect((await references.pinOf(cid))!.expiresAt).toBe(1000)
  await references.pin(cid, { ttlMs: 5000 })
  expect((await references.pinOf(cid))!.expiresAt).toBe(5000)
  await references.pin(cid)
  expect((await references.pinOf(cid))!.expiresAt).toBeUndefined()
})

test('references: a lease covers what was put under it, hits and new chunks alike', async () => {
  const { store, references, garbage } = await world()
  const [hit, plain] = [randomChunk(), randomChunk()]
  await store.put([hit!, plain!])
  const lease = await references.openLease({ ttlMs: 60_000, purpose: 'publish' })
  const fresh = randomChunk()
  await store.put([hit!, fresh], { lease })
  expect(await garbage()).toEqual(new Set([hex(plain!.digest)]))
  await lease.release()
  expect((await garbage()).size).toBe(3)
})

test('references: a lease that ends while a sweep runs covers until the end of the sweep', async () => {
  const { store, references } = await world()
  const lease = await references.openLease({ ttlMs: 60_000, purpose: 'publish' })
  const chunk = randomChunk()
  await store.put([chunk], { lease })
  await references.settle()
  const [info] = await store.info([chunk.digest])
  const sweep = references.sweep()
  await lease.release()
  expect(sweep.mayFree(info!)).toBe(false)
  sweep.end()
  const next = references.sweep()
  await references.settle()
  expect(next.mayFree(info!)).toBe(true)
  next.end()
})

test('references: what is stored after a sweep began is none of its business', async () => {
  const { store, references } = await world()
  const sweep = references.sweep()
  const chunk = randomChunk()
  await store.put([chunk])
  await references.settle()
  const [info] = await store.info([chunk.digest])
  expect(sweep.mayFree(info!)).toBe(false)
  sweep.end()
})

test('references: while a pin is being written or counted, nothing is garbage for sure', async () => {
  const { store, references } = await world()
  const content = await file(store, 'late', 2)
  const other = randomChunk()
  await store.put([other])
  const [info] = await store.info([other.digest])
  const [wanted] = await store.info([digestOf(content.cid)])
  const sweep = references.sweep()
  await references.settle()
  expect(sweep.mayFree(info!)).toBe(true)
  const pinning = references.pin(content.cid)
  expect(sweep.mayFree(info!)).toBe(false)
  await pinning
  expect(sweep.mayFree(info!)).toBe(false)
  await references.settle()
  expect(sweep.mayFree(info!)).toBe(true)
  // Looked up before the pin, judged after it: it became referenced meanwhile.
  expect(sweep.mayFree(wanted!)).toBe(false)
  sweep.end()
})

test('references: a lease of very many names covers everything instead of naming it', async () => {
  const { store, references, garbage } = await world()
  const old = randomChunk(100)
  await store.put([old])
  const lease = await references.openLease({ ttlMs: 60_000, purpose: 'publish' })
  expect((await garbage()).size).toBe(1)
  // Hits: chunks that are stored already, each of which the lease must keep.
  for (let at = 0; at < 210_000; at += 1000) {
    lease.protect(
      Array.from({ length: 1000 }, (_, i) => {
        const digest = new Uint8Array(32)
        new DataView(digest.buffer).setUint32(0, at + i)
        return digest
      }),
    )
  }
  lease.protect([old.digest])
  lease.unprotect([old.digest])
  expect((await garbage()).size).toBe(0)
  await lease.release()
  expect((await garbage()).size).toBe(1)
})

test('references: leases of a crashed process cover what it had, until their time is over', async () => {
  const now = { value: 0 }
  const it = await world({ clock: { now: () => now.value, monotonicMs: () => now.value } })
  const [hit, after, during] = [randomChunk(), randomChunk(), randomChunk()]
  await it.store.put([hit!])
  const lease = await it.references.openLease({ ttlMs: 1000, purpose: 'get' })
  await it.store.put([hit!, during!], { lease })
  await lease.flush()
  await it.restart()
  await it.store.put([after!])
  expect(await it.garbage()).toEqual(new Set([hex(after!.digest)]))
  await it.restart()
  expect(await it.garbage()).toEqual(new Set([hex(after!.digest)]))
  now.value = 1001
  await it.references.expire()
  expect((await it.garbage()).size).toBe(3)
})

test('references: a pinned manifest that is missing stops collecting, until it is unpinned', async () => {
  const { store, references, garbage } = await world()
  const content = await file(store, 'whole', 2)
  const root = await directory(store, { f: content })
  await references.pin(root.cid)
  await store.quarantine(digestOf(content.cid), 'test')
  await expect(garbage()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  await references.unpin(root.cid)
  expect((await garbage()).size).toBe(3)
})

test('references: a manifest lost before its unpin leaves no count behind', async () => {
  const { store, references, garbage } = await world()
  const content = await file(store, 'lost', 2)
  const kept = await file(store, 'kept', 1)
  const root = await directory(store, { f: content })
  await references.pin(root.cid)
  await references.pin(kept.cid)
  expect(await garbage()).toEqual(new Set())
  await store.quarantine(digestOf(content.cid), 'test')
  await references.unpin(root.cid)
  // Root and the two chunks of the lost manifest.
  expect((await garbage()).size).toBe(3)
})

test('references: a large folder is counted, whatever the restarts in between', async () => {
  const it = await world()
  const entries: Record<string, { cid: CID; sizeBytes: number }> = {}
  for (let i = 0; i < 1500; i++) {
    const chunk = newChunk(Buffer.from(`small ${i}`))
    const builder = new FileTreeBuilder(fixedChunking(CHUNK), async (block) => {
      await it.store.put([{ ...block, kind: 'manifest' }])
    })
    await it.store.put([chunk])
    await builder.add(chunk.digest, chunk.bytes.length)
    entries[`f${String(i).padStart(5, '0')}`] = await builder.finish(chunk.digest)
  }
  const root = await directory(it.store, entries)
  await it.references.pin(root.cid)
  // Cut short in the middle of counting.
  const controller = new AbortController()
  const settling = it.references.settle({ signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 5)
  await settling.catch(() => {})
  await it.restart()
  expect(await it.garbage()).toEqual(new Set())
  await it.references.unpin(root.cid)
  await it.restart()
  expect((await it.garbage()).size).toBe(3001)
})
