/** The proposing side of a session: numbers, and how many may be unanswered. */
import { DpsError } from '../base/index.js'
import { SESSION_WINDOW } from './commands/session-rules.js'

/** Proposals that wait for room in the window: somebody proposes faster than the cluster takes. */
const WAITING_MAX = 16_384

export class ClientSession {
  readonly id: number
  /** When it was opened or last used, by the monotonic clock. */
  usedMs: number
  #next = 1
  /** In order: numbers only grow, so the first one is the lowest. */
  readonly #open = new Set<number>()
  #waiting: (() => void)[] = []

  constructor(id: number, nowMs: number) {
    this.id = id
    this.usedMs = nowMs
  }

  /** Lowest unanswered number; the next one when there is none. */
  get lowest(): number {
    for (const seq of this.#open) return seq
    return this.#next
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * The next number; waits while the window is full.
   *
   * @throws RESOURCE_EXHAUSTED when too many wait already
   */
  take(): number | Promise<number> {
    if (this.#waiting.length === 0 && this.#hasRoom()) return this.#take()
    if (this.#waiting.length >= WAITING_MAX) {
      throw new DpsError('RESOURCE_EXHAUSTED', 'too many proposals wait for their answers', {
        hint: 'retry with back-off',
      })
    }
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#take())))
  }

  /** Answered, or given up: nobody asks for its outcome any more. */
  answered(seq: number): void {
    this.#open.delete(seq)
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#waiting.shift()!()
  }

  #hasRoom(): boolean {
    return this.#next < this.lowest + SESSION_WINDOW
  }

  #take(): number {
    const seq = this.#next++
    this.#open.add(seq)
    return seq
  }
}
