/** What the namespace takes and tells. Sizes are bytes; times of files nanoseconds since the epoch. */
import type { CID } from 'multiformats/cid'
import type { Attributes } from '../metadata/index.js'
import type { CallOptions, Notice, OpenContent, PublishOptions } from './types.js'

export type PathKind = 'file' | 'directory' | 'symlink'

export interface PathInfo {
  /** From the root, without a slash at its end. */
  path: string
  /** Last of the path; empty for the root. */
  name: string
  kind: PathKind
  attributes: Attributes
  ctimeNs: bigint
  /** Changes whenever the entry does; mutations can demand it. */
  version: number
  /** Of a file. */
  sizeBytes: number
  cid?: CID
  /** Of a symlink. */
  target?: string
  /** Of a directory. */
  entries?: number
}

export interface PathStat extends PathInfo {
  /** Of a file: the policy that its content is under. */
  policy: string
  /** Peer ids of the nodes that must hold the content. */
  holders: string[]
}

export interface ReadPathOptions extends CallOptions {
  /** From this node's own replica, however far behind it is. @default false */
  stale?: boolean
}

/** What a mutation must find: a version, or 0 for nothing. */
export interface ExpectedVersion {
  version?: number
}

export interface PutOptions
  extends Pick<PublishOptions, 'chunkSizeBytes' | 'chunker'>,
    ExpectedVersion {
  /** Name of a policy. @default 'default' */
  policy?: string
  /** What it is called inside a directory that the path names. @default the source's name */
  name?: string
  /** Over those of the source. */
  attributes?: Partial<Attributes>
}

export type PutEvent =
  | { type: 'progress'; doneBytes: number; totalBytes: number; files: number }
  | PutAdded
  | PutSummary
  | Notice

/** One entry, told when the whole cluster sees it. */
export interface PutAdded {
  type: 'added'
  path: string
  kind: PathKind
  /** Empty unless it is a file. */
  cid: string
  sizeBytes: number
  chunks: number
  /** Of the file's bytes, those that were not stored before. */
  newBytes: number
  version: number
  replaced: boolean
}

export interface PutSummary {
  type: 'summary'
  /** Where it went. */
  path: string
  files: number
  directories: number
  symlinks: number
  sizeBytes: number
  newBytes: number
  /** Entries that could not be put; each was told in a notice. */
  failed: number
}

export interface OpenPath extends OpenContent {
  info: PathInfo & { cid: CID }
}
