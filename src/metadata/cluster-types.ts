/** The cluster as the replicated state knows it, and as people see it. */
import type { NodeId } from '../raft/index.js'

export type MemberRole = 'voter' | 'learner'

/** Heard of lately; silent for a while; silent for long; out of the cluster, for ever. */
export type NodeState = 'online' | 'suspect' | 'offline' | 'removed'

/** `auto`: the leader's table decides. A person's choice stays until the next one. */
export type RoleWish = 'auto' | MemberRole

/** The cluster itself: one record, made by its founder. */
export interface ClusterRecord {
  clusterId: string
  /** Storage mode of all members; see the settings. */
  mode: string
  createdAtMs: number
  /** Clusters that this one goes on from after a recovery, the newest last. */
  formerIds: readonly string[]
  /** The next join gets this one. Only grows, so that no life of a node is mistaken for another. */
  nextIncarnation: number
}

/** A peer that is or was a member. */
export interface NodeRecord {
  peerId: string
  /** Which of the peer's joins this is; with the peer id its Raft id. */
  incarnation: number
  name: string
  zone: string
  /** Multiaddrs without the peer id. */
  addrs: readonly string[]
  state: NodeState
  /** When `state` last changed, by the leader's clock. */
  stateSinceMs: number
  joinedAtMs: number
  wish: RoleWish
  /** On its way out: the leader takes it out of the configuration, then it is `removed`. */
  leaving: boolean
}

export interface InvitationRecord {
  id: string
  /** sha2-256 of the secret; the secret itself is known to whoever holds the token. */
  secretHash: Uint8Array
  expiresAtMs: number
  usesMax: number
  /** Peers that came in by it: one of them may come again without a further use. */
  usedBy: readonly string[]
  createdBy: string
}

/** A member as `cluster status` shows it. */
export interface ClusterMember {
  peerId: string
  nodeId: NodeId
  name: string
  zone: string
  addrs: readonly string[]
  role: MemberRole
  state: NodeState | 'joining' | 'leaving'
  wish: RoleWish
  /** What it said last, or what the leader knows it holds; undefined while nothing is known. */
  appliedIndex: number | undefined
  /** Milliseconds since the leader heard of it; undefined where only the leader could tell. */
  lastHeardMs: number | undefined
}

export interface ClusterStatus {
  clusterId: string
  mode: string
  peerId: string
  nodeId: NodeId
  /** `removed`: this node was taken out of its cluster and follows nobody. */
  role: MemberRole | 'removed'
  /** Peer id; undefined while there is none. */
  leader: string | undefined
  term: number
  commitIndex: number
  appliedIndex: number
  members: readonly ClusterMember[]
  /** What a person should know: no failure survived, a quorum lost, an unfinished join. */
  warnings: readonly ClusterWarning[]
}

export interface ClusterWarning {
  message: string
  hint: string
  /** Whether the node is unhealthy because of it. */
  problem: boolean
}

export interface Invitation {
  token: string
  expiresAtMs: number
  uses: number
}

export interface JoinOutcome {
  clusterId: string
  /** Whether this node holds all that the cluster had committed when it joined. */
  caughtUp: boolean
  /** Files that were brought along. */
  imported: number
  /** Where this node's former state is kept; empty where there was none. */
  keptAside: string
}

export interface LeaveOutcome {
  /** Of the new cluster of one. */
  clusterId: string
  leftClusterId: string
  keptAside: string
  /** Files of the left cluster whose only copies are on this node. */
  onlyCopies: number
}

export interface MemberOutcome {
  peerId: string
  /** Empty where it is no member any more. */
  role: MemberRole | ''
  /** Contents whose only copies are on it; told of one that was removed. */
  onlyCopies: number
}

export interface RecoverOutcome {
  clusterId: string
  formerClusterId: string
  keptAside: string
  /** Peer ids that are no longer part of it, and may join again. */
  lost: readonly string[]
  warnings: readonly string[]
}
