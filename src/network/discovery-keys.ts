/** Arithmetic of the key space: where a key lies in the DHT, and which peers are near. */
import { createHash } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'

/** What is announced: a multihash, its text (the key of records), its place in the key space. */
export interface ProvideKey {
  multihash: Uint8Array
  text: string
  kadId: Uint8Array
}

export interface KadPeer {
  peerId: string
  kadId: Uint8Array
}

/** sha2-256 of the multihash, of a key as of a peer id. */
export function kadIdOf(multihash: Uint8Array): Uint8Array {
  return createHash('sha256').update(multihash).digest()
}

export function textOf(multihash: Uint8Array): string {
  return base32.baseEncode(multihash)
}

export function provideKey(text: string): ProvideKey {
  const multihash = base32.baseDecode(text)
  return { multihash, text, kadId: kadIdOf(multihash) }
}

/** Leading bits that two places share. */
export function commonPrefixBits(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) ^ (b[at] ?? 0)
    if (difference !== 0) return at * 8 + Math.clz32(difference) - 24
  }
  return a.length * 8
}

/**
 * How far a region goes: the end (exclusive) of the sorted keys, from `start` on, that have the
 * same closest peers as far as one query can tell. A query for a key returns its `k` closest
 * peers. Fewer than `k` are the whole swarm. Else every peer in the subtree one bit below the
 * farthest of them is among them, so one list serves every key of that subtree.
 */
export function regionEnd(
  keys: readonly ProvideKey[],
  start: number,
  closest: readonly KadPeer[],
  k: number,
): number {
  const first = keys[start]
  if (first === undefined || closest.length < k) return keys.length
  const shared = Math.min(...closest.map(({ kadId }) => commonPrefixBits(first.kadId, kadId)))
  let end = start + 1
  for (; end < keys.length; end++) {
    const key = keys[end]
    if (key === undefined || commonPrefixBits(first.kadId, key.kadId) <= shared) break
  }
  return end
}

/** The `k` peers nearest to a place by XOR distance, of those given. */
export function nearest(kadId: Uint8Array, peers: readonly KadPeer[], k: number): KadPeer[] {
  if (peers.length <= k) return [...peers]
  return [...peers].sort((a, b) => compareDistance(kadId, a.kadId, b.kadId)).slice(0, k)
}

function compareDistance(to: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < to.length; at++) {
    const here = to[at] ?? 0
    const difference = ((a[at] ?? 0) ^ here) - ((b[at] ?? 0) ^ here)
    if (difference !== 0) return difference
  }
  return 0
}
