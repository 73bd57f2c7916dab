/** Sources of bytes for publishing: a file, a pipe, an upload. All fill buffers the same way. */
import type { FileHandle } from 'node:fs/promises'
import { type AbortOptions, raceSignal } from '../base/index.js'

export interface ByteReader {
  /** Fills `into` as far as the source goes: fewer bytes than asked for means the end. */
  fill(into: Uint8Array, options?: AbortOptions): Promise<number>
}

export class FileReader implements ByteReader {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async fill(into: Uint8Array, options: AbortOptions = {}): Promise<number> {
    let filled = 0
    while (filled < into.length) {
      options.signal?.throwIfAborted()
      const { bytesRead } = await this.#handle.read(into, filled, into.length - filled, null)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled
  }
}

export class StreamReader implements ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array | undefined
  #ended = false
  /** A piece was asked for that has not come. */
  #asked = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  async fill(into: Uint8Array, options: AbortOptions = {}): Promise<number> {
    let filled = 0
    while (filled < into.length && !this.#ended) {
      if (this.#rest === undefined || this.#rest.length === 0) {
        // Raced: a source that stands still must not hold up who wants to stop.
        this.#asked = true
        const next = await raceSignal(this.#pieces.next(), options.signal)
        this.#asked = false
        if (next.done) {
          this.#ended = true
          break
        }
        this.#rest = next.value
      }
      const taken = this.#rest.subarray(0, into.length - filled)
      into.set(taken, filled)
      filled += taken.length
      this.#rest = this.#rest.subarray(taken.length)
    }
    return filled
  }

  /** Tells the source that nobody reads on. */
  async close(): Promise<void> {
    const closed = this.#pieces.return?.()
    // Behind a piece that was asked for and may never come, the return waits for ever.
    if (this.#asked) closed?.catch(() => {})
    else await closed
  }
}
