/**
 * The words of the consensus core. Terms and indexes are safe integers; index 0 is the
 * boot configuration, the first entry has index 1; term 0 is before any election.
 */
import type { Configuration, ConfigurationChange, NodeId } from './configuration.js'

/** One position of the replicated log. Two entries with equal index and term are equal. */
export type Entry = CommandEntry | NoopEntry | ConfigurationEntry

export interface CommandEntry {
  kind: 'command'
  index: number
  term: number
  /** Opaque here: what the state machine applies. */
  data: Uint8Array
}

/** What a new leader appends first, so that it can commit what earlier terms left behind. */
export interface NoopEntry {
  kind: 'noop'
  index: number
  term: number
}

export interface ConfigurationEntry {
  kind: 'config'
  index: number
  term: number
  change: ConfigurationChange
}

/** Room that an entry takes beyond its payload, so that empty ones are bounded too. */
const ENTRY_OVERHEAD_BYTES = 32

/** What an entry counts in windows, batches and quotas. */
export function entryBytes(entry: Entry): number {
  if (entry.kind === 'command') return entry.data.byteLength + ENTRY_OVERHEAD_BYTES
  if (entry.kind === 'noop') return ENTRY_OVERHEAD_BYTES
  return entry.change.context.byteLength + entry.change.id.length + ENTRY_OVERHEAD_BYTES
}

/** What must survive a crash besides the log, in one record. */
export interface HardState {
  /** Highest term seen. Never goes back. */
  term: number
  /** Whom this node voted for in `term`; never changes within a term once set. */
  vote: NodeId | undefined
  /** A lower bound of what is committed. May be older than the truth. Never goes back. */
  commit: number
}

/** A state of the machine, without its bytes: those travel and rest outside the core. */
export interface SnapshotMeta {
  index: number
  term: number
  /** The configuration at `index`. */
  configuration: Configuration
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader'

export interface Envelope {
  from: NodeId
  to: NodeId
  /** The sender's term; for pre-votes and their grants the term that would be campaigned in. */
  term: number
}

export type MessageBody =
  /** `pre`: would you vote for me? Changes nothing at the receiver. `transfer`: the leader asked for it. */
  | { type: 'vote'; pre: boolean; lastIndex: number; lastTerm: number; transfer: boolean }
  | { type: 'voteReply'; pre: boolean; granted: boolean }
  | { type: 'append'; prevIndex: number; prevTerm: number; entries: Entry[]; commit: number }
  /** The sender's log holds the leader's entries up to `index`, on its disk. */
  | { type: 'appendReply'; rejected: false; index: number }
  /**
   * The append at `index` (its `prevIndex`) doesn't fit. The logs can't agree beyond `hintIndex`,
   * whose term here is `hintTerm` (0: unknown). `lost`: this log was damaged and earlier
   * acknowledgements no longer hold.
   */
  | {
      type: 'appendReply'
      rejected: true
      index: number
      hintIndex: number
      hintTerm: number
      lost: boolean
    }
  /** `round`: number of the read round that the answer confirms; 0 is none. */
  | { type: 'heartbeat'; commit: number; round: number }
  | { type: 'heartbeatReply'; round: number }
  /** To be stepped at the receiver when all bytes of the snapshot are there. */
  | { type: 'snapshot'; snapshot: SnapshotMeta }
  /** Campaign now: leadership is being handed to you. */
  | { type: 'timeoutNow' }
  | { type: 'transfer'; target: NodeId }
  /** `heal`: asks for the leader's last index instead of its commit index. */
  | { type: 'readIndex'; context: string; heal: boolean }
  | { type: 'readIndexReply'; context: string; heal: boolean; index: number }
  /** Carries nothing but the term: the answer to a message of a lower one. */
  | { type: 'termNotice' }

export type Message = Envelope & MessageBody

/** A read may be served from a state that has applied `index`. */
export interface ReadState {
  context: string
  index: number
}

/** Whom to ask, and what this node is. Needs no disk. */
export interface SoftState {
  role: Role
  leader: NodeId | undefined
}

/**
 * Work for the runner, in this order: send `appends`; persist `hardState`, `snapshot` and
 * `entries` in one batch (synced if `mustSync`); send `promises`; apply `committed`; then `advance`.
 */
export interface Ready {
  /** Set when it changed. */
  soft: SoftState | undefined
  /** Set when it changed. */
  hardState: HardState | undefined
  /** To install before `entries`: replaces state and whole log. */
  snapshot: SnapshotMeta | undefined
  /** To persist. Whatever the disk holds from the first one's index on is deleted in the same batch. */
  entries: Entry[]
  /**
   * The leader's appends, heartbeats and snapshots, and what relies on nothing but a term that is on
   * disk: they may leave at once.
   */
  appends: Message[]
  /** Votes, acknowledgements and what tells of a new term: only after the batch is on disk. */
  promises: Message[]
  /** To apply, in order, after the batch is on disk. */
  committed: Entry[]
  readStates: ReadState[]
  /** True when promises depend on the batch; a commit index alone may be written lazily. */
  mustSync: boolean
  /** True once, when a damaged log has caught up and may vote again; its mark goes with the batch. */
  healed: boolean
}
