/**
 * The collector against everything else: publishers that deduplicate against what is being freed,
 * unpins, reads. A model knows what is pinned; everything it knows must be there at all times.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { FileTreeBuilder, fixedChunking } from '../../src/content/index.js'
import { Collector } from '../../src/durability/index.js'
import { LevelChunkStore, type NewChunk, openMeta, References } from '../../src/store/index.js'
import { newChunk } from '../support/chunk-store-suite.js'
import { tempDir } from '../support/temp.js'

const CHUNK = 64 * 1024
/** Few enough that most of a file was stored before, and is garbage just now. */
const CONTENTS = 24
const PUBLISHERS = 4

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const contents = Array.from({ length: CONTENTS }, (_, i) =>
  newChunk(Buffer.alloc(CHUNK, `content ${i} `)),
)

interface Published {
  cid: CID
  blocks: NewChunk[]
}

async function recipe(picks: readonly number[]): Promise<Published> {
  const blocks: NewChunk[] = []
  const builder = new FileTreeBuilder(fixedChunking(CHUNK), ({ digest, bytes }) => {
    blocks.push({ digest, bytes, kind: 'manifest' })
  })
  const whole = createHash('sha256')
  for (const pick of picks) {
    const chunk = contents[pick]!
    whole.update(chunk.bytes)
    blocks.push(chunk)
    await builder.add(chunk.digest, CHUNK)
  }
  const { cid } = await builder.finish(new Uint8Array(whole.digest()))
  return { cid, blocks }
}

for (const seed of [1, 2, 3]) {
  test(`sweep: nothing that is pinned or being published is ever freed (seed ${seed})`, async () => {
    const path = tempDir()
    const store = new LevelChunkStore({}, { path: join(path, 'disk'), ballastBytes: 0 })
    await store.start()
    const meta = await openMeta(join(path, 'meta'))
    const references = new References({ meta, store })
    await references.start()
    const collector = new Collector({ store, references })
    const random = randomFrom(seed)
    const pinned = new Map<string, Published>()
    const busy = new Set<string>()
    const stopAt = performance.now() + 4000
    const running = () => performance.now() < stopAt
    const counts = { published: 0, unpinned: 0, freed: 0, sweeps: 0, reads: 0 }

    const check = async ({ cid, blocks }: Published) => {
      for (const { digest, bytes } of blocks) {
        const got = await store.get(digest)
        expect(got, `a block of ${cid}`).toBeDefined()
        expect(Buffer.compare(got!.bytes, bytes)).toBe(0)
      }
    }
    const publisher = async () => {
      while (running()) {
        const picks = Array.from({ length: 1 + random(5) }, () => random(CONTENTS))
        const file = await recipe(picks)
        const key = file.cid.toString()
        if (busy.has(key)) continue
        busy.add(key)
        const lease = await references.openLease({ ttlMs: 60_000, purpose: 'publish' })
        try {
          for (const block of file.blocks) await store.put([block], { lease })
          await store.barrier()
          // From here on it was promised.
          await check(file)
          await references.pin(file.cid, { lease })
        } finally {
          await lease.release()
        }
        pinned.set(key, file)
        counts.published++
        busy.delete(key)
      }
    }
    const unpinner = async () => {
      while (running()) {
        const keys = [...pinned.keys()].filter((key) => !busy.has(key))
        const key = keys[random(Math.max(1, keys.length))]
        if (key === undefined || pinned.size < 3) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          continue
        }
        busy.add(key)
        const file = pinned.get(key)!
        pinned.delete(key)
        await references.unpin(file.cid)
        counts.unpinned++
        busy.delete(key)
      }
    }
    const reader = async () => {
      while (running()) {
        const keys = [...pinned.keys()].filter((key) => !busy.has(key))
        const key = keys[random(Math.max(1, keys.length))]
        if (key !== undefined) {
          busy.add(key)
          await check(pinned.get(key)!)
          busy.delete(key)
          counts.reads++
        } else await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const sweeper = async () => {
      while (running()) {
        for await (const event of collector.collect()) {
          if (event.type === 'summary') counts.freed += event.chunks
        }
        counts.sweeps++
      }
    }
    await Promise.all([
      ...Array.from({ length: PUBLISHERS }, publisher),
      unpinner(),
      unpinner(),
      reader(),
      sweeper(),
    ])
    for (const file of pinned.values()) await check(file)
    // Nothing runs: what is left after a last sweep is what the pins lead to, and nothing else.
    for await (const _ of collector.collect());
    const wanted = new Set<string>()
    for (const { blocks } of pinned.values()) {
      for (const { digest } of blocks) wanted.add(Buffer.from(digest).toString('hex'))
    }
    const left = new Set<string>()
    for await (const { digest } of store.list()) left.add(Buffer.from(digest).toString('hex'))
    expect(left).toEqual(wanted)
    expect((await store.stats()).chunks).toBe(wanted.size)
    // It was a fight.
    expect(counts.freed).toBeGreaterThan(20)
    expect(counts.published).toBeGreaterThan(20)
    await references.stop()
    await store.stop()
    await meta.close()
  })
}
