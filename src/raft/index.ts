/**
 * One log on many disks: the consensus core, its storage, transport and runner.
 *
 * Goals: what is committed is never lost or changed while a majority of disks lives; one leader per
 * term; reads that are never stale; a core that a simulator can run years of in minutes.
 * Non-goals: what the commands mean, and that a retried one applies once (see metadata); who may
 * become a member; lying members: members are trusted to run this code.
 *
 * @example
 * const runner = new RaftRunner({ log, machine, transport, clock, timers, random, logger }, init)
 * await runner.start()
 * const { result } = await runner.propose(command)   // on a majority's disks, and applied here
 * await runner.readBarrier()                         // now the machine holds all that was committed
 *
 * The order around the core is the whole contract, and the runner's business:
 *
 * @example
 * raft.step(message)
 * const ready = raft.ready()
 * send(ready.appends)          // promise nothing that isn't on disk
 * await log.save(ready)        // durable BEFORE any message that promises it
 * send(ready.promises)         // votes and acknowledgements survive our crash
 * raft.persisted()             // now our own vote and log count too
 * await state.apply(ready.committed)
 * raft.applied(index)          // configurations take effect here
 *
 * - `persisted` and `applied` are apart, so that one batch is written while another is applied;
 *   `advance` is both. Between `ready` and `persisted` everything else may be called, and
 *   `takeAppends`, `takeReadStates` and `takeCommitted` give what need not wait.
 * - A snapshot's bytes travel outside: the `snapshot` message starts their transfer, and is stepped
 *   at the receiver when all of them are there. The sender reports what became of it.
 * - Every founder boots from the same configuration at index 0, and a newcomer from that same one:
 *   it learns of itself from the log, or from a snapshot.
 * - A node whose hard state is lost comes back under another id. With only its log damaged it may
 *   start `healing`.
 */
export {
  type Configuration,
  type ConfigurationChange,
  changeConfiguration,
  configurationOf,
  type NodeId,
} from './core/configuration.js'
export { NotLeaderError } from './core/errors.js'
export type { Proposed } from './core/leader.js'
export type { ProgressState } from './core/progress.js'
export { Raft, type SnapshotOutcome } from './core/raft.js'
export type { RaftInit, RaftStart } from './core/settings.js'
export type { MemberStatus, RaftStatus } from './core/status.js'
export {
  type CommandEntry,
  type ConfigurationEntry,
  type Entry,
  type Envelope,
  entryBytes,
  type HardState,
  type Message,
  type MessageBody,
  type NoopEntry,
  type ReadState,
  type Ready,
  type Role,
  type SnapshotMeta,
  type SoftState,
} from './core/types.js'
export {
  LevelLogStore,
  type LevelLogStoreComponents,
  type LevelLogStoreInit,
} from './level-log-store.js'
export {
  Libp2pTransport,
  type Libp2pTransportComponents,
  type Libp2pTransportInit,
} from './libp2p-transport.js'
export type { LogBatch, LogContents, LogStore } from './log-store.js'
export { nodeIdOf, peerOf } from './node-id.js'
export { RaftRunner } from './runner.js'
export type {
  ProposeResult,
  RunnerComponents,
  RunnerInit,
  RunnerState,
  RunnerStatus,
  RunnerTimings,
} from './runner-types.js'
export type { StateInstall, StateMachine, StateSnapshot } from './state-machine.js'
export type { Receiver, SnapshotMessage, Transport } from './transport.js'
