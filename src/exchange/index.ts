/**
 * Chunks between peers: `/dps/chunk/1.0.0`.
 *
 * Goals: the receiver verifies every chunk against its CID; a server shares itself fairly by
 * bytes; a slow peer costs a hedge, a lying one its reputation, and neither fails a fetch that
 * another peer can serve.
 * Non-goals: finding peers (see network), deciding who should hold what (see placement).
 *
 * @example
 * const session = new FetchSession(
 *   { client, hashes, reputation },
 *   { root, findProviders: (cid, o) => discovery.findProviders(cid, o) },
 * )
 * const bytes = await session.fetch({ cid, sizeBytes }, slab.buffer, { signal })
 */
export { ChunkClient, type ChunkClientComponents, type ChunkClientInit } from './client.js'
export type { PeerAddress, Replicated } from './codec.js'
export { CHUNK_BODY_BYTES_MAX, EXCHANGE_PROTOCOL } from './protocol.js'
export { Reputation } from './reputation.js'
export { ChunkServer, type ChunkServerComponents, type ChunkServerInit } from './server.js'
export {
  type ChunkRef,
  FetchSession,
  type FetchSessionComponents,
  type FetchSessionInit,
} from './session.js'
export type { FoundProvider } from './session-providers.js'
