/**
 * Peers worth coming back to, with their addresses, across restarts. libp2p's own peer store
 * forgets addresses; this one keeps what a node needs to find its swarm again.
 */
import type { AbortOptions, Clock } from '../base/index.js'
import type { Table, TableOp } from './table.js'

export interface KnownPeer {
  peerId: string
  /** Multiaddrs without the peer id, the most recently proven first. */
  addrs: string[]
  /** When it was last connected: milliseconds since the epoch. */
  seenAtMs: number
  /** Asked for by a person (`swarm connect`): dialled for ever, never forgotten for age. */
  explicit: boolean
  /** The node's own name, as it told. */
  name?: string
}

/** Enough to find a swarm again; a swarm's directory is the DHT, not this. */
const PEERS_MAX = 256
const ADDRS_MAX = 16
const FORGET_AFTER_MS = 14 * 24 * 3_600_000
/** `seenAtMs` alone is written again only when it moved so far. */
const SEEN_STEP_MS = 10 * 60_000

export class KnownPeers {
  readonly #table: Table
  readonly #clock: Clock
  readonly #peers = new Map<string, KnownPeer>()

  constructor(table: Table, clock: Clock) {
    this.#table = table
    this.#clock = clock
  }

  /** Reads what was kept; drops what is damaged or too old. */
  async load(_options: AbortOptions = {}): Promise<void> {
    const drop: TableOp[] = []
    const oldest = this.#clock.now() - FORGET_AFTER_MS
    for await (const [key, value] of this.#table.iterator({})) {
      const peer = decode(key, value)
      if (peer === undefined || (!peer.explicit && peer.seenAtMs < oldest)) {
        drop.push({ type: 'del', key })
      } else if (!this.#peers.has(key)) {
        this.#peers.set(key, peer)
      }
    }
    if (drop.length > 0) await this.#table.batch(drop)
  }

  all(): KnownPeer[] {
    return [...this.#peers.values()]
  }

  get(peerId: string): KnownPeer | undefined {
    return this.#peers.get(peerId)
  }

  /** New addresses go in front; `explicit` stays once it was said. */
  async remember(
    peerId: string,
    addrs: readonly string[],
    facts: { explicit?: boolean; name?: string } = {},
    _options: AbortOptions = {},
  ): Promise<void> {
    const before = this.#peers.get(peerId)
    const merged = [...new Set([...addrs, ...(before?.addrs ?? [])])].slice(0, ADDRS_MAX)
    if (merged.length === 0) return
    const name = facts.name ?? before?.name
    const peer: KnownPeer = {
      peerId,
      addrs: merged,
      seenAtMs: this.#clock.now(),
      explicit: facts.explicit === true || before?.explicit === true,
      ...(name === undefined ? {} : { name }),
    }
    this.#peers.set(peerId, peer)
    const operations: TableOp[] = this.#evict()
    if (before === undefined || !same(before, peer)) {
      operations.push({ type: 'put', key: peerId, value: encode(peer) })
    } else {
      // Not written, so that the next call still sees how far it moved.
      peer.seenAtMs = before.seenAtMs
    }
    if (operations.length > 0) await this.#table.batch(operations)
  }

  /** It is no longer asked for: kept only as one that was met. */
  async release(peerId: string, _options: AbortOptions = {}): Promise<void> {
    const peer = this.#peers.get(peerId)
    if (peer === undefined || !peer.explicit) return
    peer.explicit = false
    await this.#table.put(peerId, encode(peer))
  }

  #evict(): TableOp[] {
    if (this.#peers.size <= PEERS_MAX) return []
    const met = this.all().filter((peer) => !peer.explicit)
    met.sort((a, b) => a.seenAtMs - b.seenAtMs)
    return met.slice(0, this.#peers.size - PEERS_MAX).map(({ peerId }) => {
      this.#peers.delete(peerId)
      return { type: 'del', key: peerId }
    })
  }
}

function same(a: KnownPeer, b: KnownPeer): boolean {
  return (
    a.explicit === b.explicit &&
    a.name === b.name &&
    b.seenAtMs - a.seenAtMs < SEEN_STEP_MS &&
    a.addrs.length === b.addrs.length &&
    a.addrs.every((addr, index) => addr === b.addrs[index])
  )
}

function encode(peer: KnownPeer): Uint8Array {
  const { addrs, seenAtMs, explicit, name } = peer
  return Buffer.from(JSON.stringify({ addrs, seenAtMs, explicit, name }))
}

function decode(peerId: string, value: Uint8Array): KnownPeer | undefined {
  let fields: unknown
  try {
    fields = JSON.parse(Buffer.from(value).toString())
  } catch {
    return undefined
  }
  if (typeof fields !== 'object' || fields === null) return undefined
  const { addrs, seenAtMs, explicit, name } = fields as Record<string, unknown>
  if (!Array.isArray(addrs) || !addrs.every((addr) => typeof addr === 'string')) return undefined
  if (typeof seenAtMs !== 'number' || typeof explicit !== 'boolean') return undefined
  const known = { peerId, addrs: addrs as string[], seenAtMs, explicit }
  return typeof name === 'string' ? { ...known, name } : known
}
