/**
 * A run's state transitions in the vocabulary of etcd-raft's TLA+ trace validation (etcd-io/raft,
 * `state_trace.go` and `tla/Traceetcdraft.tla`), one event a line, for the model checker TLC.
 *
 * The model boots every server with one configuration entry of term 1 in its log; ours boots from
 * a configuration at index 0 and term 0. So terms and indexes are one higher here than in the core.
 *
 * Traces of partitions, losses, reordering, leader changes, transfers and membership
 * changes pass that checker. What the model doesn't know, and it can't follow: a term that a refused
 * pre-vote brought (pre-votes are left out, a pre-candidate is a follower), messages that the
 * network duplicates, a batch that a crash took away after `ready`, a commit index that was not
 * written before a crash (its `Restart` finds that of the last `Ready`), a snapshot for a node that
 * has committed anything, a log that heals, and the demotion of a voter.
 */
import type { ConfigurationChange, Entry, Message, NodeId, Role } from '../../src/raft/index.js'

export type TraceName =
  | 'InitState'
  | 'BecomeCandidate'
  | 'BecomeFollower'
  | 'BecomeLeader'
  | 'Commit'
  | 'Replicate'
  | 'ChangeConf'
  | 'ApplyConfChange'
  | 'Ready'
  | 'SendAppendEntriesRequest'
  | 'ReceiveAppendEntriesRequest'
  | 'SendAppendEntriesResponse'
  | 'ReceiveAppendEntriesResponse'
  | 'SendRequestVoteRequest'
  | 'ReceiveRequestVoteRequest'
  | 'SendRequestVoteResponse'
  | 'ReceiveRequestVoteResponse'

export type TraceMessageType =
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgSnap'

export interface TraceMessage {
  type: TraceMessageType
  term: number
  from: NodeId
  to: NodeId
  /** Number of entries; of a snapshot the index, as if it were all entries up to there. */
  entries: number
  logTerm: number
  index: number
  commit: number
  vote: string
  reject: boolean
  rejectHint: number
}

export interface TraceChange {
  nid: NodeId
  action: 'AddNewServer' | 'AddLearner' | 'RemoveServer'
}

export interface TraceEvent {
  name: TraceName
  nid: NodeId
  state: { term: number; vote: string; commit: number }
  role: 'StateFollower' | 'StateCandidate' | 'StateLeader'
  /** Index of the last entry. */
  log: number
  /** Voters, and those of the other half of a joint configuration: never any. */
  conf: [readonly NodeId[], readonly NodeId[]]
  msg?: TraceMessage
  prop?: { cc: { changes?: TraceChange[]; newconf?: readonly NodeId[] } }
}

/** What of a core an event tells. */
export interface TraceView {
  id: NodeId
  role: Role
  term: number
  vote: NodeId | undefined
  committed: number
  lastIndex: number
  voters: readonly NodeId[]
}

/** Of the model's boot entry. */
const SHIFT = 1
const NOBODY = '0'

const ROLES = {
  follower: 'StateFollower',
  preCandidate: 'StateFollower',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
} as const

/** One that only tells where the node stands. */
export function nodeEvent(name: TraceName, view: TraceView): TraceEvent {
  return {
    name,
    nid: view.id,
    state: {
      term: view.term + SHIFT,
      vote: view.vote ?? NOBODY,
      commit: view.committed + SHIFT,
    },
    role: ROLES[view.role],
    log: view.lastIndex + SHIFT,
    conf: [view.voters, []],
  }
}

const PARTS: Record<TraceMessageType, string> = {
  MsgApp: 'AppendEntriesRequest',
  MsgHeartbeat: 'AppendEntriesRequest',
  MsgSnap: 'AppendEntriesRequest',
  MsgAppResp: 'AppendEntriesResponse',
  MsgHeartbeatResp: 'AppendEntriesResponse',
  MsgVote: 'RequestVoteRequest',
  MsgVoteResp: 'RequestVoteResponse',
}

/**
 * @param unknown a heartbeat to somebody who acknowledged nothing yet, not even the boot entry
 * @returns undefined for messages that the model doesn't have
 */
export function messageEvent(
  direction: 'Send' | 'Receive',
  view: TraceView,
  message: Message,
  unknown = false,
): TraceEvent | undefined {
  const msg = messageOf(message)
  if (msg === undefined) return undefined
  if (unknown) msg.commit = 0
  const name = `${direction}${PARTS[msg.type]}` as TraceName
  return { ...nodeEvent(name, view), msg }
}

/** A candidate's vote for itself and a leader's acknowledgement of its own log, as etcd sends them. */
export function ownEvent(
  direction: 'Send' | 'Receive',
  view: TraceView,
  type: 'MsgVoteResp' | 'MsgAppResp',
  index = -SHIFT,
): TraceEvent {
  const { id, term } = view
  const name = `${direction}${PARTS[type]}` as TraceName
  const msg = { ...plain(type, { from: id, to: id, term }), index: index + SHIFT }
  return { ...nodeEvent(name, view), msg }
}

function plain(
  type: TraceMessageType,
  { from, to, term }: { from: NodeId; to: NodeId; term: number },
): TraceMessage {
  return {
    type,
    term: term + SHIFT,
    from,
    to,
    entries: 0,
    logTerm: 0,
    index: 0,
    commit: 0,
    vote: NOBODY,
    reject: false,
    rejectHint: 0,
  }
}

function messageOf(message: Message): TraceMessage | undefined {
  switch (message.type) {
    case 'vote': {
      if (message.pre) return undefined
      const index = message.lastIndex + SHIFT
      return { ...plain('MsgVote', message), index, logTerm: message.lastTerm + SHIFT }
    }
    case 'voteReply':
      if (message.pre) return undefined
      return { ...plain('MsgVoteResp', message), reject: !message.granted }
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message
      return {
        ...plain('MsgApp', message),
        index: prevIndex + SHIFT,
        logTerm: prevTerm + SHIFT,
        entries: entries.length,
        // The receiver takes no more than this of it anyway.
        commit: Math.min(commit, prevIndex + entries.length) + SHIFT,
      }
    }
    case 'appendReply': {
      const index = message.index + SHIFT
      if (!message.rejected) return { ...plain('MsgAppResp', message), index }
      const rejectHint = message.hintIndex + SHIFT
      return { ...plain('MsgAppResp', message), index, reject: true, rejectHint }
    }
    case 'termNotice':
      return { ...plain('MsgAppResp', message), reject: true }
    case 'heartbeat':
      return { ...plain('MsgHeartbeat', message), commit: message.commit + SHIFT }
    case 'heartbeatReply':
      return plain('MsgHeartbeatResp', message)
    case 'snapshot':
      return { ...plain('MsgSnap', message), entries: message.snapshot.index + SHIFT }
    default:
      return undefined
  }
}

const ACTIONS = {
  addVoter: 'AddNewServer',
  addLearner: 'AddLearner',
  remove: 'RemoveServer',
} as const

/** A leader is about to append this entry. */
export function replicateEvent(view: TraceView, entry: Entry): TraceEvent {
  if (entry.kind !== 'config') return nodeEvent('Replicate', view)
  const { kind, id }: ConfigurationChange = entry.change
  const changes: TraceChange[] = [{ nid: id, action: ACTIONS[kind] }]
  return { ...nodeEvent('ChangeConf', view), prop: { cc: { changes } } }
}

/** A configuration takes effect; `view` is from before. */
export function applyConfigurationEvent(view: TraceView, voters: readonly NodeId[]): TraceEvent {
  return { ...nodeEvent('ApplyConfChange', view), prop: { cc: { newconf: voters } } }
}

/**
 * One line of the trace. etcd's `validate.sh` sorts lines as text by their time, so that is of a
 * constant width and never the same twice.
 *
 * @param nowUs simulated microseconds since the start
 * @param order number of the event in the trace
 */
export function traceLine(event: TraceEvent, nowUs: number, order: number): string {
  const seconds = 1_000_000_000 + Math.floor(nowUs / 1_000_000)
  const micros = String(Math.floor(nowUs % 1_000_000)).padStart(6, '0')
  const ts = `${seconds}.${micros}${String(order).padStart(8, '0')}`
  return `{"level":"debug","ts":${ts},"msg":"trace","tag":"trace","event":${JSON.stringify(event)}}\n`
}
