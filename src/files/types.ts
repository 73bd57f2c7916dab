/** What the files service takes and tells. Sizes are bytes, durations milliseconds. */

import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import type { DirectoryEntry } from '../content/index.js'

export type EntryKind = 'file' | 'directory'

export interface PublishOptions {
  /** Fixed chunk size; 0 or absent is automatic (by offset, see content's AUTO_CHUNKING). */
  chunkSizeBytes?: number
  /** @default 'fixed' */
  chunker?: 'fixed' | 'fastcdc'
  /** Compute CIDs, store nothing. */
  onlyHash?: boolean
  noPin?: boolean
  /** Copies to seed on other peers. */
  replicate?: number
  /** Unpin after so long; 0 or absent is never. */
  ttlMs?: number
  /** The pin's name; the name of what was published by default. */
  name?: string
}

/** A path as its caller sees it; the identity makes sure that the node sees the same file. */
export interface PublishSource {
  path: string
  /** `stat.dev` and `stat.ino` in decimal. Empty: not checked (in-process callers). */
  dev: string
  ino: string
}

export type PublishEvent =
  | { type: 'progress'; doneBytes: number; totalBytes: number; files: number }
  | AddedEvent
  | PublishSummary
  | Notice

/** One item, emitted only when its bytes are durable. */
export interface AddedEvent {
  type: 'added'
  cid: string
  name: string
  kind: EntryKind
  sizeBytes: number
  chunks: number
  /** Of the item's bytes, those that were not stored before. */
  newBytes: number
}

export interface PublishSummary {
  type: 'summary'
  root: string
  files: number
  sizeBytes: number
  newBytes: number
  announced: boolean
  copies: CopyResult[]
  copiesWanted: number
}

export interface CopyResult {
  peerId: string
  where: string
  /** Empty when the copy was made. */
  error: string
}

/** Something the person should know that is no failure of the whole. */
export interface Notice {
  type: 'notice'
  /** An error code's name, or SKIPPED, CHANGED. */
  code: string
  message: string
  path: string
}

export type FetchEvent =
  | { type: 'progress'; doneBytes: number; totalBytes: number }
  | FetchSummary
  | Notice

export interface FetchSummary {
  type: 'summary'
  cid: string
  kind: EntryKind
  sizeBytes: number
  /** Of files; each occurrence counts. */
  chunks: number
  /** Bytes that were on this node's disk already. */
  resumedBytes: number
  /** Peer ids that gave bytes. */
  peers: string[]
}

/** A directory entry as a caller gives it to make a directory of what is stored already. */
export type NewDirectoryEntry = DirectoryEntry

export interface StatResult {
  cid: string
  kind: EntryKind
  sizeBytes: number
  chunks: number
  /** The largest of the chunking. */
  chunkSizeBytes: number
  /** Hex; empty for a directory. */
  sha256: string
  chunking: string
  copies: CopyResult[]
  localBytes: number
  /** `recursive`, or empty. */
  pinned: string
  /** Of a directory. */
  entries: number
}

/** What a request carries down to the last peer that it asks. */
export interface CallOptions extends AbortOptions {
  /** The request's name in the logs of every node that it touches. */
  requestId?: string
}

export interface FetchOptions extends CallOptions {
  /** Without an answer from anybody for so long, it fails. @default 30_000 */
  timeoutMs?: number
  /** What the content is a part of: that root's providers are asked for it. @default itself */
  root?: CID
}

/** Content that was found and can be read; its manifest is on this node's disk. */
export interface OpenContent {
  cid: CID
  kind: EntryKind
  sizeBytes: number
  /** Bytes in order. Rejects with UNAVAILABLE, NOT_FOUND, DATA_LOSS. Only for files. */
  read(options?: AbortOptions & { offset?: number; length?: number }): AsyncIterable<Uint8Array>
}

/** Something that this node keeps until it is unpinned or expires. */
export interface PinInfo {
  cid: CID
  name: string
  kind: EntryKind
  sizeBytes: number
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Absent: for ever. */
  expiresAt: number | undefined
}
