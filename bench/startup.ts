/** `--help`, and a start to `Daemon is ready`, against bare `node -e 0`. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { median, ROUNDS, report, startNode } from './harness.js'

const BIN = path.resolve(import.meta.dirname, '../../bin/dps-node.cjs')

function timed(args: string[]): number {
  const startedAt = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return performance.now() - startedAt
}

export async function run(): Promise<void> {
  timed(['-e', '0'])
  timed([BIN, '--help'])
  const bare: number[] = []
  const help: number[] = []
  const ready: number[] = []
  const again: number[] = []
  for (let round = 0; round < Math.max(ROUNDS, 5) * 2; round++) {
    bare.push(timed(['-e', '0']))
    help.push(timed([BIN, '--help']))
    // The first start makes the data directory, the second opens it.
    const first = await startNode()
    ready.push(first.readyMs)
    await first.stop()
    const second = await startNode({ dataDir: first.dataDir })
    again.push(second.readyMs)
    await second.destroy()
  }
  const baseline = median(bare)
  const over = (values: number[]) => median(values) - baseline
  const common = { unit: 'ms', baseline, against: 'node -e 0' }
  report({
    bench: 'help',
    ...common,
    value: median(help),
    overBaselineMs: over(help),
    target: '<= +120 ms',
    reached: over(help) <= 120,
  })
  report({
    bench: 'ready',
    ...common,
    value: median(ready),
    overBaselineMs: over(ready),
    secondStartMs: median(again),
    target: '<= +900 ms',
    reached: over(ready) <= 900,
  })
}
