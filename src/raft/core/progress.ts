import { assert } from '../../base/index.js'
import { Inflights } from './inflights.js'
import type { SnapshotMeta } from './types.js'

/**
 * - `probe`: where the logs agree is unknown; one append per answer.
 * - `replicate`: they agree; appends flow without waiting, as the window allows.
 * - `snapshot`: the entries it needs are gone; nothing is sent until the snapshot's fate is known.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot'

export interface ProgressInit {
  next: number
  inflightMessagesMax: number
  inflightBytesMax: number
}

/** What the leader knows of one member's log. */
export class Progress {
  /** Highest index known to be on its disk. Grows, except when it reports a lost log. */
  match = 0
  /** Next index to send. Invariant: match < next. */
  next: number
  /** Highest commit index that the appends sent to it can make it reach. */
  sentCommit = 0
  state: ProgressState = 'probe'
  /** Set exactly in state `snapshot`. */
  pendingSnapshot: SnapshotMeta | undefined
  /** In state `snapshot`: the transfer broke off and is asked for again when it is heard of. */
  interrupted = false
  /** True when nothing may be sent until it answers: a probe is out, or the window is full. */
  paused = false
  /** True when the next append goes out even if it is empty: something may have been lost. */
  nudged = false
  /** It was heard of since the last quorum check. */
  recentActive = false
  /** Highest read round it confirmed in this leadership. */
  confirmedRound = 0
  /** Empty except in state `replicate`. */
  readonly inflights: Inflights

  constructor({ next, inflightMessagesMax, inflightBytesMax }: ProgressInit) {
    this.next = next
    this.inflights = new Inflights(inflightMessagesMax, inflightBytesMax)
  }

  /** No append may be sent now. */
  get isPaused(): boolean {
    return this.state === 'snapshot' || this.paused
  }

  #reset(state: ProgressState): void {
    this.state = state
    this.paused = false
    this.nudged = false
    this.interrupted = false
    this.pendingSnapshot = undefined
    this.inflights.clear()
  }

  becomeProbe(): void {
    // After a snapshot that arrived the next entry is the one behind it.
    const snapshotIndex = this.pendingSnapshot?.index ?? 0
    this.#reset('probe')
    this.next = Math.max(this.match, snapshotIndex) + 1
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
  }

  becomeReplicate(): void {
    this.#reset('replicate')
    this.next = this.match + 1
    this.sentCommit = Math.min(this.sentCommit, this.match)
  }

  becomeSnapshot(snapshot: SnapshotMeta): void {
    this.#reset('snapshot')
    this.pendingSnapshot = snapshot
    this.next = snapshot.index + 1
    this.sentCommit = snapshot.index
  }

  /** An append with so many entries has left. */
  sent(count: number, bytes: number, commit: number): void {
    const last = this.next - 1 + count
    if (this.state === 'replicate') {
      if (count > 0) {
        this.next += count
        this.inflights.add(last, bytes)
      }
      this.paused = this.inflights.full
    } else {
      assert(this.state === 'probe', 'nothing is appended during a snapshot')
      this.paused = true
    }
    this.nudged = false
    this.sentCommit = Math.max(this.sentCommit, Math.min(commit, last))
  }

  /** It holds everything up to `index`. @returns whether that is news */
  acknowledged(index: number): boolean {
    if (index <= this.match) return false
    this.match = index
    this.next = Math.max(this.next, index + 1)
    this.paused = false
    return true
  }

  /**
   * The append at `rejected` didn't fit; the logs may agree up to `hint`.
   *
   * @returns false for an answer that newer ones have overtaken
   */
  rejected(rejected: number, hint: number): boolean {
    if (this.state === 'snapshot') return false
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false
      // Something between match and next was lost; what is known to be there is where to go on.
      this.becomeProbe()
      return true
    }
    if (this.next - 1 !== rejected) return false
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1)
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
    this.paused = false
    return true
  }

  /** It lost acknowledged entries to damage: all that is known of its log is void. */
  lost(hint: number): void {
    this.match = 0
    this.becomeProbe()
    this.next = Math.max(1, hint + 1)
    this.sentCommit = 0
  }

  check(last: number): void {
    assert(this.match < this.next, 'what is known to be there is not sent again')
    assert(this.match <= last, 'a follower holds nothing that its leader does not')
    assert(
      (this.state === 'snapshot') === (this.pendingSnapshot !== undefined),
      'a snapshot is pending exactly in its state',
    )
    assert(this.state === 'replicate' || this.inflights.count === 0, 'only replication pipelines')
  }
}
