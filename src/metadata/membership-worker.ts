/**
 * At the leader: keeps Raft's configuration what the node records ask for, and the records' states
 * what the leader observes.
 *
 * Everything it does is a proposal, so that a leader that is none any more changes nothing. It is
 * woken by changes, and looks by itself while there are others; each look ends with at most one step.
 */
import {
  type Clock,
  childController,
  DpsError,
  type Part,
  type Timers,
  toDpsError,
} from '../base/index.js'
import type { Log } from '../observability/index.js'
import { type NodeId, nodeIdOf, type RaftRunner } from '../raft/index.js'
import type { Authority } from './authority.js'
import { type MemberFacts, type MembershipStep, nextStep } from './cluster-plan.js'
import { listInvitations, listNodes } from './cluster-records.js'
import { PRUNE_IDS_MAX } from './cluster-records-codec.js'
import type { NodeRecord } from './cluster-types.js'

export interface MembershipComponents {
  authority: Pick<Authority, 'execute' | 'read'>
  /** The replica's of this node; undefined while it has none. */
  runner(): Pick<RaftRunner, 'id' | 'status' | 'proposeChange' | 'transfer'> | undefined
  clock: Clock
  timers: Timers
  log: Log
}

export interface MembershipInit {
  /** How often it looks when nothing wakes it. @default 1_000 */
  checkMs?: number
  /** A member that was not heard of for so long is suspect. @default 15_000 */
  suspectAfterMs?: number
  /** And after so long offline. @default 30_000 */
  offlineAfterMs?: number
  /** A voter that is offline for so long is replaced. @default 600_000 */
  replaceAfterMs?: number
}

/** A member that lags by no more delays no commit when it becomes a voter. */
const CAUGHT_UP_ENTRIES = 256
/**
 * Whoever was heard of within is there to vote: heartbeats come many times a second. A change that
 * counts on somebody who has just died could leave no majority.
 */
export const ALIVE_MS = 3_000
/** One proposal of the worker; the next look tries again. */
const STEP_TIMEOUT_MS = 10_000
/** How soon a learner that is catching up is looked at again. */
const CATCHING_UP_MS = 200
const PRUNE_EVERY_MS = 10 * 60_000

export class MembershipWorker implements Part {
  readonly serviceId = 'membership'
  readonly #components: MembershipComponents
  readonly #init: Required<MembershipInit>
  readonly #log: Log
  #cancel: () => void = () => {}
  #running: Promise<void> | undefined
  /** Woken while it looked: what it saw may be old. */
  #again = false
  #stopping: AbortController | undefined
  /** Since when this node leads and knows the member, by the monotonic clock. */
  readonly #sinceMs = new Map<NodeId, number>()
  #prunedAtMs = 0

  constructor(components: MembershipComponents, init: MembershipInit = {}) {
    this.#components = components
    this.#log = components.log.child({ component: 'membership', service_id: this.serviceId })
    this.#init = {
      checkMs: 1_000,
      suspectAfterMs: 15_000,
      offlineAfterMs: 30_000,
      replaceAfterMs: 600_000,
      ...init,
    }
  }

  /** Again is harmless. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return
    this.#stopping = new AbortController()
    this.wake()
  }

  async stop(): Promise<void> {
    this.#cancel()
    this.#stopping?.abort(new DpsError('CANCELLED', 'the node is stopping'))
    await this.#running
    this.#stopping = undefined
  }

  /** Something changed: look now. Cheap where this node doesn't lead. */
  wake(): void {
    if (this.#stopping === undefined || this.#stopping.signal.aborted) return
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    this.#cancel()
    this.#running = this.#look(this.#stopping.signal).then((delayMs) => {
      this.#running = undefined
      const againMs = this.#again ? 0 : delayMs
      this.#again = false
      if (againMs === undefined || this.#stopping?.signal.aborted) return
      this.#cancel = this.#components.timers.after(againMs, () => this.wake())
    })
  }

  /** @returns when to look again; undefined: when woken */
  async #look(signal: AbortSignal): Promise<number | undefined> {
    const runner = this.#components.runner()
    const status = runner?.status()
    if (runner === undefined || status === undefined || status.role !== 'leader') {
      this.#sinceMs.clear()
      return undefined
    }
    const nowMs = this.#components.clock.monotonicMs()
    const { voters, learners } = status.configuration
    const members = new Set([...voters, ...learners])
    this.#keepSince(members, nowMs)
    // Silence from before this node led, or before the other came, says nothing.
    const knownMs = (id: NodeId) => nowMs - (this.#sinceMs.get(id) ?? nowMs)
    const silenceMs = (id: NodeId) =>
      id === runner.id
        ? 0
        : Math.min(status.heardMs.get(id) ?? Number.POSITIVE_INFINITY, knownMs(id))
    try {
      const view = await this.#components.authority.read({ stale: true, signal })
      const records = await listNodes(view, { signal })
      // The founder's first command is still on its way.
      if (records.length === 0) return this.#init.checkMs
      if (await this.#observe(records, { members, silenceMs, knownMs, signal })) {
        return 0
      }
      const facts = new Map<NodeId, MemberFacts>()
      for (const id of members) {
        const progress = status.members.get(id)
        const match = progress?.match ?? 0
        facts.set(id, {
          online: silenceMs(id) < ALIVE_MS && (id === runner.id || match > 0),
          caughtUp: match > 0 && status.committed - match <= CAUGHT_UP_ENTRIES,
        })
      }
      const step = nextStep({
        self: runner.id,
        configuration: status.configuration,
        records,
        facts,
        nowMs: this.#components.clock.now(),
        replaceAfterMs: this.#init.replaceAfterMs,
      })
      if (step !== undefined) {
        await this.#take(step, runner, signal)
        return 0
      }
      await this.#prune(nowMs, signal)
      // Alone, nobody can fall silent.
      if (members.size === 1) return PRUNE_EVERY_MS
      const isComing = learners.some((id) => {
        const { online = false, caughtUp = false } = facts.get(id) ?? {}
        return online && !caughtUp
      })
      return isComing ? Math.min(CATCHING_UP_MS, this.#init.checkMs) : this.#init.checkMs
    } catch (error) {
      if (signal.aborted) return undefined
      this.#log.debug({ err: error }, 'membership: tried again at the next look')
      return this.#init.checkMs
    }
  }

  #keepSince(members: ReadonlySet<NodeId>, nowMs: number): void {
    for (const id of this.#sinceMs.keys()) if (!members.has(id)) this.#sinceMs.delete(id)
    for (const id of members) if (!this.#sinceMs.has(id)) this.#sinceMs.set(id, nowMs)
  }

  /** @returns whether the records changed, so that everything must be looked at again */
  async #observe(
    records: readonly NodeRecord[],
    facts: {
      members: ReadonlySet<NodeId>
      silenceMs(id: NodeId): number
      knownMs(id: NodeId): number
      signal: AbortSignal
    },
  ): Promise<boolean> {
    const { suspectAfterMs, offlineAfterMs } = this.#init
    const { members, signal } = facts
    let changed = false
    for (const record of records) {
      if (record.state === 'removed') continue
      const { peerId, incarnation } = record
      const id = nodeIdOf(peerId, incarnation)
      if (!members.has(id)) {
        if (!record.leaving) continue
        await this.#execute({ type: 'forgetNode', peerId, incarnation }, signal)
        this.#log.info({ peer: peerId }, 'the node is no member any more')
        changed = true
        continue
      }
      const silenceMs = facts.silenceMs(id)
      const state =
        silenceMs >= offlineAfterMs ? 'offline' : silenceMs >= suspectAfterMs ? 'suspect' : 'online'
      // A new leader has heard of nobody yet: that is no reason to take a silent one for alive.
      const unsure = state === 'online' && facts.knownMs(id) <= silenceMs
      if (state === record.state || unsure) continue
      // From offline to suspect would be no news.
      if (record.state === 'offline' && state === 'suspect') continue
      await this.#execute({ type: 'observeNode', peerId, incarnation, state }, signal)
      this.#log.info({ peer: peerId, silence_ms: Math.round(silenceMs) }, `the node is ${state}`)
      changed = true
    }
    return changed
  }

  async #take(
    step: MembershipStep,
    runner: Pick<RaftRunner, 'proposeChange' | 'transfer'>,
    signal: AbortSignal,
  ): Promise<void> {
    const controller = childController(signal)
    const late = new DpsError('DEADLINE_EXCEEDED', 'the change was not committed in time')
    const cancel = this.#components.timers.after(STEP_TIMEOUT_MS, () => controller.abort(late))
    try {
      if (step.kind === 'transfer') {
        this.#log.info({ to: step.target }, 'handing over the leadership')
        await runner.transfer(step.target, { signal: controller.signal })
        return
      }
      const change = { kind: CHANGES[step.kind], id: step.id, context: new Uint8Array(0) }
      await runner.proposeChange(change, { signal: controller.signal })
      this.#log.info({ member: step.id }, WORDS[step.kind])
    } finally {
      cancel()
      controller.dispose()
    }
  }

  /** What nobody can use any more need not be kept. */
  async #prune(nowMs: number, signal: AbortSignal): Promise<void> {
    if (nowMs - this.#prunedAtMs < PRUNE_EVERY_MS) return
    this.#prunedAtMs = nowMs
    const view = await this.#components.authority.read({ stale: true, signal })
    const wallMs = this.#components.clock.now()
    const all = await listInvitations(view, { signal })
    const ids = all.filter(({ expiresAtMs }) => expiresAtMs <= wallMs).map(({ id }) => id)
    if (ids.length === 0) return
    await this.#execute({ type: 'pruneInvitations', ids: ids.slice(0, PRUNE_IDS_MAX) }, signal)
  }

  async #execute(command: Parameters<Authority['execute']>[0], signal: AbortSignal): Promise<void> {
    try {
      await this.#components.authority.execute(command, { signal, timeoutMs: STEP_TIMEOUT_MS })
    } catch (error) {
      // Somebody else was first: the next look sees what is true now.
      if (toDpsError(error).code !== 'NOT_FOUND') throw error
    }
  }
}

const CHANGES = {
  addLearner: 'addLearner',
  demote: 'addLearner',
  promote: 'addVoter',
  remove: 'remove',
} as const

const WORDS = {
  addLearner: 'a learner is in',
  promote: 'a learner votes now',
  demote: 'a voter only follows now',
  remove: 'a member is out',
} as const
