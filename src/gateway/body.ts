/** Bytes in and out of HTTP with bounded memory, a piece at a time without a turn for each. */
import type { Readable } from 'node:stream'
import { type AbortOptions, DpsError } from '../base/index.js'
import { type HttpRequest, type HttpResponse, isClosed } from './http.js'

// Enough that socket reads (64 KiB each) go on while the consumer hashes a slab of 4 MiB; the
// kernel's buffers hold the sender back beyond it.
const READ_BYTES_MAX = 4 * 1024 * 1024
const READ_BYTES_RESUME = 2 * 1024 * 1024
// The same for writing: one write in flight while the next piece is being read from disk.
const WRITE_BYTES_MAX = 4 * 1024 * 1024
const WRITE_BYTES_RESUME = 2 * 1024 * 1024

type Result = IteratorResult<Uint8Array, undefined>

export interface PiecesInit {
  /** What it means that the stream closed or failed before its end. */
  gone: (cause?: unknown) => Error
  /** Asked at the stream's end: an error where that is not the end of the content. */
  verdict?: () => Error | undefined
  /** After the consumer lost interest. */
  onReturn?: () => void
}

/**
 * The pieces of a stream as they come off the socket, for one consumer. A node stream's own
 * iterator takes a turn per 64 KiB; this one hands out what is there.
 *
 * A body that was cut short must never look complete: `next` rejects when the stream closes
 * before its end. `return` lets go of the stream without destroying it.
 */
export class StreamPieces implements AsyncIterableIterator<Uint8Array> {
  readonly #stream: Readable
  readonly #init: PiecesInit
  #pieces: Uint8Array[] = []
  #at = 0
  /** Bytes in `#pieces` from `#at`. */
  #heldBytes = 0
  #takenBytes = 0
  #ended = false
  #error: Error | undefined
  #waiting: { resolve(result: Result): void; reject(error: Error): void } | undefined

  constructor(stream: Readable, init: PiecesInit) {
    this.#stream = stream
    this.#init = init
    stream.on('data', this.#onData)
    stream.on('error', (cause) => this.#settle(init.gone(cause)))
    stream.on('end', () => this.#settle(init.verdict?.()))
    stream.on('close', () => {
      if (!stream.readableEnded) this.#settle(init.gone())
    })
    if (stream.destroyed && !stream.readableEnded) this.#settle(init.gone(stream.errored))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Bytes handed out. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** Bytes that came off the stream. */
  get seenBytes(): number {
    return this.#takenBytes + this.#heldBytes
  }

  next(): Promise<Result> {
    const piece = this.#pieces[this.#at]
    if (piece !== undefined) {
      this.#take(piece)
      return Promise.resolve({ value: piece, done: false })
    }
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  return(): Promise<Result> {
    this.#stream.off('data', this.#onData)
    this.#stream.pause()
    this.#pieces = []
    this.#at = 0
    this.#ended = true
    this.#waiting?.resolve({ value: undefined, done: true })
    this.#waiting = undefined
    this.#init.onReturn?.()
    return Promise.resolve({ value: undefined, done: true })
  }

  #take(piece: Uint8Array): void {
    this.#at++
    this.#heldBytes -= piece.byteLength
    this.#takenBytes += piece.byteLength
    if (this.#at === this.#pieces.length) {
      this.#pieces = []
      this.#at = 0
    }
    if (this.#heldBytes <= READ_BYTES_RESUME && this.#stream.isPaused()) this.#stream.resume()
  }

  readonly #onData = (piece: Uint8Array): void => {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      this.#takenBytes += piece.byteLength
      waiting.resolve({ value: piece, done: false })
      return
    }
    this.#pieces.push(piece)
    this.#heldBytes += piece.byteLength
    if (this.#heldBytes >= READ_BYTES_MAX) this.#stream.pause()
  }

  /** The first call counts: what comes after the end says nothing new. */
  #settle(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    const waiting = this.#waiting
    this.#waiting = undefined
    if (error === undefined) waiting?.resolve({ value: undefined, done: true })
    else waiting?.reject(error)
  }
}

/** The body of a request, whole or CANCELLED. */
export function requestBody(request: HttpRequest): StreamPieces {
  const gone = (cause?: unknown) =>
    new DpsError('CANCELLED', 'the client went away in the middle of the upload', { cause })
  // A stream of HTTP/2 that is reset ends like a complete one.
  const whole = () => ('stream' in request ? !request.stream.closed : request.complete)
  return new StreamPieces(request, { gone, verdict: () => (whole() ? undefined : gone()) })
}

/** Writes pieces to a response, keeping at most a few MiB unsent. */
export class ResponseWriter {
  readonly #response: HttpResponse
  #unsentBytes = 0
  #closed = false
  #wake: (() => void) | undefined

  constructor(response: HttpResponse) {
    this.#response = response
    this.#closed = isClosed(response)
    response.once('close', () => {
      this.#closed = true
      this.#wake?.()
    })
    // Told by `close` too; unheard it would end the process.
    response.on('error', () => {})
  }

  /**
   * Resolves when there is room for more, or at once: `undefined` spares the caller a turn.
   * `piece` must stay as it is until the response is sent. Rejects with CANCELLED when the
   * client is gone, or the signal's reason.
   */
  write(piece: Uint8Array, { signal }: AbortOptions = {}): Promise<void> | undefined {
    if (this.#closed) return Promise.reject(clientGone())
    const { byteLength } = piece
    this.#unsentBytes += byteLength
    const response = this.#response as NodeJS.WritableStream
    response.write(piece, () => {
      this.#unsentBytes -= byteLength
      if (this.#unsentBytes <= WRITE_BYTES_RESUME) this.#wake?.()
    })
    if (this.#unsentBytes < WRITE_BYTES_MAX) return undefined
    return new Promise((resolve, reject) => {
      const wake = () => {
        this.#wake = undefined
        signal?.removeEventListener('abort', wake)
        if (signal?.aborted) reject(signal.reason)
        else if (this.#closed) reject(clientGone())
        else resolve()
      }
      this.#wake = wake
      signal?.addEventListener('abort', wake, { once: true })
      if (signal?.aborted) wake()
    })
  }
}

export function clientGone(): DpsError {
  return new DpsError('CANCELLED', 'the client went away')
}
