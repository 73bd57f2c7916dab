import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/content/index.js'
import { ChunkLog, type NewRecord } from '../../src/store/chunk-log.js'
import { sequenceOfKey } from '../../src/store/keys.js'
import { cleanUp, tempDir } from '../support/temp.js'
import { withLevel } from './level-support.js'

const MIB = 1024 * 1024
/** What the log counts for each record beside its bytes, and how much it trusts to be in one log. */
const OVERHEAD = 512
const ONE_LOG = 24 * MIB

async function openLog(path = join(tempDir(), 'chunks')) {
  const log = new ChunkLog(path)
  await log.open()
  cleanUp(() => log.close().catch(() => {}))
  return { log, path }
}

function record(log: ChunkLog, bytes: Uint8Array): NewRecord {
  const at = { kind: 'chunk', sizeBytes: bytes.length, dataCrc: 0, sequence: 0 } as const
  return { digest: sha256(bytes), at: { ...at, sequence: log.take(bytes.length) }, bytes }
}

const tables = async (path: string) =>
  (await readdir(path)).filter((name) => name.endsWith('.ldb')).length

// A synced marker carries all earlier records only while they lie in one log: LevelDB's own
// measure of its memtable must never be reached before ours.
for (const sizeBytes of [0, 300, 700, 1000, 1100, 4096, 60_000, 300_000]) {
  test(`chunk log: what counts as one log is one log (records of ${sizeBytes} bytes)`, async () => {
    const { log, path } = await openLog()
    // Room for the marker, which counts too.
    const count = Math.floor((ONE_LOG - OVERHEAD) / (sizeBytes + OVERHEAD))
    const bytes = new Uint8Array(sizeBytes)
    for (let i = 0; i < count; i += 500) {
      const some = Math.min(500, count - i)
      await log.append(Array.from({ length: some }, () => record(log, bytes)))
    }
    expect(await tables(path)).toBe(0)
    await log.sync()
    expect(await tables(path)).toBe(0)
    // Beyond it, the memtable is flushed before the marker.
    await log.append([
      record(log, new Uint8Array(OVERHEAD + sizeBytes)),
      record(log, randomBytes(4096)),
    ])
    await log.sync()
    expect(await tables(path)).toBeGreaterThan(0)
  })
}

test('chunk log: keys are written in the order of their sequences, markers among them', async () => {
  const { log, path } = await openLog()
  const writes: Promise<void>[] = []
  for (let i = 0; i < 200; i++) {
    writes.push(log.append([record(log, randomBytes(i % 3 === 0 ? 100_000 : 500))]))
    if (i % 10 === 0) writes.push(log.sync())
  }
  await Promise.all(writes)
  await log.sync()
  await log.close()
  const sequences = new Set<number>()
  let markers = 0
  await withLevel(path, async (db) => {
    for await (const key of db.keys()) {
      if (key.length === 8) markers++
      sequences.add(sequenceOfKey(key))
    }
  })
  expect(markers).toBeGreaterThan(1)
  expect(sequences.size).toBe(200 + markers)
})

test('chunk log: a stream makes tables that do not overlap', async () => {
  const { log, path } = await openLog()
  const bytes = randomBytes(256 * 1024)
  for (let i = 0; i < 800; i++) {
    await log.append([record(log, bytes)])
    if (i % 100 === 99) await log.sync()
  }
  await log.sync()
  await log.close()
  // 200 MiB written once: compactions would have left a trail of more and other tables.
  const count = await tables(path)
  expect(count).toBeGreaterThanOrEqual(7)
  expect(count).toBeLessThanOrEqual(18)
})

test('chunk log: after a failure nothing is written and nothing acknowledged', async () => {
  const { log } = await openLog()
  await log.append([record(log, randomBytes(1000))])
  await log.close()
  await expect(log.append([record(log, randomBytes(1000))])).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  await expect(log.sync()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
