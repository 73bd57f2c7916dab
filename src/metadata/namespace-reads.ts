/** The namespace as readers see it, over a view of the state. */
import { type AbortOptions, DpsError } from '../base/index.js'
import {
  type NamespaceTree,
  readContent,
  readDirectory,
  readEntry,
  readTotals,
  readUpload,
} from './commands/namespace-records.js'
import {
  checkAttached,
  checkNames,
  notFound,
  pathOf,
  spotAt,
  versionOf,
} from './commands/namespace-walk.js'
import { decodeEntry, decodeUpload } from './namespace-codec.js'
import {
  entryNameOf,
  entryRange,
  heldBy,
  holderKey,
  holderRange,
  numberOfKey,
  TRASH_RANGE,
  UPLOAD_RANGE,
} from './namespace-keys.js'
import type {
  Attributes,
  ContentRecord,
  DirectoryId,
  FileId,
  NamespaceEntry,
  NamespaceTotals,
  Place,
  UploadRecord,
} from './namespace-types.js'
import type { Getter, View } from './view.js'

/** Rows asked for together: one trip to the disk. */
const PAGE_ROWS = 1000

/** What an entry is, with what a directory's own record adds. */
export interface EntryInfo {
  /** Last of its path; empty for the root. */
  name: string
  kind: NamespaceEntry['kind']
  attributes: Attributes
  ctimeNs: bigint
  version: number
  /** Of a file; else 0. */
  sizeBytes: number
  fileId?: FileId
  target?: string
  directoryId?: DirectoryId
  /** Of a directory. */
  entries?: number
}

export function namespaceTree(state: Getter): NamespaceTree {
  return {
    directory: (id) => readDirectory(state, id),
    entry: (directory, name) => readEntry(state, directory, name),
  }
}

/** @throws NOT_FOUND, FAILED_PRECONDITION (not a directory on the way), INVALID_ARGUMENT */
export function statEntry(state: Getter, place: Place): EntryInfo {
  const tree = namespaceTree(state)
  checkNames(place)
  if (place.names.length === 0) {
    checkAttached(tree, place.directoryId)
    return infoOf(state, '', { kind: 'directory', directoryId: place.directoryId })
  }
  const { name, entry } = spotAt(tree, place)
  if (entry === undefined) throw notFound(tree, place)
  return infoOf(state, name, entry)
}

/** @throws FAILED_PRECONDITION for another kind of entry, and as {@link statEntry} */
export function fileAt(state: Getter, place: Place): EntryInfo & { fileId: FileId } {
  const info = statEntry(state, place)
  const { fileId } = info
  if (fileId !== undefined) return { ...info, fileId }
  const path = pathOf(namespaceTree(state), place)
  if (info.kind === 'directory') {
    throw new DpsError('FAILED_PRECONDITION', `${path} is a directory`, {
      hint: 'list it with: dps-node ls, or fetch it with: dps-node get',
    })
  }
  throw new DpsError('FAILED_PRECONDITION', `${path} is a symlink to '${info.target}'`, {
    hint: 'symlinks are stored, never followed: name its target',
  })
}

function infoOf(state: Getter, name: string, entry: NamespaceEntry): EntryInfo {
  if (entry.kind === 'directory') {
    const { directoryId } = entry
    const record = readDirectory(state, directoryId)
    if (record === undefined) {
      throw new DpsError('DATA_LOSS', `directory ${directoryId} has no record`)
    }
    const { attributes, ctimeNs, version, entries } = record
    return {
      name,
      kind: 'directory',
      attributes,
      ctimeNs,
      version,
      sizeBytes: 0,
      directoryId,
      entries,
    }
  }
  if (entry.kind === 'file') return { name, ...entry }
  return { name, sizeBytes: 0, ...entry }
}

/**
 * The entries of a directory after a name, in byte order of their names. Holds one page, however
 * many there are. What is renamed meanwhile may be seen twice or not at all, as POSIX has it.
 */
export async function* listEntries(
  view: View,
  directoryId: DirectoryId,
  options: AbortOptions & { after?: string; limit?: number } = {},
): AsyncGenerator<EntryInfo[]> {
  const { after, limit, signal } = options
  const range = { ...entryRange(directoryId, after), ...(limit !== undefined && { limit }) }
  for await (const rows of view.range(range, { ...(signal && { signal }) })) {
    const page: EntryInfo[] = []
    for (const [key, value] of rows) {
      const entry = decodeEntry(value)
      // Removed, and taken apart, since the page was read.
      const gone = entry.kind === 'directory' && !readDirectory(view, entry.directoryId)
      if (!gone) page.push(infoOf(view, entryNameOf(key), entry))
    }
    yield page
  }
}

export function contentOf(state: Getter, fileId: FileId): ContentRecord | undefined {
  return readContent(state, fileId)
}

/** Peer ids, each once, the first extent's first. */
export function holdersOf(content: ContentRecord): string[] {
  return [...new Set(content.placement.flatMap(({ holders }) => holders))]
}

export function isHeldBy(state: Getter, peerId: string, fileId: FileId): boolean {
  return state.get(holderKey(peerId, fileId)) !== undefined
}

/** What a node must hold, in byte order of the file ids, in pages. */
export async function* heldContents(
  view: View,
  peerId: string,
  options: AbortOptions & { after?: FileId } = {},
): AsyncGenerator<FileId[]> {
  const { after, ...abort } = options
  for await (const rows of view.range(holderRange(peerId, after), abort)) {
    yield rows.flatMap(([key]) => heldBy(peerId, key) ?? [])
  }
}

export async function* uploads(
  view: View,
  options: AbortOptions = {},
): AsyncGenerator<UploadRecord & { uploadId: number }> {
  for await (const rows of view.range(UPLOAD_RANGE, options)) {
    for (const [key, value] of rows) yield { uploadId: numberOfKey(key), ...decodeUpload(value) }
  }
}

export function uploadOf(state: Getter, uploadId: number): UploadRecord | undefined {
  return readUpload(state, uploadId)
}

/** Detached directories that are not pruned yet: up to `limit` of them. */
export async function detachedDirectories(
  view: View,
  limit: number,
  options: AbortOptions = {},
): Promise<DirectoryId[]> {
  const found: DirectoryId[] = []
  for await (const rows of view.range({ ...TRASH_RANGE, limit }, options)) {
    found.push(...rows.map(([key]) => numberOfKey(key)))
  }
  return found
}

/** Some names of a directory, attached or not. */
export async function namesOf(
  view: View,
  directoryId: DirectoryId,
  limit = PAGE_ROWS,
  options: AbortOptions = {},
): Promise<string[]> {
  const names: string[] = []
  for await (const rows of view.range({ ...entryRange(directoryId), limit }, options)) {
    names.push(...rows.map(([key]) => entryNameOf(key)))
  }
  return names
}

export function namespaceTotals(state: Getter): NamespaceTotals {
  return readTotals(state)
}

/** Whether a place's entry is at a version; 0 means that nothing is there. */
export function isAtVersion(state: Getter, place: Place, version: number): boolean {
  const tree = namespaceTree(state)
  return versionOf(tree, spotAt(tree, place).entry) === version
}
