import type { Clock, Timers } from '../base/index.js'

export interface TickerComponents {
  clock: Pick<Clock, 'monotonicMs'>
  timers: Timers
}

/**
 * Ticks that can't outrun the messages: each one first lets the sockets be read, so that a heartbeat
 * that waits there counts before an election does.
 */
export class Ticker {
  readonly #components: TickerComponents
  readonly #tickMs: number
  readonly #tick: () => void
  #cancel: (() => void) | undefined
  #nextMs = 0
  #running = false
  #lagMs = 0

  constructor(components: TickerComponents, tickMs: number, tick: () => void) {
    this.#components = components
    this.#tickMs = tickMs
    this.#tick = tick
  }

  /** The latest that a tick was, beyond its time; halves with each tick. Milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  start(): void {
    this.#running = true
    this.#nextMs = this.#components.clock.monotonicMs() + this.#tickMs
    this.#arm()
  }

  stop(): void {
    this.#running = false
    this.#cancel?.()
  }

  #arm(): void {
    const { clock, timers } = this.#components
    const delayMs = Math.max(0, this.#nextMs - clock.monotonicMs())
    this.#cancel = timers.after(delayMs, () => void this.#fire())
  }

  async #fire(): Promise<void> {
    const { clock, timers } = this.#components
    const lateMs = clock.monotonicMs() - this.#nextMs
    await timers.settle()
    if (!this.#running) return
    this.#lagMs = Math.max(lateMs, this.#lagMs / 2)
    // A pause isn't caught up: ticks in a row would leave no time for an answer between them.
    this.#nextMs = Math.max(this.#nextMs + this.#tickMs, clock.monotonicMs())
    this.#tick()
    if (this.#running) this.#arm()
  }
}
