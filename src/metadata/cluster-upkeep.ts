/**
 * What every member does for its place in the cluster, now and then and when something changed: the
 * founder founds, addresses are kept true, and who hears no leader asks whether it still belongs.
 */
import { type AbortOptions, type Clock, DpsError, type Part, type Timers } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { peerOf } from '../raft/index.js'
import type { Authority } from './authority.js'
import type { ClusterAsk, ClusterNetwork } from './cluster-calls.js'
import { readCluster } from './cluster-records.js'
import type { Seat } from './cluster-seat.js'

export interface UpkeepComponents {
  seat: Seat
  authority: Pick<Authority, 'execute'>
  network: ClusterNetwork | undefined
  ask: ClusterAsk | undefined
  /** Goes on with what a join left undone. */
  resume(options: AbortOptions): Promise<void>
  /** A join, a leave or a recovery is under way: it decides what this node is. */
  isMoving(): boolean
  clock: Pick<Clock, 'monotonicMs'>
  timers: Timers
  log: Log
}

export interface UpkeepInit {
  peerId: string
  name: string
  zone: string
  /** What the settings say. */
  mode: string
  /** Only a command works here, for a moment: the settings are not the node's. */
  lazy: boolean
}

/** What nothing tells of: an address of this machine that changed. */
const LOOK_MS = 30_000
/** While there is no leader, and after a failure. */
const RETRY_MS = 2_000
/** Elections take less: who hears no leader for so long may have been removed. */
const LEADERLESS_MS = 10_000
const COMMAND_TIMEOUT_MS = 10_000

export class ClusterUpkeep implements Part {
  readonly serviceId = 'cluster-upkeep'
  readonly #components: UpkeepComponents
  readonly #init: UpkeepInit
  #cancel: () => void = () => {}
  #running: Promise<void> | undefined
  #again = false
  #stopping: AbortController | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  /** Raft id of this node while the log says that it belongs here. */
  #wasIn: string | undefined
  /** By peer: what the network was told. */
  readonly #learnt = new Map<string, string>()

  constructor(components: UpkeepComponents, init: UpkeepInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) return
    this.#stopping = new AbortController()
    this.wake()
  }

  async stop(): Promise<void> {
    this.#cancel()
    this.#stopping?.abort(new DpsError('CANCELLED', 'the node is stopping'))
    await this.#running
    this.#stopping = undefined
  }

  wake(): void {
    if (this.#stopping === undefined || this.#stopping.signal.aborted) return
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    this.#cancel()
    const { signal } = this.#stopping
    this.#running = this.#look(signal)
      .then(
        () => (this.#components.seat.status()?.leader === undefined ? RETRY_MS : LOOK_MS),
        (err) => {
          if (!signal.aborted) this.#components.log.debug({ err }, 'upkeep: tried again later')
          return RETRY_MS
        },
      )
      .then((delayMs) => {
        this.#running = undefined
        const againMs = this.#again ? 0 : delayMs
        this.#again = false
        if (signal.aborted) return
        this.#cancel = this.#components.timers.after(againMs, () => this.wake())
      })
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { seat, isMoving, resume } = this.#components
    await this.#learn()
    const status = seat.status()
    if (status === undefined || isMoving()) return
    if (await this.#checkRemoved(signal)) return
    if (status.leader === undefined) return
    if (status.role === 'leader') await this.#found(signal)
    await this.#describe(signal)
    if (status.role === 'leader') await this.#setMode(signal)
    if (seat.membership.pendingImport !== undefined) await resume({ signal })
  }

  /** Only its founder can lead a cluster without a record. */
  async #found(signal: AbortSignal): Promise<void> {
    const { seat, authority } = this.#components
    const { membership, replica } = seat
    if (replica === undefined || readCluster(replica.machine) !== undefined) return
    const { clusterId, mode, nodeId } = membership
    const life = { peerId: peerOf(nodeId), incarnation: incarnationOf(nodeId) }
    await authority.execute(
      { type: 'foundCluster', clusterId, mode, ...life, ...this.#described() },
      { signal, timeoutMs: COMMAND_TIMEOUT_MS },
    )
  }

  /** The mode belongs to the cluster; of a cluster of one, that is to its owner. */
  async #setMode(signal: AbortSignal): Promise<void> {
    const { seat, authority } = this.#components
    const { mode, lazy } = this.#init
    const { configuration, records } = seat.members
    const machine = seat.replica?.machine
    const cluster = machine === undefined ? undefined : readCluster(machine)
    const others = records.filter(({ state }) => state !== 'removed').length - 1
    if (lazy || cluster === undefined || cluster.mode === mode) return
    if (others > 0 || configuration.voters.length + configuration.learners.length > 1) return
    await authority.execute(
      { type: 'setClusterMode', mode },
      { signal, timeoutMs: COMMAND_TIMEOUT_MS },
    )
  }

  /** What the cluster says of this node becomes what is true. */
  async #describe(signal: AbortSignal): Promise<void> {
    const { seat, authority } = this.#components
    const { nodeId } = seat.membership
    const record = seat.members.recordOf(nodeId)
    if (record === undefined || record.leaving || record.state === 'removed') return
    const { name, zone, addrs } = this.#described()
    const same =
      record.addrs.length === addrs.length && addrs.every((a) => record.addrs.includes(a))
    // A command that works on the data directory alone has no addresses, and is soon gone.
    if (addrs.length === 0 || (same && record.name === name && record.zone === zone)) return
    const life = { peerId: record.peerId, incarnation: record.incarnation }
    await authority.execute(
      { type: 'describeNode', ...life, name, zone, addrs },
      { signal, timeoutMs: COMMAND_TIMEOUT_MS },
    )
  }

  #described(): { name: string; zone: string; addrs: readonly string[] } {
    const { name, zone } = this.#init
    return { name, zone, addrs: this.#components.network?.addrs() ?? [] }
  }

  /** So that members can be dialled by their ids, also after a restart far from the DHT. */
  async #learn(): Promise<void> {
    const { seat, network } = this.#components
    if (network === undefined) return
    for (const { nodeId, addrs } of seat.members.addresses()) {
      const peerId = peerOf(nodeId)
      const text = addrs.join(' ')
      if (peerId === this.#init.peerId || addrs.length === 0) continue
      if (this.#learnt.get(peerId) === text) continue
      await network.learn(peerId, addrs)
      this.#learnt.set(peerId, text)
    }
  }

  /** @returns whether this node is no member any more */
  async #checkRemoved(signal: AbortSignal): Promise<boolean> {
    const { seat, clock } = this.#components
    const status = seat.status()
    if (status === undefined) return true
    const { nodeId } = seat.membership
    const { voters, learners } = status.configuration
    if (voters.includes(nodeId) || learners.includes(nodeId)) {
      this.#wasIn = nodeId
    } else if (this.#wasIn === nodeId) {
      // Its own log says so, and a log is never wrong about what is committed.
      await seat.setRemoved()
      return true
    }
    const nowMs = clock.monotonicMs()
    if (seat.leaderlessMs < LEADERLESS_MS) return false
    if (nowMs - this.#askedMs < LEADERLESS_MS) return false
    this.#askedMs = nowMs
    return await this.#askWhetherRemoved(signal)
  }

  async #askWhetherRemoved(signal: AbortSignal): Promise<boolean> {
    const { seat, ask, log } = this.#components
    if (ask === undefined) return false
    const { clusterId, nodeId } = seat.membership
    for (const peerId of seat.members.others()) {
      const standing = await ask
        .standing(peerId, { clusterId, nodeId }, { signal })
        .catch((err) => log.debug({ peer: peerId, err }, 'not told whether this node is a member'))
      signal.throwIfAborted()
      if (!standing) continue
      if (!standing.member) {
        await seat.setRemoved()
        return true
      }
      // Members that came while this node was away: it would not listen to them otherwise.
      seat.members.setTold(standing.members.filter((member) => member.nodeId !== nodeId))
    }
    return false
  }
}

function incarnationOf(nodeId: string): number {
  return Number(nodeId.slice(nodeId.lastIndexOf(':') + 1))
}
