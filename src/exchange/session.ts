/** Fetches chunks from everybody who has them, and verifies each. */
import { setMaxListeners } from 'node:events'
import type { CID } from 'multiformats/cid'
import type { Uint8ArrayList } from 'uint8arraylist'
import { type AbortOptions, DpsError, toDpsError } from '../base/index.js'
import { compareDigests, digestOf, formatCid, type HashPool } from '../content/index.js'
import { PeerViolationError } from '../network/index.js'
import { type Log, silentLog } from '../observability/index.js'
import type { ChunkClient } from './client.js'
import type { PeerAddress } from './codec.js'
import type { Reputation } from './reputation.js'
import { copyInto } from './server.js'
import { type Attempt, Job, type Received } from './session-job.js'
import { type SessionPeer, SIZE_GUESS_BYTES, SIZE_MAX_BYTES } from './session-peer.js'
import { type FindProviders, SessionProviders } from './session-providers.js'

export interface ChunkRef {
  cid: CID
  /** What the manifest says; bytes of another length are a lie. */
  sizeBytes?: number
}

export interface FetchSessionComponents {
  client: Pick<ChunkClient, 'retrieve' | 'retrieveInto' | 'receivedBytes'>
  hashes: Pick<HashPool, 'digest'>
  reputation: Reputation
  /** Makes sure of a connection before a peer is asked. @default the first request dials */
  connect?: (provider: PeerAddress, options: AbortOptions) => Promise<unknown>
  log?: Log
}

export interface FetchSessionInit {
  /** The content all chunks belong to. Its providers are asked before the DHT is asked again. */
  root: CID
  findProviders: FindProviders
  /** Without a byte from anybody for so long, a fetch fails. @default 30_000 */
  patienceMs?: number
  /** One request to one peer. @default 120_000 */
  requestTimeoutMs?: number
  /** A request is hedged after three times what it should take, and not before this. @default 150 */
  hedgeMsMin?: number
  requestId?: string
}

const TICK_MS = 50
const HEDGE_FACTOR = 3
// A peer of which nothing is known gets so long until its requests are given to others too.
const UNKNOWN_EXPECTED_MS = 200
const HEDGES_MAX = 16
const SEARCH_BACKOFF_MS = 500
const SEARCH_BACKOFF_MS_MAX = 5_000
// Providers that announced themselves meanwhile join a long fetch.
const SEARCH_AGAIN_MS = 30_000
// A peer whose queue is full is worth waiting for unless another answers within twice its time.
const SLOWER_FACTOR = 2

/**
 * One session for one root. `fetch` may be called for many chunks at once; they are asked for in
 * the order of the calls, spread over the providers by what each has shown it can do.
 *
 * Failure semantics. A peer that fails is rested and then dropped; one that sends wrong bytes or
 * breaks the protocol is dropped and remembered; its chunks are asked for elsewhere. The fetch
 * itself fails with NOT_FOUND when nobody who has the chunk was found in time, UNAVAILABLE when
 * providers are known but gave nothing, `signal.reason` when aborted. Nothing is retried after
 * that. Unverified bytes may stand in `into` after a failure.
 */
export class FetchSession {
  readonly #components: FetchSessionComponents
  readonly #init: Required<Omit<FetchSessionInit, 'requestId'>> & { requestId?: string }
  readonly #log: Log
  readonly #providers: SessionProviders
  readonly #closing = new AbortController()
  /** Unsettled, in the order asked for. */
  readonly #jobs = new Set<Job>()
  /** Jobs that nobody works on, in the order asked for. */
  readonly #queue: Job[] = []
  readonly #used = new Set<string>()
  #nextOrder = 0
  #hedges = 0
  #timer: NodeJS.Timeout | undefined
  #pumping = false
  #progressMs = 0
  #searchedMs = 0
  #searchBackoffMs = SEARCH_BACKOFF_MS
  readonly #receivedBytes = new Map<string, number>()

  constructor(components: FetchSessionComponents, init: FetchSessionInit) {
    this.#components = components
    this.#init = { patienceMs: 30_000, requestTimeoutMs: 120_000, hedgeMsMin: 150, ...init }
    this.#log = (components.log ?? silentLog).child({
      component: 'exchange',
      ...(init.requestId === undefined ? {} : { request_id: init.requestId }),
    })
    this.#providers = new SessionProviders(
      {
        reputation: components.reputation,
        findProviders: init.findProviders,
        connect: components.connect,
        onChange: () => this.#pump(),
        onRoot: (peer, root) => this.#rootCame(peer, root),
      },
      { root: init.root, signal: this.#closing.signal },
    )
  }

  /**
   * The chunk's bytes, verified. They are put at the start of `into` where it is given (shared
   * memory is hashed off this thread), and the returned view is on it; `into` must not be reused
   * before this settles.
   */
  fetch(ref: ChunkRef, into?: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    const sizeMaxBytes = ref.sizeBytes ?? into?.byteLength ?? SIZE_MAX_BYTES
    if (into !== undefined && sizeMaxBytes > into.byteLength) {
      const what = `a chunk of ${sizeMaxBytes} bytes into ${into.byteLength}`
      return Promise.reject(new DpsError('INVALID_ARGUMENT', what))
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#fail(job, signal!.reason)
      const job = new Job({
        order: this.#nextOrder++,
        cid: ref.cid,
        sizeBytes: ref.sizeBytes,
        sizeMaxBytes,
        countedBytes: ref.sizeBytes ?? Math.min(SIZE_GUESS_BYTES, sizeMaxBytes),
        into,
        startedMs: performance.now(),
        settle: (bytes, reason) => {
          signal?.removeEventListener('abort', onAbort)
          if (bytes !== undefined) resolve(bytes)
          else reject(reason)
        },
      })
      if (signal !== undefined) {
        // One signal for all chunks of a file is the usual case, and no leak.
        setMaxListeners(0, signal)
        signal.addEventListener('abort', onAbort, { once: true })
      }
      this.#begin(job)
    })
  }

  /** Peers that gave bytes. */
  peers(): string[] {
    return [...this.#used]
  }

  /** Cancels everything under way. */
  close(): void {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(closed())
    for (const job of [...this.#jobs]) this.#fail(job, closed())
    clearInterval(this.#timer)
  }

  #begin(job: Job): void {
    if (this.#jobs.size === 0) this.#progressMs = job.startedMs
    this.#jobs.add(job)
    this.#queue.push(job)
    if (this.#searchedMs === 0) this.#search(job.startedMs)
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#tick(), TICK_MS)
    }
    this.#pump()
  }

  #search(nowMs: number): void {
    this.#searchedMs = nowMs
    this.#providers.search()
  }

  /** Gives waiting jobs to peers with room, in order. */
  #pump(): void {
    if (this.#pumping || this.#closing.signal.aborted) return
    this.#pumping = true
    const now = performance.now()
    for (let at = 0; at < this.#queue.length; ) {
      const job = this.#queue[at]!
      const peer = this.#choose(job, now)
      if (peer === undefined) {
        at++
        this.#lookUpWhenStuck(job)
        // The rest of the queue is not better off, unless this one was refused by everybody.
        if (job.absent.size === 0) break
        continue
      }
      this.#queue.splice(at, 1)
      this.#attempt(job, peer, false, now)
    }
    this.#pumping = false
  }

  /** The peer that should answer first, if it has room or nothing else comes near it. */
  #choose(job: Job, nowMs: number): SessionPeer | undefined {
    let best: SessionPeer | undefined
    let bestMs = Number.POSITIVE_INFINITY
    let free: SessionPeer | undefined
    let freeMs = Number.POSITIVE_INFINITY
    for (const peer of this.#providers.all()) {
      if (peer.dropped || peer.resting(nowMs)) continue
      if (job.absent.has(peer) || job.attempts.has(peer)) continue
      const expected = peer.expectedMs(job.countedBytes)
      if (expected < bestMs || (expected === bestMs && peer.inFlight < best!.inFlight)) {
        best = peer
        bestMs = expected
      }
      if (!peer.hasRoom(job.countedBytes)) continue
      if (expected < freeMs || (expected === freeMs && peer.inFlight < free!.inFlight)) {
        free = peer
        freeMs = expected
      }
    }
    return free !== undefined && (free === best || freeMs <= SLOWER_FACTOR * bestMs)
      ? free
      : undefined
  }

  /** None of the root's providers has it: ask who has this very chunk. */
  #lookUpWhenStuck(job: Job): void {
    if (this.#providers.hopeful || job.lookup !== 'none' || this.#possible(job)) return
    const looking = this.#providers.lookup(job.cid)
    if (looking === undefined) return
    job.lookup = 'running'
    void looking.then(() => {
      job.lookup = 'done'
      this.#pump()
    })
  }

  /** A peer that is resting or busy now may still give it. */
  #possible(job: Job): boolean {
    for (const peer of this.#providers.all()) {
      if (!peer.dropped && !job.absent.has(peer)) return true
    }
    return false
  }

  #attempt(job: Job, peer: SessionPeer, hedge: boolean, nowMs: number): void {
    const { client } = this.#components
    const controller = new AbortController()
    const expectedMs = peer.expectedMs(job.countedBytes) || UNKNOWN_EXPECTED_MS
    const sample = peer.began(job.countedBytes, nowMs)
    const direct = job.into !== undefined && !job.hasDirect
    const attempt: Attempt = { peer, controller, sample, expectedMs, hedge, direct }
    job.attempts.set(peer, attempt)
    if (hedge) this.#hedges++
    const ended = () => {
      job.attempts.delete(peer)
      peer.ended(job.countedBytes)
      if (hedge) this.#hedges--
    }
    const options = {
      signal: controller.signal,
      timeoutMs: this.#init.requestTimeoutMs,
      ...(this.#init.requestId === undefined ? {} : { requestId: this.#init.requestId }),
    }
    const answer: Promise<Uint8ArrayList | number> = direct
      ? client.retrieveInto(peer.peerId, job.cid, job.into!.subarray(0, job.sizeMaxBytes), options)
      : client.retrieve(peer.peerId, job.cid, job.sizeMaxBytes, options)
    answer.then(
      (got) => {
        ended()
        const now = performance.now()
        const pieces = typeof got === 'number' ? undefined : got
        const size = typeof got === 'number' ? got : got.byteLength
        peer.delivered(size, sample, now)
        this.#progressMs = now
        this.#received(job, { peer, pieces, sizeBytes: size })
        this.#pump()
      },
      (error) => {
        ended()
        if (!controller.signal.aborted) this.#attemptFailed(job, peer, error)
        this.#pump()
      },
    )
  }

  /** A provider gave the content's first block when it was asked whether it has it. */
  #rootCame(peer: SessionPeer, root: Uint8ArrayList): void {
    peer.answered()
    for (const job of this.#jobs) {
      if (!job.cid.equals(this.#init.root)) continue
      const queued = this.#queue.indexOf(job)
      if (queued !== -1) this.#queue.splice(queued, 1)
      this.#received(job, { peer, pieces: root, sizeBytes: root.byteLength })
      return
    }
  }

  #received(job: Job, received: Received): void {
    if (job.settled) return
    // A second answer to a hedged request waits until the first is known to be true or false.
    if (job.verifying) job.spares.push(received)
    else void this.#verify(job, received)
  }

  /** Where to hash what came: `into`, unless another attempt is writing there. */
  #placed(job: Job, { pieces, sizeBytes }: Received): Uint8Array {
    const { into } = job
    if (pieces === undefined) return into!.subarray(0, sizeBytes)
    const bytes =
      into === undefined
        ? new Uint8Array(sizeBytes)
        : job.hasDirect
          ? new Uint8Array(new SharedArrayBuffer(sizeBytes))
          : into.subarray(0, sizeBytes)
    copyInto(bytes, pieces)
    return bytes
  }

  async #verify(job: Job, received: Received): Promise<void> {
    const { peer } = received
    let matches = job.sizeBytes === undefined || received.sizeBytes === job.sizeBytes
    if (matches) {
      const bytes = this.#placed(job, received)
      job.verifying = true
      try {
        const digest = await this.#components.hashes.digest(bytes)
        matches = compareDigests(digest, digestOf(job.cid)) === 0
      } catch (error) {
        // Our own hasher failed: that says nothing about the peer.
        return this.#fail(job, error)
      } finally {
        job.verifying = false
      }
      // Given up meanwhile: the buffer may be somebody else's already, and judges nobody.
      if (job.settled) return
      if (matches) {
        this.#used.add(peer.peerId)
        return this.#settle(job, bytes)
      }
    }
    this.#drop(peer, 'lied', `sent bytes that are not ${formatCid(job.cid)}`)
    const spare = job.spares.shift()
    if (spare !== undefined) return this.#verify(job, spare)
    this.#requeue(job)
    this.#pump()
  }

  #attemptFailed(job: Job, peer: SessionPeer, thrown: unknown): void {
    const error = toDpsError(thrown)
    job.lastError = error
    if (error instanceof PeerViolationError) {
      this.#drop(peer, 'broke', error.message)
    } else {
      switch (error.code) {
        case 'NOT_FOUND':
        case 'DATA_LOSS':
        case 'RESOURCE_EXHAUSTED':
        case 'INVALID_ARGUMENT':
          // An honest answer: this peer can't give this chunk.
          peer.answered()
          job.absent.add(peer)
          break
        case 'PERMISSION_DENIED':
        case 'UNAUTHENTICATED':
        case 'UNIMPLEMENTED':
          peer.answered()
          this.#providers.drop(peer)
          break
        default:
          this.#peerFailed(peer, error.message)
      }
    }
    this.#requeue(job)
  }

  #peerFailed(peer: SessionPeer, why: string): void {
    if (peer.dropped) return
    if (peer.failed(performance.now())) this.#drop(peer, 'failed', why)
  }

  #drop(peer: SessionPeer, offence: 'lied' | 'broke' | 'failed', why: string): void {
    this.#components.reputation.report(peer.peerId, offence)
    if (peer.dropped) return
    const level = offence === 'failed' ? 'debug' : 'warn'
    this.#log[level]({ peer: peer.peerId, why }, 'a provider was dropped')
    this.#providers.drop(peer)
  }

  #requeue(job: Job): void {
    if (job.settled || job.verifying || job.attempts.size > 0 || this.#queue.includes(job)) return
    const behind = this.#queue.findIndex((each) => each.order > job.order)
    this.#queue.splice(behind === -1 ? this.#queue.length : behind, 0, job)
  }

  #settle(job: Job, bytes: Uint8Array | undefined, reason?: unknown): void {
    if (job.settled) return
    job.settled = true
    this.#jobs.delete(job)
    const queued = this.#queue.indexOf(job)
    if (queued !== -1) this.#queue.splice(queued, 1)
    const now = performance.now()
    for (const attempt of job.attempts.values()) {
      // It was overtaken by a hedge and had sent nothing at all since it was asked.
      const silent = attempt.peer.deliveredAtMs <= attempt.sample.sentMs
      if (bytes !== undefined && !attempt.hedge && this.#overdue(attempt, now) && silent) {
        this.#peerFailed(attempt.peer, 'it did not answer')
      }
      attempt.controller.abort(new DpsError('CANCELLED', 'no longer needed'))
    }
    if (this.#jobs.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    // No attempt can write to `into` any more: what was verified beside it goes there now.
    const { into } = job
    if (bytes === undefined || into === undefined || bytes.buffer === into.buffer) {
      job.settle(bytes, reason)
    } else {
      into.set(bytes)
      job.settle(into.subarray(0, bytes.byteLength), reason)
    }
  }

  #fail(job: Job, reason: unknown): void {
    this.#settle(job, undefined, reason)
  }

  #overdue(attempt: Attempt, nowMs: number): boolean {
    const limit = Math.max(this.#init.hedgeMsMin, HEDGE_FACTOR * attempt.expectedMs)
    return nowMs - attempt.sample.sentMs > limit
  }

  /** What can't be told by an answer: silence. */
  #tick(): void {
    const now = performance.now()
    this.#watchPeers(now)
    this.#providers.goOn()
    for (const job of this.#jobs) if (!job.verifying) this.#hedge(job, now)
    this.#searchAgain(now)
    if (now - this.#progressMs >= this.#init.patienceMs) {
      for (const job of [...this.#jobs]) {
        if (now - job.startedMs >= this.#init.patienceMs)
          this.#fail(job, this.#providers.verdict(job, this.#init.patienceMs))
      }
    }
    this.#pump()
  }

  /** Bytes of a chunk that is not complete yet are progress too, on slow lines. */
  #watchPeers(nowMs: number): void {
    for (const { peerId, inFlight } of this.#providers.all()) {
      if (inFlight === 0) continue
      const received = this.#components.client.receivedBytes(peerId)
      if (received !== this.#receivedBytes.get(peerId)) this.#progressMs = nowMs
      this.#receivedBytes.set(peerId, received)
    }
  }

  #hedge(job: Job, nowMs: number): void {
    if (job.attempts.size === 0 || this.#hedges >= HEDGES_MAX) return
    for (const attempt of job.attempts.values()) {
      if (!this.#overdue(attempt, nowMs)) return
    }
    for (const { peer, sample } of job.attempts.values()) {
      if (peer.deliveredAtMs <= sample.sentMs) peer.suspect = true
    }
    const other = this.#choose(job, nowMs)
    if (other === undefined) return
    this.#log.debug({ peer: other.peerId, cid: formatCid(job.cid) }, 'hedged a slow request')
    this.#attempt(job, other, true, nowMs)
  }

  #searchAgain(nowMs: number): void {
    const stuck = this.#queue.some((job) => job.lookup === 'done' && !this.#possible(job))
    const none = this.#providers.usable === 0
    if (this.#providers.hopeful) return
    const afterMs = stuck || none ? this.#searchBackoffMs : SEARCH_AGAIN_MS
    if (nowMs - this.#searchedMs < afterMs) return
    if (stuck || none) {
      this.#searchBackoffMs = Math.min(SEARCH_BACKOFF_MS_MAX, 2 * this.#searchBackoffMs)
      this.#providers.revive()
      for (const job of this.#queue) {
        // Who did not have it then may have it now.
        if (job.lookup === 'done') job.lookup = 'none'
        job.absent.clear()
      }
    }
    this.#search(nowMs)
  }
}

function closed(): DpsError {
  return new DpsError('CANCELLED', 'the fetch session is closed')
}
