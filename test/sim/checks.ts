/**
 * What must hold, always. The checks look at the cores after every step, at the disks when a message leaves, and at
 * what clients were told; each has a name, and can be switched off to see what it alone finds.
 */
import { Log } from '../../src/raft/core/log.js'
import { NodeState } from '../../src/raft/core/node-state.js'
import type { Configuration, Entry, Message, NodeId } from '../../src/raft/index.js'
import type { CheckName } from './check-names.js'
import type { DurableLog } from './log-store.js'
import { SimFailure, type World } from './world.js'

/** What is known of one life of a core. */
interface Seen {
  state: NodeState
  term: number
  vote: NodeId | undefined
  role: string
  committed: number
  configuration: Configuration
}

interface Known {
  term: number
  previousTerm: number | undefined
  entry: Entry
}

/** Bounds that a run configures its nodes with. */
export interface Bounds {
  logBytesMax: number
  uncommittedBytesMax: number
  readsMax: number
  messagesMax: number
}

/** Told of every state of every core: the tracer. */
export type CoreListener = (state: NodeState) => void

export class Checks {
  readonly #world: World
  readonly #off: ReadonlySet<CheckName>
  readonly #bounds: Bounds
  readonly #seen = new Map<NodeId, Seen>()
  readonly #leaders = new Map<number, NodeId>()
  /** `term node` of each granted vote. */
  readonly #votes = new Map<string, NodeId>()
  /** By index: all entries that any log ever held there. */
  readonly #entries: Known[][] = []
  /** By index: the term of what is committed there. */
  readonly #committed: number[] = []
  /** By index: the term whose leader committed it. */
  readonly #committedIn: number[] = []
  /** By index: what the state was after it. */
  readonly #states = new Map<number, string>()
  /** By index: the configuration that took effect there. */
  readonly #configurations = new Map<number, string>()
  readonly #applied = new Map<NodeId, number>()
  /** Each node's disk, also of those that are gone. */
  readonly disks = new Map<NodeId, DurableLog>()
  readonly listeners: CoreListener[] = []
  /** Highest index that any leader committed. */
  highestCommit = 0
  elections = 0
  /** Also those that came to nothing. */
  campaigns = 0

  constructor(world: World, bounds: Bounds, off: ReadonlySet<CheckName> = new Set()) {
    this.#world = world
    this.#bounds = bounds
    this.#off = off
  }

  isOn(check: CheckName): boolean {
    return !this.#off.has(check)
  }

  fail(check: CheckName, message: string): void {
    if (this.#off.has(check)) return
    this.#world.say?.(`FAILED ${check}: ${message}`)
    this.#world.fail(new SimFailure(check, message))
  }

  must(condition: boolean, check: CheckName, message: () => string): void {
    if (!condition) this.fail(check, message())
  }

  /** What a running core was last seen as. */
  roleOf(id: NodeId): { role: string; term: number } | undefined {
    return this.#seen.get(id)
  }

  /** The core that runs under this name. */
  coreOf(id: NodeId): NodeState {
    return this.#seen.get(id)!.state
  }

  /** A process ended: its core is no longer looked at. */
  forget(id: NodeId): void {
    this.#seen.delete(id)
    this.#applied.delete(id)
  }

  /** Called by every core when a step is done. */
  step(state: NodeState): void {
    const { id, term, vote, role, log } = state
    let seen = this.#seen.get(id)
    if (seen === undefined || seen.state !== state) {
      const { configuration } = state.tracker
      seen = { state, term, vote, role: 'follower', committed: log.committed, configuration }
      this.#seen.set(id, seen)
      for (let index = log.first; index <= log.last; index++) this.#examine(log, index, id)
    }
    if (term !== seen.term || vote !== seen.vote) this.#onTerm(seen, state)
    if (role !== seen.role) {
      if (role === 'leader') this.#onLeader(state)
      if (role === 'preCandidate') this.campaigns++
      seen.role = role
      this.#world.say?.(`${id} ${role} in term ${term}`)
      this.#world.record(1, term, role.length, id.charCodeAt(1))
    }
    if (log.committed !== seen.committed) this.#onCommit(seen, state)
    if (state.tracker.configuration !== seen.configuration) this.#onConfiguration(seen, state)
    this.#bounded(state)
    for (const listener of this.listeners) listener(state)
  }

  #onTerm(seen: Seen, { id, term, vote }: NodeState): void {
    const { term: before } = seen
    this.must(term >= before, 'monotonicity', () => `${id}: term ${term} after ${before}`)
    if (term === before && seen.vote !== undefined) {
      const change = () => `${id} voted for ${seen.vote}, then for ${vote} in term ${term}`
      this.must(vote === seen.vote, 'monotonicity', change)
    }
    seen.term = term
    seen.vote = vote
  }

  #onLeader({ id, term, log }: NodeState): void {
    this.elections++
    const known = this.#leaders.get(term) ?? id
    this.#leaders.set(term, id)
    this.must(known === id, 'election-safety', () => `${known} and ${id} lead term ${term}`)
    for (let index = log.first - 1; index <= this.highestCommit; index++) {
      // Who was elected in an earlier term, and learns of it late, need not know.
      if ((this.#committedIn[index] ?? term) >= term) continue
      const [own, committed] = [log.term(index), this.#committed[index]]
      this.must(own === committed, 'leader-completeness', () => {
        return `${id} leads with ${index} of term ${own}; that of ${committed} is committed`
      })
    }
  }

  #onCommit(seen: Seen, state: NodeState): void {
    const { id, log, role } = state
    const { committed: before } = seen
    const { committed } = log
    this.must(committed >= before, 'monotonicity', () => `${id}: commit ${committed} < ${before}`)
    for (let index = before + 1; index <= committed; index++) {
      const term = log.term(index)
      if (term === undefined) continue
      const known = this.#committed[index]
      if (known === undefined) {
        this.#committed[index] = term
        this.#committedIn[index] = state.term
      } else {
        this.must(known === term, 'state-machine-safety', () => {
          return `${id} commits ${index} of term ${term}; elsewhere it is of term ${known}`
        })
      }
    }
    seen.committed = committed
    if (role === 'leader' && committed > before) {
      this.#onLeaderCommit(seen, state)
      if (committed > this.highestCommit) this.highestCommit = committed
    }
  }

  #onLeaderCommit(seen: Seen, { id, log, tracker }: NodeState): void {
    const { committed } = log
    const term = log.term(committed)!
    // A change that took effect in this very step was counted with the majority before it.
    const enough =
      this.#onMajority(tracker.configuration, committed, term) ||
      this.#onMajority(seen.configuration, committed, term)
    this.must(enough, 'durable-majority', () => {
      const holders = [...tracker.configuration.voters].filter((voter) =>
        this.disks.get(voter)?.holds(committed, term),
      )
      const of = tracker.configuration.voters.length
      return `${id} commits ${committed}, which is on ${holders.length} of ${of} disks`
    })
  }

  #onMajority({ voters }: Configuration, index: number, term: number): boolean {
    let held = 0
    for (const voter of voters) {
      const disk = this.disks.get(voter)
      if (disk === undefined) continue
      // What damage took away after it was acknowledged was there when it counted.
      if (disk.damaged || disk.holds(index, term)) held++
    }
    return held > voters.length / 2
  }

  #onConfiguration(seen: Seen, { id, tracker, log }: NodeState): void {
    seen.configuration = tracker.configuration
    const text = JSON.stringify(tracker.configuration)
    this.#world.say?.(`${id} configuration ${text}`)
    // Of a snapshot that is still being installed.
    const index = log.installing?.index ?? log.applied
    const known = this.#configurations.get(index) ?? text
    this.#configurations.set(index, known)
    this.must(known === text, 'configuration', () => {
      return `${id} counts ${text} at ${index}, elsewhere it is ${known}`
    })
  }

  #bounded({ id, log, leadership, appends, promises }: NodeState): void {
    const { logBytesMax, uncommittedBytesMax, readsMax, messagesMax } = this.#bounds
    const over = (what: string, value: number, max: number) => {
      if (value > max) this.fail('memory', `${id}: ${what} ${value} of at most ${max}`)
    }
    over('log bytes', log.sizeBytes, logBytesMax)
    over('messages', appends.length + promises.length, messagesMax)
    if (leadership === undefined) return
    over('uncommitted bytes', leadership.uncommittedBytes, uncommittedBytesMax)
    over('reads', leadership.reads.size, readsMax)
  }

  /** Entries came into a log. */
  logged(log: Log, entries: readonly Entry[]): void {
    for (const { index } of entries) if (index >= log.first) this.#examine(log, index, 'a log')
  }

  #examine(log: Log, index: number, where: string): void {
    const term = log.term(index)
    if (term === undefined) return
    const previousTerm = log.term(index - 1)
    this.#entries[index] ??= []
    const variants = this.#entries[index]!
    const known = variants.find((each) => each.term === term)
    const [entry] = log.slice(index, 0, index)
    if (entry === undefined) return
    if (known === undefined) variants.push({ term, previousTerm, entry })
    else {
      known.previousTerm ??= previousTerm
      const same =
        (known.entry === entry || sameEntry(known.entry, entry)) &&
        (previousTerm === undefined || known.previousTerm === previousTerm)
      this.must(same, 'log-matching', () => `${where}: two entries at ${index} in term ${term}`)
    }
  }

  /** A message leaves its sender. */
  leaving(message: Message): void {
    const { from, term, type } = message
    const disk = this.disks.get(from)
    if (disk === undefined) return
    const { hardState } = disk
    const tells = (what: string) => `${from} tells ${message.to} ${what}`
    // Of a pre-vote's term nobody knows yet.
    const pre = (type === 'vote' || type === 'voteReply') && message.pre
    if (!pre) {
      const known = hardState.term >= term
      const text = () => tells(`of term ${term}; its disk knows ${hardState.term}`)
      this.must(known, 'durable-promise', text)
    }
    if (type === 'vote' && !pre) this.#voted(from, term, from)
    if (type === 'voteReply' && !pre && message.granted) {
      this.#voted(from, term, message.to)
      const kept = hardState.term > term || hardState.vote === message.to
      this.must(kept, 'durable-promise', () => tells(`of a vote that its disk doesn't know`))
    }
    // An acknowledgement of an older term binds nobody any more.
    if (type === 'appendReply' && !message.rejected && term >= hardState.term) {
      const held = disk.last >= message.index
      const text = () => tells(`of ${message.index}; its disk ends at ${disk.last}`)
      this.must(held, 'durable-promise', text)
    }
  }

  #voted(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${term} ${voter}`
    const known = this.#votes.get(key) ?? candidate
    this.#votes.set(key, candidate)
    const text = () => `${voter} votes for ${known} and ${candidate} in term ${term}`
    this.must(known === candidate, 'one-vote', text)
  }

  /** A state machine opened at this index. */
  opened(id: NodeId, applied: number): void {
    this.#applied.set(id, applied)
  }

  /** Entries are handed to a state machine. */
  applying(id: NodeId, entries: readonly Entry[]): void {
    for (const { index, term } of entries) {
      const before = this.#applied.get(id) ?? 0
      this.must(index === before + 1, 'apply-order', () => `${id} applies ${index} after ${before}`)
      const committed = this.#committed[index]
      this.must(committed === term, 'apply-order', () => {
        return `${id} applies ${index} of term ${term}; committed is that of ${committed}`
      })
      this.#applied.set(id, index)
    }
  }

  /** What an index led to: results, a digest of the state. Equal everywhere. */
  reached(id: NodeId, index: number, what: string, digest: string): void {
    // One table for all kinds of digests.
    const key = index * 4 + what.length
    const known = this.#states.get(key)
    if (known === undefined) this.#states.set(key, digest)
    else if (known !== digest) {
      const text = `${id}: another ${what} after ${index}: ${digest}, elsewhere ${known}`
      this.fail('state-machine-safety', text)
    }
  }

  /** A read was served that was asked when `floor` was committed. */
  served(id: NodeId, index: number, floor: number): void {
    this.must(index >= floor, 'read-index', () => `${id} reads at ${index}; ${floor} was committed`)
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a.kind !== b.kind) return false
  if (a.kind === 'command') return Buffer.compare(a.data, (b as typeof a).data) === 0
  if (a.kind === 'noop') return true
  const [one, other] = [a.change, (b as typeof a).change]
  return one.kind === other.kind && one.id === other.id
}

/** The run that cores report to. One at a time in a process. */
let watching: Checks | undefined

/** Cores report to these checks from now on. */
export function watch(checks: Checks | undefined): void {
  watching = checks
}

// Every operation of a core ends with its own asserts: that is where the world looks at it.
const ownCheck = NodeState.prototype.check
NodeState.prototype.check = function (this: NodeState) {
  ownCheck.call(this)
  watching?.step(this)
}
const ownAppend = Log.prototype.append
Log.prototype.append = function (this: Log, entries) {
  ownAppend.call(this, entries)
  watching?.logged(this, entries)
}
const ownAccept = Log.prototype.accept
Log.prototype.accept = function (this: Log, prevIndex, prevTerm, entries) {
  const last = ownAccept.call(this, prevIndex, prevTerm, entries)
  if (last !== undefined) watching?.logged(this, entries)
  return last
}
