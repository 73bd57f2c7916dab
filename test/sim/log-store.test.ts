/** The simulated log keeps the contract of the real one: else runs over it would show nothing. */
import { beforeEach, onTestFinished } from 'vitest'
import type { LogStore } from '../../src/raft/index.js'
import { type LogPlace, logStoreSuite } from '../support/log-store-suite.js'
import { SimDisk } from './disk.js'
import { DurableLog, SimLogStore } from './log-store.js'
import { SimProcess } from './process.js'
import { World } from './world.js'

const worlds = new Set<World>()

beforeEach(() => {
  worlds.clear()
  // Virtual time passes while the test waits.
  const timer = setInterval(() => {
    for (const world of worlds) world.run(world.nowUs + 10_000_000)
  }, 1)
  onTestFinished(() => clearInterval(timer))
})

function simulatedPlace(): LogPlace {
  const world = new World(1)
  worlds.add(world)
  const disk = new SimDisk(world, world.stream('disk'), { syncMs: 1, hiccupEvery: 0 })
  const area = disk.area()
  const durable = new DurableLog()
  const processes = new Map<LogStore, SimProcess>()
  return {
    store: () => {
      const process = new SimProcess(world, 'p', { rate: 1, skewMs: 0 })
      const store = new SimLogStore(disk, area, durable, process)
      processes.set(store, process)
      return store
    },
    end: async (store) => {
      processes.get(store)!.kill()
      disk.crash(true)
    },
  }
}

logStoreSuite('simulated', async () => simulatedPlace())
