/**
 * FastCDC: chunk boundaries that follow the content, so that an insertion moves few of them.
 *
 * Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
 * Deduplication", USENIX ATC 2016, with normalised chunking; and "The Design of Fast
 * Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 2020, from
 * which two bytes are rolled per step (same boundaries, fewer operations).
 *
 * Two things are pinned here because they decide every boundary, and so every file_id:
 *
 * - The gear table, which the paper leaves to chance: entry `i` is the first four bytes, as a
 *   big-endian number, of sha2-256 over the ASCII text `dps fastcdc gear <i>` (decimal).
 * - The hash is the low 32 bits of the paper's 64, which is what JavaScript adds quickly. A mask
 *   of n bits takes the n bits below the topmost: high bits have seen the most bytes, and the
 *   topmost would be lost where two bytes are rolled at once.
 */
import { createHash } from 'node:crypto'
import { type Cutter, checkChunking, type FastCdcChunking } from './chunking.js'

let tables: { gear: Int32Array; gearShifted: Int32Array } | undefined

/** @internal for tests: the table as it enters the hash. */
export function gearTable(): Int32Array {
  return gearTables().gear
}

// Made on first use: 256 hashes would show in the start of every short command.
function gearTables(): { gear: Int32Array; gearShifted: Int32Array } {
  if (tables === undefined) {
    const gear = new Int32Array(256)
    for (let i = 0; i < 256; i++) {
      gear[i] = createHash('sha256').update(`dps fastcdc gear ${i}`).digest().readInt32BE(0)
    }
    tables = { gear, gearShifted: gear.map((value) => value << 1) }
  }
  return tables
}

/** The `bits` bits below the topmost of 32. */
function maskOf(bits: number): number {
  return (2 ** bits - 1) << (31 - bits)
}

export class FastCdc implements Cutter {
  readonly maxBytes: number
  readonly #minBytes: number
  readonly #avgBytes: number
  /** Before the average: more bits, so that a boundary is rarer than 1 in `avgBytes`. */
  readonly #maskBefore: number
  /** After it: fewer bits. The two pull the sizes towards the average. */
  readonly #maskAfter: number
  readonly #gear: Int32Array
  readonly #gearShifted: Int32Array

  /** Position in the current chunk up to which it was searched, so that a longer buffer is not searched again. */
  #at: number
  #hash = 0

  /** @throws INVALID_ARGUMENT for parameters that no manifest may have. */
  constructor(chunking: FastCdcChunking) {
    checkChunking(chunking)
    const { minBytes, avgBytes, maxBytes, normalization } = chunking
    const bits = Math.log2(avgBytes)
    this.#minBytes = minBytes
    this.#avgBytes = avgBytes
    this.maxBytes = maxBytes
    this.#maskBefore = maskOf(bits + normalization)
    this.#maskAfter = maskOf(bits - normalization)
    const { gear, gearShifted } = gearTables()
    this.#gear = gear
    this.#gearShifted = gearShifted
    this.#at = minBytes
  }

  /** See {@link Cutter}: the length of the next chunk, or 0 when more bytes are needed. */
  cut(buffer: Uint8Array, final: boolean): number {
    const end = Math.min(buffer.length, this.maxBytes)
    const found =
      this.#search(buffer, Math.min(end, this.#avgBytes), this.#maskBefore) ||
      this.#search(buffer, end, this.#maskAfter)
    if (found !== 0) return this.#done(found)
    return end === this.maxBytes || final ? this.#done(end) : 0
  }

  #done(length: number): number {
    this.#at = this.#minBytes
    this.#hash = 0
    return length
  }

  /** The first boundary before `end`, or 0. */
  #search(buffer: Uint8Array, end: number, mask: number): number {
    const gear = this.#gear
    const gearShifted = this.#gearShifted
    const maskShifted = mask << 1
    let hash = this.#hash
    let at = this.#at
    for (const lastPair = end - 1; at < lastPair; at += 2) {
      hash = ((hash << 2) + gearShifted[buffer[at]!]!) | 0
      if ((hash & maskShifted) === 0) return at
      hash = (hash + gear[buffer[at + 1]!]!) | 0
      if ((hash & mask) === 0) return at + 1
    }
    if (at < end) {
      hash = ((hash << 1) + gear[buffer[at]!]!) | 0
      if ((hash & mask) === 0) return at
      at++
    }
    this.#hash = hash
    this.#at = at
    return 0
  }
}
