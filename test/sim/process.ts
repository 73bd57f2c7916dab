/**
 * One life of a node's process: its clocks, timers and inputs. Nothing of it happens after its death;
 * while it is stopped, timers and inputs wait.
 */
import type { Clock, Timers } from '../../src/base/index.js'
import type { SimEvent, World } from './world.js'

/** Of a machine: how far its clocks are off. */
export interface ClockFault {
  /** Its seconds per real second. */
  rate: number
  /** Wall clock's offset; the monotonic clock has none. */
  skewMs: number
}

export class SimProcess implements Clock, Timers {
  readonly world: World
  readonly name: string
  readonly #clockFault: ClockFault
  alive = true
  paused = false
  /** Moments of this life that came due while it was stopped, in order. */
  #lateTimers: (() => void)[] = []
  #lateInputs: (() => void)[] = []
  #monotonicMs: number
  #readAtUs: number

  constructor(world: World, name: string, clockFault: ClockFault) {
    this.world = world
    this.name = name
    this.#clockFault = clockFault
    this.#readAtUs = world.nowUs
    this.#monotonicMs = 1_000
  }

  now(): number {
    return Math.floor(1_790_000_000_000 + this.world.nowUs / 1_000 + this.#clockFault.skewMs)
  }

  monotonicMs(): number {
    const { nowUs } = this.world
    this.#monotonicMs += ((nowUs - this.#readAtUs) / 1_000) * this.#clockFault.rate
    this.#readAtUs = nowUs
    return this.#monotonicMs
  }

  after(delayMs: number, run: () => void): () => void {
    let pending: (() => void) | undefined = run
    const event: SimEvent = this.world.at((delayMs * 1_000) / this.#clockFault.rate, () => {
      if (!this.alive) return
      const fire = () => {
        const due = pending
        pending = undefined
        due?.()
      }
      if (this.paused) this.#lateTimers.push(fire)
      else fire()
    })
    return () => {
      pending = undefined
      event.run = undefined
    }
  }

  /** Whatever comes at one moment comes in one event here. */
  turn(run: () => void): void {
    void Promise.resolve().then(run)
  }

  /** What waits in the sockets was scheduled for this very moment: one microsecond later it is read. */
  settle(): Promise<void> {
    return new Promise((resolve) => this.after(0.001, resolve))
  }

  /** Something arrives from outside: a message, or a disk's answer. */
  input(run: () => void): void {
    if (!this.alive) return
    if (this.paused) this.#lateInputs.push(run)
    else run()
  }

  /** An input at a later moment. */
  inputAfter(delayUs: number, run: () => void): void {
    this.world.at(delayUs, () => this.input(run))
  }

  pause(): void {
    this.paused = true
  }

  /** As Node's loop does it: timers first, then the sockets. */
  resume(): void {
    if (!this.paused) return
    this.paused = false
    const late = [...this.#lateTimers.splice(0), ...this.#lateInputs.splice(0)]
    for (const run of late) this.world.at(0, () => this.alive && run())
  }

  kill(): void {
    this.alive = false
    this.#lateTimers = []
    this.#lateInputs = []
  }
}
