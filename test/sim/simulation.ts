/** One run: a cluster, its weather, its clients, and what became of them. */
import type { NodeId } from '../../src/raft/index.js'
import { configurationOf, nodeIdOf } from '../../src/raft/index.js'
import { type CheckName, Checks, watch } from './checks.js'
import { Clients } from './clients.js'
import { Host } from './host.js'
import { Nemesis } from './nemesis.js'
import { Network } from './network.js'
import { type Plan, planOf, RECOVERY_MS } from './plan.js'
import type { Rng } from './random.js'
import { SimFailure, World } from './world.js'

export interface RunResult {
  seed: number
  /** Equal for equal runs. */
  hash: string
  failure: { check: string; message: string; atMs: number } | undefined
  virtualMs: number
  events: number
  /** What happened, so that nobody trusts runs in which nothing did. */
  counts: Record<string, number>
}

export interface RunOptions {
  off?: ReadonlySet<CheckName>
  say?: (text: string) => void
  /** Changes the plan that the seed gave. */
  adjust?: (plan: Plan) => Plan
}

export class Simulation {
  readonly world: World
  readonly plan: Plan
  readonly random: Rng
  readonly network: Network
  readonly checks: Checks
  readonly hosts: Host[] = []
  readonly clients: Clients

  constructor(plan: Plan, { off, say }: RunOptions = {}) {
    this.plan = plan
    this.world = new World(plan.seed, say)
    const { world } = this
    this.random = world.stream('cluster')
    this.checks = new Checks(world, boundsOf(plan), off)
    this.network = new Network(world, world.stream('network'), { ...plan.link })
    this.network.onSend = (_, message) => {
      this.checks.leaving(message)
      world.record(4, message.term, message.type.length * 64 + message.to.charCodeAt(1))
      world.say?.(`${message.from} → ${message.to} ${JSON.stringify(message).slice(0, 200)}`)
    }
    const { voters, spares } = plan
    for (let at = 0; at < voters + spares; at++) {
      const random = world.stream(`disk ${at}`)
      const { network, checks } = this
      this.hosts.push(new Host(`n${at}`, { world, network, checks, plan, random }))
    }
    const founders = this.hosts.slice(0, voters)
    const boot = configurationOf(founders.map(({ name }) => nodeIdOf(name, 1)))
    for (const host of founders) host.found(nodeIdOf(host.name, 1), boot)
    this.clients = new Clients(this, world.stream('clients'))
  }

  start(): void {
    for (const host of this.hosts) host.start()
  }

  hostOf(id: NodeId): Host | undefined {
    return this.hosts.find((host) => host.id === id)
  }

  /** Who leads the highest term, as far as anybody knows. */
  leader(): Host | undefined {
    let leader: Host | undefined
    let term = 0
    for (const host of this.hosts) {
      if (!host.serving) continue
      const status = host.runner!.status()
      if (status.role === 'leader' && status.term > term) {
        term = status.term
        leader = host
      }
    }
    return leader
  }

  /** All are up, nothing is cut, and every member has what is committed. */
  get recovered(): boolean {
    const leader = this.leader()
    if (leader === undefined) return false
    const { configuration, committed } = leader.runner!.status()
    for (const id of [...configuration.voters, ...configuration.learners]) {
      const host = this.hostOf(id)
      if (host === undefined || !host.serving) return false
      if (host.machine!.appliedIndex < committed) return false
      if (host.log.damaged) return false
    }
    return true
  }
}

function boundsOf(plan: Plan) {
  return {
    logBytesMax: 1_000_000,
    uncommittedBytesMax: plan.uncommittedBytesMax + 10_000,
    readsMax: 65_536,
    messagesMax: 5_000,
  }
}

/** Runs one seed. Not inside a promise: see `World`. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const plan = options.adjust?.(planOf(seed)) ?? planOf(seed)
  const simulation = new Simulation(plan, options)
  const { world, checks, clients } = simulation
  const nemesis = new Nemesis(simulation, world.stream('faults'))
  watch(checks)
  try {
    simulation.start()
    clients.start()
    nemesis.start()
    const faultsUntilUs = plan.faultsUntilMs * 1_000
    world.run(faultsUntilUs)
    if (world.failure === undefined) {
      nemesis.stop()
      clients.finish()
      const untilUs = faultsUntilUs + RECOVERY_MS * 1_000
      let recovered = false
      const look = () => {
        recovered = clients.finished && simulation.recovered
        world.at(20_000, look)
      }
      look()
      world.run(untilUs, () => recovered)
      if (world.failure === undefined && !recovered)
        checks.fail('liveness', `no recovery within ${RECOVERY_MS} ms: ${clients.waiting}`)
    }
    if (world.failure === undefined) clients.check()
  } finally {
    watch(undefined)
  }
  const { failure } = world
  return {
    seed,
    hash: world.hash,
    failure: failure && {
      check: failure instanceof SimFailure ? failure.check : 'asserts',
      message: failure instanceof SimFailure ? failure.message : (failure.stack ?? failure.message),
      atMs: Math.round(world.nowUs / 1_000),
    },
    virtualMs: Math.round(world.nowUs / 1_000),
    events: world.events,
    counts: {
      elections: checks.elections,
      committed: checks.highestCommit,
      messages: simulation.network.sent,
      dropped: simulation.network.dropped,
      lives: simulation.hosts.reduce((sum, { lives }) => sum + lives, 0),
      ...clients.counts,
      ...nemesis.counts,
    },
  }
}
