import type { Clock, Timers } from '../base/index.js'

export interface TickerInit {
  tickMs: number
  /**
   * Missed ticks that are made up for; what a pause took beyond them is lost. With as many as lie
   * between heartbeats a busy node keeps time, and a leader that lives is heard of in between.
   */
  catchUpTicks: number
  tick: () => void
  /** Asked after each tick; while time changes nothing the ticker sleeps, until `wake`. */
  needed: () => boolean
}

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
  readonly #init: TickerInit
  #cancel: (() => void) | undefined
  #nextMs = 0
  #running = false
  #asleep = false
  #lagMs = 0

  constructor(components: TickerComponents, init: TickerInit) {
    this.#components = components
    this.#init = init
  }

  /** The latest that a tick was, beyond its time; halves with each tick. Milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  start(): void {
    this.#running = true
    this.#begin()
  }

  /** Ticks again, if it sleeps: the first one comes after a whole tick. */
  wake(): void {
    if (this.#running && this.#asleep) this.#begin()
  }

  #begin(): void {
    this.#asleep = false
    this.#nextMs = this.#components.clock.monotonicMs() + this.#init.tickMs
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
    const { tickMs, catchUpTicks, tick } = this.#init
    const oldestMs = clock.monotonicMs() - (catchUpTicks - 1) * tickMs
    this.#nextMs = Math.max(this.#nextMs + tickMs, oldestMs)
    tick()
    if (!this.#running) return
    this.#asleep = !this.#init.needed()
    if (!this.#asleep) this.#arm()
  }
}
