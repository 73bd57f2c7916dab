/** One machine: a disk that stays, and the process that runs on it now, if one does. */
import { DpsError, toDpsError } from '../../src/base/index.js'
import { Authority } from '../../src/metadata/authority.js'
import type { Peers } from '../../src/metadata/peers.js'
import type { Log } from '../../src/observability/index.js'
import {
  type Configuration,
  type Message,
  type NodeId,
  peerOf,
  RaftRunner,
} from '../../src/raft/index.js'
import type { RunnerInit } from '../../src/raft/runner-types.js'
import type { Checks } from './checks.js'
import { type DiskArea, SimDisk } from './disk.js'
import { DurableLog, SimLogStore } from './log-store.js'
import { WatchedMachine } from './machine.js'
import type { Network } from './network.js'
import type { Plan } from './plan.js'
import { type ClockFault, SimProcess } from './process.js'
import type { Rng } from './random.js'
import { type DurableState, SimStateStore } from './state-store.js'
import { SimTransport, type TransportEndpoint } from './transport.js'
import type { World } from './world.js'

/** Nobody waits longer for an answer. */
export const PATIENCE_MS = 5_000

const silent = () => {}
const SILENT: Log = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
  child: () => SILENT,
  isLevelEnabled: () => false,
}

export class Host implements TransportEndpoint {
  readonly name: string
  readonly disk: SimDisk
  readonly clock: ClockFault
  /** As which member it takes part; undefined while it is no member. */
  id: NodeId | undefined
  boot: Configuration = { voters: [], learners: [] }
  log = new DurableLog()
  process: SimProcess | undefined
  transport: SimTransport | undefined
  runner: RaftRunner | undefined
  machine: WatchedMachine | undefined
  authority: Authority | undefined
  /** Its replica said that it can't go on, for which there was a reason: an operator restarts it. */
  failure: DpsError | undefined
  /** Reasons of failure that faults gave. */
  excused = false
  lives = 0
  readonly #world: World
  readonly #network: Network
  readonly #checks: Checks
  readonly #plan: Plan
  #logArea: DiskArea
  #stateArea: DiskArea
  #state: DurableState = new Map()

  constructor(
    name: string,
    {
      world,
      network,
      checks,
      plan,
      random,
    }: {
      world: World
      network: Network
      checks: Checks
      plan: Plan
      random: Rng
    },
  ) {
    this.name = name
    this.#world = world
    this.#network = network
    this.#checks = checks
    this.#plan = plan
    this.disk = new SimDisk(world, random, { ...plan.disk })
    this.#logArea = this.disk.area()
    this.#stateArea = this.disk.area()
    const rate = 1 + plan.drift * (2 * random.next() - 1)
    this.clock = { rate, skewMs: plan.drift === 0 ? 0 : random.below(10_000) }
    network.add(this)
  }

  /** It becomes a member of this name, with an empty disk. */
  found(id: NodeId, boot: Configuration): void {
    this.id = id
    this.boot = boot
    this.log = new DurableLog()
    this.#state = new Map()
    this.#checks.disks.set(id, this.log)
  }

  get up(): boolean {
    return this.process?.alive === true
  }

  /** Up, and its replica works. */
  get serving(): boolean {
    return this.up && this.failure === undefined && this.runner !== undefined
  }

  start(): void {
    if (this.up || this.id === undefined) return
    this.lives++
    this.failure = undefined
    const process = new SimProcess(this.#world, this.id, this.clock)
    this.process = process
    const { id, boot } = this
    const plan = this.#plan
    const machine = new WatchedMachine(
      {
        store: new SimStateStore(this.disk, this.#stateArea, this.#state, process),
        timers: process,
        log: SILENT,
      },
      { boot, flushDelayMs: plan.flushDelayMs, overlayBytesMax: plan.overlayBytesMax },
    )
    machine.watch(this.#checks, id)
    const random = this.#world.stream(`${id} ${this.lives}`)
    const init: RunnerInit = {
      id,
      boot,
      tickMs: plan.tickMs,
      electionTicks: plan.electionTicks,
      heartbeatTicks: plan.heartbeatTicks,
      appendBytesMax: plan.appendBytesMax,
      inflightMessagesMax: plan.inflightMessagesMax,
      uncommittedBytesMax: plan.uncommittedBytesMax,
      keepLogBytes: plan.keepLogBytes,
      holdLogBytesMax: plan.holdLogBytesMax,
    }
    const runner = new RaftRunner(
      {
        log: new SimLogStore(this.disk, this.#logArea, this.log, process),
        machine,
        transport: new SimTransport(id, this, this.#network),
        clock: process,
        timers: process,
        random,
        logger: SILENT,
      },
      init,
    )
    this.#world.say?.(`${id} starts (life ${this.lives})`)
    this.#world.record(2, this.lives, id.charCodeAt(1))
    void runner.failed.then((error) => this.#onFailed(process, error))
    runner.start().then(
      () => {
        if (this.process === process && process.alive) {
          this.machine = machine
          this.runner = runner
          this.authority = this.#authorityOf(process, runner, machine)
        }
      },
      (error: unknown) => this.#onFailed(process, toDpsError(error)),
    )
  }

  #authorityOf(process: SimProcess, runner: RaftRunner, machine: WatchedMachine): Authority {
    const network = this.#network
    const random = this.#world.stream(`${this.id} authority ${this.lives}`)
    const peers: Peers = {
      propose: (target, proposal, options) =>
        network.call(
          this,
          peerOf(target.to),
          async () => {
            const { authority } = network.get(peerOf(target.to)) as Host
            if (authority === undefined) throw new DpsError('UNAVAILABLE', 'it is not ready')
            return authority.receiveProposal(target, proposal)
          },
          options,
        ),
    }
    const authority = new Authority(
      { peers, clock: process, timers: process, random, log: SILENT },
      { timeoutMs: PATIENCE_MS, attemptTimeoutMs: 1_500 },
    )
    authority.replaceReplica({ clusterId: 'sim', runner, machine })
    return authority
  }

  #onFailed(process: SimProcess, error: DpsError): void {
    if (this.process !== process || !process.alive || this.failure !== undefined) return
    this.failure = error
    this.#world.say?.(`${this.id} fails: ${error.message}`)
    // Whatever else happens is the code's own fault, also on a bad disk.
    if (this.excused && /simulated disk/.test(error.message)) return
    const where = error.stack ?? error.message
    this.#checks.fail('asserts', `${this.id} stopped for no reason: ${where}`)
  }

  /** @param power whether unsynced writes are lost */
  crash(power: boolean): void {
    if (!this.up) return
    this.#world.say?.(`${this.id} ${power ? 'loses power' : 'is killed'}`)
    this.#world.record(3, power ? 1 : 0, this.id!.charCodeAt(1))
    this.process!.kill()
    this.process = undefined
    this.transport = undefined
    this.runner = undefined
    this.machine = undefined
    this.authority = undefined
    this.disk.crash(power)
    this.#checks.forget(this.id!)
    this.#network.lost(this)
  }

  deliver(message: Message): void {
    this.transport?.receive(message)
  }

  disconnected(from: { name: string }): void {
    const { process } = this
    process?.input(() => this.transport?.disconnected(from.name))
  }
}
