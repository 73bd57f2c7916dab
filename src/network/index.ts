/**
 * The libp2p host, discovery, and the one request/response plumbing of every protocol.
 *
 * Goals: peers that can be reached and found; calls with deadlines, cancellation, error codes and
 * real back-pressure on one long-lived stream per peer; a peer that misbehaves harms nobody.
 * Non-goals: what the calls mean (see exchange), who may make them.
 *
 * @example
 * const server = new CallServer({ streams: host, log }, { protocol, handlers, maxBodyBytes })
 * const client = new CallClient({ streams: host, log }, { protocol, maxBodyBytes })
 * const { payload, body } = await client.call(peerId, 'echo', { payload }, { signal, timeoutMs })
 */
import './polyfill.js'

export * from './calls-client.js'
export * from './calls-server.js'
export * from './calls-types.js'
export * from './discovery.js'
export { FRAME_PREFIX_BYTES, FrameReader } from './frames.js'
export { FrameWriter } from './frames-writer.js'
export * from './host.js'
export type { HostComponents, HostInit } from './host-init.js'
export type { OwnStream } from './host-own.js'
export type { ConnectedPeer } from './host-peers.js'
export * from './identity.js'
export type { KnownPeer } from './known-peers.js'
export type { Table, TableOp, TableRange } from './table.js'
