/**
 * Which records this process wrote a short while ago. They need not be read again to know that
 * they are there: the database took them, and what rots takes longer.
 */
import type { Clock } from '../base/index.js'

/** Marks within the time of trust: a record is distrusted at most a sixth of it too early. */
const MARKS = 6

export class OwnWrites {
  readonly #clock: Clock
  readonly #trustMs: number
  /** The log's end at some moments of the last `trustMs`, oldest first. */
  #marks: { atMs: number; sequence: number }[] = []

  /** @param trustMs 0: nothing is trusted. */
  constructor(clock: Clock, trustMs: number) {
    this.#clock = clock
    this.#trustMs = trustMs
  }

  /** Whether the record at `sequence` is one of them. @param end the log's end now. */
  has(sequence: number, end: number): boolean {
    this.mark(end)
    const [oldest] = this.#marks
    return oldest !== undefined && sequence >= oldest.sequence
  }

  /** What is written from now on begins at `end`. Call it when the log is opened. */
  mark(end: number): void {
    if (this.#trustMs === 0) return
    const atMs = this.#clock.monotonicMs()
    while (this.#marks.length > 0 && atMs - this.#marks[0]!.atMs >= this.#trustMs) {
      this.#marks.shift()
    }
    const last = this.#marks.at(-1)
    if (last === undefined || atMs - last.atMs >= this.#trustMs / MARKS) {
      this.#marks.push({ atMs, sequence: end })
    }
  }
}
