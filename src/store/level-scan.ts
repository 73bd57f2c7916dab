/**
 * Whether LevelDB's own files are whole, before LevelDB opens them. It can't be left to judge itself:
 *
 * - Of its log files it leaves out what it can't read, and says nothing. A batch that was being
 *   written when power failed may be left out; one that had been synced and rotted later may not, or
 *   we would forget what we promised. The two are told apart by what is left of a record: a crash
 *   leaves a beginning of it, or zeros for its end.
 * - A damaged table can trip an assertion, and that ends the process, at every start again.
 *
 * Log files: blocks of 32 KiB, in them records of u32 masked CRC-32C of type and data, u16 length, u8
 * type, data, all little-endian; less than 7 bytes at the end of a block stay unused. Tables: blocks,
 * each followed by u8 type and u32 masked CRC-32C of both; a footer names the index of all blocks.
 * (google/leveldb, doc/log_format.md and doc/table_format.md)
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const TYPE_MAX = 4
/** What we write never ends with so many zeros. */
const ZEROS_MIN = 4
const FOOTER_BYTES = 48
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')

/**
 * Reads every file that LevelDB would replay or open in this directory.
 *
 * @returns what is damaged, for a log line. Those in `tables` can end the process if they are used;
 * those in `logs` are silently left out
 */
export async function damagedLevelFiles(
  path: string,
): Promise<{ logs: string[]; tables: string[] }> {
  const names = await readdir(path).catch((): string[] => [])
  const current = await readFile(join(path, 'CURRENT'), 'utf8').catch(() => '')
  const found = { logs: [] as string[], tables: [] as string[] }
  for (const name of names.sort()) {
    if (/^\d+\.(ldb|sst)$/.test(name)) {
      if (!isWholeTable(await readFile(join(path, name)))) found.tables.push(name)
    } else if (/^\d+\.log$/.test(name) || name === current.trim()) {
      const at = firstDamage(await readFile(join(path, name)))
      if (at !== undefined) found.logs.push(`${name} at byte ${at}`)
    }
  }
  return found
}

/** Position of the first record of a log file that was whole once and isn't now. */
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

/** Whether every block that the table's index names is whole. */
export function isWholeTable(file: Buffer): boolean {
  const footer = file.length - FOOTER_BYTES
  if (footer < 0 || Buffer.compare(file.subarray(-8), TABLE_MAGIC) !== 0) return false
  try {
    const reader = new Reader(file, footer)
    const [meta, index] = [reader.handle(), reader.handle()]
    return [meta, index].every((handle) => {
      return blockAt(file, handle) && handlesOf(file, handle).every((each) => blockAt(file, each))
    })
  } catch {
    return false
  }
}

interface Handle {
  offset: number
  size: number
}

function blockAt(file: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size + 1
  if (end + 4 > file.length - FOOTER_BYTES) return false
  return file.readUInt32LE(end) === masked(crc32c(file.subarray(offset, end)))
}

/** The values of a block of handles: a table's index, or its list of filters. */
function handlesOf(file: Buffer, { offset, size }: Handle): Handle[] {
  const restarts = file.readUInt32LE(offset + size - 4)
  const end = offset + size - 4 * (restarts + 1)
  const reader = new Reader(file, offset)
  const handles: Handle[] = []
  while (reader.at < end) {
    reader.number()
    const keyBytes = reader.number()
    const valueBytes = reader.number()
    reader.at += keyBytes
    const next = reader.at + valueBytes
    handles.push(reader.handle())
    reader.at = next
  }
  return handles
}

class Reader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** A varint. Beyond 2^53 it is damage, and lies behind the end of any file. */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.at++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  handle(): Handle {
    return { offset: this.number(), size: this.number() }
  }
}
