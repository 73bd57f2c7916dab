/**
 * Who may send next: fair by bytes.
 *
 * Deficit round robin (Shreedhar and Varghese, 1995) over peers, so that one asking for a thousand
 * chunks gets no more of us than one asking for ten at the same time; a window on the bytes that
 * were granted and not yet taken over by the network, so that slow readers can't fill memory; a
 * token bucket where the person sets an upload limit.
 */
import type { AbortOptions } from '../base/index.js'

export interface FairInit {
  /**
   * Bytes granted and not yet released, all peers together; at most twice as many where each
   * peer holds only one chunk. @default 32 MiB
   */
  windowBytes?: number
  /** The same for one peer. @default 8 MiB */
  windowBytesPerPeer?: number
  /** Bytes a peer may take in each round. About a large chunk. @default 1 MiB */
  quantumBytes?: number
  /** Bytes per second over all peers; 0 is no limit. @default 0 */
  rateBytesPerSecondMax?: number
}

/** Room for some bytes. Released exactly once; a second release does nothing. */
export interface Grant {
  /** The true size, when it turned out to differ from the one asked for. */
  adjust(bytes: number): void
  release(): void
}

interface Waiting {
  bytes: number
  grant: () => void
}

interface Share {
  waiting: Set<Waiting>
  heldBytes: number
  deficitBytes: number
  /** It stands in the line of turns. */
  inTurns: boolean
}

// Tokens for so much time may be saved up: short enough that a capped node looks capped, long
// enough that a late timer loses nothing.
const BURST_MS = 50

export class FairScheduler {
  readonly #windowBytes: number
  readonly #windowBytesPerPeer: number
  readonly #quantumBytes: number
  #rate: number
  readonly #shares = new Map<string, Share>()
  /** Peers that wait, in the order of their turns. */
  readonly #turns: Share[] = []
  #heldBytes = 0
  #tokens = 0
  #tokensAtMs = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(init: FairInit = {}) {
    this.#windowBytes = init.windowBytes ?? 32 * 1024 * 1024
    this.#windowBytesPerPeer = init.windowBytesPerPeer ?? 8 * 1024 * 1024
    this.#quantumBytes = init.quantumBytes ?? 1024 * 1024
    this.#rate = init.rateBytesPerSecondMax ?? 0
  }

  /** Bytes granted and not released. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** 0 is no limit. */
  setRate(bytesPerSecondMax: number): void {
    this.#rate = bytesPerSecondMax
    this.#tokens = Math.min(0, this.#tokens)
    this.#serve()
  }

  /** Waits for the peer's turn. Rejects with the signal's reason. */
  acquire(peer: string, bytes: number, options: AbortOptions = {}): Promise<Grant> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    const share = this.#share(peer)
    if (this.#turns.length === 0 && this.#fits(share, bytes) && this.#hasTokens()) {
      return Promise.resolve(this.#grant(peer, share, bytes))
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        share.waiting.delete(waiting)
        this.#forget(peer, share)
        reject(signal!.reason)
      }
      const waiting: Waiting = {
        bytes,
        grant: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve(this.#grant(peer, share, bytes))
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      if (!share.inTurns) this.#turns.push(share)
      share.inTurns = true
      share.waiting.add(waiting)
      this.#serve()
    })
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #grant(peer: string, share: Share, asked: number): Grant {
    let bytes = asked
    let released = false
    this.#take(share, bytes)
    return {
      adjust: (actual) => {
        if (released) return
        this.#take(share, actual - bytes)
        share.deficitBytes -= actual - bytes
        bytes = actual
        this.#serve()
      },
      release: () => {
        if (released) return
        released = true
        share.heldBytes -= bytes
        this.#heldBytes -= bytes
        this.#forget(peer, share)
        this.#serve()
      },
    }
  }

  #take(share: Share, bytes: number): void {
    share.heldBytes += bytes
    this.#heldBytes += bytes
    if (this.#rate > 0) this.#tokens -= bytes
  }

  #serve(): void {
    let idle = 0
    // A whole round without a grant or a deficit that grew: everybody waits for a release.
    while (this.#turns.length > 0 && idle < this.#turns.length) {
      const share = this.#turns[0]!
      const [next] = share.waiting
      if (next === undefined) {
        share.deficitBytes = 0
        share.inTurns = false
        this.#turns.shift()
        continue
      }
      if (!this.#fits(share, next.bytes)) {
        // What it can't take it doesn't save up either.
        this.#rotate()
        idle++
        continue
      }
      if (!this.#hasTokens()) return
      if (share.deficitBytes < next.bytes) {
        share.deficitBytes += this.#quantumBytes
        if (share.deficitBytes < next.bytes || this.#turns.length > 1) this.#rotate()
        idle = 0
        continue
      }
      share.deficitBytes -= next.bytes
      share.waiting.delete(next)
      next.grant()
      idle = 0
    }
  }

  #rotate(): void {
    if (this.#turns.length > 1) this.#turns.push(this.#turns.shift()!)
  }

  /**
   * A peer may hold as much as is still free (dynamic thresholds, Choudhury and Hahne 1998). A
   * second window is there only for first chunks, so that many peers that stopped reading, until
   * they are cut off, keep nobody else from being served.
   */
  #fits(share: Share, bytes: number): boolean {
    if (this.#heldBytes === 0) return true
    if (share.heldBytes === 0) return this.#heldBytes + bytes <= 2 * this.#windowBytes
    const free = this.#windowBytes - this.#heldBytes
    return share.heldBytes + bytes <= Math.min(this.#windowBytesPerPeer, free)
  }

  /** Otherwise sees to it that the queue is looked at again when there are some. */
  #hasTokens(): boolean {
    if (this.#rate <= 0) return true
    const now = performance.now()
    const burst = (this.#rate * BURST_MS) / 1000
    const earned = ((now - this.#tokensAtMs) * this.#rate) / 1000
    this.#tokens = Math.min(burst, this.#tokens + earned)
    this.#tokensAtMs = now
    if (this.#tokens > 0) return true
    if (this.#timer === undefined) {
      const waitMs = Math.max(1, Math.ceil((-this.#tokens * 1000) / this.#rate))
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#serve()
      }, waitMs)
      this.#timer.unref()
    }
    return false
  }

  #share(peer: string): Share {
    let share = this.#shares.get(peer)
    if (share === undefined) {
      share = { waiting: new Set(), heldBytes: 0, deficitBytes: 0, inTurns: false }
      this.#shares.set(peer, share)
    }
    return share
  }

  #forget(peer: string, share: Share): void {
    if (share.heldBytes > 0 || share.waiting.size > 0) return
    if (this.#shares.get(peer) === share) this.#shares.delete(peer)
  }
}
