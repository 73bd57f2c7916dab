/**
 * Whether LevelDB's own log files are whole, before LevelDB opens them.
 *
 * At open LevelDB leaves out what it can't read of them, and says nothing. A batch that was being
 * written when power failed may be left out; one that had been synced and then rotted may not, or
 * this replica would forget what it promised. So the two are told apart here, by what is left of a
 * record: a crash leaves a beginning of it, or zeros for its end.
 *
 * Format: blocks of 32 KiB, in them records of u32 masked CRC-32C of type and data, u16 length, u8
 * type, data, all little-endian; less than 7 bytes at the end of a block stay unused.
 * (google/leveldb, doc/log_format.md)
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const TYPE_MAX = 4
/** A synced record never ends with so many zeros: its last bytes are the CRC of a value. */
const ZEROS_MIN = 4

/**
 * Every file that LevelDB replays when it opens this directory.
 *
 * @returns what is damaged, for a log line; empty when all is whole or merely torn
 */
export async function scanLevelLogs(path: string): Promise<string[]> {
  const names = await readdir(path).catch((): string[] => [])
  const current = await readFile(join(path, 'CURRENT'), 'utf8').catch(() => '')
  const found: string[] = []
  for (const name of names.sort()) {
    if (!/^\d+\.log$/.test(name) && name !== current.trim()) continue
    const at = firstDamage(await readFile(join(path, name)))
    if (at !== undefined) found.push(`${name} at byte ${at}`)
  }
  return found
}

/** Position of the first record that was whole once and isn't now. */
export function firstDamage(file: Buffer): number | undefined {
  for (let start = 0; start < file.length; start += BLOCK_BYTES) {
    const block = file.subarray(start, start + BLOCK_BYTES)
    let at = 0
    while (block.length - at >= HEADER_BYTES) {
      const length = lengthAt(block, at)
      // Space that was allocated and never used; a record's type is never 0.
      if (block[at + 6] === 0 && length === 0 && isZero(block, at)) break
      if (at + HEADER_BYTES + length > block.length || !isWhole(block, at, length)) {
        return isTorn(file, start, at) ? undefined : start + at
      }
      at += HEADER_BYTES + length
    }
  }
  return undefined
}

/** A broken record may be what a crash left: its beginning, and behind it nothing or zeros. */
function isTorn(file: Buffer, start: number, at: number): boolean {
  const block = file.subarray(start, start + BLOCK_BYTES)
  const end = at + HEADER_BYTES + lengthAt(block, at)
  const isLast = start + BLOCK_BYTES >= file.length
  if (isLast) {
    // Whole but for its length: that can't come from a crash.
    if (isWhole(block, at, block.length - at - HEADER_BYTES)) return false
    for (let next = at + 1; next + HEADER_BYTES < block.length; next++) {
      const length = lengthAt(block, next)
      const fits = length > 0 && next + HEADER_BYTES + length <= block.length
      if (fits && isWhole(block, next, length)) return false
    }
    if (end > block.length) return true
  }
  const tail = Math.max(at + HEADER_BYTES, Math.min(end, block.length) - ZEROS_MIN)
  return isZero(file, start + tail)
}

function lengthAt(block: Buffer, at: number): number {
  return block.readUInt16LE(at + 4)
}

function isWhole(block: Buffer, at: number, length: number): boolean {
  const type = block[at + 6]!
  if (type < 1 || type > TYPE_MAX) return false
  const crc = crc32c(block.subarray(at + 6, at + HEADER_BYTES + length))
  return block.readUInt32LE(at) === masked(crc)
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function isZero(bytes: Buffer, from: number): boolean {
  return bytes.subarray(from).every((byte) => byte === 0)
}
