/** Time as a part that is given, so that a test or a simulator can own it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number
  /** Milliseconds since an arbitrary start. Never goes back. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** Waiting as a part that is given. What is due at the same moment runs in the order it was asked for. */
export interface Timers {
  /** Calls `run` once, `delayMs` from now or later. @returns cancels it; harmless afterwards */
  after(delayMs: number, run: () => void): () => void
  /**
   * Calls `run` soon, once what came in with this turn of the event loop has been handled too, so
   * that work on all of it is done once.
   */
  turn(run: () => void): void
  /**
   * Resolves when what already waits in the sockets has been read. Node fires timers before it
   * reads sockets: after a busy moment a timeout may be due although its answer is here.
   */
  settle(): Promise<void>
}

export const systemTimers: Timers = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  turn: (run) => void setImmediate(run),
  // The first turn may still be the one before the poll phase; the second is surely behind it.
  settle: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
}
