/** What becomes of a log whose files were damaged while nobody looked. */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { LevelLogStore, type LogContents } from '../../src/raft/index.js'
import { BOOT, commands, metaAt, plain } from '../support/log-store-suite.js'
import { tempDir } from '../support/temp.js'

/** Set it to try every byte (minutes). */
const FLIPS = Number(process.env.DPS_TEST_FLIPS ?? 60)
const TIMEOUT_MS = 60_000 + FLIPS * 100

/** As a power cut at this moment would leave it; `path` is `…/raft/log`. */
function imageOf(path: string): string {
  const image = tempDir()
  cpSync(dirname(path), image, { recursive: true })
  return image
}

/** Tables, a compacted beginning, a replaced suffix, votes; and a log file that was not closed. */
async function makeImage(
  endsWith: 'entries' | 'vote',
): Promise<{ image: string; whole: LogContents }> {
  const path = join(tempDir(), 'raft', 'log')
  const open = async () => {
    const store = new LevelLogStore({}, { path })
    return { store, contents: await store.open(BOOT) }
  }
  let { store } = await open()
  await store.save({
    hardState: { term: 1, vote: 'a:1', commit: 0 },
    entries: commands(1, 4, 1),
    sync: true,
  })
  for (let i = 5; i < 15; i++) await store.save({ entries: commands(i, i, 1), sync: true })
  await store.close()
  ;({ store } = await open())
  const hardState = { term: 3, vote: 'c:1', commit: 12 }
  await store.save({ hardState, entries: commands(13, 20, 3), sync: true })
  await store.compact(metaAt(8, 1), 6)
  await store.close()
  ;({ store } = await open())
  await store.save({ entries: commands(21, 24, 3), sync: true })
  await store.save({ hardState: { term: 4, vote: 'b:1', commit: 20 }, entries: [], sync: true })
  await store.save({ entries: commands(25, 26, 4), sync: true })
  if (endsWith === 'vote') {
    await store.save({ hardState: { term: 5, vote: 'c:1', commit: 26 }, entries: [], sync: true })
  } else {
    for (let i = 27; i < 40; i++) await store.save({ entries: commands(i, i, 4), sync: true })
  }
  const image = imageOf(path)
  await store.close()
  ;({ store } = await open())
  await store.close()
  const last = await open()
  await last.store.close()
  return { image, whole: last.contents }
}

type Change = (bytes: Buffer) => Buffer | undefined

/** The image with one file changed (or gone), opened. */
async function openChanged(image: string, file: string, change: Change) {
  const copy = tempDir()
  cpSync(image, copy, { recursive: true })
  const changed = change(readFileSync(join(copy, file)))
  if (changed === undefined) rmSync(join(copy, file))
  else writeFileSync(join(copy, file), changed)
  const path = join(copy, 'log')
  const store = new LevelLogStore({}, { path })
  try {
    const contents = await store.open(BOOT)
    await store.close()
    const second = new LevelLogStore({}, { path })
    const again = await second.open(BOOT)
    await second.close()
    expect({ ...again, entries: plain(again.entries) }).toEqual({
      ...contents,
      entries: plain(contents.entries),
    })
    return contents
  } catch (error) {
    if (!(error instanceof DpsError)) throw error
    return error
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** Nothing is wrong in what it says; whether it says that something is missing. */
function judge(found: LogContents | DpsError, whole: LogContents): 'whole' | 'damaged' | 'short' {
  if (found instanceof DpsError) throw found
  const { term, vote } = whole.hardState
  expect(found.hardState).toMatchObject({ term, vote })
  const known = new Map(plain(whole.entries).map((entry, i) => [whole.entries[i]!.index, entry]))
  const entries = plain(found.entries)
  for (const [i, { index }] of found.entries.entries()) expect(entries[i]).toEqual(known.get(index))
  const last = found.entries.at(-1)?.index ?? found.snapshot.index
  expect(found.hardState.commit).toBeLessThanOrEqual(last)
  const first = found.entries[0]?.index ?? last + 1
  expect(first).toBeLessThanOrEqual(found.snapshot.index + 1)
  if (found.damaged) return 'damaged'
  expect(found.snapshot).toEqual(whole.snapshot)
  expect(found.generation).toBe(whole.generation)
  return last === whole.entries.at(-1)!.index ? 'whole' : 'short'
}

function filesOf(image: string): string[] {
  const all = readdirSync(image, { recursive: true, encoding: 'utf8' })
  return all.filter((name) => statSync(join(image, name)).isFile() && !/LOCK|LOG/.test(name)).sort()
}

/** Some positions of a file, the same each time. */
function* positions(size: number, many: number): Generator<number> {
  const step = Math.max(1, size / many)
  for (let at = 0; at < size; at += step) yield Math.floor(at)
}

describe.each(['entries', 'vote'] as const)('a log that ends with %s', (endsWith) => {
  let made: Awaited<ReturnType<typeof makeImage>>
  beforeAll(async () => {
    made = await makeImage(endsWith)
  })

  test('log damage: the image itself is whole', async () => {
    const { image, whole } = made
    expect(whole.damaged).toBe(false)
    expect(filesOf(image).some((name) => name.endsWith('.ldb'))).toBe(true)
    const found = await openChanged(image, 'log.promises', (bytes) => bytes)
    expect(judge(found, whole)).toBe('whole')
  })

  test(
    'log damage: a flipped bit anywhere is found, and no vote is forgotten',
    async () => {
      const { image, whole } = made
      const files = filesOf(image)
      const total = files.reduce((sum, name) => sum + statSync(join(image, name)).size, 0)
      const outcomes = { whole: 0, damaged: 0 }
      for (const file of files) {
        const { size } = statSync(join(image, file))
        const many = Math.max(8, (FLIPS * size) / total)
        for (const at of positions(size, many)) {
          const flip = (bytes: Buffer) => {
            bytes[at]! ^= 1 << ((at * 7) % 8)
            return bytes
          }
          const found = await openChanged(image, file, flip)
          const outcome = judge(found, whole)
          expect(outcome, `${file} at ${at}`).not.toBe('short')
          if (file === 'log.promises') expect(outcome).toBe('whole')
          outcomes[outcome as 'whole' | 'damaged']++
        }
      }
      expect(outcomes.damaged).toBeGreaterThan(10)
    },
    TIMEOUT_MS,
  )

  test(
    'log damage: a file cut short is found, and no vote is forgotten',
    async () => {
      const { image, whole } = made
      for (const file of filesOf(image)) {
        const { size } = statSync(join(image, file))
        for (const at of positions(size, FLIPS / 12)) {
          const found = await openChanged(image, file, (bytes) => bytes.subarray(0, at))
          const outcome = judge(found, whole)
          // The end of the newest file may be torn by an honest crash, too.
          if (!/\d\.log$/.test(file)) expect(outcome, `${file} at ${at}`).not.toBe('short')
        }
      }
    },
    TIMEOUT_MS,
  )

  test('log damage: a file that is gone is noticed, and no vote is forgotten', async () => {
    const { image, whole } = made
    for (const file of filesOf(image)) {
      const outcome = judge(await openChanged(image, file, () => undefined), whole)
      const torn = /\d\.log$/.test(file)
      expect(outcome, file).toBe(file === 'log.promises' ? 'whole' : torn ? outcome : 'damaged')
    }
  })
})

test('log damage: with database and promises gone bad the vote is lost, and it says so', async () => {
  const { image } = await makeImage('vote')
  const bad = (bytes: Buffer) => bytes.fill(0xaa)
  writeFileSync(join(image, 'log.promises'), bad(readFileSync(join(image, 'log.promises'))))
  const manifest = filesOf(image).find((name) => name.includes('MANIFEST'))!
  const found = await openChanged(image, manifest, bad)
  expect(found).toBeInstanceOf(DpsError)
  expect(found).toMatchObject({ code: 'DATA_LOSS' })
})
