/** The contract of a chunk store: one seam, two implementations, one suite over both. */
import type { AbortOptions } from '../base/index.js'
import type { ChunkKind, Digest } from '../content/index.js'
import type { Lease } from './lease.js'

export interface NewChunk {
  digest: Digest
  kind: ChunkKind
  /** May be a view on a SharedArrayBuffer: it is copied before any CRC is computed. */
  bytes: Uint8Array
}

export interface ChunkInfo {
  digest: Digest
  kind: ChunkKind
  sizeBytes: number
  /** Only grows: what was stored (or moved by a reclaim) later has a larger one. */
  sequence: number
}

export interface StoredChunk {
  kind: ChunkKind
  bytes: Uint8Array
}

/** A record that was found damaged; it was taken out of the index before this is told. */
export interface Damage {
  digest: Digest
  kind: ChunkKind
  sizeBytes: number
  reason: string
}

export interface StoreStats {
  chunks: number
  /** Of the chunks' bytes, without headers. */
  bytes: number
  /** What the data directory's databases take on disk. */
  usedBytes: number
  freeBytes: number
  capacityBytes: number
}

export interface PutOptions extends AbortOptions {
  /** Protects hits and new chunks from the collector, from before the first look-up. */
  lease?: Lease
}

export interface CollectOptions extends AbortOptions {
  /**
   * The last word on one chunk, asked in the same turn in which the chunk is marked as going.
   * From that turn on, a put of it stores it anew.
   */
  isGarbage(chunk: ChunkInfo): boolean
  onFreed?(chunk: ChunkInfo): void
}

export interface ChunkStore {
  /** Where the next record will lie: everything stored from now on has this sequence or more. */
  readonly nextSequence: number

  /**
   * Takes the bytes: they are copied when this resolves, so buffers may be reused. Resolves in
   * order of the chunks, `stored: false` for what was there already. A hit whose record is missing
   * or damaged is stored again. Visible at once, durable only after {@link ChunkStore.barrier}.
   *
   * @throws RESOURCE_EXHAUSTED on a full disk; UNAVAILABLE after an I/O error until the store has
   *   reopened itself; INVALID_ARGUMENT for a chunk above 4 MiB.
   */
  put(chunks: readonly NewChunk[], options?: PutOptions): Promise<{ stored: boolean }[]>

  /**
   * Resolves when everything put before this call survives power loss. Shared by all who wait.
   * Rejects when any write since the last barrier failed: nothing since then is promised.
   */
  barrier(options?: AbortOptions): Promise<void>

  /** From the index alone. With a lease, what is found is protected before this resolves. */
  has(digests: readonly Digest[], options?: PutOptions): Promise<boolean[]>

  info(digests: readonly Digest[], options?: AbortOptions): Promise<(ChunkInfo | undefined)[]>

  /**
   * `undefined` when absent. The bytes passed their CRC, and belong to the caller.
   * @throws DATA_LOSS for a damaged record, which is out of the index from then on.
   */
  get(digest: Digest, options?: AbortOptions): Promise<StoredChunk | undefined>

  /** As {@link ChunkStore.get} for many at once; damaged ones are `undefined`. */
  getMany(digests: readonly Digest[], options?: AbortOptions): Promise<(StoredChunk | undefined)[]>

  /** In digest order, from the index; resumes behind `after`. */
  list(options?: AbortOptions & { after?: Digest }): AsyncIterable<ChunkInfo>

  /** Chunks found damaged and not stored again since. */
  damaged(options?: AbortOptions): AsyncIterable<Damage>

  /**
   * Takes a chunk whose bytes do not match its digest out of the index, so that the next put
   * stores it again.
   */
  quarantine(digest: Digest, reason: string, options?: AbortOptions): Promise<void>

  /** Frees those candidates of which `isGarbage` says so. Never blocks puts and gets. */
  collect(
    candidates: AsyncIterable<Digest>,
    options: CollectOptions,
  ): Promise<{ chunks: number; bytes: number }>

  /** Gives the space of freed chunks back to the disk. */
  reclaim(options?: AbortOptions): Promise<{ reclaimedBytes: number }>

  stats(options?: AbortOptions): Promise<StoreStats>
}
