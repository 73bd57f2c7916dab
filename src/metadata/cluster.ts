/** This node's place in its cluster, and what people ask of the cluster through it. */
import { createHash, randomBytes } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import {
  type AbortOptions,
  type Clock,
  DpsError,
  delay,
  type Part,
  type Timers,
  toDpsError,
} from '../base/index.js'
import type { Log } from '../observability/index.js'
import { type NodeId, nodeIdOf, peerOf } from '../raft/index.js'
import type { Authority } from './authority.js'
import { ClusterAnswer, ClusterAsk, type ClusterNetwork } from './cluster-calls.js'
import { encodeToken, SECRET_BYTES, TOKEN_ADDRS_MAX } from './cluster-codec.js'
import { ClusterMoves, onlyCopiesOf } from './cluster-moves.js'
import { readCluster } from './cluster-records.js'
import { Seat, type SeatComponents } from './cluster-seat.js'
import { clusterStatus, roleOf, warningsOf } from './cluster-status.js'
import type {
  ClusterStatus,
  ClusterWarning,
  Invitation,
  JoinOutcome,
  LeaveOutcome,
  MemberOutcome,
  NodeRecord,
  RecoverOutcome,
  RoleWish,
} from './cluster-types.js'
import { ClusterUpkeep } from './cluster-upkeep.js'
import { type MembershipInit, MembershipWorker } from './membership-worker.js'

export interface ClusterComponents {
  authority: Pick<Authority, 'execute' | 'read' | 'onApplied' | 'replaceReplica'>
  makeReplica: SeatComponents['makeReplica']
  /** Undefined without a network: then nobody joins, here or elsewhere. */
  network: ClusterNetwork | undefined
  clock: Clock
  timers: Timers
  log: Log
}

export interface ClusterInit extends MembershipInit {
  /** The directory `raft/`. */
  path: string
  peerId: string
  name: string
  zone: string
  /** Of a cluster that this node founds. */
  mode: string
  /** The replica is opened when something needs it, not at the start. */
  lazy: boolean
}

const INVITATION_TTL_MS = 3_600_000
/** Until a change that was asked for is in effect; a learner may have to catch up first. */
const CHANGE_TIMEOUT_MS = 60_000
const POLL_MS = 50

/**
 * Failure semantics of what changes the cluster: it is done when it resolves. After UNAVAILABLE or
 * DEADLINE_EXCEEDED it may still happen; asking again is harmless.
 */
export class Cluster implements Part {
  readonly serviceId = 'cluster'
  readonly #components: ClusterComponents
  readonly #init: ClusterInit
  readonly #seat: Seat
  readonly #ask: ClusterAsk | undefined
  readonly #worker: MembershipWorker
  readonly #upkeep: ClusterUpkeep
  readonly #moves: ClusterMoves
  /** For `/dps/cluster/1.0.0`; see `cluster-calls.ts`. */
  readonly answer: ClusterAnswer

  constructor(components: ClusterComponents, init: ClusterInit) {
    const log = components.log.child({ component: 'cluster', service_id: this.serviceId })
    const { authority, network, clock, timers, makeReplica } = components
    this.#components = { ...components, log }
    this.#init = init
    const { path, peerId, mode } = init
    this.#seat = new Seat({ authority, makeReplica, clock, timers, log }, { path, peerId, mode })
    const seat = this.#seat
    this.#ask = network === undefined ? undefined : new ClusterAsk(network)
    this.answer = new ClusterAnswer({ seat, authority, clock, log })
    this.#worker = new MembershipWorker(
      { authority, runner: () => this.#seat.runner, clock, timers, log },
      init,
    )
    const shared = { seat, authority, network, ask: this.#ask, clock, timers, log }
    this.#moves = new ClusterMoves(shared, init)
    const moves = this.#moves
    const resume = async (options: AbortOptions) => void (await moves.resume(options))
    this.#upkeep = new ClusterUpkeep({ ...shared, resume, isMoving: () => moves.isMoving }, init)
    this.#seat.onChange(() => {
      this.#worker.wake()
      this.#upkeep.wake()
    })
  }

  /** @throws DATA_LOSS when the membership is unreadable, and as the replica's start */
  async start(): Promise<void> {
    await this.#seat.sit()
    if (!this.#init.lazy) await this.#open()
  }

  /** Opens the replica; for a lazy one, when it is first needed. Again is harmless. */
  async open(): Promise<void> {
    await this.#open()
    await this.#seat.settled()
  }

  async #open(): Promise<void> {
    await this.#seat.open()
    await this.#worker.start()
    await this.#upkeep.start()
  }

  /** The network is there: from now on this node has addresses to tell. */
  networkUp(): void {
    this.#upkeep.wake()
  }

  async stop(): Promise<void> {
    await this.#upkeep.stop()
    await this.#worker.stop()
    await this.#seat.close()
  }

  get clusterId(): string {
    return this.#seat.membership.clusterId
  }

  /** Files of this node are being brought into the cluster: what holds them must not let go yet. */
  get importing(): boolean {
    return this.#seat.membership.pendingImport !== undefined
  }

  /** Whether the peer, proven by its connection, is a member. */
  isMember(peerId: string): boolean {
    return this.#seat.members.isMember(peerId)
  }

  /** Whether this life of a peer is, or may be, a member: another one of it is not. */
  isLiving(id: NodeId): boolean {
    const { members } = this.#seat
    return members.isMember(peerOf(id)) && !members.isGone(id)
  }

  /** Multiaddrs of a member, without its peer id. */
  addressesOf(id: NodeId): readonly string[] {
    return this.#seat.members.addressesOf(id)
  }

  /** Other members' peer ids. */
  others(): string[] {
    return this.#seat.members.others()
  }

  /** Called when who is a member, or where, may have changed. @returns removes the listener */
  onMembers(listener: () => void): () => void {
    return this.#seat.members.onChange(listener)
  }

  /** For the node's own status: no call to others. */
  brief(): { id: string; leader: string | undefined; role: string; mode: string } {
    const { membership } = this.#seat
    const leader = this.#seat.status()?.leader
    return {
      id: membership.clusterId,
      leader: leader === undefined ? undefined : peerOf(leader),
      role: membership.removed ? 'removed' : roleOf(this.#seat, membership.nodeId),
      mode: this.#mode(),
    }
  }

  /** What is wrong, as far as this node knows by itself. */
  problems(): ClusterWarning[] {
    return warningsOf(this.#seat).filter(({ problem }) => problem)
  }

  async status(options: AbortOptions = {}): Promise<ClusterStatus> {
    await this.open()
    const { membership } = this.#seat
    const own =
      this.#seat.status() === undefined ? undefined : this.answer.probeHere(membership.clusterId)
    const { peerId } = this.#init
    const input = { seat: this.#seat, peerId, mode: this.#mode(), own, ask: this.#ask }
    return clusterStatus(input, options)
  }

  /** The token is in the answer and nowhere else. */
  async invite(
    { ttlMs = INVITATION_TTL_MS, uses = 1 }: { ttlMs?: number; uses?: number } = {},
    options: AbortOptions = {},
  ): Promise<Invitation> {
    const network = this.#networkNeeded()
    this.#memberNeeded()
    const { clusterId } = this.#seat.membership
    const { peerId } = this.#init
    const id = base58btc.encode(randomBytes(9)).slice(1)
    const secret = randomBytes(SECRET_BYTES)
    const { expiresAtMs } = await this.#components.authority.execute(
      {
        type: 'createInvitation',
        id,
        secretHash: createHash('sha256').update(secret).digest(),
        ttlMs,
        usesMax: uses,
        createdBy: peerId,
      },
      options,
    )
    const own = network.addrs().map((addr) => `${addr}/p2p/${peerId}`)
    // Whoever invited may be down when the other comes.
    const others = this.#seat.members
      .addresses()
      .filter(({ nodeId }) => peerOf(nodeId) !== peerId)
      .flatMap(({ nodeId, addrs }) =>
        addrs.slice(0, 2).map((addr) => `${addr}/p2p/${peerOf(nodeId)}`),
      )
    const addrs = [...own.slice(0, TOKEN_ADDRS_MAX / 2), ...others].slice(0, TOKEN_ADDRS_MAX)
    const token = encodeToken({ clusterId, invitationId: id, secret, addrs, expiresAtMs })
    return { token, expiresAtMs, uses }
  }

  join(token: string, options: AbortOptions & { importUnder?: string } = {}): Promise<JoinOutcome> {
    this.#networkNeeded()
    return this.#moves.join(token, options)
  }

  leave(options: AbortOptions = {}): Promise<LeaveOutcome> {
    return this.#moves.leave(options)
  }

  recover(options: AbortOptions & { force: boolean }): Promise<RecoverOutcome> {
    return this.#moves.recover(options)
  }

  promote(peer: string, options: AbortOptions = {}): Promise<MemberOutcome> {
    return this.#changeRole(peer, 'voter', options)
  }

  demote(peer: string, options: AbortOptions = {}): Promise<MemberOutcome> {
    return this.#changeRole(peer, 'learner', options)
  }

  async #changeRole(
    peer: string,
    wish: Exclude<RoleWish, 'auto'>,
    options: AbortOptions,
  ): Promise<MemberOutcome> {
    this.#memberNeeded()
    const { peerId, incarnation } = await this.#find(peer, options)
    const id = nodeIdOf(peerId, incarnation)
    if (wish === 'learner') await this.#moves.checkMajorityWithout(id, 'demote', options)
    const life = { peerId, incarnation }
    await this.#components.authority.execute({ type: 'wishNode', wish, ...life }, options)
    await this.#until(
      () => roleOf(this.#seat, id) === wish,
      `${peerId} is not a ${wish} yet: it will be one as soon as it has caught up`,
      options,
    )
    return { peerId, role: wish, onlyCopies: 0 }
  }

  /** Takes a member out, which need not answer any more. This node itself leaves. */
  async remove(peer: string, options: AbortOptions = {}): Promise<MemberOutcome> {
    this.#memberNeeded()
    const { peerId, incarnation } = await this.#find(peer, options)
    if (peerId === this.#init.peerId) {
      throw new DpsError('FAILED_PRECONDITION', 'a node does not remove itself', {
        hint: 'use: dps-node cluster leave',
      })
    }
    const id = nodeIdOf(peerId, incarnation)
    await this.#moves.checkMajorityWithout(id, 'remove', options)
    const view = await this.#components.authority.read({ ...options, stale: true })
    const onlyCopies = await onlyCopiesOf(view, peerId, options)
    await this.#components.authority.execute({ type: 'retireNode', peerId, incarnation }, options)
    const { members } = this.#seat
    await this.#until(() => members.isGone(id), `${peerId} is still on its way out`, options)
    return { peerId, role: '', onlyCopies }
  }

  async transfer(peer: string, options: AbortOptions = {}): Promise<MemberOutcome> {
    this.#memberNeeded()
    const { peerId, incarnation } = await this.#find(peer, options)
    const id = nodeIdOf(peerId, incarnation)
    if (roleOf(this.#seat, id) !== 'voter') {
      throw new DpsError('FAILED_PRECONDITION', `${peerId} is a learner: only a voter can lead`, {
        hint: `make it one with: dps-node cluster promote ${peer}`,
      })
    }
    const { runner } = this.#seat
    if (runner === undefined) throw noReplica()
    if (this.#seat.status()?.leader !== id) await runner.transfer(id, options)
    const leads = () => this.#seat.status()?.leader === id
    await this.#until(leads, `${peerId} does not lead`, options)
    return { peerId, role: 'voter', onlyCopies: 0 }
  }

  /** By the newest records, so that a member that just came is found. */
  async #find(peer: string, options: AbortOptions): Promise<NodeRecord> {
    await this.#components.authority.read(options)
    await this.#seat.refreshed()
    return this.#seat.members.resolve(peer)
  }

  /** Waits until it is so here. */
  async #until(isSo: () => boolean, late: string, { signal }: AbortOptions): Promise<void> {
    const { clock } = this.#components
    const deadline = clock.monotonicMs() + CHANGE_TIMEOUT_MS
    while (!isSo()) {
      if (clock.monotonicMs() > deadline) {
        throw new DpsError('DEADLINE_EXCEEDED', late, { hint: 'see: dps-node cluster status' })
      }
      await delay(POLL_MS, signal === undefined ? {} : { signal })
    }
  }

  #mode(): string {
    const view = this.#seat.replica?.machine
    try {
      const cluster = view === undefined ? undefined : readCluster(view)
      return cluster?.mode ?? this.#seat.membership.mode
    } catch (error) {
      // Status must tell of a damaged state, not fall over it.
      if (toDpsError(error).code === 'INTERNAL') throw error
      return this.#seat.membership.mode
    }
  }

  #networkNeeded(): ClusterNetwork {
    const { network } = this.#components
    if (network !== undefined) return network
    throw new DpsError('FAILED_PRECONDITION', 'a node without network has no fellow members', {
      hint: 'change the mode with: dps-node config set node.mode hybrid',
    })
  }

  #memberNeeded(): void {
    const { membership } = this.#seat
    if (!membership.removed) return
    throw new DpsError(
      'FAILED_PRECONDITION',
      `this node was removed from cluster ${membership.clusterId}`,
      { hint: 'join again with an invitation, or go on alone: dps-node cluster leave' },
    )
  }
}

function noReplica(): DpsError {
  return new DpsError('UNAVAILABLE', 'the replica of the metadata is not open')
}
