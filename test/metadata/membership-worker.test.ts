import { beforeEach, expect, test } from 'vitest'
import type { Timers } from '../../src/base/index.js'
import { decodeOutcome } from '../../src/metadata/codec.js'
import { decodeResult } from '../../src/metadata/commands.js'
import {
  type Authority,
  type Command,
  MembershipWorker,
  MemoryStateStore,
  type MetadataMachine,
  readNode,
} from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import {
  type Configuration,
  type ConfigurationChange,
  changeConfiguration,
  configurationOf,
  type NodeId,
  type RunnerStatus,
} from '../../src/raft/index.js'
import { eventually } from '../support/temp.js'
import { entryOf, machineOn, TIME_MS } from './machine-support.js'

const HASH = new Uint8Array(32)

/** A leader `p1` whose proposals commit at once, in a time that the test owns. */
class World {
  ms = 0
  machine!: MetadataMachine
  configuration: Configuration = configurationOf(['p1:1'])
  leads = true
  readonly heardAtMs = new Map<NodeId, number>()
  readonly changes: string[] = []
  readonly worker: MembershipWorker
  #index = 0
  #due: { atMs: number; run: () => void }[] = []

  constructor() {
    const clock = { now: () => TIME_MS + this.ms, monotonicMs: () => this.ms }
    const timers: Timers = {
      after: (delayMs, run) => {
        const entry = { atMs: this.ms + delayMs, run }
        this.#due.push(entry)
        return () => {
          this.#due = this.#due.filter((other) => other !== entry)
        }
      },
      turn: (run) => run(),
      settle: async () => {},
    }
    const authority = {
      execute: (command: Command) => this.execute(command),
      read: async () => this.machine,
    } as unknown as Authority
    this.worker = new MembershipWorker({
      authority,
      runner: () => ({
        id: 'p1:1',
        status: () => this.#status(),
        proposeChange: async (change) => this.#change(change),
        transfer: async (target) => {
          this.changes.push(`transfer ${target}`)
          this.leads = false
        },
      }),
      clock,
      timers,
      log: silentLog,
    })
  }

  #status(): RunnerStatus {
    const { voters, learners } = this.configuration
    const progress = { match: 10, next: 11, state: 'replicate', recentActive: true }
    return {
      role: this.leads ? 'leader' : 'follower',
      configuration: this.configuration,
      committed: 10,
      heardMs: new Map([...this.heardAtMs].map(([id, atMs]) => [id, this.ms - atMs])),
      members: new Map(
        [...voters, ...learners].map((id) => [id, { ...progress, inflightBytes: 0 }]),
      ),
    } as unknown as RunnerStatus
  }

  async #change(change: ConfigurationChange): Promise<{ index: number }> {
    this.configuration = changeConfiguration(this.configuration, change)
    this.changes.push(`${change.kind} ${change.id}`)
    if (!this.heardAtMs.has(change.id)) this.heardAtMs.set(change.id, this.ms)
    return { index: 10 }
  }

  async execute(command: Command): Promise<unknown> {
    this.#index++
    const entry = entryOf(this.#index, command, undefined, { timeMs: TIME_MS + this.ms })
    const [bytes] = await this.machine.apply([entry])
    const outcome = decodeOutcome(bytes!)
    if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome))
    return decodeResult(command.type, outcome.result)
  }

  async admit(peerId: string): Promise<void> {
    await this.execute({
      type: 'admitNode',
      invitationId: 'i1',
      secretHash: HASH,
      peerId,
      name: '',
      zone: '',
      addrs: [],
    })
  }

  hear(...ids: NodeId[]): void {
    for (const id of ids) this.heardAtMs.set(id, this.ms)
  }

  /** Time passes, in steps, while these members are heard of. */
  async pass(ms: number, ...alive: NodeId[]): Promise<void> {
    for (const end = this.ms + ms; this.ms < end; ) {
      this.ms = Math.min(end, this.ms + 500)
      this.hear(...alive)
      await this.quiet()
    }
  }

  /** Until nothing more is due now. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const due = this.#due.filter(({ atMs }) => atMs <= this.ms)
      this.#due = this.#due.filter(({ atMs }) => atMs > this.ms)
      for (const { run } of due) run()
      idle = due.length > 0 ? 0 : idle + 1
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  state(peerId: string): string | undefined {
    return readNode(this.machine, peerId)?.state
  }
}

let world: World

beforeEach(async () => {
  world = new World()
  world.machine = machineOn(new MemoryStateStore())
  await world.machine.open(0)
  const self = { peerId: 'p1', incarnation: 1, name: '', zone: '', addrs: [] }
  await world.execute({ type: 'foundCluster', clusterId: 'c1', mode: 'hybrid', ...self })
  await world.execute({
    type: 'createInvitation',
    id: 'i1',
    secretHash: HASH,
    ttlMs: 3_600_000,
    usesMax: 9,
    createdBy: 'p1',
  })
  await world.worker.start()
  await world.quiet()
})

test('worker: who was admitted comes in as a learner, and is promoted', async () => {
  await world.admit('p2')
  await world.admit('p3')
  world.worker.wake()
  await eventually('both vote', async () => {
    await world.pass(500, 'p2:2', 'p3:3')
    return world.configuration.voters.length === 3
  })
  expect(world.changes).toEqual([
    'addLearner p2:2',
    'addLearner p3:3',
    'addVoter p2:2',
    'addVoter p3:3',
  ])
})

test('worker: alone it is not awake at all', async () => {
  const looks = { count: 0 }
  const original = world.machine.range.bind(world.machine)
  world.machine.range = (...args) => {
    looks.count++
    return original(...args)
  }
  await world.pass(60_000)
  expect(looks.count).toBe(0)
})

async function three(): Promise<void> {
  await world.admit('p2')
  await world.admit('p3')
  world.worker.wake()
  await world.pass(3_000, 'p2:2', 'p3:3')
  world.changes.length = 0
}

test('worker: silence is suspect, then offline; a word is online again; nothing else is written', async () => {
  await three()
  const index = world.machine.appliedIndex
  await world.pass(14_000, 'p2:2')
  expect(world.state('p3')).toBe('online')
  await world.pass(2_000, 'p2:2')
  expect(world.state('p3')).toBe('suspect')
  await world.pass(15_000, 'p2:2')
  expect(world.state('p3')).toBe('offline')
  expect(world.machine.appliedIndex).toBe(index + 2)
  await world.pass(60_000, 'p2:2')
  expect(world.machine.appliedIndex).toBe(index + 2)
  await world.pass(2_000, 'p2:2', 'p3:3')
  expect(world.state('p3')).toBe('online')
  expect(world.changes).toEqual([])
})

test('worker: a voter that is offline for ten minutes gives its vote to a learner', async () => {
  await three()
  await world.admit('p4')
  world.worker.wake()
  await world.pass(3_000, 'p2:2', 'p3:3', 'p4:4')
  expect(world.configuration.learners).toEqual(['p4:4'])
  world.changes.length = 0
  await world.pass(600_000, 'p2:2', 'p4:4')
  expect(world.changes).toEqual([])
  await world.pass(40_000, 'p2:2', 'p4:4')
  expect(world.changes).toEqual(['addLearner p3:3', 'addVoter p4:4'])
})

test('worker: a new leader does not take for silent whom it could not have heard', async () => {
  await three()
  world.leads = false
  world.worker.wake()
  await world.pass(60_000)
  world.leads = true
  world.worker.wake()
  await world.pass(5_000, 'p2:2')
  expect(world.state('p3')).toBe('online')
  await world.pass(12_000, 'p2:2')
  expect(world.state('p3')).toBe('suspect')
})

test('worker: who leaves is taken out, then forgotten', async () => {
  await three()
  await world.execute({ type: 'retireNode', peerId: 'p3', incarnation: 3 })
  world.worker.wake()
  await world.pass(2_000, 'p2:2', 'p3:3')
  expect(world.changes).toEqual(['remove p3:3'])
  expect(world.state('p3')).toBe('removed')
})

test('worker: a leader that leaves hands over, and does nothing more', async () => {
  await three()
  await world.execute({ type: 'retireNode', peerId: 'p1', incarnation: 1 })
  world.worker.wake()
  await world.pass(5_000, 'p2:2', 'p3:3')
  expect(world.changes).toEqual(['transfer p2:2'])
  expect(world.state('p1')).toBe('online')
})
