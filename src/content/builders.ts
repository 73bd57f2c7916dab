/**
 * Trees of manifests, built in one pass as their children become known. Nodes fill from the left
 * and leave when the next child needs room, so memory is one node for each level.
 */
import type { CID } from 'multiformats/cid'
import { assert, DpsError } from '../base/index.js'
import {
  type Chunking,
  checkChunking,
  chunkBytesMax,
  chunkSizeAt,
  effectiveChunking,
  MAX_CONTENT_BYTES,
} from './chunking.js'
import { cidOf, DIGEST_BYTES, type Digest, sha256 } from './cid.js'
import { checkEntry, checkOrder, encodeManifest } from './codec.js'
import {
  type DirectoryChild,
  type DirectoryEntry,
  type DirectoryNode,
  type FileNode,
  type FileRoot,
  MANIFEST_CHILDREN_MAX,
  type Manifest,
  type ManifestBlock,
} from './manifest.js'
import { checkFileRoot } from './shape.js'
import { childBytes, entryBytes, hasRoom } from './sizes.js'

/** Takes a manifest to store. The builder waits for it before it goes on. */
export type EmitManifest = (block: ManifestBlock) => Promise<void> | void

function blockOf(manifest: Manifest): ManifestBlock {
  const bytes = encodeManifest(manifest)
  return { digest: sha256(bytes), bytes }
}

class FileLevel {
  digests: Digest[] = []
  sizesBytes: number[] = []
  sizeBytes = 0
  chunks = 0

  push(digest: Digest, sizeBytes: number, chunks: number): void {
    this.digests.push(digest)
    this.sizesBytes.push(sizeBytes)
    this.sizeBytes += sizeBytes
    this.chunks += chunks
  }

  get full(): boolean {
    return this.digests.length === MANIFEST_CHILDREN_MAX
  }

  /** The node, leaving the level empty for the next one. */
  take(level: number, root?: FileRoot): FileNode {
    const { digests, sizesBytes, sizeBytes, chunks } = this
    this.digests = []
    this.sizesBytes = []
    this.sizeBytes = 0
    this.chunks = 0
    const rest = { digests, sizesBytes, sizeBytes, chunks, ...(root && { root }) }
    return level === 0
      ? { type: 'file-leaf', level, ...rest }
      : { type: 'file-index', level, ...rest }
  }
}

/**
 * The manifests of one file.
 *
 * Await each `add` that returns a promise before the next call. After an error the builder is
 * of no use.
 */
export class FileTreeBuilder {
  readonly #chunking: Chunking
  readonly #emit: EmitManifest
  readonly #levels: FileLevel[] = [new FileLevel()]
  #sizeBytes = 0
  #chunks = 0
  #lastBytes = 0
  #finished = false

  /** @param chunking what the chunks were cut by; the manifest names its effective part. */
  constructor(chunking: Chunking, emit: EmitManifest) {
    this.#chunking = checkChunking(chunking)
    this.#emit = emit
  }

  /**
   * The next chunk. Emits when a manifest is full.
   * @param digest copied.
   * @throws INVALID_ARGUMENT when the content becomes larger than 256 TiB.
   */
  add(digest: Digest, sizeBytes: number): Promise<void> | void {
    assert(!this.#finished, 'a chunk was added to a finished file')
    assert(digest.length === DIGEST_BYTES, `a digest of ${digest.length} bytes`)
    this.#checkSize(sizeBytes)
    this.#sizeBytes += sizeBytes
    this.#chunks++
    this.#lastBytes = sizeBytes
    // A copy: callers give views on buffers that live on, or are used again.
    const own = digest.slice()
    const leaf = this.#levels[0]!
    if (!leaf.full) return leaf.push(own, sizeBytes, 1)
    return this.#flush(0).then(() => leaf.push(own, sizeBytes, 1))
  }

  // A chunk of another length than its chunker cuts would make a manifest that nobody accepts.
  #checkSize(sizeBytes: number): void {
    const most = chunkBytesMax(this.#chunking)
    assert(sizeBytes > 0 && sizeBytes <= most, `a chunk of ${sizeBytes} bytes, ${most} at most`)
    if (this.#sizeBytes + sizeBytes > MAX_CONTENT_BYTES) {
      throw new DpsError('INVALID_ARGUMENT', `content larger than ${MAX_CONTENT_BYTES} bytes`)
    }
    const chunking = this.#chunking
    if (chunking.kind === 'fixed') {
      assert(sizeBytes <= chunkSizeAt(chunking, this.#sizeBytes), `chunk of ${sizeBytes} bytes`)
    }
    if (this.#chunks === 0) return
    const least =
      chunking.kind === 'fixed'
        ? chunkSizeAt(chunking, this.#sizeBytes - this.#lastBytes)
        : chunking.minBytes
    assert(this.#lastBytes >= least, `a chunk of ${this.#lastBytes} bytes before the last`)
  }

  /** Emits the node of a level, and puts it into the level above. */
  async #flush(index: number): Promise<void> {
    const node = this.#levels[index]!.take(index)
    if (this.#levels[index + 1]?.full) await this.#flush(index + 1)
    const block = blockOf(node)
    await this.#emit(block)
    let above = this.#levels[index + 1]
    if (above === undefined) {
      above = new FileLevel()
      this.#levels.push(above)
    }
    above.push(block.digest, node.sizeBytes, node.chunks)
  }

  /**
   * Emits what is left, the root last.
   * @param wholeSha256 sha2-256 of the whole content.
   */
  async finish(wholeSha256: Digest): Promise<{ cid: CID; sizeBytes: number; chunks: number }> {
    assert(!this.#finished, 'a file was finished twice')
    this.#finished = true
    // The length of #levels can grow on the way, when a level above was full already.
    for (let index = 0; index < this.#levels.length - 1; index++) await this.#flush(index)
    const sizeBytes = this.#sizeBytes
    const chunks = this.#chunks
    const root: FileRoot = {
      sha256: wholeSha256.slice(),
      ...(chunks > 0 && { chunking: effectiveChunking(this.#chunking, sizeBytes) }),
    }
    const top = this.#levels.length - 1
    const node = this.#levels[top]!.take(top, root)
    // A file_id that no decoder accepts must never be printed.
    checkFileRoot(node, root)
    const block = blockOf(node)
    await this.#emit(block)
    return { cid: cidOf('manifest', block.digest), sizeBytes, chunks }
  }
}

class DirectoryLevel<Item> {
  items: Item[] = []
  bytes = 0
  sizeBytes = 0
  entries = 0
}

/** The manifests of one directory. Await each `add` that returns a promise before the next call. */
export class DirectoryTreeBuilder {
  readonly #emit: EmitManifest
  #leaf = new DirectoryLevel<DirectoryEntry>()
  readonly #indexes: DirectoryLevel<DirectoryChild>[] = []
  #before: string | undefined
  #sizeBytes = 0
  #entries = 0

  constructor(emit: EmitManifest) {
    this.#emit = emit
  }

  /**
   * The next entry, in byte order of names (see `compareNames`).
   * @throws INVALID_ARGUMENT for a name out of order, twice or impossible.
   */
  add(entry: DirectoryEntry): Promise<void> | void {
    checkEntry(entry)
    checkOrder(this.#before, entry.name)
    if (this.#sizeBytes + entry.sizeBytes > MAX_CONTENT_BYTES) {
      throw new DpsError('INVALID_ARGUMENT', `directory larger than ${MAX_CONTENT_BYTES} bytes`)
    }
    this.#before = entry.name
    this.#sizeBytes += entry.sizeBytes
    this.#entries++
    const bytes = entryBytes(entry)
    if (hasRoom(this.#leaf.items.length, this.#leaf.bytes, bytes)) {
      return this.#push(this.#leaf, entry, bytes, 1)
    }
    return this.#flushLeaf().then(() => this.#push(this.#leaf, entry, bytes, 1))
  }

  #push<Item extends { sizeBytes: number }>(
    level: DirectoryLevel<Item>,
    item: Item,
    bytes: number,
    entries: number,
  ): void {
    level.items.push(item)
    level.bytes += bytes
    level.sizeBytes += item.sizeBytes
    level.entries += entries
  }

  async #flushLeaf(): Promise<void> {
    const leaf = this.#leaf
    this.#leaf = new DirectoryLevel()
    const digest = await this.#store(leafNode(leaf))
    await this.#addChild(0, childOf(digest, leaf, leaf.items[0]!.name))
  }

  async #flushIndex(index: number): Promise<void> {
    const level = this.#indexes[index]!
    this.#indexes[index] = new DirectoryLevel()
    const digest = await this.#store(indexNode(level, index + 1))
    await this.#addChild(index + 1, childOf(digest, level, level.items[0]!.firstName))
  }

  async #addChild(index: number, child: DirectoryChild): Promise<void> {
    if (this.#indexes[index] === undefined) this.#indexes.push(new DirectoryLevel())
    const bytes = childBytes(child)
    const { items, bytes: held } = this.#indexes[index]!
    if (!hasRoom(items.length, held, bytes)) await this.#flushIndex(index)
    this.#push(this.#indexes[index]!, child, bytes, child.entries)
  }

  async #store(node: DirectoryNode): Promise<Digest> {
    const block = blockOf(node)
    await this.#emit(block)
    return block.digest
  }

  /** Emits what is left, the root last. */
  async finish(): Promise<{ cid: CID; sizeBytes: number; entries: number }> {
    const totals = { sizeBytes: this.#sizeBytes, entries: this.#entries }
    if (this.#indexes.length === 0) {
      return { cid: cidOf('manifest', await this.#store(leafNode(this.#leaf))), ...totals }
    }
    await this.#flushLeaf()
    for (let index = 0; index < this.#indexes.length - 1; index++) await this.#flushIndex(index)
    const top = this.#indexes.length
    const digest = await this.#store(indexNode(this.#indexes[top - 1]!, top))
    return { cid: cidOf('manifest', digest), ...totals }
  }
}

function childOf(
  digest: Digest,
  { sizeBytes, entries }: { sizeBytes: number; entries: number },
  firstName: string,
): DirectoryChild {
  return { digest, sizeBytes, entries, firstName }
}

function leafNode({ items, sizeBytes }: DirectoryLevel<DirectoryEntry>): DirectoryNode {
  return { type: 'directory-leaf', level: 0, entries: items, sizeBytes }
}

function indexNode(
  { items, sizeBytes, entries }: DirectoryLevel<DirectoryChild>,
  level: number,
): DirectoryNode {
  return { type: 'directory-index', level, children: items, entries, sizeBytes }
}
