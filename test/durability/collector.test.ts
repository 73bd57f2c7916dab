import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cidOf } from '../../src/content/index.js'
import { type CollectEvent, Collector, type CollectorInit } from '../../src/durability/index.js'
import { MemoryChunkStore, openMeta, References } from '../../src/store/index.js'
import { all, newChunk, randomChunk } from '../support/chunk-store-suite.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'

async function world(init: CollectorInit = {}) {
  const store = new MemoryChunkStore()
  const meta = await openMeta(join(tempDir(), 'meta'))
  cleanUp(() => meta.close())
  const references = new References({ meta, store })
  await references.start()
  const collector = new Collector({ store, references }, init)
  cleanUp(() => collector.stop())
  const [kept, dead] = [randomChunk(1000), randomChunk(2000)]
  await store.put([kept!, dead!])
  await references.pin(cidOf('chunk', kept!.digest))
  return { store, references, collector, kept: kept!, dead: dead! }
}

const summary = (events: readonly CollectEvent[]) => events.at(-1)

test('collect: frees what nothing keeps and says how much', async () => {
  const { store, collector, kept, dead } = await world()
  const events = await all(collector.collect())
  expect(summary(events)).toEqual({
    type: 'summary',
    chunks: 1,
    bytes: 2000,
    reclaimedBytes: 2000,
  })
  expect(events.at(-2)).toEqual({ type: 'progress', checked: 2, total: 2 })
  expect(await store.has([kept.digest, dead.digest])).toEqual([true, false])
})

test('collect: a dry run frees nothing', async () => {
  const { store, collector, dead } = await world()
  expect(summary(await all(collector.collect({ dryRun: true })))).toMatchObject({
    chunks: 1,
    bytes: 2000,
    reclaimedBytes: 0,
  })
  expect(await store.has([dead.digest])).toEqual([true])
})

test('collect: two at once both end, what one freed the other does not count', async () => {
  const { collector } = await world()
  const runs = await Promise.all([all(collector.collect()), all(collector.collect())])
  const chunks = runs.map((events) => (summary(events) as { chunks: number }).chunks)
  expect(chunks.sort()).toEqual([0, 1])
})

test('collect: what leaves early stops it, and the next one works', async () => {
  const { store, collector } = await world()
  for (let i = 0; i < 9000; i++) await store.put([newChunk(Buffer.from(`x ${i}`))])
  for await (const event of collector.collect()) {
    expect(event.type).toBe('progress')
    break
  }
  await all(collector.collect())
  expect((await store.stats()).chunks).toBe(1)
})

test('collect: an aborted run rejects with the reason', async () => {
  const { collector } = await world()
  const signal = AbortSignal.abort(new Error('no more'))
  await expect(all(collector.collect({ signal }))).rejects.toThrow('no more')
})

test('collect: runs in the background leave a cache of the newest, and drop the oldest', async () => {
  const { store, collector, kept } = await world({ intervalMs: 20, cacheBytesMax: 70 * 1024 ** 2 })
  const bytes = new Uint8Array(4 * 1024 ** 2)
  const digests: Uint8Array[] = []
  for (let i = 0; i < 40; i++) {
    bytes[0] = i
    const chunk = newChunk(bytes)
    digests.push(chunk.digest)
    await store.put([chunk])
  }
  await collector.start()
  await eventually('the cache shrinks', async () => (await store.stats()).bytes < 75 * 1024 ** 2)
  await collector.stop()
  const here = await store.has(digests)
  expect(here.at(-1)).toBe(true)
  expect(here[0]).toBe(false)
  // Old ones first: none that is gone is newer than one that stayed.
  expect(here.lastIndexOf(false)).toBeLessThan(here.indexOf(true))
  expect(await store.has([kept.digest])).toEqual([true])
})
