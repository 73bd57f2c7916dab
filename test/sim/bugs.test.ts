/**
 * The simulator is tested itself: deliberate bugs, each of which must be found by the check that is there for it,
 * within a stated number of seeds, and must live on where that check is off.
 */
import { describe, expect, test } from 'vitest'
import { BUGS, type Bug } from './bugs/index.js'
import { bundleWorker, WITHOUT_ASSERTS } from './bundle.js'
import { CHECKS } from './check-names.js'
import { runSeeds } from './launcher.js'

async function run(bug: Bug, count: number, off: Bug['also'] = []) {
  const patches = off.includes('asserts') ? [...bug.patches, WITHOUT_ASSERTS] : bug.patches
  const slug = bug.name.replace(/[^a-z]+/g, '-')
  const worker = await bundleWorker(patches, `bug-${slug}${off.length > 0 ? '-off' : ''}`)
  const { scenario } = bug
  const { failures } = await runSeeds({
    worker,
    from: 1,
    count,
    workers: 1,
    firstOnly: true,
    off,
    ...(scenario !== undefined && { scenario }),
  })
  return failures[0]
}

describe.concurrent('sim: bugs', () => {
  test.for(BUGS)('sim: finds $name', async (bug, { expect }) => {
    const found = await run(bug, bug.seeds)
    expect(found?.failure?.check, `within ${bug.seeds} seeds: ${found?.failure?.message}`).toBe(
      bug.by,
    )
    const missed = await run(bug, found!.seed, [bug.by, ...(bug.also ?? [])])
    expect(missed?.failure?.message, 'it lives on without the check').toBeUndefined()
  })
})

test('sim: there are many bugs, and no check that finds none', () => {
  expect(BUGS.length).toBeGreaterThanOrEqual(40)
  expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length)
  const needed = new Set(BUGS.map(({ by }) => by))
  expect(CHECKS.filter((check) => !needed.has(check))).toEqual([])
})
