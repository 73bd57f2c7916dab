/** The asking side of the exchange. */
import type { CID } from 'multiformats/cid'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, type Part } from '../base/index.js'
import { digestOf } from '../content/index.js'
import { CallClient, type CallOptions, type StreamOpener } from '../network/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { NewChunk } from '../store/index.js'
import {
  decodeHasReply,
  decodeReplicateReply,
  decodeStoreReply,
  encodeHasRequest,
  encodeReplicateRequest,
  encodeRetrieveRequest,
  encodeStoreRequest,
  HAS_DIGESTS_MAX,
  type PeerAddress,
  type Replicated,
} from './codec.js'
import { CHUNK_BODY_BYTES_MAX, EXCHANGE_PROTOCOL, METHOD } from './protocol.js'

export interface ChunkClientComponents {
  streams: StreamOpener
  log: Log
  metrics?: Metrics
}

export interface ChunkClientInit {
  /** Requests on the way to one peer. @default 128 */
  maxInFlightPerPeer?: number
  /** Deadline of `has`, `retrieve` and `store` where the call names none. @default 30_000 */
  timeoutMs?: number
  /** Deadline for opening a stream, dialling included. @default 10_000 */
  openTimeoutMs?: number
}

export type ExchangeOptions = Pick<CallOptions, 'signal' | 'timeoutMs' | 'requestId' | 'traceId'>

// A replicate fetches a whole file or folder at the other end.
const REPLICATE_TIMEOUT_MS = 60 * 60 * 1000

/**
 * Single questions to single peers. Errors are the peer's own (see `ChunkServer`) or those of
 * `CallClient`. For fetching content from whoever has it, see `FetchSession`.
 */
export class ChunkClient implements Part {
  readonly serviceId = 'exchange-client'
  readonly #calls: CallClient

  constructor(components: ChunkClientComponents, init: ChunkClientInit = {}) {
    const { streams, log, metrics } = components
    this.#calls = new CallClient(
      {
        streams,
        log: log.child({ component: 'exchange' }),
        ...(metrics === undefined ? {} : { metrics }),
      },
      { protocol: EXCHANGE_PROTOCOL, maxBodyBytes: CHUNK_BODY_BYTES_MAX, ...init },
    )
  }

  async start(): Promise<void> {
    await this.#calls.start()
  }

  async stop(): Promise<void> {
    await this.#calls.stop()
  }

  /** Which of the CIDs the peer has, in their order. */
  async has(peer: string, cids: readonly CID[], options: ExchangeOptions = {}): Promise<boolean[]> {
    const present: boolean[] = []
    for (let from = 0; from < cids.length; from += HAS_DIGESTS_MAX) {
      const batch = cids.slice(from, from + HAS_DIGESTS_MAX).map(digestOf)
      const payload = encodeHasRequest(batch)
      const reply = await this.#calls.call(peer, METHOD.has, { payload }, noBody(options))
      present.push(...decodeHasReply(reply.payload, batch.length))
    }
    return present
  }

  /**
   * The peer's bytes under that name, at most `sizeMaxBytes` of them, as network pieces: nothing
   * is copied and nothing is verified.
   */
  async retrieve(
    peer: string,
    cid: CID,
    sizeMaxBytes: number,
    options: ExchangeOptions = {},
  ): Promise<Uint8ArrayList> {
    const limit = Math.min(sizeMaxBytes, CHUNK_BODY_BYTES_MAX)
    const payload = encodeRetrieveRequest(digestOf(cid), limit)
    const replyBodyBytesMax = limit
    const reply = await this.#calls.call(
      peer,
      METHOD.retrieve,
      { payload },
      { ...options, replyBodyBytesMax },
    )
    return reply.body
  }

  /**
   * As {@link ChunkClient.retrieve}, put into `into` as they come: faster, as no network buffer is
   * kept. Resolves with their number. After an abort nothing more is written.
   */
  async retrieveInto(
    peer: string,
    cid: CID,
    into: Uint8Array,
    options: ExchangeOptions = {},
  ): Promise<number> {
    const limit = Math.min(into.byteLength, CHUNK_BODY_BYTES_MAX)
    const reply = await this.#calls.call(
      peer,
      METHOD.retrieve,
      { payload: encodeRetrieveRequest(digestOf(cid), limit) },
      { ...options, replyBodyBytesMax: limit, replyInto: into },
    )
    return reply.bodyBytes
  }

  /** Bytes that came from the peer on the open stream: a sign of life between whole chunks. */
  receivedBytes(peer: string): number {
    return this.#calls.receivedBytes(peer)
  }

  /** Resolves when the peer's disk has the chunk. Shared memory is copied, so it may be reused. */
  async store(
    peer: string,
    chunk: NewChunk,
    options: ExchangeOptions = {},
  ): Promise<{ stored: boolean }> {
    const { digest, kind } = chunk
    if (chunk.bytes.byteLength > CHUNK_BODY_BYTES_MAX) {
      throw new DpsError('INVALID_ARGUMENT', `a chunk of ${chunk.bytes.byteLength} bytes`)
    }
    // An aborted call may leave its frame half sent: its rest must not change under it.
    const shared = chunk.bytes.buffer instanceof SharedArrayBuffer
    const body = shared ? new Uint8Array(chunk.bytes) : chunk.bytes
    const payload = encodeStoreRequest(digest, kind)
    const reply = await this.#calls.call(peer, METHOD.store, { payload, body }, noBody(options))
    return decodeStoreReply(reply.payload)
  }

  /** Has the peer fetch all that is under the CID from another, and resolves when it has. */
  async replicate(
    peer: string,
    cid: CID,
    from: PeerAddress,
    options: ExchangeOptions = {},
  ): Promise<Replicated> {
    const payload = encodeReplicateRequest(cid, from)
    const reply = await this.#calls.call(
      peer,
      METHOD.replicate,
      { payload },
      noBody({ timeoutMs: REPLICATE_TIMEOUT_MS, ...options }),
    )
    return decodeReplicateReply(reply.payload)
  }
}

function noBody(options: ExchangeOptions): CallOptions {
  return { ...options, replyBodyBytesMax: 0 }
}
