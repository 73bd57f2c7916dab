/** The directed runs, each with several seeds: who is elected and what is delayed differs. */
import { beforeAll, expect, test } from 'vitest'
import { bundleWorker } from './bundle.js'
import { runSeeds } from './launcher.js'
import { SCENARIOS } from './scenarios/index.js'

const SEEDS = 10

let worker: string
beforeAll(async () => {
  worker = await bundleWorker()
})

test.each(SCENARIOS)('sim: $name', async ({ name: scenario }) => {
  const { failures, seeds } = await runSeeds({ worker, from: 1, count: SEEDS, scenario })
  expect(failures.map(({ seed, failure }) => `seed ${seed}: ${failure!.message}`)).toEqual([])
  expect(seeds).toBe(SEEDS)
})
