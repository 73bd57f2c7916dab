/** One replica at work: the core, driven over its disk, its state machine and its transport. */
import {
  type AbortOptions,
  AssertionError,
  assert,
  DpsError,
  type Part,
  raceSignal,
  toDpsError,
} from '../base/index.js'
import type { Configuration, ConfigurationChange, NodeId } from './core/configuration.js'
import type { Proposed } from './core/leader.js'
import { Raft } from './core/raft.js'
import type { Message, Role } from './core/types.js'
import { Changes } from './runner-changes.js'
import { type RunnerMetrics, runnerMetrics } from './runner-metrics.js'
import { type Parts, partsOf } from './runner-parts.js'
import { outcomeUnknown, Proposals } from './runner-proposals.js'
import { raftStart } from './runner-start.js'
import type {
  ProposeResult,
  RunnerComponents,
  RunnerInit,
  RunnerState,
  RunnerStatus,
} from './runner-types.js'
import type { Receiver } from './transport.js'

/** Under load it halves the messages of a proposal; a follower's state is a tick older at most. */
const ANNOUNCE_TICKS = 1
/** Longer than any write to a disk that works; bulk writes may stall one for seconds. */
const STUCK_DISK_MS = 10_000
/** Time for a transfer on a busy machine, where elections are short. */
const HAND_OVER_MS_MIN = 500

/** As last told to the listeners. */
interface Seen {
  role: Role
  term: number
  leader: NodeId | undefined
  configuration: Configuration
}

export class RaftRunner implements Part {
  readonly serviceId = 'raft'
  readonly id: NodeId
  /** Resolves with the reason when the replica has to stop for good; else never. */
  readonly failed: Promise<DpsError>

  readonly #components: RunnerComponents
  readonly #init: RunnerInit
  readonly #proposals = new Proposals()
  readonly #changes: Changes
  readonly #metrics: RunnerMetrics
  /** Monotonic time at which each was last heard of. */
  readonly #heardMs = new Map<NodeId, number>()
  #state: RunnerState = 'new'
  #failure: DpsError | undefined
  #reportFailure!: (error: DpsError) => void
  #parts: Parts | undefined
  #seen: Seen | undefined

  constructor(components: RunnerComponents, init: RunnerInit) {
    this.#components = components
    this.#init = init
    this.id = init.id
    this.#metrics = runnerMetrics(components.metrics)
    this.#changes = new Changes(components.timers, components.logger)
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve
    })
  }

  /**
   * Opens log and state and takes part.
   *
   * @throws DATA_LOSS when they can't be trusted; nothing is left open then
   */
  async start(): Promise<void> {
    assert(this.#state === 'new', 'a runner starts once')
    const { log, machine, transport } = this.#components
    try {
      const contents = await log.open(this.#init.boot)
      await machine.open(contents.generation)
      const nonce = this.#nonce()
      const start = await raftStart({ log, machine }, contents, nonce)
      const { random } = this.#components
      this.#parts = this.#build(
        new Raft({ announceTicks: ANNOUNCE_TICKS, ...this.#init, random, start }),
        nonce,
      )
      this.#state = 'running'
      await transport.start(this.#receiver())
    } catch (error) {
      this.#state = 'stopped'
      await closeAll([() => transport.stop(), () => machine.close(), () => log.close()]).catch(
        () => {},
      )
      throw error
    }
    const { raft, rounds, ticker } = this.#parts
    machine.onDurable(() => rounds.wake())
    this.#observe()
    ticker.start()
    const { voters } = raft.configuration
    // Nobody to wait for.
    if (voters.length === 1 && voters[0] === this.id) raft.campaign()
    rounds.wake()
  }

  #nonce(): string {
    const { random } = this.#components
    const part = () => Math.floor(random.next() * 2 ** 52).toString(36)
    return `${this.id}/${part()}${part()}`
  }

  #build(raft: Raft, nonce: string): Parts {
    const proposals = this.#proposals
    const components = { ...this.#components, metrics: this.#metrics }
    const parts: Parts = partsOf(raft, components, this.#init, {
      nonce,
      report: (id, outcome) => this.#step(() => raft.reportSnapshot(id, outcome)),
      tick: () => {
        parts.reads.tick()
        this.#step(() => raft.tick())
        this.#giveUpIfStuck(parts)
      },
      observe: () => this.#observe(),
      applied: (entries, results) => proposals.applied(entries, results),
      adopted: (index) => {
        proposals.abandonThrough(index, () => outcomeUnknown('a snapshot replaced the log'))
        parts.reads.applied()
      },
      failed: (error) => this.#fail(error),
    })
    return parts
  }

  /**
   * Hands the leadership over if it can, in a bounded time, finishes what is under way and closes
   * everything. Proposals that are not committed by then reject with an unknown outcome.
   */
  async stop(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopping'
      await this.#handOver()
    }
    const parts = this.#parts
    if (this.#state === 'stopped' || parts === undefined) return
    const failed = this.#state === 'failed'
    this.#state = 'stopped'
    const { log, machine, transport } = this.#components
    const stopped = () => new DpsError('UNAVAILABLE', 'the replica stops')
    this.#silence(parts, stopped())
    await closeAll([
      () => (failed ? undefined : transport.stop()),
      () => parts.rounds.idle(),
      () => this.#proposals.abandonAbove(0, () => outcomeUnknown('the replica stops')),
      () => parts.reads.abandon(stopped),
      () => machine.close(),
      () => log.close(),
    ])
    this.#changes.emit()
  }

  /** No more ticks, rounds or transfers. */
  #silence({ ticker, rounds, sender, receiver }: Parts, reason: DpsError): void {
    ticker.stop()
    rounds.stop()
    sender.abort()
    receiver.close(reason)
  }

  /** Others may go on where this disk can't; what is committed there waits for nobody. */
  #giveUpIfStuck({ raft, rounds }: Parts): void {
    const { stuckDiskMs = STUCK_DISK_MS } = this.#init
    if (raft.role !== 'leader' || rounds.owedMs < stuckDiskMs) return
    const target = this.#live ? this.#successor() : undefined
    if (target === undefined || raft.status().transferee !== undefined) return
    this.#components.logger.warn({ target }, 'the disk does not answer: hands over')
    this.#step(() => raft.transferLeader(target))
  }

  async #handOver(): Promise<void> {
    const { raft, rounds } = this.#running()
    const target = this.#successor()
    if (target === undefined) return
    const { electionTicks, tickMs } = this.#init
    const timeoutMs = this.#init.handOverMs ?? Math.max(HAND_OVER_MS_MIN, electionTicks * tickMs)
    raft.transferLeader(target)
    rounds.wake()
    const moved = await this.#changes.until(() => raft.role !== 'leader', timeoutMs)
    if (!moved)
      this.#components.logger.warn({ target }, 'stops as leader: nobody took over in time')
  }

  /** The voter that holds most of the log, among those that were heard of lately. */
  #successor(): NodeId | undefined {
    const { role, members, configuration } = this.#running().raft.status()
    if (role !== 'leader') return undefined
    const nowMs = this.#components.clock.monotonicMs()
    const recentMs = this.#init.electionTicks * this.#init.tickMs
    const alive = configuration.voters.filter(
      (id) => id !== this.id && nowMs - (this.#heardMs.get(id) ?? -Infinity) <= recentMs,
    )
    const match = (id: NodeId) => members.get(id)?.match ?? 0
    return alive.sort((a, b) => match(b) - match(a))[0]
  }

  /**
   * Appends a command at the leader. Resolves when a majority has it on disk and it is applied here.
   *
   * @throws NotLeaderError, or INVALID_ARGUMENT for one that is too large: nothing was appended
   * @throws RESOURCE_EXHAUSTED when too much waits already: nothing was appended, retry later
   * @throws UNAVAILABLE otherwise: nobody knows whether it was or will be applied
   * @throws the signal's reason: the same
   */
  async propose(command: Uint8Array, options: AbortOptions = {}): Promise<ProposeResult> {
    const proposed = this.#append((raft) => raft.propose(command)[0]!, options)
    const result = await raceSignal(this.#proposals.wait(proposed), options.signal)
    assert(result !== undefined, 'a command has a result')
    return { ...proposed, result }
  }

  /**
   * Changes the configuration at the leader; resolves when the change is in effect here.
   *
   * @throws as `propose`, and ABORTED while another change is under way
   */
  async proposeChange(
    change: ConfigurationChange,
    options: AbortOptions = {},
  ): Promise<{ index: number }> {
    const proposed = this.#append((raft) => raft.proposeConfChange(change), options)
    await raceSignal(this.#proposals.wait(proposed), options.signal)
    return { index: proposed.index }
  }

  #append(append: (raft: Raft) => Proposed, { signal }: AbortOptions): Proposed {
    signal?.throwIfAborted()
    const { raft, rounds } = this.#running()
    if (rounds.backlogged) {
      throw new DpsError('RESOURCE_EXHAUSTED', 'too many proposals wait to be applied', {
        hint: 'retry with back-off; the disk of the state is slow',
      })
    }
    const proposed = this.#guard(() => append(raft))
    rounds.wake()
    return proposed
  }

  /**
   * Resolves when the local state holds everything that was committed anywhere when it was called.
   * Retried over lost messages and changes of leader.
   *
   * @returns the index that the state holds at least
   * @throws UNAVAILABLE when no majority answered in time; the signal's reason
   */
  async readBarrier(options: AbortOptions = {}): Promise<number> {
    options.signal?.throwIfAborted()
    const { reads, rounds, ticker } = this.#running()
    const waiting = reads.wait(options.signal)
    rounds.wake()
    ticker.wake()
    return waiting
  }

  /**
   * Moves the leadership, from wherever it is; resolves when the target has it.
   *
   * @throws FAILED_PRECONDITION when the target is no voter; UNAVAILABLE when it didn't take over
   */
  async transfer(target: NodeId, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { raft, rounds } = this.#running()
    if (!raft.configuration.voters.includes(target)) {
      throw new DpsError('FAILED_PRECONDITION', `${target} is no voter`, {
        hint: 'promote it first',
      })
    }
    this.#guard(() => raft.transferLeader(target))
    rounds.wake()
    const timeoutMs = 2 * this.#init.electionTicks * this.#init.tickMs
    const moved = await raceSignal(
      this.#changes.until(() => raft.leader === target, timeoutMs),
      options.signal,
    )
    if (!moved) throw new DpsError('UNAVAILABLE', `${target} did not take over in time`)
  }

  /** Campaigns at once, as if no leader had been heard of for long. */
  campaign(): void {
    const { raft, rounds } = this.#running()
    this.#guard(() => raft.campaign())
    rounds.wake()
  }

  status(): RunnerStatus {
    const parts = this.#parts
    if (parts === undefined) throw this.#unavailable()
    const { raft, rounds, ticker } = parts
    const nowMs = this.#components.clock.monotonicMs()
    const heardMs = new Map<NodeId, number>()
    for (const [id, ms] of this.#heardMs) heardMs.set(id, nowMs - ms)
    return {
      ...raft.status(),
      state: this.#state,
      failure: this.#failure,
      heardMs,
      durableIndex: this.#components.machine.durableIndex,
      timings: { saveMs: rounds.saveMs, applyMs: rounds.applyMs, tickLagMs: ticker.lagMs },
    }
  }

  /** Called when state, role, term, leader or configuration changed. @returns stops it */
  onChange(listener: () => void): () => void {
    return this.#changes.on(listener)
  }

  #receiver(): Receiver {
    const { raft, receiver } = this.#running()
    return {
      receive: (message) => this.#receive(message),
      unreachable: (id) => {
        this.#step(() => raft.reportUnreachable(id))
      },
      installing: async (message, options) => {
        this.#running()
        return receiver.installing(message, options)
      },
      installed: async (message, install) => {
        this.#running()
        try {
          await receiver.installed(message, install)
        } catch (error) {
          // The sender hears of it too, but it is this replica that can't go on.
          if (error instanceof AssertionError) this.#fail(error)
          throw error
        }
      },
    }
  }

  #receive(message: Message): void {
    // A state without its bytes is nothing; an older life of this node is somebody else.
    if (!this.#live || message.to !== this.id || message.type === 'snapshot') return
    const { raft, rounds } = this.#running()
    const { from } = message
    this.#heardMs.set(from, this.#components.clock.monotonicMs())
    // Memory stays bounded behind a slow state: the leader sends it again.
    if (message.type === 'append' && message.entries.length > 0 && rounds.backlogged) return
    this.#step(() => raft.step(message))
  }

  get #live(): boolean {
    return this.#state === 'running' || this.#state === 'stopping'
  }

  #running(): Parts {
    if (!this.#live || this.#parts === undefined) throw this.#unavailable()
    return this.#parts
  }

  #unavailable(): DpsError {
    const failure = this.#failure
    if (failure === undefined) return new DpsError('UNAVAILABLE', 'this replica is not running')
    return new DpsError('UNAVAILABLE', `this replica has failed: ${failure.message}`, {
      cause: failure,
      hint: 'see its status; another member may answer',
    })
  }

  /** Tells the core of an event; nobody is there to hear of an error. */
  #step(tell: () => void): void {
    if (!this.#live) return
    try {
      tell()
      this.#running().rounds.wake()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Calls the core. What it refuses is the caller's; a broken invariant ends the replica. */
  #guard<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof DpsError)) this.#fail(error)
      throw error
    }
  }

  /** Never acknowledges again: what is promised after this point might not be kept. */
  #fail(thrown: unknown): void {
    if (!this.#live) return
    const error = toDpsError(thrown)
    const failure =
      thrown instanceof AssertionError
        ? new DpsError('INTERNAL', `the replica stopped: ${error.message}`, { cause: thrown })
        : error
    this.#state = 'failed'
    this.#failure = failure
    const { logger, transport } = this.#components
    logger.error({ err: thrown }, 'the replica stops for good')
    const parts = this.#parts!
    this.#silence(parts, this.#unavailable())
    this.#proposals.abandonAbove(0, () => outcomeUnknown('the replica failed', failure))
    parts.reads.abandon(() => this.#unavailable())
    transport.stop().catch((error) => logger.warn({ err: error }, 'the transport did not stop'))
    this.#reportFailure(failure)
    this.#changes.emit()
  }

  /** Compares what listeners know with what is, and draws the conclusions. */
  #observe(): void {
    if (!this.#live) return
    const { raft, reads, sender, rounds, ticker } = this.#running()
    const { role, term, leader, configuration } = raft
    const seen = this.#seen
    const same = seen?.role === role && seen.term === term && seen.leader === leader
    if (same && seen.configuration === configuration) return
    this.#seen = { role, term, leader, configuration }
    ticker.wake()
    if (seen !== undefined && seen.leader !== leader) this.#metrics.leaderChanged()
    if (!same) {
      if (seen?.role === 'leader') {
        // What is committed stays so, and its results are still to come.
        this.#proposals.abandonAbove(raft.committed, () => outcomeUnknown('leadership was lost'))
        sender.abort()
      }
      reads.restart()
      rounds.wake()
    }
    const { voters, learners } = configuration
    // A newcomer knows its leader before the configuration that has both of them.
    const known = leader === undefined ? [] : [leader]
    this.#components.transport.setMembers(new Set([...voters, ...learners, ...known]))
    for (const id of this.#heardMs.keys()) {
      if (!voters.includes(id) && !learners.includes(id)) this.#heardMs.delete(id)
    }
    this.#changes.emit()
  }
}

/** Does all, whatever fails, and then throws the first failure. */
async function closeAll(steps: (() => unknown)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
