/**
 * A lease keeps chunks from the collector while somebody works with them.
 *
 * Covered is: everything stored from its opening on (by sequence), and every digest protected by
 * name (hits of a deduplicated put, chunks that a fetch found here).
 */
import type { Digest } from '../content/index.js'

export interface Lease {
  readonly id: string
  readonly purpose: string
  /** Chunks with this sequence or a larger one are covered. */
  readonly startSequence: number
  /** In memory, in this very turn: the collector's last word sees it. */
  protect(digests: readonly Digest[]): void
  /** For digests that are covered by their sequence after all. */
  unprotect(digests: readonly Digest[]): void
  covers(digest: Digest, sequence: number): boolean
  /** Makes what is protected survive a crash, until the lease's time to live is over. */
  flush(): Promise<void>
  release(): Promise<void>
}
