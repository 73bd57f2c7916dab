/**
 * The `index/` database: where each chunk lies, and how much there is.
 *
 * It can be rebuilt from the chunk log's keys, so its writes are not synced one by one. An entry
 * is written only when its record is durable (see LevelChunkStore), so after power loss the index
 * may lack entries but has none too many; those behind the checkpoint are found again in the log.
 */
import { writeFile } from 'node:fs/promises'
import type { AbortOptions } from '../base/index.js'
import { DpsError } from '../base/index.js'
import { DIGEST_BYTES, type Digest, digestKey } from '../content/index.js'
import type { Damage } from './chunk-store.js'
import {
  decodeLocation,
  decodeQuarantine,
  encodeLocation,
  encodeQuarantine,
  type Location,
  QUARANTINE_KEY_BYTES,
  quarantineKey,
  STATE_KEY,
} from './keys.js'
import { type LevelDb, levelDb, levelError, openLevel } from './level-db.js'

/** A million chunks are 60 MB of index; a larger buffer would be memory for nothing. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024
const CACHE_BYTES = 8 * 1024 * 1024
const LIST_BATCH = 1000
const AFTER_ALL = new Uint8Array(DIGEST_BYTES + 2).fill(0xff)

export interface IndexState {
  format: 1
  /** Every record of a smaller sequence is durably indexed. */
  checkpoint: number
  /** Sequences from here on were never used. */
  nextSequence: number
  /** As of a clean stop; otherwise they are counted again. */
  chunks: number
  bytes: number
  clean: boolean
  /** A range of the log that holds nothing live and is being cleared; finished at the next start. */
  clearing?: { from: number; to: number }
}

/** What the caller of a checkpoint knows. */
export type Checkpoint = Omit<IndexState, 'format' | 'chunks' | 'bytes'>

export interface IndexEntry {
  digest: Digest
  at: Location
}

export interface IndexMove extends IndexEntry {
  /** Moves only what still lies there. */
  from: number
}

type IndexOp =
  | { type: 'put'; digest: Digest; at: Location; before: Location | undefined }
  | { type: 'del'; digest: Digest; before: Location }
  | { type: 'quarantine'; digest: Digest; before: Location; reason: string }

export class ChunkIndex {
  readonly #path: string
  #opened: LevelDb | undefined
  #chunks = 0
  #bytes = 0
  #counted: Promise<void> = Promise.resolve()
  /** Changes read, decide and write: one at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Digest keys of {@link quarantined}. */
  readonly #quarantine = new Set<string>()

  constructor(path: string) {
    this.#path = path
  }

  get #db(): LevelDb {
    if (this.#opened === undefined) throw new DpsError('UNAVAILABLE', `${this.#path} is not open`)
    return this.#opened
  }

  /** @throws DATA_LOSS when damaged: move it aside and rebuild it. */
  async open(): Promise<IndexState | undefined> {
    const make = () =>
      levelDb(this.#path, {
        writeBufferSize: WRITE_BUFFER_BYTES,
        maxFileSize: 2 * 1024 * 1024,
        cacheSize: CACHE_BYTES,
      })
    this.#opened = await openLevel(make, this.#path)
    const value = await this.#guard(this.#db.get(STATE_KEY))
    if (value === undefined) return undefined
    const state = parseState(value)
    if (state === undefined) {
      await this.#db.close()
      throw new DpsError('DATA_LOSS', `${this.#path}: its state is damaged`)
    }
    this.#chunks = state.chunks
    this.#bytes = state.bytes
    for await (const { digest } of this.quarantined()) this.#quarantine.add(digestKey(digest))
    return state
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#opened?.close()
  }

  /** Makes everything written so far survive power loss, then the state that says so. */
  checkpoint(part: Checkpoint): Promise<void> {
    return this.#alone(async () => {
      await this.#guard(this.#db.compactRange(AFTER_ALL, AFTER_ALL))
      await this.#save(part)
    })
  }

  /** The state alone, synced. */
  save(part: Checkpoint): Promise<void> {
    return this.#alone(() => this.#save(part))
  }

  async #save(part: Checkpoint): Promise<void> {
    if (part.clean) await this.#counted
    const state: IndexState = { format: 1, chunks: this.#chunks, bytes: this.#bytes, ...part }
    const value = Buffer.from(JSON.stringify(state))
    await this.#guard(this.#db.put(STATE_KEY, value, { sync: true }))
  }

  async find(digests: readonly Digest[]): Promise<(Location | undefined)[]> {
    const [only] = digests
    if (only !== undefined && digests.length === 1) {
      const value = await this.#guard(this.#db.get(only))
      return [value && decodeLocation(value)]
    }
    const values = await this.#guard(this.#db.getMany([...digests]))
    return values.map((value) => value && decodeLocation(value))
  }

  /**
   * Entries of records that are durable. An entry of a later record wins over an earlier one's,
   * and a chunk stored anew is damaged no longer.
   *
   * @param applied called in the turn in which the totals change.
   */
  add(entries: readonly IndexEntry[], applied?: () => void): Promise<void> {
    return this.#alone(() => this.#add(entries, applied))
  }

  async #add(entries: readonly IndexEntry[], applied?: () => void): Promise<void> {
    const before = await this.find(entries.map(({ digest }) => digest))
    const latest = new Map<string, Extract<IndexOp, { type: 'put' }>>()
    for (const [i, { digest, at }] of entries.entries()) {
      const key = digestKey(digest)
      const seen = latest.get(key)
      const known = seen?.at ?? before[i]
      if (known !== undefined && known.sequence >= at.sequence) continue
      latest.set(key, { type: 'put', digest, at, before: before[i] })
    }
    await this.#apply([...latest.values()])
    applied?.()
  }

  /** New places of records that a reclaim copied. Those that changed meanwhile stay as they are. */
  move(entries: readonly IndexMove[]): Promise<void> {
    return this.#alone(async () => {
      const now = await this.find(entries.map(({ digest }) => digest))
      const ops = entries.flatMap(({ digest, at, from }, i): IndexOp[] => {
        const before = now[i]
        return before?.sequence === from ? [{ type: 'put', digest, at, before }] : []
      })
      await this.#apply(ops)
    })
  }

  /** @returns those that were still where the caller saw them, which are gone now. */
  remove(entries: readonly IndexEntry[]): Promise<IndexEntry[]> {
    return this.#alone(async () => {
      const now = await this.find(entries.map(({ digest }) => digest))
      const same = entries.filter(({ at }, i) => now[i]?.sequence === at.sequence)
      await this.#apply(same.map(({ digest, at }) => ({ type: 'del', digest, before: at })))
      return same
    })
  }

  /** @returns false when it lies elsewhere by now, or nowhere. */
  quarantine(digest: Digest, at: Location, reason: string): Promise<boolean> {
    return this.#alone(async () => {
      const [now] = await this.find([digest])
      if (now?.sequence !== at.sequence) return false
      await this.#apply([{ type: 'quarantine', digest, before: at, reason }])
      return true
    })
  }

  async #apply(ops: readonly IndexOp[]): Promise<void> {
    if (ops.length === 0) return
    const batch: (
      | { type: 'put'; key: Uint8Array; value: Uint8Array }
      | { type: 'del'; key: Uint8Array }
    )[] = []
    let chunks = 0
    let bytes = 0
    for (const op of ops) {
      if (op.before !== undefined) {
        chunks--
        bytes -= op.before.sizeBytes
      }
      if (op.type === 'put') {
        chunks++
        bytes += op.at.sizeBytes
        batch.push({ type: 'put', key: op.digest, value: encodeLocation(op.at) })
        if (this.#quarantine.delete(digestKey(op.digest))) {
          batch.push({ type: 'del', key: quarantineKey(op.digest) })
        }
      } else {
        batch.push({ type: 'del', key: op.digest })
      }
      if (op.type === 'quarantine') {
        const value = encodeQuarantine(op.before, op.reason)
        batch.push({ type: 'put', key: quarantineKey(op.digest), value })
        this.#quarantine.add(digestKey(op.digest))
      }
    }
    await this.#guard(this.#db.batch(batch))
    this.#chunks += chunks
    this.#bytes += bytes
  }

  /** In digest order. Sees what was indexed when it began. */
  async *list(options: AbortOptions & { after?: Digest } = {}): AsyncGenerator<IndexEntry[]> {
    const { after, signal } = options
    const iterator = this.#db.iterator(after ? { gt: after } : {})
    try {
      while (true) {
        signal?.throwIfAborted()
        const rows = await this.#guard(iterator.nextv(LIST_BATCH))
        if (rows.length === 0) return
        const entries: IndexEntry[] = []
        for (const [digest, value] of rows) {
          if (digest.length !== DIGEST_BYTES) continue
          const at = decodeLocation(value)
          if (at !== undefined) entries.push({ digest, at })
        }
        yield entries
      }
    } finally {
      await iterator.close()
    }
  }

  async *quarantined(): AsyncGenerator<Damage> {
    const range = { gte: quarantineKey(new Uint8Array(DIGEST_BYTES)), lt: AFTER_QUARANTINE }
    for await (const [key, value] of this.#db.iterator(range)) {
      if (key.length !== QUARANTINE_KEY_BYTES) continue
      const row = decodeQuarantine(key, value)
      if (row === undefined) continue
      const { kind, sizeBytes } = row.at
      yield { digest: row.digest, kind, sizeBytes, reason: row.reason }
    }
  }

  /** Counts in the background; changes meanwhile are added on top. */
  recount(): void {
    this.#chunks = 0
    this.#bytes = 0
    // The iterator sees the entries of this moment, whatever is written while it runs.
    const entries = this.list()
    this.#counted = (async () => {
      for await (const batch of entries) {
        this.#chunks += batch.length
        for (const { at } of batch) this.#bytes += at.sizeBytes
      }
    })()
    this.#counted.catch(() => {})
  }

  async totals(): Promise<{ chunks: number; bytes: number }> {
    await this.#counted
    return { chunks: this.#chunks, bytes: this.#bytes }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work)
    this.#turn = run.catch(() => {})
    return run
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      const hint = 'restart the node: the index is rebuilt from the chunks'
      const failure = levelError(error, this.#path, hint)
      if (failure.code === 'DATA_LOSS') await writeFile(`${this.#path}${REBUILD_SUFFIX}`, '')
      throw failure
    }
  }
}

/** A file beside the database that asks for a rebuild at the next start. */
export const REBUILD_SUFFIX = '.rebuild'
const AFTER_QUARANTINE = quarantineKey(new Uint8Array(DIGEST_BYTES).fill(0xff))

function parseState(value: Uint8Array): IndexState | undefined {
  try {
    const state = JSON.parse(new TextDecoder().decode(value)) as Partial<IndexState>
    const numbers = [state.checkpoint, state.nextSequence, state.chunks, state.bytes]
    const valid = numbers.every((each) => Number.isSafeInteger(each)) && state.format === 1
    return valid ? (state as IndexState) : undefined
  } catch {
    return undefined
  }
}
