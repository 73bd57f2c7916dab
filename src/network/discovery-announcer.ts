/**
 * Announces many keys at once. kad-dht's provide() does one query and twenty streams for each key;
 * here keys are sorted, those of one region share a query, and each peer gets all its records over
 * one stream. Records and wire format are the DHT's own.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import type { AbortOptions } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { encodeProvider, encodeRecord, sendRecords } from './discovery-kad.js'
import { type KadPeer, kadIdOf, nearest, type ProvideKey, regionEnd } from './discovery-keys.js'
import type { Host } from './host.js'
import { boundedSignal } from './host-signal.js'

export interface Announced {
  /** Keys that at least one peer has acknowledged. */
  done: ProvideKey[]
  failed: ProvideKey[]
  /** Distinct peers that acknowledged something. */
  peers: number
}

/** Streams that carry records at the same time. */
const STREAMS_MAX = 8
/** Keys encoded in one go: some milliseconds, in which nothing else runs. */
const REGION_KEYS_MAX = 2048
const QUERY_TIMEOUT_MS = 20_000

export class Announcer {
  readonly #host: Pick<Host, 'libp2p' | 'openStream' | 'kadProtocol' | 'peerId'>
  readonly #log: Log

  constructor(host: Pick<Host, 'libp2p' | 'openStream' | 'kadProtocol' | 'peerId'>, log: Log) {
    this.#host = host
    this.#log = log
  }

  /** Never throws for a peer's failure: what no peer took is in `failed`. */
  async announce(keys: readonly ProvideKey[], options: AbortOptions = {}): Promise<Announced> {
    const sorted = [...keys].sort((a, b) => Buffer.compare(a.kadId, b.kadId))
    const reached = new Set<string>()
    const result: Announced = { done: [], failed: [], peers: 0 }
    const addrs = this.#host.libp2p.getMultiaddrs().map(({ bytes }) => bytes)
    // A record without an address is thrown away by its receiver.
    if (addrs.length === 0) return { ...result, failed: sorted }
    const self = peerIdFromString(this.#host.peerId).toMultihash().bytes
    const provider = encodeProvider(self, addrs)
    for (let start = 0; start < sorted.length; ) {
      const { end, peers } = await this.#region(sorted, start, options)
      const region = sorted.slice(start, end)
      const acknowledged = await this.#send(region, peers, provider, reached, options)
      for (const [index, key] of region.entries()) {
        ;(acknowledged[index] ? result.done : result.failed).push(key)
      }
      start = end
    }
    return { ...result, peers: reached.size }
  }

  /** The keys from `start` on that can go out together, and the peers that may be near them. */
  async #region(keys: readonly ProvideKey[], start: number, options: AbortOptions) {
    const { k } = this.#host.libp2p.services.dht
    const closest = await this.#closestPeers(keys[start]!, options)
    const end = Math.min(regionEnd(keys, start, closest, k), start + REGION_KEYS_MAX)
    if (closest.length < k || end - start < 2) return { end, peers: closest }
    // Peers just outside the subtree differ a little from its one end to the other.
    const others = await this.#closestPeers(keys[end - 1]!, options)
    const known = new Set(closest.map(({ peerId }) => peerId))
    return { end, peers: [...closest, ...others.filter(({ peerId }) => !known.has(peerId))] }
  }

  async #closestPeers({ multihash }: ProvideKey, options: AbortOptions): Promise<KadPeer[]> {
    const found = new Map<string, KadPeer>()
    const answered = new Map<string, KadPeer>()
    const { signal, done } = boundedSignal(QUERY_TIMEOUT_MS, options.signal)
    const add = (to: Map<string, KadPeer>, id: KadPeerId) => {
      const peerId = id.toString()
      if (peerId !== this.#host.peerId) {
        to.set(peerId, { peerId, kadId: kadIdOf(id.toMultihash().bytes) })
      }
    }
    try {
      const { dht } = this.#host.libp2p.services
      for await (const event of dht.getClosestPeers(multihash, { signal })) {
        if (event.name === 'FINAL_PEER') add(found, event.peer.id)
        else if (event.name === 'PEER_RESPONSE') add(answered, event.from)
      }
    } catch (err) {
      options.signal?.throwIfAborted()
      this.#log.debug({ err }, 'a query for closest peers failed')
    } finally {
      done()
    }
    // A query that ran out of time names no peers, but those that answered are good ones.
    return [...(found.size > 0 ? found : answered).values()]
  }

  /** @returns for each key of the region, whether some peer has it now */
  async #send(
    region: readonly ProvideKey[],
    peers: readonly KadPeer[],
    provider: Uint8Array,
    reached: Set<string>,
    options: AbortOptions,
  ): Promise<boolean[]> {
    const { k } = this.#host.libp2p.services.dht
    const records = region.map(({ multihash }) => encodeRecord(multihash, provider))
    const indexesOf = new Map<string, number[]>(peers.map(({ peerId }) => [peerId, []]))
    for (const [index, { kadId }] of region.entries()) {
      for (const { peerId } of nearest(kadId, peers, k)) indexesOf.get(peerId)!.push(index)
    }
    const acknowledged = region.map(() => false)
    const work = [...indexesOf]
    const sender = async () => {
      for (let next = work.pop(); next !== undefined; next = work.pop()) {
        const [peerId, indexes] = next
        const count = await this.#sendTo(
          peerId,
          indexes.map((index) => records[index]!),
          options,
        )
        if (count > 0) reached.add(peerId)
        for (const index of indexes.slice(0, count)) acknowledged[index] = true
      }
    }
    await Promise.all(Array.from({ length: STREAMS_MAX }, sender))
    return acknowledged
  }

  async #sendTo(peerId: string, records: Uint8Array[], options: AbortOptions): Promise<number> {
    if (records.length === 0) return 0
    const open = (o: AbortOptions) => this.#host.openStream(peerId, this.#host.kadProtocol, o)
    const sent = await sendRecords(open, records, options)
    if (sent.error !== undefined) {
      const fields = { peer: peerId, err: sent.error, acknowledged: sent.acknowledged }
      this.#log.debug(fields, 'records could not be sent')
    }
    return sent.acknowledged
  }
}

interface KadPeerId {
  toString(): string
  toMultihash(): { bytes: Uint8Array }
}
