/**
 * What a replica does with committed entries. Implemented by the metadata machine; the runner
 * knows nothing of what the commands mean.
 */
import type { AbortOptions } from '../base/index.js'
import type { Entry, SnapshotMeta } from './core/types.js'

export interface StateMachine {
  /**
   * Opens the data of this generation (0 at first) and deletes all others: they belong to an
   * install that was never adopted, or that was replaced.
   */
  open(generation: number, options?: AbortOptions): Promise<void>
  /** What reads see. Never falls, except by adopting another state. */
  readonly appliedIndex: number
  /** What survives power loss. Invariant: durableIndex <= appliedIndex. The log may forget up to here. */
  readonly durableIndex: number
  /** Called whenever `durableIndex` grew, or a failure means that it never will again. */
  onDurable(listener: () => void): void
  /**
   * Applies entries in order and without gaps; all kinds come, as all move the index. Resolves when
   * reads see them, which may be before they are durable; waits while too much is not durable yet.
   *
   * @returns per entry what its command resulted in, `undefined` where it is no command
   * @throws UNIMPLEMENTED for a command that this version doesn't know. Any rejection stops the
   * replica for good: going on would diverge.
   */
  apply(entries: readonly Entry[]): Promise<(Uint8Array | undefined)[]>
  /** A consistent durable state, while writes go on. The caller closes it. */
  snapshot(options?: AbortOptions): Promise<StateSnapshot>
  /**
   * Begins a state that is received from elsewhere, in a new generation beside the current one. One
   * at a time: a begun one of the same snapshot is continued, any other is aborted.
   */
  install(meta: SnapshotMeta, options?: AbortOptions): Promise<StateInstall>
  /** Replaces the current state; only after the log store has recorded the install's generation. */
  adopt(install: StateInstall): Promise<void>
  close(): Promise<void>
}

export interface StateSnapshot {
  readonly meta: SnapshotMeta
  /**
   * The state in pieces of at most 1 MiB, checksummed. Every call numbers them alike, so that a
   * transfer that broke off goes on at piece `from`. @default 0
   */
  chunks(from?: number): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface StateInstall {
  readonly meta: SnapshotMeta
  readonly generation: number
  /** Pieces held so far: the next to write has this number. */
  readonly received: number
  write(chunk: Uint8Array): Promise<void>
  /** Durable when it resolves. @throws DATA_LOSS when pieces are missing or don't add up */
  finish(): Promise<void>
  /** Gives it up. Harmless once it is adopted or was given up already. */
  abort(): Promise<void>
}
