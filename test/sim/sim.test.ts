/** Whole clusters in simulated weather; `npm run sim` runs more of them. See docs/simulator.md. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { bundleWorker } from './bundle.js'
import { runSeeds } from './launcher.js'

const SEEDS = Number(process.env.DPS_SIM_SEEDS ?? 2_000)

let worker: string
beforeAll(async () => {
  worker = await bundleWorker()
})

test('sim: thousands of clusters keep every promise in bad weather', async () => {
  const { failures, counts, seeds, seconds, virtualMs } = await runSeeds({
    worker,
    from: 1,
    count: SEEDS,
    firstOnly: true,
  })
  const rate = (seeds / seconds).toFixed(1)
  console.log(`sim: ${rate} seeds/s of ${Math.round(virtualMs / seeds / 1_000)} virtual seconds`)
  const told = failures.map(({ seed, failure }) => `seed ${seed}: ${failure!.message}`)
  expect(told.join('\n'), 'npm run sim -- --seed S --log tells how it came').toBe('')
  expect(seeds).toBe(SEEDS)
  // A world in which nothing happens proves nothing.
  const each = (name: string) => (counts[name] ?? 0) / seeds
  expect(each('committed')).toBeGreaterThan(50)
  expect(each('elections')).toBeGreaterThan(3)
  expect(each('reads')).toBeGreaterThan(20)
  expect(each('writes')).toBeGreaterThan(40)
  expect(each('lives')).toBeGreaterThan(8)
  expect(each('snapshots')).toBeGreaterThan(0.3)
  expect(each('changes')).toBeGreaterThan(0.3)
  for (const fault of ['damage', 'diskLoss', 'diskFull', 'blackout', 'partition', 'oneWay']) {
    expect(counts[fault], fault).toBeGreaterThan(0)
  }
  expect(each('undecided'), 'histories that were too hard to check').toBeLessThan(0.02)
})

test('sim: equal seeds are equal runs, traced or not', async () => {
  const from = 5_000
  const one = await runSeeds({ worker, from, count: 40, workers: 2 })
  const again = await runSeeds({ worker, from, count: 40, workers: 1 })
  expect(again.hashes).toEqual(one.hashes)
  expect(new Set(one.hashes).size, 'different seeds are different runs').toBe(40)
  const dir = mkdtempSync(join(tmpdir(), 'dps-sim-'))
  try {
    const trace = join(dir, 'trace.ndjson')
    const traced = await runSeeds({ worker, from, count: 1, trace })
    expect(traced.hashes[0]).toBe(one.hashes[0])
    const lines = readFileSync(trace, 'utf8').split('\n').filter(Boolean)
    const names = new Set(lines.map((line) => JSON.parse(line).event.name))
    for (const name of ['InitState', 'BecomeLeader', 'Commit', 'Replicate']) {
      expect(names).toContain(name)
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})
