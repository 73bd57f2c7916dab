/**
 * Where a replica's state rests. A seam: LevelDB in a node, memory in tests and simulations;
 * test/support/state-store-suite.ts runs over all.
 *
 * A state lives in a generation. A state that is received from elsewhere grows in a new one beside
 * the current one, so that what is there is whole at every moment.
 */
import type { AbortOptions } from '../base/index.js'
import type { KeyRange, Row } from './view.js'

export interface StateStore {
  /** Numbers of those that exist, in order. */
  generations(options?: AbortOptions): Promise<number[]>
  /**
   * Opens one, empty if it isn't there. Each at most once at a time.
   *
   * @throws DATA_LOSS damaged; FAILED_PRECONDITION another process has it; RESOURCE_EXHAUSTED
   */
  open(generation: number, options?: AbortOptions): Promise<StateGeneration>
  /** Deletes one that is not open. Again is harmless. */
  remove(generation: number, options?: AbortOptions): Promise<void>
  /** Puts one that is not open out of the way, for people to look at. Only the last one is kept. */
  setAside(generation: number, options?: AbortOptions): Promise<void>
}

export interface StoreWrite {
  readonly key: Uint8Array
  /** Undefined: the key is removed. */
  readonly value: Uint8Array | undefined
}

export type CursorRange = Omit<KeyRange, 'limit'>

/** Rows of a range in its order, as they were when it was made. */
export interface StoreCursor {
  /** The next rows, at most `limit`; less of them when they are large, none at the end only. */
  next(limit: number): Promise<Row[]>
  /** To be called in the end: it holds the former state of what has changed since. */
  close(): Promise<void>
}

export interface StateGeneration {
  readonly generation: number
  /** At once: applying doesn't wait. @throws DATA_LOSS, UNAVAILABLE */
  get(key: Uint8Array): Uint8Array | undefined
  /** As of the moment of the call, whatever is written later. */
  cursor(range: CursorRange): StoreCursor
  /**
   * Whole or not at all; survives power loss when it resolves. One at a time. After any failure
   * every later one rejects: a handle that failed once can acknowledge and lose.
   */
  write(writes: readonly StoreWrite[]): Promise<void>
  /** The state of this moment, until it is closed. */
  snapshot(): StoreSnapshot
  /** Waits for what is under way. Cursors reject with UNAVAILABLE afterwards. */
  close(): Promise<void>
}

export interface StoreSnapshot {
  cursor(range: CursorRange): StoreCursor
  close(): Promise<void>
}
