/**
 * The consensus core of one node: ticks, messages and proposals in; `ready()` out.
 *
 * Follows etcd-io/raft and Ongaro's dissertation. Deterministic: equal calls with equal
 * randomness give equal results. Nothing here waits, reads a clock or touches a disk.
 */
import { assert, DpsError } from '../../base/index.js'
import type { Configuration, ConfigurationChange, NodeId } from './configuration.js'
import { campaign, countOwnVote, heardOfLeader, onVoteReply, onVoteRequest } from './election.js'
import { NotLeaderError } from './errors.js'
import {
  heardFromLeader,
  isHealed,
  onAppend,
  onHeartbeat,
  onSnapshot,
  stepFollower,
  tickFollower,
} from './follower.js'
import {
  acknowledgeOwnLog,
  afterChange,
  type Proposed,
  propose,
  proposeChange,
  readAtLeader,
  stepLeader,
  tickLeader,
  transferTo,
} from './leader.js'
import { NodeState } from './node-state.js'
import { replicate } from './replication.js'
import type { RaftInit } from './settings.js'
import { type RaftStatus, statusOf } from './status.js'
import type {
  Entry,
  HardState,
  Message,
  ReadState,
  Ready,
  Role,
  SnapshotMeta,
  SoftState,
} from './types.js'

/** What became of a snapshot that a leader's `ready` told to send. */
export type SnapshotOutcome =
  /** All of it is there; the receiver's acknowledgement follows. */
  | 'finished'
  /** Given up: a newer one may be sent. */
  | 'failed'
  /** Broken off: the same is asked for again as soon as the receiver is heard of. */
  | 'interrupted'

/** What a batch that is on its way to the disk makes true. */
interface Batch {
  hardState: HardState
  lastIndex: number
  lastTerm: number
  snapshot: SnapshotMeta | undefined
  /** Last index handed out to be applied, 0 if none. */
  handedOut: number
}

export class Raft {
  readonly #state: NodeState
  /** Set between `ready` and `persisted`: one batch at a time. */
  #batch: Batch | undefined
  /** As last handed out. Invariant: what it holds is on disk or in the batch. */
  #hardState: HardState
  #softState: SoftState
  /** True from the end of healing until a batch took it along. */
  #healed = false

  constructor(init: RaftInit) {
    this.#state = new NodeState(init)
    this.#hardState = this.#currentHardState()
    this.#softState = { role: 'follower', leader: undefined }
    this.#state.check()
  }

  get id(): NodeId {
    return this.#state.id
  }

  get configuration(): Configuration {
    return this.#state.tracker.configuration
  }

  get role(): Role {
    return this.#state.role
  }

  get term(): number {
    return this.#state.term
  }

  /** The leader of this term, if known. */
  get leader(): NodeId | undefined {
    return this.#state.leader
  }

  get committed(): number {
    return this.#state.log.committed
  }

  get firstIndex(): number {
    return this.#state.log.first
  }

  get logBytes(): number {
    return this.#state.log.sizeBytes
  }

  /** The snapshot that a stepped message brought, until its batch is persisted. */
  get installing(): SnapshotMeta | undefined {
    return this.#state.log.installing
  }

  /** A copy of what can be seen, for status, metrics and tests. */
  status(): RaftStatus {
    return statusOf(this.#state)
  }

  /** One unit of time has passed. */
  tick(): void {
    if (this.#state.role === 'leader') tickLeader(this.#state)
    else tickFollower(this.#state)
    this.#state.check()
  }

  /** A message of a member arrived. Who may speak is decided before. */
  step(message: Message): void {
    assert(message.to === this.id, `a message to ${message.to} reached ${this.id}`)
    if (this.#agreeOnTerm(message)) this.#dispatch(message)
    this.#settleHealing()
    this.#state.check()
  }

  /** @returns whether the message is of this node's term now (or a pre-vote of a later one) */
  #agreeOnTerm(message: Message): boolean {
    const state = this.#state
    const { term, from, type } = message
    if (term > state.term) {
      if (type === 'vote') {
        // Whoever hears its leader leaves it in office, unless the leader itself hands over.
        if (!message.transfer && heardOfLeader(state)) return false
        if (message.pre) return true
      }
      // The term of a granted pre-vote is one that nobody entered yet.
      if (type === 'voteReply' && message.pre && message.granted) return true
      const leads = type === 'append' || type === 'heartbeat' || type === 'snapshot'
      state.follow(term, leads ? from : undefined)
    } else if (term < state.term) {
      this.#answerLowerTerm(message)
      return false
    }
    return true
  }

  /**
   * Without an answer a returning node with a higher term would be stuck: it hears no
   * leader, and with pre-vote nobody hears it.
   */
  #answerLowerTerm(message: Message): void {
    const { from, type } = message
    if (type === 'vote') {
      this.#state.send(from, { type: 'voteReply', pre: message.pre, granted: false })
    } else if (type === 'append' || type === 'heartbeat' || type === 'snapshot') {
      this.#state.send(from, { type: 'termNotice' })
    }
  }

  #dispatch(message: Message): void {
    const state = this.#state
    switch (message.type) {
      case 'vote':
        onVoteRequest(state, message)
        break
      case 'voteReply':
        onVoteReply(state, message)
        break
      case 'termNotice':
        break
      case 'append':
        heardFromLeader(state, message.from)
        onAppend(state, message)
        break
      case 'heartbeat':
        heardFromLeader(state, message.from)
        onHeartbeat(state, message)
        break
      case 'snapshot':
        heardFromLeader(state, message.from)
        onSnapshot(state, message)
        break
      default:
        if (state.role === 'leader') stepLeader(state, message)
        else stepFollower(state, message)
    }
  }

  #settleHealing(): void {
    if (!isHealed(this.#state)) return
    this.#state.healing = undefined
    this.#healed = true
  }

  /** Campaigns at once, as if the election timeout had passed: for a first start, and tests. */
  campaign(): void {
    campaign(this.#state, 'preVote')
    this.#state.check()
  }

  /**
   * Appends commands at the leader, all or none. They are committed when `ready` hands them out with
   * the returned index and term; another term at that index means that they were lost.
   *
   * @throws NotLeaderError; RESOURCE_EXHAUSTED when too much waits; INVALID_ARGUMENT when one is too
   * large; UNAVAILABLE during a transfer. Nothing was appended then.
   */
  propose(...commands: Uint8Array[]): Proposed[] {
    const proposed = propose(this.#state, commands)
    this.#state.check()
    return proposed
  }

  /** One at a time. @throws as `propose`, and ABORTED while another one is under way */
  proposeConfChange(change: ConfigurationChange): Proposed {
    const proposed = proposeChange(this.#state, change)
    this.#state.check()
    return proposed
  }

  /**
   * Asks the leader to hand over. A request, not a promise: watch `soft`.
   *
   * @throws NotLeaderError when no leader is known
   */
  transferLeader(target: NodeId): void {
    const state = this.#state
    if (state.role === 'leader') transferTo(state, target)
    else if (state.leader === undefined) throw new NotLeaderError(undefined)
    else if (state.leader !== target) state.send(state.leader, { type: 'transfer', target })
  }

  /**
   * Asks up to where a linearizable read must have applied. The answer comes as a read state, or never
   * (messages are lost, leaders change): ask again, with another context.
   *
   * @param context unique across nodes and restarts, or an old answer could serve a new read
   */
  readIndex(context: string): void {
    const state = this.#state
    if (state.role !== 'leader') {
      if (state.leader === undefined) throw new NotLeaderError(undefined)
      state.send(state.leader, { type: 'readIndex', context, heal: false })
    } else if (!readAtLeader(state, context, this.id, false)) {
      throw new DpsError('RESOURCE_EXHAUSTED', 'too many reads wait for a majority')
    }
  }

  /** The transport lost the connection: what was in flight may be gone. */
  reportUnreachable(id: NodeId): void {
    const progress = this.#state.tracker.progress.get(id)
    if (progress?.state === 'replicate') progress.becomeProbe()
  }

  reportSnapshot(id: NodeId, outcome: SnapshotOutcome): void {
    const progress = this.#state.tracker.progress.get(id)
    if (progress?.state !== 'snapshot') return
    if (outcome === 'interrupted') {
      progress.interrupted = true
      return
    }
    if (outcome === 'failed') progress.pendingSnapshot = undefined
    progress.becomeProbe()
    // Until it is heard of again: by its acknowledgement, or by a heartbeat's answer.
    progress.paused = true
  }

  /** A snapshot at exactly what is applied now, if the runner takes one. */
  snapshotMeta(): SnapshotMeta {
    const { log, tracker } = this.#state
    assert(log.installing === undefined, 'a state that is being replaced is no snapshot')
    const term = log.term(log.applied)
    assert(term !== undefined, 'what is applied is in the log or is its snapshot')
    return { index: log.applied, term, configuration: tracker.configuration }
  }

  /** The lowest index behind which at most `bytes` of entries follow: how far to compact. */
  indexBefore(bytes: number): number {
    return this.#state.log.indexBefore(bytes)
  }

  /** A snapshot with this meta is durable: entries up to `through` leave the log. */
  compact(snapshot: SnapshotMeta, through = snapshot.index): void {
    this.#state.log.compact(snapshot, through)
  }

  /**
   * Messages that may leave even while a batch is on its way to the disk. Entries that came after that
   * batch leave with the next one: the own disk can't have them earlier either, and so each
   * follower gets, writes and answers as many at once as the leader.
   */
  takeAppends(): Message[] {
    const { log, leadership } = this.#state
    // Whoever is to take over needs all of it, and the own disk may be why.
    const waits = this.#batch !== undefined && leadership?.transferee === undefined
    replicate(this.#state, waits ? Math.min(log.last, this.#batch!.lastIndex) : log.last)
    return this.#state.appends.splice(0)
  }

  /**
   * Committed entries that may be applied although a batch is on its way to the disk, as the own log
   * has them already. Configuration entries wait for `ready`, which has their commit index persisted.
   */
  takeCommitted(): Entry[] {
    // What the batch hands out comes first.
    if ((this.#batch?.handedOut ?? 0) > 0) return []
    return this.#state.log.takeStableCommands(this.#state.settings.applyBytesMax)
  }

  /** Reads that were confirmed: nothing of them waits for the disk. */
  takeReadStates(): ReadState[] {
    return this.#state.readStates.splice(0)
  }

  get hasReady(): boolean {
    const state = this.#state
    replicate(state, state.log.last)
    const { log, appends, promises, readStates } = state
    return (
      appends.length + promises.length + readStates.length > 0 ||
      log.hasUnstable ||
      log.installing !== undefined ||
      log.hasApplicable ||
      this.#healed ||
      this.#hardStateChange() !== undefined ||
      this.#softStateChange() !== undefined
    )
  }

  /** Takes the work that is due. Not again before `persisted` (or `advance`). */
  ready(): Ready {
    assert(this.#batch === undefined, 'one batch at a time')
    const state = this.#state
    const { log } = state
    const appends = this.takeAppends()
    const promises = latestReplies(state.promises.splice(0))
    let hardState = this.#hardStateChange()
    const soft = this.#softStateChange()
    const entries = log.unstable()
    const snapshot = log.installing
    const committed = log.takeApplicable(state.settings.applyBytesMax)
    const voted = hardState !== undefined && this.#isPromise(hardState)
    const healed = this.#healed
    // Whoever is told of its removal goes; a restart must not need its vote to find that out.
    const changes = committed.some(({ kind }) => kind === 'config')
    if (changes) hardState ??= this.#currentHardState()
    this.#hardState = hardState ?? this.#hardState
    this.#softState = soft ?? this.#softState
    this.#healed = false
    this.#batch = {
      hardState: this.#hardState,
      lastIndex: log.last,
      lastTerm: log.lastTerm,
      snapshot,
      handedOut: committed.at(-1)?.index ?? 0,
    }
    const mustSync = voted || healed || changes || entries.length > 0 || snapshot !== undefined
    const readStates = this.takeReadStates()
    return {
      soft,
      hardState,
      snapshot,
      entries,
      appends,
      promises,
      committed,
      readStates,
      mustSync,
      healed,
    }
  }

  /** The batch of the last `ready` is on disk. */
  persisted(): void {
    const batch = this.#batch
    assert(batch !== undefined, 'a batch was taken')
    this.#batch = undefined
    const state = this.#state
    if (batch.snapshot !== undefined) state.log.installed(batch.snapshot)
    state.log.stableTo(batch.lastIndex, batch.lastTerm)
    const { term, vote } = batch.hardState
    state.durableTerm = term
    if (state.role === 'leader') acknowledgeOwnLog(state)
    else if (state.role === 'candidate' && term === state.term && vote === this.id) {
      countOwnVote(state)
    }
    state.check()
  }

  /** The state machine has applied everything up to `index`; configurations take effect. */
  applied(index: number): void {
    const state = this.#state
    for (const entry of state.log.appliedTo(index)) this.#changeConfiguration(entry)
    state.check()
  }

  /** Everything of the last `ready` is done: persisted, sent and applied. */
  advance(): void {
    const handedOut = this.#batch?.handedOut ?? 0
    this.persisted()
    if (handedOut > 0) this.applied(handedOut)
  }

  #changeConfiguration(entry: Entry): void {
    assert(entry.kind === 'config', 'only configuration entries change it')
    const state = this.#state
    const { tracker, log } = state
    tracker.change(entry.change, state.role === 'leader', log.last)
    if (state.role === 'leader') afterChange(state)
    else if (state.role !== 'follower' && !state.promotable) state.follow(state.term, undefined)
  }

  #currentHardState(): HardState {
    const { term, vote, log } = this.#state
    return { term, vote, commit: log.committed }
  }

  /** Whether somebody may rely on the change; a commit index is only a hint. */
  #isPromise({ term, vote }: HardState): boolean {
    return term !== this.#hardState.term || vote !== this.#hardState.vote
  }

  #hardStateChange(): HardState | undefined {
    const now = this.#currentHardState()
    return this.#isPromise(now) || now.commit !== this.#hardState.commit ? now : undefined
  }

  #softStateChange(): SoftState | undefined {
    const { role, leader } = this.#state
    const same = role === this.#softState.role && leader === this.#softState.leader
    return same ? undefined : { role, leader }
  }
}

/** Without acknowledgements that the next one contains: appends of one batch are answered once. */
function latestReplies(messages: Message[]): Message[] {
  return messages.filter((message, at) => {
    const next = messages[at + 1]
    if (message.type !== 'appendReply' || next?.type !== 'appendReply') return true
    if (message.rejected || next.rejected) return true
    const same = message.to === next.to && message.term === next.term
    return !same || message.index > next.index
  })
}
