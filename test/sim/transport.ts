/** The `Transport` on the simulated network. */
import { DpsError, toDpsError } from '../../src/base/index.js'
import {
  type Message,
  type NodeId,
  peerOf,
  type Receiver,
  type SnapshotMessage,
  type SnapshotOutcome,
  type StateInstall,
  type StateSnapshot,
  type Transport,
} from '../../src/raft/index.js'
import type { Endpoint, Network } from './network.js'
import type { SimProcess } from './process.js'

/** The machine under a transport: who listens there now. */
export interface TransportEndpoint extends Endpoint {
  transport: SimTransport | undefined
}

export class SimTransport implements Transport {
  readonly id: NodeId
  readonly #network: Network
  readonly #endpoint: TransportEndpoint
  #members = new Set<NodeId>()
  #receiver: Receiver | undefined

  constructor(id: NodeId, endpoint: TransportEndpoint, network: Network) {
    this.id = id
    this.#endpoint = endpoint
    this.#network = network
  }

  async start(receiver: Receiver): Promise<void> {
    this.#receiver = receiver
    this.#endpoint.transport = this
  }

  async stop(): Promise<void> {
    this.#receiver = undefined
    if (this.#endpoint.transport === this) this.#endpoint.transport = undefined
  }

  setMembers(members: Iterable<NodeId>): void {
    this.#members = new Set(members)
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 1) {
      this.#network.send(this.#endpoint, peerOf(messages[0]!.to), messages)
      return
    }
    const byMember = new Map<NodeId, Message[]>()
    for (const message of messages) {
      const together = byMember.get(message.to)
      if (together === undefined) byMember.set(message.to, [message])
      else together.push(message)
    }
    for (const [to, together] of byMember) this.#network.send(this.#endpoint, peerOf(to), together)
  }

  receive(message: Message): void {
    if (message.to === this.id) this.#receiver?.receive(message)
  }

  /** The receiving side of a transfer that turns out to need no bytes. */
  async offered(message: SnapshotMessage): Promise<void> {
    const install = await this.#receiver?.installing(message)
    if (install === undefined) await this.#receiver?.installed(message, undefined)
  }

  disconnected(peer: string): void {
    for (const id of this.#members) if (peerOf(id) === peer) this.#receiver?.unreachable(id)
  }

  async sendSnapshot(message: SnapshotMessage, snapshot: StateSnapshot): Promise<SnapshotOutcome> {
    const peer = peerOf(message.to)
    this.#network.onSend(this.#endpoint, message)
    let taken: { transport: SimTransport; install: StateInstall | undefined; only: SimProcess }
    try {
      taken = await this.#call(peer, async () => {
        const { transport, process } = this.#network.get(peer) as TransportEndpoint
        if (transport?.id !== message.to || transport.#receiver === undefined) {
          throw new DpsError('UNAVAILABLE', 'nobody of this name is here')
        }
        const install = await transport.#receiver.installing(message)
        return { transport, install, only: process! }
      })
    } catch (error) {
      this.#network.onError(error)
      return toDpsError(error).code === 'UNAVAILABLE' ? 'interrupted' : 'failed'
    }
    const { transport, install, only } = taken
    try {
      if (install !== undefined) {
        for await (const chunk of snapshot.chunks(install.received)) {
          const at = install.received
          await this.#network.pieceDelay()
          const write = async () => {
            if (install.received === at) await install.write(chunk)
          }
          await this.#call(peer, write, only)
        }
      }
      const installed = async () => transport.#receiver?.installed(message, install)
      await this.#call(peer, installed, only)
      this.#network.snapshots++
      return 'finished'
    } catch (error) {
      this.#network.onError(error)
      return toDpsError(error).code === 'DATA_LOSS' ? 'failed' : 'interrupted'
    }
  }

  #call<T>(peer: string, handler: () => Promise<T>, only?: SimProcess): Promise<T> {
    return this.#network.call(this.#endpoint, peer, handler, only === undefined ? {} : { only })
  }
}
