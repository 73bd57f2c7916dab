import { type Entry, entryBytes } from './core/types.js'
import type { StateMachine } from './state-machine.js'

/** Entries in one call, so that a long backlog doesn't hold the event loop in one piece. */
const APPLY_BYTES_MAX = 4 * 2 ** 20

export interface ApplierInit {
  /** After each call, in order. */
  applied: (entries: readonly Entry[], results: readonly (Uint8Array | undefined)[]) => void
  /** The state machine refused: nothing is applied any more. */
  failed: (error: unknown) => void
}

/** Applies committed entries in order, one call at a time, beside whatever else happens. */
export class Applier {
  readonly #machine: Pick<StateMachine, 'apply'>
  readonly #init: ApplierInit
  #queue: Entry[] = []
  /** Bytes of all that were pushed and not applied yet. */
  #backlogBytes = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(machine: Pick<StateMachine, 'apply'>, init: ApplierInit) {
    this.#machine = machine
    this.#init = init
  }

  get backlogBytes(): number {
    return this.#backlogBytes
  }

  /** @param entries contiguous with what was pushed before */
  push(entries: Entry[]): void {
    if (entries.length === 0 || this.#stopped) return
    for (const entry of entries) this.#backlogBytes += entryBytes(entry)
    this.#queue = this.#queue.length === 0 ? entries : this.#queue.concat(entries)
    this.#running ??= this.#run()
  }

  /** Resolves when everything that was pushed is applied, or nothing is any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** What isn't under way already stays unapplied. */
  stop(): void {
    this.#stopped = true
    this.#queue = []
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const entries = this.#next()
        const results = await this.#machine.apply(entries)
        for (const entry of entries) this.#backlogBytes -= entryBytes(entry)
        if (this.#stopped) break
        this.#init.applied(entries, results)
      }
    } catch (error) {
      this.stop()
      this.#init.failed(error)
    } finally {
      this.#running = undefined
    }
  }

  #next(): Entry[] {
    const queue = this.#queue
    let bytes = 0
    let count = 0
    while (count < queue.length) {
      bytes += entryBytes(queue[count]!)
      if (bytes > APPLY_BYTES_MAX && count > 0) break
      count++
    }
    this.#queue = queue.slice(count)
    return count === queue.length ? queue : queue.slice(0, count)
  }
}
