/**
 * Content by CID, whole: publish, fetch, read, list, stat, pin. And by path: put, move, remove,
 * list, read, in the namespace that the cluster agrees on.
 *
 * Goals: `added` means durable; a get resumes and verifies everything; memory is bounded by the
 * slabs, whatever the size of the content and however many ask.
 * Non-goals: moving chunks between peers (exchange), finding peers (network), deciding what is
 * garbage (durability).
 *
 * @example
 * for await (const event of files.publishPaths([{ path: '/data', dev: '', ino: '' }], {})) …
 */
export { Holdings, type HoldingsComponents, type HoldingsInit } from './holdings.js'
export { Namespace, type NamespaceComponents } from './namespace.js'
export { NAMESPACE_POLICIES } from './namespace-policies.js'
export * from './namespace-types.js'
export { type FilesNetwork, offlineNetwork } from './network.js'
export { type FilesComponents, FilesService } from './service.js'
export { SwarmNetwork } from './swarm.js'
export * from './types.js'
