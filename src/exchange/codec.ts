/** The exchange's messages: `protos/dps/exchange/v1/exchange.proto` ⇄ what the room works with. */
import type { CID } from 'multiformats/cid'
import { DpsError } from '../base/index.js'
import {
  type ChunkKind,
  CODEC_MANIFEST,
  CODEC_RAW,
  cidOf,
  DIGEST_BYTES,
  type Digest,
  digestOf,
  kindOf,
} from '../content/index.js'
import {
  HasReply,
  HasRequest,
  ReplicateReply,
  ReplicateRequest,
  RetrieveRequest,
  StoreReply,
  StoreRequest,
} from '../wire/exchange/exchange.js'

/** Digests in one `has`: 32 KiB of request. */
export const HAS_DIGESTS_MAX = 1024
export const ADDRS_MAX = 16
export const ADDR_CHARS_MAX = 256
const PEER_ID_CHARS_MAX = 128

/** Where to fetch from. */
export interface PeerAddress {
  peerId: string
  /** Multiaddrs; may be empty where the peer is known already. */
  addrs: string[]
}

export function encodeHasRequest(digests: readonly Digest[]): Uint8Array {
  const packed = new Uint8Array(digests.length * DIGEST_BYTES)
  digests.forEach((digest, index) => {
    packed.set(digest, index * DIGEST_BYTES)
  })
  return HasRequest.encode({ digests: packed })
}

export function decodeHasRequest(bytes: Uint8Array): Digest[] {
  const { digests } = read('has request', () => HasRequest.decode(bytes))
  const count = digests.byteLength / DIGEST_BYTES
  if (!Number.isInteger(count) || count < 1 || count > HAS_DIGESTS_MAX) {
    throw bad(`has request: ${digests.byteLength} bytes of digests`)
  }
  // Copied: the payload is a view on the network's buffers, and keys outlive the call.
  const copy = new Uint8Array(digests)
  return Array.from({ length: count }, (_, index) =>
    copy.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
  )
}

export function encodeHasReply(present: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(present.length / 8))
  present.forEach((is, index) => {
    if (is) bits[index >> 3]! |= 1 << (index & 7)
  })
  return HasReply.encode({ present: bits })
}

export function decodeHasReply(bytes: Uint8Array, count: number): boolean[] {
  const { present } = read('has reply', () => HasReply.decode(bytes))
  if (present.byteLength !== Math.ceil(count / 8)) {
    throw bad(`has reply: ${present.byteLength} bytes for ${count} digests`)
  }
  return Array.from(
    { length: count },
    (_, index) => (present[index >> 3]! & (1 << (index & 7))) !== 0,
  )
}

export function encodeRetrieveRequest(digest: Digest, sizeMaxBytes: number): Uint8Array {
  return RetrieveRequest.encode({ digest: plain(digest), sizeMaxBytes })
}

export function decodeRetrieveRequest(bytes: Uint8Array): { digest: Digest; sizeMaxBytes: number } {
  const wire = read('retrieve request', () => RetrieveRequest.decode(bytes))
  return {
    digest: digestFrom('retrieve request', wire.digest),
    sizeMaxBytes: wire.sizeMaxBytes,
  }
}

export function encodeStoreRequest(digest: Digest, kind: ChunkKind): Uint8Array {
  return StoreRequest.encode({ digest: plain(digest), kind: codecOfKind(kind) })
}

export function decodeStoreRequest(bytes: Uint8Array): { digest: Digest; kind: ChunkKind } {
  const wire = read('store request', () => StoreRequest.decode(bytes))
  return {
    digest: digestFrom('store request', wire.digest),
    kind: kindFrom('store request', wire.kind),
  }
}

export function encodeStoreReply(stored: boolean): Uint8Array {
  return StoreReply.encode({ stored })
}

export function decodeStoreReply(bytes: Uint8Array): { stored: boolean } {
  const { stored } = read('store reply', () => StoreReply.decode(bytes))
  return { stored }
}

export function encodeReplicateRequest(cid: CID, from: PeerAddress): Uint8Array {
  return ReplicateRequest.encode({
    digest: plain(digestOf(cid)),
    kind: codecOfKind(kindOf(cid)),
    fromPeerId: from.peerId,
    fromAddrs: from.addrs.filter((addr) => addr.length <= ADDR_CHARS_MAX).slice(0, ADDRS_MAX),
  })
}

export function decodeReplicateRequest(bytes: Uint8Array): { cid: CID; from: PeerAddress } {
  const wire = read('replicate request', () =>
    ReplicateRequest.decode(bytes, { limits: { fromAddrs: ADDRS_MAX } }),
  )
  const { fromPeerId, fromAddrs } = wire
  if (!/^[A-Za-z0-9]+$/.test(fromPeerId) || fromPeerId.length > PEER_ID_CHARS_MAX) {
    throw bad('replicate request: no peer id to fetch from')
  }
  if (fromAddrs.some((addr) => !addr.startsWith('/') || addr.length > ADDR_CHARS_MAX)) {
    throw bad('replicate request: an address that is no multiaddr')
  }
  const kind = kindFrom('replicate request', wire.kind)
  const cid = cidOf(kind, digestFrom('replicate request', wire.digest))
  return { cid, from: { peerId: fromPeerId, addrs: fromAddrs } }
}

/** What a replicate brought to the asked peer. */
export interface Replicated {
  chunks: number
  /** Bytes that were not there before. */
  newBytes: number
}

export function encodeReplicateReply({ chunks, newBytes }: Replicated): Uint8Array {
  return ReplicateReply.encode({ chunks, newBytes })
}

export function decodeReplicateReply(bytes: Uint8Array): Replicated {
  const { chunks, newBytes } = read('replicate reply', () => ReplicateReply.decode(bytes))
  return { chunks, newBytes }
}

function codecOfKind(kind: ChunkKind): number {
  return kind === 'chunk' ? CODEC_RAW : CODEC_MANIFEST
}

function kindFrom(what: string, codec: number): ChunkKind {
  if (codec === CODEC_RAW) return 'chunk'
  if (codec === CODEC_MANIFEST) return 'manifest'
  throw bad(`${what}: ${codec} is no kind of chunk`)
}

function digestFrom(what: string, digest: Uint8Array): Digest {
  if (digest.byteLength !== DIGEST_BYTES) {
    throw bad(`${what}: a digest of ${digest.byteLength} bytes`)
  }
  return new Uint8Array(digest)
}

function plain(digest: Digest): Uint8Array<ArrayBuffer> {
  return digest as Uint8Array<ArrayBuffer>
}

function read<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `${what}: it cannot be decoded`, { cause })
  }
}

function bad(message: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', message)
}
