/**
 * Manifests as bytes. Everything that comes in is checked here; further in there are only
 * manifests that keep every rule that one manifest can be checked for by itself. What takes two of
 * them (a child against what its parent says of it) is checked in `walk.ts`.
 */
import { DpsError } from '../base/index.js'
import {
  type Chunking as WireChunking,
  Directory as WireDirectory,
  File as WireFile,
  Manifest as WireManifest,
} from '../wire/content/manifest.js'
import { checkCanonical, MANIFEST_SCHEMA } from './canonical.js'
import { type Chunking, checkChunking, MAX_CHUNK_BYTES, MAX_CONTENT_BYTES } from './chunking.js'
import {
  type ChunkKind,
  CID_BYTES,
  cidOver,
  codecOf,
  DIGEST_BYTES,
  type Digest,
  kindOf,
} from './cid.js'
import {
  type DirectoryChild,
  type DirectoryEntry,
  type DirectoryNode,
  type FileNode,
  type FileRoot,
  MANIFEST_BYTES_MAX,
  type Manifest,
} from './manifest.js'
import { checkName, checkTarget, compareNames, shown } from './names.js'
import { checkFileRoot, chunksPerChild } from './shape.js'
import {
  DIRECTORY_ITEMS_BYTES_MAX,
  delimited,
  itemsBytes,
  varintBytes,
  writeVarint,
} from './sizes.js'

// 16,384 per node: three levels above the leaves hold more than MAX_CONTENT_BYTES of the smallest
// chunks, and more directory entries than any disk has inodes.
const LEVEL_MAX = 3

// Entries of one directory are counted in doubles.
const ENTRIES_MAX = 2 ** 48

/**
 * @returns a manifest whose digests are views on a copy of `bytes`, which may be reused.
 * @throws INVALID_ARGUMENT for anything that {@link encodeManifest} would not have written.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw bad(`${bytes.length} bytes are too many`)
  // A copy, because another thread may write a shared buffer after it was checked.
  const own = new Uint8Array(bytes)
  let wire: WireManifest
  try {
    checkCanonical(own, MANIFEST_SCHEMA)
    wire = WireManifest.decode(own)
  } catch (cause) {
    const why = cause instanceof DpsError ? cause.message : 'the bytes are not one'
    throw bad(why, cause)
  }
  if (wire.file !== undefined) return fileFromWire(wire.file)
  if (wire.directory !== undefined) return directoryFromWire(wire.directory)
  throw bad('it is empty')
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  switch (manifest.type) {
    case 'file-leaf':
    case 'file-index':
      return encodeFile(manifest)
    default:
      return WireManifest.encode({ directory: directoryToWire(manifest) })
  }
}

// ---------------------------------------------------------------- files

const TAG_FILE = 0x0a
const TAG_CID = 0x32
const TAG_SIZE = 0x38

// The children by hand: the generated encoder makes objects for each, and takes ten times as long.
function encodeFile(node: FileNode): Uint8Array {
  const head = WireFile.encode(headToWire(node))
  const { digests, sizesBytes } = node
  let bodyBytes = head.length + digests.length * delimited(CID_BYTES)
  for (const size of sizesBytes) bodyBytes += 1 + varintBytes(size)
  const out = new Uint8Array(delimited(bodyBytes))
  out[0] = TAG_FILE
  let at = writeVarint(out, 1, bodyBytes)
  out.set(head, at)
  at += head.length
  const codec = codecOf(node.type === 'file-leaf' ? 'chunk' : 'manifest')
  for (const digest of digests) {
    out[at] = TAG_CID
    out[at + 1] = CID_BYTES
    writeCid(out, at + 2, codec, digest)
    at += 2 + CID_BYTES
  }
  for (const size of sizesBytes) {
    out[at] = TAG_SIZE
    at = writeVarint(out, at + 1, size)
  }
  return out
}

/** All but the children. */
function headToWire(node: FileNode): WireFile {
  const { root } = node
  return {
    level: node.level,
    ...(root && { originalContentSha256: own(root.sha256) }),
    originalContentSizeBytes: root === undefined ? 0 : node.sizeBytes,
    ...(root?.chunking && { chunking: chunkingToWire(root.chunking) }),
    chunkCount: node.level === 0 ? 0 : node.chunks,
    cids: [],
    sizesBytes: [],
  }
}

function fileFromWire(wire: WireFile): FileNode {
  const { level, cids, sizesBytes } = wire
  if (level > LEVEL_MAX) throw bad(`level ${level} is too high`)
  if (cids.length !== sizesBytes.length) {
    throw bad(`${cids.length} CIDs with ${sizesBytes.length} lengths`)
  }
  const kind = level === 0 ? 'chunk' : 'manifest'
  const digests = cids.map((cid, i) => digestFromWire(kind, cid, () => `child ${i}`))
  const chunks = level === 0 ? cids.length : wire.chunkCount
  if (level === 0 && wire.chunkCount !== 0) throw bad('a leaf with a chunk count')
  const span = chunksPerChild(level)
  if (cids.length !== Math.ceil(chunks / span)) {
    throw bad(`${cids.length} children can't hold ${chunks} chunks`)
  }

  let sizeBytes = 0
  for (let i = 0; i < sizesBytes.length; i++) {
    const size = sizesBytes[i]!
    const below = Math.min(span, chunks - i * span)
    if (size < below || size > below * MAX_CHUNK_BYTES) {
      throw bad(`child ${i}: ${size} bytes in ${below} chunks`)
    }
    sizeBytes = addSize(sizeBytes, size)
  }

  const root = rootFromWire(wire, sizeBytes)
  if (root === undefined && chunks === 0) throw bad('an inner node without chunks')
  const node: FileNode =
    level === 0
      ? { type: 'file-leaf', level, digests, sizesBytes, sizeBytes, chunks }
      : { type: 'file-index', level, digests, sizesBytes, sizeBytes, chunks }
  if (root === undefined) return node
  node.root = root
  checkFileRoot(node, root)
  return node
}

function rootFromWire(wire: WireFile, sizeBytes: number): FileRoot | undefined {
  const { originalContentSha256: sha256, originalContentSizeBytes, chunking } = wire
  if (sha256 === undefined) {
    if (originalContentSizeBytes !== 0 || chunking !== undefined) {
      throw bad('fields of a root without the sha2-256 of the content')
    }
    return undefined
  }
  if (sha256.length !== DIGEST_BYTES) throw bad(`a sha2-256 of ${sha256.length} bytes`)
  if (originalContentSizeBytes !== sizeBytes) {
    throw bad(`the lengths add up to ${sizeBytes} bytes, not ${originalContentSizeBytes}`)
  }
  return chunking === undefined ? { sha256 } : { sha256, chunking: chunkingFromWire(chunking) }
}

function chunkingToWire(chunking: Chunking): WireChunking {
  if (chunking.kind === 'fixed') return { fixed: { steps: chunking.steps } }
  const { minBytes, avgBytes, maxBytes, normalization } = chunking
  return { fastcdc: { minBytes, avgBytes, maxBytes, normalization } }
}

function chunkingFromWire({ fixed, fastcdc }: WireChunking): Chunking {
  if (fixed !== undefined) return checkChunking({ kind: 'fixed', steps: fixed.steps })
  if (fastcdc !== undefined) return checkChunking({ kind: 'fastcdc', ...fastcdc })
  throw bad('an unknown chunker')
}

// ---------------------------------------------------------------- directories

function directoryToWire(node: DirectoryNode): WireDirectory {
  if (node.type === 'directory-leaf') {
    return { level: 0, entries: node.entries.map(entryToWire), children: [] }
  }
  return { level: node.level, entries: [], children: node.children.map(childToWire) }
}

function entryToWire(entry: DirectoryEntry): WireDirectory.Entry {
  const { name } = entry
  if (entry.kind === 'symlink') {
    const kind = WireDirectory.Kind.SYMLINK
    return { name, kind, sizeBytes: 0, symlinkTarget: entry.target }
  }
  return {
    name,
    kind: entry.kind === 'file' ? WireDirectory.Kind.FILE : WireDirectory.Kind.DIRECTORY,
    cid: own(entry.cid.bytes),
    sizeBytes: entry.sizeBytes,
    symlinkTarget: '',
  }
}

function childToWire(child: DirectoryChild): WireDirectory.Child {
  return {
    cid: cidToWire('manifest', child.digest),
    sizeBytes: child.sizeBytes,
    entryCount: child.entries,
    firstName: child.firstName,
  }
}

function directoryFromWire(wire: WireDirectory): DirectoryNode {
  const { level } = wire
  if (level > LEVEL_MAX) throw bad(`level ${level} is too high`)
  if (level === 0 ? wire.children.length > 0 : wire.entries.length > 0) {
    throw bad('entries and children in one directory node')
  }
  const node = level === 0 ? leafFromWire(wire) : indexFromWire(wire)
  if (itemsBytes(node) > DIRECTORY_ITEMS_BYTES_MAX) throw bad('a directory node overfull')
  return node
}

function leafFromWire(wire: WireDirectory): DirectoryNode {
  let sizeBytes = 0
  let before: string | undefined
  const entries = wire.entries.map((each) => {
    const entry = entryFromWire(each)
    checkOrder(before, entry.name)
    before = entry.name
    sizeBytes = addSize(sizeBytes, entry.sizeBytes)
    return entry
  })
  return { type: 'directory-leaf', level: 0, entries, sizeBytes }
}

function entryFromWire(wire: WireDirectory.Entry): DirectoryEntry {
  const { name, cid, sizeBytes, symlinkTarget } = wire
  checkName(name)
  if (wire.kind === WireDirectory.Kind.SYMLINK) {
    if (cid !== undefined || sizeBytes !== 0) throw bad(`symlink ${shown(name)} with content`)
    checkTarget(name, symlinkTarget)
    return { name, kind: 'symlink', target: symlinkTarget, sizeBytes: 0 }
  }
  if (symlinkTarget !== '') throw bad(`${shown(name)} is no symlink but has a target`)
  if (cid === undefined) throw bad(`${shown(name)} has no CID`)
  // A file may be a raw chunk; everything else is a manifest.
  const isFile = wire.kind === WireDirectory.Kind.FILE
  const kind = isFile && cid[1] === codecOf('chunk') ? 'chunk' : 'manifest'
  digestFromWire(kind, cid, () => shown(name))
  const entry: DirectoryEntry = {
    name,
    kind: isFile ? 'file' : 'directory',
    cid: cidOver(cid),
    sizeBytes,
  }
  checkEntrySize(entry)
  return entry
}

function indexFromWire(wire: WireDirectory): DirectoryNode {
  if (wire.children.length === 0) throw bad('an inner node without children')
  let sizeBytes = 0
  let entries = 0
  let before: string | undefined
  const children = wire.children.map((each, i): DirectoryChild => {
    const { cid, entryCount, firstName } = each
    checkName(firstName)
    checkOrder(before, firstName)
    before = firstName
    sizeBytes = addSize(sizeBytes, each.sizeBytes)
    entries += entryCount
    if (entryCount === 0 || entries > ENTRIES_MAX) throw bad(`child ${i} of ${entryCount} entries`)
    if (cid === undefined) throw bad(`child ${i} has no CID`)
    const digest = digestFromWire('manifest', cid, () => `child ${i}`)
    return { digest, sizeBytes: each.sizeBytes, entries: entryCount, firstName }
  })
  return { type: 'directory-index', level: wire.level, children, entries, sizeBytes }
}

/**
 * What {@link decodeManifest} demands of an entry, for those that make one.
 * @throws INVALID_ARGUMENT
 */
export function checkEntry(entry: DirectoryEntry): void {
  checkName(entry.name)
  if (entry.kind === 'symlink') {
    checkTarget(entry.name, entry.target)
    return
  }
  if (entry.kind === 'directory' && kindOf(entry.cid) !== 'manifest') {
    throw bad(`directory ${shown(entry.name)} with the CID of a chunk`)
  }
  checkEntrySize(entry)
}

function checkEntrySize(entry: DirectoryEntry & { kind: 'file' | 'directory' }): void {
  const { name, sizeBytes } = entry
  const most = kindOf(entry.cid) === 'chunk' ? MAX_CHUNK_BYTES : MAX_CONTENT_BYTES
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > most) {
    throw bad(`${shown(name)} claims ${sizeBytes} bytes`)
  }
}

/** @throws INVALID_ARGUMENT unless `name` comes after `before` in byte order. */
export function checkOrder(before: string | undefined, name: string): void {
  if (before === undefined) return
  const order = compareNames(before, name)
  if (order === 0) throw bad(`${shown(name)} twice in one directory`)
  if (order > 0) throw bad(`${shown(name)} after ${shown(before)}: not in byte order`)
}

// ---------------------------------------------------------------- both

// Whole CIDs and not bare digests, though that costs 6 bytes for each chunk of 256 KiB: what a
// manifest refers to can then be found by anything that reads protobuf, without knowing this code.
function cidToWire(kind: ChunkKind, digest: Digest): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CID_BYTES)
  writeCid(bytes, 0, codecOf(kind), digest)
  return bytes
}

function writeCid(out: Uint8Array, at: number, codec: number, digest: Digest): void {
  out[at] = 1
  out[at + 1] = codec
  out[at + 2] = 0x12
  out[at + 3] = DIGEST_BYTES
  out.set(digest, at + CID_BYTES - DIGEST_BYTES)
}

function digestFromWire(kind: ChunkKind, cid: Uint8Array, what: () => string): Digest {
  if (
    cid.length !== CID_BYTES ||
    cid[0] !== 1 ||
    cid[1] !== codecOf(kind) ||
    cid[2] !== 0x12 ||
    cid[3] !== DIGEST_BYTES
  ) {
    throw bad(`${what()}: not the CID of a ${kind}`)
  }
  return cid.subarray(CID_BYTES - DIGEST_BYTES)
}

function addSize(sum: number, sizeBytes: number): number {
  const total = sum + sizeBytes
  if (total > MAX_CONTENT_BYTES) throw bad(`claims more than ${MAX_CONTENT_BYTES} bytes`)
  return total
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

// Exit code 1: the content is wrong, not how somebody used a command (2).
function bad(why: string, cause?: unknown): DpsError {
  return new DpsError('INVALID_ARGUMENT', `manifest: ${why}`, { cause, exitCode: 1 })
}
