import type { Configuration, NodeId } from './configuration.js'
import type { NodeState } from './node-state.js'
import type { ProgressState } from './progress.js'
import type { Role } from './types.js'

export interface MemberStatus {
  match: number
  next: number
  state: ProgressState
  /** Heard of since the last quorum check. */
  recentActive: boolean
  inflightBytes: number
}

export interface RaftStatus {
  id: NodeId
  role: Role
  term: number
  vote: NodeId | undefined
  leader: NodeId | undefined
  configuration: Configuration
  firstIndex: number
  lastIndex: number
  lastTerm: number
  stable: number
  committed: number
  applied: number
  /** Memory that the log takes: compact when it grows. */
  logBytes: number
  snapshotIndex: number
  /** The log was damaged: neither votes nor leads. */
  healing: boolean
  /** At a leader only. */
  transferee: NodeId | undefined
  uncommittedBytes: number
  /** At a leader every member, itself included; else empty. */
  members: Map<NodeId, MemberStatus>
}

export function statusOf(state: NodeState): RaftStatus {
  const { id, role, term, vote, leader, log, tracker, leadership } = state
  const members = new Map<NodeId, MemberStatus>()
  for (const [member, progress] of tracker.progress) {
    const { match, next, recentActive, inflights } = progress
    members.set(member, {
      match,
      next,
      state: progress.state,
      recentActive,
      inflightBytes: inflights.bytes,
    })
  }
  return {
    id,
    role,
    term,
    vote,
    leader,
    configuration: tracker.configuration,
    firstIndex: log.first,
    lastIndex: log.last,
    lastTerm: log.lastTerm,
    stable: log.stable,
    committed: log.committed,
    applied: log.applied,
    logBytes: log.sizeBytes,
    snapshotIndex: log.snapshot.index,
    healing: state.healing !== undefined,
    transferee: leadership?.transferee,
    uncommittedBytes: leadership?.uncommittedBytes ?? 0,
    members,
  }
}
