/** One barrier for all who wait: many small files don't each pay for the disk's acknowledgement. */

/** How long the first waiter waits for company at most, while others are still writing. */
const GATHER_MS = 20
/** Waiting for more than this would make the barrier itself long. */
const GATHER_BYTES = 64 * 1024 * 1024

export interface GroupBarrierInit {
  /** Makes everything put before it durable. */
  run(): Promise<void>
  /** Nobody writes: waiting would gather no company. */
  idle(): boolean
  /** Written and not yet durable. */
  waitingBytes(): number
}

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

export class GroupBarrier {
  readonly #init: GroupBarrierInit
  #waiters: Waiter[] = []
  #running = false
  #timer: NodeJS.Timeout | undefined
  #since = 0

  constructor(init: GroupBarrierInit) {
    this.#init = init
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiters.length === 0) this.#since = performance.now()
      this.#waiters.push({ resolve, reject })
      this.poke()
    })
  }

  /** To be called when something may have become idle or large. */
  poke(): void {
    if (this.#running || this.#waiters.length === 0) return
    const leftMs = GATHER_MS - (performance.now() - this.#since)
    if (this.#init.idle() || leftMs <= 0 || this.#init.waitingBytes() >= GATHER_BYTES) {
      this.#start()
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.#start()
      }, leftMs)
    }
  }

  #start(): void {
    if (this.#running) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running = true
    // Who comes from now on waits for the next one: this one may not cover what they put.
    const waiters = this.#waiters
    this.#waiters = []
    this.#init
      .run()
      .then(
        () => {
          for (const waiter of waiters) waiter.resolve()
        },
        (error) => {
          for (const waiter of waiters) waiter.reject(error)
        },
      )
      .finally(() => {
        this.#running = false
        this.poke()
      })
  }
}
