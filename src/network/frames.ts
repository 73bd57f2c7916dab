/**
 * Frames on a long-lived libp2p stream.
 *
 *     u32 big-endian header length | u32 big-endian body length | header | raw body
 *
 * libp2p's own helpers are not used because they have no working back-pressure: `lpStream` reads
 * without ever pausing, and its writes admit a whole message for each `drain`. Here a reader that
 * is held pauses the stream, which lets the sender's yamux window run empty, and a writer hands
 * over a frame only while little is queued below it. Neither side copies a body.
 */
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, toDpsError } from '../base/index.js'

export const FRAME_PREFIX_BYTES = 8

// A held reader keeps what arrived before the sender's window ran empty: pause late enough to
// keep the pipe full over a pause, and far below libp2p's 4 MiB, where it resets the stream.
const READ_PAUSE_BYTES = 2 * 1024 * 1024
const READ_RESUME_BYTES = 1024 * 1024

// A sender of one-byte packets would make us keep an object and its whole network buffer for
// each byte of a frame. Runs of small pieces are merged, which bounds that.
const SMALL_PIECE_BYTES = 1024
const SMALL_PIECES_MAX = 64

// A packet may hold thousands of small frames. After so many the other peers, whose bytes wait in
// their sockets, come first.
const FRAMES_PER_TURN = 256

export interface FrameLimits {
  headerBytesMax: number
  bodyBytesMax: number
}

/**
 * Where a body goes as it comes: no network buffer is kept until the frame is whole, which at full
 * speed costs more in garbage collection than the copy does.
 */
export interface BodySink {
  /** At least as long as the body. Taken away (`undefined`): the rest is thrown away. */
  into: Uint8Array | undefined
}

export interface FrameReaderInit<H> extends FrameLimits {
  /** Decodes and judges a header before its body is taken in. What it throws ends the stream. */
  onHeader(header: Uint8Array, bodyBytes: number): { header: H; body: 'keep' | 'drop' | BodySink }
  /**
   * A whole frame; the body is empty where it was not kept, `bodyBytes` long in any case. What it
   * throws ends the stream.
   */
  onFrame(header: H, body: Uint8ArrayList, bodyBytes: number): void
  /** The peer closed its side, after a whole frame. Our side may still write. */
  onEnd(): void
  /** The stream is of no use any more: broken frame, reset, closed. Called at most once. */
  onError(error: DpsError): void
}

interface CurrentFrame<H> {
  header: H
  bodyBytes: number
  /** Of the body, what went to the sink. */
  sunkBytes: number
  sink: BodySink | undefined
}

const NO_SINK: BodySink = { into: undefined }

/** Cuts a stream into frames. Hands them out synchronously, in order, unless held. */
export class FrameReader<H> {
  readonly #stream: Stream
  readonly #init: FrameReaderInit<H>
  readonly #pieces: Uint8Array[] = []
  #buffered = 0
  #smallRun = 0
  #current: CurrentFrame<H> | undefined
  #headerBytes = -1
  #bodyBytes = 0
  #held = false
  /** Frames since the last turn that was given to others. */
  #turnFrames = 0
  #yielding = false
  #paused = false
  #parsing = false
  #ended = false
  #done = false
  #failed = false
  #received = 0

  constructor(stream: Stream, init: FrameReaderInit<H>) {
    this.#stream = stream
    this.#init = init
    stream.addEventListener('message', (event) => this.#onData(event.data))
    stream.addEventListener('end', () => {
      // An abort ends reading too; its `close` follows and says why.
      if (stream.status !== 'aborted' && stream.status !== 'reset') this.#onEnd()
    })
    stream.addEventListener('close', (event) => {
      if (event.error === undefined) this.#onEnd()
      this.#fail(closedError(event.error))
    })
    if (stream.readableEnded) queueMicrotask(() => this.#onEnd())
  }

  /** Bytes received so far: a frame that never completes shows as no change. */
  get receivedBytes(): number {
    return this.#received
  }

  /** Part of a frame is here and the rest is not. */
  get midFrame(): boolean {
    return this.#begun || (!this.#waits && this.#buffered > 0)
  }

  get #begun(): boolean {
    return this.#current !== undefined || this.#headerBytes >= 0
  }

  get #waits(): boolean {
    return this.#held || this.#yielding
  }

  #endTurn(): void {
    this.#turnFrames = 0
    this.#yielding = true
    setImmediate(() => {
      this.#yielding = false
      this.#parse()
    })
  }

  /** Stops before the next frame (a begun one is finished); the sender comes to wait. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#parse()
  }

  #onData(data: Uint8Array | Uint8ArrayList): void {
    if (this.#done) return
    this.#received += data.byteLength
    this.#buffered += data.byteLength
    if (data instanceof Uint8Array) this.#append(data)
    else for (const piece of data) this.#append(piece)
    this.#parse()
  }

  #append(piece: Uint8Array): void {
    this.#pieces.push(piece)
    if (piece.byteLength >= SMALL_PIECE_BYTES) {
      this.#smallRun = 0
      return
    }
    this.#smallRun++
    if (this.#smallRun < SMALL_PIECES_MAX) return
    const run = this.#pieces.splice(this.#pieces.length - this.#smallRun, this.#smallRun)
    this.#pieces.push(Buffer.concat(run))
    this.#smallRun = 0
  }

  #parse(): void {
    // Resuming the stream delivers synchronously what it kept: that comes back to here.
    if (this.#parsing || this.#done) return
    this.#parsing = true
    try {
      do {
        while (!this.#done && (!this.#waits || this.#begun) && this.#step()) {}
      } while (this.#adjustFlow())
    } catch (error) {
      this.#fail(toDpsError(error))
    } finally {
      this.#parsing = false
    }
    this.#finish()
  }

  /** One step of one frame; false when more bytes are needed. */
  #step(): boolean {
    if (this.#current === undefined) {
      if (this.#headerBytes < 0 && !this.#readPrefix()) return false
      if (this.#buffered < this.#headerBytes) return false
      const bytes = this.#takeBytes(this.#headerBytes)
      this.#headerBytes = -1
      const { header, body } = this.#init.onHeader(bytes, this.#bodyBytes)
      this.#current = {
        header,
        bodyBytes: this.#bodyBytes,
        sunkBytes: 0,
        sink: body === 'keep' ? undefined : body === 'drop' ? NO_SINK : body,
      }
    }
    const current = this.#current
    const { sink, bodyBytes } = current
    const list = new Uint8ArrayList()
    if (sink === undefined) {
      if (this.#buffered < bodyBytes) return false
      if (bodyBytes > 0) list.appendAll(this.#take(bodyBytes))
    } else {
      const count = Math.min(bodyBytes - current.sunkBytes, this.#buffered)
      for (const piece of this.#take(count)) {
        sink.into?.set(piece, current.sunkBytes)
        current.sunkBytes += piece.byteLength
      }
      if (current.sunkBytes < bodyBytes) return false
    }
    this.#current = undefined
    if (++this.#turnFrames >= FRAMES_PER_TURN) this.#endTurn()
    this.#init.onFrame(current.header, list, bodyBytes)
    return true
  }

  #readPrefix(): boolean {
    if (this.#buffered < FRAME_PREFIX_BYTES) return false
    const prefix = this.#takeBytes(FRAME_PREFIX_BYTES)
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
    const headerBytes = view.getUint32(0)
    const bodyBytes = view.getUint32(4)
    const { headerBytesMax, bodyBytesMax } = this.#init
    if (headerBytes === 0 || headerBytes > headerBytesMax) {
      throw brokenFrame(`a header of ${headerBytes} bytes; at most ${headerBytesMax}`)
    }
    if (bodyBytes > bodyBytesMax) {
      throw brokenFrame(`a body of ${bodyBytes} bytes; at most ${bodyBytesMax}`)
    }
    this.#headerBytes = headerBytes
    this.#bodyBytes = bodyBytes
    return true
  }

  /** The first `count` buffered bytes as views on the network's own buffers. */
  #take(count: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let rest = count
    let used = 0
    while (rest > 0) {
      const piece = this.#pieces[used]!
      if (piece.byteLength <= rest) {
        taken.push(piece)
        rest -= piece.byteLength
        used++
      } else {
        taken.push(piece.subarray(0, rest))
        this.#pieces[used] = piece.subarray(rest)
        rest = 0
      }
    }
    this.#pieces.splice(0, used)
    this.#buffered -= count
    this.#smallRun = Math.min(this.#smallRun, this.#pieces.length)
    return taken
  }

  #takeBytes(count: number): Uint8Array {
    const pieces = this.#take(count)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** True when resuming brought more to parse. */
  #adjustFlow(): boolean {
    if (this.#done || !readable(this.#stream)) return false
    const waits = this.#waits && !this.#begun
    if (waits && !this.#paused && this.#buffered >= READ_PAUSE_BYTES) {
      this.#paused = true
      this.#stream.pause()
    } else if (this.#paused && (!waits || this.#buffered < READ_RESUME_BYTES)) {
      this.#paused = false
      const before = this.#received
      this.#stream.resume()
      return this.#received !== before
    }
    return false
  }

  #onEnd(): void {
    this.#ended = true
    this.#finish()
  }

  /** What is held is handed out before the end is told. */
  #finish(): void {
    if (!this.#ended || this.#done || this.#parsing) return
    if (this.#waits && !this.#begun && this.#buffered > 0) return
    if (this.midFrame) {
      this.#fail(brokenFrame('the stream ended inside a frame'))
      return
    }
    this.#done = true
    this.#init.onEnd()
  }

  #fail(error: DpsError): void {
    if (this.#failed) return
    this.#failed = true
    this.#done = true
    this.#pieces.length = 0
    this.#buffered = 0
    this.#init.onError(error)
  }
}

function readable(stream: Stream): boolean {
  return stream.readStatus === 'readable' || stream.readStatus === 'paused'
}

/** The peer does not keep to the format: INVALID_ARGUMENT, as opposed to UNAVAILABLE. */
function brokenFrame(what: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `frame: ${what}`)
}

function closedError(cause: unknown): DpsError {
  return new DpsError('UNAVAILABLE', 'the stream was closed', cause === undefined ? {} : { cause })
}
