/**
 * What this node announces, and when next. Durable: an intent to provide survives a restart, and
 * so does its place in the schedule.
 *
 * Rows: `k<key>` → due time (8 bytes, big-endian milliseconds); `t<due time, 16 hex digits><key>`
 * → nothing, the same in order of time. `<key>` is the multihash in base32.
 */
import type { AbortOptions, Clock } from '../base/index.js'
import { type ProvideKey, provideKey } from './discovery-keys.js'
import type { Table, TableOp } from './table.js'

export interface DueKey extends ProvideKey {
  dueAtMs: number
}

export interface ScheduleInit {
  /** A key is announced again at the latest after so long. @default 22 h */
  intervalMs?: number
}

// kad-dht's own interval, well within the 48 h that a record counts.
const INTERVAL_MS = 22 * 3_600_000
/** Share of the interval within which a key is not announced twice. */
const GAP_SHARE = 1 / 11
const BATCH_KEYS = 1000

export class ProvideQueue {
  readonly #table: Table
  readonly #clock: Clock
  /** One turn around the key space. */
  readonly #cycleMs: number
  readonly #gapMs: number
  /** Reading and writing back is one step: the next waits for it. */
  #last: Promise<unknown> = Promise.resolve()
  #size = 0
  #waiting = 0
  #nextAtMs: number | undefined

  constructor(table: Table, clock: Clock, init: ScheduleInit = {}) {
    this.#table = table
    this.#clock = clock
    const intervalMs = init.intervalMs ?? INTERVAL_MS
    this.#gapMs = Math.ceil(intervalMs * GAP_SHARE)
    this.#cycleMs = intervalMs - this.#gapMs
  }

  /** Keys that are announced and re-announced. */
  get size(): number {
    return this.#size
  }

  /** Of these, how many should have gone out by now. */
  get waiting(): number {
    return this.#waiting
  }

  /** The earliest due time there is, in the past too. */
  get nextAtMs(): number | undefined {
    return this.#nextAtMs
  }

  /** Counts anew. Once at the start, and when time alone made keys due. */
  recount(_options: AbortOptions = {}): Promise<void> {
    return this.#exclusive(async () => {
      const now = this.#clock.now()
      this.#size = 0
      this.#waiting = 0
      this.#nextAtMs = undefined
      for await (const [row] of this.#table.iterator({ gte: 't', lt: 'u' })) {
        const dueAtMs = dueOfRow(row)
        this.#nextAtMs ??= dueAtMs
        this.#size += 1
        if (dueAtMs <= now) this.#waiting += 1
      }
    })
  }

  /**
   * Keys new here become due at `dueAtMs`; those known keep their time.
   * @returns the texts of the new ones
   */
  add(texts: Iterable<string>, dueAtMs: number, _options: AbortOptions = {}): Promise<string[]> {
    return this.#exclusive(async () => {
      const fresh: string[] = []
      for (const part of parts([...new Set(texts)])) {
        const known = await this.#table.getMany(part.map((text) => `k${text}`))
        const missing = part.filter((_, index) => known[index] === undefined)
        await this.#table.batch(missing.flatMap((text) => rows(text, dueAtMs)))
        fresh.push(...missing)
      }
      this.#size += fresh.length
      if (dueAtMs <= this.#clock.now()) this.#waiting += fresh.length
      if (fresh.length > 0) this.#nextAtMs = Math.min(this.#nextAtMs ?? dueAtMs, dueAtMs)
      return fresh
    })
  }

  /** Those due by now, the longest overdue first. */
  async due(limit: number, _options: AbortOptions = {}): Promise<DueKey[]> {
    await this.#last.catch(() => {})
    const due: DueKey[] = []
    const end = `t${hex(this.#clock.now() + 1)}`
    for await (const [row] of this.#table.iterator({ gte: 't', lt: end, limit })) {
      due.push({ ...provideKey(row.slice(17)), dueAtMs: dueOfRow(row) })
    }
    return due
  }

  /**
   * They were announced: each gets its next time. What was forgotten meanwhile stays so.
   * @returns the texts of the others
   */
  done(keys: readonly ProvideKey[], _options: AbortOptions = {}): Promise<string[]> {
    const now = this.#clock.now()
    return this.#move(keys, (key) => nextSlot(key.kadId, now, this.#cycleMs, this.#gapMs))
  }

  /** They could not be announced: due again at `dueAtMs`. */
  async postpone(
    keys: readonly ProvideKey[],
    dueAtMs: number,
    _options: AbortOptions = {},
  ): Promise<void> {
    await this.#move(keys, () => dueAtMs)
  }

  forget(texts: readonly string[], _options: AbortOptions = {}): Promise<void> {
    return this.#exclusive(async () => {
      const now = this.#clock.now()
      for (const part of parts(texts)) {
        const operations: TableOp[] = []
        for (const { text, dueAtMs } of await this.#known(part)) {
          operations.push(
            { type: 'del', key: `k${text}` },
            { type: 'del', key: timeRow(text, dueAtMs) },
          )
          this.#size -= 1
          if (dueAtMs <= now) this.#waiting -= 1
        }
        await this.#table.batch(operations)
      }
      await this.#findNext()
    })
  }

  #move(keys: readonly ProvideKey[], dueAt: (key: ProvideKey) => number): Promise<string[]> {
    return this.#exclusive(async () => {
      const now = this.#clock.now()
      const byText = new Map(keys.map((key) => [key.text, key]))
      const moved: string[] = []
      for (const part of parts([...byText.keys()])) {
        const operations: TableOp[] = []
        for (const { text, dueAtMs: before } of await this.#known(part)) {
          const dueAtMs = dueAt(byText.get(text)!)
          moved.push(text)
          operations.push({ type: 'del', key: timeRow(text, before) }, ...rows(text, dueAtMs))
          if (before <= now) this.#waiting -= 1
          if (dueAtMs <= now) this.#waiting += 1
        }
        await this.#table.batch(operations)
      }
      await this.#findNext()
      return moved
    })
  }

  async #known(texts: readonly string[]): Promise<{ text: string; dueAtMs: number }[]> {
    const values = await this.#table.getMany(texts.map((text) => `k${text}`))
    return texts.flatMap((text, index) => {
      const value = values[index]
      return value === undefined ? [] : [{ text, dueAtMs: readTime(value) }]
    })
  }

  async #findNext(): Promise<void> {
    this.#nextAtMs = undefined
    for await (const [row] of this.#table.iterator({ gte: 't', lt: 'u', limit: 1 })) {
      this.#nextAtMs = dueOfRow(row)
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result.catch(() => {})
    return result
  }
}

/**
 * A key's place in the key space is its place in the cycle: load is even over time, and what is
 * due together lies together, so it shares its closest peers.
 */
export function nextSlot(kadId: Uint8Array, nowMs: number, cycleMs: number, gapMs: number): number {
  const place = new DataView(kadId.buffer, kadId.byteOffset).getUint32(0) / 2 ** 32
  const earliest = nowMs + gapMs
  const inCycle = Math.floor(earliest / cycleMs) * cycleMs + Math.floor(place * cycleMs)
  return inCycle >= earliest ? inCycle : inCycle + cycleMs
}

function rows(text: string, dueAtMs: number): TableOp[] {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, BigInt(dueAtMs))
  return [
    { type: 'put', key: `k${text}`, value },
    { type: 'put', key: timeRow(text, dueAtMs), value: new Uint8Array(0) },
  ]
}

function readTime(value: Uint8Array): number {
  if (value.length !== 8) return 0
  return Number(new DataView(value.buffer, value.byteOffset, value.length).getBigUint64(0))
}

function timeRow(text: string, dueAtMs: number): string {
  return `t${hex(dueAtMs)}${text}`
}

function dueOfRow(row: string): number {
  return Number.parseInt(row.slice(1, 17), 16)
}

function hex(ms: number): string {
  return Math.max(0, Math.floor(ms)).toString(16).padStart(16, '0')
}

function* parts(texts: readonly string[]): Generator<string[]> {
  for (let at = 0; at < texts.length; at += BATCH_KEYS) yield texts.slice(at, at + BATCH_KEYS)
}
