/** The shapes that calls are made of; see `calls-client.ts` and `calls-server.ts`. */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { type AbortOptions, DpsError, type DpsErrorOptions } from '../base/index.js'

/** What the plumbing needs of a host: long-lived streams by peer and protocol. */
export interface StreamOpener {
  /**
   * A new stream to the peer, dialling it first when there is no connection.
   * @throws DpsError UNAVAILABLE (cannot be reached), UNIMPLEMENTED (does not speak the protocol)
   */
  openStream(peerId: string, protocol: string, options?: AbortOptions): Promise<Stream>
  /**
   * Serves a protocol. `onStream` is called once for each stream that a peer opens.
   *
   * @param options.ownConnection the connections on which it is opened carry nothing else from here on
   */
  handle(
    protocol: string,
    onStream: (stream: Stream, peerId: string) => void,
    options: { maxInboundStreams: number; maxOutboundStreams: number; ownConnection?: boolean },
  ): Promise<void>
  unhandle(protocol: string): Promise<void>
  /** Ends every connection to a peer that goes on breaking the protocol. */
  cutOff?(peerId: string, reason: DpsError): void
}

/** A request as its handler sees it. */
export interface Call {
  /** The caller's peer id, proven by the connection. */
  peer: string
  method: string
  /** The method's own message, still encoded. */
  payload: Uint8Array
  body: Uint8ArrayList
  /** Aborts when the caller cancels, its deadline passes, its stream ends or the server stops. */
  signal: AbortSignal
  /** The caller's name for the request, for logs on both sides. May be empty. */
  requestId: string
  traceId: string
  /** When the caller stops waiting: milliseconds on the monotonic clock. */
  deadlineMs: number
}

export interface Reply {
  payload: Uint8Array
  body?: Uint8Array | Uint8ArrayList
  /**
   * Called exactly once, when the reply's bytes are no longer held here: handed to the
   * connection, or dropped. What the bytes occupied is accounted until then.
   */
  onReleased?: () => void
}

/** A reply as its caller sees it. */
export interface Answer {
  payload: Uint8Array
  /** Pieces as they came from the network, not copied. Empty where `replyInto` took them. */
  body: Uint8ArrayList
  bodyBytes: number
}

/** Answers a request once, or in parts. A thrown `DpsError` reaches the caller with its code. */
export type Handler = (call: Call) => Promise<Reply> | AsyncIterable<Reply>

export interface CallRequest {
  payload?: Uint8Array
  body?: Uint8Array | Uint8ArrayList
}

export interface CallOptions extends AbortOptions {
  /** Until DEADLINE_EXCEEDED; what remains of it travels along. @default the client's */
  timeoutMs?: number
  /** The request's name in both sides' logs. @default a new one */
  requestId?: string
  traceId?: string
  /**
   * Takes the reply's body as it comes; `replyBodyBytesMax` must not exceed it. Only written to
   * while the call is unsettled. Not for streamed replies.
   */
  replyInto?: Uint8Array
  /** Bytes of body the reply may hold; counted as in flight; more is a violation. */
  replyBodyBytesMax?: number
}

/** What the plumbing logs to. A pino logger fits. */
export interface CallLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Counters that a node may expose; each is called on the hot path and must be cheap. */
export interface CallMetrics {
  /** A call ended. `side` says which end of it this node was. */
  ended?(
    side: 'client' | 'server',
    protocol: string,
    method: string,
    code: string,
    ms: number,
  ): void
  /** A peer broke the protocol and its stream was cut. */
  violation?(protocol: string, peer: string): void
}

/** The peer broke the protocol: its stream is cut, and it should be trusted less. */
export class PeerViolationError extends DpsError {
  readonly peer: string

  constructor(peer: string, what: string, options?: DpsErrorOptions) {
    super('UNAVAILABLE', `peer ${peer} broke the protocol: ${what}`, options)
    this.name = 'PeerViolationError'
    this.peer = peer
  }
}
