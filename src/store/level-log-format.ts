/**
 * LevelDB's log files, MANIFEST included, read without LevelDB: blocks of 32 KiB, in them records of
 * u32 masked CRC-32C of type and data, u16 length, u8 type, data, all little-endian; less than 7
 * bytes at the end of a block stay unused. (google/leveldb, doc/log_format.md)
 */
import { crc32c } from '@node-rs/crc32'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
/** Whole, or the first, a middle and the last piece of something larger. */
const FULL = 1
const FIRST = 2
const LAST = 4
/** What we write never ends with so many zeros. */
const ZEROS_MIN = 4

export interface LevelLogFile {
  /** Position of the first record that was whole once and isn't now. What a crash tore is no damage. */
  damagedAt: number | undefined
  /** What was written, as far as it can be read. */
  records: Buffer[]
}

export function readLevelLog(file: Buffer): LevelLogFile {
  const records: Buffer[] = []
  let pieces: Buffer[] = []
  for (let start = 0; start < file.length; start += BLOCK_BYTES) {
    const block = file.subarray(start, start + BLOCK_BYTES)
    let at = 0
    while (block.length - at >= HEADER_BYTES) {
      const length = lengthAt(block, at)
      const type = block[at + 6]!
      // Space that was allocated and never used; a record's type is never 0.
      if (type === 0 && length === 0 && isZero(block, at)) break
      const end = at + HEADER_BYTES + length
      if (end > block.length || !isWhole(block, at, length)) {
        const damagedAt = isTorn(file, start, at) ? undefined : start + at
        return { damagedAt, records }
      }
      if (type === FULL || type === FIRST) pieces = []
      pieces.push(block.subarray(at + HEADER_BYTES, end))
      if (type === FULL || type === LAST) records.push(Buffer.concat(pieces))
      at = end
    }
  }
  return { damagedAt: undefined, records }
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
  if (type < FULL || type > LAST) return false
  const crc = crc32c(block.subarray(at + 6, at + HEADER_BYTES + length))
  return block.readUInt32LE(at) === masked(crc)
}

/** CRCs of data that holds CRCs are weak; so LevelDB stores them turned. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function isZero(bytes: Buffer, from: number): boolean {
  return bytes.subarray(from).every((byte) => byte === 0)
}
