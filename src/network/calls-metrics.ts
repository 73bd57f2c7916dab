/** How calls are counted: by protocol, method and outcome. */
import type { Metrics } from '../observability/index.js'

export type CountCall = (method: string, code: string, elapsedMs: number) => void

// A method or code is ours or was checked against ours, so the number of series is bounded; this
// keeps the handful of hot ones from being looked up by label on each call.
export function callMetrics(
  metrics: Metrics | undefined,
  side: 'client' | 'server',
  protocol: string,
): CountCall {
  if (metrics === undefined) return () => {}
  const total = metrics.counter({
    name: 'dps_network_calls_total',
    help: 'Calls that ended, by side, protocol, method and outcome.',
    labelNames: ['side', 'protocol', 'method', 'code'],
  })
  const seconds = metrics.histogram({
    name: 'dps_network_call_seconds',
    help: 'How long calls took, by side, protocol and method.',
    labelNames: ['side', 'protocol', 'method'],
  })
  const known = new Map<string, (elapsedMs: number) => void>()
  return (method, code, elapsedMs) => {
    const key = `${method} ${code}`
    let count = known.get(key)
    if (count === undefined) {
      const counter = total.labels(side, protocol, method, code)
      const histogram = seconds.labels(side, protocol, method)
      count = (ms) => {
        counter.inc()
        histogram.observe(ms / 1000)
      }
      known.set(key, count)
    }
    count(elapsedMs)
  }
}
