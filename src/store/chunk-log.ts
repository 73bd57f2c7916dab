/**
 * The `chunks/` database as what it is used for: a log of records under growing keys, with a
 * barrier.
 *
 * With keys that only grow, LevelDB's tables never overlap, and its compactions are renames. So
 * nothing but appends may happen here, except by a reclaim, which holds the writes meanwhile.
 */
import { DpsError } from '../base/index.js'
import { type Digest, decodeRecordHeader, MAX_CHUNK_BYTES } from '../content/index.js'
import {
  AFTER_ALL_CHUNKS,
  CHUNK_KEY_BYTES,
  chunkKey,
  headerOfKey,
  type Location,
  recordBytes,
  sequenceKey,
  sequenceOfKey,
} from './keys.js'
import { type LevelDb, levelDb, levelError, openLevel } from './level-db.js'

/**
 * Two memtables and their logs are the store's memory. 32 MiB writes as fast as 64 here and keeps
 * a publishing node 60 MB smaller; below that, tables become so many that versions cost time.
 */
export const WRITE_BUFFER_BYTES = 32 * 1024 * 1024
/**
 * Appends since the last flush that are surely in one log file: LevelDB starts the next one when
 * the memtable (bytes and a skip list) passes the write buffer.
 */
const ONE_LOG_BYTES = 24 * 1024 * 1024
/** The memtable's cost of one record beside its bytes; generous, see ONE_LOG_BYTES. */
const RECORD_OVERHEAD_BYTES = 512
/**
 * Values of at least this size are put one by one: `db.put` copies once in this thread and once
 * in libuv's, where a batch copies twice or more here; and a chained batch keeps its memory until
 * the garbage collector comes by (0.6 GB while 2 GiB were written).
 */
const SINGLE_PUT_BYTES = 64 * 1024
/** Small records are written in groups of at most this size. */
const GROUP_BYTES_MAX = 1024 * 1024
const GROUP_RECORDS_MAX = 1024
/** More writes in flight stall in LevelDB and hold libuv threads that others need. */
const WRITES_IN_FLIGHT_MAX = 2
/** Sequence numbers that a marker takes: any number but zero, so that markers differ. */
const MARKER_BYTES = 64

export interface NewRecord {
  digest: Digest
  at: Location
  bytes: Uint8Array
}

interface Queued {
  sequence: number
  key: Uint8Array
  bytes: Uint8Array
  group: Group
}

/** The records of one append. */
interface Group {
  left: number
  resolve(): void
  reject(error: unknown): void
}

export class ChunkLog {
  readonly #path: string
  #opened: LevelDb | undefined
  #queue: Queued[] = []
  #head = 0
  #inFlight = 0
  #held = 0
  #idleWaiters: (() => void)[] = []
  /** Since the last flush, with what each record costs; see ONE_LOG_BYTES. */
  #appendedBytes = 0
  #turn: Promise<void> = Promise.resolve()
  #unsynced = false
  /** Sequence of the last record given to LevelDB. */
  #lastWritten = 0
  #failure: DpsError | undefined
  nextSequence = 1

  constructor(path: string) {
    this.#path = path
  }

  get #db(): LevelDb {
    if (this.#opened === undefined) throw new DpsError('UNAVAILABLE', `${this.#path} is not open`)
    return this.#opened
  }

  /** The first error of a write; from then on nothing is written and nothing acknowledged. */
  get failure(): DpsError | undefined {
    return this.#failure
  }

  /** Whether writes are queued or in flight. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#head < this.#queue.length
  }

  async open(): Promise<void> {
    const make = () =>
      levelDb(this.#path, {
        writeBufferSize: WRITE_BUFFER_BYTES,
        maxFileSize: WRITE_BUFFER_BYTES,
        // Chunks are read past the cache; it holds nothing that would be read twice.
        cacheSize: 1024 * 1024,
      })
    this.#opened = await openLevel(make, this.#path, {
      hint: `stop the node, copy ${this.#path} aside, then run: dps-node verify --repair`,
    })
    const [last] = await this.keys({ reverse: true, limit: 1 })
    if (last !== undefined) {
      this.nextSequence = sequenceOfKey(last) + lengthOfKey(last)
    }
  }

  async close(): Promise<void> {
    this.#fail(new DpsError('UNAVAILABLE', 'the chunk store is closed'))
    await this.#opened?.close()
  }

  /** The next place in the log. Places are written in the order in which they are taken. */
  take(sizeBytes: number): number {
    const sequence = this.nextSequence
    this.nextSequence += recordBytes(sizeBytes)
    return sequence
  }

  /**
   * Writes records at places taken in this turn. Resolves when all are written (not durable); the
   * bytes may be reused then.
   */
  append(records: readonly NewRecord[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (records.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const group: Group = { left: records.length, resolve, reject }
      for (const { digest, at, bytes } of records) {
        this.#queue.push({ sequence: at.sequence, key: chunkKey(digest, at), bytes, group })
      }
      this.#pump()
    })
  }

  #pump(): void {
    while (
      this.#held === 0 &&
      this.#inFlight < WRITES_IN_FLIGHT_MAX &&
      this.#head < this.#queue.length
    ) {
      const items = this.#next()
      this.#inFlight++
      this.#write(items)
        .then(
          () => {
            for (const { group } of items) if (--group.left === 0) group.resolve()
          },
          (error) => {
            const failure = this.#fail(levelError(error, this.#path))
            for (const { group } of items) group.reject(failure)
          },
        )
        .finally(() => {
          this.#inFlight--
          if (this.#inFlight === 0) for (const wake of this.#idleWaiters.splice(0)) wake()
          this.#pump()
        })
    }
  }

  /** One large record, or as many small ones as make a group. */
  #next(): Queued[] {
    const items: Queued[] = []
    let bytes = 0
    while (this.#head < this.#queue.length && items.length < GROUP_RECORDS_MAX) {
      const item = this.#queue[this.#head]!
      const single = item.bytes.length >= SINGLE_PUT_BYTES
      if (items.length > 0 && (single || bytes + item.bytes.length > GROUP_BYTES_MAX)) break
      items.push(item)
      bytes += item.bytes.length
      this.#head++
      if (single) break
    }
    this.#lastWritten = items.at(-1)!.sequence
    if (this.#head > 1024 || this.#head === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#appendedBytes += bytes + items.length * RECORD_OVERHEAD_BYTES
    this.#unsynced = true
    return items
  }

  #write(items: readonly Queued[]): Promise<void> {
    const [first] = items
    if (items.length === 1) return this.#db.put(first!.key, first!.bytes)
    return this.#db.batch(
      items.map(({ key, bytes }) => ({ type: 'put' as const, key, value: bytes })),
    )
  }

  /**
   * Makes everything written before this call survive power loss.
   *
   * While all appends since the last flush lie in one log file, one synced write (a marker with
   * the next place) carries them. Otherwise the memtable is flushed first: compacting an empty
   * range does just that, and the synced marker then surfaces errors that it swallows. A synced
   * write alone would not do, because records in an earlier log can vanish although it survives
   * (google/leveldb#193).
   */
  sync(): Promise<void> {
    return this.#alone(async () => {
      if (!this.#unsynced) return
      this.#unsynced = false
      if (this.#appendedBytes <= ONE_LOG_BYTES) {
        await this.#marker()
        // Counted with all that may have overtaken the marker: still one log.
        if (this.#appendedBytes <= ONE_LOG_BYTES) return
      }
      await this.#flush()
      await this.#marker()
    })
  }

  async #marker(): Promise<void> {
    this.#appendedBytes += RECORD_OVERHEAD_BYTES
    const key = sequenceKey(this.#markerSequence())
    await this.#db.put(key, new Uint8Array(0), { sync: true })
  }

  /**
   * Its key must grow too, and stay below the records that are queued: these numbers are free,
   * because a record takes as many as it has bytes.
   */
  #markerSequence(): number {
    if (this.#head < this.#queue.length) return ++this.#lastWritten
    const sequence = this.nextSequence
    this.nextSequence += MARKER_BYTES
    return sequence
  }

  /** Everything written so far lies in tables. */
  flush(): Promise<void> {
    return this.#alone(() => this.#flush())
  }

  /** Writes the memtable as a table, and starts a new log. Swallows errors; a marker meets them. */
  async #flush(): Promise<void> {
    // Counted from here: what is appended meanwhile may be in the new log already.
    this.#appendedBytes = 0
    await this.#db.compactRange(AFTER_ALL_CHUNKS, AFTER_ALL_CHUNKS)
  }

  /**
   * One sync or flush at a time: a marker that overtook a flush would promise what is only in the
   * log that is being flushed.
   */
  #alone(work: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      try {
        await work()
      } catch (error) {
        this.#fail(levelError(error, this.#path))
      }
      // Also for a write that failed beside: this handle acknowledges nothing any more.
      if (this.#failure !== undefined) throw this.#failure
    })
    this.#turn = run.catch(() => {})
    return run
  }

  /** The bytes, unchecked, in a buffer of the caller's own. */
  read(digest: Digest, at: Location): Promise<Uint8Array | undefined> {
    return this.#db.get(chunkKey(digest, at), { fillCache: false })
  }

  /** What a range takes on disk, tables only. */
  sizeBytes(from: number, to: number): Promise<number> {
    return this.#db.approximateSize(sequenceKey(from), sequenceKey(to))
  }

  /** Leaves a gap, so that what is behind it can be cleared as a whole segment. */
  skipTo(sequence: number): void {
    this.nextSequence = Math.max(this.nextSequence, sequence)
  }

  /** Keys of records (no markers) of a range. */
  async *keysFrom(from: number, to?: number): AsyncGenerator<Uint8Array[]> {
    const lt = to === undefined ? AFTER_ALL_CHUNKS : sequenceKey(to)
    const iterator = this.#db.keys({ gte: sequenceKey(from), lt, fillCache: false })
    try {
      while (true) {
        const keys = await iterator.nextv(1000)
        if (keys.length === 0) return
        yield keys.filter((key) => key.length === CHUNK_KEY_BYTES)
      }
    } finally {
      await iterator.close()
    }
  }

  /** Keys, markers included. */
  async keys(range: {
    gte?: number
    lt?: number
    reverse?: boolean
    limit: number
  }): Promise<Uint8Array[]> {
    const { gte = 0, lt, reverse = false, limit } = range
    return this.#db
      .keys({
        gte: sequenceKey(gte),
        lt: lt === undefined ? AFTER_ALL_CHUNKS : sequenceKey(lt),
        reverse,
        limit,
        fillCache: false,
      })
      .all()
  }

  /**
   * Deletes a range of sequences and gives its space back. Everything in it must be dead.
   *
   * Its deletions must not share a table with appends, whose keys are far away: that table would
   * overlap everything between, and LevelDB would rewrite all of it. So they get a memtable of
   * their own, while appends wait: for two flushes of next to nothing.
   */
  async clear(from: number, to: number): Promise<void> {
    // The bulk of the memtable, while appends go on.
    await this.flush()
    await this.#hold()
    try {
      await this.#alone(async () => {
        await this.#flush()
        await this.#db.clear({ gte: sequenceKey(from), lt: sequenceKey(to) })
        await this.#flush()
      })
    } finally {
      this.#held--
      this.#pump()
    }
    await this.#db.compactRange(sequenceKey(from), sequenceKey(to))
  }

  async #hold(): Promise<void> {
    this.#held++
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  #fail(error: DpsError): DpsError {
    if (this.#failure !== undefined) return this.#failure
    this.#failure = error
    const queued = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    for (const { group } of queued) group.reject(error)
    return error
  }
}

/** Of a damaged header, the most that the record can have taken. */
function lengthOfKey(key: Uint8Array): number {
  if (key.length !== CHUNK_KEY_BYTES) return MARKER_BYTES
  try {
    return recordBytes(decodeRecordHeader(headerOfKey(key)).sizeBytes)
  } catch {
    return recordBytes(MAX_CHUNK_BYTES)
  }
}
