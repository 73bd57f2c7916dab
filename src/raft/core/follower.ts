import { assert } from '../../base/index.js'
import type { NodeId } from './configuration.js'
import { campaign } from './election.js'
import type { NodeState } from './node-state.js'
import type { Message } from './types.js'

export function tickFollower(state: NodeState): void {
  state.electionElapsed++
  if (state.healing !== undefined) state.healing.asked = false
  if (state.electionElapsed < state.timeoutTicks) return
  if (!state.promotable) return
  state.restartElectionTimer()
  campaign(state, 'preVote')
}

/** Messages of this term to a node that doesn't lead. */
export function stepFollower(state: NodeState, message: Message): void {
  const { leader } = state
  switch (message.type) {
    case 'timeoutNow':
      // A node that campaigns itself has no leader that could hand over.
      if (state.role === 'follower') campaign(state, 'transfer')
      return
    case 'transfer':
      // Passed on once: a leader that moved meanwhile is the asker's to find.
      if (leader !== undefined && leader !== message.from) {
        state.send(leader, { type: 'transfer', target: message.target })
      }
      return
    case 'readIndexReply':
      if (message.heal) onHealingTarget(state, message.context, message.index)
      else state.readStates.push({ context: message.context, index: message.index })
      return
    default:
    // Answers to a role that this node had earlier in the term.
  }
}

/** The leader of this term speaks: whoever campaigned follows, and the wait starts anew. */
export function heardFromLeader(state: NodeState, from: NodeId): void {
  const known = state.leader ?? from
  assert(known === from, `one leader in term ${state.term}: ${known} and ${from}`)
  if (state.role !== 'follower' || state.leader !== from) state.follow(state.term, from)
  state.electionElapsed = 0
}

export function onAppend(state: NodeState, message: Message & { type: 'append' }): void {
  const { from, prevIndex, prevTerm, entries, commit } = message
  const { log } = state
  if (prevIndex < log.committed) {
    // Everything up to the commit index agrees with every leader: no need to compare.
    state.send(from, { type: 'appendReply', rejected: false, index: log.committed })
    return
  }
  const last = log.accept(prevIndex, prevTerm, entries)
  if (last !== undefined) {
    // Only what this message proved to be equal, whatever else the log holds behind it.
    log.commitTo(Math.min(commit, last))
    state.send(from, { type: 'appendReply', rejected: false, index: last })
    return
  }
  const hint = log.conflict(prevIndex, prevTerm)
  state.send(from, {
    type: 'appendReply',
    rejected: true,
    index: prevIndex,
    hintIndex: hint.index,
    hintTerm: hint.term,
    lost: state.healing !== undefined,
  })
}

export function onHeartbeat(state: NodeState, message: Message & { type: 'heartbeat' }): void {
  const { from, commit, round } = message
  const { healing, log } = state
  // A leader that counts on entries which damage took away may name an index beyond the end.
  if (healing === undefined) log.commitTo(commit)
  // A healing node must not vouch for a leader: it may have forgotten a newer one's entries.
  state.send(from, { type: 'heartbeatReply', round: healing === undefined ? round : 0 })
  if (healing !== undefined && !healing.asked) {
    healing.asked = true
    state.send(from, { type: 'readIndex', context: healing.context, heal: true })
  }
}

export function onSnapshot(state: NodeState, message: Message & { type: 'snapshot' }): void {
  const { from, snapshot } = message
  const { log } = state
  if (snapshot.index > log.committed) {
    if (log.matches(snapshot.index, snapshot.term)) {
      // The log holds all of it already, and more: keep the more.
      log.commitTo(snapshot.index)
    } else {
      log.restore(snapshot)
      state.tracker.configuration = snapshot.configuration
    }
  }
  state.send(from, { type: 'appendReply', rejected: false, index: log.committed })
}

function onHealingTarget(state: NodeState, context: string, index: number): void {
  // The first answer will do; later ones only say how far the leader went on since.
  if (state.healing?.context === context) state.healing.target ??= index
}

/** True once everything that was ever acknowledged, and committed, is back in the log. */
export function isHealed(state: NodeState): boolean {
  const target = state.healing?.target
  return target !== undefined && state.log.committed >= target
}
