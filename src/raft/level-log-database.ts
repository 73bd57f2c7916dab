/** The database below a log: opened, read whole once, then only written. */
import { mkdir, rename, rm } from 'node:fs/promises'
import { type AbortOptions, DpsError } from '../base/index.js'
import { damagedLevelFiles, type LevelDb, levelDb, levelError, openLevel } from '../store/index.js'
import type { Found } from './level-log-recovery.js'
import {
  decodeHardState,
  decodePack,
  decodeSnapshot,
  firstOfPackKey,
  HARD_STATE_KEY,
  packKey,
  SNAPSHOT_KEY,
} from './log-codec.js'

export type LogOperation =
  | { type: 'put'; key: Uint8Array; value: Uint8Array }
  | { type: 'del'; key: Uint8Array }

/** LevelDB's log is read twice at open, and its memory is twice this. */
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024
const READ_BATCH = 256
const CHAINED_BYTES_MAX = 64 * 1024

export type FoundOnDisk = Omit<Found, 'promises'> & {
  /** Keys of records that nobody here wrote. */
  strangers: Uint8Array[]
}

export class LogDatabase {
  readonly #path: string
  #opened: LevelDb | undefined

  constructor(path: string) {
    this.#path = path
  }

  get #db(): LevelDb {
    if (this.#opened === undefined) throw new DpsError('UNAVAILABLE', `${this.#path} is not open`)
    return this.#opened
  }

  /**
   * Opens and reads everything.
   *
   * @param replaceable whether a database that can't be read may be put aside for a new one
   * @throws FAILED_PRECONDITION in use, or newer; DATA_LOSS; RESOURCE_EXHAUSTED
   */
  async open(replaceable: boolean, options: AbortOptions = {}): Promise<FoundOnDisk> {
    await mkdir(this.#path, { recursive: true })
    // Before LevelDB opens it: after that the evidence is gone.
    const { logs, tables } = await damagedLevelFiles(this.#path)
    const damage = [...logs, ...tables].map((where) => `a damaged file: ${where}`)
    try {
      if (tables.length > 0) throw new DpsError('DATA_LOSS', `${this.#path} has damaged tables`)
      return await this.#openAndRead(damage, options)
    } catch (error) {
      const known = damageOr(levelError(error, this.#path))
      await this.close()
      if (known.code !== 'DATA_LOSS' || !replaceable) throw known
      options.signal?.throwIfAborted()
      await this.#putAside()
      return this.#openAndRead([...damage, known.message], options)
    }
  }

  async #openAndRead(damage: string[], options: AbortOptions): Promise<FoundOnDisk> {
    this.#opened = await openLevel(
      () =>
        levelDb(this.#path, {
          writeBufferSize: WRITE_BUFFER_BYTES,
          maxFileSize: WRITE_BUFFER_BYTES,
          // Read once, at open.
          cacheSize: 256 * 1024,
        }),
      this.#path,
    )
    const found: FoundOnDisk = {
      packs: [],
      hardState: 'missing',
      snapshot: 'missing',
      damage: [...damage],
      strangers: [],
    }
    const iterator = this.#db.iterator({ fillCache: false })
    try {
      for (;;) {
        options.signal?.throwIfAborted()
        const rows = await iterator.nextv(READ_BATCH)
        if (rows.length === 0) break
        for (const [key, value] of rows) take(found, key, value)
      }
    } finally {
      await iterator.close()
    }
    return found
  }

  /** A person may want to look at it. */
  async #putAside(): Promise<void> {
    const aside = `${this.#path}.damaged`
    await rm(aside, { recursive: true, force: true })
    await rename(this.#path, aside)
    await mkdir(this.#path, { recursive: true })
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#db.get(key, { fillCache: false })
  }

  /** All or nothing. A single operation costs half of a batch of it. */
  async write(operations: LogOperation[], { sync }: { sync: boolean }): Promise<void> {
    const [first] = operations
    if (operations.length === 1 && first?.type === 'put') {
      return this.#db.put(first.key, first.value, { sync })
    }
    // Ten times cheaper for small ones, but its memory waits for the garbage collector.
    if (bytesOf(operations) > CHAINED_BYTES_MAX) return this.#db.batch(operations, { sync })
    const batch = this.#db.batch()
    for (const each of operations) {
      if (each.type === 'put') batch.put(each.key, each.value)
      else batch.del(each.key)
    }
    return batch.write({ sync })
  }

  /** Gives back the space of deleted records. Runs beside writes; swallows errors. */
  async compact(from: number, to: number): Promise<void> {
    await this.#db.compactRange(packKey(from), packKey(to))
  }

  async close(): Promise<void> {
    const db = this.#opened
    this.#opened = undefined
    await db?.close()
  }
}

/** Files that are shorter than their tables of contents say, and sectors that can't be read. */
function damageOr(error: DpsError): DpsError {
  const { code, message, cause } = error
  const unreadable = code === 'UNAVAILABLE' && /invalid argument|input\/output/i.test(message)
  return unreadable ? new DpsError('DATA_LOSS', message, { cause }) : error
}

function bytesOf(operations: readonly LogOperation[]): number {
  return operations.reduce((sum, each) => sum + (each.type === 'put' ? each.value.length : 0), 0)
}

function take(found: FoundOnDisk, key: Uint8Array, value: Uint8Array): void {
  const first = firstOfPackKey(key)
  if (first !== undefined) {
    const pack = whole(() => decodePack(key, value))
    found.packs.push({ first, bytes: value.byteLength, pack })
  } else if (Buffer.compare(key, HARD_STATE_KEY) === 0) {
    found.hardState = whole(() => decodeHardState(value)) ?? 'damaged'
  } else if (Buffer.compare(key, SNAPSHOT_KEY) === 0) {
    found.snapshot = whole(() => decodeSnapshot(value)) ?? 'damaged'
  } else {
    found.strangers.push(key)
    found.damage.push(`a key that nobody wrote: ${Buffer.from(key).toString('hex')}`)
  }
}

/** Undefined for a damaged record; one of a newer version is no damage, and must not be touched. */
function whole<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DpsError && error.code === 'DATA_LOSS') return undefined
    throw error
  }
}
