/**
 * Goes on dialling the peers that matter, for ever. libp2p gives up on a peer after five failures;
 * a swarm that was down for a night must still find itself together in the morning.
 */
import { backoffMs, type Random } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { boundedSignal } from './host-signal.js'

export interface DialTarget {
  /** What the person wrote, or the peer id: unique among the targets. */
  key: string
  /** Known from the address, or after the first connection. */
  peerId?: string
  /** Multiaddrs as they are to be dialled; asked for each time, as addresses change. */
  addrs(): readonly string[]
  /**
   * `always`: bootstraps and what a person connected to. `lonely`: peers met before, dialled only
   * while there are too few connections, so that a large swarm is not dialled as a whole.
   */
  keep: 'always' | 'lonely'
}

export interface RedialComponents {
  /** Resolves to the peer id that answered. */
  dial(target: DialTarget, signal: AbortSignal): Promise<string>
  isConnected(peerId: string): boolean
  connectedCount(): number
  log: Log
  random: Random
}

export interface RedialInit {
  /** Before the first repetition; doubles from there. @default 1000 */
  minMs?: number
  /** Between repetitions at most. @default 60000 */
  maxMs?: number
  /** One attempt's limit. @default 15000 */
  timeoutMs?: number
  /** Attempts at the same time. @default 8 */
  parallelMax?: number
  /** With so many connections, `lonely` targets rest. @default 8 */
  enoughPeers?: number
}

interface State {
  target: DialTarget
  failures: number
  timer: NodeJS.Timeout | undefined
  dialling: boolean
  /** A person disconnected it: at rest until it connects again by other means. */
  held: boolean
}

export class Redialler {
  readonly #parts: RedialComponents
  readonly #minMs: number
  readonly #maxMs: number
  readonly #timeoutMs: number
  readonly #parallelMax: number
  readonly #enoughPeers: number
  readonly #states = new Map<string, State>()
  readonly #stopping = new AbortController()
  #running = 0

  constructor(parts: RedialComponents, init: RedialInit = {}) {
    this.#parts = parts
    this.#minMs = init.minMs ?? 1000
    this.#maxMs = init.maxMs ?? 60_000
    this.#timeoutMs = init.timeoutMs ?? 15_000
    this.#parallelMax = init.parallelMax ?? 8
    this.#enoughPeers = init.enoughPeers ?? 8
  }

  /** Dials at once, in the background. A target given again keeps its place; `always` wins. */
  add(target: DialTarget): void {
    const known = this.#states.get(target.key)
    if (known !== undefined) {
      if (target.keep === 'always') known.target = { ...known.target, ...target }
      known.held = false
      return
    }
    const fresh = { target, failures: 0, timer: undefined, dialling: false, held: false }
    this.#states.set(target.key, fresh)
    this.#schedule(fresh, 0)
  }

  connected(peerId: string): void {
    for (const state of this.#of(peerId)) {
      clearTimeout(state.timer)
      state.timer = undefined
      state.failures = 0
      state.held = false
    }
  }

  disconnected(peerId: string): void {
    for (const state of this.#of(peerId)) this.#later(state)
    // One connection less may mean too few.
    for (const state of this.#states.values()) {
      if (state.target.keep === 'lonely' && state.timer === undefined) this.#later(state)
    }
  }

  /** Until it connects again by other means, the peer is left alone. */
  hold(peerId: string): void {
    for (const state of this.#of(peerId)) {
      clearTimeout(state.timer)
      state.timer = undefined
      state.held = true
    }
  }

  stop(): void {
    this.#stopping.abort()
    for (const state of this.#states.values()) clearTimeout(state.timer)
    this.#states.clear()
  }

  #of(peerId: string): State[] {
    return [...this.#states.values()].filter(({ target }) => target.peerId === peerId)
  }

  #later(state: State): void {
    this.#schedule(state, backoffMs(state.failures, this.#minMs, this.#maxMs, this.#parts.random))
  }

  #schedule(state: State, ms: number): void {
    if (this.#stopping.signal.aborted || state.held || state.dialling) return
    clearTimeout(state.timer)
    state.timer = setTimeout(() => {
      state.timer = undefined
      void this.#attempt(state)
    }, ms)
  }

  async #attempt(state: State): Promise<void> {
    const { target } = state
    if (this.#isConnected(target)) return
    if (target.keep === 'lonely' && this.#parts.connectedCount() >= this.#enoughPeers) {
      return this.#schedule(state, this.#maxMs)
    }
    if (this.#running >= this.#parallelMax) return this.#schedule(state, this.#minMs)
    this.#running += 1
    state.dialling = true
    const { signal, done } = boundedSignal(this.#timeoutMs, this.#stopping.signal)
    try {
      target.peerId = await this.#parts.dial(target, signal)
      state.failures = 0
      this.#parts.log.info({ peer: target.peerId }, `connected to ${target.key}`)
    } catch (err) {
      state.failures += 1
      // Once for each outage, not once for each attempt.
      const say = state.failures === 1 && target.keep === 'always' ? 'warn' : 'debug'
      if (!this.#stopping.signal.aborted) {
        const { message } = err instanceof Error ? err : { message: String(err) }
        this.#parts.log[say]({ failures: state.failures }, `no connection yet: ${message}`)
      }
    } finally {
      done()
      this.#running -= 1
      state.dialling = false
      if (!this.#isConnected(target)) this.#later(state)
    }
  }

  #isConnected({ peerId }: DialTarget): boolean {
    return peerId !== undefined && this.#parts.isConnected(peerId)
  }
}
