/**
 * Start and stop. Parts start in the order given (lower floors first; those of a group, which don't
 * need each other, side by side) and stop in reverse; a failed start rolls back what had started; a
 * stop never skips a part because another failed.
 */
import { withDeadline } from './abort.js'

export interface Startable {
  start(): Promise<void>
  stop(): Promise<void>
}

export interface Part extends Partial<Startable> {
  /** The part's `service_id` in logs, status and errors. */
  readonly serviceId: string
}

export class Lifecycle {
  readonly #parts: readonly (Part | readonly Part[])[]
  readonly #stopTimeoutMs: number
  readonly #started: Part[] = []

  /** @param stopTimeoutMs bound on one part's stop, after which the next is stopped. */
  constructor(parts: readonly (Part | readonly Part[])[], stopTimeoutMs = 10_000) {
    this.#parts = parts
    this.#stopTimeoutMs = stopTimeoutMs
  }

  /** Rejects with the failed part's error, after everything already started was stopped. */
  async start(): Promise<void> {
    for (const group of this.#parts) {
      const parts = 'serviceId' in group ? [group] : group
      const outcomes = await Promise.allSettled(parts.map(async (part) => part.start?.()))
      outcomes.forEach(({ status }, index) => {
        if (status === 'fulfilled') this.#started.push(parts[index]!)
      })
      const failure = outcomes.find(({ status }) => status === 'rejected')
      if (failure?.status !== 'rejected') continue
      await this.stop().catch(() => {})
      throw failure.reason
    }
  }

  /** Rejects with an `AggregateError` of every part that did not stop, after trying all. */
  async stop(): Promise<void> {
    const errors: unknown[] = []
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop()) {
      const { serviceId } = part
      try {
        await withDeadline(this.#stopTimeoutMs, `stop of ${serviceId}`, async () => part.stop?.())
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not every part stopped')
  }
}
