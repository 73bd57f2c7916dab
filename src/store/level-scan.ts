/**
 * Whether LevelDB's own files are whole, before LevelDB opens them. It can't be left to judge itself:
 *
 * - Of its log files it leaves out what it can't read, and says nothing. A batch that was being
 *   written when power failed may be left out; one that had been synced and rotted later may not, or
 *   we would forget what we promised. The two are told apart by what is left of a record: a crash
 *   leaves a beginning of it, or zeros for its end.
 * - A damaged table can trip an assertion, and that ends the process, at every start again.
 *
 * Only what MANIFEST names counts: a crash leaves half-written tables and logs that were replayed.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readLevelLog } from './level-log-format.js'
import { isWholeTable } from './level-table.js'
import { VarintReader } from './level-varint.js'

/** Fields of a record in MANIFEST: db/version_edit.cc. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9

export interface LevelDamage {
  /** Their loss is not told by LevelDB. */
  logs: string[]
  /** They can end the process when they are used. */
  tables: string[]
}

/** Reads every file that LevelDB would replay or use in this directory. */
export async function damagedLevelFiles(path: string): Promise<LevelDamage> {
  const damage: LevelDamage = { logs: [], tables: [] }
  const manifest = (await readFile(join(path, 'CURRENT'), 'utf8').catch(() => '')).trim()
  if (!/^MANIFEST-\d+$/.test(manifest)) return damage
  const bytes = await readFile(join(path, manifest)).catch(() => undefined)
  // LevelDB says so itself.
  if (bytes === undefined) return damage
  const { damagedAt, records } = readLevelLog(bytes)
  if (damagedAt !== undefined) damage.logs.push(`${manifest} at byte ${damagedAt}`)
  const { tables, log } = liveFiles(records)
  const names = (await readdir(path)).sort()
  for (const name of names) {
    const number = Number.parseInt(name, 10)
    if (/^\d+\.(ldb|sst)$/.test(name) && tables.has(number)) {
      if (!isWholeTable(await readFile(join(path, name)))) damage.tables.push(name)
    } else if (/^\d+\.log$/.test(name) && number >= log) {
      const found = readLevelLog(await readFile(join(path, name))).damagedAt
      if (found !== undefined) damage.logs.push(`${name} at byte ${found}`)
    }
  }
  const present = names.some((name) => /\.log$/.test(name) && Number.parseInt(name, 10) === log)
  if (log > 0 && !present) damage.logs.push(`log ${log}, which is gone`)
  return damage
}

interface LiveFiles {
  /** Numbers of the tables in use. */
  tables: Set<number>
  /** Number of the first log that is not in them yet. */
  log: number
}

function liveFiles(records: readonly Buffer[]): LiveFiles {
  const live: LiveFiles = { tables: new Set(), log: 0 }
  for (const record of records) {
    try {
      readEdit(new VarintReader(record), live)
    } catch (error) {
      // Whole, and yet no edit: LevelDB refuses to open it.
      if (!(error instanceof RangeError)) throw error
    }
  }
  return live
}

function readEdit(reader: VarintReader, live: LiveFiles): void {
  while (!reader.ended) {
    const field = reader.number()
    switch (field) {
      case COMPARATOR:
        reader.skip(reader.number())
        break
      case LOG_NUMBER:
        live.log = reader.number()
        break
      case NEXT_FILE:
      case LAST_SEQUENCE:
      case PREVIOUS_LOG_NUMBER:
        reader.number()
        break
      case COMPACT_POINTER:
        reader.number()
        reader.skip(reader.number())
        break
      case DELETED_FILE:
        reader.number()
        live.tables.delete(reader.number())
        break
      case NEW_FILE:
        reader.number()
        live.tables.add(reader.number())
        reader.number()
        reader.skip(reader.number())
        reader.skip(reader.number())
        break
      default:
        return
    }
  }
}
