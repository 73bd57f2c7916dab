/** What the gateway needs of the rooms below it, and of the node: its own slice of each. */
import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import type { DirectoryEntry } from '../content/index.js'
import type {
  FetchEvent,
  FetchOptions,
  NewDirectoryEntry,
  OpenContent,
  PublishEvent,
  PublishOptions,
  PublishSource,
  StatResult,
} from '../files/index.js'

/** What each call carries down: the client's cancellation and the id that follows the request. */
export interface CallOptions extends AbortOptions {
  requestId?: string
}

/** The files service as clients reach it. */
export interface ContentFiles {
  publishPaths(
    sources: readonly PublishSource[],
    options: PublishOptions & { recursive?: boolean },
    call?: CallOptions,
  ): AsyncIterable<PublishEvent>
  /** Must publish nothing when `source` throws. */
  publishStream(
    source: AsyncIterable<Uint8Array>,
    options: PublishOptions,
    call?: CallOptions,
  ): AsyncIterable<PublishEvent>
  publishDirectory(
    entries: readonly NewDirectoryEntry[],
    options: PublishOptions,
    call?: CallOptions,
  ): AsyncIterable<PublishEvent>
  fetch(cid: CID, options: FetchOptions, call?: CallOptions): AsyncIterable<FetchEvent>
  open(cid: CID, options?: FetchOptions & CallOptions): Promise<OpenContent>
  /** The CID at a path of names below a directory. */
  resolve(root: CID, path: readonly string[], options?: FetchOptions & CallOptions): Promise<CID>
  list(cid: CID, options?: FetchOptions & CallOptions): AsyncIterable<DirectoryEntry>
  stat(cid: CID, options?: FetchOptions & CallOptions): Promise<StatResult>
  pinAdd(
    cid: CID,
    pin: { name?: string; ttlMs?: number; timeoutMs?: number },
    call?: CallOptions,
  ): AsyncIterable<FetchEvent>
  pinRemove(cid: CID, call?: CallOptions): Promise<void>
  pins(call?: CallOptions): AsyncIterable<PinInfo>
}

export interface PinInfo {
  cid: CID
  name: string
  kind: string
  /** 0 where the manifest is gone. */
  sizeBytes: number
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Absent: for ever. */
  expiresAt?: number | undefined
}

export type CollectEvent =
  | { type: 'progress'; checked: number; total: number }
  | { type: 'summary'; chunks: number; bytes: number; reclaimedBytes: number }

export interface GarbageCollector {
  collect(options?: CallOptions & { dryRun?: boolean }): AsyncIterable<CollectEvent>
}

export type VerifyEvent =
  | { type: 'progress'; checked: number; total: number; bytes: number }
  | { type: 'damaged'; cid: string; reason: string; repaired: boolean; files: string[] }
  | { type: 'summary'; checked: number; damaged: number; repaired: number }

export interface ContentVerifier {
  /** Without `cid`, everything on the disk. */
  verify(options?: CallOptions & { cid?: CID; repair?: boolean }): AsyncIterable<VerifyEvent>
}

export interface NodeIdentity {
  peerId: string
  name: string
  addrs: string[]
  version: string
  protocols: string[]
  instanceId: string
  /** Of Node.js. */
  nodeVersion: string
}

export interface NodeStatus {
  peerId: string
  name: string
  version: string
  mode: string
  cluster: { id: string; leader?: string | undefined; role: string }
  peers: number
  disks: DiskStatus[]
  content: { files: number; chunks: number; bytes: number }
  health: NodeHealth
  addrs: string[]
  uptimeMs: number
  /** Roots that are announced; those that wait for it; when the next is due (ISO 8601). */
  providing: { roots: number; waiting: number; nextAt: string }
  /** Whether it takes part in a swarm. */
  online: boolean
  instanceId: string
}

export interface DiskStatus {
  id: string
  path: string
  usedBytes: number
  freeBytes: number
  capacityBytes: number
  state: string
}

export interface NodeHealth {
  ok: boolean
  problems: { serviceId: string; message: string; hint: string }[]
}

export interface SwarmPeer {
  peerId: string
  addr: string
  direction: string
  latencyMs?: number | undefined
  agent: string
  connectedMs: number
}

export interface PeerAddrs {
  peerId: string
  addrs: string[]
}

/** One round trip; `error` is empty when it succeeded. */
export interface PingResult {
  peerId: string
  seq: number
  rttMs: number
  error: string
}

/** The node itself, as its API shows it. Peers are given by id, prefix of it, or name. */
export interface NodeControl {
  id(call?: CallOptions): Promise<NodeIdentity>
  status(call?: CallOptions): Promise<NodeStatus>
  /** Cheap: asked by probes. */
  health(call?: CallOptions): Promise<NodeHealth>
  /** Whether everything has started and nothing is being stopped. */
  ready(): boolean
  /** Begins to stop the node; called after the caller was answered. Never throws. */
  stop(): void
  swarmPeers(call?: CallOptions): Promise<SwarmPeer[]>
  swarmAddrs(call?: CallOptions): Promise<PeerAddrs[]>
  /** Resolves to the peer id at the other end. */
  swarmConnect(addr: string, call?: CallOptions): Promise<string>
  swarmDisconnect(peer: string, call?: CallOptions): Promise<string>
  /** Ends after `limit` providers; 0 is no limit. */
  findProviders(cid: CID, options?: CallOptions & { limit?: number }): AsyncIterable<PeerAddrs>
  provide(cid: CID, call?: CallOptions): Promise<{ peers: number }>
  ping(peer: string, options?: CallOptions & { count?: number }): AsyncIterable<PingResult>
  /** JSON-able parts of a bug report, secrets left out. */
  diagnose(call?: CallOptions): Promise<unknown>
}
