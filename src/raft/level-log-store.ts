/**
 * The log of a replica in LevelDB: packed, checksummed, chained records (`log-codec.ts`), and beside
 * them a second witness of what it promised (`promises-file.ts`).
 *
 * One batch is one synced write: a round of the runner costs one acknowledgement of the disk. Only
 * a new term or vote costs two.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type AbortOptions, AssertionError, assert, DpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { levelError } from '../store/index.js'
import type { Configuration } from './core/configuration.js'
import type { SnapshotMeta } from './core/types.js'
import { type FoundOnDisk, LogDatabase, type LogOperation } from './level-log-database.js'
import { PackTable, packsOf } from './level-log-packs.js'
import { type Trusted, trustedOf } from './level-log-recovery.js'
import {
  decodePack,
  encodeHardState,
  encodePack,
  encodeSnapshot,
  HARD_STATE_KEY,
  type Pack,
  packKey,
  SNAPSHOT_KEY,
  type StoredHardState,
  type StoredSnapshot,
} from './log-codec.js'
import type { LogBatch, LogContents, LogStore } from './log-store.js'
import { PromisesFile } from './promises-file.js'

/**
 * Loss of less than this may go unnoticed, if the whole file that held it vanishes: so it is less than
 * a file. Each time costs one more acknowledgement of the disk.
 */
const CLAIM_EVERY_BYTES = 4 * 1024 * 1024
/** Records deleted in one step: saves wait for it, so it has to stay below a millisecond. */
const COLLECT_PACKS = 256
/** Deleted bytes that are worth a compaction, which rewrites what is kept. */
const COMPACT_BYTES_MIN = 16 * 1024 * 1024

const NOWHERE = { index: 0, term: 0 }

export interface LevelLogStoreComponents {
  log?: Log
}

export interface LevelLogStoreInit {
  /**
   * The directory `raft/log/`, made when absent. Beside it: `log.promises`, and `log.damaged`, a
   * database that could not be read any more.
   */
  path: string
}

interface Place {
  index: number
  term: number
}

export class LevelLogStore implements LogStore {
  readonly #path: string
  readonly #log: Log | undefined
  readonly #database: LogDatabase
  readonly #promisesFile: PromisesFile
  #state: 'new' | 'open' | 'closed' = 'new'
  /** One write after the other: errors then belong to the batch that met them. */
  #turn: Promise<unknown> = Promise.resolve()
  #failure: DpsError | undefined
  readonly #packs = new PackTable()
  /** As in the database. */
  #hardState: StoredHardState = { term: 0, vote: undefined, commit: 0, damaged: false }
  #snapshot!: StoredSnapshot
  /** Last entry, or the snapshot's when there is none behind it. */
  #last: Place = NOWHERE
  /** As in the promises file. Invariant: the database holds it durably, or has given it up. */
  #kept: Place = NOWHERE
  /** Durable since `#kept` was written. */
  #unclaimedBytes = 0
  /** Records that the log has given up, still to be deleted; ascending. */
  #garbage: number[] = []
  #collecting: Promise<void> = Promise.resolve()
  /** What was deleted and not yet compacted away. */
  readonly #deleted = { bytes: 0 }

  constructor({ log }: LevelLogStoreComponents, { path }: LevelLogStoreInit) {
    this.#path = path
    this.#log = log?.child({ component: 'raft-log' })
    this.#database = new LogDatabase(path)
    this.#promisesFile = new PromisesFile(`${path}.promises`)
  }

  async open(boot: Configuration, options: AbortOptions = {}): Promise<LogContents> {
    assert(this.#state === 'new', 'a log is opened once')
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      const promises = await this.#promisesFile.open()
      const found = await this.#database.open(promises !== undefined, options)
      const trusted = trustedOf({ ...found, promises }, boot) ?? fresh(boot)
      const { hardState, snapshot, packs, entries } = trusted
      this.#hardState = hardState
      this.#snapshot = snapshot
      for (const { first, bytes } of packs) this.#packs.push(first, bytes)
      this.#last = placeOf(entries.at(-1) ?? snapshot.meta)
      await this.#settle(trusted, found)
      this.#state = 'open'
      this.#collect()
      const { term, vote, commit, damaged } = hardState
      const { meta, generation } = snapshot
      return { hardState: { term, vote, commit }, snapshot: meta, entries, generation, damaged }
    } catch (error) {
      await this.close()
      options.signal?.throwIfAborted()
      throw levelError(error, this.#path)
    }
  }

  /** Makes the disk say what is trusted, and nothing else, before anything is built on it. */
  async #settle({ losses, packs }: Trusted, found: FoundOnDisk): Promise<void> {
    const kept = new Set(packs.map(({ first }) => first))
    const dead = found.packs.map(({ first }) => first).filter((first) => !kept.has(first))
    for (const loss of losses) this.#log?.error({ path: this.#path }, `the log lost ${loss}`)
    if (losses.length > 0 || found.hardState === 'missing') {
      await this.#database.write(
        [
          ...[...dead.map(packKey), ...found.strangers].map((key) => ({
            type: 'del' as const,
            key,
          })),
          { type: 'put', key: SNAPSHOT_KEY, value: encodeSnapshot(this.#snapshot) },
          { type: 'put', key: HARD_STATE_KEY, value: encodeHardState(this.#hardState) },
        ],
        { sync: true },
      )
    } else {
      this.#garbage = dead
    }
    await this.#promise(this.#last)
  }

  save(batch: LogBatch): Promise<void> {
    return this.#inTurn(() => this.#save(batch))
  }

  async #save(batch: LogBatch): Promise<void> {
    const { hardState, entries, snapshot, sync } = batch
    const operations: LogOperation[] = []
    const before = this.#hardState
    const damaged = batch.damaged ?? (before.damaged && batch.healed !== true)
    const after = { ...before, ...hardState, damaged }
    const marks = damaged !== before.damaged
    const votes = after.term !== before.term || after.vote !== before.vote
    assert(after.term >= before.term, 'terms never go back')
    assert(
      after.vote === before.vote || after.term > before.term || before.vote === undefined,
      'a vote is given once in a term',
    )
    if (snapshot !== undefined) await this.#replaceAll(snapshot, operations)
    if (entries.length > 0) await this.#append(entries, after.commit, operations)
    // Several unsynced writes and then a synced one are no barrier when LevelDB changes its log file
    // between them (google/leveldb#193). So nothing but a commit index is ever left unsynced.
    const durable = sync || votes || marks || operations.length > 0
    // Records of entries hold the commit index, too. Put last, so that what LevelDB writes for a
    // batch ends with a CRC: see store/level-scan.ts.
    const commits = after.commit !== before.commit && entries.length === 0
    if (votes || marks || commits || (sync && operations.length === 0)) {
      operations.push({ type: 'put', key: HARD_STATE_KEY, value: encodeHardState(after) })
    }
    if (operations.length === 0) return
    await this.#database.write(operations, { sync: durable })
    this.#hardState = after
    const due = votes || snapshot !== undefined || this.#unclaimedBytes >= CLAIM_EVERY_BYTES
    if (due) await this.#promise(this.#last)
    if (snapshot !== undefined) this.#collect()
  }

  async #append(
    entries: LogBatch['entries'],
    commit: number,
    operations: LogOperation[],
  ): Promise<void> {
    const from = entries[0]!.index
    const { index, term } = this.#last
    assert(from > this.#snapshot.meta.index, `entry ${from} is not in the snapshot`)
    assert(from <= index + 1, `entry ${from} leaves no gap behind ${index}`)
    const packs =
      from > index
        ? packsOf(term, commit, entries)
        : await this.#replaceSuffix(from, commit, entries, operations)
    for (const pack of packs) {
      const { index: first } = pack.entries[0]!
      const key = packKey(first)
      const value = encodePack(key, pack)
      operations.push({ type: 'put', key, value })
      this.#packs.push(first, value.byteLength)
      this.#unclaimedBytes += value.byteLength
    }
    this.#last = placeOf(entries.at(-1)!)
  }

  /** A record that holds entries before `from` too is written anew, with what replaces the rest. */
  async #replaceSuffix(
    from: number,
    commit: number,
    entries: LogBatch['entries'],
    operations: LogOperation[],
  ): Promise<Pack[]> {
    // Until now the promises say that these are kept.
    if (from <= this.#kept.index) await this.#promise(NOWHERE)
    const first = this.#packs.holderOf(from)
    assert(first !== undefined, `entry ${from} is in the log`)
    const key = packKey(first)
    const value = await this.#database.get(key)
    assert(value !== undefined, `the record at ${first} is in the database`)
    const { prevTerm, entries: held } = decodePack(key, value)
    for (const dead of this.#packs.truncate(first)) {
      operations.push({ type: 'del', key: packKey(dead) })
    }
    return packsOf(prevTerm, commit, [...held.slice(0, from - first), ...entries])
  }

  async #replaceAll(
    { meta, generation }: NonNullable<LogBatch['snapshot']>,
    operations: LogOperation[],
  ): Promise<void> {
    if (this.#kept.index > 0) await this.#promise(NOWHERE)
    // What begins behind it could pass for its continuation, or stand where a new record will; the
    // rest lies below `first`.
    const first = meta.index + 1
    const dead = [...this.#garbage.filter((each) => each >= first), ...this.#packs.truncate(first)]
    for (const each of dead) operations.push({ type: 'del', key: packKey(each) })
    this.#garbage = this.#garbage.filter((each) => each < first)
    this.#giveUp(first)
    this.#snapshot = { meta, generation, first }
    this.#last = placeOf(meta)
    operations.push({ type: 'put', key: SNAPSHOT_KEY, value: encodeSnapshot(this.#snapshot) })
  }

  async compact(meta: SnapshotMeta, through: number): Promise<void> {
    assert(through <= meta.index, 'only what a snapshot holds may leave the log')
    await this.#inTurn(async () => {
      // A newer one came from the leader meanwhile, and replaced the log.
      if (meta.index < this.#snapshot.meta.index) return
      assert(meta.index <= this.#last.index, 'a snapshot is of what the log holds')
      const first = this.#packs.holderOf(through) ?? this.#snapshot.first
      this.#snapshot = { ...this.#snapshot, meta, first }
      const value = encodeSnapshot(this.#snapshot)
      await this.#database.write([{ type: 'put', key: SNAPSHOT_KEY, value }], { sync: true })
      this.#giveUp(first)
    })
    this.#collect()
  }

  #giveUp(first: number): void {
    const { firsts, bytes } = this.#packs.give(first)
    for (const each of firsts) this.#garbage.push(each)
    this.#deleted.bytes += bytes
  }

  /** Deletes what was given up, in small steps between saves. A crash leaves the rest to `open`. */
  #collect(): void {
    this.#collecting = this.#collecting.then(async () => {
      while (this.#garbage.length > 0 && this.#state === 'open' && this.#failure === undefined) {
        await this.#inTurn(async () => {
          const firsts = this.#garbage.splice(0, COLLECT_PACKS)
          const operations = firsts.map((first) => ({ type: 'del' as const, key: packKey(first) }))
          await this.#database.write(operations, { sync: false })
        })
      }
      await this.#compactDeleted()
    })
    // Its failure is every later save's as well.
    this.#collecting = this.#collecting.catch(() => {})
  }

  /** Rewrites what lies between, so only when as much is gained as is rewritten. */
  async #compactDeleted(): Promise<void> {
    const { bytes } = this.#deleted
    if (this.#state !== 'open' || bytes < Math.max(COMPACT_BYTES_MIN, this.#packs.bytes)) return
    this.#deleted.bytes = 0
    await this.#database.compact(0, this.#snapshot.first)
  }

  /** Waits for what is under way; what comes later is refused. */
  async close(): Promise<void> {
    this.#state = 'closed'
    await this.#turn
    await this.#collecting
    try {
      await this.#database.close()
    } finally {
      await this.#promisesFile.close()
    }
  }

  /** Writes down what is promised by now, with the last entry that is durable. */
  async #promise(kept: Place): Promise<void> {
    const { term, vote } = this.#hardState
    const { generation } = this.#snapshot
    await this.#promisesFile.write({ term, vote, kept, generation })
    this.#kept = kept
    this.#unclaimedBytes = 0
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#state !== 'open') throw new DpsError('UNAVAILABLE', 'the raft log is not open')
      try {
        return await work()
      } catch (error) {
        // From here on the handle may take synced writes and lose them.
        this.#failure ??= levelError(error, this.#path)
        throw error instanceof AssertionError ? error : this.#failure
      }
    })
    this.#turn = run.catch(() => {})
    return run
  }
}

function placeOf({ index, term }: Place): Place {
  return { index, term }
}

/** Where nothing was ever promised. */
function fresh(boot: Configuration): Trusted {
  return {
    hardState: { term: 0, vote: undefined, commit: 0, damaged: false },
    snapshot: { meta: { ...NOWHERE, configuration: boot }, generation: 0, first: 1 },
    packs: [],
    entries: [],
    losses: [],
  }
}
