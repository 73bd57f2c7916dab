import { expect, test } from 'vitest'
import { bytes } from './cluster.js'
import { World } from './runner-fakes.js'

const commandsOf = (applied: readonly string[]) =>
  applied.flatMap((line) => line.split(':').slice(1))

/** How often a node reaches a wait before the run is long enough. */
const STEPS_MAX = 400

interface Run {
  crashed: boolean
  /** The wait at which it happened. */
  at: string | undefined
}

/**
 * Writes to a cluster whose log is compacted often, with a member that is cut off long enough to
 * need a snapshot, and cuts the power of one node at its nth wait.
 */
async function runWithCrash(victim: 'leader' | 'behind', nth: number): Promise<Run> {
  const world = await World.of(3, { keepLogBytes: 80, holdLogBytesMax: 160 })
  const leader = world.leader!.id
  const behind = world.boot.voters.find((id) => id !== leader)!
  const target = victim === 'leader' ? leader : behind
  let steps = 0
  let at: string | undefined
  world.onStep = (id, name) => {
    if (id !== target || at !== undefined || ++steps !== nth) return
    at = name
    world.crash(id)
    world.time.after(40, () => void world.start(id))
  }
  const acknowledged: string[] = []
  const write = async (count: number, prefix: string) => {
    for (let n = 0; n < count; n++) {
      const command = `${prefix}${n}`
      await world.until(() => world.leader !== undefined)
      const { runner } = world.leader!
      let done = false
      const proposed = runner.propose(bytes(command)).then(() => acknowledged.push(command))
      proposed
        .catch(() => {})
        .finally(() => {
          done = true
        })
      // The process that was asked may be dead: its promise never settles.
      const asked = () => [...world.nodes.values()].some((node) => node.runner === runner)
      await world.until(() => done || !asked())
    }
  }
  await write(2, 'a')
  world.isolate(behind)
  await write(7, 'b')
  world.cut.clear()
  await write(4, 'c')
  await world.until(() => world.nodes.size === 3)
  await world.settled()

  const [first, ...others] = [...world.nodes.values()].map(({ machine }) => machine.applied)
  for (const other of others) expect(other).toEqual(first)
  const commands = commandsOf(first!)
  expect(new Set(commands).size).toBe(commands.length)
  expect(commands.filter((command) => acknowledged.includes(command))).toEqual(acknowledged)
  for (const node of world.nodes.values()) {
    expect(node.runner.status().failure).toBeUndefined()
    expect(node.machine.snapshotsOpen).toBe(0)
  }
  return { crashed: at !== undefined, at }
}

/** Where only the one, or only the other, can be hit. */
const WAITS = {
  leader: ['log.compact', 'log.compacted', 'machine.snapshot', 'transfer.begin', 'transfer.piece'],
  behind: [
    'machine.install',
    'install.write',
    'install.finish',
    'machine.adopt',
    'machine.adopted',
  ],
}

const NAMES = { leader: 'the leader', behind: 'the member that is behind' }

for (const victim of ['leader', 'behind'] as const) {
  test(`whenever the power of ${NAMES[victim]} fails, nothing acknowledged is lost`, async () => {
    const seen = new Set<string>()
    let nth = 1
    for (; nth <= STEPS_MAX; nth++) {
      const run = await runWithCrash(victim, nth).catch((error) => {
        throw new Error(`crash at wait ${nth}`, { cause: error })
      })
      if (!run.crashed) break
      seen.add(run.at!)
    }
    expect(nth).toBeLessThan(STEPS_MAX)
    const waits = ['log.save', 'log.saved', 'machine.apply', 'machine.applied', 'machine.flush']
    expect([...seen]).toEqual(expect.arrayContaining([...waits, ...WAITS[victim]]))
  }, 60_000)
}
