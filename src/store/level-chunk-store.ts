/**
 * One disk's chunks on LevelDB: a log of records under growing keys (`chunks/`), an index that
 * can be rebuilt from it (`index/`), and in memory what is not yet durable.
 *
 * Order that everything here rests on: a record is written, a barrier makes it durable, then it
 * is indexed; an index entry is gone for good before its record is cleared. So whatever is cut
 * short, the index never names a record that is not there.
 */
import { crc32c } from '@node-rs/crc32'
import type { AbortOptions, Clock, Part } from '../base/index.js'
import { DpsError, raceSignal, systemClock } from '../base/index.js'
import { type Digest, digestHex, digestKey, MAX_CHUNK_BYTES } from '../content/index.js'
import { type Log, type Metrics, silentLog } from '../observability/index.js'
import type { IndexEntry } from './chunk-index.js'
import type { NewRecord } from './chunk-log.js'
import type {
  ChunkInfo,
  ChunkStore,
  CollectOptions,
  Damage,
  NewChunk,
  PutOptions,
  StoredChunk,
  StoreStats,
} from './chunk-store.js'
import { Databases } from './databases.js'
import { BALLAST_BYTES, DiskSpace, RESERVE_BYTES } from './disk-space.js'
import { GroupBarrier } from './group-barrier.js'
import type { Location } from './keys.js'
import { Lookups } from './lookups.js'
import { OwnWrites } from './own-writes.js'
import { Reads } from './reads.js'
import { type RecentChunk, RecentChunks } from './recent-chunks.js'
import { reclaim } from './reclaim.js'
import { storeMetrics } from './store-metrics.js'

export interface LevelChunkStoreComponents {
  log?: Log
  clock?: Clock
  metrics?: Metrics
  /** Told of every record found damaged. */
  onDamage?(damage: Damage): void
}

export interface LevelChunkStoreInit {
  /** The disk's directory: `disk.json`, `chunks/`, `index/`, `ballast`. */
  path: string
  /** Room on the disk that puts leave alone. @default 256 MiB */
  reserveBytes?: number
  /** Most bytes of chunks; 0 is whatever the disk has. @default 0 */
  capacityBytes?: number
  /** A file that is deleted when an open needs its room; 0 is none. @default 96 MiB */
  ballastBytes?: number
  /**
   * A put of what this process stored so short a while ago does not read the record again; one of
   * what is older does, and stores it anew when it is missing or damaged. @default 1 hour
   */
  trustMs?: number
  /** Rebuild a damaged chunk database from its tables before opening it. @default false */
  repair?: boolean
}

const TRUST_MS = 3600 * 1000
/** Without anybody's barrier, one is made after so much: what it covers can leave the memory. */
const UNINDEXED_BYTES_MAX = 256 * 1024 * 1024
const UNINDEXED_CHUNKS_MAX = 8192
/** After a crash, so many keys of the log are looked at. */
const CHECKPOINT_CHUNKS = 8192
/** Candidates whose entries are looked up, judged and freed together. */
const COLLECT_BATCH = 256

export class LevelChunkStore implements ChunkStore, Part {
  readonly serviceId = 'store'
  readonly #init: LevelChunkStoreInit
  readonly #log: Log
  readonly #onDamage: (damage: Damage) => void
  readonly #space: DiskSpace
  readonly #databases: Databases
  readonly #barrier: GroupBarrier
  readonly #lookups = new Lookups((digests) => this.#locateAll(digests))
  readonly #reads: Reads
  readonly #own: OwnWrites
  readonly #recent = new RecentChunks()
  /** Index writes behind barriers, in order. */
  #indexing: Promise<void> = Promise.resolve()
  #sinceCheckpoint = 0
  /** Marked by the collector in the turn of its last word, until their entries are gone. */
  readonly #going = new Set<string>()
  readonly #puts = new Set<Promise<unknown>>()
  /** Collecting and reclaiming exclude each other. */
  #sweep: Promise<unknown> = Promise.resolve()
  /** Chunks whose put was answered, and which a failed disk lost before any barrier. */
  readonly #lost = new Set<string>()

  constructor(components: LevelChunkStoreComponents, init: LevelChunkStoreInit) {
    this.#init = init
    this.#log = (components.log ?? silentLog).child({
      component: 'store',
      service_id: this.serviceId,
    })
    this.#onDamage = components.onDamage ?? (() => {})
    this.#space = new DiskSpace({
      path: init.path,
      reserveBytes: init.reserveBytes ?? RESERVE_BYTES,
      capacityBytes: init.capacityBytes ?? 0,
      ballastBytes: init.ballastBytes ?? BALLAST_BYTES,
    })
    this.#databases = new Databases(
      { log: this.#log, space: this.#space, reopened: () => this.#reopened() },
      { path: init.path, repair: init.repair ?? false },
    )
    this.#barrier = new GroupBarrier({
      run: () => this.#runBarrier(),
      idle: () => this.#puts.size === 0,
      waitingBytes: () => this.#recent.writtenBytes,
    })
    this.#own = new OwnWrites(components.clock ?? systemClock, init.trustMs ?? TRUST_MS)
    this.#reads = new Reads(this.#databases, (digest) => this.#lookups.find(digest))
    if (components.metrics !== undefined) storeMetrics(components.metrics, this)
  }

  /** Why nothing can be stored; `undefined` when it can. */
  problem(): DpsError | undefined {
    return this.#databases.problem()
  }

  get nextSequence(): number {
    return this.#databases.nextSequence
  }

  /** @throws FAILED_PRECONDITION (exit 11 when in use), DATA_LOSS, RESOURCE_EXHAUSTED. */
  async start(): Promise<void> {
    await this.#databases.open()
    this.#own.mark(this.nextSequence)
    this.#space.keepBallast()
  }

  async stop(): Promise<void> {
    await this.#sweep
    // What was put without a barrier is worth keeping, but nobody was promised it.
    await this.barrier().catch(() => {})
    await this.#indexing
    await this.#space.stop()
    await this.#databases.close({ checkpoint: this.#firstUnindexed() })
  }

  put(chunks: readonly NewChunk[], options: PutOptions = {}): Promise<{ stored: boolean }[]> {
    const work = this.#put(chunks, options)
    this.#puts.add(work)
    const done = () => {
      this.#puts.delete(work)
      this.#barrier.poke()
    }
    work.then(done, done)
    return work
  }

  async #put(
    chunks: readonly NewChunk[],
    { lease, signal }: PutOptions,
  ): Promise<{ stored: boolean }[]> {
    signal?.throwIfAborted()
    const digests = chunks.map(({ digest }) => digest)
    const keys = digests.map(digestKey)
    // Before the first look: what the collector has not marked by now, it will not.
    lease?.protect(digests)
    const doomed = keys.map((key) => this.#going.has(key))
    await this.#databases.writable()
    const found = await this.#locateAll(digests)
    const hits = await Promise.all(
      chunks.map(async ({ digest }, i) => {
        const at = found[i]
        if (at === undefined || doomed[i]) return false
        if (this.#recent.has(keys[i]!)) return true
        if (this.#own.has(at.sequence, this.nextSequence)) return true
        const reason = await this.#reads.check(digest, at)
        if (reason !== undefined) this.#tellDamage(digest, at, reason)
        return reason === undefined
      }),
    )
    signal?.throwIfAborted()
    const fresh = chunks.filter((_, i) => !hits[i])
    if (fresh.length > 0) await this.#admit(fresh)
    // From here to the append, one turn: two puts of one chunk store it once.
    const records: NewRecord[] = []
    const waits: Promise<void>[] = []
    const { log } = this.#databases
    const mine: RecentChunk[] = []
    const stored = chunks.map(({ digest, kind, bytes }, i) => {
      const recent = this.#recent.get(keys[i]!)
      if (recent !== undefined) {
        if (recent.written) waits.push(recent.written)
        return { stored: false }
      }
      if (hits[i]) return { stored: false }
      const { length } = bytes
      const at = { kind, sizeBytes: length, dataCrc: crc32c(bytes), sequence: log.take(length) }
      records.push({ digest, at, bytes })
      const isNew = found[i] === undefined || doomed[i] === true
      // A copy: the digest may be a view on a message that is longer than it.
      const entry: RecentChunk = { digest: digest.slice(), at, written: undefined, isNew }
      this.#recent.add(keys[i]!, entry)
      mine.push(entry)
      return { stored: true }
    })
    if (mine.length > 0) {
      // Covered by their sequence: a long publish must not hold every name in memory.
      lease?.unprotect(mine.map(({ digest }) => digest))
      waits.push(this.#write(records, mine))
    }
    if (waits.length > 0) await Promise.all(waits)
    return stored
  }

  async #admit(chunks: readonly NewChunk[]): Promise<void> {
    let bytes = 0
    for (const { bytes: each } of chunks) {
      if (each.length > MAX_CHUNK_BYTES) {
        throw new DpsError('INVALID_ARGUMENT', `chunk of ${each.length} bytes: the most is 4 MiB`)
      }
      bytes += each.length
    }
    await this.#space.admit(bytes, async () => (await this.#totals()).bytes)
  }

  #write(records: readonly NewRecord[], chunks: readonly RecentChunk[]): Promise<void> {
    const written = this.#databases.log.append(records).then(
      () => {
        this.#recent.markWritten(chunks)
        const { writtenBytes, writtenChunks } = this.#recent
        if (writtenBytes >= UNINDEXED_BYTES_MAX || writtenChunks >= UNINDEXED_CHUNKS_MAX) {
          this.barrier().catch(() => {})
        }
      },
      (error) => {
        this.#recent.remove(chunks)
        this.#databases.failed()
        throw error
      },
    )
    for (const chunk of chunks) chunk.written = written
    return written
  }

  barrier(options: AbortOptions = {}): Promise<void> {
    return raceSignal(this.#barrier.wait(), options.signal)
  }

  async #runBarrier(): Promise<void> {
    await Promise.allSettled([...this.#puts])
    await this.#databases.writable()
    const chunks = this.#recent.takeWritten()
    try {
      await this.#databases.log.sync()
    } catch (error) {
      this.#databases.failed()
      throw error
    }
    if (chunks.length > 0) this.#indexing = this.#indexing.then(() => this.#addToIndex(chunks))
    for (const { digest } of chunks) this.#lost.delete(digestKey(digest))
    // Whose barrier would have covered them is not known: so nobody's succeeds until they are back.
    if (this.#lost.size > 0) {
      throw new DpsError(
        'UNAVAILABLE',
        `${this.#lost.size} chunks were lost when the disk failed, before they were durable`,
        { hint: 'publish again what was being published then, or restart the node' },
      )
    }
  }

  /** Durable records into the index. */
  async #addToIndex(chunks: readonly RecentChunk[]): Promise<void> {
    try {
      await this.#databases.index.add(chunks, () => this.#recent.remove(chunks))
      this.#sinceCheckpoint += chunks.length
      if (this.#sinceCheckpoint >= CHECKPOINT_CHUNKS) await this.#checkpoint()
    } catch (error) {
      this.#log.error({ err: error }, 'the index could not be written')
      this.#databases.failed(error)
    }
  }

  #checkpoint(): Promise<void> {
    this.#sinceCheckpoint = 0
    return this.#databases.checkpoint(this.#firstUnindexed())
  }

  /** All records of smaller sequences are in the index. */
  #firstUnindexed(): number {
    return this.#recent.firstSequence() ?? this.nextSequence
  }

  async has(digests: readonly Digest[], options: PutOptions = {}): Promise<boolean[]> {
    const { lease, signal } = options
    signal?.throwIfAborted()
    lease?.protect(digests)
    const doomed = digests.map((digest) => this.#going.has(digestKey(digest)))
    const found = await this.#locateAll(digests)
    const present = found.map((at, i) => at !== undefined && !doomed[i])
    if (lease !== undefined) lease.unprotect(digests.filter((_, i) => !present[i]))
    return present
  }

  async info(
    digests: readonly Digest[],
    options: AbortOptions = {},
  ): Promise<(ChunkInfo | undefined)[]> {
    options.signal?.throwIfAborted()
    const found = await this.#locateAll(digests)
    return found.map((at, i) => at && infoOf({ digest: digests[i]!, at }))
  }

  async get(digest: Digest, options: AbortOptions = {}): Promise<StoredChunk | undefined> {
    options.signal?.throwIfAborted()
    const at = await this.#lookups.find(digest)
    if (at === undefined) return undefined
    const read = await this.#reads.read(digest, at)
    if (read === undefined) return undefined
    if ('bytes' in read) return { kind: read.at.kind, bytes: read.bytes }
    await this.#databases.index.quarantine(digest, read.at, read.reason)
    this.#tellDamage(digest, read.at, read.reason)
    throw new DpsError('DATA_LOSS', `chunk ${digestHex(digest)} is damaged: ${read.reason}`, {
      hint: 'run: dps-node verify --repair',
    })
  }

  getMany(
    digests: readonly Digest[],
    options: AbortOptions = {},
  ): Promise<(StoredChunk | undefined)[]> {
    return Promise.all(
      digests.map((digest) =>
        this.get(digest, options).catch((error) => {
          if (error instanceof DpsError && error.code === 'DATA_LOSS') return undefined
          throw error
        }),
      ),
    )
  }

  async *list(options: AbortOptions & { after?: Digest } = {}): AsyncGenerator<ChunkInfo> {
    await this.#settle(options)
    for await (const entries of this.#databases.index.list(options)) {
      for (const entry of entries) yield infoOf(entry)
    }
  }

  async *damaged(options: AbortOptions = {}): AsyncGenerator<Damage> {
    await this.#settle(options)
    for await (const damage of this.#databases.index.quarantined()) {
      options.signal?.throwIfAborted()
      yield damage
    }
  }

  async quarantine(digest: Digest, reason: string, options: AbortOptions = {}): Promise<void> {
    await this.#settle(options)
    const at = await this.#lookups.find(digest)
    if (at === undefined) return
    const done = await this.#databases.index.quarantine(digest, at, reason)
    if (done) this.#tellDamage(digest, at, reason)
  }

  /** Everything put before is durable and indexed. */
  async #settle(options: AbortOptions = {}): Promise<void> {
    if (this.#recent.size > 0) await this.barrier(options)
    else await this.#databases.readable()
    await this.#indexing
  }

  collect(
    candidates: AsyncIterable<Digest>,
    options: CollectOptions,
  ): Promise<{ chunks: number; bytes: number }> {
    return this.#alone(async () => {
      await this.#settle(options)
      const freed = { chunks: 0, bytes: 0 }
      let batch: Digest[] = []
      const free = async () => {
        for (const info of await this.#free(batch, options)) {
          freed.chunks++
          freed.bytes += info.sizeBytes
          options.onFreed?.(info)
        }
        batch = []
      }
      for await (const digest of candidates) {
        options.signal?.throwIfAborted()
        batch.push(digest)
        if (batch.length === COLLECT_BATCH) await free()
      }
      await free()
      // Before any record is cleared, its entry must be gone for good.
      if (freed.chunks > 0) await this.#checkpoint()
      return freed
    })
  }

  async #free(digests: readonly Digest[], options: CollectOptions): Promise<ChunkInfo[]> {
    if (digests.length === 0) return []
    const found = await this.#databases.index.find(digests)
    const going: IndexEntry[] = []
    for (const [i, digest] of digests.entries()) {
      const at = found[i]
      const key = digestKey(digest)
      if (at === undefined || this.#recent.has(key)) continue
      if (!options.isGarbage(infoOf({ digest, at }))) continue
      this.#going.add(key)
      going.push({ digest, at })
    }
    try {
      return (await this.#databases.index.remove(going)).map(infoOf)
    } finally {
      for (const { digest } of going) this.#going.delete(digestKey(digest))
    }
  }

  reclaim(options: AbortOptions = {}): Promise<{ reclaimedBytes: number }> {
    return this.#alone(async () => {
      await this.#settle(options)
      return reclaim(
        {
          databases: this.#databases,
          reads: this.#reads,
          indexedBelow: () => this.#firstUnindexed(),
          damaged: async (digest, { at, reason }) => {
            await this.#databases.index.quarantine(digest, at, reason)
            this.#tellDamage(digest, at, reason)
          },
        },
        options,
      )
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#sweep.then(work)
    this.#sweep = run.catch(() => {})
    return run
  }

  async stats(options: AbortOptions = {}): Promise<StoreStats> {
    options.signal?.throwIfAborted()
    const usedBytes = await this.#space.usedBytes(['chunks', 'index'])
    const freeBytes = await this.#space.freeBytes()
    const capacityBytes = this.#init.capacityBytes || usedBytes + freeBytes
    return { ...(await this.#totals()), usedBytes, freeBytes, capacityBytes }
  }

  async #totals(): Promise<{ chunks: number; bytes: number }> {
    const totals = await this.#databases.index.totals()
    const { chunks, bytes } = this.#recent.totals
    return { chunks: totals.chunks + chunks, bytes: totals.bytes + bytes }
  }

  /** What is recent comes first: its place is newer than the index's. */
  async #locateAll(digests: readonly Digest[]): Promise<(Location | undefined)[]> {
    await this.#databases.readable()
    const places = digests.map((digest) => this.#recent.get(digestKey(digest)))
    const unknown = digests.filter((_, i) => places[i] === undefined)
    const found = unknown.length === 0 ? [] : await this.#databases.index.find(unknown)
    let next = 0
    const located: (Location | undefined)[] = []
    for (const [i, recent] of places.entries()) {
      if (recent !== undefined) {
        await recent.written
        located.push(recent.at)
      } else {
        // It may have been put while the index was asked.
        const late = this.#recent.get(digestKey(digests[i]!))
        await late?.written
        located.push(late?.at ?? found[next])
        next++
      }
    }
    return located
  }

  #tellDamage(digest: Digest, { kind, sizeBytes }: Location, reason: string): void {
    this.#log.error({ digest: digestHex(digest), reason }, 'a chunk is damaged')
    this.#onDamage({ digest, kind, sizeBytes, reason })
  }

  /** The databases are open again after a failure: what did not survive it is named. */
  async #reopened(): Promise<void> {
    const answered = this.#recent.clear()
    const found = await this.#databases.index.find(answered.map(({ digest }) => digest))
    for (const [i, { digest }] of answered.entries()) {
      if (found[i] === undefined) this.#lost.add(digestKey(digest))
    }
  }
}

function infoOf({ digest, at }: IndexEntry): ChunkInfo {
  return { digest, kind: at.kind, sizeBytes: at.sizeBytes, sequence: at.sequence }
}
