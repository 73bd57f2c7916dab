/**
 * The state of one node that every role shares, and the one transition that each role can
 * make: to follow.
 */
import { assert } from '../../base/index.js'
import { changeConfiguration, type NodeId } from './configuration.js'
import type { Leadership } from './leadership.js'
import { Log } from './log.js'
import { type RaftInit, type Settings, settingsOf } from './settings.js'
import { Tracker } from './tracker.js'
import type { Message, MessageBody, ReadState, Role } from './types.js'

/** What a damaged log still needs before its node votes again. */
export interface Healing {
  readonly context: string
  /** The leader's last index at a moment after our start that a majority confirmed. */
  target: number | undefined
  /** At most once per tick: every question makes the leader send heartbeats, which lead to questions. */
  asked: boolean
}

/**
 * All they say of their sender's disk is that it will not go back behind their term. With that on
 * disk, a leader stays in office although its followers' disks are slow.
 */
const TERM_ONLY: ReadonlySet<Message['type']> = new Set([
  'heartbeatReply',
  'readIndex',
  'readIndexReply',
  'termNotice',
  'timeoutNow',
  'transfer',
] as const)

export class NodeState {
  readonly id: NodeId
  readonly settings: Settings
  readonly log: Log
  readonly tracker: Tracker
  readonly #random: RaftInit['random']

  /** Highest term seen; never goes back. */
  term: number
  /** Our vote in `term`; once set, it changes only with the term. */
  vote: NodeId | undefined
  role: Role = 'follower'
  /** The leader of `term`, if known. Invariant: at a leader itself; while campaigning nobody. */
  leader: NodeId | undefined
  /** Set exactly while `role` is leader. */
  leadership: Leadership | undefined
  /** Undefined for a trusted log. Invariant: a healing node follows. */
  healing: Healing | undefined

  /** Ticks since the leader was heard of, or the campaign began; at a leader since the last quorum check. */
  electionElapsed = 0
  /** Ticks since the leader's last heartbeat. */
  heartbeatElapsed = 0
  /** Drawn anew for each wait. Invariant: electionTicks <= timeoutTicks < 2 * electionTicks. */
  timeoutTicks = 0

  /** Highest term on disk. Invariant: durableTerm <= term. */
  durableTerm: number

  /** Messages that promise nothing that isn't on disk already. */
  readonly appends: Message[] = []
  /** Messages that wait for the disk. */
  readonly promises: Message[] = []
  readonly readStates: ReadState[] = []

  constructor(init: RaftInit) {
    const { hardState, snapshot, entries, applied, healing } = init.start
    this.id = init.id
    this.settings = settingsOf(init)
    this.#random = init.random
    this.term = hardState.term
    this.vote = hardState.vote
    this.durableTerm = hardState.term
    this.log = new Log({ snapshot, entries, commit: hardState.commit, applied })
    assert(this.log.lastTerm <= this.term, 'no entry is newer than the hard state')
    let configuration = snapshot.configuration
    assert(configuration.voters.length > 0, 'every node boots from a configuration')
    for (const entry of entries) {
      if (entry.kind !== 'config' || entry.index <= snapshot.index) continue
      if (entry.index <= applied) configuration = changeConfiguration(configuration, entry.change)
    }
    this.tracker = new Tracker(configuration, this.settings)
    if (healing !== undefined) this.healing = { context: healing, target: undefined, asked: false }
    this.restartElectionTimer()
  }

  /** Whether this node may lead: a voter whose log can be trusted and is in place. */
  get promotable(): boolean {
    const { log, tracker, healing } = this
    return tracker.isVoter(this.id) && log.installing === undefined && healing === undefined
  }

  restartElectionTimer(): void {
    const { electionTicks } = this.settings
    this.electionElapsed = 0
    this.timeoutTicks = electionTicks + Math.floor(this.#random.next() * electionTicks)
  }

  send(to: NodeId, body: MessageBody, term = this.term): void {
    assert(to !== this.id, 'nobody writes to itself')
    const message: Message = { from: this.id, to, term, ...body }
    const { type } = message
    const leads = type === 'append' || type === 'heartbeat' || type === 'snapshot'
    assert(!leads || this.role === 'leader', 'only a leader replicates')
    const termOnly = TERM_ONLY.has(type) && this.term === this.durableTerm
    if (leads || termOnly) this.appends.push(message)
    else this.promises.push(message)
  }

  /** A new term forgets the vote of the old one. */
  enterTerm(term: number): void {
    assert(term >= this.term, 'terms never go back')
    if (term > this.term) {
      this.term = term
      this.vote = undefined
    }
  }

  become(role: Role, leader: NodeId | undefined, leadership?: Leadership): void {
    this.role = role
    this.leader = leader
    this.leadership = leadership
    this.heartbeatElapsed = 0
    this.tracker.resetVotes()
    if (leadership === undefined) this.tracker.unlead()
    this.restartElectionTimer()
  }

  follow(term: number, leader: NodeId | undefined): void {
    this.enterTerm(term)
    this.become('follower', leader)
  }

  /** Asserts the invariants that the fields state. In constant time but for the members. */
  check(): void {
    const { role, leader, leadership, log, tracker } = this
    log.check()
    assert(this.durableTerm <= this.term, 'terms never go back')
    assert(log.lastTerm <= this.term, 'no entry is newer than its node')
    assert((role === 'leader') === (leadership !== undefined), 'a leader has a leadership')
    assert(role !== 'leader' || leader === this.id, 'a leader knows itself')
    assert(leader !== this.id || role === 'leader', 'only a leader is its own leader')
    assert(role === 'follower' || this.healing === undefined, 'a healing node follows')
    if (role === 'candidate' || role === 'preCandidate') {
      assert(leader === undefined, 'a campaign has no leader')
    }
    if (role === 'candidate') assert(this.vote === this.id, 'a candidate votes for itself')
    const members = role === 'leader' ? this.#members() : 0
    assert(tracker.progress.size === members, 'a leader tracks the members')
    for (const progress of tracker.progress.values()) progress.check(log.last)
  }

  #members(): number {
    const { voters, learners } = this.tracker.configuration
    return voters.length + learners.length
  }
}
