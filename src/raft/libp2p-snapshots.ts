/**
 * States on their way between members: calls of `/dps/raft-snapshot/1.0.0`, on the ordinary
 * connection. A transfer is a `begin` (which says what is there already), pieces in order, each
 * answered when it was written, and a `finish`.
 */
import { crc32c } from '@node-rs/crc32'
import { type AbortOptions, DpsError, toDpsError } from '../base/index.js'
import {
  type Call,
  CallClient,
  CallServer,
  type Reply,
  type StreamOpener,
} from '../network/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { SnapshotOutcome } from './core/raft.js'
import {
  decodeBegin,
  decodeBegun,
  decodeFinish,
  decodePiece,
  encodeBegin,
  encodeBegun,
  encodeFinish,
  encodePiece,
  type Hello,
} from './message-codec.js'
import { peerOf } from './node-id.js'
import type { StateInstall, StateSnapshot } from './state-machine.js'
import type { Receiver, SnapshotMessage } from './transport.js'

export const SNAPSHOT_PROTOCOL = '/dps/raft-snapshot/1.0.0'
/** Twice what a state machine makes. */
export const PIECE_BYTES_MAX = 2 * 1024 * 1024
/** Pieces on their way at once: enough to fill the pipe while the receiver writes one. */
const WINDOW = 4
const SMALL_PIECE_BYTES = 64 * 1024
const BEGIN_TIMEOUT_MS = 30_000
const PIECE_TIMEOUT_MS = 30_000
/** Installing makes the whole state durable. */
const FINISH_TIMEOUT_MS = 300_000

export interface SnapshotCallsComponents {
  streams: StreamOpener
  log: Log
  metrics?: Metrics
  check(peerId: string, hello: Hello): void
}

export interface SnapshotCallsInit {
  clusterId: string
  pieceTimeoutMs?: number
  finishTimeoutMs?: number
}

/** One being received. */
interface Transfer {
  number: number
  hello: Hello
  message: SnapshotMessage
  install: StateInstall
  /** Pieces are written one after the other. */
  turn: Promise<void>
  next: number
  ended: boolean
}

export class SnapshotCalls {
  readonly #components: SnapshotCallsComponents
  readonly #init: SnapshotCallsInit
  readonly #client: CallClient
  readonly #server: CallServer
  /** One at a time: a machine has room for one install. */
  #transfer: Transfer | undefined
  #numbers = 0
  #beginning: Promise<unknown> = Promise.resolve()
  #receiver: Receiver | undefined

  constructor(components: SnapshotCallsComponents, init: SnapshotCallsInit) {
    this.#components = components
    this.#init = init
    this.#client = new CallClient(components, {
      protocol: SNAPSHOT_PROTOCOL,
      maxBodyBytes: 0,
      maxInFlightPerPeer: WINDOW + 2,
    })
    this.#server = new CallServer(components, {
      protocol: SNAPSHOT_PROTOCOL,
      maxBodyBytes: PIECE_BYTES_MAX,
      maxInFlightPerPeer: 2 * WINDOW,
      handlers: {
        begin: (call) => this.#onBegin(call),
        piece: (call) => this.#onPiece(call),
        finish: (call) => this.#onFinish(call),
      },
    })
  }

  async start(receiver: Receiver): Promise<void> {
    this.#receiver = receiver
    await this.#client.start()
    await this.#server.start()
  }

  async stop(): Promise<void> {
    this.#receiver = undefined
    await this.#server.stop()
    await this.#client.stop()
    await this.#beginning
    await this.#end()
  }

  /** See `Transport.sendSnapshot`. */
  async send(
    message: SnapshotMessage,
    snapshot: StateSnapshot,
    { signal }: AbortOptions = {},
  ): Promise<SnapshotOutcome> {
    signal?.throwIfAborted()
    try {
      await this.#sendAll(message, snapshot, signal)
      return 'finished'
    } catch (error) {
      signal?.throwIfAborted()
      const known = toDpsError(error)
      this.#components.log.info({ peer: peerOf(message.to), err: known }, 'a snapshot broke off')
      return INTERRUPTIONS.has(known.code) ? 'interrupted' : 'failed'
    }
  }

  async #sendAll(
    message: SnapshotMessage,
    snapshot: StateSnapshot,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const peerId = peerOf(message.to)
    const { pieceTimeoutMs = PIECE_TIMEOUT_MS, finishTimeoutMs = FINISH_TIMEOUT_MS } = this.#init
    const options = { ...(signal && { signal }), timeoutMs: BEGIN_TIMEOUT_MS }
    const begin = { payload: encodeBegin(this.#init.clusterId, message) }
    const answer = await this.#client.call(peerId, 'begin', begin, options)
    const { transfer, received } = decodeBegun(answer.payload)
    if (transfer === 0) return
    const window: Promise<unknown>[] = []
    let failure: unknown
    let number = received
    try {
      for await (const body of snapshot.chunks(received)) {
        if (failure !== undefined) break
        // Small frames overtake large ones.
        if (body.byteLength < SMALL_PIECE_BYTES) await Promise.all(window.splice(0))
        const payload = encodePiece({ transfer, number, crc32c: crc32c(body) })
        const sent = this.#client.call(
          peerId,
          'piece',
          { payload, body },
          { ...options, timeoutMs: pieceTimeoutMs },
        )
        window.push(
          sent.catch((error: unknown) => {
            failure ??= error
          }),
        )
        number++
        if (window.length >= WINDOW) await window.shift()
      }
    } finally {
      await Promise.all(window)
    }
    if (failure !== undefined) throw failure
    const finish = { payload: encodeFinish({ transfer, pieces: number }) }
    await this.#client.call(peerId, 'finish', finish, { ...options, timeoutMs: finishTimeoutMs })
  }

  #onBegin(call: Call): Promise<Reply> {
    const begun = this.#beginning.then(() => this.#begin(call))
    this.#beginning = begun.catch(() => {})
    return begun
  }

  async #begin(call: Call): Promise<Reply> {
    const { hello, message } = decodeBegin(call.payload)
    this.#components.check(call.peer, hello)
    if ((this.#transfer?.message.term ?? 0) > message.term) {
      throw gone('a leader of a later term is sending one')
    }
    // A write of the broken transfer may still be under way on the same install.
    await this.#end()
    const receiver = this.#running
    const install = await receiver.installing(message, { signal: call.signal })
    if (install === undefined) {
      await receiver.installed(message, undefined)
      return { payload: encodeBegun({ transfer: 0, received: 0 }) }
    }
    const { received } = install
    const number = ++this.#numbers
    const turn = Promise.resolve()
    this.#transfer = { number, hello, message, install, turn, next: received, ended: false }
    return { payload: encodeBegun({ transfer: number, received }) }
  }

  async #onPiece(call: Call): Promise<Reply> {
    const piece = decodePiece(call.payload)
    const transfer = this.#transferOf(call.peer, piece.transfer)
    if (piece.number !== transfer.next) throw gone(`piece ${piece.number}, not ${transfer.next}`)
    transfer.next++
    const bytes = call.body.subarray()
    if (crc32c(bytes) !== piece.crc32c) {
      transfer.ended = true
      throw new DpsError('DATA_LOSS', `piece ${piece.number} fails its CRC`)
    }
    transfer.turn = transfer.turn.then(() => {
      if (transfer.ended) throw gone('the transfer has ended')
      return transfer.install.write(bytes)
    })
    try {
      await transfer.turn
    } catch (error) {
      transfer.ended = true
      throw error
    }
    return EMPTY_REPLY
  }

  async #onFinish(call: Call): Promise<Reply> {
    const { transfer: number, pieces } = decodeFinish(call.payload)
    const transfer = this.#transferOf(call.peer, number)
    await transfer.turn
    if (pieces !== transfer.next) throw gone(`${transfer.next} of ${pieces} pieces came`)
    this.#transfer = undefined
    await this.#running.installed(transfer.message, transfer.install)
    return EMPTY_REPLY
  }

  get #running(): Receiver {
    if (this.#receiver === undefined) throw new DpsError('UNAVAILABLE', 'this replica stops')
    return this.#receiver
  }

  #transferOf(peerId: string, number: number): Transfer {
    const transfer = this.#transfer
    if (transfer === undefined || transfer.ended || transfer.number !== number) {
      throw gone('the transfer has ended')
    }
    this.#components.check(peerId, transfer.hello)
    return transfer
  }

  /** Resolves when nothing of it is being written any more. */
  async #end(): Promise<void> {
    const transfer = this.#transfer
    this.#transfer = undefined
    if (transfer === undefined) return
    transfer.ended = true
    await transfer.turn.catch(() => {})
  }
}

/** The same one may go on, now or later. */
const INTERRUPTIONS = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'ABORTED'])

const EMPTY_REPLY: Reply = { payload: new Uint8Array(0) }

function gone(why: string): DpsError {
  return new DpsError('ABORTED', `raft snapshot: ${why}`)
}
