import type { ConfigurationChange } from './configuration.js'
import { type Configuration, changeConfiguration, type NodeId } from './configuration.js'
import { Progress } from './progress.js'
import type { Settings } from './settings.js'

export type VoteResult = 'won' | 'lost' | 'pending'

/** The configuration, the votes of a campaign, and, at a leader, the progress of every member. */
export class Tracker {
  /** That of the highest applied index (or of the snapshot being installed). */
  configuration: Configuration
  /** Invariant: at a leader exactly the members' progress, itself included; else empty. */
  readonly progress = new Map<NodeId, Progress>()
  /** Answers in the current campaign, first one of each counts. */
  readonly #votes = new Map<NodeId, boolean>()
  readonly #settings: Settings

  constructor(configuration: Configuration, settings: Settings) {
    this.configuration = configuration
    this.#settings = settings
  }

  isVoter(id: NodeId): boolean {
    return this.configuration.voters.includes(id)
  }

  get quorum(): number {
    return Math.floor(this.configuration.voters.length / 2) + 1
  }

  /** All members but one, voters first: the order in which messages leave. */
  *others(self: NodeId): Iterable<NodeId> {
    for (const id of this.configuration.voters) if (id !== self) yield id
    for (const id of this.configuration.learners) if (id !== self) yield id
  }

  /** Starts leading: everybody is probed behind the leader's last entry. */
  lead(self: NodeId, last: number): void {
    this.progress.clear()
    const { voters, learners } = this.configuration
    for (const id of [...voters, ...learners]) this.progress.set(id, this.#newProgress(last + 1))
    // Nothing is ever sent to itself: what it has not got on disk yet, it has.
    this.progress.get(self)!.state = 'replicate'
  }

  unlead(): void {
    this.progress.clear()
  }

  #newProgress(next: number): Progress {
    return new Progress({ next, ...this.#settings })
  }

  /** A change took effect; `last` is the log's end, for the progress of a newcomer at a leader. */
  change(change: ConfigurationChange, leading: boolean, last: number): void {
    this.configuration = changeConfiguration(this.configuration, change)
    if (!leading) return
    const { id } = change
    if (change.kind === 'remove') this.progress.delete(id)
    else if (!this.progress.has(id)) {
      const progress = this.#newProgress(last + 1)
      // A grace period, or the next quorum check would count a newcomer as lost.
      progress.recentActive = true
      this.progress.set(id, progress)
    }
  }

  resetVotes(): void {
    this.#votes.clear()
  }

  recordVote(id: NodeId, granted: boolean): VoteResult {
    if (!this.#votes.has(id)) this.#votes.set(id, granted)
    return this.voteResult()
  }

  voteResult(): VoteResult {
    let granted = 0
    let rejected = 0
    for (const id of this.configuration.voters) {
      const vote = this.#votes.get(id)
      if (vote === true) granted++
      else if (vote === false) rejected++
    }
    if (granted >= this.quorum) return 'won'
    // What is still out can't make a majority any more.
    return this.configuration.voters.length - rejected < this.quorum ? 'lost' : 'pending'
  }

  /** The highest value that a majority of voters has reached. */
  #agreed(value: (progress: Progress) => number): number {
    const values = this.configuration.voters.map((id) => {
      const progress = this.progress.get(id)
      return progress === undefined ? 0 : value(progress)
    })
    values.sort((a, b) => b - a)
    return values[this.quorum - 1]!
  }

  /** Highest index on a majority's disks. */
  agreedMatch(): number {
    return this.#agreed((progress) => progress.match)
  }

  /** Highest read round that a majority confirmed. */
  agreedRound(): number {
    return this.#agreed((progress) => progress.confirmedRound)
  }

  /** Whether a majority was heard of since the last call; starts a new period. */
  quorumActive(self: NodeId): boolean {
    let active = 0
    for (const [id, progress] of this.progress) {
      if ((id === self || progress.recentActive) && this.isVoter(id)) active++
      progress.recentActive = false
    }
    return active >= this.quorum
  }
}
