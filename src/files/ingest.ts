/**
 * One stream of bytes into chunks, a manifest and the store.
 *
 * Bytes travel through slabs of shared memory: filled here, hashed by workers (each chunk, and
 * the whole beside it), taken by the store. The slab pool is the only bound that is needed: a
 * reader that runs ahead waits for a slab.
 */

import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import { childController } from '../base/index.js'
import {
  type Chunking,
  type Cutter,
  cutterFor,
  type Digest,
  FileTreeBuilder,
  type HashPool,
  MAX_CHUNK_BYTES,
  type SlabPool,
} from '../content/index.js'
import type { ChunkStore, Lease, NewChunk } from '../store/index.js'
import type { ByteReader } from './reader.js'

/** One slab takes at least one chunk of the longest kind. */
export const SLAB_BYTES = MAX_CHUNK_BYTES

export interface IngestComponents {
  store: Pick<ChunkStore, 'put'>
  hashes: HashPool
  slabs: SlabPool
}

export interface IngestInit {
  chunking: Chunking
  /** Compute CIDs, store nothing. */
  onlyHash: boolean
  lease?: Lease
  /** Told of bytes that were read, as they are. */
  onRead(bytes: number): void
}

export interface Ingested {
  cid: CID
  sizeBytes: number
  chunks: number
  /** Bytes of chunks and manifests that were not stored before. */
  newBytes: number
}

export class Ingest {
  readonly #components: IngestComponents
  readonly #init: IngestInit

  constructor(components: IngestComponents, init: IngestInit) {
    this.#components = components
    this.#init = init
  }

  /** A file whose bytes are in memory already and fit one chunk. */
  async small(bytes: Uint8Array, options: AbortOptions = {}): Promise<Ingested> {
    const { hashes } = this.#components
    const { chunking, onRead } = this.#init
    const result = { newBytes: 0 }
    // The manifest comes with its chunk in one put: a small file is one trip to the store.
    const blocks: NewChunk[] = []
    const builder = new FileTreeBuilder(chunking, (block) => {
      blocks.push({ ...block, kind: 'manifest' })
    })
    const digest = await hashes.digest(bytes)
    if (bytes.length > 0) {
      blocks.push({ digest, bytes, kind: 'chunk' })
      await builder.add(digest, bytes.length)
      onRead(bytes.length)
    }
    const tree = await builder.finish(digest)
    await this.#put(blocks, result, options)
    return { cid: tree.cid, sizeBytes: tree.sizeBytes, chunks: tree.chunks, ...result }
  }

  /**
   * Reads to the end. Nothing is durable before the caller's barrier. Rejects with what the
   * reader or the store threw, once every piece of work it began is over.
   */
  async stream(reader: ByteReader, options: AbortOptions = {}): Promise<Ingested> {
    const { hashes, slabs } = this.#components
    const controller = childController(options.signal)
    const { signal } = controller
    const result = { newBytes: 0 }
    const cutter = new RunCutter(reader, this.#init.chunking)
    const whole = hashes.stream()
    // What the chunking really came to is known at the end, the manifests' order before it:
    // refs are added in order of the bytes, however their hashes arrive.
    const builder = new FileTreeBuilder(this.#init.chunking, (block) =>
      this.#put([{ ...block, kind: 'manifest' }], result, { signal }),
    )
    let inOrder: Promise<void> = Promise.resolve()
    let onlyDigest: Digest | undefined
    let runs = 0
    try {
      while (true) {
        const slab = await slabs.acquire({ signal })
        let run: Run
        try {
          run = await cutter.next(slab.buffer, { signal })
        } catch (error) {
          slab.release()
          throw error
        }
        if (run.bytes === 0) {
          slab.release()
          break
        }
        runs++
        this.#init.onRead(run.bytes)
        // A file of one chunk has its whole hash already: its chunk's.
        const single = run.last && runs === 1 && run.sizes.length === 1
        const hashed = single ? Promise.resolve() : whole.update(slab.buffer.subarray(0, run.bytes))
        const work = this.#run(slab.buffer, run, result, signal)
        // Stops the reading here, and the others; the error itself is met at the end.
        work.catch((error) => controller.abort(error))
        inOrder = inTurn(inOrder, work)
          .then(async (digests) => {
            for (const [i, digest] of digests.entries()) await builder.add(digest, run.sizes[i]!)
            if (single) onlyDigest = digests[0]
          })
          .finally(async () => {
            await hashed.catch(() => {})
            slab.release()
          })
          .then(() => hashed)
        inOrder.catch((error) => controller.abort(error))
        if (run.last) break
      }
      await inOrder
      const tree = await builder.finish(onlyDigest ?? (await whole.digest()))
      return { cid: tree.cid, sizeBytes: tree.sizeBytes, chunks: tree.chunks, ...result }
    } catch (error) {
      controller.abort(error)
      await inOrder.catch(() => {})
      throw error
    } finally {
      whole.close()
      controller.dispose()
    }
  }

  /** Hashes and stores one run of chunks; resolves to their digests. */
  async #run(
    buffer: Uint8Array,
    run: Run,
    result: { newBytes: number },
    signal: AbortSignal,
  ): Promise<Digest[]> {
    const views: Uint8Array[] = []
    let at = 0
    for (const size of run.sizes) {
      views.push(buffer.subarray(at, at + size))
      at += size
    }
    const digests = await Promise.all(views.map((view) => this.#components.hashes.digest(view)))
    const chunks = digests.map(
      (digest, i): NewChunk => ({ digest, kind: 'chunk', bytes: views[i]! }),
    )
    await this.#put(chunks, result, { signal })
    return digests
  }

  async #put(
    chunks: NewChunk[],
    result: { newBytes: number },
    options: AbortOptions,
  ): Promise<void> {
    if (this.#init.onlyHash) return
    const { lease } = this.#init
    const stored = await this.#components.store.put(chunks, {
      ...options,
      ...(lease && { lease }),
    })
    for (const [i, { stored: isNew }] of stored.entries()) {
      if (isNew) result.newBytes += chunks[i]!.bytes.length
    }
  }
}

/**
 * What `work` came to, once what was `before` it is over too, however either ends: so whoever
 * awaits the last of a row may rely on all of them.
 */
export async function inTurn<T>(before: Promise<unknown>, work: Promise<T>): Promise<T> {
  await Promise.allSettled([before, work])
  await before
  return work
}

/** Consecutive chunks at the start of one slab. */
interface Run {
  sizes: number[]
  bytes: number
  /** The source ended with this run. */
  last: boolean
}

/** Fills slabs and says where the chunks in them end. */
class RunCutter {
  readonly #reader: ByteReader
  readonly #cutter: Cutter
  /** Bytes read behind the last cut: the start of the next slab. */
  #carried: Uint8Array = new Uint8Array(0)
  #ended = false

  constructor(reader: ByteReader, chunking: Chunking) {
    this.#reader = reader
    this.#cutter = cutterFor(chunking)
  }

  async next(into: Uint8Array, options: AbortOptions): Promise<Run> {
    into.set(this.#carried)
    let filled = this.#carried.length
    if (!this.#ended) {
      const room = into.length - filled
      const read = await this.#reader.fill(into.subarray(filled), options)
      filled += read
      this.#ended = read < room
    }
    const sizes: number[] = []
    let at = 0
    while (at < filled) {
      const size = this.#cutter.cut(into.subarray(at, filled), this.#ended)
      if (size === 0) break
      sizes.push(size)
      at += size
    }
    this.#carried = into.slice(at, filled)
    return { sizes, bytes: at, last: this.#ended && at === filled }
  }
}
