/**
 * What a manifest says, as the rest of the house sees it. Digests are views on the manifest's own
 * bytes: a leaf of 16,384 chunks would otherwise cost as many CID objects before its first byte.
 */
import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import type { Chunking } from './chunking.js'
import { type ChunkKind, type Digest, digestOf, kindOf } from './cid.js'

/** Children of one manifest. 16,384 chunk CIDs with lengths make about 0.7 MB. */
export const MANIFEST_CHILDREN_MAX = 16_384

/** Bytes of one manifest: IPFS's limit for a block. Long names split a directory before 16,384. */
export const MANIFEST_BYTES_MAX = 2 * 1024 * 1024

/** A manifest to store. */
export interface ManifestBlock {
  digest: Digest
  bytes: Uint8Array
}

/** What only the root of a file's tree carries. */
export interface FileRoot {
  /** sha2-256 of the whole content. */
  sha256: Digest
  /** The effective parameters; absent for the empty file alone. */
  chunking?: Chunking
}

/** Ordered chunks. */
export interface FileLeaf {
  type: 'file-leaf'
  level: 0
  digests: Digest[]
  /** Bytes of each chunk. Invariant: as many as digests, none zero, adding up to `sizeBytes`. */
  sizesBytes: number[]
  sizeBytes: number
  chunks: number
  root?: FileRoot
}

/** Ordered manifests of level - 1, all but the last of them full. */
export interface FileIndex {
  type: 'file-index'
  level: number
  digests: Digest[]
  /** Content bytes below each child. */
  sizesBytes: number[]
  sizeBytes: number
  /** Chunks below. Invariant: decides the number of children and theirs, as nodes fill from the left. */
  chunks: number
  root?: FileRoot
}

export type DirectoryEntry =
  | { name: string; kind: 'file' | 'directory'; cid: CID; sizeBytes: number }
  | { name: string; kind: 'symlink'; target: string; sizeBytes: 0 }

/** Entries in byte order of their names. */
export interface DirectoryLeaf {
  type: 'directory-leaf'
  level: 0
  entries: DirectoryEntry[]
  /** Content bytes below. */
  sizeBytes: number
}

export interface DirectoryChild {
  digest: Digest
  sizeBytes: number
  /** Entries below. */
  entries: number
  /** Invariant: the name of the first entry below. */
  firstName: string
}

/** Directory manifests of level - 1, in order. */
export interface DirectoryIndex {
  type: 'directory-index'
  level: number
  children: DirectoryChild[]
  entries: number
  sizeBytes: number
}

export type FileNode = FileLeaf | FileIndex
export type DirectoryNode = DirectoryLeaf | DirectoryIndex
export type Manifest = FileNode | DirectoryNode

/**
 * Where manifests come from: a store, a peer. The bytes must have been verified against the CID.
 * For a raw CID it gives the chunk.
 */
export type LoadManifest = (cid: CID, options?: AbortOptions) => Promise<Uint8Array>

export interface ManifestChild {
  digest: Digest
  kind: ChunkKind
  /** Content bytes below the child; for a chunk its length. */
  sizeBytes: number
}

/** Direct children, as often as they occur: for reference counting. Symlinks have none. */
export function* manifestChildren(manifest: Manifest): Generator<ManifestChild, void, undefined> {
  switch (manifest.type) {
    case 'file-leaf':
    case 'file-index': {
      const kind = manifest.type === 'file-leaf' ? 'chunk' : 'manifest'
      for (let i = 0; i < manifest.digests.length; i++) {
        yield { digest: manifest.digests[i]!, kind, sizeBytes: manifest.sizesBytes[i]! }
      }
      return
    }
    case 'directory-leaf':
      for (const entry of manifest.entries) {
        if (entry.kind === 'symlink') continue
        yield { digest: digestOf(entry.cid), kind: kindOf(entry.cid), sizeBytes: entry.sizeBytes }
      }
      return
    case 'directory-index':
      for (const { digest, sizeBytes } of manifest.children) {
        yield { digest, kind: 'manifest', sizeBytes }
      }
  }
}
