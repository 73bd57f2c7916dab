/** How the replicated state is looked at: by key, and in order of keys. Values are never changed. */
import type { AbortOptions } from '../base/index.js'

export type Row = readonly [key: Uint8Array, value: Uint8Array]

export interface KeyRange {
  gte: Uint8Array
  lt: Uint8Array
  /** Rows over all pages. @default no limit */
  limit?: number
  /** From the end of the range. @default false */
  reverse?: boolean
}

/** What a command's handler may ask: single keys, at once. */
export interface Getter {
  /** @throws DATA_LOSS naming the key, when the disk gives other bytes than were written */
  get(key: Uint8Array): Uint8Array | undefined
}

/** The state of one replica, as of `appliedIndex` and later: it goes on while it is looked at. */
export interface View extends Getter {
  readonly appliedIndex: number
  /**
   * Rows in order of keys, in pages of at most 1,000. Each page is consistent in itself and not older
   * than the one before, so a long listing sees every row that was there all the time exactly once.
   */
  range(range: KeyRange, options?: AbortOptions): AsyncIterable<readonly Row[]>
}
