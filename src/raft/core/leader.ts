import { assert, DpsError } from '../../base/index.js'
import { type ConfigurationChange, changeConfiguration, type NodeId } from './configuration.js'
import { NotLeaderError } from './errors.js'
import { Leadership } from './leadership.js'
import type { NodeState } from './node-state.js'
import type { Progress } from './progress.js'
import {
  commitAgreed,
  confirmReads,
  hasCommittedInTerm,
  resumeSnapshot,
  sendHeartbeats,
} from './replication.js'
import { type Entry, entryBytes, type Message } from './types.js'

/** Where a proposal stands. It is lost when another term's entry is committed at `index`. */
export interface Proposed {
  index: number
  term: number
}

export function becomeLeader(state: NodeState): void {
  const { log, tracker } = state
  assert(state.role === 'candidate', 'only a candidate is elected')
  const uncommitted = log.bytesBetween(log.committed, log.last)
  const leadership = new Leadership(log.last, uncommitted)
  const pending = log.lastUnappliedConfiguration
  leadership.leaving = pending?.kind === 'config' && excludes(pending.change, state.id)
  state.become('leader', state.id, leadership)
  tracker.lead(state.id, log.last)
  // Commits what earlier terms left behind; without it that could wait for ever.
  append(state, [{ kind: 'noop', index: log.last + 1, term: state.term }])
}

/** Whether a node can't lead any more once this takes effect. */
function excludes({ kind, id }: ConfigurationChange, self: NodeId): boolean {
  return id === self && kind !== 'addVoter'
}

function append(state: NodeState, entries: Entry[]): void {
  for (const entry of entries) state.leadership!.uncommittedBytes += entryBytes(entry)
  state.log.append(entries)
  state.tracker.progress.get(state.id)!.next = state.log.last + 1
}

/** The own log counts like any other: once it is on disk. */
export function acknowledgeOwnLog(state: NodeState): void {
  if (state.tracker.progress.get(state.id)!.acknowledged(state.log.stable)) commitAgreed(state)
}

function leadershipFor(state: NodeState): Leadership {
  const { leadership } = state
  if (leadership === undefined) throw new NotLeaderError(state.leader)
  if (leadership.transferee !== undefined) {
    throw new DpsError('UNAVAILABLE', `leadership moves to ${leadership.transferee}: try again`)
  }
  if (leadership.leaving) {
    throw new DpsError('UNAVAILABLE', 'this leader is leaving: try again')
  }
  return leadership
}

/** All or none. @returns where each will stand */
export function propose(state: NodeState, commands: readonly Uint8Array[]): Proposed[] {
  const leadership = leadershipFor(state)
  const { entryBytesMax, uncommittedBytesMax } = state.settings
  let index = state.log.last
  const { term } = state
  const entries: Entry[] = []
  let bytes = 0
  for (const data of commands) {
    if (data.byteLength > entryBytesMax) {
      const sizes = `${data.byteLength} B of at most ${entryBytesMax} B`
      throw new DpsError('INVALID_ARGUMENT', `a command is too large: ${sizes}`)
    }
    const entry: Entry = { kind: 'command', index: ++index, term, data }
    bytes += entryBytes(entry)
    entries.push(entry)
  }
  // An idle leader takes anything, or one large batch could never pass.
  const { uncommittedBytes } = leadership
  if (uncommittedBytes > 0 && uncommittedBytes + bytes > uncommittedBytesMax) {
    const waiting = `${uncommittedBytes} B wait to be committed`
    throw new DpsError('RESOURCE_EXHAUSTED', `too many proposals: ${waiting}`, {
      hint: 'retry with back-off; a majority of voters is slow or unreachable',
    })
  }
  append(state, entries)
  return entries.map((entry) => ({ index: entry.index, term }))
}

export function proposeChange(state: NodeState, change: ConfigurationChange): Proposed {
  const leadership = leadershipFor(state)
  // Without an own committed entry, a change of an earlier leader could still win
  // against this one, with a majority that doesn't overlap (raft-dev, July 2015).
  const settled = hasCommittedInTerm(state)
  if (!settled || leadership.pendingConfiguration > state.log.applied) {
    throw new DpsError('ABORTED', 'another configuration change is under way: try again')
  }
  changeConfiguration(state.tracker.configuration, change)
  const index = state.log.last + 1
  append(state, [{ kind: 'config', index, term: state.term, change }])
  leadership.pendingConfiguration = index
  leadership.leaving = excludes(change, state.id)
  return { index, term: state.term }
}

export function readAtLeader(
  state: NodeState,
  context: string,
  from: NodeId,
  heal: boolean,
): boolean {
  const { reads } = state.leadership!
  const progress = state.tracker.progress.get(from)
  // An idle leader would never find out that its follower lost what it had acknowledged.
  if (heal && progress !== undefined) progress.nudged = true
  // Asked again because the answer takes long: it is still to come.
  if (heal && reads.has(context)) return true
  if (reads.size >= state.settings.readsMax) return false
  reads.add(context, from, heal, heal ? state.log.last : 0)
  return true
}

export function transferTo(state: NodeState, target: NodeId): void {
  const leadership = state.leadership!
  if (target === state.id || leadership.transferee === target) return
  if (!state.tracker.isVoter(target)) return
  leadership.transferee = target
  leadership.transferSent = false
  // The transfer gets one election timeout.
  state.electionElapsed = 0
  const progress = state.tracker.progress.get(target)!
  progress.nudged = true
  continueTransfer(state, target, progress)
}

function continueTransfer(state: NodeState, from: NodeId, progress: Progress): void {
  const leadership = state.leadership!
  if (leadership.transferee !== from || leadership.transferSent) return
  if (progress.match !== state.log.last) return
  leadership.transferSent = true
  state.send(from, { type: 'timeoutNow' })
}

export function tickLeader(state: NodeState): void {
  const { settings, tracker } = state
  const leadership = state.leadership!
  state.heartbeatElapsed++
  state.electionElapsed++
  leadership.quietTicks = Math.min(leadership.quietTicks + 1, settings.announceTicks)
  if (state.electionElapsed >= settings.electionTicks) {
    state.electionElapsed = 0
    // A leader that no majority hears can commit nothing, and another may already be elected.
    if (!tracker.quorumActive(state.id)) {
      state.follow(state.term, undefined)
      return
    }
    leadership.transferee = undefined
  }
  if (state.heartbeatElapsed >= settings.heartbeatTicks) {
    state.heartbeatElapsed = 0
    sendHeartbeats(state)
  }
}

export function stepLeader(state: NodeState, message: Message): void {
  const { from } = message
  const progress = state.tracker.progress.get(from)
  switch (message.type) {
    case 'appendReply':
      if (progress !== undefined) onAppendReply(state, progress, message)
      return
    case 'heartbeatReply':
      if (progress !== undefined) onHeartbeatReply(state, progress, message)
      return
    case 'readIndex':
      readAtLeader(state, message.context, from, message.heal)
      return
    case 'transfer':
      transferTo(state, message.target)
      return
    default:
    // Answers to a role that this node had earlier in the term.
  }
}

function onAppendReply(
  state: NodeState,
  progress: Progress,
  message: Message & { type: 'appendReply' },
): void {
  const { log } = state
  progress.recentActive = true
  if (message.rejected) {
    const { index, hintIndex, hintTerm, lost } = message
    const hint = hintTerm > 0 ? log.conflict(hintIndex, hintTerm).index : hintIndex
    if (lost && hintIndex < progress.match) progress.lost(hint)
    else progress.rejected(index, hint)
    return
  }
  const { index } = message
  assert(index <= log.last, `${message.from} holds nothing that its leader does not`)
  const news = progress.acknowledged(index)
  if (!news && !(progress.state === 'probe' && progress.match === index)) return
  if (progress.state === 'probe') progress.becomeReplicate()
  else if (progress.state === 'snapshot') {
    // Enough of the log is there, by the snapshot or otherwise, for entries to go on.
    if (progress.match + 1 >= log.first) progress.becomeReplicate()
    else if (progress.match >= progress.pendingSnapshot!.index) progress.becomeProbe()
  } else progress.inflights.free(index)
  if (news && state.tracker.isVoter(message.from)) commitAgreed(state)
  continueTransfer(state, message.from, progress)
}

function onHeartbeatReply(
  state: NodeState,
  progress: Progress,
  message: Message & { type: 'heartbeatReply' },
): void {
  progress.recentActive = true
  progress.paused = false
  if (progress.state === 'snapshot') {
    if (progress.interrupted) resumeSnapshot(state, message.from, progress)
  } else if (progress.match < state.log.last) {
    // Behind although everything was sent: an append may have been lost. An empty one tells.
    progress.nudged = true
  }
  if (message.round > progress.confirmedRound) {
    progress.confirmedRound = message.round
    confirmReads(state)
  }
}

/** A configuration took effect at a leader. */
export function afterChange(state: NodeState): void {
  const leadership = state.leadership!
  if (!state.tracker.isVoter(state.id)) {
    // Its last word: the others learn that the change is committed, and need not find out.
    sendHeartbeats(state)
    state.follow(state.term, undefined)
    return
  }
  const { transferee } = leadership
  if (transferee !== undefined && !state.tracker.isVoter(transferee)) {
    leadership.transferee = undefined
  }
  // A smaller majority may already hold more.
  commitAgreed(state)
  confirmReads(state)
}
