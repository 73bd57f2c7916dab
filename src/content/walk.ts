/**
 * Walking trees of manifests. A walk holds one manifest for each level, and checks each child
 * against what its parent says of it: level, counts, lengths, names. A child that differs makes the
 * content INVALID_ARGUMENT, however well each manifest decodes by itself.
 */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError } from '../base/index.js'
import type { Chunking } from './chunking.js'
import { cidOf, type Digest, digestOf, formatCid, kindOf } from './cid.js'
import { decodeManifest } from './codec.js'
import type {
  DirectoryChild,
  DirectoryEntry,
  DirectoryNode,
  FileNode,
  LoadManifest,
  Manifest,
} from './manifest.js'
import { compareNames, shown } from './names.js'
import { checkLengths, chunksPerChild, type FilePosition } from './shape.js'
import { childBytes, entryBytes, hasRoom, itemsBytes } from './sizes.js'

export interface FileInfo {
  kind: 'file'
  sizeBytes: number
  chunks: number
  /** sha2-256 of the whole content. */
  sha256: Digest
  /** Absent for the empty file and for a raw CID. */
  chunking?: Chunking
  /** Levels of index manifests above the leaf manifests. */
  depth: number
}

export interface DirectoryInfo {
  kind: 'directory'
  sizeBytes: number
  /** Direct entries. */
  entries: number
}

export type RootInfo = FileInfo | DirectoryInfo

export interface RootOptions extends AbortOptions {
  /** Length of a raw CID's chunk, where it is known; else the chunk is loaded to learn it. */
  rawSizeBytes?: number
}

/** What a file's or directory's root says. Loads one manifest. */
export async function openRoot(
  cid: CID,
  load: LoadManifest,
  options: RootOptions = {},
): Promise<RootInfo> {
  if (kindOf(cid) === 'chunk') {
    const sizeBytes = await rawSize(cid, load, options)
    return { kind: 'file', sizeBytes, chunks: 1, sha256: digestOf(cid), depth: 0 }
  }
  const node = decodeManifest(await load(cid, { signal: options.signal }))
  return rootInfo(node, cid)
}

async function rawSize(cid: CID, load: LoadManifest, options: RootOptions): Promise<number> {
  return options.rawSizeBytes ?? (await load(cid, { signal: options.signal })).length
}

export function rootInfo(node: Manifest, cid: CID): RootInfo {
  switch (node.type) {
    case 'directory-leaf':
      return { kind: 'directory', sizeBytes: node.sizeBytes, entries: node.entries.length }
    case 'directory-index':
      if (node.children.length === 1) throw notRoot(cid)
      return { kind: 'directory', sizeBytes: node.sizeBytes, entries: node.entries }
    default: {
      const { root, level: depth, sizeBytes, chunks } = node
      if (root === undefined) throw notRoot(cid)
      return { kind: 'file', sizeBytes, chunks, depth, ...root }
    }
  }
}

function notRoot(cid: CID): DpsError {
  return new DpsError(
    'INVALID_ARGUMENT',
    `${formatCid(cid)} is an inner manifest, not a file or directory`,
    { hint: 'give the CID that publish printed' },
  )
}

export interface RangeOptions extends RootOptions {
  /** @default 0 */
  offset?: number
  /** Bytes from `offset`. @default to the end */
  length?: number
}

export interface FileChunk {
  /** A view on its manifest: copy it to keep it for long. */
  digest: Digest
  sizeBytes: number
  /** Of the chunk's first byte in the file. */
  offset: number
}

/**
 * The chunks that hold a range of a file, in order; the first and last may reach beyond it. Loads
 * only manifests of the range. Past the end there are none.
 * @throws INVALID_ARGUMENT for a directory.
 */
export async function* fileChunks(
  cid: CID,
  load: LoadManifest,
  options: RangeOptions = {},
): AsyncGenerator<FileChunk, void, undefined> {
  const { offset: from = 0, length = Infinity, signal } = options
  const to = from + length
  if (kindOf(cid) === 'chunk') {
    const sizeBytes = await rawSize(cid, load, options)
    if (from < sizeBytes && length > 0) yield { digest: digestOf(cid), sizeBytes, offset: 0 }
    return
  }
  const root = fileRoot(decodeManifest(await load(cid, { signal })), cid)
  if (length <= 0) return
  const stack: FileFrame[] = [{ node: root, next: 0, offset: 0, firstChunk: 0 }]
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { node } = frame
    const index = frame.next++
    if (index === node.digests.length || frame.offset >= to) {
      stack.pop()
      continue
    }
    const offset = frame.offset
    const sizeBytes = node.sizesBytes[index]!
    frame.offset += sizeBytes
    if (frame.offset <= from) continue
    const digest = node.digests[index]!
    if (node.level === 0) {
      yield { digest, sizeBytes, offset }
      continue
    }
    const bytes = await load(cidOf('manifest', digest), { signal })
    const firstChunk = frame.firstChunk + index * chunksPerChild(node.level)
    const child = fileChild(decodeManifest(bytes), node, index, positionOf(root, firstChunk))
    stack.push({ node: child, next: 0, offset, firstChunk })
  }
}

interface FileFrame {
  node: FileNode
  next: number
  /** Of child `next` in the file. */
  offset: number
  firstChunk: number
}

function fileRoot(manifest: Manifest, cid: CID): FileNode {
  if (manifest.type === 'file-leaf' || manifest.type === 'file-index') {
    if (manifest.root !== undefined) return manifest
    throw notRoot(cid)
  }
  throw new DpsError('INVALID_ARGUMENT', `${formatCid(cid)} is a directory`)
}

export function positionOf(root: FileNode, firstChunk: number): FilePosition {
  const { sizeBytes, chunks } = root
  // A root with children has a chunker: decodeManifest saw to it.
  return { chunking: root.root!.chunking!, firstChunk, chunks, sizeBytes }
}

export function fileChild(
  child: Manifest,
  parent: FileNode,
  index: number,
  position: FilePosition,
): FileNode {
  const span = chunksPerChild(parent.level)
  if (
    (child.type !== 'file-leaf' && child.type !== 'file-index') ||
    child.root !== undefined ||
    child.level !== parent.level - 1 ||
    child.chunks !== Math.min(span, parent.chunks - index * span) ||
    child.sizeBytes !== parent.sizesBytes[index]
  ) {
    throw differs(`child ${index} of an index manifest`)
  }
  checkLengths(child, position)
  return child
}

export interface EntriesOptions extends AbortOptions {
  /** Entries behind this name only. */
  after?: string
  /** Entries from this name on. Manifests that hold only smaller ones are not loaded. */
  from?: string
}

/**
 * A directory's direct entries, in byte order of their names.
 * @throws INVALID_ARGUMENT for a file.
 */
export async function* directoryEntries(
  cid: CID,
  load: LoadManifest,
  options: EntriesOptions = {},
): AsyncGenerator<DirectoryEntry, void, undefined> {
  const { after, from, signal } = options
  const isWanted = (name: string) =>
    (after === undefined || compareNames(name, after) > 0) &&
    (from === undefined || compareNames(name, from) >= 0)
  const root = directoryRoot(
    kindOf(cid) === 'chunk' ? undefined : decodeManifest(await load(cid, { signal })),
    cid,
  )
  const order = new SiblingOrder()
  const stack: DirectoryFrame[] = [{ node: root, next: 0 }]
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { node } = frame
    if (node.type === 'directory-leaf') {
      stack.pop()
      for (const entry of node.entries) if (isWanted(entry.name)) yield entry
      continue
    }
    const index = frame.next++
    const ref = node.children[index]
    if (ref === undefined) {
      stack.pop()
      continue
    }
    // Everything below comes before the next sibling's first name.
    const behind = node.children[index + 1]
    if (behind !== undefined && !isWanted(behind.firstName)) {
      order.skip()
      continue
    }
    const bytes = await load(cidOf('manifest', ref.digest), { signal })
    const child = directoryChild(decodeManifest(bytes), node, ref)
    order.check(child, behind)
    stack.push({ node: child, next: 0 })
  }
}

interface DirectoryFrame {
  node: DirectoryNode
  next: number
}

function directoryRoot(manifest: Manifest | undefined, cid: CID): DirectoryNode {
  if (manifest?.type === 'directory-leaf') return manifest
  if (manifest?.type === 'directory-index') {
    if (manifest.children.length === 1) throw notRoot(cid)
    return manifest
  }
  throw new DpsError('INVALID_ARGUMENT', `${formatCid(cid)} is a file, not a directory`)
}

export function directoryChild(
  child: Manifest,
  parent: DirectoryNode,
  ref: DirectoryChild,
): DirectoryNode {
  const where = `directory manifest from ${shown(ref.firstName)}`
  if (child.type !== 'directory-leaf' && child.type !== 'directory-index') throw differs(where)
  const entries = child.type === 'directory-leaf' ? child.entries.length : child.entries
  const first =
    child.type === 'directory-leaf' ? child.entries[0]?.name : child.children[0]?.firstName
  if (
    child.level !== parent.level - 1 ||
    entries !== ref.entries ||
    first !== ref.firstName ||
    child.sizeBytes !== ref.sizeBytes
  ) {
    throw differs(where)
  }
  return child
}

/** Holds neighbours of one level against each other: names ascend, and nodes are as full as they can be. */
export class SiblingOrder {
  readonly #before = new Map<number, { items: number; bytes: number; lastName: string }>()

  check(node: DirectoryNode, behind: DirectoryChild | undefined): void {
    const last = lastNameOf(node)
    if (behind !== undefined && compareNames(last, behind.firstName) >= 0) {
      throw differs(`directory manifest up to ${shown(last)}`)
    }
    const before = this.#before.get(node.level)
    const firstBytes =
      node.type === 'directory-leaf' ? entryBytes(node.entries[0]!) : childBytes(node.children[0]!)
    if (before !== undefined) {
      const isFull = !hasRoom(before.items, before.bytes, firstBytes)
      if (!isFull || compareNames(before.lastName, firstNameOf(node)) >= 0) {
        throw differs(`directory manifest before ${shown(firstNameOf(node))}`)
      }
    }
    const items = node.type === 'directory-leaf' ? node.entries.length : node.children.length
    this.#before.set(node.level, { items, bytes: itemsBytes(node), lastName: last })
  }

  /** A node was left out, so what comes next has no neighbour to be held against. */
  skip(): void {
    this.#before.clear()
  }
}

function firstNameOf(node: DirectoryNode): string {
  return node.type === 'directory-leaf' ? node.entries[0]!.name : node.children[0]!.firstName
}

/** The last name that the node itself knows of: of its last entry, or the first of its last child. */
function lastNameOf(node: DirectoryNode): string {
  return node.type === 'directory-leaf'
    ? node.entries.at(-1)!.name
    : node.children.at(-1)!.firstName
}

export function differs(what: string): DpsError {
  // Exit code 1: see `decodeManifest`.
  return new DpsError('INVALID_ARGUMENT', `${what} is not what its parent says`, { exitCode: 1 })
}
