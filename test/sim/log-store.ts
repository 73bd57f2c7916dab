/** The `LogStore` on a simulated disk. */
import { assert, DpsError } from '../../src/base/index.js'
import type {
  Configuration,
  Entry,
  HardState,
  LogBatch,
  LogContents,
  LogStore,
  SnapshotMeta,
} from '../../src/raft/index.js'
import type { DiskArea, SimDisk } from './disk.js'
import type { SimProcess } from './process.js'

/** What a log's disk holds. */
export class DurableLog {
  hardState: HardState = { term: 0, vote: undefined, commit: 0 }
  snapshot: SnapshotMeta | undefined
  generation = 0
  /** Contiguous; its first may be any index up to one past the snapshot's. */
  entries: Entry[] = []
  damaged = false
  /** The hard state is unreadable. */
  lost = false

  get last(): number {
    return this.entries.at(-1)?.index ?? this.snapshot?.index ?? 0
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.snapshot?.term ?? 0
  }

  /** The term of what it holds at this index; undefined when it holds nothing there (any more). */
  termAt(index: number): number | undefined {
    const first = this.entries[0]
    const entry = first && this.entries[index - first.index]
    if (entry !== undefined) return entry.term
    return this.snapshot?.index === index ? this.snapshot.term : undefined
  }

  /** Whether this very entry is here, or a snapshot that stands for it. */
  holds(index: number, term: number): boolean {
    const own = this.termAt(index)
    return own === undefined ? index <= (this.snapshot?.index ?? 0) : own === term
  }

  apply({ hardState, entries, snapshot, healed, damaged }: LogBatch): void {
    if (hardState !== undefined) this.hardState = hardState
    if (healed) this.damaged = false
    if (damaged) this.damaged = true
    if (snapshot !== undefined) {
      this.snapshot = snapshot.meta
      this.generation = snapshot.generation
      this.entries = []
    }
    const first = entries[0]
    if (first === undefined) return
    const from = this.entries[0]?.index ?? first.index
    assert(first.index >= from, `entry ${first.index} replaces the log from ${from} on`)
    assert(first.index <= this.last + 1, `entry ${first.index} follows ${this.last}`)
    this.entries.length = first.index - from
    for (const entry of entries) this.entries.push(entry)
  }

  compact(snapshot: SnapshotMeta, through: number): void {
    // A newer one came from the leader meanwhile.
    if (snapshot.index < (this.snapshot?.index ?? 0)) return
    this.snapshot = snapshot
    const keep = this.entries.findIndex(({ index }) => index >= through)
    this.entries = keep === -1 ? [] : this.entries.slice(keep)
  }

  /** A sector in the middle of the log goes bad: what is behind it can't be trusted either. */
  damage(from: number): void {
    this.entries = this.entries.filter(({ index }) => index < from)
    // What is left ends before the snapshot that it should continue: nothing of it is of use.
    if ((this.entries.at(-1)?.index ?? 0) < (this.snapshot?.index ?? 0)) this.entries = []
    const { commit } = this.hardState
    this.hardState = { ...this.hardState, commit: Math.min(commit, this.last) }
    this.damaged = true
  }
}

export class SimLogStore implements LogStore {
  readonly #area: DiskArea
  readonly #durable: DurableLog
  readonly #process: SimProcess
  readonly #disk: SimDisk
  #writing = false
  #closed = false

  constructor(disk: SimDisk, area: DiskArea, durable: DurableLog, process: SimProcess) {
    this.#disk = disk
    this.#area = area
    this.#durable = durable
    this.#process = process
  }

  async open(boot: Configuration): Promise<LogContents> {
    this.#area.open()
    const durable = this.#durable
    await new Promise<void>((resolve) => this.#process.inputAfter(this.#disk.latencyUs(), resolve))
    if (durable.lost) throw new DpsError('DATA_LOSS', 'the simulated hard state is unreadable')
    const { hardState, generation, damaged } = durable
    const snapshot = durable.snapshot ?? { index: 0, term: 0, configuration: boot }
    return { hardState, snapshot, entries: [...durable.entries], generation, damaged }
  }

  async save(batch: LogBatch): Promise<void> {
    if (this.#closed) throw new DpsError('UNAVAILABLE', 'the simulated log is closed')
    assert(!this.#writing, 'one batch at a time')
    this.#writing = true
    try {
      const copy = { ...batch, entries: [...batch.entries] }
      await this.#area.write(this.#process, batch.sync, () => this.#durable.apply(copy))
    } finally {
      this.#writing = false
    }
  }

  compact(snapshot: SnapshotMeta, through: number): Promise<void> {
    assert(through <= snapshot.index, 'only what a snapshot holds is given up')
    return this.#area.write(this.#process, true, () => this.#durable.compact(snapshot, through))
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
