/** The answering side of calls. */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, type Part } from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { CallHeader, RequestHeader } from './calls-codec.js'
import { CallLink } from './calls-link.js'
import { type CountCall, callMetrics } from './calls-metrics.js'
import { RunningCall } from './calls-running.js'
import { type Handler, PeerViolationError, type StreamOpener } from './calls-types.js'

export interface CallServerComponents {
  streams: StreamOpener
  log: Log
  metrics?: Metrics
}

/** What is known of a request before its body is taken in. */
export interface CallHead {
  peer: string
  method: string
  bodyBytes: number
}

export interface CallServerInit {
  protocol: string
  handlers: Record<string, Handler>
  /** Largest body of a request. */
  maxBodyBytes: number
  /** Throws what a request is to be refused with; its body is then not even kept. */
  admit?: (head: CallHead) => void
  /** Requests of one peer being worked on; the peer's further ones stay unread. @default 256 */
  maxInFlightPerPeer?: number
  /** Bytes of request bodies of one peer being worked on. @default 16 MiB */
  maxInFlightBytesPerPeer?: number
  /** A client needs one; more are left over by connections that are just going. @default 4 */
  maxStreamsPerPeer?: number
  /** Refused streams and broken ones within a minute until the peer is cut off. @default 64 */
  maxOffencesPerPeer?: number
  /** A stream on which nothing moves for so long although something waits is cut. @default 30_000 */
  stallTimeoutMs?: number
}

interface PeerState {
  links: Set<ServerLink>
  inFlight: number
  inFlightBytes: number
  offences: number
  offencesSinceMs: number
}

interface ServerLink {
  link: CallLink
  calls: Map<number, RunningCall>
  lastCallId: number
  ended: boolean
}

// Streams that may be on their way to being refused.
const REFUSED_STREAMS = 128

const OFFENCES_WINDOW_MS = 60_000

/**
 * Serves one protocol to every peer.
 *
 * A peer's requests are worked on side by side, up to its limits; beyond them its stream is not
 * read, so that it waits instead of us remembering. A peer that breaks the format, stalls or
 * opens streams without end loses its streams, and at last its connection; nobody else notices.
 */
export class CallServer implements Part {
  readonly serviceId: string
  readonly #components: CallServerComponents
  readonly #init: Required<CallServerInit>
  readonly #peers = new Map<string, PeerState>()
  readonly #count: CountCall
  #sweep: NodeJS.Timeout | undefined
  #stopped = true

  constructor(components: CallServerComponents, init: CallServerInit) {
    this.serviceId = `server ${init.protocol}`
    this.#components = components
    this.#init = {
      admit: () => {},
      maxInFlightPerPeer: 256,
      maxInFlightBytesPerPeer: 16 * 1024 * 1024,
      maxStreamsPerPeer: 4,
      maxOffencesPerPeer: 64,
      stallTimeoutMs: 30_000,
      ...init,
    }
    this.#count = callMetrics(components.metrics, 'server', init.protocol)
  }

  async start(): Promise<void> {
    this.#stopped = false
    const { protocol, maxStreamsPerPeer, stallTimeoutMs } = this.#init
    await this.#components.streams.handle(
      protocol,
      (stream, peerId) => this.#onStream(stream, peerId),
      // Far above our own limit, so that the refusals are ours, and counted.
      { maxInboundStreams: maxStreamsPerPeer + REFUSED_STREAMS, maxOutboundStreams: 8 },
    )
    this.#sweep = setInterval(() => this.#onSweep(), Math.max(10, stallTimeoutMs / 4))
    this.#sweep.unref()
  }

  /** Cuts every stream and aborts what runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#sweep)
    await this.#components.streams.unhandle(this.#init.protocol)
    const error = new DpsError('UNAVAILABLE', 'this node is stopping')
    for (const peer of this.#peers.values()) {
      for (const { link } of [...peer.links]) link.abort(error)
    }
    this.#peers.clear()
  }

  /** Requests being worked on. */
  get inFlight(): number {
    let sum = 0
    for (const peer of this.#peers.values()) sum += peer.inFlight
    return sum
  }

  #onStream(stream: Stream, peerId: string): void {
    const peer = this.#peer(peerId)
    if (this.#stopped || peer.links.size >= this.#init.maxStreamsPerPeer) {
      stream.abort(new DpsError('RESOURCE_EXHAUSTED', 'too many streams'))
      this.#offence(peerId, peer, 'opens streams without end')
      return
    }
    const link = new CallLink(stream, {
      peer: peerId,
      bodyBytesMax: this.#init.maxBodyBytes,
      onHeader: (header, bodyBytes) => this.#judge(peer, own, header, bodyBytes),
      onFrame: (header, body) => this.#onFrame(peer, own, header, body),
      onEnd: () => {
        own.ended = true
        this.#closeWhenDone(own)
      },
      onClosed: (error) => this.#onClosed(peerId, peer, own, error),
    })
    const own: ServerLink = { link, calls: new Map(), lastCallId: 0, ended: false }
    peer.links.add(own)
    // Over its limits on another stream: the new one is not read either.
    if (this.#full(peer)) link.reader.hold()
  }

  /** @throws DpsError INVALID_ARGUMENT where no honest client would send this */
  #judge(peer: PeerState, own: ServerLink, header: CallHeader, bodyBytes: number): 'keep' | 'drop' {
    if (header.kind !== 'request') {
      if (header.kind !== 'cancel' && header.kind !== 'credit') {
        throw new DpsError('INVALID_ARGUMENT', `a ${header.kind} from the asking side`)
      }
      if (bodyBytes > 0) throw new DpsError('INVALID_ARGUMENT', `a ${header.kind} with a body`)
      if (header.callId > own.lastCallId) {
        throw new DpsError('INVALID_ARGUMENT', `a ${header.kind} for a call that was never made`)
      }
      return 'keep'
    }
    if (header.callId <= own.lastCallId) {
      throw new DpsError('INVALID_ARGUMENT', `call ${header.callId} is made twice`)
    }
    own.lastCallId = header.callId
    const refusal = this.#refusal(own, header, bodyBytes)
    this.#begin(peer, own, header, refusal === undefined ? bodyBytes : 0, refusal)
    return refusal === undefined ? 'keep' : 'drop'
  }

  #refusal(own: ServerLink, header: RequestHeader, bodyBytes: number): unknown {
    const { handlers, admit, protocol } = this.#init
    if (!Object.hasOwn(handlers, header.method)) {
      return new DpsError('UNIMPLEMENTED', `${protocol} has no method ${header.method}`)
    }
    try {
      admit({ peer: own.link.peer, method: header.method, bodyBytes })
    } catch (error) {
      return error
    }
    return undefined
  }

  #begin(
    peer: PeerState,
    own: ServerLink,
    header: RequestHeader,
    bytes: number,
    refusal: unknown,
  ): void {
    const startedMs = performance.now()
    const known = Object.hasOwn(this.#init.handlers, header.method)
    peer.inFlight++
    peer.inFlightBytes += bytes
    if (this.#full(peer)) for (const each of peer.links) each.link.reader.hold()
    const call = new RunningCall(own.link, header, {
      log: this.#components.log,
      onDone: (code) => {
        own.calls.delete(header.callId)
        this.#count(known ? header.method : 'unknown', code, performance.now() - startedMs)
        peer.inFlight--
        peer.inFlightBytes -= bytes
        if (!this.#full(peer)) for (const each of peer.links) each.link.reader.release()
        this.#closeWhenDone(own)
      },
    })
    own.calls.set(header.callId, call)
    if (refusal !== undefined) call.refuse(refusal)
  }

  #onFrame(_peer: PeerState, own: ServerLink, header: CallHeader, body: Uint8ArrayList): void {
    const call = own.calls.get(header.callId)
    // Answered, refused or cancelled meanwhile.
    if (call === undefined) return
    if (header.kind === 'request') call.run(this.#init.handlers[header.method]!, body)
    else if (header.kind === 'cancel') call.cancel(new DpsError('CANCELLED', 'the caller gave up'))
    else if (header.kind === 'credit') call.addCredit(header.credit)
  }

  #full(peer: PeerState): boolean {
    return (
      peer.inFlight >= this.#init.maxInFlightPerPeer ||
      peer.inFlightBytes >= this.#init.maxInFlightBytesPerPeer
    )
  }

  #closeWhenDone(own: ServerLink): void {
    if (own.ended && own.calls.size === 0) void own.link.close()
  }

  #onClosed(peerId: string, peer: PeerState, own: ServerLink, error: DpsError): void {
    peer.links.delete(own)
    for (const call of [...own.calls.values()]) call.cancel(error)
    if (error instanceof PeerViolationError) {
      this.#components.log.warn(
        { component: 'calls', peer: peerId, protocol: this.#init.protocol, err: error },
        'cut off a peer that broke the protocol',
      )
      this.#offence(peerId, peer, error.message)
    }
  }

  #offence(peerId: string, peer: PeerState, what: string): void {
    const now = performance.now()
    if (now - peer.offencesSinceMs > OFFENCES_WINDOW_MS) {
      peer.offences = 0
      peer.offencesSinceMs = now
    }
    peer.offences++
    if (peer.offences < this.#init.maxOffencesPerPeer) return
    peer.offences = 0
    this.#components.streams.cutOff?.(peerId, new PeerViolationError(peerId, what))
  }

  #peer(peerId: string): PeerState {
    let peer = this.#peers.get(peerId)
    if (peer === undefined) {
      peer = { links: new Set(), inFlight: 0, inFlightBytes: 0, offences: 0, offencesSinceMs: 0 }
      this.#peers.set(peerId, peer)
    }
    return peer
  }

  #onSweep(): void {
    const now = performance.now()
    for (const [peerId, peer] of this.#peers) {
      for (const { link } of [...peer.links]) link.checkStall(now, this.#init.stallTimeoutMs)
      const forgettable =
        peer.links.size === 0 &&
        peer.inFlight === 0 &&
        now - peer.offencesSinceMs > OFFENCES_WINDOW_MS
      if (forgettable) this.#peers.delete(peerId)
    }
  }
}
