/**
 * Content: bytes and arithmetic only. What a chunk, a file and a directory are called (CIDs), how
 * bytes are cut (chunkers), what a file's recipe looks like (manifests), how a chunk lies on disk
 * (records), and hashing that leaves the main thread alone.
 *
 * Goals: the same bytes chunked the same way have one file_id, on every node, for ever; decoders
 * refuse whatever they would not write themselves; memory grows with a tree's depth, not with the
 * file.
 * Non-goals: disks, peers, paths. Manifests come from a loader that the caller gives.
 *
 * @example
 * const builder = new FileTreeBuilder(AUTO_CHUNKING, (block) => blocks.push(block))
 * await builder.add(sha256(bytes), bytes.length)
 * const { cid } = await builder.finish(sha256(bytes))
 * for await (const chunk of fileChunks(cid, load, { offset: 0, length: 10 })) …
 */
export { DirectoryTreeBuilder, type EmitManifest, FileTreeBuilder } from './builders.js'
export * from './chunking.js'
export {
  type ChunkKind,
  CID_BYTES,
  CODEC_MANIFEST,
  CODEC_RAW,
  checkCid,
  cidOf,
  cidOfBytes,
  codecOf,
  compareDigests,
  DIGEST_BYTES,
  type Digest,
  digestHex,
  digestKey,
  digestOf,
  digestOfKey,
  formatCid,
  kindOf,
  parseCid,
  sha256,
  verifyChunk,
} from './cid.js'
export { decodeManifest } from './codec.js'
export { cutterFor } from './cutter.js'
export { FastCdc } from './fastcdc.js'
export { HashPool, type StreamHash } from './hash-pool.js'
export * from './manifest.js'
export { compareNames } from './names.js'
export * from './record.js'
export { type Slab, SlabPool } from './slabs.js'
export { type TreeBlock, type TreeOptions, treeBlocks } from './tree.js'
export {
  type DirectoryInfo,
  directoryEntries,
  type EntriesOptions,
  type FileChunk,
  type FileInfo,
  fileChunks,
  openRoot,
  type RangeOptions,
  type RootInfo,
  type RootOptions,
} from './walk.js'
