/** The serving side of the exchange. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError, type Part } from '../base/index.js'
import { compareDigests, type HashPool } from '../content/index.js'
import { type Call, CallServer, type Reply, type StreamOpener } from '../network/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { ChunkStore } from '../store/index.js'
import {
  decodeHasRequest,
  decodeReplicateRequest,
  decodeRetrieveRequest,
  decodeStoreRequest,
  encodeHasReply,
  encodeReplicateReply,
  encodeStoreReply,
  type PeerAddress,
  type Replicated,
} from './codec.js'
import { FairScheduler } from './fair.js'
import { CHUNK_BODY_BYTES_MAX, EXCHANGE_PROTOCOL, METHOD } from './protocol.js'

export interface ChunkServerComponents {
  streams: StreamOpener
  store: Pick<ChunkStore, 'has' | 'get' | 'put' | 'barrier'>
  hashes: Pick<HashPool, 'digest'>
  /** Whether this peer may store here and ask for replication. Reading is free. */
  allowed(peer: string): boolean
  /**
   * Fetches all that is under the CID from the named peer and keeps it, durably.
   * @param by the peer that asked.
   */
  fetchFrom(
    from: PeerAddress,
    cid: CID,
    options: AbortOptions & { by: string; requestId: string },
  ): Promise<Replicated>
  log: Log
  metrics?: Metrics
}

export interface ChunkServerInit {
  /** Bytes per second sent as chunks, over all peers; 0 is no limit. @default 0 */
  rateBytesPerSecondMax?: number
  /** Bytes read from the store and not yet taken over by the network. @default 32 MiB */
  windowBytes?: number
  /** The same for one peer. @default 8 MiB */
  windowBytesPerPeer?: number
  /** Requests of one peer being worked on. @default 256 */
  maxInFlightPerPeer?: number
  /** @default 30_000 */
  stallTimeoutMs?: number
}

// What a retrieve is charged for until its chunk is read, when it doesn't say what it expects.
const RETRIEVE_BYTES_GUESS = 256 * 1024
const EMPTY = new Uint8Array(0)

/**
 * Serves `has` and `retrieve` to everybody, `store` and `replicate` to allowed peers.
 *
 * Failure semantics. `retrieve`: NOT_FOUND; DATA_LOSS when the record here is damaged. `store` is
 * idempotent; it is answered after the disk has the bytes; DATA_LOSS when they do not match their
 * digest, and then nothing is kept. `replicate` is idempotent and answers when the copy is
 * durable; a cancelled one may leave chunks that the collector frees.
 */
export class ChunkServer implements Part {
  readonly serviceId = 'exchange'
  readonly #components: ChunkServerComponents
  readonly #calls: CallServer
  readonly #fair: FairScheduler
  readonly #countBytes: (direction: 'in' | 'out', bytes: number) => void

  constructor(components: ChunkServerComponents, init: ChunkServerInit = {}) {
    const { streams, metrics } = components
    this.#components = components
    const log = components.log.child({ component: 'exchange' })
    this.#fair = new FairScheduler(init)
    this.#calls = new CallServer(
      { streams, log, ...(metrics === undefined ? {} : { metrics }) },
      {
        protocol: EXCHANGE_PROTOCOL,
        maxBodyBytes: CHUNK_BODY_BYTES_MAX,
        ...(init.maxInFlightPerPeer === undefined
          ? {}
          : { maxInFlightPerPeer: init.maxInFlightPerPeer }),
        ...(init.stallTimeoutMs === undefined ? {} : { stallTimeoutMs: init.stallTimeoutMs }),
        // Judged before a stranger's bytes are taken in.
        admit: ({ peer, method, bodyBytes }) => this.#admit(peer, method, bodyBytes),
        handlers: {
          [METHOD.has]: (call) => this.#has(call),
          [METHOD.retrieve]: (call) => this.#retrieve(call),
          [METHOD.store]: (call) => this.#store(call),
          [METHOD.replicate]: (call) => this.#replicate(call),
        },
      },
    )
    const counter = metrics?.counter({
      name: 'dps_exchange_bytes_total',
      help: 'Bytes of chunks served (out) and taken in for others (in).',
      labelNames: ['direction'],
    })
    this.#countBytes = (direction, bytes) => counter?.labels(direction).inc(bytes)
  }

  async start(): Promise<void> {
    await this.#calls.start()
  }

  async stop(): Promise<void> {
    await this.#calls.stop()
    this.#fair.stop()
  }

  /** Requests being worked on. */
  get inFlight(): number {
    return this.#calls.inFlight
  }

  /** Changes the upload limit; 0 is none. */
  setRate(bytesPerSecondMax: number): void {
    this.#fair.setRate(bytesPerSecondMax)
  }

  #admit(peer: string, method: string, bodyBytes: number): void {
    const changes = method === METHOD.store || method === METHOD.replicate
    if (changes && !this.#components.allowed(peer)) {
      throw new DpsError('PERMISSION_DENIED', `peer ${peer} may not ${method} here`, {
        hint: 'have the peer id added to exchange.allow at the other node',
      })
    }
    if (bodyBytes > 0 && method !== METHOD.store) {
      throw new DpsError('INVALID_ARGUMENT', `${method} takes no body`)
    }
  }

  async #has(call: Call): Promise<Reply> {
    const digests = decodeHasRequest(call.payload)
    const present = await this.#components.store.has(digests, { signal: call.signal })
    return { payload: encodeHasReply(present) }
  }

  async #retrieve(call: Call): Promise<Reply> {
    const { signal } = call
    const { digest, sizeMaxBytes } = decodeRetrieveRequest(call.payload)
    const limit = Math.min(sizeMaxBytes || CHUNK_BODY_BYTES_MAX, CHUNK_BODY_BYTES_MAX)
    const guess = sizeMaxBytes === 0 ? RETRIEVE_BYTES_GUESS : limit
    // Read only when it may leave: what waits for its turn holds no memory.
    const grant = await this.#fair.acquire(call.peer, guess, { signal })
    try {
      const found = await this.#components.store.get(digest, { signal })
      signal.throwIfAborted()
      if (found === undefined) throw new DpsError('NOT_FOUND', 'the chunk is not here')
      const { bytes } = found
      if (bytes.byteLength > limit) {
        throw new DpsError(
          'RESOURCE_EXHAUSTED',
          `the chunk has ${bytes.byteLength} bytes, more than the ${limit} asked for`,
        )
      }
      grant.adjust(bytes.byteLength)
      this.#countBytes('out', bytes.byteLength)
      return { payload: EMPTY, body: bytes, onReleased: grant.release }
    } catch (error) {
      grant.adjust(0)
      grant.release()
      throw error
    }
  }

  async #store(call: Call): Promise<Reply> {
    const { store, hashes } = this.#components
    const { signal, body } = call
    const { digest, kind } = decodeStoreRequest(call.payload)
    // Shared memory, so that the hash is computed off this thread.
    const bytes = new Uint8Array(new SharedArrayBuffer(body.byteLength))
    copyInto(bytes, body)
    const actual = await hashes.digest(bytes)
    signal.throwIfAborted()
    if (compareDigests(actual, digest) !== 0) {
      throw new DpsError('DATA_LOSS', 'store: the bytes do not match their digest')
    }
    const [put] = await store.put([{ digest, kind, bytes }], { signal })
    await store.barrier({ signal })
    this.#countBytes('in', bytes.byteLength)
    return { payload: encodeStoreReply(put!.stored) }
  }

  async #replicate(call: Call): Promise<Reply> {
    const { signal, peer, requestId } = call
    const { cid, from } = decodeReplicateRequest(call.payload)
    const replicated = await this.#components.fetchFrom(from, cid, { signal, by: peer, requestId })
    return { payload: encodeReplicateReply(replicated) }
  }
}

/** Copies network pieces into one buffer; the one copy on the receiving side. */
export function copyInto(into: Uint8Array, pieces: Iterable<Uint8Array>): void {
  let offset = 0
  for (const piece of pieces) {
    into.set(piece, offset)
    offset += piece.byteLength
  }
}
