/**
 * Where a replica's log and hard state rest. A seam: LevelDB in a node, a simulated disk in the
 * simulator; test/support/log-store-suite.ts runs over both.
 */
import type { AbortOptions } from '../base/index.js'
import type { Configuration } from './core/configuration.js'
import type { Entry, HardState, SnapshotMeta } from './core/types.js'

export interface LogContents {
  hardState: HardState
  /** Newest snapshot; index 0 and term 0 with the boot configuration before the first one. */
  snapshot: SnapshotMeta
  /** All that is stored, contiguous; they hold or continue the snapshot's index. May be empty. */
  entries: Entry[]
  /** Of the state machine's data, as last recorded by a save; 0 at first. */
  generation: number
  /**
   * Entries that may have been promised are lost: the replica must start `healing`. Stays so over
   * restarts until a batch says `healed`.
   */
  damaged: boolean
}

export interface LogBatch {
  /** Without one the stored one stays. Its term never goes back. */
  hardState?: HardState
  /**
   * Contiguous. What is stored from the first one's index on is deleted in the same batch. The
   * first one's index is at most one past the last stored (or past `snapshot`, where given).
   */
  entries: readonly Entry[]
  /**
   * Replaces the whole log, before `entries`. May be older than the stored one: a replica whose state
   * is lost begins again.
   */
  snapshot?: { meta: SnapshotMeta; generation: number }
  /** Whether the batch, and everything saved before it, must survive power loss. */
  sync: boolean
  /** Takes the mark of damage away, in the same batch. */
  healed?: boolean
  /** Sets the mark: from now on the replica starts `healing`, until a batch says `healed`. */
  damaged?: boolean
}

export interface LogStore {
  /**
   * Takes the log for this process and reads it. An empty place gives the boot contents: term 0,
   * no vote, nothing committed. What was being written when a crash came is cut off; what is lost
   * before that is reported as `damaged`, with the longest trusted beginning as the contents.
   *
   * @throws FAILED_PRECONDITION another process has it, or a newer program wrote it
   * @throws DATA_LOSS the hard state is lost or damaged: this replica may have voted, so it must
   *   not come back under its id; the node has to join anew, under another incarnation
   */
  open(boot: Configuration, options?: AbortOptions): Promise<LogContents>
  /**
   * Writes one batch, whole or not at all. Durable when resolved if `sync`. One at a time.
   *
   * After any failure every later `save` and `compact` rejects with the same error: a handle that
   * failed once can acknowledge synced writes and lose them. RESOURCE_EXHAUSTED: the disk is full.
   */
  save(batch: LogBatch): Promise<void>
  /**
   * Records the snapshot (durably), then gives up entries before `through` little by little beside
   * saves; the entry at `through` may stay. Resolves when the record is durable; the deletion goes
   * on behind, and goes on after a restart.
   *
   * @param snapshot the state machine holds it durably; not older than the one stored
   * @param through at most `snapshot.index`
   */
  compact(snapshot: SnapshotMeta, through: number): Promise<void>
  /** Waits for what is under way. */
  close(): Promise<void>
}
