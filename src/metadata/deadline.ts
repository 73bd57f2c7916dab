import { type Clock, DpsError, type Timers, toDpsError } from '../base/index.js'

export interface DeadlineComponents {
  clock: Pick<Clock, 'monotonicMs'>
  timers: Pick<Timers, 'after'>
}

/** Until when somebody waits, over everything that is tried meanwhile. Clear it in the end. */
export class Deadline {
  readonly #clock: DeadlineComponents['clock']
  readonly #endMs: number
  readonly #signal: AbortSignal | undefined
  readonly #cancel: () => void
  readonly #onAbort = () => this.#expire(this.#signal!.reason)
  #reason: { error: unknown } | undefined
  #waiting: ((reason: unknown) => void) | undefined
  /** What failed last, for the error's cause. */
  lastError: unknown

  constructor({ clock, timers }: DeadlineComponents, timeoutMs: number, signal?: AbortSignal) {
    this.#clock = clock
    this.#endMs = clock.monotonicMs() + timeoutMs
    this.#signal = signal
    this.#cancel = timers.after(timeoutMs, () => this.#expire(this.#exceeded(timeoutMs)))
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  leftMs(): number {
    return Math.max(1, this.#endMs - this.#clock.monotonicMs())
  }

  /** @throws DEADLINE_EXCEEDED, or the signal's reason, when it is over */
  check(): void {
    if (this.#reason !== undefined) throw this.#reason.error
  }

  /**
   * The promise, or the end of the deadline; the work behind it goes on. One at a time.
   *
   * @param onExpired ends the work, where it can be ended
   */
  race<T>(promise: Promise<T>, onExpired?: () => void): Promise<T> {
    if (this.#reason !== undefined) {
      promise.catch(() => {})
      onExpired?.()
      return Promise.reject(this.#reason.error)
    }
    return new Promise((resolve, reject) => {
      this.#waiting = (reason) => {
        reject(reason)
        onExpired?.()
      }
      promise.then(resolve, reject)
    })
  }

  clear(): void {
    this.#cancel()
    this.#waiting = undefined
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #exceeded(timeoutMs: number): DpsError {
    const last = this.lastError
    const why = last === undefined ? '' : `: ${toDpsError(last).message}`
    return new DpsError('DEADLINE_EXCEEDED', `not done within ${timeoutMs} ms${why}`, {
      cause: last,
      hint: 'whether it will still be done is unknown',
    })
  }

  #expire(error: unknown): void {
    this.#reason ??= { error }
    this.#waiting?.(this.#reason.error)
  }
}
