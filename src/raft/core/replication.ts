/** How a leader's log reaches the others, and when it counts as committed. */
import { assert } from '../../base/index.js'
import type { NodeId } from './configuration.js'
import type { NodeState } from './node-state.js'
import type { Progress } from './progress.js'
import { entryBytes } from './types.js'

/**
 * Writes what is due to every follower: called when messages are taken, so that everything that
 * was proposed or acknowledged since then shares one append per follower.
 *
 * @param through the last entry that may leave
 */
export function replicate(state: NodeState, through: number): void {
  const { leadership, tracker, log, settings } = state
  if (leadership === undefined) return
  startReads(state)
  const announces = leadership.quietTicks >= settings.announceTicks
  for (const id of tracker.others(state.id)) {
    const progress = tracker.progress.get(id)!
    const behind = log.committed > progress.sentCommit && progress.sentCommit < progress.next - 1
    const news = announces && behind
    const due = progress.state === 'probe' || progress.nudged || news
    if (!sendAppend(state, id, progress, due, through)) continue
    if (news) leadership.quietTicks = 0
    while (progress.state === 'replicate' && sendAppend(state, id, progress, false, through));
  }
}

/** @returns whether a message left. An empty append leaves only if it is `due`. */
function sendAppend(
  state: NodeState,
  to: NodeId,
  progress: Progress,
  due: boolean,
  through: number,
): boolean {
  if (progress.isPaused) return false
  const { log, settings } = state
  const prevIndex = progress.next - 1
  const prevTerm = log.term(prevIndex)
  if (prevTerm === undefined) return sendSnapshot(state, to, progress)
  // A full window still lets an empty append through after a nudge: it finds out what was lost.
  const { next, inflights } = progress
  const entries = inflights.full ? [] : log.slice(next, settings.appendBytesMax, through)
  if (entries.length === 0 && !due) return false
  let bytes = 0
  for (const entry of entries) bytes += entryBytes(entry)
  const commit = log.committed
  state.send(to, { type: 'append', prevIndex, prevTerm, entries, commit })
  progress.sent(entries.length, bytes, commit)
  return true
}

function sendSnapshot(state: NodeState, to: NodeId, progress: Progress): boolean {
  // To somebody who isn't there it would only hold the snapshot back from being replaced.
  if (!progress.recentActive) return false
  const { snapshot } = state.log
  assert(snapshot.index >= state.log.first - 1, 'a snapshot stands for what left the log')
  progress.becomeSnapshot(snapshot)
  state.send(to, { type: 'snapshot', snapshot })
  return true
}

/** Asks for the same snapshot again, so that its transfer goes on where it broke off. */
export function resumeSnapshot(state: NodeState, to: NodeId, progress: Progress): void {
  assert(progress.pendingSnapshot !== undefined, 'a snapshot is on its way')
  progress.interrupted = false
  state.send(to, { type: 'snapshot', snapshot: progress.pendingSnapshot })
}

export function sendHeartbeats(state: NodeState): void {
  const { tracker, leadership, log } = state
  assert(leadership !== undefined, 'only a leader has heartbeats')
  const round = leadership.reads.size > 0 ? leadership.reads.round : 0
  for (const id of tracker.others(state.id)) {
    const progress = tracker.progress.get(id)!
    // Never more than it is known to hold: a heartbeat doesn't check whether the logs agree.
    const commit = Math.min(progress.match, log.committed)
    state.send(id, { type: 'heartbeat', commit, round })
    progress.sentCommit = Math.max(progress.sentCommit, commit)
  }
}

/**
 * Commits what a majority's disks hold, if it is of this term: an entry of an earlier term may still be
 * replaced although a majority holds it (Raft, figure 8), and is committed by one of ours behind it.
 */
export function commitAgreed(state: NodeState): void {
  const { leadership, log, tracker } = state
  assert(leadership !== undefined, 'only a leader decides what is committed')
  const agreed = tracker.agreedMatch()
  const before = log.committed
  if (agreed <= before || !log.matches(agreed, state.term)) return
  const bytes = log.bytesBetween(before, agreed)
  log.commitTo(agreed)
  leadership.uncommittedBytes -= bytes
  assert(leadership.uncommittedBytes >= 0, 'what is committed was uncommitted before')
}

/** Until then the leader can't know how far its predecessors had committed. */
export function hasCommittedInTerm(state: NodeState): boolean {
  return state.log.matches(state.log.committed, state.term)
}

function startReads(state: NodeState): void {
  const { leadership, tracker } = state
  if (!leadership?.reads.hasWaiting || !hasCommittedInTerm(state)) return
  const round = leadership.reads.startRound(state.log.committed)
  tracker.progress.get(state.id)!.confirmedRound = round
  sendHeartbeats(state)
  confirmReads(state)
}

export function confirmReads(state: NodeState): void {
  const { leadership, tracker } = state
  assert(leadership !== undefined, 'only a leader confirms reads')
  for (const { context, from, heal, index } of leadership.reads.confirm(tracker.agreedRound())) {
    if (from === state.id) state.readStates.push({ context, index })
    else state.send(from, { type: 'readIndexReply', context, heal, index })
  }
}
