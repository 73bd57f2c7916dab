/** One stream of calls: frames with call headers, watched for stalls. Both sides use it. */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError } from '../base/index.js'
import { type CallHeader, decodeCallHeader, encodeCallHeader } from './calls-codec.js'
import { PeerViolationError } from './calls-types.js'
import { type BodySink, FrameReader } from './frames.js'
import { FrameWriter } from './frames-writer.js'

// Method, ids, an error's texts and a payload such as 1,024 digests (32 KiB).
export const HEADER_BYTES_MAX = 64 * 1024

// Between our end of a stream and the peer's. Nothing is under way then.
const CLOSE_TIMEOUT_MS = 5_000

export interface CallLinkInit {
  peer: string
  bodyBytesMax: number
  /** What becomes of the frame's body. What it throws cuts the stream. */
  onHeader(header: CallHeader, bodyBytes: number): 'keep' | 'drop' | BodySink
  onFrame(header: CallHeader, body: Uint8ArrayList, bodyBytes: number): void
  /** The peer sends nothing more. */
  onEnd(): void
  /** Called once, whatever ended the link; `PeerViolationError` when the peer broke the rules. */
  onClosed(error: DpsError): void
}

export class CallLink {
  readonly peer: string
  readonly reader: FrameReader<CallHeader>
  readonly #stream: Stream
  readonly #writer: FrameWriter
  readonly #init: CallLinkInit
  #closed = false
  #ending = false
  #watched = { received: -1, sinceMs: 0 }

  constructor(stream: Stream, init: CallLinkInit) {
    this.peer = init.peer
    this.#stream = stream
    this.#init = init
    this.#writer = new FrameWriter(stream)
    this.reader = new FrameReader<CallHeader>(stream, {
      headerBytesMax: HEADER_BYTES_MAX,
      bodyBytesMax: init.bodyBytesMax,
      onHeader: (bytes, bodyBytes) => {
        const header = decodeCallHeader(bytes)
        return { header, body: init.onHeader(header, bodyBytes) }
      },
      onFrame: (header, body, bodyBytes) => init.onFrame(header, body, bodyBytes),
      onEnd: () => init.onEnd(),
      onError: (error) => this.abort(this.#judged(error)),
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Whether a new call may still be put on it. */
  get usable(): boolean {
    if (this.#closed || this.#ending) return false
    return this.#stream.status === 'open' && this.#stream.writeStatus === 'writable'
  }

  /** Returns how to take the frame back; see {@link FrameWriter.write}. */
  send(
    header: CallHeader,
    body?: Uint8Array | Uint8ArrayList,
    onReleased?: (sent: boolean) => void,
  ): () => boolean {
    return this.#writer.write({ header: encodeCallHeader(header), body, onReleased })
  }

  /** Cuts the link when neither direction moved for so long although something is under way. */
  checkStall(nowMs: number, stallTimeoutMs: number): void {
    if (this.#closed) return
    if (this.#writer.stalledMs(nowMs) >= stallTimeoutMs) {
      this.abort(new DpsError('UNAVAILABLE', `peer ${this.peer} does not read`))
      return
    }
    const { receivedBytes } = this.reader
    if (!this.reader.midFrame || receivedBytes !== this.#watched.received) {
      this.#watched = { received: receivedBytes, sinceMs: nowMs }
    } else if (nowMs - this.#watched.sinceMs >= stallTimeoutMs) {
      this.abort(new DpsError('UNAVAILABLE', `peer ${this.peer} stopped inside a frame`))
    }
  }

  /** Ends our side after what is queued. A peer that then leaves its own side open is cut off. */
  async close(): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    await this.#writer.flushed()
    if (this.#closed) return
    this.#closed = true
    const stream = this.#stream
    const timer = setTimeout(
      () => stream.abort(new DpsError('UNAVAILABLE', 'the peer did not close its side')),
      CLOSE_TIMEOUT_MS,
    )
    timer.unref()
    stream.addEventListener('close', () => clearTimeout(timer))
    // A stream that broke meanwhile is as closed as one that closed well.
    await stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch(() => {})
    this.#writer.end()
    this.#init.onClosed(new DpsError('UNAVAILABLE', 'the stream was closed'))
  }

  /** Cuts the stream at once. Dropped frames are released. */
  abort(error: DpsError): void {
    if (this.#closed) return
    this.#closed = true
    this.#stream.abort(error)
    this.#writer.end()
    this.#init.onClosed(error)
  }

  #judged(error: DpsError): DpsError {
    if (error.code !== 'INVALID_ARGUMENT') return error
    return new PeerViolationError(this.peer, error.message, { cause: error })
  }
}
