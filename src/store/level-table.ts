/**
 * LevelDB's tables, checked without LevelDB: blocks, each followed by u8 type and u32 masked CRC-32C of
 * both; a footer names the index of all blocks. (google/leveldb, doc/table_format.md)
 */
import { crc32c } from '@node-rs/crc32'
import { masked } from './level-log-format.js'
import { VarintReader } from './level-varint.js'

const FOOTER_BYTES = 48
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')

interface Handle {
  offset: number
  size: number
}

/** Whether every block that the table's index names is whole. */
export function isWholeTable(file: Buffer): boolean {
  const footer = file.length - FOOTER_BYTES
  if (footer < 0 || Buffer.compare(file.subarray(-8), TABLE_MAGIC) !== 0) return false
  try {
    const reader = new VarintReader(file, footer)
    const [meta, index] = [handleAt(reader), handleAt(reader)]
    return [meta, index].every((handle) => {
      return blockAt(file, handle) && handlesOf(file, handle).every((each) => blockAt(file, each))
    })
  } catch {
    return false
  }
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
  const reader = new VarintReader(file, offset)
  const handles: Handle[] = []
  while (reader.at < end) {
    reader.number()
    const keyBytes = reader.number()
    const valueBytes = reader.number()
    reader.skip(keyBytes)
    const next = reader.at + valueBytes
    handles.push(handleAt(reader))
    reader.skip(next - reader.at)
  }
  return handles
}

function handleAt(reader: VarintReader): Handle {
  return { offset: reader.number(), size: reader.number() }
}
