/** The asking side of calls: one long-lived stream for each peer, many requests in flight. */
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, type Part, toDpsError } from '../base/index.js'
import { type Log, type Metrics, newRequestId } from '../observability/index.js'
import type { CallHeader } from './calls-codec.js'
import { CREDIT_PARTS_MAX, TIMEOUT_MS_MAX } from './calls-codec.js'
import { CallLink } from './calls-link.js'
import { type CountCall, callMetrics } from './calls-metrics.js'
import { Outstanding, type OutstandingEvents, StreamedAnswer } from './calls-outstanding.js'
import {
  type Answer,
  type CallOptions,
  type CallRequest,
  PeerViolationError,
  type StreamOpener,
} from './calls-types.js'
import type { BodySink } from './frames.js'

export interface CallClientComponents {
  streams: StreamOpener
  log: Log
  metrics?: Metrics
}

export interface CallClientInit {
  protocol: string
  /** Largest body of a reply. */
  maxBodyBytes: number
  /**
   * Requests on the way to one peer; more wait here. Below the server's own limit, so that
   * cancelling never waits behind requests that the server does not read yet. @default 128
   */
  maxInFlightPerPeer?: number
  /** Bytes of request bodies and of expected reply bodies per peer. @default 64 MiB */
  maxInFlightBytesPerPeer?: number
  /** Deadline of a call that names none. @default 30_000 */
  timeoutMs?: number
  /** Deadline for opening a stream, dialling included. @default 10_000 */
  openTimeoutMs?: number
  /** A stream on which nothing moves for so long although something waits is cut. @default 30_000 */
  stallTimeoutMs?: number
  /** A stream without calls is closed after so long. @default 60_000 */
  idleTimeoutMs?: number
}

interface PeerState {
  link: CallLink | undefined
  opening: Promise<CallLink> | undefined
  calls: Map<number, Outstanding>
  nextCallId: number
  inFlight: number
  inFlightBytes: number
  waiting: Set<{ bytes: number; admit: () => void }>
  idleSinceMs: number
}

/**
 * Calls one protocol of other peers.
 *
 * Failure semantics. A call fails with the code the server gave; UNAVAILABLE when the peer can't
 * be reached or its stream breaks (whether the server acted is then unknown); DEADLINE_EXCEEDED
 * after `timeoutMs`, which covers opening and waiting too; `signal.reason` when aborted;
 * `PeerViolationError` when the peer broke the protocol. Nothing is retried here: only the
 * method's caller knows whether it may be. A cancelled or late call is cancelled at the server.
 */
export class CallClient implements Part {
  readonly serviceId: string
  readonly #components: CallClientComponents
  readonly #init: Required<CallClientInit>
  readonly #peers = new Map<string, PeerState>()
  readonly #count: CountCall
  #sweep: NodeJS.Timeout | undefined
  #stopped = false

  constructor(components: CallClientComponents, init: CallClientInit) {
    this.serviceId = `client ${init.protocol}`
    this.#components = components
    this.#init = {
      maxInFlightPerPeer: 128,
      maxInFlightBytesPerPeer: 64 * 1024 * 1024,
      timeoutMs: 30_000,
      openTimeoutMs: 10_000,
      stallTimeoutMs: 30_000,
      idleTimeoutMs: 60_000,
      ...init,
    }
    this.#count = callMetrics(components.metrics, 'client', init.protocol)
  }

  async start(): Promise<void> {
    this.#stopped = false
  }

  /** Cuts every stream; calls in flight fail with UNAVAILABLE. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#sweep)
    this.#sweep = undefined
    const error = new DpsError('UNAVAILABLE', 'this node is stopping')
    for (const peer of [...this.#peers.values()]) {
      peer.link?.abort(error)
      this.#failAll(peer, error)
    }
    this.#peers.clear()
  }

  /** One request, one reply. See the class for how it fails. */
  call(
    peerId: string,
    method: string,
    request: CallRequest = {},
    options: CallOptions = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#begin(peerId, method, request, options, 0, {
        onReply: (payload, body, bodyBytes) => resolve({ payload, body, bodyBytes }),
        onFailed: reject,
      })
    })
  }

  /**
   * One request, replies in order. At most `windowParts` replies (default 8) are on the way or
   * waiting to be taken, so that a slow consumer slows its server and nobody else. Leaving the
   * loop early cancels the call.
   */
  async *callStream(
    peerId: string,
    method: string,
    request: CallRequest = {},
    options: CallOptions & { windowParts?: number } = {},
  ): AsyncGenerator<Answer, void, undefined> {
    const window = Math.max(1, Math.min(options.windowParts ?? 8, CREDIT_PARTS_MAX))
    const answer = new StreamedAnswer(window)
    const call = this.#begin(peerId, method, request, options, window, {
      onPart: (payload, body) => answer.onPart(payload, body),
      onEnd: () => answer.onEnd(),
      onFailed: (reason) => answer.onFailed(reason),
      partsAllowed: () => answer.partsAllowed(),
    })
    try {
      for (let part = await answer.next(); part !== undefined; part = await answer.next()) {
        const credit = answer.takeCredit()
        if (credit > 0) call.sendCredit(credit)
        yield part
      }
    } finally {
      call.fail(new DpsError('CANCELLED', 'nobody reads on'))
    }
  }

  /** Peers with an open stream. */
  peers(): string[] {
    return [...this.#peers].filter(([, peer]) => peer.link?.usable).map(([peerId]) => peerId)
  }

  /** Bytes that came from the peer on its open stream; 0 without one. */
  receivedBytes(peerId: string): number {
    return this.#peers.get(peerId)?.link?.reader.receivedBytes ?? 0
  }

  #begin(
    peerId: string,
    method: string,
    request: CallRequest,
    options: CallOptions,
    credit: number,
    events: OutstandingEvents,
  ): Outstanding {
    const peer = this.#peer(peerId)
    const replyBytesMax = Math.min(
      options.replyBodyBytesMax ?? this.#init.maxBodyBytes,
      options.replyInto?.byteLength ?? this.#init.maxBodyBytes,
      this.#init.maxBodyBytes,
    )
    const call = new Outstanding({
      method,
      peerId,
      timeoutMs: Math.max(1, Math.min(options.timeoutMs ?? this.#init.timeoutMs, TIMEOUT_MS_MAX)),
      replyBytesMax,
      signal: options.signal,
      replyInto: options.replyInto,
      ...events,
    })
    const bytes =
      (request.body?.byteLength ?? 0) +
      // Parts are bounded by credit; a single reply by what the caller said it may be.
      (options.replyBodyBytesMax === undefined || credit > 0 ? 0 : replyBytesMax)
    let admitted = false
    const waiting = { bytes, admit: () => enter() }
    call.onSettled = (code, elapsedMs) => {
      this.#count(method, code, elapsedMs)
      if (call.callId > 0) peer.calls.delete(call.callId)
      if (admitted) this.#leave(peer, bytes)
      else if (peer.waiting.delete(waiting)) this.#admitWaiting(peer)
    }
    const enter = (): void => {
      if (call.settled) return
      admitted = true
      peer.inFlight++
      peer.inFlightBytes += bytes
      if (peer.link?.usable) this.#send(peer, peer.link, call, request, options, credit)
      else {
        this.#open(peerId, peer).then(
          (link) => this.#send(peer, link, call, request, options, credit),
          (error) => call.fail(error),
        )
      }
    }
    if (this.#stopped) call.fail(new DpsError('UNAVAILABLE', 'this node is stopping'))
    else if (!call.settled) {
      if (peer.waiting.size === 0 && this.#hasRoom(peer, bytes)) enter()
      else peer.waiting.add(waiting)
    }
    return call
  }

  #send(
    peer: PeerState,
    link: CallLink,
    call: Outstanding,
    request: CallRequest,
    options: CallOptions,
    credit: number,
  ): void {
    if (call.settled) return
    const callId = peer.nextCallId++
    peer.calls.set(callId, call)
    const requestId = options.requestId ?? newRequestId()
    call.sent(
      link,
      callId,
      link.send(
        {
          kind: 'request',
          callId,
          method: call.method,
          timeoutMs: call.remainingMs(),
          requestId,
          traceId: options.traceId ?? '',
          payload: request.payload ?? EMPTY,
          credit,
        },
        request.body,
      ),
    )
  }

  #open(peerId: string, peer: PeerState): Promise<CallLink> {
    if (peer.link?.usable) return Promise.resolve(peer.link)
    peer.opening ??= this.#openLink(peerId, peer).finally(() => {
      peer.opening = undefined
    })
    return peer.opening
  }

  async #openLink(peerId: string, peer: PeerState): Promise<CallLink> {
    const { protocol, openTimeoutMs, maxBodyBytes } = this.#init
    const signal = AbortSignal.timeout(openTimeoutMs)
    let stream: Awaited<ReturnType<StreamOpener['openStream']>>
    try {
      stream = await this.#components.streams.openStream(peerId, protocol, { signal })
    } catch (error) {
      if (signal.aborted) {
        throw new DpsError('UNAVAILABLE', `peer ${peerId} did not answer in ${openTimeoutMs} ms`, {
          cause: error,
        })
      }
      const known = toDpsError(error)
      if (known.code !== 'INTERNAL' && known.code !== 'CANCELLED') throw known
      throw new DpsError('UNAVAILABLE', `peer ${peerId} cannot be reached: ${known.message}`, {
        cause: error,
      })
    }
    const link: CallLink = new CallLink(stream, {
      peer: peerId,
      bodyBytesMax: maxBodyBytes,
      onHeader: (header, bodyBytes) => this.#judge(peer, header, bodyBytes),
      onFrame: (header, body, bytes) => this.#onFrame(peer, header, body, bytes),
      onEnd: () => void link.close(),
      onClosed: (error) => this.#onClosed(peerId, peer, link, error),
    })
    if (this.#stopped) {
      link.abort(new DpsError('UNAVAILABLE', 'this node is stopping'))
    } else if (!link.closed) {
      peer.link = link
      this.#watch()
    }
    return link
  }

  /** @throws DpsError INVALID_ARGUMENT where no honest server would send this */
  #judge(peer: PeerState, header: CallHeader, bodyBytes: number): 'drop' | 'keep' | BodySink {
    if (header.kind === 'request' || header.kind === 'cancel' || header.kind === 'credit') {
      throw new DpsError('INVALID_ARGUMENT', `a ${header.kind} from the serving side`)
    }
    if (header.callId >= peer.nextCallId) {
      throw new DpsError('INVALID_ARGUMENT', 'a reply to a call that was never made')
    }
    const call = peer.calls.get(header.callId)
    // The call was given up: its reply crossed with our cancel.
    if (call === undefined) return 'drop'
    call.judge(header.kind, bodyBytes)
    return (header.kind === 'reply' ? call.sink : undefined) ?? 'keep'
  }

  #onFrame(peer: PeerState, header: CallHeader, body: Uint8ArrayList, bodyBytes: number): void {
    const call = peer.calls.get(header.callId)
    if (call === undefined) return
    switch (header.kind) {
      case 'reply':
        call.reply(header.payload, body, bodyBytes)
        break
      case 'part':
        call.part(header.payload, body)
        break
      case 'end':
        call.end()
        break
      case 'error':
        call.fail(header.error, true)
        break
    }
  }

  #onClosed(peerId: string, peer: PeerState, link: CallLink, error: DpsError): void {
    if (error instanceof PeerViolationError) {
      this.#components.log.warn(
        { component: 'calls', peer: peerId, protocol: this.#init.protocol, err: error },
        'cut off a peer that broke the protocol',
      )
    }
    if (peer.link === link) peer.link = undefined
    const lost =
      error instanceof PeerViolationError
        ? error
        : new DpsError('UNAVAILABLE', `lost the stream to peer ${peerId}`, { cause: error })
    for (const call of [...peer.calls.values()]) if (call.link === link) call.fail(lost)
  }

  #failAll(peer: PeerState, error: DpsError): void {
    for (const call of [...peer.calls.values()]) call.fail(error)
  }

  #hasRoom(peer: PeerState, bytes: number): boolean {
    if (peer.inFlight === 0) return true
    return (
      peer.inFlight < this.#init.maxInFlightPerPeer &&
      peer.inFlightBytes + bytes <= this.#init.maxInFlightBytesPerPeer
    )
  }

  #leave(peer: PeerState, bytes: number): void {
    peer.inFlight--
    peer.inFlightBytes -= bytes
    if (peer.inFlight === 0) peer.idleSinceMs = performance.now()
    this.#admitWaiting(peer)
  }

  /** First come, first served: a large request is not overtaken for ever by small ones. */
  #admitWaiting(peer: PeerState): void {
    for (const waiting of peer.waiting) {
      if (!this.#hasRoom(peer, waiting.bytes)) return
      peer.waiting.delete(waiting)
      waiting.admit()
    }
  }

  #peer(peerId: string): PeerState {
    let peer = this.#peers.get(peerId)
    if (peer === undefined) {
      peer = {
        link: undefined,
        opening: undefined,
        calls: new Map(),
        nextCallId: 1,
        inFlight: 0,
        inFlightBytes: 0,
        waiting: new Set(),
        idleSinceMs: performance.now(),
      }
      this.#peers.set(peerId, peer)
      this.#watch()
    }
    return peer
  }

  /** One timer for all streams: stalls and idleness need no precision. */
  #watch(): void {
    if (this.#sweep !== undefined || this.#stopped) return
    const { stallTimeoutMs, idleTimeoutMs } = this.#init
    const everyMs = Math.max(10, Math.min(stallTimeoutMs, idleTimeoutMs) / 4)
    this.#sweep = setInterval(() => this.#onSweep(), everyMs)
    this.#sweep.unref()
  }

  #onSweep(): void {
    const now = performance.now()
    for (const [peerId, peer] of this.#peers) {
      peer.link?.checkStall(now, this.#init.stallTimeoutMs)
      const idle = peer.inFlight === 0 && peer.waiting.size === 0 && peer.opening === undefined
      if (!idle || now - peer.idleSinceMs < this.#init.idleTimeoutMs) continue
      void peer.link?.close()
      this.#peers.delete(peerId)
    }
    if (this.#peers.size === 0) {
      clearInterval(this.#sweep)
      this.#sweep = undefined
    }
  }
}

const EMPTY = new Uint8Array(0)
