/** What every measure needs: real nodes, files of random bytes, medians, and one way to report. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ApiClient } from '../src/gateway/client.js'

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const BIN = path.resolve(import.meta.dirname, '../../bin/dps-node.cjs')

const temp = fs.mkdtempSync(path.join(process.env.BENCH_DIR ?? os.tmpdir(), 'dps-bench-'))
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  fs.rmSync(temp, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

let named = 0
export function tempPath(name: string): string {
  return path.join(temp, `${named++}-${name}`)
}

export interface Measure {
  bench: string
  unit: string
  /** Medians over the rounds. */
  value: number
  baseline?: number
  /** What the baseline is. */
  against?: string
  ratio?: number
  target: string
  reached: boolean
  [further: string]: unknown
}

export function report(measure: Measure): void {
  const rounded = Object.fromEntries(
    Object.entries(measure).map(([key, value]) => [
      key,
      // Rounded down: a figure never looks better than it was.
      typeof value === 'number' ? Math.floor(value * 1000) / 1000 : value,
    ]),
  )
  process.stdout.write(`${JSON.stringify(rounded)}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))]!
}

/** Megabytes (10^6) a second. */
export async function rate(bytes: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return bytes / 1e6 / ((performance.now() - startedAt) / 1000)
}

/** A file of bytes that neither compress nor repeat. */
export function randomFile(bytes: number): string {
  const file = tempPath('random')
  const fd = fs.openSync(file, 'w')
  const block = Buffer.allocUnsafe(4 * MIB)
  for (let left = bytes; left > 0; left -= block.length) {
    randomFillSync(block)
    fs.writeSync(fd, block, 0, Math.min(left, block.length))
  }
  fs.fdatasyncSync(fd)
  fs.closeSync(fd)
  return file
}

export interface BenchNode {
  dataDir: string
  peerId: string
  addrs: string[]
  client: ApiClient
  /** Where and with what other processes ask it. */
  api: { url: string; token: string }
  pid: number
  readyMs: number
  stop(): Promise<void>
  /** Stops and removes everything. */
  destroy(): Promise<void>
}

export async function startNode(
  options: { bootstrap?: string[]; dataDir?: string; env?: Record<string, string> } = {},
): Promise<BenchNode> {
  const dataDir = options.dataDir ?? tempPath('node')
  const args = [BIN, 'start', '--json', '--data-dir', dataDir, '--api', '127.0.0.1:0', '--no-mdns']
  args.push('--listen', '/ip4/127.0.0.1/tcp/0', '--log-level', 'error')
  for (const addr of options.bootstrap ?? []) args.push('--bootstrap', addr)
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
  })
  children.add(child)
  let text = ''
  for await (const piece of child.stdout) {
    text += piece
    if (text.includes('\n')) break
  }
  const readyMs = performance.now() - startedAt
  child.stdout.destroy()
  const ready = JSON.parse(text) as { peerId: string; addrs: string[]; api: string }
  const { token } = JSON.parse(fs.readFileSync(path.join(dataDir, 'api.json'), 'utf8'))
  const stop = async () => {
    if (child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
    children.delete(child)
  }
  return {
    dataDir,
    peerId: ready.peerId,
    addrs: ready.addrs,
    client: new ApiClient({ url: ready.api, token }),
    api: { url: ready.api, token },
    pid: child.pid!,
    readyMs,
    stop,
    destroy: async () => {
      await stop()
      fs.rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Publishes a path as the command line does; resolves to the root's CID. */
export async function publish(node: BenchNode, file: string, recursive = false): Promise<string> {
  const { dev, ino } = fs.lstatSync(file, { bigint: true })
  const sources = [{ path: file, dev: String(dev), ino: String(ino) }]
  let root = ''
  for await (const { event } of node.client.content.publishPaths({ sources, recursive })) {
    if (event.case === 'summary') root = event.value.root
  }
  return root
}

/** Fetches into the node's own store. */
export async function fetchTo(node: BenchNode, cid: string, timeoutMs = 60_000): Promise<void> {
  for await (const _ of node.client.content.fetch({ cid, timeoutMs })) {
    // Its end is what counts.
  }
}

export async function unpinAndCollect(node: BenchNode, cid: string): Promise<void> {
  await node.client.content.pinRemove({ cid }).catch(() => {})
  for await (const _ of node.client.content.collect({ dryRun: false })) {
    // Its end is what counts.
  }
}

/** Highest `RssAnon` in bytes, sampled every 100 ms while `work` runs. */
export async function peakRssAnon(
  pids: readonly number[],
  work: () => Promise<unknown>,
): Promise<number[]> {
  const peaks = pids.map(() => 0)
  const sample = () => {
    for (const [i, pid] of pids.entries()) {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
      const kib = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0)
      peaks[i] = Math.max(peaks[i]!, kib * 1024)
    }
  }
  const timer = setInterval(sample, 100)
  try {
    sample()
    await work()
  } finally {
    clearInterval(timer)
  }
  return peaks
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
