/** How libp2p is set up for this program; each setting with its reason. */
import './polyfill.js'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PeerInfo, PrivateKey } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { swarmDht } from './host-dht.js'
import { corkedNoise } from './host-noise.js'
import type { HostStore } from './host-store.js'

/** The swarm's own DHT: peers of other systems never enter its tables. */
export const KAD_PROTOCOL = '/dps/kad/1.0.0'
/** Of libp2p. */
export const PING_PROTOCOL = '/ipfs/ping/1.0.0'
/** Found by mDNS only by each other. */
const MDNS_SERVICE = '_dps._udp.local'

const MIB = 1024 * 1024

export type DpsServices = { dht: KadDHT; ping: Ping; identify: unknown; identifyPush: unknown }
export type DpsLibp2p = Libp2p<DpsServices>

export interface Libp2pSettings {
  privateKey: PrivateKey
  store: HostStore
  logger: ComponentLogger
  listen: readonly string[]
  announce: readonly string[]
  agent: string
  maxConnections: number
  dialTimeoutMs: number
  addressAgeMs: number
  kadProtocol: string
  mdns: boolean
  mdnsIntervalMs: number
  /** Whether an inbound connection from this IP address is refused. */
  denyAddress(address: string): boolean
  /** Whether a further connection of this peer is refused. */
  denyPeer(peerId: string): boolean
  onMdnsPeer(peer: PeerInfo): void
}

export async function createNode(settings: Libp2pSettings): Promise<DpsLibp2p> {
  return createLibp2p<DpsServices>({
    start: false,
    privateKey: settings.privateKey,
    datastore: settings.store,
    logger: settings.logger,
    nodeInfo: { userAgent: settings.agent },
    addresses: { listen: [...settings.listen], announce: [...settings.announce] },
    transports: [tcp({ backlog: 511 })],
    connectionEncrypters: [corkedNoise()],
    streamMuxers: [
      yamux({
        // The window must stay below the read buffer, or a slow reader is reset at 4 MiB.
        streamOptions: {
          initialStreamWindowSize: MIB,
          maxStreamWindowSize: 2 * MIB,
          maxReadBufferLength: 4 * MIB,
          // Long-lived streams between peers are often quiet; call plumbing opens a new one when
          // this ends them.
          inactivityTimeout: 10 * 60_000,
        },
        maxInboundStreams: 1024,
        maxOutboundStreams: 1024,
      }),
    ],
    connectionManager: {
      maxConnections: settings.maxConnections,
      maxIncomingPendingConnections: 64,
      dialTimeout: settings.dialTimeoutMs,
      // Rates are limited by address in `denyAddress`, which knows loopback and IPv6 networks;
      // libp2p's own limit of 5 a second would hit several nodes on one machine.
      inboundConnectionThreshold: 100_000,
      // Reconnecting is done by the Redialler, which never gives up.
      reconnectRetries: 0,
    },
    // One lost ping is no dead connection: under bulk load they are late.
    connectionMonitor: { abortConnectionOnPingFailure: false },
    connectionGater: {
      // libp2p's default refuses private addresses in browsers only; here every address counts.
      denyDialMultiaddr: () => false,
      denyInboundConnection: (connection) => {
        const address = connection.remoteAddr.getComponents()[0]?.value
        return address !== undefined && settings.denyAddress(address)
      },
      denyInboundEncryptedConnection: (peerId) => settings.denyPeer(peerId.toString()),
    },
    peerStore: { maxAddressAge: settings.addressAgeMs, maxPeerAge: settings.addressAgeMs },
    ...(settings.mdns ? { peerDiscovery: [lanDiscovery(settings)] } : {}),
    services: {
      identify: identify({ maxInboundStreams: 4, maxOutboundStreams: 4 }),
      identifyPush: identifyPush({ maxInboundStreams: 4, maxOutboundStreams: 4 }),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      dht: swarmDht(settings.kadProtocol),
    },
  })
}

type DiscoveryFactory = ReturnType<typeof mdns>

/** libp2p only stores the addresses of what mDNS finds: connecting is on us. */
function lanDiscovery(settings: Libp2pSettings): DiscoveryFactory {
  const create = mdns({ serviceTag: MDNS_SERVICE, interval: settings.mdnsIntervalMs })
  return (components) => {
    const discovery = create(components)
    discovery.addEventListener('peer', (event) => settings.onMdnsPeer(event.detail))
    return discovery
  }
}
