/**
 * How members hear each other. Messages may be lost, doubled and reordered: Raft copes. They
 * come from members only, and never twice per direction in parallel for one snapshot.
 */
import type { AbortOptions } from '../base/index.js'
import type { NodeId } from './core/configuration.js'
import type { SnapshotOutcome } from './core/raft.js'
import type { Message } from './core/types.js'
import type { StateInstall, StateSnapshot } from './state-machine.js'

export type SnapshotMessage = Message & { type: 'snapshot' }

export interface Transport {
  start(receiver: Receiver): Promise<void>
  /** Afterwards the receiver hears nothing more. */
  stop(): Promise<void>
  /** Never blocks and never throws; bounded queues per member drop what Raft will send again. */
  send(messages: readonly Message[]): void
  /**
   * Transfers a state, from the piece on that the receiver still misses, then its message.
   *
   * - `finished`: the receiver said that it has all of it, or needs none of it
   * - `failed`: the receiver refused or could not verify it: a new one may be tried
   * - `interrupted`: the connection broke; the same one can go on later
   *
   * @throws only the signal's reason. The caller closes the snapshot
   */
  sendSnapshot(
    message: SnapshotMessage,
    snapshot: StateSnapshot,
    options?: AbortOptions,
  ): Promise<SnapshotOutcome>
  /** Connections are kept to exactly these from now on; the own id is ignored. */
  setMembers(members: Iterable<NodeId>): void
}

/** Who hears what arrives: the runner. Calls after `stop` are ignored or rejected. */
export interface Receiver {
  receive(message: Message): void
  /** The connection to a member broke, so what was on its way to it may be lost. */
  unreachable(id: NodeId): void
  /**
   * A member wants to transfer a state. The pieces are written to the install, from `received` on.
   *
   * @returns undefined when the state is not needed: answer that all is there, and call `installed`
   * @throws UNAVAILABLE while another one is being received
   */
  installing(message: SnapshotMessage, options?: AbortOptions): Promise<StateInstall | undefined>
  /** All pieces were written. Finishes the install; resolves when Raft knows of it. @throws DATA_LOSS */
  installed(message: SnapshotMessage, install: StateInstall | undefined): Promise<void>
}
