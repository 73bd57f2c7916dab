import type { NodeId } from './configuration.js'

interface PendingRead {
  context: string
  from: NodeId
  heal: boolean
  /** A lower bound of the index that answers it; raised to the commit index when its round starts. */
  index: number
  /** 0 until its round starts. */
  round: number
}

export interface ConfirmedRead {
  context: string
  from: NodeId
  /** Asked by a damaged log (see `MessageBody`). */
  heal: boolean
  index: number
}

/**
 * Reads at a leader (read-index; dissertation, section 6.4). All reads that arrive between two
 * rounds share one round of heartbeats; a majority's answer proves that no newer leader had been
 * elected when they arrived. No clock takes part in it.
 */
export class Reads {
  /** Ascending by round; those of round 0 last. */
  #pending: PendingRead[] = []
  /** Rounds started. A confirmation of a round confirms all before it. */
  #round = 0
  #waiting = 0

  get round(): number {
    return this.#round
  }

  get size(): number {
    return this.#pending.length
  }

  get hasWaiting(): boolean {
    return this.#waiting > 0
  }

  has(context: string): boolean {
    return this.#pending.some((read) => read.context === context)
  }

  add(context: string, from: NodeId, heal: boolean, index: number): void {
    this.#pending.push({ context, from, heal, index, round: 0 })
    this.#waiting++
  }

  /** Starts a round for all that wait. `commit` was committed by this leader in its own term. */
  startRound(commit: number): number {
    this.#round++
    for (const read of this.#pending.slice(this.#pending.length - this.#waiting)) {
      read.round = this.#round
      read.index = Math.max(read.index, commit)
    }
    this.#waiting = 0
    return this.#round
  }

  confirm(round: number): ConfirmedRead[] {
    let count = 0
    for (const read of this.#pending) {
      if (read.round === 0 || read.round > round) break
      count++
    }
    return this.#pending.splice(0, count)
  }
}
