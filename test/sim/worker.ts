/** A process that runs seeds for the launcher. */
import { runSeed } from './simulation.js'

const from = Number(process.argv[2]),
  count = Number(process.argv[3])
const verbose = process.argv[4] === '-v'
let at = from
const t = performance.now()
let ev = 0,
  vms = 0
const total: Record<string, number> = {}
process.on('unhandledRejection', (e) => {
  console.log('UNHANDLED', e)
})
function next() {
  if (at >= from + count) {
    const s = (performance.now() - t) / 1000
    console.log(
      `${count} seeds ${(count / s).toFixed(1)}/s ${(ev / s / 1e3).toFixed(0)}k ev/s ${(ev / count).toFixed(0)} ev/seed ${(vms / count / 1000).toFixed(1)} virtual s`,
      total,
    )
    return
  }
  const r = runSeed(at, verbose ? { say: console.log } : {})
  ev += r.events
  vms += r.virtualMs
  for (const [k, v] of Object.entries(r.counts)) total[k] = (total[k] ?? 0) + v
  if (r.failure) console.log(at, r.failure.atMs, r.failure.message.slice(0, 1500))
  if (verbose) console.log(r)
  at++
  setImmediate(next)
}
setImmediate(next)
