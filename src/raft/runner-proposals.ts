import { DpsError } from '../base/index.js'
import type { Proposed } from './core/leader.js'
import type { Entry } from './core/types.js'

/** What a proposal came to: `undefined` for entries that are no commands. */
type Settle = (result: Uint8Array | undefined) => void

interface Waiting extends Proposed {
  resolve: Settle
  reject: (reason: unknown) => void
}

/** Whether the proposal was or will be applied, nobody can tell here. Safe to retry in a session. */
export function outcomeUnknown(why: string, cause?: unknown): DpsError {
  return new DpsError('UNAVAILABLE', `${why}: the outcome of the proposal is unknown`, {
    cause,
    hint: 'retry in the same session: it is applied once',
  })
}

/** Who waits for an entry of this leadership, in the order of the log. */
export class Proposals {
  /** Ascending by index from `#head` on. */
  #waiting: Waiting[] = []
  #head = 0

  get size(): number {
    return this.#waiting.length - this.#head
  }

  /** @param proposed behind everything that waits already */
  wait({ index, term }: Proposed): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, term, resolve, reject })
    })
  }

  /** These entries were applied, with these results. */
  applied(entries: readonly Entry[], results: readonly (Uint8Array | undefined)[]): void {
    if (this.size === 0) return
    for (const [at, { index, term }] of entries.entries()) {
      const waiting = this.#waiting[this.#head]
      if (waiting === undefined) break
      if (waiting.index !== index) continue
      this.#head++
      if (waiting.term === term) waiting.resolve(results[at])
      else waiting.reject(new DpsError('UNAVAILABLE', 'another leader replaced the proposal'))
    }
    // Half of it is history: keeps the list within twice what waits.
    if (this.#head > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }

  /** Those above `index` may have been lost: they get to know that nobody knows. */
  abandonAbove(index: number, error: () => DpsError): void {
    while (this.size > 0 && this.#waiting.at(-1)!.index > index) {
      this.#waiting.pop()!.reject(error())
    }
  }

  /** Those up to `index` will never have their results here: a snapshot stands for them. */
  abandonThrough(index: number, error: () => DpsError): void {
    while (this.size > 0 && this.#waiting[this.#head]!.index <= index) {
      this.#waiting[this.#head++]!.reject(error())
    }
  }
}
