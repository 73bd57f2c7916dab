/** What is remembered of peers that misbehaved. Hearsay is not taken: only what happened here. */
import { type Clock, systemClock } from '../base/index.js'

/** Points per offence. At {@link UNTRUSTED_POINTS} a peer is not asked. */
const POINTS = {
  // Wrong bytes under a right name: malice, or memory that cannot be trusted.
  lied: 100,
  // Frames that no honest implementation sends.
  broke: 50,
  // Slowness and lost connections happen to everybody.
  failed: 5,
} as const

export type Offence = keyof typeof POINTS

const UNTRUSTED_POINTS = 50
// One lie keeps a peer away for one half-life, five in a row for more than three.
const HALF_LIFE_MS = 10 * 60 * 1000
// Ids are free to make: the oldest are forgotten first.
const PEERS_MAX = 10_000

/** Shared by all sessions of a node. Points halve every ten minutes. */
export class Reputation {
  readonly #clock: Clock
  readonly #peers = new Map<string, { points: number; atMs: number }>()

  constructor(components: { clock?: Clock } = {}) {
    this.#clock = components.clock ?? systemClock
  }

  report(peer: string, offence: Offence): void {
    const points = this.points(peer) + POINTS[offence]
    // Deleting first moves the peer to the end: the map is in the order of the last offence.
    this.#peers.delete(peer)
    this.#peers.set(peer, { points, atMs: this.#clock.monotonicMs() })
    if (this.#peers.size > PEERS_MAX) {
      const [oldest] = this.#peers.keys()
      this.#peers.delete(oldest!)
    }
  }

  /** 0 for a peer of which nothing bad is known. */
  points(peer: string): number {
    const known = this.#peers.get(peer)
    if (known === undefined) return 0
    const points = known.points * 0.5 ** ((this.#clock.monotonicMs() - known.atMs) / HALF_LIFE_MS)
    if (points >= 1) return points
    this.#peers.delete(peer)
    return 0
  }

  trusted(peer: string): boolean {
    return this.points(peer) < UNTRUSTED_POINTS
  }
}
