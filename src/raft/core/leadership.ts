import type { NodeId } from './configuration.js'
import { Reads } from './reads.js'

/** What a node knows only while it leads one term. */
export class Leadership {
  /**
   * No further configuration change until this index is applied. Starts at the last index of
   * the log that was taken over: a change of an earlier leader may be in there.
   */
  pendingConfiguration: number
  /** Payload and overhead of all entries above the commit index. */
  uncommittedBytes: number
  /** Who gets the leadership; proposals wait meanwhile. Ends with it or after an election timeout. */
  transferee: NodeId | undefined
  /** Set once `timeoutNow` left, so that it isn't sent for every acknowledgement. */
  transferSent = false
  /**
   * Its own removal or demotion is in the log. Nothing is proposed behind it: entries that only
   * this node holds would keep it from voting for those who must elect its successor.
   */
  leaving = false
  /** Ticks since a commit index was last sent for its own sake. Starts as if that were long ago. */
  quietTicks = Number.POSITIVE_INFINITY
  readonly reads = new Reads()

  constructor(last: number, uncommittedBytes: number) {
    this.pendingConfiguration = last
    this.uncommittedBytes = uncommittedBytes
  }
}
