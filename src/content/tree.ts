/** Everything that a root keeps: for pinning, counting and verifying. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError } from '../base/index.js'
import { type ChunkKind, cidOf, type Digest, digestOf, formatCid, kindOf } from './cid.js'
import { decodeManifest } from './codec.js'
import type { DirectoryEntry, DirectoryNode, FileNode, LoadManifest, Manifest } from './manifest.js'
import { shown } from './names.js'
import { chunksPerChild } from './shape.js'
import { differs, directoryChild, fileChild, positionOf, rootInfo, SiblingOrder } from './walk.js'

export interface TreeBlock {
  /** A view on its manifest: copy it to keep it for long. */
  digest: Digest
  kind: ChunkKind
  /** Length of the block itself: of the chunk, or of the manifest's encoding. */
  sizeBytes: number
}

export interface TreeOptions extends AbortOptions {
  /**
   * Asked before each manifest is loaded: true leaves it and all below out. Give one to visit what
   * several roots share once; without it a block comes as often as it is referred to.
   */
  skip?(digest: Digest): boolean
  /**
   * Told of each manifest that can't be loaded or is malformed; the walk goes on beside it.
   * @default the walk rejects with the error
   */
  onUnreadable?(digest: Digest, error: unknown): void
}

// Deeper than any path that Linux opens in one piece (PATH_MAX is 4,096 bytes).
const DIRECTORIES_DEPTH_MAX = 2048

// A walk holds the manifests on its way down. Honest ones are few and small; made-up ones could be
// 2,048 of 2 MiB.
const HELD_BYTES_MAX = 32 * 1024 * 1024

interface Frame {
  node: Manifest
  next: number
  /** Encoded length of the node. */
  bytes: number
  /** For a file's nodes: the root and where the node stands below it. */
  file?: { root: FileNode; firstChunk: number }
  /** For a directory's nodes: shared by all of one directory. */
  order?: SiblingOrder
}

/** A child to descend into, and how its manifest must look. */
interface Descent {
  digest: Digest
  open(manifest: Manifest): Pick<Frame, 'file' | 'order'>
}

/**
 * All manifests and chunks of a tree, directories entered, each manifest before what is below it.
 * Symlinks are nothing but their names. Memory: one manifest for each level.
 * @throws INVALID_ARGUMENT for malformed content, and what `load` throws.
 */
export async function* treeBlocks(
  cid: CID,
  load: LoadManifest,
  options: TreeOptions = {},
): AsyncGenerator<TreeBlock, void, undefined> {
  const { signal } = options
  if (kindOf(cid) === 'chunk') {
    const bytes = await load(cid, { signal })
    yield { digest: digestOf(cid), kind: 'chunk', sizeBytes: bytes.length }
    return
  }
  const stack: Frame[] = []
  let descent: Descent | undefined = rootDescent(cid)
  for (;;) {
    if (descent !== undefined) {
      const frame: Frame | undefined = await enter(descent, stack, load, options)
      if (frame !== undefined) {
        yield { digest: descent.digest, kind: 'manifest', sizeBytes: frame.bytes }
        stack.push(frame)
      }
      descent = undefined
    }
    const frame = stack.at(-1)
    if (frame === undefined) return
    const index = frame.next++
    const { node } = frame
    switch (node.type) {
      case 'file-leaf': {
        const digest = node.digests[index]
        if (digest === undefined) stack.pop()
        else yield { digest, kind: 'chunk', sizeBytes: node.sizesBytes[index]! }
        break
      }
      case 'file-index':
        if (index === node.digests.length) stack.pop()
        else descent = fileDescent(node, index, frame)
        break
      case 'directory-index':
        if (index === node.children.length) stack.pop()
        else descent = directoryDescent(node, index, frame)
        break
      case 'directory-leaf': {
        const entry = node.entries[index]
        if (entry === undefined) stack.pop()
        else if (entry.kind === 'symlink') break
        else if (kindOf(entry.cid) === 'manifest') descent = entryDescent(entry)
        else yield { digest: digestOf(entry.cid), kind: 'chunk', sizeBytes: entry.sizeBytes }
      }
    }
  }
}

async function enter(
  { digest, open }: Descent,
  stack: Frame[],
  load: LoadManifest,
  { signal, skip, onUnreadable }: TreeOptions,
): Promise<Frame | undefined> {
  const parent = stack.at(-1)
  if (skip?.(digest)) {
    parent?.order?.skip()
    return undefined
  }
  try {
    const bytes = await load(cidOf('manifest', digest), { signal })
    let held = bytes.length
    for (const frame of stack) held += frame.bytes
    if (stack.length >= DIRECTORIES_DEPTH_MAX || held > HELD_BYTES_MAX) {
      throw new DpsError('INVALID_ARGUMENT', 'directories are nested too deep')
    }
    const node = decodeManifest(bytes)
    return { node, next: 0, bytes: bytes.length, ...open(node) }
  } catch (error) {
    if (onUnreadable === undefined || signal?.aborted) throw error
    parent?.order?.skip()
    onUnreadable(digest, error)
    return undefined
  }
}

/** What a root's frame needs. */
function openAsRoot(node: Manifest, cid: CID): Pick<Frame, 'file' | 'order'> {
  rootInfo(node, cid)
  if (node.type === 'file-leaf' || node.type === 'file-index') {
    return { file: { root: node, firstChunk: 0 } }
  }
  return { order: new SiblingOrder() }
}

function rootDescent(cid: CID): Descent {
  return { digest: digestOf(cid), open: (node) => openAsRoot(node, cid) }
}

function entryDescent(entry: DirectoryEntry & { kind: 'file' | 'directory' }): Descent {
  const { cid, name } = entry
  return {
    digest: digestOf(cid),
    open: (node) => {
      const { kind, sizeBytes } = rootInfo(node, cid)
      if (kind !== entry.kind || sizeBytes !== entry.sizeBytes) {
        throw differs(`${formatCid(cid)}, entry ${shown(name)} of a directory,`)
      }
      return openAsRoot(node, cid)
    },
  }
}

function fileDescent(parent: FileNode, index: number, frame: Frame): Descent {
  const { root, firstChunk: parentFirst } = frame.file!
  const firstChunk = parentFirst + index * chunksPerChild(parent.level)
  return {
    digest: parent.digests[index]!,
    open: (node) => {
      fileChild(node, parent, index, positionOf(root, firstChunk))
      return { file: { root, firstChunk } }
    },
  }
}

function directoryDescent(
  parent: DirectoryNode & { type: 'directory-index' },
  index: number,
  frame: Frame,
): Descent {
  const ref = parent.children[index]!
  const order = frame.order!
  return {
    digest: ref.digest,
    open: (node) => {
      order.check(directoryChild(node, parent, ref), parent.children[index + 1])
      return { order }
    },
  }
}
