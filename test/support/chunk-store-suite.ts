/** The contract of a chunk store, run over every implementation. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { compareDigests, digestHex, sha256 } from '../../src/content/index.js'
import type { ChunkStore, Lease, NewChunk } from '../../src/store/index.js'

export interface StoreUnderTest {
  store: ChunkStore
  /** Flips a bit of a stored chunk's bytes on the disk. */
  damage(digest: Uint8Array): Promise<void>
  close(): Promise<void>
}

export function newChunk(bytes: Uint8Array, kind: NewChunk['kind'] = 'chunk'): NewChunk {
  return { digest: sha256(bytes), kind, bytes }
}

export function randomChunk(sizeBytes = 1000): NewChunk {
  return newChunk(new Uint8Array(randomBytes(sizeBytes)))
}

/** A lease that remembers what it was asked to protect. */
export function fakeLease(): Lease & { names: Set<string> } {
  const names = new Set<string>()
  return {
    names,
    id: 'fake',
    purpose: 'test',
    startSequence: 0,
    protect: (digests) => {
      for (const digest of digests) names.add(digestHex(digest))
    },
    unprotect: (digests) => {
      for (const digest of digests) names.delete(digestHex(digest))
    },
    covers: (digest) => names.has(digestHex(digest)),
    flush: async () => {},
    release: async () => {},
  }
}

export async function* each<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const value of values) out.push(value)
  return out
}

export function chunkStoreSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  const scenario = (title: string, run: (under: StoreUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const under = await open()
      try {
        await run(under)
      } finally {
        await under.close()
      }
    })

  describe(`chunk store: ${name}`, () => {
    scenario('what was put is got, before and after the barrier', async ({ store }) => {
      const chunks = [
        randomChunk(1),
        randomChunk(70_000),
        randomChunk(0),
        randomChunk(4 * 1024 ** 2),
      ]
      chunks.push({ ...randomChunk(300), kind: 'manifest' })
      expect(await store.put(chunks)).toEqual(chunks.map(() => ({ stored: true })))
      for (let i = 0; i < 2; i++) {
        for (const { digest, kind, bytes } of chunks) {
          const got = await store.get(digest)
          expect(got?.kind).toBe(kind)
          expect(Buffer.compare(got!.bytes, bytes)).toBe(0)
        }
        await store.barrier()
      }
    })

    scenario('bytes are taken when put resolves: the buffer may be reused', async ({ store }) => {
      const buffer = new Uint8Array(new SharedArrayBuffer(200_000))
      buffer.set(randomBytes(200_000))
      const digest = sha256(buffer.slice())
      const small = buffer.subarray(0, 100)
      const smallDigest = sha256(small.slice())
      const wanted = buffer.slice()
      await store.put([
        { digest, kind: 'chunk', bytes: buffer },
        { digest: smallDigest, kind: 'chunk', bytes: small },
      ])
      buffer.fill(0)
      expect(Buffer.compare((await store.get(digest))!.bytes, wanted)).toBe(0)
      await store.barrier()
      const got = (await store.get(smallDigest))!.bytes
      expect(Buffer.compare(got, wanted.subarray(0, 100))).toBe(0)
    })

    scenario('what is got belongs to the caller', async ({ store }) => {
      const chunk = randomChunk()
      await store.put([chunk])
      ;(await store.get(chunk.digest))!.bytes.fill(0)
      expect(Buffer.from((await store.get(chunk.digest))!.bytes)).toEqual(Buffer.from(chunk.bytes))
    })

    scenario('the same bytes are stored once', async ({ store }) => {
      const chunk = randomChunk()
      expect(await store.put([chunk, chunk])).toEqual([{ stored: true }, { stored: false }])
      expect(await store.put([chunk])).toEqual([{ stored: false }])
      await store.barrier()
      expect(await store.put([randomChunk(), chunk])).toEqual([{ stored: true }, { stored: false }])
      const both = await Promise.all([store.put([randomChunk(5)]), store.put([chunk])])
      expect(both[1]).toEqual([{ stored: false }])
      const other = randomChunk(90_000)
      const race = await Promise.all([1, 2, 3].map(() => store.put([other])))
      expect(race.flat().filter(({ stored }) => stored)).toHaveLength(1)
      expect(await store.stats()).toMatchObject({ chunks: 4, bytes: 1000 + 1000 + 5 + 90_000 })
    })

    scenario('a miss is an answer', async ({ store }) => {
      const { digest } = randomChunk()
      expect(await store.get(digest)).toBeUndefined()
      expect(await store.has([digest])).toEqual([false])
      expect(await store.info([digest])).toEqual([undefined])
      expect(await store.getMany([digest])).toEqual([undefined])
    })

    scenario('has and info answer in order, sequences grow', async ({ store }) => {
      const [a, b, missing] = [randomChunk(10), randomChunk(20), randomChunk(30)]
      const before = store.nextSequence
      await store.put([a!])
      await store.barrier()
      const between = store.nextSequence
      await store.put([b!])
      expect(await store.has([b!.digest, missing!.digest, a!.digest])).toEqual([true, false, true])
      const [infoB, none, infoA] = await store.info([b!.digest, missing!.digest, a!.digest])
      expect(none).toBeUndefined()
      expect(infoA).toMatchObject({ kind: 'chunk', sizeBytes: 10 })
      expect(infoB).toMatchObject({ kind: 'chunk', sizeBytes: 20 })
      expect(infoA!.sequence).toBeGreaterThanOrEqual(before)
      expect(infoA!.sequence).toBeLessThan(between)
      expect(infoB!.sequence).toBeGreaterThanOrEqual(between)
    })

    scenario('a list is in digest order and resumes', async ({ store }) => {
      const chunks = Array.from({ length: 30 }, (_, i) => randomChunk(i + 1))
      await store.put(chunks)
      const wanted = chunks.map(({ digest }) => digest).sort(compareDigests)
      const listed = await all(store.list())
      expect(listed.map(({ digest }) => digestHex(digest))).toEqual(wanted.map(digestHex))
      const rest = await all(store.list({ after: wanted[9]! }))
      expect(rest.map(({ digest }) => digestHex(digest))).toEqual(wanted.slice(10).map(digestHex))
    })

    scenario('a chunk above 4 MiB is refused', async ({ store }) => {
      await expect(store.put([randomChunk(4 * 1024 ** 2 + 1)])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    })

    scenario('an aborted signal leaves as its reason', async ({ store }) => {
      const signal = AbortSignal.abort(new DpsError('CANCELLED', 'gone'))
      const { digest } = randomChunk()
      for (const work of [
        store.put([randomChunk()], { signal }),
        store.get(digest, { signal }),
        store.has([digest], { signal }),
        store.barrier({ signal }),
      ]) {
        await expect(work).rejects.toThrow('gone')
      }
    })

    scenario('a damaged chunk is an error, then absent, then stored again', async (under) => {
      const { store } = under
      const [bad, good] = [randomChunk(5000), randomChunk(6000)]
      await store.put([bad!, good!])
      await store.barrier()
      await under.damage(bad!.digest)
      await expect(store.get(bad!.digest)).rejects.toMatchObject({ code: 'DATA_LOSS' })
      expect(await store.get(bad!.digest)).toBeUndefined()
      expect(await store.has([bad!.digest, good!.digest])).toEqual([false, true])
      expect(await all(store.damaged())).toMatchObject([{ sizeBytes: 5000, kind: 'chunk' }])
      expect(await store.stats()).toMatchObject({ chunks: 1, bytes: 6000 })
      expect(await store.put([bad!])).toEqual([{ stored: true }])
      await store.barrier()
      expect((await store.get(bad!.digest))!.bytes.length).toBe(5000)
      expect(await all(store.damaged())).toEqual([])
      expect(await store.stats()).toMatchObject({ chunks: 2, bytes: 11_000 })
    })

    scenario('a put of a damaged chunk stores it again', async (under) => {
      const { store } = under
      const chunk = randomChunk(100_000)
      await store.put([chunk])
      await store.barrier()
      await under.damage(chunk.digest)
      expect(await store.put([chunk])).toEqual([{ stored: true }])
      expect(Buffer.compare((await store.get(chunk.digest))!.bytes, chunk.bytes)).toBe(0)
      await store.barrier()
      expect(await store.stats()).toMatchObject({ chunks: 1, bytes: 100_000 })
    })

    scenario('of many, the damaged one is undefined', async (under) => {
      const { store } = under
      const chunks = [randomChunk(2000), randomChunk(2001), randomChunk(2002)]
      await store.put(chunks)
      await store.barrier()
      await under.damage(chunks[1]!.digest)
      const got = await store.getMany(chunks.map(({ digest }) => digest))
      expect(got.map((each) => each?.bytes.length)).toEqual([2000, undefined, 2002])
    })

    scenario('what is quarantined is absent and named', async ({ store }) => {
      const chunk = randomChunk()
      await store.put([chunk])
      await store.quarantine(chunk.digest, 'a lie')
      expect(await store.has([chunk.digest])).toEqual([false])
      expect(await all(store.damaged())).toMatchObject([{ reason: 'a lie' }])
      expect(await store.put([chunk])).toEqual([{ stored: true }])
    })

    scenario(
      'hits are protected by the lease, misses and new chunks are not named',
      async (under) => {
        const { store } = under
        const [old, fresh, missing] = [randomChunk(), randomChunk(), randomChunk()]
        await store.put([old!])
        await store.barrier()
        const lease = fakeLease()
        await store.put([old!, fresh!], { lease })
        expect([...lease.names]).toEqual([digestHex(old!.digest)])
        const asked = fakeLease()
        await store.has([old!.digest, missing!.digest], { lease: asked })
        expect([...asked.names]).toEqual([digestHex(old!.digest)])
      },
    )

    scenario('only candidates that are garbage are freed', async ({ store }) => {
      const [kept, freed, other] = [randomChunk(10), randomChunk(20), randomChunk(30)]
      await store.put([kept!, freed!, other!])
      const asked: string[] = []
      const result = await store.collect(
        each([kept!.digest, freed!.digest, randomChunk().digest]),
        {
          isGarbage: ({ digest }) => {
            asked.push(digestHex(digest))
            return digestHex(digest) === digestHex(freed!.digest)
          },
        },
      )
      expect(result).toEqual({ chunks: 1, bytes: 20 })
      expect(asked.sort()).toEqual([kept!, freed!].map(({ digest }) => digestHex(digest)).sort())
      expect(await store.has([kept!.digest, freed!.digest, other!.digest])).toEqual([
        true,
        false,
        true,
      ])
      expect(await store.get(freed!.digest)).toBeUndefined()
      expect(await store.stats()).toMatchObject({ chunks: 2, bytes: 40 })
    })

    scenario('what was freed can be stored again', async ({ store }) => {
      const chunk = randomChunk()
      await store.put([chunk])
      await store.collect(each([chunk.digest]), { isGarbage: () => true })
      expect(await store.put([chunk])).toEqual([{ stored: true }])
      await store.barrier()
      expect((await store.get(chunk.digest))!.bytes.length).toBe(1000)
    })

    scenario('a chunk that is put while it goes is stored anew', async ({ store }) => {
      const chunk = randomChunk()
      await store.put([chunk])
      await store.barrier()
      let put: Promise<{ stored: boolean }[]> | undefined
      const freed = await store.collect(each([chunk.digest]), {
        isGarbage: () => {
          // In the next turn: it is marked, and its entry is not gone yet.
          queueMicrotask(() => {
            put = store.put([chunk], { lease: fakeLease() })
          })
          return true
        },
      })
      expect(freed).toEqual({ chunks: 1, bytes: 1000 })
      expect(await put).toEqual([{ stored: true }])
      await store.barrier()
      expect(Buffer.compare((await store.get(chunk.digest))!.bytes, chunk.bytes)).toBe(0)
      expect(await store.stats()).toMatchObject({ chunks: 1, bytes: 1000 })
    })

    scenario('after a reclaim everything kept is still there', async ({ store }) => {
      const chunks = Array.from({ length: 40 }, (_, i) => randomChunk(100_000 + i))
      await store.put(chunks)
      await store.barrier()
      const dead = chunks.filter((_, i) => i % 4 !== 0)
      await store.collect(each(dead.map(({ digest }) => digest)), { isGarbage: () => true })
      const { reclaimedBytes } = await store.reclaim()
      expect(reclaimedBytes).toBeGreaterThan(2_000_000)
      for (const [i, { digest, bytes }] of chunks.entries()) {
        const got = await store.get(digest)
        if (i % 4 !== 0) expect(got).toBeUndefined()
        else expect(Buffer.compare(got!.bytes, bytes)).toBe(0)
      }
      expect(await store.reclaim()).toEqual({ reclaimedBytes: 0 })
    })
  })
}
