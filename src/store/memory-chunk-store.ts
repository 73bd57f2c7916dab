/** Chunks in memory: for tests, and for nodes that keep nothing. Durable as memory is: not. */
import { crc32c } from '@node-rs/crc32'
import type { AbortOptions } from '../base/index.js'
import { DpsError } from '../base/index.js'
import {
  type ChunkKind,
  compareDigests,
  type Digest,
  digestHex,
  digestKey,
  digestOfKey,
  MAX_CHUNK_BYTES,
} from '../content/index.js'
import type {
  ChunkInfo,
  ChunkStore,
  CollectOptions,
  Damage,
  NewChunk,
  PutOptions,
  StoredChunk,
  StoreStats,
} from './chunk-store.js'
import { recordBytes } from './keys.js'

interface Held {
  kind: ChunkKind
  bytes: Uint8Array
  sequence: number
  crc: number
}

export class MemoryChunkStore implements ChunkStore {
  nextSequence = 1
  readonly #chunks = new Map<string, Held>()
  readonly #damaged = new Map<string, Damage>()
  readonly #capacityBytes: number
  #bytes = 0
  #freedBytes = 0

  constructor({ capacityBytes = 1024 * 1024 * 1024 }: { capacityBytes?: number } = {}) {
    this.#capacityBytes = capacityBytes
  }

  async put(chunks: readonly NewChunk[], options: PutOptions = {}): Promise<{ stored: boolean }[]> {
    const { lease, signal } = options
    signal?.throwIfAborted()
    return chunks.map(({ digest, kind, bytes }) => {
      if (bytes.length > MAX_CHUNK_BYTES) {
        throw new DpsError('INVALID_ARGUMENT', `chunk of ${bytes.length} bytes: the most is 4 MiB`)
      }
      const key = digestKey(digest)
      const held = this.#chunks.get(key)
      if (held !== undefined && crc32c(held.bytes) === held.crc) {
        lease?.protect([digest])
        return { stored: false }
      }
      if (this.#bytes + bytes.length > this.#capacityBytes) {
        throw new DpsError('RESOURCE_EXHAUSTED', 'memory store is full')
      }
      if (held !== undefined) this.#drop(key, held)
      const sequence = this.nextSequence
      this.nextSequence += recordBytes(bytes.length)
      const copy = new Uint8Array(bytes)
      this.#chunks.set(key, { kind, bytes: copy, sequence, crc: crc32c(copy) })
      this.#bytes += copy.length
      this.#damaged.delete(key)
      return { stored: true }
    })
  }

  async barrier({ signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
  }

  async has(digests: readonly Digest[], { lease, signal }: PutOptions = {}): Promise<boolean[]> {
    signal?.throwIfAborted()
    const found = digests.map((digest) => this.#chunks.has(digestKey(digest)))
    lease?.protect(digests.filter((_, i) => found[i]))
    return found
  }

  async info(
    digests: readonly Digest[],
    { signal }: AbortOptions = {},
  ): Promise<(ChunkInfo | undefined)[]> {
    signal?.throwIfAborted()
    return digests.map((digest) => this.#info(digest))
  }

  #info(digest: Digest): ChunkInfo | undefined {
    const held = this.#chunks.get(digestKey(digest))
    if (held === undefined) return undefined
    const { kind, bytes, sequence } = held
    return { digest, kind, sizeBytes: bytes.length, sequence }
  }

  async get(digest: Digest, { signal }: AbortOptions = {}): Promise<StoredChunk | undefined> {
    signal?.throwIfAborted()
    const held = this.#chunks.get(digestKey(digest))
    if (held === undefined) return undefined
    if (crc32c(held.bytes) !== held.crc) {
      const reason = 'its bytes fail their CRC'
      await this.quarantine(digest, reason)
      throw new DpsError('DATA_LOSS', `chunk ${digestHex(digest)} is damaged: ${reason}`)
    }
    return { kind: held.kind, bytes: held.bytes.slice() }
  }

  async getMany(
    digests: readonly Digest[],
    options: AbortOptions = {},
  ): Promise<(StoredChunk | undefined)[]> {
    return Promise.all(digests.map((digest) => this.get(digest, options).catch(() => undefined)))
  }

  async *list(options: AbortOptions & { after?: Digest } = {}): AsyncGenerator<ChunkInfo> {
    const { after, signal } = options
    const digests = [...this.#chunks.keys()].map(digestOfKey).sort(compareDigests)
    for (const digest of digests) {
      signal?.throwIfAborted()
      const info = this.#info(digest)
      if (info === undefined || (after && compareDigests(digest, after) <= 0)) continue
      yield info
    }
  }

  async *damaged(): AsyncGenerator<Damage> {
    yield* [...this.#damaged.values()]
  }

  async quarantine(digest: Digest, reason: string): Promise<void> {
    const key = digestKey(digest)
    const held = this.#chunks.get(key)
    if (held === undefined) return
    const { kind, bytes } = held
    this.#drop(key, held)
    this.#damaged.set(key, { digest, kind, sizeBytes: bytes.length, reason })
  }

  /** Flips a bit of a stored chunk: what tests need of a disk. */
  damage(digest: Digest): void {
    const held = this.#chunks.get(digestKey(digest))
    if (held !== undefined) held.bytes[0] = held.bytes[0]! ^ 1
  }

  async collect(
    candidates: AsyncIterable<Digest>,
    { isGarbage, onFreed, signal }: CollectOptions,
  ): Promise<{ chunks: number; bytes: number }> {
    const freed = { chunks: 0, bytes: 0 }
    for await (const digest of candidates) {
      signal?.throwIfAborted()
      const key = digestKey(digest)
      const held = this.#chunks.get(key)
      const info = this.#info(digest)
      if (held === undefined || info === undefined || !isGarbage(info)) continue
      this.#drop(key, held)
      freed.chunks++
      freed.bytes += info.sizeBytes
      this.#freedBytes += info.sizeBytes
      onFreed?.(info)
    }
    return freed
  }

  async reclaim(): Promise<{ reclaimedBytes: number }> {
    const reclaimedBytes = this.#freedBytes
    this.#freedBytes = 0
    return { reclaimedBytes }
  }

  async stats(): Promise<StoreStats> {
    return {
      chunks: this.#chunks.size,
      bytes: this.#bytes,
      usedBytes: this.#bytes,
      freeBytes: this.#capacityBytes - this.#bytes,
      capacityBytes: this.#capacityBytes,
    }
  }

  #drop(key: string, held: Held): void {
    this.#chunks.delete(key)
    this.#bytes -= held.bytes.length
  }
}
