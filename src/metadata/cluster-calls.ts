/** What members, and those who want to become one, ask each other besides Raft's messages. */
import { createHash } from 'node:crypto'
import { type AbortOptions, type Clock, DpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { type NodeId, nodeIdOf, peerOf } from '../raft/index.js'
import type { Authority } from './authority.js'
import {
  type Admission,
  decodeAdmission,
  decodeJoinRequest,
  decodeProbe,
  decodeProbeRequest,
  decodeStanding,
  decodeStandingRequest,
  encodeAdmission,
  encodeJoinRequest,
  encodeProbe,
  encodeProbeRequest,
  encodeStanding,
  encodeStandingRequest,
  type JoinAsk,
  type Probe,
  type Standing,
} from './cluster-codec.js'
import { JoinGate } from './cluster-gate.js'
import { readCluster } from './cluster-records.js'
import type { Seat } from './cluster-seat.js'

export const CLUSTER_METHOD = {
  join: 'join',
  probe: 'probe',
  standing: 'standing',
} as const

/** The network, as far as a cluster needs it. */
export interface ClusterNetwork {
  /** One request and its answer on `/dps/cluster/1.0.0`. @throws as `CallClient.call` */
  call(
    peerId: string,
    method: string,
    payload: Uint8Array,
    options: AbortOptions & { timeoutMs: number },
  ): Promise<Uint8Array>
  /** Where the peer can be dialled from now on. */
  learn(peerId: string, addrs: readonly string[]): Promise<void>
  /** Where others reach this node: multiaddrs without the peer id. */
  addrs(): readonly string[]
}

/** A request as its handler sees it. */
export interface ClusterCall {
  peer: string
  payload: Uint8Array
  signal: AbortSignal
}

const CALL_TIMEOUT_MS = 2_000
/** Until the command that admits is committed; an election may come in between. */
const JOIN_TIMEOUT_MS = 20_000

/** The asking side. */
export class ClusterAsk {
  readonly #network: ClusterNetwork

  constructor(network: ClusterNetwork) {
    this.#network = network
  }

  /** How far a member's replica is. */
  async probe(
    peerId: string,
    clusterId: string,
    options: AbortOptions & { timeoutMs?: number } = {},
  ): Promise<Probe> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options
    const payload = encodeProbeRequest(clusterId)
    return decodeProbe(await this.#call(peerId, CLUSTER_METHOD.probe, payload, timeoutMs, signal))
  }

  /** Whether this node is still a member, as that one knows it. */
  async standing(
    peerId: string,
    self: { clusterId: string; nodeId: NodeId },
    { signal }: AbortOptions = {},
  ): Promise<Standing> {
    const payload = encodeStandingRequest(self.clusterId, self.nodeId)
    const { standing } = CLUSTER_METHOD
    return decodeStanding(await this.#call(peerId, standing, payload, CALL_TIMEOUT_MS, signal))
  }

  async join(peerId: string, ask: JoinAsk, { signal }: AbortOptions = {}): Promise<Admission> {
    const payload = encodeJoinRequest(ask)
    const { join } = CLUSTER_METHOD
    return decodeAdmission(await this.#call(peerId, join, payload, JOIN_TIMEOUT_MS, signal))
  }

  #call(
    peerId: string,
    method: string,
    payload: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) }
    return this.#network.call(peerId, method, payload, options)
  }
}

export interface ClusterAnswerComponents {
  seat: Seat
  authority: Pick<Authority, 'execute' | 'read'>
  clock: Pick<Clock, 'monotonicMs'>
  log: Log
}

/** The answering side. */
export class ClusterAnswer {
  readonly #components: ClusterAnswerComponents
  readonly #gate: JoinGate

  constructor(components: ClusterAnswerComponents) {
    this.#components = components
    this.#gate = new JoinGate(components.clock)
  }

  /** For the server of the protocol. */
  handlers(): Record<string, (call: ClusterCall) => Promise<{ payload: Uint8Array }>> {
    const answer =
      (work: (call: ClusterCall) => Promise<Uint8Array>) => async (call: ClusterCall) => ({
        payload: await work(call),
      })
    return {
      [CLUSTER_METHOD.join]: answer((call) => this.join(call)),
      [CLUSTER_METHOD.probe]: answer((call) => this.probe(call)),
      [CLUSTER_METHOD.standing]: answer((call) => this.standing(call)),
    }
  }

  /** Before a request is taken in. @throws PERMISSION_DENIED, RESOURCE_EXHAUSTED */
  admit({ peer, method }: { peer: string; method: string }): void {
    const { members } = this.#components.seat
    if (method === CLUSTER_METHOD.join) {
      this.#gate.pass(peer)
      return
    }
    if (members.isMember(peer)) return
    if (members.wasMember(peer)) {
      if (method === CLUSTER_METHOD.standing) return
      throw new DpsError('PERMISSION_DENIED', `peer ${peer} was removed from this cluster`, {
        hint: 'ask a member for an invitation: dps-node cluster invite',
      })
    }
    throw new DpsError('PERMISSION_DENIED', `peer ${peer} is no member of this cluster`, {
      hint: 'ask a member for an invitation: dps-node cluster invite',
    })
  }

  /** A stranger showed a token. What it may see of the cluster depends on the answer alone. */
  async join({ peer, payload, signal }: ClusterCall): Promise<Uint8Array> {
    const { seat, authority, log } = this.#components
    const ask = decodeJoinRequest(payload)
    const { membership } = seat
    if (ask.clusterId !== membership.clusterId || membership.removed) {
      throw new DpsError('NOT_FOUND', `this node is not in the cluster of the token`, {
        hint: 'ask a member for a new token: dps-node cluster invite',
      })
    }
    const view = await authority.read({ signal })
    const cluster = readCluster(view)
    if (cluster === undefined) throw new DpsError('UNAVAILABLE', 'the cluster is being founded')
    if (ask.bound && !cluster.formerIds.includes(ask.fromClusterId) && !isSame(cluster, ask)) {
      throw new DpsError(
        'FAILED_PRECONDITION',
        'the joining node has files, or fellow members, that it would lose',
        {
          hint: 'on it, use --import-under PATH to bring its files along, or `cluster leave` first',
        },
      )
    }
    const { incarnation } = await authority.execute(
      {
        type: 'admitNode',
        invitationId: ask.invitationId,
        // Only its hash is known to the cluster, and only that may stand in the log.
        secretHash: createHash('sha256').update(ask.secret).digest(),
        peerId: peer,
        name: ask.name,
        zone: ask.zone,
        addrs: ask.addrs,
      },
      { signal },
    )
    log.info({ peer }, 'admitted a node by invitation')
    return encodeAdmission({
      clusterId: membership.clusterId,
      nodeId: nodeIdOf(peer, incarnation),
      bootVoters: membership.boot.voters,
      members: seat.members.addresses(),
      mode: cluster.mode,
    })
  }

  async probe({ payload }: ClusterCall): Promise<Uint8Array> {
    const { clusterId } = decodeProbeRequest(payload)
    return encodeProbe(this.probeHere(clusterId))
  }

  /** How far the replica of this node is. @throws FAILED_PRECONDITION for another cluster */
  probeHere(clusterId: string): Probe {
    const { seat } = this.#components
    const { membership } = seat
    if (clusterId !== membership.clusterId) {
      throw new DpsError('FAILED_PRECONDITION', `this node is in cluster ${membership.clusterId}`)
    }
    const status = seat.status()
    if (status === undefined) throw new DpsError('UNAVAILABLE', 'the replica is not open')
    const heard = [...status.members].flatMap(([nodeId, { match }]) => {
      const agoMs = nodeId === status.id ? 0 : status.heardMs.get(nodeId)
      if (agoMs === undefined) return []
      return [{ nodeId, agoMs: Math.round(agoMs), matchIndex: match }]
    })
    return {
      clusterId,
      nodeId: status.id,
      role: status.role,
      leader: status.leader,
      term: status.term,
      lastIndex: status.lastIndex,
      lastTerm: status.lastTerm,
      commitIndex: status.committed,
      appliedIndex: status.applied,
      heard,
      failed: status.state === 'failed',
    }
  }

  async standing({ peer, payload }: ClusterCall): Promise<Uint8Array> {
    const { seat } = this.#components
    const asked = decodeStandingRequest(payload)
    const { members, membership } = seat
    // Of another life of the peer, or of another cluster, nothing is known here.
    if (asked.clusterId !== membership.clusterId || peerOf(asked.nodeId) !== peer) {
      throw new DpsError('FAILED_PRECONDITION', `this node is in cluster ${membership.clusterId}`)
    }
    const member = !members.isGone(asked.nodeId)
    return encodeStanding({ member, members: member ? members.addresses() : [] })
  }
}

/** It was removed, or its join was broken off: what it has, the cluster has. */
function isSame(cluster: { clusterId: string }, ask: JoinAsk): boolean {
  return cluster.clusterId === ask.fromClusterId
}
