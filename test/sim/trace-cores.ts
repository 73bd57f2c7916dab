/** Watches every core of this process and tells its transitions as trace events. */
import { Log } from '../../src/raft/core/log.js'
import { NodeState } from '../../src/raft/core/node-state.js'
import { Tracker } from '../../src/raft/core/tracker.js'
import { type Message, type NodeId, Raft } from '../../src/raft/index.js'
import {
  applyConfigurationEvent,
  messageEvent,
  nodeEvent,
  ownEvent,
  replicateEvent,
  type TraceEvent,
  type TraceView,
} from './trace.js'

// biome-ignore lint/suspicious/noExplicitAny: methods of any shape are wrapped
type Method = (this: any, ...args: any[]) => any

/**
 * Calls `write` for each event, in order, until the returned function is called. Cores run as they
 * would without it. For cores that are made afterwards, each with its own id at a time.
 */
export function traceCores(write: (event: TraceEvent) => void): () => void {
  const tracer = new Tracer(write)
  const undo: (() => void)[] = []
  const around = (prototype: object, name: string, wrap: (original: Method) => Method) => {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!
    const value = wrap(descriptor.value as Method)
    Object.defineProperty(prototype, name, { ...descriptor, value })
    undo.push(() => Object.defineProperty(prototype, name, descriptor))
  }
  tracer.install(around)
  return () => {
    for (const restore of undo.reverse()) restore()
  }
}

/** What the trace needs to remember of one core. */
interface Watched {
  readonly state: NodeState
  role: NodeState['role']
  term: number
  /** Acknowledgements to itself that wait for the disk. */
  ownAppends: number[]
  ownVote: boolean
  /** Who acknowledged anything to this leader, were it only the boot entry. */
  readonly known: Set<NodeId>
  /** End of the log when the batch under way was taken. */
  batchLast: number
  batchTerm: number
}

class Tracer {
  readonly #write: (event: TraceEvent) => void
  readonly #byId = new Map<NodeId, Watched>()
  readonly #byPart = new WeakMap<object, Watched>()
  /** Refused votes that the model would have granted: to it, these messages were lost. */
  readonly #hidden = new Set<string>()
  /** Heartbeats of commit 0, oldest first: whether their receiver was unknown. */
  readonly #blind = new Map<string, boolean[]>()

  constructor(write: (event: TraceEvent) => void) {
    this.#write = write
  }

  install(around: (prototype: object, name: string, wrap: (original: Method) => Method) => void) {
    const tracer = this
    around(NodeState.prototype, 'check', (original) => {
      return function (this: NodeState) {
        original.call(this)
        tracer.#meet(this)
      }
    })
    around(NodeState.prototype, 'send', (original) => {
      return function (this: NodeState, to: NodeId, body, term = this.term) {
        tracer.#sent(this, { from: this.id, to, term, ...body })
        original.call(this, to, body, term)
      }
    })
    around(NodeState.prototype, 'become', (original) => {
      return function (this: NodeState, ...args) {
        original.apply(this, args)
        tracer.#became(this)
      }
    })
    around(Log.prototype, 'append', (original) => {
      return function (this: Log, entries) {
        const watched = tracer.#byPart.get(this)!
        for (const [at, entry] of entries.entries()) {
          const view = viewOf(watched.state)
          write(replicateEvent({ ...view, lastIndex: view.lastIndex + at }, entry))
        }
        original.call(this, entries)
        watched.ownAppends.push(this.last)
        write(ownEvent('Send', viewOf(watched.state), 'MsgAppResp', this.last))
      }
    })
    around(Log.prototype, 'commitTo', (original) => {
      return function (this: Log, index) {
        const moved = original.call(this, index)
        const watched = tracer.#byPart.get(this)!
        if (moved && watched.state.role === 'leader') {
          write(nodeEvent('Commit', viewOf(watched.state)))
        }
        return moved
      }
    })
    around(Tracker.prototype, 'change', (original) => {
      return function (this: Tracker, ...args) {
        const { state } = tracer.#byPart.get(this)!
        const view = viewOf(state)
        original.apply(this, args)
        write(applyConfigurationEvent(view, this.configuration.voters))
      }
    })
    around(Raft.prototype, 'step', (original) => {
      return function (this: Raft, message: Message) {
        const watched = tracer.#byId.get(this.id)!
        const view = viewOf(watched.state)
        tracer.#received(watched, message)
        original.call(this, message)
        const { voters } = watched.state.tracker.configuration
        if (message.type === 'snapshot' && String(voters) !== String(view.voters)) {
          write(applyConfigurationEvent({ ...viewOf(watched.state), voters: view.voters }, voters))
        }
      }
    })
    around(Raft.prototype, 'ready', (original) => {
      return function (this: Raft) {
        const ready = original.call(this)
        tracer.#took(this.id, true)
        return ready
      }
    })
    around(Raft.prototype, 'takeAppends', (original) => {
      return function (this: Raft) {
        const messages = original.call(this)
        if (messages.length > 0) tracer.#took(this.id, false)
        return messages
      }
    })
    around(Raft.prototype, 'persisted', (original) => {
      return function (this: Raft) {
        tracer.#persisted(tracer.#byId.get(this.id)!)
        original.call(this)
      }
    })
    const write = this.#write
  }

  /** The first check of a core ends its constructor. */
  #meet(state: NodeState): void {
    if (this.#byId.get(state.id)?.state === state) return
    const { role, term, log, tracker } = state
    const watched = {
      state,
      role,
      term,
      ownAppends: [],
      ownVote: false,
      known: new Set<NodeId>(),
      batchLast: 0,
      batchTerm: 0,
    }
    this.#byId.set(state.id, watched)
    this.#byPart.set(log, watched)
    this.#byPart.set(tracker, watched)
    this.#write(nodeEvent('InitState', viewOf(state)))
  }

  #sent(state: NodeState, message: Message): void {
    if (message.type === 'voteReply' && this.#hidden.has(keyOf(message))) return
    let unknown = false
    if (message.type === 'heartbeat' && message.commit === 0) {
      unknown = !this.#byId.get(state.id)!.known.has(message.to)
      const sent = this.#blind.get(keyOf(message)) ?? []
      this.#blind.set(keyOf(message), sent)
      sent.push(unknown)
    }
    const event = messageEvent('Send', viewOf(state), message, unknown)
    if (event !== undefined) this.#write(event)
  }

  #received(watched: Watched, message: Message): void {
    const { state } = watched
    if (message.type === 'voteReply' && this.#hidden.has(keyOf(message))) return
    if (message.type === 'vote' && !message.pre) {
      const { leader, term, vote, electionElapsed, settings } = state
      const deaf = leader !== undefined && electionElapsed < settings.electionTicks
      if (message.term > term && deaf && !message.transfer) return
      if (message.term === term && vote === undefined && leader !== undefined) {
        this.#hidden.add(keyOf({ from: state.id, to: message.from, term }))
        return
      }
    }
    if (message.type === 'appendReply' && !message.rejected && message.term === state.term) {
      watched.known.add(message.from)
    }
    const isBlind = message.type === 'heartbeat' && message.commit === 0
    // A lost one stays receivable in the model, so the oldest will do.
    const unknown = isBlind && (this.#blind.get(keyOf(message))?.shift() ?? true)
    const event = messageEvent('Receive', viewOf(state), message, unknown)
    if (event !== undefined) this.#write(event)
  }

  #became(state: NodeState): void {
    const watched = this.#byId.get(state.id)!
    const { role, term } = state
    const before = watched.role
    const newTerm = term !== watched.term
    watched.role = role
    watched.term = term
    const view = viewOf(state)
    if (role === 'leader') {
      watched.known.clear()
      this.#write(nodeEvent('BecomeLeader', view))
    } else if (role === 'candidate') {
      watched.ownVote = true
      this.#write(nodeEvent('BecomeCandidate', view))
      this.#write(ownEvent('Send', view, 'MsgVoteResp'))
    } else if (newTerm || before === 'leader' || before === 'candidate') {
      this.#write(nodeEvent('BecomeFollower', view))
    }
    if (role !== 'leader') watched.ownAppends = []
    if (role !== 'candidate') watched.ownVote = false
  }

  #took(id: NodeId, isBatch: boolean): void {
    const watched = this.#byId.get(id)!
    if (isBatch) {
      watched.batchLast = watched.state.log.last
      watched.batchTerm = watched.state.term
    }
    this.#write(nodeEvent('Ready', viewOf(watched.state)))
  }

  /** What a node promises itself counts from here on: in etcd it is a message that arrives now. */
  #persisted(watched: Watched): void {
    const { state, batchLast, batchTerm } = watched
    if (batchTerm !== state.term) return
    const view = viewOf(state)
    if (state.role === 'candidate' && watched.ownVote) {
      watched.ownVote = false
      this.#write(ownEvent('Receive', view, 'MsgVoteResp'))
    }
    const durable = watched.ownAppends.filter((index) => index <= batchLast)
    watched.ownAppends = watched.ownAppends.filter((index) => index > batchLast)
    for (const index of durable) this.#write(ownEvent('Receive', view, 'MsgAppResp', index))
  }
}

function keyOf({ from, to, term }: { from: NodeId; to: NodeId; term: number }): string {
  return `${from}>${to}@${term}`
}

function viewOf({ id, role, term, vote, log, tracker }: NodeState): TraceView {
  return {
    id,
    role,
    term,
    vote,
    committed: log.committed,
    lastIndex: log.last,
    voters: tracker.configuration.voters,
  }
}
