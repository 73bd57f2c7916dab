/** How the namespace's records lie in the state. Pure. */
import {
  decodeContent,
  decodeDirectory,
  decodeEntry,
  decodeTotals,
  decodeUpload,
  encodeContent,
  encodeDirectory,
  encodeEntry,
  encodeTotals,
  encodeUpload,
} from '../namespace-codec.js'
import { contentKey, directoryKey, entryKey, TOTALS_KEY, uploadKey } from '../namespace-keys.js'
import {
  type ContentRecord,
  type DirectoryId,
  type DirectoryRecord,
  type FileId,
  type NamespaceEntry,
  type NamespaceTotals,
  ROOT_DIRECTORY,
  type UploadRecord,
} from '../namespace-types.js'
import type { Getter } from '../view.js'

/** The parent of a detached directory: below it, nothing is part of the namespace any longer. */
export const DETACHED: DirectoryId = Number.MAX_SAFE_INTEGER

/** What walking along a path needs. */
export interface NamespaceTree {
  directory(id: DirectoryId): DirectoryRecord | undefined
  entry(directory: DirectoryId, name: string): NamespaceEntry | undefined
}

/** How one kind of record is written. */
export interface Table<T> {
  decode(bytes: Uint8Array): T
  encode(value: T): Uint8Array
  /** What stands for a record that was never written. */
  absent?: T
}

const FRESH_TOTALS: NamespaceTotals = {
  nextNumber: 1,
  files: 0,
  directories: 0,
  symlinks: 0,
  contents: 0,
  sizeBytes: 0,
}

const FRESH_ROOT: DirectoryRecord = {
  parentId: ROOT_DIRECTORY,
  name: '',
  entries: 0,
  attributes: { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n },
  ctimeNs: 0n,
  version: 0,
}

export const TOTALS = { decode: decodeTotals, encode: encodeTotals, absent: FRESH_TOTALS }
export const ENTRIES: Table<NamespaceEntry> = { decode: decodeEntry, encode: encodeEntry }
export const CONTENTS: Table<ContentRecord> = { decode: decodeContent, encode: encodeContent }
export const UPLOADS: Table<UploadRecord> = { decode: decodeUpload, encode: encodeUpload }
const DIRECTORIES: Table<DirectoryRecord> = { decode: decodeDirectory, encode: encodeDirectory }
const ROOT = { ...DIRECTORIES, absent: FRESH_ROOT }

export function directoryTable(id: DirectoryId): Table<DirectoryRecord> {
  return id === ROOT_DIRECTORY ? ROOT : DIRECTORIES
}

export function readTotals(state: Getter): NamespaceTotals {
  return read(state, TOTALS_KEY, TOTALS) ?? FRESH_TOTALS
}

export function readDirectory(state: Getter, id: DirectoryId): DirectoryRecord | undefined {
  return read(state, directoryKey(id), directoryTable(id))
}

export function readEntry(
  state: Getter,
  directory: DirectoryId,
  name: string,
): NamespaceEntry | undefined {
  return read(state, entryKey(directory, name), ENTRIES)
}

export function readContent(state: Getter, fileId: FileId): ContentRecord | undefined {
  return read(state, contentKey(fileId), CONTENTS)
}

export function readUpload(state: Getter, id: number): UploadRecord | undefined {
  return read(state, uploadKey(id), UPLOADS)
}

function read<T>(state: Getter, key: Uint8Array, table: Table<T>): T | undefined {
  const bytes = state.get(key)
  return bytes === undefined ? table.absent : table.decode(bytes)
}
