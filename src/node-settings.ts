/** What a node runs with: its own part of the settings, already validated. */

export type Mode = 'local_only' | 'cluster_only' | 'hybrid' | 'cloud'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** Sizes are bytes, durations milliseconds. */
export interface NodeSettings {
  /** Absolute path of the data directory. */
  dataDir: string
  /** Of this program, told to peers and clients. */
  version: string
  /** No libp2p: nothing listens but the API, nothing is announced. Set by the commands. */
  offline: boolean
  /** Rebuild a damaged chunk database before it is opened. Set by `verify --repair`. */
  repair: boolean
  node: { name: string; zone: string; mode: Mode }
  network: {
    listen: string[]
    announce: string[]
    bootstrap: string[]
    mdns: boolean
    maxConnections: number
    maxPendingInbound: number
    /** New connections a second from one address. */
    inboundPerSecond: number
    dialTimeoutMs: number
  }
  api: {
    /** HOST:PORT; port 0 takes a free one. */
    listen: string
    allowedHosts: string[]
    allowedOrigins: string[]
  }
  store: {
    /** 0: what the disk has. */
    capacityBytes: number
    reserveBytes: number
    /** 0: a tenth of the disk. */
    cacheMaxBytes: number
  }
  provide: { strategy: 'roots' | 'all' | 'none'; intervalMs: number }
  exchange: {
    /** Peer ids that may store and replicate here. */
    allow: string[]
    /** Bytes a second to all peers; 0: no limit. */
    uploadLimitBytes: number
  }
  raft: {
    /** Elections wait from one to two of these. */
    electionTimeoutMs: number
    heartbeatMs: number
  }
  cluster: {
    suspectAfterMs: number
    offlineAfterMs: number
    replaceAfterMs: number
  }
  /** intervalMs 0: only on demand. */
  gc: { intervalMs: number }
  log: { level: LogLevel; format: 'pretty' | 'json' }
}
