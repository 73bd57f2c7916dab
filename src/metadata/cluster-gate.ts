/** How often strangers may knock: whoever guesses secrets, or only makes noise, is slowed down. */
import { type Clock, DpsError } from '../base/index.js'

export interface JoinGateInit {
  /** Attempts of one peer in a minute. @default 10 */
  perPeer?: number
  /** Of all together: peer ids cost nothing. @default 120 */
  overall?: number
}

const WINDOW_MS = 60_000

export class JoinGate {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #init: Required<JoinGateInit>
  /** Attempts since the window began; forgotten with it, so that names can't fill the memory. */
  readonly #attempts = new Map<string, number>()
  #all = 0
  #sinceMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonicMs'>, init: JoinGateInit = {}) {
    this.#clock = clock
    this.#init = { perPeer: 10, overall: 120, ...init }
  }

  /** @throws RESOURCE_EXHAUSTED when the peer, or everybody together, asks too often */
  pass(peerId: string): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#sinceMs >= WINDOW_MS) {
      this.#attempts.clear()
      this.#all = 0
      this.#sinceMs = nowMs
    }
    const mine = this.#attempts.get(peerId) ?? 0
    if (mine >= this.#init.perPeer || this.#all >= this.#init.overall) {
      throw new DpsError('RESOURCE_EXHAUSTED', 'too many attempts to join', {
        hint: 'try again in a minute',
      })
    }
    this.#attempts.set(peerId, mine + 1)
    this.#all++
  }
}
