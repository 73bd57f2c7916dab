/** Bare libp2p nodes on loopback, with the settings of facts worth keeping, and raw streams. */
import '../../src/network/polyfill.js'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { DpsError } from '../../src/base/index.js'
import type { StreamOpener } from '../../src/network/calls-types.js'
import type { Log, LogFields } from '../../src/observability/index.js'
import { cleanUp } from '../support/temp.js'

const MIB = 1024 * 1024

export interface BareNode {
  libp2p: Libp2p
  peerId: string
  streams: StreamOpener
  /** Peers that the plumbing wanted gone. */
  cutOff: { peer: string; reason: DpsError }[]
  /** Streams that `streams` opened or was given. */
  opened: Stream[]
}

export async function bareNode(): Promise<BareNode> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({ streamOptions: { initialStreamWindowSize: MIB, maxStreamWindowSize: 2 * MIB } }),
    ],
    connectionManager: { inboundConnectionThreshold: 1000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false },
  })
  cleanUp(() => libp2p.stop())
  const cutOff: BareNode['cutOff'] = []
  const opened: Stream[] = []
  return {
    libp2p,
    peerId: libp2p.peerId.toString(),
    cutOff,
    opened,
    streams: {
      openStream: async (peerId, protocol, options = {}) => {
        const stream = await libp2p.dialProtocol(peerIdFromString(peerId), protocol, {
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        })
        opened.push(stream)
        return stream
      },
      handle: (protocol, onStream, options) =>
        libp2p.handle(
          protocol,
          (stream, connection) => {
            opened.push(stream)
            onStream(stream, connection.remotePeer.toString())
          },
          options,
        ),
      unhandle: (protocol) => libp2p.unhandle(protocol),
      cutOff: (peer, reason) => {
        cutOff.push({ peer, reason })
        void libp2p.hangUp(peerIdFromString(peer))
      },
    },
  }
}

/** So many nodes, the later ones connected to the first. */
export async function bareNodes(count: number): Promise<BareNode[]> {
  const nodes = await Promise.all(Array.from({ length: count }, () => bareNode()))
  const [first, ...others] = nodes
  for (const node of others) {
    await node.libp2p.dial(first!.libp2p.getMultiaddrs())
    // Without identify, the dialled side knows no address to dial back.
    const multiaddrs = node.libp2p.getMultiaddrs()
    await first!.libp2p.peerStore.merge(node.libp2p.peerId, { multiaddrs })
  }
  await until(() => first!.libp2p.getPeers().length === others.length, 'all connections')
  return nodes
}

/** A stream without any plumbing: what a hostile peer has. */
export function rawStream(from: BareNode, to: BareNode, protocol: string): Promise<Stream> {
  return from.libp2p.dialProtocol(to.libp2p.peerId, protocol)
}

/** Resolves when the condition holds; looks again and again, and gives up after five seconds. */
export async function until(condition: () => boolean, what: string, ms = 5_000): Promise<void> {
  const end = Date.now() + ms
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A log that keeps its lines. */
export function keptLog(): {
  log: Log
  lines: { level: string; fields: LogFields; text: string }[]
} {
  const lines: { level: string; fields: LogFields; text: string }[] = []
  const scope = (bound: LogFields): Log => {
    const level =
      (name: string) =>
      (fields: LogFields | string, text?: string): void => {
        if (typeof fields === 'string') lines.push({ level: name, fields: bound, text: fields })
        else lines.push({ level: name, fields: { ...bound, ...fields }, text: text ?? '' })
      }
    return {
      trace: level('trace'),
      debug: level('debug'),
      info: level('info'),
      warn: level('warn'),
      error: level('error'),
      fatal: level('fatal'),
      child: (fields) => scope({ ...bound, ...fields }),
      isLevelEnabled: () => true,
    }
  }
  return { log: scope({}), lines }
}

/** Bytes that are easy to compare and hard to get right by accident. */
export function patterned(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}
