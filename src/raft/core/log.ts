/**
 * The replicated log in memory: everything since the last compaction, with four cursors.
 * The runner's store holds the same entries up to `stable`; the tail above it is unstable.
 *
 *     offset < … applied <= applying <= committed <= last
 *                                        stable   <= last
 */
import { assert } from '../../base/index.js'
import { type Entry, entryBytes, type SnapshotMeta } from './types.js'

export interface LogStart {
  snapshot: SnapshotMeta
  entries: Entry[]
  commit: number
  applied: number
}

export class Log {
  /** Entries offset+1 … last, contiguous, terms never falling. */
  #entries: Entry[] = []
  /** Index before the first entry. Invariant: offset <= snapshot.index. */
  #offset: number
  /** Term at `offset`. */
  #offsetTerm: number
  /** Newest snapshot; never goes back. Invariant: snapshot.index <= committed. */
  #snapshot: SnapshotMeta
  /** True between a restore and its persistence: nothing is applied meanwhile. */
  #installing = false
  /** Highest index known to be on disk. Invariant: offset <= stable <= last. */
  #stable: number
  /** Highest index known to be committed; never goes back. Invariant: committed <= last. */
  #committed: number
  /** Highest index handed out to be applied. Invariant: applied <= applying <= committed. */
  #applying: number
  /** Highest index whose application was reported; never goes back. */
  #applied: number
  /** Bytes of `#entries`. */
  #bytes = 0
  /** Indexes of configuration entries above `applied`, ascending; at most one is uncommitted. */
  #configs: number[] = []

  constructor({ snapshot, entries, commit, applied }: LogStart) {
    this.#snapshot = snapshot
    this.#offset = snapshot.index
    this.#offsetTerm = snapshot.term
    const first = entries[0]
    if (first !== undefined && first.index <= snapshot.index) {
      // The term before the first kept entry is gone with it: that entry becomes the mark.
      this.#offset = first.index
      this.#offsetTerm = first.term
      entries = entries.slice(1)
    }
    this.#committed = this.#offset
    this.#stable = this.#offset
    this.#applying = this.#offset
    this.#applied = this.#offset
    this.#push(entries)
    this.#stable = this.last
    assert(this.term(snapshot.index) === snapshot.term, 'the log holds or continues its snapshot')
    assert(applied >= snapshot.index, 'the state is at least the snapshot')
    // The commit index is written lazily; what was applied was committed.
    this.#committed = Math.max(commit, applied)
    assert(this.#committed <= this.last, 'what was committed is in the log')
    this.#applying = applied
    this.#applied = applied
    this.#configs = this.#configs.filter((index) => index > applied)
    this.check()
  }

  /** Lowest index whose entry is still here (last + 1 when none is). */
  get first(): number {
    return this.#offset + 1
  }

  get last(): number {
    return this.#offset + this.#entries.length
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#offsetTerm
  }

  get stable(): number {
    return this.#stable
  }

  get committed(): number {
    return this.#committed
  }

  get applied(): number {
    return this.#applied
  }

  get snapshot(): SnapshotMeta {
    return this.#snapshot
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  /** The snapshot that the runner has yet to install. */
  get installing(): SnapshotMeta | undefined {
    return this.#installing ? this.#snapshot : undefined
  }

  /** Term at an index; undefined when compacted away or not there yet. */
  term(index: number): number | undefined {
    if (index === this.#offset) return this.#offsetTerm
    return this.#entries[index - this.#offset - 1]?.term
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term
  }

  /** Whether a log that ends there holds everything this one may have committed (Raft, 5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last)
  }

  /** A committed configuration entry that isn't applied: this node counts by an old majority. */
  get hasUnappliedConfiguration(): boolean {
    const next = this.#configs[0]
    return next !== undefined && next <= this.#committed
  }

  /** The configuration entry that takes effect last, if one is unapplied. */
  get lastUnappliedConfiguration(): Entry | undefined {
    const index = this.#configs.at(-1)
    return index === undefined ? undefined : this.#entries[index - this.#offset - 1]
  }

  /** The entries from `from` on, as many as fit, but at least one if there is one. */
  slice(from: number, bytesMax: number, through: number = this.last): Entry[] {
    assert(from > this.#offset, `entry ${from} is still in the log`)
    const start = from - this.#offset - 1
    const stop = through - this.#offset
    let end = start
    let bytes = 0
    while (end < stop) {
      bytes += entryBytes(this.#entries[end]!)
      if (bytes > bytesMax && end > start) break
      end++
    }
    return this.#entries.slice(start, end)
  }

  /** Bytes of the entries in (from, through]. */
  bytesBetween(from: number, through: number): number {
    let bytes = 0
    for (let index = from + 1; index <= through; index++) {
      bytes += entryBytes(this.#entries[index - this.#offset - 1]!)
    }
    return bytes
  }

  /** The leader's own: entries go behind the last one. */
  append(entries: readonly Entry[]): void {
    this.#push(entries)
    this.check()
  }

  /**
   * A leader's entries after (`prevIndex`, `prevTerm`). Entries that are already here stay, whatever
   * follows them: a late, short append must not cut off what a newer one brought. The first that
   * differs replaces the whole tail.
   *
   * @returns index of the last of these entries, or undefined when they don't fit
   */
  accept(prevIndex: number, prevTerm: number, entries: readonly Entry[]): number | undefined {
    if (!this.matches(prevIndex, prevTerm)) return undefined
    const skip = entries.findIndex(({ index, term }) => !this.matches(index, term))
    if (skip !== -1) {
      const from = entries[skip]!.index
      if (from <= this.last) this.#truncate(from)
      this.#push(entries.slice(skip))
    }
    return prevIndex + entries.length
  }

  /**
   * The highest index up to `index` whose term is at most `term`: the logs can't agree above it.
   * One step skips a whole term, so that back-off takes a round per term, not per entry.
   *
   * @returns its term is 0 when the log no longer knows it
   */
  conflict(index: number, term: number): { index: number; term: number } {
    let at = Math.min(index, this.last)
    for (; at >= this.#offset; at--) {
      const own = this.term(at)!
      if (own <= term) return { index: at, term: own }
    }
    return { index: Math.max(at, 0), term: 0 }
  }

  /** @returns whether it moved */
  commitTo(index: number): boolean {
    if (index <= this.#committed) return false
    assert(index <= this.last, `commit ${index} is in the log that ends at ${this.last}`)
    this.#committed = index
    return true
  }

  /** What isn't on disk yet. */
  unstable(): Entry[] {
    return this.#entries.slice(this.#stable - this.#offset)
  }

  get hasUnstable(): boolean {
    return this.#stable < this.last
  }

  /** A batch that ended with this entry is on disk. Ignored if the tail was replaced meanwhile. */
  stableTo(index: number, term: number): void {
    if (index > this.#stable && this.matches(index, term)) this.#stable = index
  }

  get hasApplicable(): boolean {
    return !this.#installing && this.#applying < this.#committed
  }

  /** Hands out the next committed entries, each once. */
  takeApplicable(bytesMax: number): Entry[] {
    if (!this.hasApplicable) return []
    return this.#take(bytesMax, this.#committed)
  }

  /** The same, but only what is on disk, and nothing from the next configuration entry on. */
  takeStableCommands(bytesMax: number): Entry[] {
    const config = this.#configs.find((index) => index > this.#applying) ?? Number.POSITIVE_INFINITY
    const through = Math.min(this.#committed, this.#stable, config - 1)
    if (this.#installing || this.#applying >= through) return []
    return this.#take(bytesMax, through)
  }

  #take(bytesMax: number, through: number): Entry[] {
    const entries = this.slice(this.#applying + 1, bytesMax, through)
    this.#applying += entries.length
    return entries
  }

  /** The lowest index behind which at most `bytes` of entries follow. */
  indexBefore(bytes: number): number {
    let index = this.last
    let sum = 0
    for (; index > this.#offset; index--) {
      sum += entryBytes(this.#entries[index - this.#offset - 1]!)
      if (sum > bytes) break
    }
    return index
  }

  /** @returns the configuration entries that took effect, in order */
  appliedTo(index: number): Entry[] {
    if (index <= this.#applied) return []
    assert(index <= this.#applying, `${index} was handed out to be applied`)
    const taken: Entry[] = []
    while (this.#configs[0] !== undefined && this.#configs[0] <= index) {
      taken.push(this.#entries[this.#configs.shift()! - this.#offset - 1]!)
    }
    this.#applied = index
    return taken
  }

  /**
   * A snapshot of an applied state is durable: entries up to `through` may go. Keeping some saves
   * followers that are a little behind from a whole snapshot.
   */
  compact(snapshot: SnapshotMeta, through: number): void {
    assert(snapshot.index <= this.#applied, 'a snapshot holds only what was applied')
    assert(through <= snapshot.index, 'only what a snapshot holds may leave the log')
    // A newer snapshot came from the leader while this one was written.
    if (snapshot.index < this.#snapshot.index) return
    assert(this.matches(snapshot.index, snapshot.term), 'the snapshot is of this log')
    this.#snapshot = snapshot
    const upTo = Math.min(through, this.#stable)
    if (upTo <= this.#offset) return
    const term = this.term(upTo)!
    this.#bytes -= this.bytesBetween(this.#offset, upTo)
    this.#entries = this.#entries.slice(upTo - this.#offset)
    this.#offset = upTo
    this.#offsetTerm = term
    this.check()
  }

  /** The leader's snapshot replaces everything, a conflicting tail included. */
  restore(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.#committed, 'a snapshot never takes back what is committed')
    this.#snapshot = snapshot
    this.#entries = []
    this.#configs = []
    this.#bytes = 0
    this.#offset = snapshot.index
    this.#offsetTerm = snapshot.term
    this.#stable = snapshot.index
    this.#committed = snapshot.index
    this.#installing = true
  }

  /** The runner has installed that snapshot. Ignored if another came meanwhile. */
  installed(snapshot: SnapshotMeta): void {
    if (!this.#installing || snapshot.index !== this.#snapshot.index) return
    this.#installing = false
    this.#applying = snapshot.index
    this.#applied = snapshot.index
    this.check()
  }

  #push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.last + 1, `entry ${entry.index} follows ${this.last}`)
      assert(entry.term >= this.lastTerm, 'terms never fall along the log')
      this.#entries.push(entry)
      this.#bytes += entryBytes(entry)
      if (entry.kind === 'config') this.#configs.push(entry.index)
    }
  }

  #truncate(from: number): void {
    assert(from > this.#committed, `entry ${from} is committed and stays`)
    this.#bytes -= this.bytesBetween(from - 1, this.last)
    this.#entries.length = from - this.#offset - 1
    this.#stable = Math.min(this.#stable, from - 1)
    while ((this.#configs.at(-1) ?? 0) >= from) this.#configs.pop()
  }

  /** The invariants of the fields, in constant time. */
  check(): void {
    assert(this.#offset <= this.#snapshot.index, 'no gap between snapshot and log')
    assert(this.#snapshot.index <= this.#committed, 'a snapshot is committed')
    assert(this.#committed <= this.last, 'the commit index is inside the log')
    assert(this.#offset <= this.#stable && this.#stable <= this.last, 'stable is inside the log')
    assert(this.#applied <= this.#applying, 'applied entries were handed out')
    assert(this.#applying <= this.#committed, 'only committed entries are handed out')
    assert(this.#bytes >= 0, 'sizes add up')
    const before = this.#configs.at(-2) ?? 0
    assert(before <= this.#committed, 'one configuration change at a time')
  }
}
