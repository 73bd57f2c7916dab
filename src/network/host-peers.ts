/** What is told about connected peers, and how a person names one. */
import type { Connection, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type AbortOptions, type Clock, DpsError } from '../base/index.js'
import type { Metrics } from '../observability/index.js'
import { isPeerId, withoutPeer, withPeer } from './host-address.js'
import { nameOfAgent } from './host-agent.js'

export interface ConnectedPeer {
  peerId: string
  /** Of the oldest connection, with the peer id. */
  addr: string
  direction: 'inbound' | 'outbound'
  connections: number
  streams: number
  connectedAtMs: number
  /** Round trip as last measured; absent in a connection's first moments. */
  latencyMs?: number
  /** As the peer tells: `dps-node/0.1.0 …`. */
  agent?: string
  /** The node's own name, as the peer tells it: hearsay. */
  name?: string
}

/** What the host keeps of a peer while it is connected. */
export interface PeerFacts {
  agent?: string
  latencyMs?: number
  /** Where it says it listens. */
  listenAddrs?: Multiaddr[]
}

const PREFIX_CHARS_MIN = 6
const PING_BYTES = 32

export function describePeer(
  peerId: string,
  connections: readonly Connection[],
  facts: PeerFacts = {},
): ConnectedPeer {
  const oldest = connections.reduce((a, b) => (a.timeline.open <= b.timeline.open ? a : b))
  // libp2p measures again and again, but in whole milliseconds.
  const latencyMs = oldest.rtt || facts.latencyMs
  const name = nameOfAgent(facts.agent)
  return {
    peerId,
    addr: withPeer(withoutPeer(oldest.remoteAddr), peerId),
    direction: oldest.direction,
    connections: connections.length,
    streams: connections.reduce((sum, { streams }) => sum + streams.length, 0),
    connectedAtMs: oldest.timeline.open,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(facts.agent === undefined ? {} : { agent: facts.agent }),
    ...(name === undefined ? {} : { name }),
  }
}

/**
 * The one peer meant, of those in `names` (peer id → node name).
 * @throws DpsError as `Host.resolvePeer` says
 */
export function matchPeer(
  prefixOrName: string,
  names: ReadonlyMap<string, string | undefined>,
): string {
  if (isPeerId(prefixOrName)) return prefixOrName
  const long = prefixOrName.length >= PREFIX_CHARS_MIN
  const matches = [...names].filter(
    ([peerId, name]) => name === prefixOrName || (long && peerId.startsWith(prefixOrName)),
  )
  const [first] = matches
  if (first !== undefined && matches.length === 1) return first[0]
  if (first !== undefined) {
    const list = matches.map(([peerId, name]) => (name ? `${peerId} (${name})` : peerId))
    throw new DpsError(
      'INVALID_ARGUMENT',
      `${prefixOrName} may be any of: ${list.sort().join(', ')}`,
      { hint: 'give more of the peer id' },
    )
  }
  if (!long) {
    throw new DpsError(
      'INVALID_ARGUMENT',
      `${prefixOrName} names no known peer, and a peer id's prefix has at least 6 characters`,
    )
  }
  throw new DpsError('NOT_FOUND', `no known peer matches ${prefixOrName}`, {
    hint: 'list those connected with: dps-node swarm peers',
  })
}

/** One echo on a stream of libp2p's ping protocol, in milliseconds. */
export async function roundTrip(
  stream: Stream,
  clock: Clock,
  options: AbortOptions = {},
): Promise<number> {
  const bytes = byteStream(stream)
  const sent = crypto.getRandomValues(new Uint8Array(PING_BYTES))
  const startMs = clock.monotonicMs()
  await bytes.write(sent, options)
  const echo = await bytes.read({ bytes: PING_BYTES, ...options })
  const latencyMs = clock.monotonicMs() - startMs
  if (Buffer.compare(echo.subarray(), sent) !== 0) {
    throw new DpsError('UNAVAILABLE', 'the echo is wrong')
  }
  return latencyMs
}

export function measurePeers(
  metrics: Metrics | undefined,
  counts: { connected(): number; known(): number },
): void {
  metrics?.gauge({
    name: 'dps_network_peers',
    help: 'Peers connected now.',
    collect: (gauge) => gauge.set(counts.connected()),
  })
  metrics?.gauge({
    name: 'dps_network_known_peers',
    help: 'Peers remembered across restarts.',
    collect: (gauge) => gauge.set(counts.known()),
  })
}
