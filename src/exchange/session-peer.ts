/** One provider within a fetch session: how fast it is, and how much is on the way from it. */
import { MAX_CHUNK_BYTES } from '../content/index.js'

// Before anything is known: enough to keep a fast peer busy for a round trip, little enough that
// a peer which never answers holds up only a few chunks.
const WINDOW_START_BYTES = 1024 * 1024
// Keeps a loopback or LAN pipe full whatever the estimate says, where the peer is fast.
const WINDOW_FLOOR_BYTES = 4 * 1024 * 1024
// 16 MiB cover 1.6 Gbit/s at 80 ms.
const WINDOW_MAX_BYTES = 16 * 1024 * 1024
// A full window is filled again from here on, so that several requests leave at once: one packet,
// one turn of the peer's event loop and one look into its index for all (a third fewer wake-ups
// of threads there).
const WINDOW_REFILL = 0.75
// More than so much of a slow peer's time in the queue only makes its chunks late.
const WINDOW_FLOOR_SECONDS = 0.25

const RATE_WEIGHT = 0.25
// Lets the shortest round trip be forgotten: paths change.
const LATENCY_GROWTH = 1.005

// What is expected of a peer that has only failed so far: anybody else goes first.
const DOUBTED_MS = 2_000

const FAILURES_MAX = 3
const BACKOFF_MS = 250
const BACKOFF_MS_MAX = 10_000

export interface Sample {
  sentMs: number
  deliveredBefore: number
}

export class SessionPeer {
  readonly peerId: string
  readonly addrs: string[]
  inFlight = 0
  inFlightBytes = 0
  deliveredBytes = 0
  /** Not asked again in this session. */
  dropped = false
  /** It never answered: nobody can say what it has. */
  reached = false
  /** A request of it is overdue: it gets no more than one until it delivers. */
  suspect = false
  #full = false
  #failures = 0
  #restsUntilMs = 0
  #bytesPerMs = 0
  #latencyMs = Number.POSITIVE_INFINITY
  #deliveredAtMs = 0

  constructor(peerId: string, addrs: string[]) {
    this.peerId = peerId
    this.addrs = addrs
  }

  get bytesPerMs(): number {
    return this.#bytesPerMs
  }

  /** Bandwidth times delay, doubled so that it can grow (the start-up of BBR). */
  get windowBytes(): number {
    if (this.suspect) return 1
    if (this.#bytesPerMs === 0) return WINDOW_START_BYTES
    const floor = Math.min(WINDOW_FLOOR_BYTES, this.#bytesPerMs * 1000 * WINDOW_FLOOR_SECONDS)
    const wanted = 2 * this.#bytesPerMs * this.#latencyMs
    return Math.min(WINDOW_MAX_BYTES, Math.max(floor, wanted))
  }

  /** At least one request always fits. */
  hasRoom(bytes: number): boolean {
    if (this.inFlight === 0) return true
    const windowBytes = this.#full ? WINDOW_REFILL * this.windowBytes : this.windowBytes
    this.#full = this.inFlightBytes + bytes > windowBytes
    return !this.#full
  }

  /** How long a request sent now should take, in milliseconds. 0: nothing is known yet. */
  expectedMs(bytes: number): number {
    if (this.#bytesPerMs === 0) return this.#failures > 0 || this.suspect ? DOUBTED_MS : 0
    return (this.inFlightBytes + bytes) / this.#bytesPerMs + this.#latencyMs
  }

  resting(nowMs: number): boolean {
    return nowMs < this.#restsUntilMs
  }

  get restsUntilMs(): number {
    return this.#restsUntilMs
  }

  began(bytes: number, nowMs: number): Sample {
    // After a pause the time without requests must not count as slowness.
    if (this.inFlight === 0) this.#deliveredAtMs = nowMs
    this.inFlight++
    this.inFlightBytes += bytes
    return { sentMs: nowMs, deliveredBefore: this.deliveredBytes }
  }

  ended(bytes: number): void {
    this.inFlight--
    this.inFlightBytes -= bytes
  }

  delivered(bytes: number, sample: Sample, nowMs: number): void {
    const elapsedMs = Math.max(0.05, nowMs - sample.sentMs)
    this.deliveredBytes += bytes
    this.reached = true
    this.suspect = false
    this.#failures = 0
    this.#restsUntilMs = 0
    this.#latencyMs = Math.min(elapsedMs, this.#latencyMs * LATENCY_GROWTH)
    // What arrived while the request was on its way, others' chunks included, in that time.
    const rate = (this.deliveredBytes - sample.deliveredBefore) / elapsedMs
    this.#bytesPerMs =
      this.#bytesPerMs === 0 ? rate : this.#bytesPerMs + RATE_WEIGHT * (rate - this.#bytesPerMs)
    this.#deliveredAtMs = nowMs
  }

  /** When bytes last came, or were first asked for after a pause. */
  get deliveredAtMs(): number {
    return this.#deliveredAtMs
  }

  /** An answer without bytes: it is there. */
  answered(): void {
    this.reached = true
    this.#failures = 0
  }

  /** Rests for a while, longer each time. True when it has failed too often in a row. */
  failed(nowMs: number): boolean {
    this.#failures++
    this.rest(Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (this.#failures - 1)), nowMs)
    return this.#failures >= FAILURES_MAX
  }

  rest(ms: number, nowMs: number): void {
    this.#restsUntilMs = Math.max(this.#restsUntilMs, nowMs + ms)
  }

  /** A second chance, when nobody else is left. */
  revive(): void {
    this.dropped = false
    this.suspect = false
    this.#failures = 0
    this.#restsUntilMs = 0
  }
}

/** What a request is counted with when the chunk's size is not known. */
export const SIZE_GUESS_BYTES = 256 * 1024
export const SIZE_MAX_BYTES = MAX_CHUNK_BYTES
