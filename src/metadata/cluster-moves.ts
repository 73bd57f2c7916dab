/** One membership for another: joining, leaving, and going on after a majority was lost. */
import {
  type AbortOptions,
  type Clock,
  DpsError,
  delay,
  type Timers,
  toDpsError,
} from '../base/index.js'
import type { Log } from '../observability/index.js'
import { configurationOf, type NodeId, peerOf } from '../raft/index.js'
import type { Authority } from './authority.js'
import type { ClusterAsk, ClusterNetwork } from './cluster-calls.js'
import { type Admission, decodeToken, type JoinAsk, type Token } from './cluster-codec.js'
import { hasMajority } from './cluster-plan.js'
import { assessRecovery, buildRecovered, openWhole } from './cluster-recover.js'
import type { Seat } from './cluster-seat.js'
import type { JoinOutcome, LeaveOutcome, RecoverOutcome } from './cluster-types.js'
import { foundingOf, readMember } from './member-dir.js'
import { ALIVE_MS } from './membership-worker.js'
import { holdsFiles, importNamespace, namesOfPath } from './namespace-import.js'
import { contentOf, heldContents } from './namespace-reads.js'
import type { View } from './view.js'

export interface MovesComponents {
  seat: Seat
  authority: Pick<Authority, 'execute' | 'read'>
  network: ClusterNetwork | undefined
  ask: ClusterAsk | undefined
  clock: Clock
  timers: Timers
  log: Log
}

export interface MovesInit {
  peerId: string
  name: string
  zone: string
  /** Of a cluster that this node founds. */
  mode: string
}

/** Until a newcomer holds what the cluster had when it came; then it goes on in the background. */
const CATCH_UP_MS = 60_000
const LEAVE_TIMEOUT_MS = 60_000
const POLL_MS = 100
/** What a member answers whose cluster does not take this node; others may just be gone. */
const FINAL: ReadonlySet<string> = new Set([
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'RESOURCE_EXHAUSTED',
  'INVALID_ARGUMENT',
])

export class ClusterMoves {
  readonly #components: MovesComponents
  readonly #init: MovesInit
  #moving: string | undefined
  #resuming: Promise<number> | undefined

  constructor(components: MovesComponents, init: MovesInit) {
    this.#components = components
    this.#init = init
  }

  /** Whether this node is between two memberships. */
  get isMoving(): boolean {
    return this.#moving !== undefined
  }

  async #alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#moving !== undefined) {
      throw new DpsError('ABORTED', `this node is about to ${this.#moving} a cluster`, {
        hint: 'wait until that is done',
      })
    }
    this.#moving = what
    try {
      return await work()
    } finally {
      this.#moving = undefined
    }
  }

  /** Broken off anywhere, it can be repeated with the same token while that is valid. */
  async join(
    text: string,
    options: AbortOptions & { importUnder?: string } = {},
  ): Promise<JoinOutcome> {
    const token = decodeToken(text)
    const under = options.importUnder
    if (under !== undefined) namesOfPath(under)
    const outcome = await this.#alone('join', () => this.#join(token, under, options))
    if (under === undefined || !outcome.caughtUp) return outcome
    return { ...outcome, imported: await this.resume(options) }
  }

  async #join(
    token: Token,
    under: string | undefined,
    options: AbortOptions,
  ): Promise<JoinOutcome> {
    const { seat } = this.#components
    const { membership } = seat
    const { clusterId } = token
    if (membership.clusterId === clusterId && !membership.removed) {
      // Perhaps repeated because the answer of the first time was lost.
      const caughtUp = await this.#caughtUp(options)
      return { clusterId, caughtUp, imported: 0, keptAside: '' }
    }
    const machine = seat.replica?.machine
    const hasFiles = machine !== undefined && holdsFiles(machine)
    if (machine === undefined && under !== undefined) {
      throw new DpsError('FAILED_PRECONDITION', 'a node that was removed has nothing to import')
    }
    const bound = (hasFiles && under === undefined) || seat.members.others().length > 0
    const { name, zone } = this.#init
    const admission = await this.#askToJoin(
      {
        clusterId,
        invitationId: token.invitationId,
        secret: token.secret,
        name,
        zone,
        addrs: this.#components.network?.addrs() ?? [],
        fromClusterId: membership.clusterId,
        bound,
      },
      token,
      options,
    )
    await seat.dir.prepare()
    const from = await seat.dir.keepPath()
    const keptAside = await seat.swap({
      clusterId: admission.clusterId,
      nodeId: admission.nodeId,
      boot: configurationOf(admission.bootVoters),
      mode: admission.mode,
      members: admission.members,
      removed: false,
      started: false,
      ...(under !== undefined && hasFiles && { pendingImport: { from, under } }),
    })
    this.#components.log.info({ cluster: clusterId }, 'joined a cluster')
    return { clusterId, caughtUp: await this.#caughtUp(options), imported: 0, keptAside }
  }

  /** At the first member of the token that answers. */
  async #askToJoin(ask: JoinAsk, token: Token, options: AbortOptions): Promise<Admission> {
    const { network, ask: asking } = this.#components
    if (network === undefined || asking === undefined) throw noNetwork()
    const peers = new Map<string, string[]>()
    for (const addr of token.addrs) {
      const match = /^(.*)\/p2p\/([A-Za-z0-9]+)$/.exec(addr)
      if (match !== null) peers.set(match[2]!, [...(peers.get(match[2]!) ?? []), match[1]!])
    }
    peers.delete(this.#init.peerId)
    let failure = new DpsError('UNAVAILABLE', 'the token names nobody to join through', {
      hint: 'ask for a new one: dps-node cluster invite',
    })
    for (const [peerId, addrs] of peers) {
      try {
        await network.learn(peerId, addrs)
        const admission = await asking.join(peerId, ask, options)
        if (
          admission.clusterId !== token.clusterId ||
          peerOf(admission.nodeId) !== this.#init.peerId
        ) {
          throw new DpsError('INTERNAL', `peer ${peerId} answered for somebody else`)
        }
        return admission
      } catch (error) {
        options.signal?.throwIfAborted()
        failure = toDpsError(error)
        // Of a member: the others would say the same.
        if (FINAL.has(failure.code)) throw error
      }
    }
    if (failure.code !== 'DEADLINE_EXCEEDED' && failure.code !== 'UNAVAILABLE') throw failure
    throw new DpsError('UNAVAILABLE', `no member of the cluster answers: ${failure.message}`, {
      cause: failure,
      hint: 'is the inviting node running, and reachable from here?',
    })
  }

  async #caughtUp({ signal }: AbortOptions): Promise<boolean> {
    const { authority, seat } = this.#components
    try {
      await authority.read({ timeoutMs: CATCH_UP_MS, ...(signal !== undefined && { signal }) })
      await seat.refreshed()
      return true
    } catch (error) {
      signal?.throwIfAborted()
      if (toDpsError(error).code !== 'DEADLINE_EXCEEDED') {
        this.#components.log.debug({ err: error }, 'not caught up yet')
      }
      return false
    }
  }

  /** Brings along the files of the former state, where that is still to be done. @returns how many */
  resume(options: AbortOptions = {}): Promise<number> {
    this.#resuming ??= this.#resume(options).finally(() => {
      this.#resuming = undefined
    })
    return this.#resuming
  }

  async #resume(options: AbortOptions): Promise<number> {
    const { seat, authority, log } = this.#components
    const { pendingImport } = seat.membership
    if (pendingImport === undefined) return 0
    const { from, under } = pendingImport
    const { boot } = (await readMember(from)) ?? { boot: undefined }
    if (boot === undefined) {
      throw new DpsError('DATA_LOSS', `${from} is gone: its files can't be brought along`)
    }
    const kept = await openWhole({ log: from, state: from, boot }, this.#components, options)
    try {
      const { files } = await importNamespace(kept, authority, under, this.#init.peerId, options)
      await seat.dir.importDone()
      log.info({ files, under }, 'the files of this node are in the cluster')
      return files
    } finally {
      await kept.close()
    }
  }

  leave(options: AbortOptions = {}): Promise<LeaveOutcome> {
    return this.#alone('leave', () => this.#leave(options))
  }

  async #leave(options: AbortOptions): Promise<LeaveOutcome> {
    const { seat, authority, log } = this.#components
    const { membership } = seat
    const leftClusterId = membership.clusterId
    const machine = seat.replica?.machine
    const { peerId: own } = this.#init
    const onlyCopies = machine === undefined ? 0 : await onlyCopiesOf(machine, own, options)
    if (!membership.removed) {
      const others = seat.members.others()
      if (others.length === 0) {
        throw new DpsError('FAILED_PRECONDITION', 'this node is a cluster of one: nothing to leave')
      }
      const { peerId } = this.#init
      const record = seat.members.recordOf(membership.nodeId)
      await this.checkMajorityWithout(membership.nodeId, 'let go of', options)
      if (record !== undefined && !record.leaving) {
        const { incarnation } = record
        await authority.execute({ type: 'retireNode', peerId, incarnation }, options)
      }
      await this.#untilOut(others, options)
    }
    const founding = foundingOf({ peerId: this.#init.peerId, mode: this.#init.mode })
    await seat.dir.prepare()
    const keptAside = await seat.swap(founding)
    log.info({ cluster: leftClusterId }, 'left the cluster')
    return { clusterId: founding.clusterId, leftClusterId, keptAside, onlyCopies }
  }

  /**
   * Refuses what could not be undone: without a majority that answers nothing can be changed any more.
   *
   * @throws FAILED_PRECONDITION; UNAVAILABLE when there is no leader that could tell
   */
  async checkMajorityWithout(
    id: NodeId,
    what: 'demote' | 'remove' | 'let go of',
    options: AbortOptions = {},
  ): Promise<void> {
    const { seat } = this.#components
    const { voters, learners } = seat.members.configuration
    if (!voters.includes(id)) return
    const after = voters.filter((voter) => voter !== id)
    const alive = await this.#alive(options)
    const isHeir = (learner: NodeId) =>
      alive.has(learner) && seat.members.recordOf(learner)?.wish !== 'learner'
    // The worker makes one of them a voter first.
    if (after.length === 0 && learners.some(isHeir)) return
    if (after.length === 0) {
      throw new DpsError('FAILED_PRECONDITION', `${peerOf(id)} is the last voter`, {
        hint: 'promote another member first: dps-node cluster promote PEER',
      })
    }
    if (hasMajority(after, alive)) return
    const left = after.filter((voter) => alive.has(voter)).length
    throw new DpsError(
      'FAILED_PRECONDITION',
      `to ${what} ${peerOf(id)} would leave ${after.length} voters of which only ${left} answer`,
      { hint: 'bring the others back, or remove those that are gone first' },
    )
  }

  /** Whom the leader has heard of just now. */
  async #alive(options: AbortOptions): Promise<Set<NodeId>> {
    const { seat, ask } = this.#components
    const status = seat.status()
    if (status?.leader === undefined) {
      throw new DpsError('UNAVAILABLE', 'there is no leader now', {
        hint: 'bring back a majority of the voters, or: dps-node cluster recover',
      })
    }
    const { clusterId, nodeId } = seat.membership
    const heard: [NodeId, number][] =
      status.leader === nodeId
        ? [...status.heardMs]
        : ((await ask?.probe(peerOf(status.leader), clusterId, options))?.heard ?? []).map(
            (each): [NodeId, number] => [each.nodeId, each.agoMs],
          )
    const alive = new Set([status.leader, nodeId])
    for (const [id, agoMs] of heard) if (agoMs < ALIVE_MS) alive.add(id)
    return alive
  }

  /** The others say so: this node itself may not hear of it any more. */
  async #untilOut(others: readonly string[], options: AbortOptions): Promise<void> {
    const { seat, ask, clock } = this.#components
    if (ask === undefined) throw noNetwork()
    const { clusterId, nodeId } = seat.membership
    const deadline = clock.monotonicMs() + LEAVE_TIMEOUT_MS
    for (;;) {
      for (const peerId of others) {
        const standing = await ask
          .standing(peerId, { clusterId, nodeId }, options)
          .catch(() => undefined)
        options.signal?.throwIfAborted()
        if (standing?.member === false) return
      }
      if (clock.monotonicMs() > deadline) {
        throw new DpsError('DEADLINE_EXCEEDED', 'the cluster has not let this node go yet', {
          hint: 'repeat it; see: dps-node cluster status',
        })
      }
      await delay(POLL_MS, options)
    }
  }

  recover(options: AbortOptions & { force: boolean }): Promise<RecoverOutcome> {
    return this.#alone('recover', () => this.#recover(options))
  }

  async #recover(options: AbortOptions & { force: boolean }): Promise<RecoverOutcome> {
    const { seat, ask, log } = this.#components
    const { membership } = seat
    const { warnings, lost } = await assessRecovery(
      { seat, ask, peerId: this.#init.peerId },
      options,
    )
    const formerClusterId = membership.clusterId
    if (!options.force) {
      return { clusterId: formerClusterId, formerClusterId, keptAside: '', lost, warnings }
    }
    await seat.close()
    try {
      const path = await seat.dir.prepare()
      const recovered = await buildRecovered(
        { from: seat.dir.path, to: path, membership, lost, peerId: this.#init.peerId },
        this.#components,
        options,
      )
      const keptAside = await seat.swap(recovered)
      log.warn(
        { cluster: recovered.clusterId, former: formerClusterId, lost, kept: keptAside },
        'recovered: this node alone goes on with the metadata',
      )
      return { clusterId: recovered.clusterId, formerClusterId, keptAside, lost, warnings }
    } finally {
      // After a failure the old one goes on as it was.
      await seat.open()
    }
  }
}

/** Counted up to here: it is for a person's line. */
const ONLY_COPIES_MAX = 100_000

/** Contents of which nobody else has a copy. */
export async function onlyCopiesOf(
  view: View,
  peerId: string,
  options: AbortOptions = {},
): Promise<number> {
  let count = 0
  for await (const page of heldContents(view, peerId, options)) {
    for (const fileId of page) {
      const extents = contentOf(view, fileId)?.placement ?? []
      if (extents.some(({ holders }) => holders.every((holder) => holder === peerId))) count++
      if (count >= ONLY_COPIES_MAX) return count
    }
  }
  return count
}

function noNetwork(): DpsError {
  return new DpsError('FAILED_PRECONDITION', 'a node without network has no fellow members')
}
