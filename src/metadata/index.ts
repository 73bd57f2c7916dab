/**
 * The metadata authority: what a cluster agrees on.
 *
 * Goals: one table of commands that change the state, each a pure function that every replica
 * computes alike; a retried command applies once; reads that are linearizable unless asked
 * otherwise; any member takes any command.
 * Non-goals: how agreement is reached (see raft), where the bytes of files are (see files).
 *
 * @example
 * const { session } = await authority.execute({ type: 'openSession' })
 * const view = await authority.read()
 * const value = view.get(keyOf('m/', 'cluster'))
 * for await (const rows of view.range({ ...rangeOf('e/', folder), limit: 1000 })) show(rows)
 */
export {
  Authority,
  type AuthorityComponents,
  type AuthorityInit,
  type AuthorityReplica,
  type AuthorityStatus,
  type ExecuteOptions,
  type ReadOptions,
} from './authority.js'
export { AuthorityOnDemand } from './authority-on-demand.js'
export { Cluster, type ClusterComponents, type ClusterInit } from './cluster.js'
export { CLUSTER_METHOD, type ClusterNetwork } from './cluster-calls.js'
export { listNodes, readCluster, readNode } from './cluster-records.js'
export type * from './cluster-types.js'
export type { ApplyContext, CommandHandler } from './command.js'
export { defineCommand } from './command.js'
export type { Command, CommandOf, CommandType, ResultOf } from './commands.js'
export { keyAfter, keyOf, prefixEnd, rangeOf, readU64 } from './keys.js'
export { LevelStateStore } from './level-state-store.js'
export {
  type AppliedListener,
  type MachineComponents,
  type MachineInit,
  MetadataMachine,
} from './machine.js'
export {
  type MembershipComponents,
  type MembershipInit,
  MembershipWorker,
} from './membership-worker.js'
export { MemoryGeneration, MemoryStateStore } from './memory-state-store.js'
export { holdsFiles, importNamespace, namesOfPath } from './namespace-import.js'
export {
  NamespaceJanitor,
  type NamespaceJanitorComponents,
  type NamespaceJanitorInit,
} from './namespace-janitor.js'
export { heldBy } from './namespace-keys.js'
export {
  CLOSE_UPLOADS_MAX,
  NAME_BYTES_MAX,
  PRUNE_NAMES_MAX,
  PUT_ITEMS_MAX,
  UPLOAD_TTL_MS_MAX,
} from './namespace-limits.js'
export {
  contentOf,
  type EntryInfo,
  fileAt,
  heldContents,
  holdersOf,
  isHeldBy,
  listEntries,
  namespaceTotals,
  statEntry,
  uploadOf,
  uploads,
} from './namespace-reads.js'
export {
  type Attributes,
  type ContentRecord,
  type DirectoryId,
  type EntryChange,
  type FileId,
  type NamespaceCommand,
  type NamespaceTotals,
  type Place,
  type PutContent,
  type PutItem,
  ROOT_DIRECTORY,
} from './namespace-types.js'
export { NoTransport } from './no-transport.js'
export {
  CLUSTER_PROTOCOL,
  ClusterClient,
  ClusterServer,
  type Peers,
  type ProposalReceiver,
} from './peers.js'
export { Replica, type ReplicaComponents, type ReplicaInit } from './replica.js'
export { SessionSweeper } from './session-sweeper.js'
export type {
  CursorRange,
  StateGeneration,
  StateStore,
  StoreCursor,
  StoreSnapshot,
  StoreWrite,
} from './state-store.js'
export type { Getter, KeyRange, Row, View } from './view.js'
