/** What every call has, whatever its protocol: an access log line, metrics, a signal of its own. */
import { DpsError } from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import { fromConnectError } from './contract/codec.js'

/** Books on the calls of a gateway. */
export class CallBook {
  readonly #log: Log
  readonly #seconds
  readonly #running
  readonly #bytes

  constructor(log: Log, metrics: Metrics) {
    this.#log = log
    this.#seconds = metrics.histogram({
      name: 'dps_api_call_seconds',
      help: 'Calls of the API from start to end, by method and outcome.',
      labelNames: ['method', 'code'],
    })
    this.#running = metrics.gauge({
      name: 'dps_api_calls_running',
      help: 'Calls of the API that have not ended.',
      labelNames: ['method'],
    })
    this.#bytes = metrics.counter({
      name: 'dps_api_content_bytes_total',
      help: 'File bytes that clients uploaded (in) and downloaded (out).',
      labelNames: ['direction'],
    })
  }

  countBytes(direction: 'in' | 'out', bytes: number): void {
    this.#bytes.inc({ direction }, bytes)
  }

  /** The returned function ends the call; only its first use counts. */
  begin(method: string, requestId: string): (thrown?: unknown) => void {
    const startedMs = performance.now()
    this.#running.inc({ method })
    let ended = false
    return (thrown) => {
      if (ended) return
      ended = true
      this.#running.dec({ method })
      const error = thrown === undefined ? undefined : fromConnectError(thrown)
      const code = error?.code ?? 'OK'
      const durationMs = performance.now() - startedMs
      this.#seconds.observe({ method, code }, durationMs / 1000)
      const fields = { request_id: requestId, method, code, duration_ms: Math.round(durationMs) }
      if (code === 'INTERNAL') this.#log.error({ ...fields, err: thrown }, 'call failed')
      else if (this.#log.isLevelEnabled('debug')) {
        this.#log.debug(error === undefined ? fields : { ...fields, err: error }, 'call')
      }
    }
  }
}

/** What cancels a call, as one controller: its deadline, its client's leaving, the node's stop. */
export class CallSignal {
  readonly #controller = new AbortController()
  readonly #parents: { signal: AbortSignal; onAbort: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Aborts with a `DpsError` saying what the parent's reason means. */
  follow(parent: AbortSignal): this {
    const onAbort = () => this.abort(cancelReason(parent.reason))
    if (parent.aborted) onAbort()
    else {
      parent.addEventListener('abort', onAbort, { once: true })
      this.#parents.push({ signal: parent, onAbort })
    }
    return this
  }

  deadline(timeoutMs: number | undefined): this {
    if (timeoutMs === undefined) return this
    const message = `not done within ${timeoutMs} ms`
    this.#timer = setTimeout(
      () => this.abort(new DpsError('DEADLINE_EXCEEDED', message)),
      // Beyond this setTimeout fires at once.
      Math.min(timeoutMs, 2 ** 31 - 1),
    )
    return this
  }

  abort(reason: DpsError): void {
    this.#controller.abort(reason)
    this.dispose()
  }

  dispose(): void {
    clearTimeout(this.#timer)
    for (const { signal, onAbort } of this.#parents) signal.removeEventListener('abort', onAbort)
    this.#parents.length = 0
  }
}

function cancelReason(reason: unknown): DpsError {
  if (reason instanceof DpsError) return reason
  const { code } = fromConnectError(reason)
  if (code === 'DEADLINE_EXCEEDED') {
    return new DpsError(code, 'not done within the client’s deadline', { cause: reason })
  }
  // Connect's reasons tell how the stream was reset; it comes to the same.
  return new DpsError('CANCELLED', 'the client went away', { cause: reason })
}

/** At most `hz` progress events a second, none for 0; everything else passes. */
export async function* throttleProgress<T extends { type: string }>(
  events: AsyncIterable<T>,
  hz: number,
): AsyncGenerator<T> {
  const intervalMs = hz > 0 ? 1000 / hz : Number.POSITIVE_INFINITY
  let nextMs = Number.NEGATIVE_INFINITY
  for await (const event of events) {
    if (event.type === 'progress') {
      const nowMs = performance.now()
      if (intervalMs === Number.POSITIVE_INFINITY || nowMs < nextMs) continue
      nextMs = nowMs + intervalMs
    }
    yield event
  }
}
