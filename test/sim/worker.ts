/** A process of its own that runs the seeds it is sent: see `launcher.ts`. */
import { openSync, writeSync } from 'node:fs'
import type { CheckName } from './check-names.js'
import { SCENARIOS } from './scenarios/index.js'
import { type RunOptions, type RunResult, runSeed } from './simulation.js'
import { traceLine } from './trace.js'
import { traceCores } from './trace-cores.js'
import type { World } from './world.js'

/** Seeds to run; the failing ones are reported one by one. */
export interface Order {
  from: number
  count: number
  off: CheckName[]
  /** A directed run's name, instead of random ones. */
  scenario?: string
  /** The first failure ends the order. */
  firstOnly: boolean
  /** Tells everything that happens on stdout. */
  log: boolean
  /** Where the cores' transitions go, one a line. */
  trace?: string
}

/** Sent before each seed: a seed that spins can't tell. */
export interface Progress {
  seed: number
}

export interface Report {
  seeds: number
  events: number
  virtualMs: number
  counts: Record<string, number>
  failures: RunResult[]
  /** Of every seed, in order. */
  hashes: string[]
}

/** What a simulated world must not touch: its runs would differ. */
function forbid(): void {
  const never = (what: string) => () => {
    throw new Error(`a simulated world uses ${what}`)
  }
  Math.random = never('Math.random')
  Date.now = never('the wall clock')
  performance.now = never('the real clock')
  Object.assign(globalThis, { setTimeout: never('setTimeout'), setInterval: never('setInterval') })
}

/** Rejections that nobody handles are failures of the world that runs. */
let current: { world?: World } = {}
process.on('unhandledRejection', (error) => current.world?.onError(error as Error))

function traced(seed: number, order: Order): RunResult {
  current = {}
  // Most errors here are expected, and their stacks a tenth of the time.
  Error.stackTraceLimit = order.log ? 20 : 0
  const onWorld = (world: World) => {
    current.world = world
  }
  const say = order.log ? (text: string) => void process.stdout.write(`${text}\n`) : undefined
  const scenario = SCENARIOS.find(({ name }) => name === order.scenario)
  if (order.scenario !== undefined && scenario === undefined) throw new Error('no such scenario')
  const options: RunOptions = {
    off: new Set(order.off),
    onWorld,
    ...(say && { say }),
    ...(scenario && { scenario }),
  }
  if (order.trace === undefined) return runSeed(seed, options)
  const file = openSync(order.trace, 'w')
  let count = 0
  const stop = traceCores((event) => {
    writeSync(file, traceLine(event, current.world?.nowUs ?? 0, count++))
  })
  try {
    return runSeed(seed, options)
  } finally {
    stop()
  }
}

function run(order: Order): void {
  const report: Report = {
    seeds: 0,
    events: 0,
    virtualMs: 0,
    counts: {},
    failures: [],
    hashes: [],
  }
  const next = () => {
    const { from, count, firstOnly } = order
    const over = report.seeds === count || (firstOnly && report.failures.length > 0)
    if (over) {
      process.send!(report)
      return
    }
    const progress: Progress = { seed: from + report.seeds }
    process.send!(progress)
    setImmediate(runOne)
  }
  const runOne = () => {
    const result = traced(order.from + report.seeds, order)
    report.seeds++
    report.events += result.events
    report.virtualMs += result.virtualMs
    report.hashes.push(result.hash)
    for (const [name, value] of Object.entries(result.counts)) {
      report.counts[name] = (report.counts[name] ?? 0) + value
    }
    if (result.failure !== undefined) report.failures.push(result)
    // A turn of the loop of its own: the world runs the promises of its events itself.
    setImmediate(next)
  }
  setImmediate(next)
}

forbid()
process.on('message', run)
