/**
 * A world for runners: virtual time, disks that keep what was synced, machines that list what they
 * applied, a network that is a queue. Every wait in a fake is a named step, where a test can stop
 * the world, fail it, or crash the node.
 */
import { type Clock, DpsError, type Random, type Timers } from '../../src/base/index.js'
import { type Metrics, silentLog } from '../../src/observability/index.js'
import {
  type Configuration,
  changeConfiguration,
  configurationOf,
  type Entry,
  type HardState,
  type LogBatch,
  type LogContents,
  type LogStore,
  type Message,
  type NodeId,
  RaftRunner,
  type Receiver,
  type RunnerInit,
  type SnapshotMessage,
  type SnapshotMeta,
  type SnapshotOutcome,
  type StateInstall,
  type StateMachine,
  type StateSnapshot,
  type Transport,
} from '../../src/raft/index.js'
import { bytes, text } from './cluster.js'

/** Lets everything run that only waits for promises. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export class VirtualTime implements Pick<Clock, 'monotonicMs'>, Timers {
  #nowMs = 0
  #timers: { atMs: number; run: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  turn(run: () => void): void {
    void Promise.resolve().then(run)
  }

  async settle(): Promise<void> {}

  /** Time that passes without anything being run: a blocked event loop. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  /** Nobody waits for anything. */
  get idle(): boolean {
    return this.#timers.length === 0
  }

  /** The next timer, once nothing else can happen. */
  async advance(): Promise<void> {
    await turn()
    const next = this.#timers.reduce<{ atMs: number; run: () => void } | undefined>(
      (first, timer) => (first === undefined || timer.atMs < first.atMs ? timer : first),
      undefined,
    )
    if (next === undefined) {
      this.#nowMs++
      return
    }
    this.#timers = this.#timers.filter((other) => other !== next)
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.run()
    await turn()
  }
}

/** A state as a list of what was applied: "index:command", or "index" for what is no command. */
interface State {
  meta: SnapshotMeta
  applied: string[]
}

/** What survives a crash. */
export interface Disk {
  hardState: HardState
  snapshot: SnapshotMeta
  entries: Entry[]
  generation: number
  damaged: boolean
  states: Map<number, State>
}

/** One process: what it runs is dead when it is. */
export class Life {
  dead = false
  /** Resolves when it ends: how others notice. */
  readonly death: Promise<'dead'>
  #die = (_: 'dead') => {}
  readonly #world: World
  readonly #id: NodeId

  constructor(world: World, id: NodeId) {
    this.#world = world
    this.#id = id
    this.death = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  end(): void {
    this.dead = true
    this.#die('dead')
  }

  /** A wait. Never ends in a dead process. */
  async step(name: string): Promise<void> {
    if (!this.dead) await this.#world.onStep(this.#id, name)
    if (this.dead) await new Promise<never>(() => {})
  }
}

export class FakeLogStore implements LogStore {
  readonly #disk: Disk
  readonly #life: Life
  busy = false

  constructor(disk: Disk, life: Life) {
    this.#disk = disk
    this.#life = life
  }

  async open(boot: Configuration): Promise<LogContents> {
    await this.#life.step('log.open')
    const disk = this.#disk
    if (disk.snapshot.index === 0) disk.snapshot = { index: 0, term: 0, configuration: boot }
    const { hardState, snapshot, generation, damaged } = disk
    const last = Math.max(disk.entries.at(-1)?.index ?? 0, snapshot.index)
    const commit = Math.min(hardState.commit, last)
    const entries = [...disk.entries]
    return { hardState: { ...hardState, commit }, snapshot, entries, generation, damaged }
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy) throw new Error('one batch at a time')
    this.busy = true
    const result = await work()
    this.busy = false
    return result
  }

  save({ hardState, entries, snapshot, healed, sync }: LogBatch): Promise<void> {
    return this.#alone(async () => {
      if (!sync) throw new Error('the runner writes only what must be synced')
      await this.#life.step('log.save')
      const disk = this.#disk
      if (healed) disk.damaged = false
      if (hardState !== undefined) disk.hardState = hardState
      if (snapshot !== undefined) {
        disk.snapshot = snapshot.meta
        disk.generation = snapshot.generation
        disk.entries = []
      }
      const first = entries[0]
      if (first !== undefined) {
        disk.entries = disk.entries.filter(({ index }) => index < first.index).concat(entries)
      }
      await this.#life.step('log.saved')
    })
  }

  compact(snapshot: SnapshotMeta, through: number): Promise<void> {
    return this.#alone(async () => {
      await this.#life.step('log.compact')
      const disk = this.#disk
      disk.snapshot = snapshot
      disk.entries = disk.entries.filter(({ index }) => index >= through)
      await this.#life.step('log.compacted')
    })
  }

  async close(): Promise<void> {
    await this.#life.step('log.close')
  }
}

/** Commands in one piece of a snapshot. */
const PIECE = 3

export class FakeMachine implements StateMachine {
  readonly #disk: Disk
  readonly #life: Life
  #generation = 0
  #state!: State
  #durable = 0
  #flushing = false
  #listener = () => {}
  #install: FakeInstall | undefined
  /** Commands that this version doesn't know. */
  unknown: string | undefined
  snapshotsOpen = 0

  constructor(disk: Disk, life: Life) {
    this.#disk = disk
    this.#life = life
  }

  get appliedIndex(): number {
    return this.#state.meta.index
  }

  get durableIndex(): number {
    return this.#durable
  }

  get applied(): readonly string[] {
    return this.#state.applied
  }

  onDurable(listener: () => void): void {
    this.#listener = listener
  }

  async open(generation: number): Promise<void> {
    await this.#life.step('machine.open')
    const { states } = this.#disk
    for (const other of [...states.keys()]) if (other !== generation) states.delete(other)
    const configuration = this.#disk.snapshot.configuration
    const state = states.get(generation) ?? {
      meta: { index: 0, term: 0, configuration },
      applied: [],
    }
    this.#generation = generation
    this.#state = { meta: state.meta, applied: [...state.applied] }
    this.#durable = state.meta.index
  }

  async apply(entries: readonly Entry[]): Promise<(Uint8Array | undefined)[]> {
    await this.#life.step('machine.apply')
    const results = entries.map((entry) => {
      const { meta, applied } = this.#state
      if (entry.index !== meta.index + 1) {
        throw new Error(`applied ${entry.index} after ${meta.index}`)
      }
      const command = entry.kind === 'command' ? text(entry.data) : undefined
      if (command !== undefined && command === this.unknown) {
        throw new DpsError('UNIMPLEMENTED', `unknown command ${command}`)
      }
      const configuration =
        entry.kind === 'config'
          ? changeConfiguration(meta.configuration, entry.change)
          : meta.configuration
      applied.push(command === undefined ? `${entry.index}` : `${entry.index}:${command}`)
      this.#state.meta = { index: entry.index, term: entry.term, configuration }
      return command === undefined ? undefined : bytes(`did ${command}`)
    })
    if (!this.#flushing) void this.#flush()
    await this.#life.step('machine.applied')
    return results
  }

  /** Behind the acknowledgement: the log has it all. */
  async #flush(): Promise<void> {
    this.#flushing = true
    while (this.#durable < this.#state.meta.index) {
      const generation = this.#generation
      const state = { meta: this.#state.meta, applied: [...this.#state.applied] }
      await this.#life.step('machine.flush')
      if (generation !== this.#generation) continue
      this.#disk.states.set(generation, state)
      this.#durable = state.meta.index
      this.#listener()
    }
    this.#flushing = false
  }

  async snapshot(): Promise<StateSnapshot> {
    await this.#life.step('machine.snapshot')
    const state = this.#disk.states.get(this.#generation)
    const { meta, applied } = state ?? { meta: this.#state.meta, applied: [] }
    const pieces = [...applied]
    this.snapshotsOpen++
    return {
      meta,
      chunks: async function* (from = 0) {
        for (let at = from * PIECE; at < pieces.length; at += PIECE) {
          yield bytes(pieces.slice(at, at + PIECE).join('\n'))
        }
      },
      close: async () => {
        this.snapshotsOpen--
      },
    }
  }

  async install(meta: SnapshotMeta): Promise<StateInstall> {
    await this.#life.step('machine.install')
    const begun = this.#install
    if (begun !== undefined && !begun.over && begun.meta.index === meta.index) return begun
    this.#install = new FakeInstall(meta, this.#generation + 1, this.#life, this.#disk)
    return this.#install
  }

  async adopt(install: StateInstall): Promise<void> {
    await this.#life.step('machine.adopt')
    const state = this.#disk.states.get(install.generation)
    if (state === undefined) throw new Error('adopted before it was finished')
    if (install !== this.#install) throw new Error('only the begun install is adopted')
    this.#generation = install.generation
    this.#state = { meta: state.meta, applied: [...state.applied] }
    this.#durable = state.meta.index
    this.#install = undefined
    await this.#life.step('machine.adopted')
  }

  async close(): Promise<void> {
    await this.#life.step('machine.close')
  }
}

class FakeInstall implements StateInstall {
  readonly meta: SnapshotMeta
  readonly generation: number
  over = false
  readonly #life: Life
  readonly #disk: Disk
  readonly #pieces: string[] = []

  constructor(meta: SnapshotMeta, generation: number, life: Life, disk: Disk) {
    this.meta = meta
    this.generation = generation
    this.#life = life
    this.#disk = disk
  }

  get received(): number {
    return this.#pieces.length
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#life.step('install.write')
    this.#pieces.push(text(chunk))
  }

  async finish(): Promise<void> {
    await this.#life.step('install.finish')
    const applied = this.#pieces.flatMap((piece) => piece.split('\n'))
    if (applied.length !== this.meta.index) {
      throw new DpsError('DATA_LOSS', `${applied.length} of ${this.meta.index} entries are there`)
    }
    this.#disk.states.set(this.generation, { meta: this.meta, applied })
  }

  async abort(): Promise<void> {
    this.over = true
  }
}

export class FakeTransport implements Transport {
  readonly #world: World
  readonly #life: Life
  readonly #id: NodeId
  receiver: Receiver | undefined
  members: NodeId[] = []

  constructor(world: World, id: NodeId, life: Life) {
    this.#world = world
    this.#id = id
    this.#life = life
  }

  async start(receiver: Receiver): Promise<void> {
    this.receiver = receiver
  }

  async stop(): Promise<void> {
    this.receiver = undefined
  }

  setMembers(members: Iterable<NodeId>): void {
    this.members = [...members]
  }

  send(messages: readonly Message[]): void {
    if (this.#life.dead || this.receiver === undefined) return
    for (const message of messages) {
      if (this.members.includes(message.to)) this.#world.post(message)
    }
  }

  /** Piece by piece, broken off where the world says so. */
  async sendSnapshot(message: SnapshotMessage, snapshot: StateSnapshot): Promise<SnapshotOutcome> {
    const world = this.#world
    const target = world.nodes.get(message.to)
    const receiver = target?.transport.receiver
    const broken = () => {
      const there = target?.transport.receiver === receiver && !target?.life.dead
      return !there || !world.reaches(this.#id, message.to)
    }
    await this.#life.step('transfer.begin')
    if (target === undefined || receiver === undefined || broken()) return 'interrupted'
    const transfer = async (): Promise<SnapshotOutcome> => {
      const install = await receiver.installing(message)
      if (install !== undefined) {
        for await (const chunk of snapshot.chunks(install.received)) {
          await this.#life.step('transfer.piece')
          if (broken()) return 'interrupted'
          await install.write(chunk)
          world.pieces++
        }
      }
      await receiver.installed(message, install)
      return 'finished'
    }
    try {
      const outcome = await Promise.race([transfer(), target.life.death])
      return outcome === 'dead' ? 'interrupted' : outcome
    } catch {
      return 'failed'
    }
  }
}

export interface FakeNode {
  id: NodeId
  life: Life
  runner: RaftRunner
  log: FakeLogStore
  machine: FakeMachine
  transport: FakeTransport
}

export type WorldOptions = Partial<Omit<RunnerInit, 'id' | 'boot'>>

export class World {
  readonly time = new VirtualTime()
  readonly nodes = new Map<NodeId, FakeNode>()
  readonly disks = new Map<NodeId, Disk>()
  readonly boot: Configuration
  readonly #options: WorldOptions
  /** `from>to` pairs that lose everything. */
  readonly cut = new Set<string>()
  /** Messages that the network delivers 1 ms later, unless this says no. */
  filter: (message: Message) => boolean = () => true
  /** What a named wait of a node does; rejects to fail it. */
  onStep: (id: NodeId, name: string) => Promise<void> | void = () => {}
  metrics: Metrics | undefined
  /** Pieces of snapshots that were received. */
  pieces = 0
  #random = 1

  constructor(ids: readonly NodeId[], options: WorldOptions = {}) {
    this.boot = configurationOf(ids)
    this.#options = options
  }

  /** A started cluster with a leader. */
  static async of(count: number, options: WorldOptions = {}): Promise<World> {
    const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, count)
    const world = new World(ids, options)
    for (const id of ids) await world.start(id)
    await world.settled()
    return world
  }

  /** Xorshift: the same on every run. */
  get random(): Random {
    return {
      next: () => {
        let x = this.#random
        x ^= x << 13
        x ^= x >>> 17
        x ^= x << 5
        this.#random = x >>> 0
        return this.#random / 2 ** 32
      },
    }
  }

  disk(id: NodeId): Disk {
    let disk = this.disks.get(id)
    if (disk === undefined) {
      disk = {
        hardState: { term: 0, vote: undefined, commit: 0 },
        snapshot: { index: 0, term: 0, configuration: this.boot },
        entries: [],
        generation: 0,
        damaged: false,
        states: new Map(),
      }
      this.disks.set(id, disk)
    }
    return disk
  }

  /** A node whose parts exist but that isn't started. */
  build(id: NodeId): FakeNode {
    const disk = this.disk(id)
    const life = new Life(this, id)
    const log = new FakeLogStore(disk, life)
    const machine = new FakeMachine(disk, life)
    const transport = new FakeTransport(this, id, life)
    const timers: Timers = {
      settle: () => this.time.settle(),
      turn: (run) => this.time.turn(() => life.dead || run()),
      after: (delayMs, run) => this.time.after(delayMs, () => life.dead || run()),
    }
    const { time: clock, random, metrics } = this
    const runner = new RaftRunner(
      {
        log,
        machine,
        transport,
        clock,
        timers,
        random,
        logger: silentLog,
        ...(metrics && { metrics }),
      },
      { tickMs: 10, electionTicks: 10, heartbeatTicks: 2, ...this.#options, id, boot: this.boot },
    )
    const node = { id, life, runner, log, machine, transport }
    this.nodes.set(id, node)
    return node
  }

  async start(id: NodeId): Promise<FakeNode> {
    const node = this.build(id)
    await node.runner.start()
    return node
  }

  node(id: NodeId): FakeNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  /** Power off: what is not on the disk is gone. */
  crash(id: NodeId): void {
    const node = this.node(id)
    node.life.end()
    node.transport.receiver = undefined
    this.nodes.delete(id)
  }

  isolate(id: NodeId): void {
    for (const other of this.boot.voters) {
      this.cut.add(`${id}>${other}`)
      this.cut.add(`${other}>${id}`)
    }
  }

  reaches(from: NodeId, to: NodeId): boolean {
    return !this.cut.has(`${from}>${to}`)
  }

  post(message: Message): void {
    const { from, to } = message
    if (!this.filter(message)) return
    this.time.after(1, () => {
      if (this.reaches(from, to)) this.nodes.get(to)?.transport.receiver?.receive(message)
    })
  }

  /** The leader of the highest term, if it has one. */
  get leader(): FakeNode | undefined {
    let leader: FakeNode | undefined
    let highest = 0
    for (const node of this.nodes.values()) {
      if (node.transport.receiver === undefined) continue
      const { role, term, state } = node.runner.status()
      if (state !== 'running' || role !== 'leader' || term <= highest) continue
      leader = node
      highest = term
    }
    return leader
  }

  /** Lets time pass until it holds; virtual, so the bound costs nothing. */
  async until(holds: () => boolean, limitMs = 20_000): Promise<void> {
    const endMs = this.time.monotonicMs() + limitMs
    await turn()
    while (!holds()) {
      if (this.time.monotonicMs() > endMs) throw new Error(`did not come true: ${holds}`)
      await this.time.advance()
    }
  }

  async run(ms: number): Promise<void> {
    const endMs = this.time.monotonicMs() + ms
    await this.until(() => this.time.monotonicMs() >= endMs, ms + 1_000)
  }

  /** The promise's outcome, while time passes. */
  async outcome<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
    let outcome: { value: T } | { error: unknown } | undefined
    promise.then(
      (value) => {
        outcome = { value }
      },
      (error) => {
        outcome = { error }
      },
    )
    await this.until(() => outcome !== undefined)
    return outcome!
  }

  async value<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.outcome(promise)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async error(promise: Promise<unknown>): Promise<unknown> {
    const outcome = await this.outcome(promise)
    if ('value' in outcome) throw new Error('should have been rejected')
    return outcome.error
  }

  propose(command: string): Promise<string> {
    const leader = this.leader
    if (leader === undefined) throw new Error('no leader')
    return leader.runner.propose(bytes(command)).then(({ result }) => text(result))
  }

  /** Every node follows one leader, and has applied all of its log. */
  async settled(): Promise<void> {
    await this.until(() => {
      const { leader } = this
      if (leader === undefined) return false
      const { lastIndex, term } = leader.runner.status()
      return [...this.nodes.values()].every(({ runner, machine }) => {
        const status = runner.status()
        const there = machine.appliedIndex === lastIndex && status.applied === lastIndex
        return there && status.term === term && status.leader === leader.id
      })
    })
  }
}
