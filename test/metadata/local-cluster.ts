/** Members in one process: real runners, logs and machines on disk, a network of function calls. */
import { join } from 'node:path'
import {
  DpsError,
  systemClock,
  systemRandom,
  systemTimers,
  toDpsError,
} from '../../src/base/index.js'
import { Authority, type Peers, Replica } from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import {
  configurationOf,
  type Message,
  type NodeId,
  type Receiver,
  type SnapshotMessage,
  type SnapshotOutcome,
  type StateSnapshot,
  type Transport,
} from '../../src/raft/index.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'

/** Who hears whom. Messages arrive in a later turn, in order. */
export class LocalNetwork {
  readonly receivers = new Map<NodeId, Receiver>()
  readonly authorities = new Map<NodeId, Authority>()
  readonly cut = new Set<NodeId>()
  /** Snapshots break off behind so many pieces, once. */
  breakAfterPieces: number | undefined
  piecesSent = 0

  reaches(from: NodeId, to: NodeId): boolean {
    return !this.cut.has(from) && !this.cut.has(to)
  }
}

class LocalTransport implements Transport {
  readonly #network: LocalNetwork
  readonly #id: NodeId
  #queue: Message[] = []

  constructor(network: LocalNetwork, id: NodeId) {
    this.#network = network
    this.#id = id
  }

  async start(receiver: Receiver): Promise<void> {
    this.#network.receivers.set(this.#id, receiver)
  }

  async stop(): Promise<void> {
    this.#network.receivers.delete(this.#id)
  }

  send(messages: readonly Message[]): void {
    if (this.#queue.length === 0) setImmediate(() => this.#deliver())
    this.#queue.push(...messages)
  }

  #deliver(): void {
    for (const message of this.#queue.splice(0)) {
      if (!this.#network.reaches(this.#id, message.to)) continue
      this.#network.receivers.get(message.to)?.receive(message)
    }
  }

  async sendSnapshot(message: SnapshotMessage, snapshot: StateSnapshot): Promise<SnapshotOutcome> {
    const network = this.#network
    const receiver = network.receivers.get(message.to)
    if (receiver === undefined || !network.reaches(this.#id, message.to)) return 'interrupted'
    try {
      const install = await receiver.installing(message)
      if (install !== undefined) {
        let sent = 0
        for await (const chunk of snapshot.chunks(install.received)) {
          if (!network.reaches(this.#id, message.to)) return 'interrupted'
          if (network.breakAfterPieces === sent++) {
            network.breakAfterPieces = undefined
            return 'interrupted'
          }
          await install.write(chunk)
          network.piecesSent++
        }
      }
      await receiver.installed(message, install)
      return 'finished'
    } catch (error) {
      return toDpsError(error).code === 'DATA_LOSS' ? 'failed' : 'interrupted'
    }
  }

  setMembers(): void {}
}

export interface Member {
  id: NodeId
  path: string
  replica: Replica
  authority: Authority
}

export interface ClusterInit {
  keepLogBytes?: number
  path?: string
}

export class LocalCluster {
  readonly network = new LocalNetwork()
  readonly ids: NodeId[]
  readonly members = new Map<NodeId, Member>()
  readonly #init: ClusterInit
  readonly #root: string

  constructor(size: number, init: ClusterInit = {}) {
    this.ids = Array.from({ length: size }, (_, at) => `m${at + 1}:1`)
    this.#init = init
    this.#root = init.path ?? tempDir()
  }

  async startAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.start(id)))
    cleanUp(() => this.stopAll())
  }

  async start(id: NodeId): Promise<Member> {
    const path = join(this.#root, id.replace(':', '-'))
    const authority = new Authority({
      peers: this.#peersOf(id),
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      log: silentLog,
    })
    const replica = this.replica(id, path)
    await replica.start()
    authority.replaceReplica(replica)
    this.network.authorities.set(id, authority)
    const member = { id, path, replica, authority }
    this.members.set(id, member)
    return member
  }

  replica(id: NodeId, path: string): Replica {
    const { keepLogBytes } = this.#init
    return new Replica(
      {
        makeTransport: () => new LocalTransport(this.network, id),
        clock: systemClock,
        timers: systemTimers,
        random: systemRandom,
        log: silentLog,
      },
      {
        path,
        clusterId: 'test',
        id,
        boot: configurationOf(this.ids),
        tickMs: 20,
        electionTicks: 10,
        heartbeatTicks: 2,
        handOverMs: 200,
        ...(keepLogBytes === undefined ? {} : { keepLogBytes }),
      },
    )
  }

  #peersOf(from: NodeId): Peers {
    return {
      propose: async (target, proposal, { signal }) => {
        signal?.throwIfAborted()
        await new Promise((resolve) => setImmediate(resolve))
        const there = this.network.authorities.get(target.to)
        if (there === undefined || !this.network.reaches(from, target.to)) {
          throw new DpsError('UNAVAILABLE', `${target.to} cannot be reached`)
        }
        const outcome = await there.receiveProposal(target, proposal)
        if (!this.network.reaches(from, target.to)) {
          throw new DpsError('UNAVAILABLE', `${target.to} cannot be reached`)
        }
        return outcome
      },
    }
  }

  member(id: NodeId): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new DpsError('NOT_FOUND', id)
    return member
  }

  async stop(id: NodeId): Promise<void> {
    const { authority, replica } = this.member(id)
    this.members.delete(id)
    this.network.authorities.delete(id)
    await authority.stop()
    await replica.stop()
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.members.keys()].map((id) => this.stop(id)))
  }

  /** The one whom all others that can be reached follow. */
  leader(): Promise<Member> {
    return eventually('a leader', () => {
      const seen = [...this.members.values()].filter(({ id }) => !this.network.cut.has(id))
      const leading = seen.find(({ authority }) => authority.status().leading)
      const agreed = seen.every(({ authority }) => authority.status().leader === leading?.id)
      return agreed ? leading : undefined
    })
  }

  async follower(): Promise<Member> {
    const { id } = await this.leader()
    return [...this.members.values()].find((member) => member.id !== id)!
  }
}
