/**
 * How clients reach the node: the local API on one cleartext port.
 *
 * ConnectRPC (gRPC, gRPC-Web and JSON over HTTP/1.1 and h2c) for everything that is a message,
 * plain HTTP routes where file bytes stream, and `/health`, `/ready`, `/metrics` for probes.
 *
 * Goals: no web page and no other user of the machine gets in (token, Host and Origin checks); a
 * call ends when its client goes or its deadline passes; bytes flow with bounded memory; the
 * client half ({@link ApiClient}) gives back the very errors that the services threw.
 * Non-goals: deciding anything about content (see files); TLS (the port is for this machine).
 *
 * @example
 * const server = new ApiServer({ files, collector, verifier, node, log, metrics }, { token })
 * await server.start()
 * const client = new ApiClient({ url: server.url, token })
 * const { peerId } = await client.node.id({})
 */
export {
  ApiClient,
  type ApiClientInit,
  type Download,
  type PutUploadOptions,
  type UploadOptions,
} from './client.js'
export type { ClusterControl } from './cluster-service.js'
export type * from './contract/codec.js'
export { ClusterService, ContentService, NamespaceService, NodeService } from './contract/codec.js'
export type { NamespaceFiles } from './namespace-service.js'
export { ApiServer, type ApiServerComponents, type ApiServerInit } from './server.js'
export type {
  CallOptions,
  ContentFiles,
  ContentVerifier,
  DiskStatus,
  GarbageCollector,
  NodeControl,
  NodeHealth,
  NodeIdentity,
  NodeStatus,
  PeerAddrs,
  PingResult,
  PinInfo,
  SwarmPeer,
} from './services.js'
