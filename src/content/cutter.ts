/** One cutter for each kind of chunking. */
import {
  type Chunking,
  type Cutter,
  checkChunking,
  chunkBytesMax,
  chunkSizeAt,
  type FixedChunking,
} from './chunking.js'
import { FastCdc } from './fastcdc.js'

/** @throws INVALID_ARGUMENT for parameters that no manifest may have. */
export function cutterFor(chunking: Chunking): Cutter {
  return chunking.kind === 'fixed' ? new FixedCutter(chunking) : new FastCdc(chunking)
}

class FixedCutter implements Cutter {
  readonly maxBytes: number
  readonly #chunking: FixedChunking
  #offset = 0

  constructor(chunking: FixedChunking) {
    this.#chunking = checkChunking(chunking)
    this.maxBytes = chunkBytesMax(chunking)
  }

  cut(buffer: Uint8Array, final: boolean): number {
    const size = chunkSizeAt(this.#chunking, this.#offset)
    if (buffer.length < size && !final) return 0
    const length = Math.min(size, buffer.length)
    this.#offset += length
    return length
  }
}
