/**
 * A signal that ends with a time or with any of its parents. Unlike `AbortSignal.any`, which on
 * Node 20 stays registered at a long-lived parent, it is taken off again by `done`.
 */
export interface BoundedSignal {
  signal: AbortSignal
  /** To be called when the work has ended. */
  done(): void
}

export function boundedSignal(
  ms: number,
  ...parents: readonly (AbortSignal | undefined)[]
): BoundedSignal {
  const controller = new AbortController()
  const unhook: (() => void)[] = []
  for (const parent of parents) {
    if (parent === undefined) continue
    const onAbort = () => controller.abort(parent.reason)
    if (parent.aborted) onAbort()
    parent.addEventListener('abort', onAbort, { once: true })
    unhook.push(() => parent.removeEventListener('abort', onAbort))
  }
  // The name by which libp2p and `toDpsError` know a timeout.
  const late = () => controller.abort(new DOMException(`no answer in ${ms} ms`, 'TimeoutError'))
  const timer = setTimeout(late, ms)
  const done = () => {
    clearTimeout(timer)
    for (const off of unhook) off()
  }
  return { signal: controller.signal, done }
}
