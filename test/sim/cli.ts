/**
 * `npm run sim -- --seeds N [--seed S] [--log] [--trace FILE] [--workers W] [--off CHECK,…]`
 *
 * Runs N seeds from S on and tells which of them failed, and how many a second were run. See docs/simulator.md.
 */
import { parseArgs } from 'node:util'
import { bundleWorker } from './bundle.js'
import type { CheckName } from './check-names.js'
import { runSeeds, type Totals } from './launcher.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string' },
    log: { type: 'boolean', default: false },
    trace: { type: 'string' },
    off: { type: 'string' },
    scenario: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(`npm run sim -- [options]

  --seeds N       how many seeds (1,000; with --seed: 1)
  --seed S        the first seed (1)
  --scenario NAME a directed run instead of random ones
  --keep          goes on after failures, to count them
  --log           tells what happens, step by step, on stdout
  --trace FILE    writes the cores' transitions as NDJSON (the vocabulary of etcd's TLA+ trace validation)
  --workers W     processes (one per core)
  --off A,B       switches checks off`)
  process.exit(0)
}

function number(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`not a number: ${text}`)
  process.exit(2)
}

const from = number(values.seed, 1)
const count = number(values.seeds, (values.seed ?? values.scenario === undefined) ? 1_000 : 1)
const single = values.log || values.trace !== undefined
if (single && count !== 1) {
  console.error('--log and --trace are for one seed')
  process.exit(2)
}

function summary({ seeds, seconds, events, virtualMs, failures }: Totals): string {
  const rate = (seeds / seconds).toFixed(1)
  const each = (virtualMs / seeds / 1_000).toFixed(1)
  const speed = Math.round(events / seconds / 1_000)
  return `${seeds} seeds, ${failures.length} failed; ${rate} seeds/s, ${speed}k events/s, ${each} virtual seconds each`
}

let toldAt = 0
const totals = await runSeeds({
  worker: await bundleWorker(),
  from,
  count,
  off: (values.off?.split(',') ?? []) as CheckName[],
  firstOnly: !values.keep,
  log: values.log,
  ...(values.scenario !== undefined && { scenario: values.scenario }),
  ...(values.trace !== undefined && { trace: values.trace }),
  ...(values.workers !== undefined && { workers: number(values.workers, 1) }),
  onReport: (sofar) => {
    if (sofar.seconds - toldAt < 10 || sofar.seeds === count) return
    toldAt = sofar.seconds
    console.error(summary(sofar))
  },
})
for (const { seed, failure } of totals.failures) {
  console.error(`seed ${seed}, after ${failure!.atMs} virtual ms: ${failure!.message}`)
  console.error(`  again: npm run sim -- --seed ${seed} --log`)
}
console.error(summary(totals))
console.log(JSON.stringify({ ...totals, hashes: undefined, failures: totals.failures.length }))
process.exit(totals.failures.length === 0 ? 0 : 1)
