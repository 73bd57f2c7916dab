/** One run: a cluster, its weather, its clients, and what became of them. */
import type { NodeId } from '../../src/raft/index.js'
import { type Configuration, configurationOf, nodeIdOf } from '../../src/raft/index.js'
import type { CheckName } from './check-names.js'
import { Checks, watch } from './checks.js'
import { Clients } from './clients.js'
import { Host } from './host.js'
import { Nemesis } from './nemesis.js'
import { Network } from './network.js'
import { Operator } from './operator.js'
import { type Plan, planOf, RECOVERY_MS } from './plan.js'
import type { Rng } from './random.js'
import { quietPlan, type Scenario, Stage } from './scenario.js'
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
  /** Told of the world before it begins. */
  onWorld?: (world: World) => void
  /** A directed run instead of a random one. */
  scenario?: Scenario
}

export class Simulation {
  readonly world: World
  readonly plan: Plan
  readonly random: Rng
  readonly network: Network
  readonly checks: Checks
  readonly hosts: Host[] = []
  readonly clients: Clients
  readonly operator: Operator
  /** What every member starts from. */
  readonly boot: Configuration

  constructor(plan: Plan, { off, say }: RunOptions = {}) {
    this.plan = plan
    this.world = new World(plan.seed, say)
    const { world } = this
    this.random = world.stream('cluster')
    this.checks = new Checks(world, boundsOf(plan), off)
    world.onError = (error) => this.checks.fail('asserts', error.stack ?? error.message)
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
    this.boot = configurationOf(founders.map(({ name }) => nodeIdOf(name, 1)))
    for (const host of founders) host.found(nodeIdOf(host.name, 1), this.boot)
    this.operator = new Operator(this, world.stream('operator'))
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
    let highest = 0
    for (const host of this.hosts) {
      if (!host.serving) continue
      const { role, term } = this.checks.roleOf(host.id!)!
      if (role === 'leader' && term > highest) {
        highest = term
        leader = host
      }
    }
    return leader
  }

  /** Those that the leader counts as members; all while there is none. */
  members(): Host[] {
    const configuration = this.leader()?.runner?.status().configuration
    if (configuration === undefined) return this.hosts
    const { voters, learners } = configuration
    return this.hosts.filter(({ id }) => id && [...voters, ...learners].includes(id))
  }

  /** Why it is not as it should be: everybody up, with what is committed, and clients served. */
  get missing(): string | undefined {
    const leader = this.leader()
    if (leader === undefined) return 'there is no leader'
    if (!this.operator.idle) return 'a lost member is not replaced'
    const { configuration, committed } = leader.runner!.status()
    for (const id of [...configuration.voters, ...configuration.learners]) {
      const host = this.hostOf(id)
      if (host === undefined || !host.serving) return `${id} is not there`
      const { appliedIndex } = host.machine!
      if (appliedIndex < committed) return `${id} has applied ${appliedIndex} of ${committed}`
      if (host.log.damaged) return `${id} has not healed`
    }
    return this.clients.finished ? undefined : this.clients.waiting
  }
}

function boundsOf(plan: Plan) {
  return {
    logBytesMax: 2 * plan.keepLogBytes + plan.holdLogBytesMax + plan.uncommittedBytesMax + 60_000,
    uncommittedBytesMax: plan.uncommittedBytesMax + 10_000,
    readsMax: 65_536,
    messagesMax: 5_000,
  }
}

/** Runs one seed. Not inside a promise: see `World`. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const { scenario } = options
  const plan = scenario === undefined ? planOf(seed) : quietPlan(seed, scenario.plan)
  const simulation = new Simulation(plan, options)
  const { world, checks, clients } = simulation
  const nemesis = new Nemesis(simulation, world.stream('faults'))
  options.onWorld?.(world)
  watch(checks)
  try {
    simulation.start()
    if (scenario === undefined) weather(simulation, nemesis)
    else Stage.play(scenario, simulation)
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
      message: failure.message,
      atMs: Math.round(world.nowUs / 1_000),
    },
    virtualMs: Math.round(world.nowUs / 1_000),
    events: world.events,
    counts: {
      elections: checks.elections,
      committed: checks.highestCommit,
      messages: simulation.network.sent,
      dropped: simulation.network.dropped,
      snapshots: simulation.network.snapshots,
      changes: simulation.operator.changes,
      lives: simulation.hosts.reduce((sum, { lives }) => sum + lives, 0),
      ...clients.counts,
      ...nemesis.counts,
    },
  }
}

/** Clients and faults, and at last a calm in which everything must recover. */
function weather(simulation: Simulation, nemesis: Nemesis): void {
  const { world, checks, clients, plan } = simulation
  clients.start()
  nemesis.start()
  const faultsUntilUs = plan.faultsUntilMs * 1_000
  world.run(faultsUntilUs)
  if (world.failure !== undefined) return
  nemesis.stop()
  clients.finish()
  let recovered = false
  const look = () => {
    recovered = simulation.missing === undefined
    world.at(20_000, look)
  }
  look()
  world.run(faultsUntilUs + RECOVERY_MS * 1_000, () => recovered)
  if (world.failure !== undefined || recovered) return
  checks.fail('liveness', `no recovery within ${RECOVERY_MS} ms: ${simulation.missing}`)
}
