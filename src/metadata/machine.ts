/** The replicated state machine of one replica. */
import { type AbortOptions, assert, DpsError, type Timers, toDpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import {
  type Configuration,
  changeConfiguration,
  type Entry,
  entryBytes,
  type SnapshotMeta,
  type StateInstall,
  type StateMachine,
  type StateSnapshot,
} from '../raft/index.js'
import { apply } from './apply.js'
import { decodeEntry, decodeMark, encodeMark, type StateMark } from './codec.js'
import { GenerationInstall } from './install.js'
import { keyAfter, STATE_RANGE } from './keys.js'
import { bootMark, checkSchema, MARK_KEY } from './mark.js'
import { mergeRows, Overlay } from './overlay.js'
import { StoredSnapshot } from './snapshot.js'
import type { StateGeneration, StateStore, StoreWrite } from './state-store.js'
import { openValue, plainBytes, sealValue } from './values.js'
import type { KeyRange, Row, View } from './view.js'

export interface MachineComponents {
  store: StateStore
  timers: Timers
  log: Log
}

export interface MachineInit {
  /** The configuration at index 0. */
  boot: Configuration
  /** Applied but not durable: beyond it applying waits for the disk. @default 16 MiB */
  overlayBytesMax?: number
  /** So much is written at once. @default 1 MiB */
  flushBytes?: number
  /**
   * What is applied is written after so long. The log has it already: waiting costs a longer replay
   * after a crash, and spares the log's own disk barriers company. @default 50
   */
  flushDelayMs?: number
}

/** Keys that were written, or `all` when another state took the place of this one. */
export type AppliedListener = (keys: readonly Uint8Array[] | 'all') => void

// What is done in one turn, each some milliseconds: timers and sockets must not wait longer.
const APPLY_TURN_ENTRIES = 256
const APPLY_TURN_BYTES = 2 ** 16
const FLUSH_TURN_WRITES = 4096
const PAGE_ROWS = 1000
/** A cursor holds on to what has been replaced since, and each one costs some memory until collected. */
const CURSOR_PAGES = 32

/**
 * Applies committed entries. Reads see them at once; the disk gets them in batches, each one with
 * the mark that says up to where the state has come, so that no crash can part the two.
 */
export class MetadataMachine implements StateMachine, View {
  readonly #components: MachineComponents
  readonly #init: Required<MachineInit>
  readonly #overlay = new Overlay()
  readonly #durableListeners = new Set<() => void>()
  readonly #appliedListeners = new Set<AppliedListener>()
  /** Called at the end of a flush, before another one may begin. */
  #atRest: (() => void)[] = []
  /** Who waits for the end of a flush. */
  #settled: (() => void)[] = []
  #current: StateGeneration | undefined
  /** Where the state stands. Never changed, only replaced, or copied for the disk. */
  #mark: StateMark
  /** What the disk holds. Invariant: durable.index <= mark.index. */
  #durable: StateMark
  #flushing = false
  #cancelFlush: (() => void) | undefined
  #install: GenerationInstall | undefined
  #failure: DpsError | undefined

  constructor(components: MachineComponents, init: MachineInit) {
    this.#components = components
    this.#init = {
      overlayBytesMax: 16 * 2 ** 20,
      flushBytes: 2 ** 20,
      flushDelayMs: 50,
      ...init,
    }
    this.#mark = bootMark(init.boot)
    this.#durable = this.#mark
  }

  get appliedIndex(): number {
    return this.#mark.index
  }

  get durableIndex(): number {
    return this.#durable.index
  }

  /** The configuration, term and time at `appliedIndex`. */
  get mark(): StateMark {
    return this.#mark
  }

  /** Why it stopped, if it did. */
  get failure(): DpsError | undefined {
    return this.#failure
  }

  /** Whether the disk gave other bytes than were written: what it holds can't be used any more. */
  get isDamaged(): boolean {
    return this.#failure?.code === 'DATA_LOSS'
  }

  /** Estimate of the memory that waits for the disk. */
  get overlayBytes(): number {
    return this.#overlay.bytes
  }

  onDurable(listener: () => void): void {
    this.#durableListeners.add(listener)
  }

  /** @returns removes the listener */
  onApplied(listener: AppliedListener): () => void {
    this.#appliedListeners.add(listener)
    return () => this.#appliedListeners.delete(listener)
  }

  async open(generation: number, options: AbortOptions = {}): Promise<void> {
    const { store } = this.#components
    for (const other of await store.generations(options)) {
      if (other !== generation) await store.remove(other, options)
    }
    const current = await store.open(generation, options).catch((error) => {
      throw this.#fail(error)
    })
    try {
      this.#mark = await this.#readMark(current)
    } catch (error) {
      await current.close()
      throw this.#fail(error)
    }
    this.#durable = this.#mark
    this.#current = current
  }

  async #readMark(store: StateGeneration): Promise<StateMark> {
    const sealed = store.get(MARK_KEY)
    if (sealed !== undefined) {
      const mark = decodeMark(openValue(MARK_KEY, sealed))
      checkSchema(mark)
      return mark
    }
    const cursor = store.cursor(STATE_RANGE)
    const [row] = await cursor.next(1)
    await cursor.close()
    if (row === undefined) return bootMark(this.#init.boot)
    throw new DpsError('DATA_LOSS', `state ${store.generation} is damaged: its mark is missing`)
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const write = this.#overlay.get(key)
    if (write !== undefined) return write.value
    const sealed = this.#generation().get(key)
    return sealed === undefined ? undefined : this.#open(key, sealed)
  }

  /** Whoever meets damage: the whole replica stops for it. */
  #open(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    try {
      return openValue(key, sealed)
    } catch (error) {
      throw this.#fail(error)
    }
  }

  async *range(
    range: KeyRange,
    { signal }: AbortOptions = {},
  ): AsyncGenerator<readonly Row[], void, undefined> {
    let { gte, lt, limit: left = Number.POSITIVE_INFINITY } = range
    const { reverse = false } = range
    while (left > 0) {
      const store = this.#generation()
      // Both in one turn: what leaves the overlay is in the store before that, so none lacks in both.
      const cursor = store.cursor({ gte, lt, reverse })
      const writes = this.#overlay.within({ gte, lt, reverse })
      try {
        for (let page = 0; page < CURSOR_PAGES; page++) {
          signal?.throwIfAborted()
          const sealed = await cursor.next(Math.min(PAGE_ROWS, left))
          const stored = sealed.map(
            ([key, value]): Row => [plainBytes(key), this.#open(key, value)],
          )
          const rows = mergeRows(stored, writes, reverse).slice(0, left)
          left -= rows.length
          for (let at = 0; at < rows.length; at += PAGE_ROWS) yield rows.slice(at, at + PAGE_ROWS)
          if (left === 0 || stored.length === 0) return
          const [through] = stored.at(-1)!
          if (reverse) lt = through
          else gte = keyAfter(through)
        }
      } catch (error) {
        // Another state took the place of the one that was read: on in that one.
        if (this.#current === store || this.#current === undefined) throw error
      } finally {
        await cursor.close()
      }
    }
  }

  async apply(entries: readonly Entry[]): Promise<(Uint8Array | undefined)[]> {
    const results: (Uint8Array | undefined)[] = []
    const keys: Uint8Array[] = []
    let turnEntries = 0
    let turnBytes = 0
    try {
      for (const entry of entries) {
        if (turnEntries >= APPLY_TURN_ENTRIES || turnBytes >= APPLY_TURN_BYTES) {
          this.#announce(keys.splice(0))
          await this.#components.timers.settle()
          turnEntries = 0
          turnBytes = 0
        }
        turnEntries++
        turnBytes += entryBytes(entry)
        // A failed flush frees nothing: waiting for the next one would never end.
        while (this.#failure === undefined && this.#overlay.bytes > this.#init.overlayBytesMax) {
          await this.#flushOnce()
        }
        if (this.#failure !== undefined) throw this.#failure
        results.push(this.#applyOne(entry, keys))
      }
    } catch (error) {
      throw this.#fail(error)
    }
    this.#announce(keys)
    this.#scheduleFlush()
    return results
  }

  #applyOne(entry: Entry, keys: Uint8Array[]): Uint8Array | undefined {
    const { index, term } = entry
    const mark = this.#mark
    assert(index === mark.index + 1, `entry ${index} after ${mark.index}`)
    if (entry.kind === 'config') {
      const configuration = changeConfiguration(mark.configuration, entry.change)
      this.#mark = markAt(mark, index, term, mark.timeMs, configuration)
      return undefined
    }
    if (entry.kind === 'noop') {
      this.#mark = markAt(mark, index, term, mark.timeMs)
      return undefined
    }
    const { timeMs: leadersMs, proposal } = decodeEntry(entry.data)
    // Leaders' clocks differ; the state's time only goes on.
    const timeMs = Math.max(mark.timeMs, leadersMs)
    const { writes, result } = apply(this, { index, timeMs, proposal })
    this.#overlay.add(writes)
    this.#mark = markAt(mark, index, term, timeMs)
    if (this.#appliedListeners.size > 0) {
      for (const { key } of writes.values()) keys.push(key)
    }
    return result
  }

  #announce(keys: readonly Uint8Array[] | 'all'): void {
    if (keys.length === 0) return
    for (const listener of this.#appliedListeners) listener(keys)
  }

  /** A failed machine neither applies nor writes any more; what it showed stays readable. */
  #fail(error: unknown): DpsError {
    if (this.#failure === undefined) {
      this.#failure = toDpsError(error)
      this.#components.log.error(
        { component: 'metadata', err: this.#failure, index: this.#mark.index },
        'the state machine stopped',
      )
      this.#cancelFlush?.()
      for (const listener of this.#durableListeners) listener()
    }
    return this.#failure
  }

  #scheduleFlush(): void {
    if (this.#flushing || this.#failure !== undefined) return
    if (this.#overlay.waitingBytes >= this.#init.flushBytes) {
      void this.#flushOnce()
    } else if (this.#mark.index > this.#durable.index) {
      this.#cancelFlush ??= this.#components.timers.after(this.#init.flushDelayMs, () => {
        this.#cancelFlush = undefined
        void this.#flushOnce()
      })
    }
  }

  /** Resolves at the end of the flush that is under way, or of one that begins now. */
  async #flushOnce(): Promise<void> {
    if (this.#flushing) return new Promise((resolve) => this.#settled.push(resolve))
    if (this.#failure !== undefined || this.#mark.index === this.#durable.index) return
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    this.#flushing = true
    const mark = this.#mark
    try {
      await this.#generation().write(await this.#batch(mark))
      this.#overlay.written()
      this.#durable = mark
    } catch (error) {
      this.#fail(error)
    }
    this.#flushing = false
    for (const rest of this.#atRest.splice(0)) rest()
    for (const settle of this.#settled.splice(0)) settle()
    if (this.#failure === undefined) for (const listener of this.#durableListeners) listener()
    this.#scheduleFlush()
  }

  async #batch(mark: StateMark): Promise<StoreWrite[]> {
    const batch: StoreWrite[] = []
    for (const { key, value } of this.#overlay.take()) {
      batch.push({ key, value: value === undefined ? undefined : sealValue(key, value) })
      if (batch.length % FLUSH_TURN_WRITES === 0) await this.#components.timers.settle()
    }
    batch.push({ key: MARK_KEY, value: sealValue(MARK_KEY, encodeMark(mark)) })
    return batch
  }

  async snapshot({ signal }: AbortOptions = {}): Promise<StateSnapshot> {
    const wanted = this.#mark.index
    const open = (key: Uint8Array, sealed: Uint8Array) => this.#open(key, sealed)
    let snapshot: StoredSnapshot | undefined
    // While no batch is under way the store holds exactly what its mark says.
    const take = () => {
      if (snapshot !== undefined || this.#failure !== undefined) return
      if (this.#durable.index < wanted) this.#atRest.push(take)
      else snapshot = new StoredSnapshot(this.#durable, this.#generation().snapshot(), open)
    }
    if (this.#flushing || this.#durable.index < wanted) this.#atRest.push(take)
    else take()
    while (snapshot === undefined) {
      await this.#flushOnce()
      if (this.#failure !== undefined) throw this.#failure
    }
    if (signal?.aborted) {
      await snapshot.close()
      throw signal.reason
    }
    return snapshot
  }

  async install(meta: SnapshotMeta, options: AbortOptions = {}): Promise<StateInstall> {
    const begun = this.#install
    if (begun?.meta.index === meta.index && begun.meta.term === meta.term) return begun
    await begun?.abort()
    const { store } = this.#components
    const { generation: current } = this.#generation()
    const generation = Math.max(current, ...(await store.generations(options))) + 1
    const opened = await store.open(generation, options)
    const install = new GenerationInstall(meta, opened, async () => {
      // A transfer that lags behind another one of the same state may still give up what was adopted.
      if (this.#install !== install) return
      this.#install = undefined
      await opened.close()
      await store.remove(generation)
    })
    this.#install = install
    return install
  }

  async adopt(install: StateInstall): Promise<void> {
    assert(install === this.#install, 'only the begun install is adopted')
    const { mark, store } = this.#install
    assert(mark !== undefined, 'only a finished install is adopted')
    // From here on nobody can abort it.
    this.#install = undefined
    while (this.#flushing) await this.#flushOnce()
    if (this.#failure !== undefined) {
      await store.close()
      throw this.#failure
    }
    const old = this.#generation()
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    this.#overlay.clear()
    this.#current = store
    this.#mark = mark
    this.#durable = mark
    this.#announce('all')
    for (const listener of this.#durableListeners) listener()
    await old.close()
    await this.#components.store.remove(old.generation)
  }

  /** What is applied is made durable first, unless it failed. */
  async close(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    while (this.#failure === undefined && this.#durable.index < this.#mark.index) {
      await this.#flushOnce()
    }
    while (this.#flushing) await this.#flushOnce()
    this.#current = undefined
    await this.#install?.store.close()
    this.#install = undefined
    await current.close()
  }

  #generation(): StateGeneration {
    if (this.#current === undefined) throw new DpsError('UNAVAILABLE', 'the state is not open')
    return this.#current
  }
}

function markAt(
  { schema, configuration }: StateMark,
  index: number,
  term: number,
  timeMs: number,
  changed = configuration,
): StateMark {
  return { schema, index, term, timeMs, configuration: changed }
}
