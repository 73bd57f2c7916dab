import type { Timers } from '../base/index.js'
import type { Log } from '../observability/index.js'

/** Who wants to know that something changed, and those who wait for it. */
export class Changes {
  readonly #listeners = new Set<() => void>()
  readonly #timers: Timers
  readonly #logger: Log

  constructor(timers: Timers, logger: Log) {
    this.#timers = timers
    this.#logger = logger
  }

  /** @returns removes the listener */
  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A listener that fails is not the business of who changed. */
  emit(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener()
      } catch (error) {
        this.#logger.error({ err: error }, 'a listener failed')
      }
    }
  }

  /** @returns whether it came true, at a change, in time */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = () => {
        cancel()
        remove()
        resolve(holds())
      }
      const cancel = this.#timers.after(timeoutMs, settle)
      const remove = this.on(() => {
        if (holds()) settle()
      })
    })
  }
}
