/** Campaigns and votes. Pre-vote and check-quorum are always on, and always together. */
import { assert } from '../../base/index.js'
import type { NodeId } from './configuration.js'
import { becomeLeader } from './leader.js'
import type { NodeState } from './node-state.js'
import type { Message } from './types.js'

export type CampaignKind = 'preVote' | 'vote' | 'transfer'

/**
 * Starts a campaign, if this node may lead. A pre-vote asks in a term that nobody enters unless a
 * majority would elect this node; a transfer skips it, since the leader itself asked.
 */
export function campaign(state: NodeState, kind: CampaignKind): void {
  if (!state.promotable || state.role === 'leader') return
  // A majority of the old configuration might elect it beside a majority of the new one.
  if (state.log.hasUnappliedConfiguration) return
  if (kind === 'preVote') {
    state.become('preCandidate', undefined)
    requestVotes(state, true, false)
    // The own answer promises nothing yet.
    onVote(state, state.id, true)
    return
  }
  state.enterTerm(state.term + 1)
  state.vote = state.id
  state.become('candidate', undefined)
  requestVotes(state, false, kind === 'transfer')
}

function requestVotes(state: NodeState, pre: boolean, transfer: boolean): void {
  const { last: lastIndex, lastTerm } = state.log
  const term = pre ? state.term + 1 : state.term
  for (const id of state.tracker.configuration.voters) {
    if (id === state.id) continue
    state.send(id, { type: 'vote', pre, lastIndex, lastTerm, transfer }, term)
  }
}

/** A candidate's own vote counts once it is on disk, like everybody's. */
export function countOwnVote(state: NodeState): void {
  assert(state.vote === state.id, 'a candidate votes for itself')
  onVote(state, state.id, true)
}

function onVote(state: NodeState, from: NodeId, granted: boolean): void {
  const result = state.tracker.recordVote(from, granted)
  if (result === 'pending') return
  if (result === 'lost') state.follow(state.term, undefined)
  else if (state.role === 'preCandidate') campaign(state, 'vote')
  else becomeLeader(state)
}

/** Answers to a campaign of this term. */
export function onVoteReply(state: NodeState, message: Message & { type: 'voteReply' }): void {
  const { from, pre, granted, term } = message
  if (state.role !== (pre ? 'preCandidate' : 'candidate')) return
  // A grant of an older campaign says nothing about this one's term.
  if (granted && term !== (pre ? state.term + 1 : state.term)) return
  onVote(state, from, granted)
}

/** Whether a candidate must leave this node's leader in peace (dissertation, section 4.2.3). */
export function heardOfLeader(state: NodeState): boolean {
  return state.leader !== undefined && state.electionElapsed < state.settings.electionTicks
}

/** Somebody of this term, or with a pre-vote of a later one, asks for a vote. */
export function onVoteRequest(state: NodeState, message: Message & { type: 'vote' }): void {
  const { from, pre, lastIndex, lastTerm, term } = message
  const free = state.vote === undefined && state.leader === undefined
  const canVote = state.vote === from || free || (pre && term > state.term)
  // A damaged log can't tell whether the candidate's holds everything.
  const trusted = state.healing === undefined
  if (!trusted || !canVote || !state.log.isUpToDate(lastIndex, lastTerm)) {
    state.send(from, { type: 'voteReply', pre, granted: false })
    return
  }
  // A pre-vote is granted in the term that it asks for, which this node has not entered.
  state.send(from, { type: 'voteReply', pre, granted: true }, term)
  if (pre) return
  state.vote = from
  state.electionElapsed = 0
}
