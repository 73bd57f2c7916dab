/** Clients that keep a number of calls under way, and what they saw. */
import { spawn } from 'node:child_process'
import { percentile } from './harness.js'

export interface Load {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Keeps `concurrency` calls under way for so long. A call that fails ends the measure. */
export async function load(
  concurrency: number,
  seconds: number,
  call: (count: number) => Promise<unknown>,
): Promise<Load> {
  const latencies: number[] = []
  let count = 0
  const startedAt = performance.now()
  const end = startedAt + seconds * 1000
  const client = async () => {
    for (let now = performance.now(); now < end; ) {
      await call(count++)
      const after = performance.now()
      latencies.push(after - now)
      now = after
    }
  }
  await Promise.all(Array.from({ length: concurrency }, client))
  const took = (performance.now() - startedAt) / 1000
  return {
    perSecond: latencies.length / took,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  }
}

/** Calls an exported function of a bundled measure in a process of its own; resolves to its result. */
export async function inProcess<T>(file: string, name: string, ...args: unknown[]): Promise<T> {
  const call = `(await import(${JSON.stringify(file)})).${name}(...${JSON.stringify(args)})`
  const code = `process.stdout.write(JSON.stringify(await ${call})); process.exit(0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { UV_THREADPOOL_SIZE: '16', ...process.env },
  })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  let text = ''
  for await (const piece of child.stdout) text += piece
  process.off('exit', kill)
  if (text === '') throw new Error(`${name} ended without a result`)
  return JSON.parse(text)
}
