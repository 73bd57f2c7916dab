/** What a host is made of and how it is set up. */
import type { Clock, Random } from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { InboundLimiterInit } from './host-limits.js'
import type { RedialInit } from './host-redial.js'
import type { Identity } from './identity.js'
import type { Table } from './table.js'

export interface HostComponents {
  /** From `loadIdentity`. */
  identity: Identity
  /** Directory of the database for peers and provider records; made when absent. */
  dhtPath: string
  /** A sublevel of `meta`, keys utf8, values `view`. */
  knownPeers: Table
  log: Log
  metrics?: Metrics
  clock?: Clock
  random?: Random
}

export interface HostInit {
  /** Multiaddrs. Port 0 takes a free one. */
  listen: readonly string[]
  /** Multiaddrs to tell others instead of those listened on (behind a forwarded port). */
  announce?: readonly string[]
  /** Multiaddrs dialled for ever. */
  bootstrap?: readonly string[]
  /** Find peers on the local network. @default false */
  mdns?: boolean
  /** @default 10000 */
  mdnsIntervalMs?: number
  /** The node's own name, told to every peer. */
  name?: string
  /** The program's version, told to every peer. */
  version: string
  /** @default 300 */
  maxConnections?: number
  /** Connections of one peer. Two data connections and two that cross while dialling. @default 8 */
  maxConnectionsPerPeer?: number
  /** For one connection, all addresses of the peer together. @default 15000 */
  dialTimeoutMs?: number
  /**
   * How long addresses are kept without word of the peer. As long as a provider record at least:
   * kad-dht fails a whole answer over one provider without addresses. @default 72 h
   */
  addressAgeMs?: number
  inbound?: InboundLimiterInit
  redial?: RedialInit
  /** @default '/dps/kad/1.0.0' */
  kadProtocol?: string
}
