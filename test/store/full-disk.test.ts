/** On a small file system of its own, which only root can mount. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LevelChunkStore, NewChunk } from '../../src/store/index.js'
import { each, randomChunk } from '../support/chunk-store-suite.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'
import { openStore } from './level-support.js'

const MIB = 1024 * 1024

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const probe = tempDir()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe])
    return true
  } catch {
    return false
  }
}

const mountable = canMount()
if (!mountable) console.warn('full-disk tests are skipped: they mount a tmpfs, which needs root')

function smallDisk(sizeMib: number): string {
  const path = join(tempDir(), 'disk')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', path])
  cleanUp(() => {
    execFileSync('umount', ['-l', path])
  })
  return path
}

const freeBytes = (path: string) => {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

/** Fills the store until it refuses; what a barrier covered. */
async function fill(store: LevelChunkStore): Promise<{ kept: NewChunk[]; error: unknown }> {
  const kept: NewChunk[] = []
  try {
    while (true) {
      const chunks = [randomChunk(MIB), randomChunk(MIB), randomChunk(5000)]
      await store.put(chunks)
      await store.barrier()
      kept.push(...chunks)
    }
  } catch (error) {
    return { kept, error }
  }
}

async function expectAll(store: LevelChunkStore, chunks: readonly NewChunk[]): Promise<void> {
  for (const { digest, bytes } of chunks) {
    const got = await store.get(digest)
    expect(got).toBeDefined()
    expect(Buffer.compare(got!.bytes, bytes)).toBe(0)
  }
}

test.runIf(mountable)(
  'full disk: the reserve stops puts, nothing is lost, a collect makes room',
  async () => {
    const path = smallDisk(300)
    const store = await openStore(path, { reserveBytes: 100 * MIB })
    cleanUp(() => store.stop())
    const { kept, error } = await fill(store)
    expect(error).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      hint: expect.stringContaining('gc'),
    })
    expect(kept.length).toBeGreaterThan(100)
    expect(freeBytes(path)).toBeGreaterThan(10 * MIB)
    await expectAll(store, kept)
    expect(await store.put([kept[0]!])).toEqual([{ stored: false }])
    const dead = kept.slice(0, 100).map(({ digest }) => digest)
    await store.collect(each(dead), { isGarbage: () => true })
    await store.reclaim()
    await store.put([randomChunk(MIB)])
    await store.barrier()
    await expectAll(store, kept.slice(100))
  },
)

test.runIf(mountable)(
  'full disk: after LevelDB itself met it, the store opens again once there is room',
  async () => {
    const path = smallDisk(200)
    const filler = join(path, 'filler')
    await writeFile(filler, Buffer.alloc(100 * MIB))
    const store = await openStore(path, { reserveBytes: 0 })
    cleanUp(() => store.stop())
    const { kept, error } = await fill(store)
    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
    expect(store.problem()).toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
    // Still full: nothing is acknowledged.
    await expect(store.put([randomChunk(MIB)])).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
    })
    await expect(store.barrier()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
    await expectAll(store, kept.slice(0, 3))
    await rm(filler)
    await eventually('the store takes puts again', () =>
      store.put([randomChunk(MIB)]).then(
        () => true,
        () => false,
      ),
    )
    await store.barrier()
    expect(store.problem()).toBeUndefined()
    await expectAll(store, kept)
  },
)

test.runIf(mountable)('full disk: a store starts on one, thanks to its ballast', async () => {
  const path = smallDisk(200)
  const chunk = randomChunk(MIB)
  const store = await openStore(path, { reserveBytes: 0 })
  await store.put([chunk])
  await store.stop()
  const ballast = join(path, 'ballast')
  await writeFile(ballast, Buffer.alloc(100 * MIB))
  await writeFile(join(path, 'filler'), Buffer.alloc(freeBytes(path)))
  expect(freeBytes(path)).toBe(0)
  const full = await openStore(path)
  cleanUp(() => full.stop())
  await expect(stat(ballast)).rejects.toThrow()
  await expectAll(full, [chunk])
  await expect(full.put([randomChunk(MIB)])).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
})
