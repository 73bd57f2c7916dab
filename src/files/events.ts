/** A queue between work that tells and the one who listens: push on one side, `for await` on the other. */
import { childController, DpsError } from '../base/index.js'

export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = []
  readonly #abandon: () => void
  readonly #highWater: number
  #wake: (() => void) | undefined
  #room: (() => void)[] = []
  #done = false
  #letGo = false
  #failure: { error: unknown } | undefined

  /**
   * @param abandon called when the listener leaves before the end, so that the work can stop.
   * @param highWater events that may wait before {@link push} asks its caller to wait.
   */
  constructor(abandon: () => void, highWater = 1024) {
    this.#abandon = abandon
    this.#highWater = highWater
  }

  /** Resolves when the listener has room for more. */
  push(event: T): Promise<void> | undefined {
    if (this.#done) return undefined
    this.#waiting.push(event)
    this.#wake?.()
    if (this.#waiting.length < this.#highWater || this.#letGo) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** From now on nobody waits for room: the work is about to end. */
  letGo(): void {
    this.#letGo = true
    for (const resolve of this.#room.splice(0)) resolve()
  }

  end(): void {
    this.#done = true
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      while (true) {
        const events = this.#waiting.splice(0)
        for (const resolve of this.#room.splice(0)) resolve()
        yield* events
        if (this.#waiting.length > 0) continue
        if (this.#done) break
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
      if (this.#failure !== undefined) throw this.#failure.error
    } finally {
      const left = !this.#done
      this.#done = true
      for (const resolve of this.#room.splice(0)) resolve()
      if (left) this.#abandon()
    }
  }
}

/** The pieces of work that run, so that a stop can end them all and wait until they are over. */
export class Running {
  readonly #stopping = new AbortController()
  readonly #works = new Set<Promise<unknown>>()

  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  /** @param work never rejects. */
  add(work: Promise<void>): void {
    this.#works.add(work)
    void work.then(() => this.#works.delete(work))
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DpsError('UNAVAILABLE', 'the node is stopping'))
    await Promise.all(this.#works)
  }
}

/**
 * Runs `work` beside its listener. The work's signal is aborted when the listener leaves, `signal`
 * aborts or `running` stops; the queue ends, or fails with the work's error, when the work has
 * settled.
 */
export async function* tell<T>(
  work: (push: EventQueue<T>['push'], signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
  running: Running,
): AsyncGenerator<T> {
  const stops = childController(running.signal)
  const controller = childController(signal)
  const queue = new EventQueue<T>(() =>
    controller.abort(new DOMException('the listener left', 'AbortError')),
  )
  const onStop = () => controller.abort(stops.signal.reason)
  stops.signal.addEventListener('abort', onStop, { once: true })
  // The work must see its signal also where its listener stands still.
  controller.signal.addEventListener('abort', () => queue.letGo(), { once: true })
  if (stops.signal.aborted) onStop()
  const working = work((event) => queue.push(event), controller.signal).then(
    () => queue.end(),
    (error) => queue.fail(error),
  )
  running.add(working)
  try {
    yield* queue
  } finally {
    // Whoever awaits the generator's return may rely on the work being over.
    await working
    controller.dispose()
    stops.dispose()
  }
}

/** Lets at most one call in `intervalMs` pass, so that progress costs nothing. */
export function everyMs(intervalMs: number, call: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - last < intervalMs) return
    last = now
    call()
  }
}
