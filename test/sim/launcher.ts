/** Runs many seeds in worker processes, a few at a time, so that a slow one holds nobody up. */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { CheckName } from './check-names.js'
import type { RunResult } from './simulation.js'
import type { Order, Progress, Report } from './worker.js'

export interface LaunchOptions {
  /** The bundle that runs. */
  worker: string
  from: number
  count: number
  /** Processes. @default one per core */
  workers?: number
  /** Checks that are switched off. */
  off?: readonly CheckName[]
  /** A directed run. */
  scenario?: string
  /** Ends soon after the first failure. */
  firstOnly?: boolean
  log?: boolean
  trace?: string
  onReport?: (total: Totals) => void
}

export interface Totals {
  seeds: number
  events: number
  virtualMs: number
  counts: Record<string, number>
  /** In the order of seeds. */
  failures: RunResult[]
  hashes: string[]
  seconds: number
}

const ORDER_SEEDS = 20

export async function runSeeds(options: LaunchOptions): Promise<Totals> {
  const { from, count, firstOnly = false, off = [], log = false, onReport } = options
  const startedAt = performance.now()
  const totals: Totals = {
    seeds: 0,
    events: 0,
    virtualMs: 0,
    counts: {},
    failures: [],
    hashes: [],
    seconds: 0,
  }
  let next = from
  const takeOrder = (): Order | undefined => {
    const left = from + count - next
    if (left <= 0 || (firstOnly && totals.failures.length > 0)) return undefined
    const size = Math.min(ORDER_SEEDS, left)
    const order: Order = { from: next, count: size, off: [...off], firstOnly, log }
    const { trace, scenario } = options
    if (trace !== undefined) order.trace = trace
    if (scenario !== undefined) order.scenario = scenario
    next += size
    return order
  }
  const add = (order: Order, report: Report) => {
    totals.seeds += report.seeds
    totals.events += report.events
    totals.virtualMs += report.virtualMs
    for (const [name, value] of Object.entries(report.counts)) {
      totals.counts[name] = (totals.counts[name] ?? 0) + value
    }
    totals.failures.push(...report.failures)
    for (const [at, hash] of report.hashes.entries()) totals.hashes[order.from - from + at] = hash
    totals.seconds = (performance.now() - startedAt) / 1_000
    onReport?.(totals)
  }
  const workers = Math.min(
    options.workers ?? availableParallelism(),
    Math.ceil(count / ORDER_SEEDS),
  )
  await Promise.all(
    Array.from({ length: Math.max(1, workers) }, () => work(options.worker, takeOrder, add)),
  )
  totals.failures.sort((a, b) => a.seed - b.seed)
  return totals
}

async function work(
  bundle: string,
  takeOrder: () => Order | undefined,
  add: (order: Order, report: Report) => void,
): Promise<void> {
  let child: ChildProcess | undefined
  try {
    for (let order = takeOrder(); order !== undefined; order = takeOrder()) {
      child ??= fork(bundle, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      const report = await ask(child, order)
      add(order, report)
      if (child.exitCode !== null || child.killed) child = undefined
    }
  } finally {
    child?.kill()
  }
}

/** A seed takes some hundredths of a second. */
const SPIN_MS = 60_000

function ask(child: ChildProcess, order: Order): Promise<Report> {
  const { from, count } = order
  return new Promise((resolve, reject) => {
    let seed = from
    const end = () => {
      clearTimeout(timer)
      child.off('exit', onExit)
      child.off('message', onMessage)
    }
    const onSpin = () => {
      end()
      // It hears nothing any more.
      child.kill('SIGKILL')
      resolve(spinning(seed))
    }
    let timer = setTimeout(onSpin, SPIN_MS)
    const onExit = (code: number | null, signal: string | null) => {
      end()
      reject(new Error(`a worker ended (${code ?? signal}) in seed ${seed} of ${from}+${count}`))
    }
    const onMessage = (message: Progress | Report) => {
      clearTimeout(timer)
      timer = setTimeout(onSpin, SPIN_MS)
      if ('seed' in message) seed = message.seed
      else {
        end()
        resolve(message)
      }
    }
    child.on('exit', onExit)
    child.on('message', onMessage)
    child.send(order)
  })
}

/** What is told of a seed that never ends. */
function spinning(seed: number): Report {
  const message = `liveness: the seed spins: no event ends for ${SPIN_MS / 1_000} s`
  const failure = { check: 'liveness', message, atMs: 0 }
  const result = { seed, hash: '', failure, virtualMs: 0, events: 0, counts: {} }
  return { seeds: 1, events: 0, virtualMs: 0, counts: {}, failures: [result], hashes: [] }
}
