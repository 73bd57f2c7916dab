/** The table of settings: key, meaning, default and shape of each. See config.ts. */
import {
  boolean,
  choice,
  duration,
  integer,
  list,
  type Shape,
  size,
  text,
} from './config-shapes.js'
import type { NodeSettings } from './node.js'

export type { LogLevel, Mode } from './node.js'

/** What a node and the commands run with. Sizes are bytes, durations milliseconds. */
export interface Settings extends NodeSettings {
  publish: {
    /** 0: automatic, by offset. */
    chunkSizeBytes: number
    chunker: 'fixed' | 'fastcdc'
    replicate: number
    /** 0: for ever. */
    ttlMs: number
    pin: boolean
  }
  get: { timeoutMs: number }
  output: { json: boolean; progress: boolean }
}

export type SectionName = Exclude<keyof Settings, 'dataDir' | 'version' | 'offline' | 'repair'>

/** One setting: `key` is how people write it (`network.max_connections`). */
export interface Setting<T = unknown> {
  key: string
  doc: string
  fallback: T
  shape: Shape<T>
}

type Table = { [S in SectionName]: { [P in keyof Settings[S]]: Setting<Settings[S][P]> } }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
// Timers take 31 bits of milliseconds.
const INTERVAL_MS_MAX = 24 * 24 * HOUR_MS

const TABLE: Table = {
  node: {
    name: {
      key: 'node.name',
      doc: 'What people call this node; commands accept it in place of the peer id.',
      fallback: '',
      shape: text.name(
        'a host-like name: letters, digits, "-", "_" and ".", at most 63; empty: the host name',
      ),
    },
    zone: {
      key: 'node.zone',
      doc: 'Failure zone (rack, room, site): copies are spread over zones.',
      fallback: '',
      shape: text.name('letters, digits, "-", "_" and ".", at most 63; empty: none'),
    },
    mode: {
      key: 'node.mode',
      doc: 'Who may find what is stored here. local_only: nobody, no network at all.',
      fallback: 'hybrid',
      shape: choice(['local_only', 'cluster_only', 'hybrid', 'cloud']),
    },
  },
  network: {
    listen: {
      key: 'network.listen',
      doc: 'Addresses to listen on; port 0 takes a free one.',
      fallback: ['/ip4/0.0.0.0/tcp/4101'],
      shape: list(text.multiaddr('/ip4/0.0.0.0/tcp/4101')),
    },
    announce: {
      key: 'network.announce',
      doc: 'Addresses to tell peers in place of those listened on (behind NAT, in containers).',
      fallback: [],
      shape: list(text.multiaddr('/dns4/node1.example.org/tcp/4101')),
    },
    bootstrap: {
      key: 'network.bootstrap',
      doc: 'Peers to join the swarm through; tried for ever.',
      fallback: [],
      shape: list(text.multiaddr('/ip4/192.168.1.5/tcp/4101/p2p/12D3KooW…')),
    },
    mdns: {
      key: 'network.mdns',
      doc: 'Find peers on the local network by multicast DNS.',
      fallback: true,
      shape: boolean,
    },
    maxConnections: {
      key: 'network.max_connections',
      doc: 'Connections at most; past it the least useful are closed.',
      fallback: 300,
      shape: integer(1, 100_000),
    },
    maxPendingInbound: {
      key: 'network.max_pending_inbound',
      doc: 'Incoming connections at most that have not finished their handshake.',
      fallback: 30,
      shape: integer(1, 10_000),
    },
    inboundPerSecond: {
      key: 'network.inbound_per_second',
      doc: 'New incoming connections a second from one address; more are refused.',
      fallback: 20,
      shape: integer(1, 10_000),
    },
    dialTimeoutMs: {
      key: 'network.dial_timeout',
      doc: 'How long a connection attempt may take.',
      fallback: 10_000,
      shape: duration({ minMs: 100, maxMs: 10 * MINUTE_MS }),
    },
  },
  api: {
    listen: {
      key: 'api.listen',
      doc: 'HOST:PORT of the local API; port 0 takes a free one. Beyond loopback, name the hosts below.',
      fallback: '127.0.0.1:4180',
      shape: text.hostPort,
    },
    allowedHosts: {
      key: 'api.allowed_hosts',
      doc: 'Host names by which the API may be called, besides loopback.',
      fallback: [],
      shape: list(text.host),
    },
    allowedOrigins: {
      key: 'api.allowed_origins',
      doc: 'Web origins whose pages may call the API. Empty: no web page may.',
      fallback: [],
      shape: list(text.origin),
    },
  },
  store: {
    capacityBytes: {
      key: 'store.capacity',
      doc: 'Bytes this node may use at most; auto: what the disk has.',
      fallback: 0,
      shape: size({ word: 'auto', minBytes: 64 * 1024 ** 2 }),
    },
    reserveBytes: {
      key: 'store.reserve',
      doc: 'Free space to leave on the disk.',
      fallback: 1024 ** 3,
      shape: size({ minBytes: 0 }),
    },
    cacheMaxBytes: {
      key: 'store.cache_max',
      doc: 'Bytes at most of what was read here but is not pinned; auto: a tenth of the disk.',
      fallback: 0,
      shape: size({ word: 'auto', minBytes: 1024 ** 2 }),
    },
  },
  provide: {
    strategy: {
      key: 'provide.strategy',
      doc: 'What is announced: the roots of what is published, every chunk, or nothing.',
      fallback: 'roots',
      shape: choice(['roots', 'all', 'none']),
    },
    intervalMs: {
      key: 'provide.interval',
      doc: 'How often each is announced again; peers forget after 48h.',
      fallback: 22 * HOUR_MS,
      shape: duration({ minMs: 1_000, maxMs: 47 * HOUR_MS }),
    },
  },
  exchange: {
    allow: {
      key: 'exchange.allow',
      doc: 'Peer ids that may store chunks here and ask for replication.',
      fallback: [],
      shape: list(text.peerId),
    },
    uploadLimitBytes: {
      key: 'exchange.upload_limit',
      doc: 'Bytes a second served to all peers together.',
      fallback: 0,
      shape: size({ word: 'none', minBytes: 16 * 1024 }),
    },
  },
  raft: {
    electionTimeoutMs: {
      key: 'raft.election_timeout',
      doc: 'Without a word from the leader for so long, up to twice as long, another is elected.',
      fallback: 1_000,
      shape: duration({ minMs: 50, maxMs: MINUTE_MS }),
    },
    heartbeatMs: {
      key: 'raft.heartbeat',
      doc: 'How often the leader tells that it is there; a third of the election timeout at most.',
      fallback: 250,
      shape: duration({ minMs: 5, maxMs: 20_000 }),
    },
  },
  cluster: {
    suspectAfterMs: {
      key: 'cluster.suspect_after',
      doc: 'A member that is not heard of for so long is shown as suspect.',
      fallback: 15_000,
      shape: duration({ minMs: 100, maxMs: INTERVAL_MS_MAX }),
    },
    offlineAfterMs: {
      key: 'cluster.offline_after',
      doc: 'And after so long as offline.',
      fallback: 30_000,
      shape: duration({ minMs: 200, maxMs: INTERVAL_MS_MAX }),
    },
    replaceAfterMs: {
      key: 'cluster.replace_after',
      doc: 'A voter that is offline for so long gives its vote to another member.',
      fallback: 10 * MINUTE_MS,
      shape: duration({ minMs: 1_000, maxMs: INTERVAL_MS_MAX }),
    },
  },
  gc: {
    intervalMs: {
      key: 'gc.interval',
      doc: 'How often what nothing refers to is freed; never: only by `dps-node gc`.',
      fallback: HOUR_MS,
      shape: duration({ word: 'never', minMs: MINUTE_MS, maxMs: INTERVAL_MS_MAX }),
    },
  },
  log: {
    level: {
      key: 'log.level',
      doc: 'The least important level that is logged.',
      fallback: 'info',
      shape: choice(['trace', 'debug', 'info', 'warn', 'error']),
    },
    format: {
      key: 'log.format',
      doc: 'pretty for people, json (one object a line) for machines.',
      fallback: 'pretty',
      shape: choice(['pretty', 'json']),
    },
  },
  publish: {
    chunkSizeBytes: {
      key: 'publish.chunk_size',
      doc: 'Chunk size; auto: grows with the offset in the file.',
      fallback: 0,
      shape: size({ word: 'auto', minBytes: 64 * 1024, maxBytes: 4 * 1024 ** 2 }),
    },
    chunker: {
      key: 'publish.chunker',
      doc: 'fixed, or fastcdc (cuts by content) for data that shifts.',
      fallback: 'fixed',
      shape: choice(['fixed', 'fastcdc']),
    },
    replicate: {
      key: 'publish.replicate',
      doc: 'Copies to make on other peers while publishing.',
      fallback: 0,
      shape: integer(0, 100),
    },
    ttlMs: {
      key: 'publish.ttl',
      doc: 'How long what is published stays pinned.',
      fallback: 0,
      shape: duration({ word: 'forever', minMs: 1_000 }),
    },
    pin: {
      key: 'publish.pin',
      doc: 'Pin what is published, so that gc keeps it.',
      fallback: true,
      shape: boolean,
    },
  },
  get: {
    timeoutMs: {
      key: 'get.timeout',
      doc: 'Without an answer from any peer for so long, get, cat, ls and stat fail.',
      fallback: 30_000,
      shape: duration({ minMs: 1, maxMs: INTERVAL_MS_MAX }),
    },
  },
  output: {
    json: { key: 'output.json', doc: 'JSON output by default.', fallback: false, shape: boolean },
    progress: {
      key: 'output.progress',
      doc: 'Progress bars on a terminal.',
      fallback: true,
      shape: boolean,
    },
  },
}

export interface Row extends Setting {
  section: SectionName
  property: string
}

export const ROWS: readonly Row[] = (Object.keys(TABLE) as SectionName[]).flatMap((section) =>
  Object.entries(TABLE[section] as Record<string, Setting>).map(([property, setting]) => ({
    ...setting,
    section,
    property,
  })),
)
export const BY_KEY = new Map(ROWS.map((row) => [row.key, row]))
export const SECTIONS = [...new Set(ROWS.map((row) => row.key.split('.')[0]!))]

/** Every setting, in the order of the file. */
export function settingsTable(): readonly Setting[] {
  return ROWS
}
