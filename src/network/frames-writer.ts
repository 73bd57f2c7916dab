/** Frames onto a long-lived libp2p stream; see `frames.ts` for the format. */
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { FRAME_PREFIX_BYTES } from './frames.js'

// More than this below us means that the peer or the socket is the bottleneck. It covers a
// yamux window's turnaround; a frame may overshoot it by its own length.
const WRITE_QUEUE_BYTES = 1024 * 1024

// yamux receives a data frame whole before it gives any of it on, and noise encrypts 65,519 bytes
// at a time: pieces of four such packets, yamux's header of 12 bytes included, keep what both ends
// hold small and leave no crumbs.
const SEND_PIECE_BYTES = 4 * 65_519 - 12

// Frames up to this size go ahead of bulk ones and share one write with their neighbours.
const SMALL_FRAME_BYTES = 16 * 1024
// Bytes of small frames let past a waiting bulk frame, so that a flood of them can't starve it.
const SMALL_BURST_BYTES = 64 * 1024

export interface OutgoingFrame {
  header: Uint8Array
  body?: Uint8Array | Uint8ArrayList | undefined
  /** Keeps its place among bulk frames, however small it is. @default by its size */
  bulk?: boolean
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
    const bulk = frame.bulk ?? bytes > SMALL_FRAME_BYTES
    ;(bulk ? this.#bulk : this.#small).push(queued)
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
        for (let at = 0; at < data.byteLength; at += SEND_PIECE_BYTES) {
          const end = Math.min(at + SEND_PIECE_BYTES, data.byteLength)
          this.#stream.send(data.sublist(at, end))
        }
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

  /** Bulk frames, or small ones, up to the burst; one of them at least. */
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
    for (taken = 0; taken < this.#bulk.length; taken++) {
      const queued = this.#bulk[taken]!
      if (queued.dropped) continue
      if (batch.length > 0 && bytes + queued.bytes > SMALL_BURST_BYTES) break
      batch.push(queued)
      bytes += queued.bytes
    }
    this.#bulk.splice(0, taken)
    if (batch.length > 0) return batch
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

function writable(stream: Stream): boolean {
  return stream.status === 'open' && stream.writeStatus === 'writable'
}
