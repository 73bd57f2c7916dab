/**
 * The namespace as the replicated state knows it: a tree of directories whose files name contents,
 * and where each content's copies must be.
 *
 * Sizes are bytes. Times of files are nanoseconds since the epoch, as POSIX has them; those of
 * leases are milliseconds by the leader's clock.
 */
import type { ErrorCode } from '../base/index.js'

/** The binary form of a file's CID: `CID_BYTES` long. */
export type FileId = Uint8Array

/** Directories have numbers that never come again, so that a rename moves one key. */
export type DirectoryId = number

export const ROOT_DIRECTORY: DirectoryId = 0

/** What POSIX keeps of a file and does not compute. */
export interface Attributes {
  /** Permission bits only: at most 0o7777. */
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
}

export interface FileEntry {
  kind: 'file'
  fileId: FileId
  sizeBytes: number
  attributes: Attributes
  ctimeNs: bigint
  /** The log index of its last change: never one that an entry of this name had before. */
  version: number
}

export interface SymlinkEntry {
  kind: 'symlink'
  target: string
  attributes: Attributes
  ctimeNs: bigint
  version: number
}

/** All else of a directory is in its own record, which a rename does not touch. */
export interface DirectoryEntry {
  kind: 'directory'
  directoryId: DirectoryId
}

export type NamespaceEntry = FileEntry | SymlinkEntry | DirectoryEntry

export interface DirectoryRecord {
  parentId: DirectoryId
  /** Empty for the root. Invariant: the parent's entry of this name is this directory. */
  name: string
  /** How many entries it has. Invariant: as many as there are keys below it. */
  entries: number
  attributes: Attributes
  ctimeNs: bigint
  /** As an entry's; what happens to its children leaves it alone. */
  version: number
}

/** A run of extents that share one list of holders. */
export interface Placement {
  /** How many extents; each covers the chunks that begin in its {@link EXTENT_BYTES}. */
  extents: number
  /** Peer ids, in shard order. */
  holders: readonly string[]
}

/** Extent n of a file covers the chunks that begin at n times this or later. */
export const EXTENT_BYTES = 64 * 1024 * 1024

export interface ContentRecord {
  sizeBytes: number
  policy: string
  /** How many entries name it. Invariant: at least 1; without any, the record goes. */
  references: number
  /** Invariant: covers all extents in order. */
  placement: readonly Placement[]
}

/** Chunks that are being stored for a commit that has not come. */
export interface UploadRecord {
  /** Peer id of the node that takes the bytes. */
  holder: string
  startedAtMs: number
  /** From then on the leader may end it; a commit under it is refused afterwards. */
  expiresAtMs: number
}

/** Counters of the whole tree. */
export interface NamespaceTotals {
  /** The next directory gets this number. */
  nextNumber: number
  files: number
  directories: number
  symlinks: number
  contents: number
  /** Of contents, each counted once. */
  sizeBytes: number
}

/** A path of names below a directory; no names mean the directory itself. */
export interface Place {
  directoryId: DirectoryId
  names: readonly string[]
}

/**
 * What a mutation must find: the version it saw, or 0 where it saw nothing. Else ABORTED, or
 * ALREADY_EXISTS for 0. Absent: whatever is there.
 */
export type Expected = number | undefined

export type PutContent =
  | { kind: 'file'; fileId: FileId; sizeBytes: number; policy: string }
  | { kind: 'symlink'; target: string }
  /** An existing directory stays. It keeps its attributes, unless they are to be restored. */
  | { kind: 'directory'; restore?: boolean }

export interface PutItem {
  place: Place
  content: PutContent
  attributes: Attributes
  expected?: Expected
  /** Directories on the way that are missing are made. */
  parents?: boolean
}

/**
 * Puts items in their order, each by itself: one that fails leaves the others alone. The content of
 * a file is held by the upload's holder, whose disk has it already.
 */
export interface PutCommand {
  type: 'put'
  /** FAILED_PRECONDITION for the whole command when it is over. Needed where there are files. */
  uploadId?: number
  items: readonly PutItem[]
  /** The upload ends with this command. */
  closes: boolean
}

export interface MkdirCommand {
  type: 'mkdir'
  place: Place
  attributes: Attributes
  /** Missing parents are made, and an existing directory is no error. */
  parents: boolean
}

export interface RenameCommand {
  type: 'rename'
  from: Place
  to: Place
  /** Where `to` is a directory, it is moved into it under its own name. */
  into: boolean
  expectedFrom?: Expected
  /** Of what is at the target, which is replaced: a file or symlink by one, an empty directory by a directory. */
  expectedTo?: Expected
}

export interface RemoveCommand {
  type: 'remove'
  place: Place
  /** Also a directory that has entries: it is detached whole, and taken apart in the background. */
  recursive: boolean
  expected?: Expected
}

/** Takes entries of a detached directory away. Those that are gone already are passed over. */
export interface PruneCommand {
  type: 'prune'
  directoryId: DirectoryId
  names: readonly string[]
}

export interface OpenUploadCommand {
  type: 'openUpload'
  holder: string
  ttlMs: number
}

/** NOT_FOUND when it is over. */
export interface RenewUploadCommand {
  type: 'renewUpload'
  uploadId: number
  ttlMs: number
}

/** Ends uploads; those that are over already are passed over. */
export interface CloseUploadsCommand {
  type: 'closeUploads'
  uploadIds: readonly number[]
  /** Only those whose time is up by the leader's clock. */
  expiredOnly: boolean
}

/** Changes what is given. */
export interface SetAttributesCommand {
  type: 'setAttributes'
  place: Place
  mode?: number
  uid?: number
  gid?: number
  mtimeNs?: bigint
  expected?: Expected
}

export type NamespaceCommand =
  | PutCommand
  | MkdirCommand
  | RenameCommand
  | RemoveCommand
  | PruneCommand
  | OpenUploadCommand
  | RenewUploadCommand
  | CloseUploadsCommand
  | SetAttributesCommand

/** What became of one thing that a command named. */
export interface EntryChange {
  /** Version of what is there now; 0 where nothing is. */
  version: number
  /** Where it is a directory. */
  directoryId?: DirectoryId
  /** Whether something was there before. */
  replaced: boolean
  /** Below the place's directory: where it came to lie, when that was not said exactly. */
  names?: readonly string[]
}

export interface PutFailure {
  code: ErrorCode
  message: string
  hint: string
}

export interface NamespaceResults {
  put: { items: readonly (EntryChange | PutFailure)[] }
  mkdir: EntryChange
  rename: EntryChange
  remove: Record<never, never>
  prune: { left: number }
  openUpload: { uploadId: number; expiresAtMs: number }
  renewUpload: { expiresAtMs: number }
  closeUploads: { closed: number }
  setAttributes: EntryChange
}
