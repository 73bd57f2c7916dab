/**
 * Time and chance of one simulated world. Whatever happens is an event with a moment; between two
 * events every promise that can go on does, so a run is a function of its seed.
 */
import { Rng } from './random.js'

/** A property of the system did not hold: the seed has found a bug. */
export class SimFailure extends Error {
  readonly check: string

  constructor(check: string, message: string) {
    super(`${check}: ${message}`)
    this.name = 'SimFailure'
    this.check = check
  }
}

export interface SimEvent {
  /** Microseconds since the world's beginning. */
  readonly at: number
  /** Ties go to whoever asked first. */
  readonly order: number
  /** Undefined once it was cancelled. */
  run: (() => void) | undefined
}

/**
 * Runs all promise reactions that are due. Node offers it to C++ callers only under this name; a turn of the
 * event loop would do the same at ten times the price.
 */
const drain = (process as unknown as { _tickCallback(): void })._tickCallback

export class World {
  nowUs = 0
  /** Events that ran. */
  events = 0
  readonly seed: number
  failure: Error | undefined
  /** Something threw where nobody catches. */
  onError: (error: Error) => void = (error) => this.fail(error)
  /** Tells what happens, where somebody wants to read it. */
  readonly say: ((text: string) => void) | undefined
  #heap: SimEvent[] = []
  #order = 0
  #hashA = 0x9e3779b9
  #hashB = 0x85ebca6b

  constructor(seed: number, say?: (text: string) => void) {
    this.seed = seed
    this.say = say && ((text) => say(`${(this.nowUs / 1000).toFixed(3).padStart(10)} ${text}`))
  }

  stream(name: string): Rng {
    return new Rng(this.seed, name)
  }

  /** Of everything that was recorded, in order: equal for equal runs. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0')
    return hex(this.#hashA) + hex(this.#hashB)
  }

  /** Notes that something happened. */
  record(kind: number, a = 0, b = 0, c = 0): void {
    let h = this.#hashA ^ (this.nowUs | 0)
    h = Math.imul(h ^ kind, 0x85ebca6b) ^ (h >>> 13)
    h = Math.imul(h ^ (a | 0), 0xc2b2ae35) ^ (h >>> 16)
    h = Math.imul(h ^ (b | 0), 0x27d4eb2f) ^ (h >>> 15)
    this.#hashA = h
    this.#hashB = Math.imul(this.#hashB ^ h ^ (c | 0), 0x01000193) ^ (this.#hashB >>> 11)
  }

  at(delayUs: number, run: () => void): SimEvent {
    const event = { at: this.nowUs + Math.max(0, Math.round(delayUs)), order: this.#order++, run }
    this.#push(event)
    return event
  }

  sleep(delayUs: number): Promise<void> {
    return new Promise((resolve) => this.at(delayUs, resolve))
  }

  /** The first failure counts: what follows is its consequence. */
  fail(error: Error): void {
    this.failure ??= error
  }

  /** Runs until the queue is empty, something failed, `until` passed or `done` holds. Not inside a promise. */
  run(untilUs: number, done: () => boolean = () => false): void {
    drain()
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.at > untilUs) {
        this.nowUs = untilUs
        return
      }
      this.#pop()
      if (event.run === undefined) continue
      this.nowUs = event.at
      this.events++
      try {
        event.run()
        drain()
      } catch (error) {
        this.onError(error as Error)
      }
      if (this.failure !== undefined || done()) return
    }
  }

  get queued(): number {
    return this.#heap.length
  }

  #before(a: SimEvent, b: SimEvent): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #push(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]!
      if (!this.#before(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    const { length } = heap
    if (length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#before(heap[child + 1]!, heap[child]!)) child++
      if (!this.#before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
