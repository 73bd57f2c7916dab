/** Cancellation. An abort leaves as `signal.reason`, unwrapped. */
import { DpsError } from './errors.js'

export interface AbortOptions {
  signal?: AbortSignal
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted first. */
export function delay(ms: number, options: AbortOptions = {}): Promise<void> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * The promise, or a rejection with the signal's reason, whichever is first. The work behind the
 * promise goes on: use it only where that work cleans up after itself.
 */
export function raceSignal<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** A controller that also aborts when `parent` does. `dispose` unhooks it from the parent. */
export function childController(parent?: AbortSignal): AbortController & { dispose(): void } {
  const controller = new AbortController() as AbortController & { dispose(): void }
  const onAbort = () => controller.abort(parent!.reason)
  if (parent?.aborted) onAbort()
  else parent?.addEventListener('abort', onAbort, { once: true })
  controller.dispose = () => parent?.removeEventListener('abort', onAbort)
  return controller
}

/** Rejects with DEADLINE_EXCEEDED and `what` after `ms`; aborts the signal given to `work`. */
export async function withDeadline<T>(
  ms: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: AbortOptions = {},
): Promise<T> {
  const controller = childController(options.signal)
  const timer = setTimeout(
    () => controller.abort(new DpsError('DEADLINE_EXCEEDED', `${what}: no answer in ${ms} ms`)),
    ms,
  )
  try {
    return await raceSignal(work(controller.signal), controller.signal)
  } finally {
    clearTimeout(timer)
    controller.dispose()
  }
}
