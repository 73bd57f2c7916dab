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

// More than this below us means that the peer or the socket is the bottleneck. It covers a
// yamux window's turnaround; a frame may overshoot it by its own length.
const WRITE_QUEUE_BYTES = 1024 * 1024

// Frames up to this size go ahead of bulk ones and share one write with their neighbours.
const SMALL_FRAME_BYTES = 16 * 1024
// Bytes of small frames let past a waiting bulk frame, so that a flood of them can't starve it.
const SMALL_BURST_BYTES = 64 * 1024

// A sender of one-byte packets would make us keep an object and its whole network buffer for
// each byte of a frame. Runs of small pieces are merged, which bounds that.
const SMALL_PIECE_BYTES = 1024
const SMALL_PIECES_MAX = 64

export interface FrameLimits {
  headerBytesMax: number
  bodyBytesMax: number
}

export interface FrameReaderInit<H> extends FrameLimits {
  /** Decodes and judges a header before its body is taken in. What it throws ends the stream. */
  onHeader(header: Uint8Array, bodyBytes: number): { header: H; keepBody: boolean }
  /** A whole frame; the body is empty where it was not kept. What it throws ends the stream. */
  onFrame(header: H, body: Uint8ArrayList): void
  /** The peer closed its side, after a whole frame. Our side may still write. */
  onEnd(): void
  /** The stream is of no use any more: broken frame, reset, closed. Called at most once. */
  onError(error: DpsError): void
}

/** Cuts a stream into frames. Hands them out synchronously, in order, unless held. */
export class FrameReader<H> {
  readonly #stream: Stream
  readonly #init: FrameReaderInit<H>
  readonly #pieces: Uint8Array[] = []
  #buffered = 0
  #smallRun = 0
  #current: { header: H; bodyBytes: number; skipBytes: number } | undefined
  #headerBytes = -1
  #bodyBytes = 0
  #held = false
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
    return this.#begun || (!this.#held && this.#buffered > 0)
  }

  get #begun(): boolean {
    return this.#current !== undefined || this.#headerBytes >= 0
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
        while (!this.#done && (!this.#held || this.#begun) && this.#step()) {}
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
      const { header, keepBody } = this.#init.onHeader(bytes, this.#bodyBytes)
      const kept = keepBody ? this.#bodyBytes : 0
      this.#current = { header, bodyBytes: kept, skipBytes: this.#bodyBytes - kept }
    }
    const current = this.#current
    if (current.skipBytes > 0) {
      const skipped = Math.min(current.skipBytes, this.#buffered)
      this.#take(skipped)
      current.skipBytes -= skipped
      if (current.skipBytes > 0) return false
    }
    if (this.#buffered < current.bodyBytes) return false
    const body = new Uint8ArrayList()
    if (current.bodyBytes > 0) body.appendAll(this.#take(current.bodyBytes))
    this.#current = undefined
    this.#init.onFrame(current.header, body)
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
    const waits = this.#held && !this.#begun
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
    if (this.#held && !this.#begun && this.#buffered > 0) return
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

export interface OutgoingFrame {
  header: Uint8Array
  body?: Uint8Array | Uint8ArrayList | undefined
  /** Called exactly once: `true` when handed to the connection, `false` when dropped. */
  onReleased?: ((sent: boolean) => void) | undefined
}

interface Queued {
  frame: OutgoingFrame
  bytes: number
  dropped: boolean
}

/**
 * Puts frames on a stream: small ones first, bulk ones in the order given, never more than about
 * 1 MiB plus a frame waiting below. Frames written in one turn leave together.
 */
export class FrameWriter {
  readonly #stream: Stream
  #small: Queued[] = []
  #bulk: Queued[] = []
  #burstBytes = 0
  #scheduled = false
  #ended = false
  #sentFrames = 0
  #watched = { sentFrames: -1, below: -1, sinceMs: 0 }
  #onIdle: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    // `idle` is dispatched inside the stream's own send loop, which ignores what is sent from
    // there: so always in a microtask.
    const wake = () => this.#schedule()
    stream.addEventListener('drain', wake)
    stream.addEventListener('idle', wake)
    stream.addEventListener('close', () => this.end())
  }

  /** Queues a frame. Returns how to take it back; `false` then means that it had left already. */
  write(frame: OutgoingFrame): () => boolean {
    const bytes = FRAME_PREFIX_BYTES + frame.header.byteLength + (frame.body?.byteLength ?? 0)
    const queued: Queued = { frame, bytes, dropped: false }
    if (this.#ended) {
      queued.dropped = true
      frame.onReleased?.(false)
      return () => true
    }
    ;(bytes <= SMALL_FRAME_BYTES ? this.#small : this.#bulk).push(queued)
    this.#schedule()
    return () => this.#drop(queued)
  }

  /** Milliseconds for which nothing moved although something waits. Call it now and then. */
  stalledMs(nowMs: number): number {
    const below = writable(this.#stream) ? this.#stream.writeBufferLength : 0
    const waits = below > 0 || this.#small.length > 0 || this.#bulk.length > 0
    const watched = this.#watched
    if (!waits || watched.sentFrames !== this.#sentFrames || watched.below !== below) {
      this.#watched = { sentFrames: this.#sentFrames, below, sinceMs: nowMs }
      return 0
    }
    return nowMs - watched.sinceMs
  }

  /** Resolves when every frame written so far was handed to the connection, or dropped. */
  flushed(): Promise<void> {
    if (this.#small.length === 0 && this.#bulk.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const earlier = this.#onIdle
      this.#onIdle = () => {
        earlier?.()
        resolve()
      }
    })
  }

  /** Drops what is queued and everything written later. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    const queued = [...this.#small, ...this.#bulk]
    this.#small = []
    this.#bulk = []
    for (const each of queued) this.#drop(each)
    this.#signalIdle()
  }

  #drop(queued: Queued): boolean {
    if (queued.dropped) return false
    queued.dropped = true
    const { onReleased } = queued.frame
    queued.frame = { header: queued.frame.header }
    onReleased?.(false)
    return true
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    while (!this.#ended) {
      if (!writable(this.#stream)) break
      if (this.#stream.writeBufferLength >= WRITE_QUEUE_BYTES) return
      const batch = this.#nextBatch()
      if (batch.length === 0) {
        this.#signalIdle()
        return
      }
      const data = new Uint8ArrayList()
      for (const { frame } of batch) {
        data.append(prefixed(frame))
        if (frame.body !== undefined && frame.body.byteLength > 0) data.append(frame.body)
      }
      let sent = true
      try {
        this.#stream.send(data)
      } catch {
        sent = false
      }
      for (const queued of batch) {
        queued.dropped = true
        const { onReleased } = queued.frame
        queued.frame = { header: queued.frame.header }
        onReleased?.(sent)
      }
      this.#sentFrames += batch.length
      if (!sent) break
    }
    this.end()
  }

  /** One bulk frame, or small ones up to the burst. */
  #nextBatch(): Queued[] {
    const batch: Queued[] = []
    let taken = 0
    const burst = this.#bulk.length > 0 ? SMALL_BURST_BYTES - this.#burstBytes : SMALL_BURST_BYTES
    let bytes = 0
    while (taken < this.#small.length && bytes < burst) {
      const queued = this.#small[taken++]!
      if (queued.dropped) continue
      batch.push(queued)
      bytes += queued.bytes
    }
    this.#small.splice(0, taken)
    if (batch.length > 0) {
      this.#burstBytes = this.#bulk.length > 0 ? this.#burstBytes + bytes : 0
      return batch
    }
    this.#burstBytes = 0
    while (this.#bulk.length > 0) {
      const queued = this.#bulk.shift()!
      if (!queued.dropped) return [queued]
    }
    // A burst that was spent on behalf of a bulk frame that has been dropped since.
    return this.#small.length > 0 ? this.#nextBatch() : []
  }

  #signalIdle(): void {
    const onIdle = this.#onIdle
    this.#onIdle = undefined
    onIdle?.()
  }
}

/** The prefix and the header in one buffer: one piece less to encrypt and write. */
function prefixed(frame: OutgoingFrame): Uint8Array {
  const { header } = frame
  const bytes = Buffer.allocUnsafe(FRAME_PREFIX_BYTES + header.byteLength)
  bytes.writeUInt32BE(header.byteLength, 0)
  bytes.writeUInt32BE(frame.body?.byteLength ?? 0, 4)
  bytes.set(header, FRAME_PREFIX_BYTES)
  return bytes
}

function readable(stream: Stream): boolean {
  return stream.readStatus === 'readable' || stream.readStatus === 'paused'
}

function writable(stream: Stream): boolean {
  return stream.status === 'open' && stream.writeStatus === 'writable'
}

/** The peer does not keep to the format: INVALID_ARGUMENT, as opposed to UNAVAILABLE. */
function brokenFrame(what: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `frame: ${what}`)
}

function closedError(cause: unknown): DpsError {
  return new DpsError('UNAVAILABLE', 'the stream was closed', cause === undefined ? {} : { cause })
}
