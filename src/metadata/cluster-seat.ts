/**
 * The membership that this node has now: its directory, its replica, and who the others are.
 *
 * A membership can take another's place while the node runs; what stands on the authority only
 * sees a moment without a replica.
 */
import { type Clock, DpsError, type Timers } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { nodeIdOf, type RaftRunner, type RunnerStatus } from '../raft/index.js'
import type { Authority } from './authority.js'
import { ClusterMembers } from './cluster-members.js'
import { listNodes, touchesCluster } from './cluster-records.js'
import { MemberDir, type Membership } from './member-dir.js'
import type { Replica } from './replica.js'

export interface SeatComponents {
  authority: Pick<Authority, 'onApplied' | 'replaceReplica'>
  clock: Pick<Clock, 'monotonicMs'>
  timers: Timers
  /** A replica over the files in `path`, not started. */
  makeReplica(membership: Membership, path: string): Replica
  log: Log
}

/** A disk that takes longer to write one record has other troubles. */
const SETTLE_MS = 2_000

export interface SeatInit {
  /** The directory `raft/`. */
  path: string
  peerId: string
  /** Of a cluster that this node founds. */
  mode: string
}

export class Seat {
  readonly members: ClusterMembers
  readonly #components: SeatComponents
  readonly #init: SeatInit
  readonly #log: Log
  readonly #listeners = new Set<() => void>()
  #dir: MemberDir | undefined
  #replica: Replica | undefined
  #opening: Promise<void> | undefined
  #unhook: (() => void)[] = []
  #refreshing: Promise<void> | undefined
  #stale = false
  #leaderlessSinceMs: number | undefined

  constructor(components: SeatComponents, init: SeatInit) {
    this.#components = components
    this.#init = init
    this.#log = components.log
    this.members = new ClusterMembers(init.peerId)
  }

  /** Reads which cluster this node is in; founds one of its own where it never was in any. */
  async sit(): Promise<void> {
    const { path, peerId, mode } = this.#init
    this.#dir ??= await MemberDir.open(path, { peerId, mode })
    this.members.reset(this.#dir.current.members)
  }

  get dir(): MemberDir {
    if (this.#dir === undefined) throw new DpsError('UNAVAILABLE', 'the cluster is starting')
    return this.#dir
  }

  get membership(): Membership {
    return this.dir.current
  }

  /** Undefined while it is not open, and for ever in a node that was removed. */
  get replica(): Replica | undefined {
    return this.#replica
  }

  get runner(): RaftRunner | undefined {
    return this.#replica?.runner
  }

  /** For how long no leader is known; 0 while there is one, or no replica that could know. */
  get leaderlessMs(): number {
    const { monotonicMs } = this.#components.clock
    return this.#leaderlessSinceMs === undefined ? 0 : monotonicMs() - this.#leaderlessSinceMs
  }

  /** Of the replica; undefined without one. */
  status(): RunnerStatus | undefined {
    return this.#replica?.runner.status()
  }

  /** Opens the replica unless it is open, or this node was removed from its cluster. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<void> {
    const { current, path } = this.dir
    if (this.#replica !== undefined || current.removed) return
    const { authority, makeReplica } = this.#components
    await this.dir.checkLog()
    const replica = makeReplica(current, path)
    await replica.start()
    await this.dir.update({ started: true })
    this.#replica = replica
    this.#unhook = [
      replica.runner.onChange(() => this.#onRaft()),
      authority.onApplied((keys) => {
        if (keys === 'all' || touchesCluster(keys)) this.refresh()
      }),
    ]
    authority.replaceReplica(replica)
    this.#onRaft()
    this.refresh()
  }

  /** Resolves when the only voter leads, which takes it a moment after opening; at once for others. */
  async settled(): Promise<void> {
    const isSettled = () => {
      const status = this.status()
      if (status === undefined || status.leader !== undefined) return true
      const { voters } = status.configuration
      return voters.length !== 1 || voters[0] !== status.id
    }
    if (isSettled()) return
    const { timers } = this.#components
    await new Promise<void>((resolve) => {
      const end = () => {
        off()
        cancel()
        resolve()
      }
      const off = this.onChange(() => isSettled() && end())
      const cancel = timers.after(SETTLE_MS, end)
    })
  }

  /** Closes the replica; {@link open} opens it again. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    const replica = this.#replica
    if (replica === undefined) return
    this.#replica = undefined
    this.#leaderlessSinceMs = undefined
    for (const unhook of this.#unhook) unhook()
    this.#components.authority.replaceReplica(undefined)
    await replica.stop()
  }

  /**
   * Puts the prepared directory in place of the current one and opens it.
   *
   * @returns where the former one is kept
   */
  async swap(membership: Membership): Promise<string> {
    await this.close()
    const kept = await this.dir.adopt(membership)
    this.members.reset(membership.members)
    this.#tell()
    await this.open()
    return kept
  }

  /** This node is no member any more, and stays with what it has until a person decides. */
  async setRemoved(): Promise<void> {
    if (this.membership.removed) return
    await this.dir.update({ removed: true })
    await this.close()
    this.members.reset([])
    this.#tell()
    this.#log.warn(
      { cluster: this.membership.clusterId },
      'this node was removed from its cluster; join again with an invitation, or leave',
    )
  }

  /** Called when the role, the leader, the configuration or a node's record changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #onRaft(): void {
    const status = this.status()
    if (status === undefined) return
    this.members.setConfiguration(status.configuration)
    if (status.leader !== undefined) this.#leaderlessSinceMs = undefined
    else this.#leaderlessSinceMs ??= this.#components.clock.monotonicMs()
    this.#tell()
  }

  /** Reads the records again. Calls that come meanwhile are one. */
  refresh(): void {
    this.#stale = true
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = undefined
    })
  }

  /** Resolves when the records here are those of the state at the call, or newer. */
  async refreshed(): Promise<void> {
    this.refresh()
    await this.#refreshing
  }

  async #refreshAll(): Promise<void> {
    while (this.#stale) {
      this.#stale = false
      await this.#refresh().catch((err) =>
        this.#log.debug({ err }, 'the records of the members could not be read'),
      )
    }
  }

  async #refresh(): Promise<void> {
    const replica = this.#replica
    if (replica === undefined) return
    const records = await listNodes(replica.machine)
    if (replica !== this.#replica) return
    this.members.setRecords(records)
    const { nodeId } = this.membership
    const isIn = records.some((node) => nodeIdOf(node.peerId, node.incarnation) === nodeId)
    // From here on the log itself tells who the members are.
    if (isIn && this.status()?.leader !== undefined) this.members.setTold([])
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
