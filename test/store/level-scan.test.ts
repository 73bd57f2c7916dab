import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { beforeAll, describe, expect, test } from 'vitest'
import { readLevelLog } from '../../src/store/level-log-format.js'
import { damagedLevelFiles } from '../../src/store/level-scan.js'
import { isWholeTable } from '../../src/store/level-table.js'
import { tempDir } from '../support/temp.js'

const BLOCK = 32 * 1024

/** Files as LevelDB writes them: a log of several blocks, and a table. */
let log: Buffer
let table: Buffer

const firstDamage = (file: Buffer) => readLevelLog(file).damagedAt

beforeAll(async () => {
  const path = tempDir()
  const open = async () => {
    const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view', compression: false })
    await db.open()
    return db
  }
  const db = await open()
  for (let i = 0; i < 40; i++) {
    const value = new Uint8Array(1 + ((i * 977) % 5000)).map((_, at) => 1 + ((i + at) % 250))
    await db.put(`key ${i}`, value, { sync: i % 7 === 0 })
  }
  const find = (ending: RegExp) => readdirSync(path).filter((name) => ending.test(name))
  log = readFileSync(join(path, find(/\.log$/)[0]!))
  await db.close()
  await (await open()).close()
  table = readFileSync(join(path, find(/\.ldb$/)[0]!))
})

describe('level scan: log files', () => {
  test('level scan: a whole one, and what a crash leaves of it, are no damage', () => {
    expect(log.length).toBeGreaterThan(2 * BLOCK)
    expect(firstDamage(log)).toBeUndefined()
    expect(firstDamage(Buffer.alloc(0))).toBeUndefined()
    expect(firstDamage(Buffer.concat([log, Buffer.alloc(5000)]))).toBeUndefined()
    for (let cut = 0; cut < log.length; cut += 97) {
      expect(firstDamage(log.subarray(0, cut)), `cut at ${cut}`).toBeUndefined()
      // The file has its length already, the bytes are not all there.
      const zeros = Buffer.alloc(Math.min(log.length - cut, 300))
      // Sectors are lost, not single bytes.
      if (zeros.length < 4) continue
      const torn = Buffer.concat([log.subarray(0, cut), zeros])
      expect(firstDamage(torn), `zeros from ${cut}`).toBeUndefined()
    }
  })

  test('level scan: any flipped bit is damage, the last record’s too', () => {
    const last = log.length - 2000
    for (let at = 0; at < log.length; at += at < 100 || at > last ? 1 : 61) {
      const flipped = Buffer.from(log)
      flipped[at]! ^= 1 << (at % 8)
      const found = firstDamage(flipped)
      expect(found, `at ${at}`).toBeDefined()
      expect(found).toBeLessThanOrEqual(at)
    }
  })

  test('level scan: a lost sector with others behind it is damage', () => {
    for (const at of [512, BLOCK - 512, BLOCK, BLOCK + 1024]) {
      const holed = Buffer.from(log).fill(0, at, at + 512)
      expect(firstDamage(holed), `at ${at}`).toBeDefined()
    }
  })
})

describe('level scan: tables', () => {
  test('level scan: a whole one is whole, and one with a flipped bit is not', () => {
    expect(isWholeTable(table)).toBe(true)
    for (let at = 0; at < table.length; at += at > table.length - 600 ? 1 : 53) {
      const flipped = Buffer.from(table)
      flipped[at]! ^= 1 << (at % 8)
      // Between the two handles and the magic number the footer has bytes that mean nothing.
      const padding = at >= table.length - 44 && at < table.length - 8
      if (!padding) expect(isWholeTable(flipped), `at ${at}`).toBe(false)
    }
  })

  test('level scan: noise and pieces are no tables, and harm nobody', () => {
    for (let cut = 0; cut < table.length; cut += 101) {
      expect(isWholeTable(table.subarray(0, cut))).toBe(false)
      const noise = Buffer.concat([Buffer.alloc(cut, 0xff), table.subarray(-48)])
      expect(isWholeTable(noise)).toBe(false)
    }
  })
})

test('level scan: what a crash leaves half-written, or replayed, is no damage', async () => {
  const path = tempDir()
  const open = async () => {
    const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view', compression: false })
    await db.open()
    return db
  }
  for (let i = 0; i < 12; i++) {
    const db = await open()
    // Large enough for a compaction that the close interrupts.
    for (let n = 0; n < 5; n++) await db.put(`key ${n}`, new Uint8Array(500_000).fill(i))
    await db.close()
    expect(await damagedLevelFiles(path), `after ${i}`).toEqual({ logs: [], tables: [] })
  }
  const live = readdirSync(path)
  writeFileSync(join(path, '999999.ldb'), table.subarray(0, 1000))
  const broken = Buffer.from(log)
  broken[50]! ^= 1
  writeFileSync(join(path, '000001.log'), broken)
  expect(await damagedLevelFiles(path)).toEqual({ logs: [], tables: [] })
  writeFileSync(join(path, '999999.log'), broken)
  expect((await damagedLevelFiles(path)).logs).toEqual([expect.stringContaining('999999')])
  rmSync(join(path, '999999.log'))
  const used = live.filter((name) => name.endsWith('.ldb'))
  for (const name of used) writeFileSync(join(path, name), 'no table')
  expect((await damagedLevelFiles(path)).tables.length).toBeGreaterThan(0)
  for (const name of live.filter((each) => each.endsWith('.log'))) rmSync(join(path, name))
  expect((await damagedLevelFiles(path)).logs).toEqual([expect.stringContaining('gone')])
})

test('level scan: a directory without a database is none with damage', async () => {
  const path = tempDir()
  expect(await damagedLevelFiles(join(path, 'absent'))).toEqual({ logs: [], tables: [] })
  writeFileSync(join(path, 'CURRENT'), '../../etc/passwd')
  expect(await damagedLevelFiles(path)).toEqual({ logs: [], tables: [] })
})
