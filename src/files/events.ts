/** A queue between work that tells and the one who listens: push on one side, `for await` on the other. */

export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = []
  readonly #abandon: () => void
  readonly #highWater: number
  #wake: (() => void) | undefined
  #room: (() => void)[] = []
  #done = false
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
    if (this.#waiting.length < this.#highWater) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
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

/**
 * Runs `work` beside its listener. The work's signal is aborted when the listener leaves or
 * `signal` aborts; the queue ends, or fails with the work's error, when the work has settled.
 */
export async function* tell<T>(
  work: (push: EventQueue<T>['push'], signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal!.reason)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  const queue = new EventQueue<T>(() =>
    controller.abort(new DOMException('the listener left', 'AbortError')),
  )
  const running = work((event) => queue.push(event), controller.signal).then(
    () => queue.end(),
    (error) => queue.fail(error),
  )
  try {
    yield* queue
  } finally {
    signal?.removeEventListener('abort', onAbort)
    // Whoever awaits the generator's return may rely on the work being over.
    await running
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
