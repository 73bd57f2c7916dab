/**
 * How content is cut. The cut depends on the bytes and their offsets, never on the total, so that
 * a stream of unknown length gets the chunks (and the file_id) that the same bytes get from a file.
 */
import { AssertionError, DpsError } from '../base/index.js'

export interface FixedChunking {
  kind: 'fixed'
  /** Ascending; the first from offset 0. Each chunk that starts at or after `fromOffset` is `sizeBytes` long. */
  steps: { fromOffset: number; sizeBytes: number }[]
}

export interface FastCdcChunking {
  kind: 'fastcdc'
  minBytes: number
  /** A power of two. */
  avgBytes: number
  maxBytes: number
  /** Normalisation level of the paper: bits by which the two masks differ from log2(avgBytes). */
  normalization: number
}

export type Chunking = FixedChunking | FastCdcChunking

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

// Under 64 KiB the records' and manifests' overhead shows; 4 MiB is what one slab, one frame and
// one database value are sized for.
export const MIN_CHUNK_BYTES = 64 * KIB
export const MAX_CHUNK_BYTES = 4 * MIB

/** Bytes of one file, or claimed below one manifest: 256 TiB. */
export const MAX_CONTENT_BYTES = 2 ** 48

// What a table in a manifest may hold; the default has three rows.
export const STEPS_MAX = 16

/**
 * The default: part of the contract, because it decides every file_id. 2 MiB is IPFS's limit for
 * a block, so that every chunk can be served there.
 */
export const AUTO_CHUNKING: FixedChunking = {
  kind: 'fixed',
  steps: [
    { fromOffset: 0, sizeBytes: 256 * KIB },
    { fromOffset: 256 * MIB, sizeBytes: 1 * MIB },
    { fromOffset: 16 * GIB, sizeBytes: 2 * MIB },
  ],
}

/** @throws INVALID_ARGUMENT outside 64 KiB to 4 MiB. */
export function fixedChunking(sizeBytes: number): FixedChunking {
  return checkChunking({ kind: 'fixed', steps: [{ fromOffset: 0, sizeBytes }] })
}

/** 64 KiB to 1 MiB, 256 KiB on average: the averages of the default's first step. */
export function fastCdcChunking(): FastCdcChunking {
  return {
    kind: 'fastcdc',
    minBytes: 64 * KIB,
    avgBytes: 256 * KIB,
    maxBytes: 1 * MIB,
    normalization: 2,
  }
}

/**
 * The parameters that really shaped a content of this size: the steps that it reached. So an
 * explicit 256 KiB and the default agree on everything up to 256 MiB.
 */
export function effectiveChunking<T extends Chunking>(chunking: T, totalBytes: number): T
export function effectiveChunking(chunking: Chunking, totalBytes: number): Chunking {
  if (chunking.kind === 'fastcdc') return chunking
  const steps = chunking.steps.filter((s) => s.fromOffset === 0 || s.fromOffset < totalBytes)
  return { kind: 'fixed', steps }
}

/** Length of the chunk that starts at `offset`, if the content goes on that far. */
export function chunkSizeAt(chunking: FixedChunking, offset: number): number {
  const { steps } = chunking
  let index = steps.length - 1
  while (index > 0 && steps[index]!.fromOffset > offset) index--
  return steps[index]!.sizeBytes
}

/** Chunks that a content of `totalBytes` has. */
export function chunkCount(chunking: FixedChunking, totalBytes: number): number {
  const { steps } = chunking
  let count = 0
  for (const [index, step] of steps.entries()) {
    const end = Math.min(steps[index + 1]?.fromOffset ?? totalBytes, totalBytes)
    if (end > step.fromOffset) count += Math.ceil((end - step.fromOffset) / step.sizeBytes)
  }
  return count
}

/** Where the chunk of that index starts, if the content goes on that far. */
export function offsetOfChunk(chunking: FixedChunking, index: number): number {
  const { steps } = chunking
  let left = index
  for (const [i, step] of steps.entries()) {
    const inStep = ((steps[i + 1]?.fromOffset ?? Infinity) - step.fromOffset) / step.sizeBytes
    if (left < inStep) return step.fromOffset + left * step.sizeBytes
    left -= inStep
  }
  throw new AssertionError(`no chunk ${index}`)
}

/** Length of the longest chunk that this chunking cuts. */
export function chunkBytesMax(chunking: Chunking): number {
  if (chunking.kind === 'fastcdc') return chunking.maxBytes
  return Math.max(...chunking.steps.map((step) => step.sizeBytes))
}

/** @throws INVALID_ARGUMENT naming the parameter that is wrong. */
export function checkChunking<T extends Chunking>(chunking: T): T
export function checkChunking(chunking: Chunking): Chunking {
  if (chunking.kind === 'fixed') checkFixed(chunking)
  else checkFastCdc(chunking)
  return chunking
}

function checkFixed({ steps }: FixedChunking): void {
  if (steps.length === 0 || steps.length > STEPS_MAX) {
    throw bad(`${steps.length} steps; 1 to ${STEPS_MAX} are possible`)
  }
  for (const [index, { fromOffset, sizeBytes }] of steps.entries()) {
    checkSize('chunk size', sizeBytes)
    const before = steps[index - 1]
    if (before === undefined) {
      if (fromOffset !== 0) throw bad('the first step does not start at offset 0')
      continue
    }
    // A step that changes nothing would be a second spelling of one chunking; one that starts
    // inside a chunk would leave that chunk's size open.
    const span = fromOffset - before.fromOffset
    if (!Number.isSafeInteger(fromOffset) || span <= 0 || fromOffset > MAX_CONTENT_BYTES) {
      throw bad(`step ${index} starts at offset ${fromOffset}`)
    }
    if (span % before.sizeBytes !== 0) throw bad(`step ${index} starts inside a chunk`)
    if (sizeBytes === before.sizeBytes) throw bad(`step ${index} changes nothing`)
  }
}

function checkFastCdc({ minBytes, avgBytes, maxBytes, normalization }: FastCdcChunking): void {
  checkSize('minimum chunk size', minBytes)
  checkSize('average chunk size', avgBytes)
  checkSize('maximum chunk size', maxBytes)
  if (minBytes >= avgBytes || avgBytes >= maxBytes)
    throw bad('minimum < average < maximum is needed')
  if (!Number.isInteger(Math.log2(avgBytes))) throw bad('the average is not a power of two')
  if (!Number.isInteger(normalization) || normalization < 0 || normalization > 3) {
    throw bad(`normalisation ${normalization}; 0 to 3 are possible`)
  }
}

function checkSize(what: string, sizeBytes: number): void {
  if (!Number.isInteger(sizeBytes) || sizeBytes < MIN_CHUNK_BYTES || sizeBytes > MAX_CHUNK_BYTES) {
    throw new DpsError('INVALID_ARGUMENT', `${what} ${sizeBytes}: out of range`, {
      hint: 'give a size from 64KiB to 4MiB',
    })
  }
}

function bad(why: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `chunking: ${why}`)
}

export function equalChunking(a: Chunking, b: Chunking): boolean {
  if (a.kind === 'fixed') {
    return (
      b.kind === 'fixed' &&
      a.steps.length === b.steps.length &&
      a.steps.every((step, i) => {
        const other = b.steps[i]!
        return step.fromOffset === other.fromOffset && step.sizeBytes === other.sizeBytes
      })
    )
  }
  return (
    b.kind === 'fastcdc' &&
    a.minBytes === b.minBytes &&
    a.avgBytes === b.avgBytes &&
    a.maxBytes === b.maxBytes &&
    a.normalization === b.normalization
  )
}

/** Cuts one content from its start to its end. */
export interface Cutter {
  /**
   * Length of the next chunk, or 0 when more bytes are needed to know.
   * @param buffer starts where the last chunk ended; after a 0 it starts at the same place and
   *   holds more. Never needs more than `maxBytes`.
   * @param final whether the content ends with this buffer.
   */
  cut(buffer: Uint8Array, final: boolean): number
  readonly maxBytes: number
}
