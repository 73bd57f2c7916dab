/** kad-dht as this swarm runs it. */
import type { Peer, PeerId, PeerStore } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { PROVIDER_VALIDITY_MS } from './host-store.js'

type Components = Parameters<ReturnType<typeof kadDHT>>[0]
type Merge = PeerStore['merge']

export function swarmDht(protocol: string): (components: Components) => KadDHT {
  const create = kadDHT({
    protocol,
    clientMode: false,
    // A private swarm: no waiting for a first peer, and private addresses are what it has.
    allowQueryWithZeroPeers: true,
    peerInfoMapper: passthroughMapper,
    // At the default of 32, concurrent provides fail without a word.
    maxInboundStreams: 1024,
    maxOutboundStreams: 1024,
    // Discovery re-provides, in batches; kad-dht's own would do it one record at a time.
    reprovide: { threshold: 0, validity: PROVIDER_VALIDITY_MS },
  })
  return (components) => {
    const merge = mergeOnce(components.peerStore)
    const peerStore = new Proxy(components.peerStore, {
      get: (target, name) => {
        if (name === 'merge') return merge
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    return create(
      new Proxy(components, {
        get: (target, name) => (name === 'peerStore' ? peerStore : Reflect.get(target, name)),
      }),
    )
  }
}

const MERGE_AGAIN_MS = 60_000
const MERGES_MAX = 1024

/**
 * Every ADD_PROVIDER tells its sender's addresses again, thousands of times in one announcement,
 * and a merge costs more than the record itself: the same addresses are merged once a minute.
 */
function mergeOnce(peerStore: PeerStore): Merge {
  const merged = new Map<string, { addrs: string; peer: Peer; atMs: number }>()
  return async (peerId, data, options) => {
    const { multiaddrs, ...rest } = data
    if (multiaddrs === undefined || Object.keys(rest).length > 0) {
      return peerStore.merge(peerId, data, options)
    }
    const key = textOfPeer(peerId)
    const addrs = multiaddrs.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('\0')
    const now = performance.now()
    const last = merged.get(key)
    if (last?.addrs === addrs && now - last.atMs < MERGE_AGAIN_MS) return last.peer
    const peer = await peerStore.merge(peerId, data, options)
    if (merged.size >= MERGES_MAX) merged.clear()
    merged.set(key, { addrs, peer, atMs: now })
    return peer
  }
}

function textOfPeer(peerId: PeerId): string {
  return Buffer.from(peerId.toMultihash().bytes).toString('latin1')
}
