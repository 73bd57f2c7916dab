import { assert, DpsError } from '../base/index.js'
import { textOfKey } from './keys.js'
import type {
  CursorRange,
  StateGeneration,
  StateStore,
  StoreCursor,
  StoreSnapshot,
  StoreWrite,
} from './state-store.js'
import type { Row } from './view.js'

/** Keeps what was written while the object lives: closing and opening again is a clean restart. */
export class MemoryStateStore implements StateStore {
  readonly #generations = new Map<number, MemoryGeneration>()

  async generations(): Promise<number[]> {
    return [...this.#generations.keys()].sort((a, b) => a - b)
  }

  async open(generation: number): Promise<MemoryGeneration> {
    let found = this.#generations.get(generation)
    if (found === undefined) {
      found = new MemoryGeneration(generation)
      this.#generations.set(generation, found)
    }
    found.open()
    return found
  }

  async remove(generation: number): Promise<void> {
    assert(!this.#generations.get(generation)?.isOpen, 'an open generation is not removed')
    this.#generations.delete(generation)
  }

  setAside(generation: number): Promise<void> {
    return this.remove(generation)
  }

  /** What the disk of a process that died holds: whatever was written, and nothing open. */
  afterCrash(): MemoryStateStore {
    const after = new MemoryStateStore()
    for (const [number, generation] of this.#generations) {
      after.#generations.set(number, generation.copy())
    }
    return after
  }
}

export class MemoryGeneration implements StateGeneration {
  readonly generation: number
  /** By the key's text. Rows are never changed, only replaced. */
  readonly #rows = new Map<string, Row>()
  /** Texts in order; undefined when it must be made again. Never changed, only replaced. */
  #order: readonly string[] | undefined
  #open = false

  constructor(generation: number) {
    this.generation = generation
  }

  get isOpen(): boolean {
    return this.#open
  }

  open(): void {
    assert(!this.#open, `generation ${this.generation} is open`)
    this.#open = true
  }

  /** Closed, with the same rows. */
  copy(): MemoryGeneration {
    const copy = new MemoryGeneration(this.generation)
    for (const [text, row] of this.#rows) copy.#rows.set(text, row)
    return copy
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return this.#rows.get(textOfKey(key))?.[1]
  }

  cursor(range: CursorRange): StoreCursor {
    this.#check()
    const { next, close } = cursorOver(rowsOf(this.#sorted(), this.#rows, range))
    return {
      next: async (limit) => {
        this.#check()
        return next(limit)
      },
      close,
    }
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    this.#check()
    this.apply(writes)
  }

  /** The change alone, at once: what a simulated disk does when its write is through. */
  apply(writes: readonly StoreWrite[]): void {
    for (const { key, value } of writes) {
      const text = textOfKey(key)
      const known = this.#rows.has(text)
      if (value !== undefined) this.#rows.set(text, [key, value])
      else if (known) this.#rows.delete(text)
      if (known !== (value !== undefined)) this.#order = undefined
    }
  }

  snapshot(): StoreSnapshot {
    this.#check()
    const order = this.#sorted()
    const rows = new Map(this.#rows)
    return { cursor: (range) => cursorOver(rowsOf(order, rows, range)), close: async () => {} }
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #check(): void {
    if (!this.#open) throw new DpsError('UNAVAILABLE', 'the state is closed')
  }

  #sorted(): readonly string[] {
    this.#order ??= [...this.#rows.keys()].sort()
    return this.#order
  }
}

function rowsOf(
  order: readonly string[],
  rows: ReadonlyMap<string, Row>,
  { gte, lt, reverse = false }: CursorRange,
): Row[] {
  const from = lowerBound(order, textOfKey(gte))
  const texts = order.slice(from, Math.max(from, lowerBound(order, textOfKey(lt))))
  if (reverse) texts.reverse()
  return texts.map((text) => rows.get(text)!)
}

function cursorOver(rows: readonly Row[]): StoreCursor {
  let at = 0
  return {
    next: async (limit) => {
      at += limit
      return rows.slice(at - limit, at)
    },
    close: async () => {},
  }
}

/** How many come before `text`. */
function lowerBound(order: readonly string[], text: string): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (order[middle]! < text) low = middle + 1
    else high = middle
  }
  return low
}
