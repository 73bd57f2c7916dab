/** Chunks that were put and are not in the index yet: it names only what is durable. */
import { type Digest, digestKey } from '../content/index.js'
import type { Location } from './keys.js'

export interface RecentChunk {
  digest: Digest
  at: Location
  /** Settles when its record is written; `undefined` afterwards. */
  written: Promise<void> | undefined
  /** It was not stored before. */
  isNew: boolean
}

export class RecentChunks {
  /** In order of their sequences. */
  readonly #chunks = new Map<string, RecentChunk>()
  /** Written, waiting for a barrier. */
  #written: RecentChunk[] = []
  #writtenBytes = 0
  /** Of those that were not stored before. */
  readonly totals = { chunks: 0, bytes: 0 }

  get size(): number {
    return this.#chunks.size
  }

  /** Written and waiting for a barrier. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  get writtenChunks(): number {
    return this.#written.length
  }

  get(key: string): RecentChunk | undefined {
    return this.#chunks.get(key)
  }

  has(key: string): boolean {
    return this.#chunks.has(key)
  }

  /** In order of sequences, and never one that is there. */
  add(key: string, chunk: RecentChunk): void {
    this.#chunks.set(key, chunk)
    if (chunk.isNew) this.#count(1, chunk.at.sizeBytes)
  }

  markWritten(chunks: readonly RecentChunk[]): void {
    for (const chunk of chunks) {
      chunk.written = undefined
      this.#written.push(chunk)
      this.#writtenBytes += chunk.at.sizeBytes
    }
  }

  /** Those that the barrier which begins now makes durable. */
  takeWritten(): RecentChunk[] {
    const chunks = this.#written
    this.#written = []
    this.#writtenBytes = 0
    return chunks
  }

  /** They are in the index, or were not written. */
  remove(chunks: readonly RecentChunk[]): void {
    for (const chunk of chunks) {
      const key = digestKey(chunk.digest)
      if (this.#chunks.get(key) !== chunk) continue
      this.#chunks.delete(key)
      if (chunk.isNew) this.#count(-1, -chunk.at.sizeBytes)
    }
  }

  /** Forgets all. @returns those whose put was answered. */
  clear(): RecentChunk[] {
    this.takeWritten()
    const chunks = [...this.#chunks.values()]
    this.remove(chunks)
    return chunks.filter(({ written }) => written === undefined)
  }

  /** The smallest sequence; `undefined` when there is none. */
  firstSequence(): number | undefined {
    for (const { at } of this.#chunks.values()) return at.sequence
    return undefined
  }

  #count(chunks: number, bytes: number): void {
    this.totals.chunks += chunks
    this.totals.bytes += bytes
  }
}
