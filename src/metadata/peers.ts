/** Proposals between members: `/dps/cluster/1.0.0`, with further methods of the cluster beside. */
import { type AbortOptions, DpsError, type Part } from '../base/index.js'
import {
  type Call,
  CallClient,
  type CallHead,
  CallServer,
  type Handler,
  type Reply,
  type StreamOpener,
} from '../network/index.js'
import type { Log, Metrics } from '../observability/index.js'
import { type NodeId, peerOf } from '../raft/index.js'
import { decodeProposeRequest, encodeProposeRequest, type ProposeTarget } from './codec.js'

export const CLUSTER_PROTOCOL = '/dps/cluster/1.0.0'
export const PROPOSE_METHOD = 'propose'

/** A command of at most 1 MiB and its envelope. */
export const CLUSTER_BODY_BYTES_MAX: number = 2 ** 20 + 2 ** 16

/** How an authority reaches the leader. A seam: libp2p, simulated. */
export interface Peers {
  /**
   * Hands an encoded `Proposal` to a member. Resolves with the encoded `Outcome`.
   *
   * @throws UNAVAILABLE also where it is not the leader; then, as after any other failure, nobody
   *   knows whether it was or will be applied
   */
  propose(
    target: ProposeTarget & { to: NodeId },
    proposal: Uint8Array,
    options: AbortOptions & { timeoutMs: number },
  ): Promise<Uint8Array>
}

/** What the serving side hands proposals to: the authority. */
export interface ProposalReceiver {
  receiveProposal(
    target: ProposeTarget,
    proposal: Uint8Array,
    options?: AbortOptions,
  ): Promise<Uint8Array>
}

export interface ClusterCallsComponents {
  streams: StreamOpener
  log: Log
  metrics?: Metrics
}

/** The asking side. Errors are those of `CallClient`. */
export class ClusterClient implements Part, Peers {
  readonly serviceId = 'cluster-client'
  /** For further methods of the protocol. */
  readonly calls: CallClient

  constructor(components: ClusterCallsComponents) {
    this.calls = new CallClient(components, {
      protocol: CLUSTER_PROTOCOL,
      maxBodyBytes: CLUSTER_BODY_BYTES_MAX,
      // A follower forwards what all its own clients want.
      maxInFlightPerPeer: 1024,
    })
  }

  start(): Promise<void> {
    return this.calls.start()
  }

  stop(): Promise<void> {
    return this.calls.stop()
  }

  async propose(
    target: ProposeTarget,
    proposal: Uint8Array,
    options: AbortOptions & { timeoutMs: number },
  ): Promise<Uint8Array> {
    const request = { payload: encodeProposeRequest(target), body: proposal }
    const answer = await this.calls.call(peerOf(target.to), PROPOSE_METHOD, request, options)
    return answer.body.slice()
  }
}

export interface ClusterServerInit {
  /** Of further methods. */
  handlers: Record<string, Handler>
  /** Throws what a request is refused with, by its peer and method. */
  admit(head: CallHead): void
}

/** The serving side. Who may propose is decided by `admit`. */
export class ClusterServer implements Part {
  readonly serviceId = 'cluster-server'
  readonly #receiver: ProposalReceiver
  readonly #calls: CallServer

  constructor(
    { receiver, ...components }: ClusterCallsComponents & { receiver: ProposalReceiver },
    { handlers, admit }: ClusterServerInit,
  ) {
    this.#receiver = receiver
    this.#calls = new CallServer(components, {
      protocol: CLUSTER_PROTOCOL,
      maxBodyBytes: CLUSTER_BODY_BYTES_MAX,
      maxInFlightPerPeer: 2048,
      admit,
      handlers: { ...handlers, [PROPOSE_METHOD]: (call) => this.#propose(call) },
    })
  }

  start(): Promise<void> {
    return this.#calls.start()
  }

  stop(): Promise<void> {
    return this.#calls.stop()
  }

  async #propose({ payload, body, signal }: Call): Promise<Reply> {
    const target = decodeProposeRequest(payload)
    if (body.byteLength === 0) throw new DpsError('INVALID_ARGUMENT', 'propose: no proposal')
    const outcome = await this.#receiver.receiveProposal(target, body.slice(), { signal })
    return { payload: NOTHING, body: outcome }
  }
}

const NOTHING = new Uint8Array(0)
