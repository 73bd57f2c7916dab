/** What a node asks of its cluster's metadata: commands and reads, wherever the leader is. */
import {
  type AbortOptions,
  backoffMs,
  type Clock,
  DpsError,
  type Part,
  type Random,
  type Timers,
} from '../base/index.js'
import type { Log } from '../observability/index.js'
import { type NodeId, NotLeaderError, type RaftRunner } from '../raft/index.js'
import { type ClientSession, CurrentSession } from './client-session.js'
import {
  decodeOutcome,
  decodeProposal,
  encodeEntry,
  encodeProposal,
  type Outcome,
  type ProposeTarget,
} from './codec.js'
import {
  type Command,
  decodeResult,
  encodeCommand,
  handlerOf,
  type ResultOf,
  type WireCommand,
} from './commands.js'
import { Deadline } from './deadline.js'
import type { AppliedListener, MetadataMachine } from './machine.js'
import type { Peers, ProposalReceiver } from './peers.js'
import type { View } from './view.js'

/** One replica as the authority uses it. */
export interface AuthorityReplica {
  readonly clusterId: string
  readonly runner: Pick<RaftRunner, 'id' | 'propose' | 'readBarrier' | 'status' | 'onChange'>
  readonly machine: Pick<MetadataMachine, 'get' | 'range' | 'appliedIndex' | 'onApplied'>
}

export interface AuthorityComponents {
  peers: Peers
  clock: Clock
  timers: Timers
  random: Random
  log: Log
}

export interface AuthorityInit {
  /** Until DEADLINE_EXCEEDED, over all retries. @default 30_000 */
  timeoutMs?: number
  /** Until a member that a proposal was forwarded to is asked again. @default 5_000 */
  attemptTimeoutMs?: number
}

export interface ExecuteOptions extends AbortOptions {
  timeoutMs?: number
}

export interface ReadOptions extends AbortOptions {
  /** The local state, however far behind it is. @default false */
  stale?: boolean
  timeoutMs?: number
}

/** What the authority knows without asking anybody. */
export interface AuthorityStatus {
  clusterId: string
  nodeId: NodeId
  /** Undefined while none is known. */
  leader: NodeId | undefined
  leading: boolean
  term: number
  appliedIndex: number
}

/** Another attempt, perhaps elsewhere, may go well. */
const RETRIED: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
])

/** First wait before a retry, when nothing else tells that it is time; doubles up to the second. */
const BACKOFF_MS = 10
const BACKOFF_MS_MAX = 1_000

/**
 * Commands apply once, however often they are sent: each has a number in this node's session, and
 * the state remembers what it answered (dissertation, section 6.3).
 *
 * Failure semantics of `execute`. A handler's own error comes back as it is, and means that nothing
 * changed. UNAVAILABLE or DEADLINE_EXCEEDED: nobody knows whether it was or will be applied.
 * RESOURCE_EXHAUSTED and everything else: it was not.
 */
export class Authority implements Part, ProposalReceiver {
  readonly serviceId = 'authority'
  readonly #components: AuthorityComponents
  readonly #init: Required<AuthorityInit>
  readonly #changeListeners = new Set<() => void>()
  readonly #appliedListeners = new Set<AppliedListener>()
  #replica: AuthorityReplica | undefined
  #unhook: () => void = () => {}
  #leader: NodeId | undefined
  #leading = false
  readonly #session: CurrentSession
  /** Forwarded proposals, each with the leader that it went to. */
  readonly #forwarded = new Set<{ to: NodeId; abort: AbortController }>()
  #stopped = false

  constructor(components: AuthorityComponents, init: AuthorityInit = {}) {
    this.#components = components
    this.#init = { timeoutMs: 30_000, attemptTimeoutMs: 5_000, ...init }
    this.#session = new CurrentSession(
      () => this.#open(),
      () => components.clock.monotonicMs(),
    )
  }

  async start(): Promise<void> {
    this.#stopped = false
  }

  /** What is under way fails as soon as it would retry. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.replaceReplica(undefined)
  }

  /** Goes on over another replica, of this cluster or another one. It must be started. */
  replaceReplica(replica: AuthorityReplica | undefined): void {
    this.#unhook()
    this.#replica = replica
    // Another cluster doesn't know it; and in the same one a new session costs one command.
    this.#session.reset()
    const offChange = replica?.runner.onChange(() => this.#onChange())
    const offApplied = replica?.machine.onApplied((keys) => this.#announce(keys))
    this.#unhook = () => {
      offChange?.()
      offApplied?.()
    }
    this.#onChange()
    if (replica !== undefined) this.#announce('all')
  }

  #onChange(): void {
    const status = this.#replica?.runner.status()
    const works = status?.state === 'running'
    this.#leader = works ? status.leader : undefined
    this.#leading = works && status.role === 'leader'
    for (const { to, abort } of this.#forwarded) {
      if (to !== this.#leader) abort.abort(new DpsError('UNAVAILABLE', `${to} leads no more`))
    }
    for (const listener of this.#changeListeners) listener()
  }

  #announce(keys: readonly Uint8Array[] | 'all'): void {
    for (const listener of this.#appliedListeners) listener(keys)
  }

  /** Called when leader, role, configuration or replica changed. @returns removes the listener */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  /** Called with the keys that commands wrote here. @returns removes the listener */
  onApplied(listener: AppliedListener): () => void {
    this.#appliedListeners.add(listener)
    return () => this.#appliedListeners.delete(listener)
  }

  /** @throws UNAVAILABLE while this node has no replica */
  status(): AuthorityStatus {
    const { clusterId, runner, machine } = this.#here()
    const { term } = runner.status()
    return {
      clusterId,
      nodeId: runner.id,
      leader: this.#leader,
      leading: this.#leading,
      term,
      appliedIndex: machine.appliedIndex,
    }
  }

  #here(): AuthorityReplica {
    if (this.#replica === undefined || this.#stopped) {
      throw new DpsError('UNAVAILABLE', 'this node has no metadata at the moment')
    }
    return this.#replica
  }

  /** Applies a command once; see the class for how it fails. @throws also the signal's reason */
  async execute<C extends Command>(
    command: C,
    options: ExecuteOptions = {},
  ): Promise<ResultOf<C['type']>> {
    const encoded = encodeCommand(command)
    const deadline = this.#deadline(options)
    try {
      const result = await this.#inSession(encoded, deadline)
      return decodeResult(command.type, result) as ResultOf<C['type']>
    } finally {
      deadline.clear()
    }
  }

  #deadline({ timeoutMs = this.#init.timeoutMs, signal }: ExecuteOptions): Deadline {
    return new Deadline(this.#components, timeoutMs, signal)
  }

  async #inSession(command: WireCommand, deadline: Deadline): Promise<Uint8Array> {
    for (;;) {
      const session = this.#session.ready ?? (await this.#openSession(deadline))
      const taken = this.#take(session, deadline)
      const seq = typeof taken === 'number' ? taken : await taken
      try {
        const result = await this.#inThis(session, seq, command, deadline)
        if (result !== undefined) return result
      } finally {
        session.answered(seq)
      }
    }
  }

  async #openSession(deadline: Deadline): Promise<ClientSession> {
    for (;;) {
      try {
        return await deadline.race(this.#session.opened())
      } catch (error) {
        deadline.check()
        // Opening has its own time: somebody else may have begun it long ago.
        if (!this.#isRetried(error)) throw error
      }
    }
  }

  #take(session: ClientSession, deadline: Deadline): number | Promise<number> {
    const taken = session.take()
    if (typeof taken === 'number') return taken
    // A number that comes too late is nobody's.
    return deadline.race(taken, () => void taken.then((seq) => session.answered(seq)))
  }

  /** @returns undefined when the session is over, and the command was certainly not applied under it */
  async #inThis(
    session: ClientSession,
    seq: number,
    command: WireCommand,
    deadline: Deadline,
  ): Promise<Uint8Array | undefined> {
    const { tag, version, body } = command
    const sent = { uncertain: false }
    for (let attempt = 0; ; attempt++) {
      session.usedMs = this.#components.clock.monotonicMs()
      const { lowest } = session
      const proposal = encodeProposal({ session: session.id, seq, lowest, tag, version, body })
      const outcome = decodeOutcome(await this.#send(proposal, sent, deadline))
      switch (outcome.status) {
        case 'done':
          return outcome.result
        case 'refused':
          throw refusal(outcome)
        case 'tooManyOpen':
          // The window moves as soon as the lowest ones are answered.
          await deadline.race(this.#pause(attempt))
          break
        case 'unknownSession':
          this.#session.forget(session)
          if (sent.uncertain) throw unknown('its session has expired')
          return undefined
        case 'forgotten':
          throw unknown('its answer is no longer known')
      }
    }
  }

  async #open(): Promise<number> {
    const deadline = this.#deadline({})
    const command = encodeCommand({ type: 'openSession' })
    const proposal = encodeProposal({ ...command, session: 0, seq: 0, lowest: 0 })
    try {
      const outcome = decodeOutcome(await this.#send(proposal, { uncertain: false }, deadline))
      if (outcome.status === 'refused') throw refusal(outcome)
      if (outcome.status !== 'done') throw unknown(outcome.status)
      return decodeResult('openSession', outcome.result).session
    } finally {
      deadline.clear()
    }
  }

  /**
   * Until an outcome came, or it makes no sense to go on.
   *
   * @param sent `uncertain`: an attempt before the answered one may have been applied
   */
  async #send(
    proposal: Uint8Array,
    sent: { uncertain: boolean },
    deadline: Deadline,
  ): Promise<Uint8Array> {
    for (let attempt = 0; ; attempt++) {
      deadline.check()
      try {
        return await this.#attempt(proposal, sent, deadline)
      } catch (error) {
        deadline.check()
        if (!this.#isRetried(error)) throw error
        deadline.lastError = error
      }
      await deadline.race(this.#pause(attempt))
    }
  }

  async #attempt(
    proposal: Uint8Array,
    sent: { uncertain: boolean },
    deadline: Deadline,
  ): Promise<Uint8Array> {
    const { runner, clusterId } = this.#here()
    const leader = this.#leader
    if (this.#leading) {
      const data = encodeEntry(this.#nowMs(), proposal)
      try {
        return (await deadline.race(runner.propose(data))).result
      } catch (error) {
        if (!isSurelyNot(error)) sent.uncertain = true
        throw error
      }
    }
    if (leader === undefined || leader === runner.id) throw new NotLeaderError(undefined)
    const forwarded = { to: leader, abort: new AbortController() }
    this.#forwarded.add(forwarded)
    try {
      const timeoutMs = Math.min(this.#init.attemptTimeoutMs, deadline.leftMs())
      const { signal } = forwarded.abort
      const call = this.#components.peers.propose({ clusterId, to: leader }, proposal, {
        signal,
        timeoutMs,
      })
      return await deadline.race(call, () =>
        forwarded.abort.abort(new DpsError('CANCELLED', 'nobody waits for it any more')),
      )
    } catch (error) {
      sent.uncertain = true
      throw error
    } finally {
      this.#forwarded.delete(forwarded)
    }
  }

  /** A time of this node's, for the log; the state's own time never goes back. */
  #nowMs(): number {
    return Math.max(0, Math.floor(this.#components.clock.now()))
  }

  #isRetried(error: unknown): boolean {
    return !this.#stopped && error instanceof DpsError && RETRIED.has(error.code)
  }

  /** Waits before a retry; a change of leader ends it early. */
  #pause(attempt: number): Promise<void> {
    const { timers, random } = this.#components
    const waitMs = backoffMs(attempt, BACKOFF_MS, BACKOFF_MS_MAX, random)
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        off()
        resolve()
      }
      const cancel = timers.after(waitMs, end)
      const off = this.onChange(end)
    })
  }

  /**
   * A proposal that another member forwarded.
   *
   * @throws UNAVAILABLE where this is not the leader, or not the member that was meant;
   *   INVALID_ARGUMENT, UNIMPLEMENTED for what must not come into the log
   */
  async receiveProposal(
    { clusterId, to }: ProposeTarget,
    proposal: Uint8Array,
    { signal }: AbortOptions = {},
  ): Promise<Uint8Array> {
    const { runner, clusterId: ours } = this.#here()
    if (clusterId !== ours || to !== runner.id) {
      throw new DpsError('UNAVAILABLE', `${runner.id} of cluster ${ours} is not who was meant`)
    }
    handlerOf(decodeProposal(proposal))
    const data = encodeEntry(this.#nowMs(), proposal)
    return (await runner.propose(data, signal === undefined ? {} : { signal })).result
  }

  /**
   * The state as a whole cluster sees it: everything that was acknowledged anywhere before the call.
   *
   * @throws UNAVAILABLE, DEADLINE_EXCEEDED while no majority answers; the signal's reason
   */
  async read(options: ReadOptions = {}): Promise<View> {
    if (options.stale) return this.#here().machine
    const deadline = this.#deadline(options)
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const { runner, machine } = this.#here()
          await deadline.race(runner.readBarrier())
          return machine
        } catch (error) {
          deadline.check()
          if (!this.#isRetried(error)) throw error
          deadline.lastError = error
        }
        await deadline.race(this.#pause(attempt))
      }
    } finally {
      deadline.clear()
    }
  }
}

function refusal({ code, message, hint }: Outcome & { status: 'refused' }): DpsError {
  return new DpsError(code, message, hint === '' ? {} : { hint })
}

function unknown(why: string): DpsError {
  return new DpsError('UNAVAILABLE', `whether the command was applied is unknown: ${why}`, {
    hint: 'look whether it was, then try again',
  })
}

/** Whether nothing was appended to any log. */
function isSurelyNot(error: unknown): boolean {
  if (error instanceof NotLeaderError) return true
  return error instanceof DpsError && error.code !== 'UNAVAILABLE'
}
