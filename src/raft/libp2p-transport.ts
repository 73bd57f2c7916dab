/**
 * Raft's messages between members over libp2p: `/dps/raft/1.0.0`.
 *
 * Each member opens one long-lived stream to each other one, on a connection that carries nothing
 * else: bulk bytes of chunks on a shared one would delay heartbeats past election timeouts. Snapshots
 * are bulk too, so they travel as calls on the ordinary connection (`libp2p-snapshots.ts`).
 */
import {
  type AbortOptions,
  type Clock,
  DpsError,
  type Random,
  systemClock,
  systemRandom,
  systemTimers,
  type Timers,
} from '../base/index.js'
import type { OwnStream, StreamOpener } from '../network/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { NodeId } from './core/configuration.js'
import type { SnapshotOutcome } from './core/raft.js'
import type { Message } from './core/types.js'
import { Incoming } from './libp2p-incoming.js'
import { type LinkSettings, type LinkStatus, MemberLink, RAFT_PROTOCOL } from './libp2p-link.js'
import { SnapshotCalls } from './libp2p-snapshots.js'
import type { Hello } from './message-codec.js'
import { peerOf } from './node-id.js'
import type { StateSnapshot } from './state-machine.js'
import type { Receiver, SnapshotMessage, Transport } from './transport.js'

/** Of a stream to somebody who is no member (any more): answers to its messages. */
const IDLE_MS = 30_000

/** What is needed of a `Host`. */
export interface OwnStreamOpener extends StreamOpener {
  openOwnStream(
    peerId: string,
    protocol: string,
    options?: AbortOptions & { addrs?: readonly string[] },
  ): Promise<OwnStream>
}

export interface Libp2pTransportComponents {
  streams: OwnStreamOpener
  log: Log
  metrics?: Metrics
  clock?: Clock
  timers?: Timers
  random?: Random
}

export interface Libp2pTransportInit extends Partial<LinkSettings> {
  /** This replica. */
  id: NodeId
  /** Whoever says another one is refused. */
  clusterId: string
  /** Multiaddrs of a member, newest knowledge; empty: what the host knows. */
  addresses(id: NodeId): readonly string[]
  /**
   * Whether this one may speak to us, although Raft's configuration here doesn't name it: a node that
   * has just joined knows its leader from its invitation only.
   */
  isMember(id: NodeId): boolean
  /** For one piece of a snapshot, and for its end. @default 30_000, 300_000 */
  pieceTimeoutMs?: number
  finishTimeoutMs?: number
}

export class Libp2pTransport implements Transport {
  readonly #components: Required<Omit<Libp2pTransportComponents, 'metrics'>>
  readonly #init: Libp2pTransportInit
  readonly #settings: LinkSettings
  readonly #incoming: Incoming
  readonly #snapshots: SnapshotCalls
  readonly #links = new Map<NodeId, MemberLink>()
  readonly #dropped: () => void
  #members = new Set<NodeId>()
  #receiver: Receiver | undefined
  #cancelSweep: () => void = () => {}

  constructor(components: Libp2pTransportComponents, init: Libp2pTransportInit) {
    const { metrics, ...parts } = components
    const log = components.log.child({ component: 'raft-transport', service_id: 'raft' })
    this.#components = {
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      ...parts,
      log,
    }
    this.#init = init
    this.#settings = {
      queueBytesMax: init.queueBytesMax ?? 16 * 1024 * 1024,
      openTimeoutMs: init.openTimeoutMs ?? 4000,
      pingEveryMs: init.pingEveryMs ?? 2000,
      pingTimeoutMs: init.pingTimeoutMs ?? 4000,
      retryMinMs: init.retryMinMs ?? 50,
      retryMaxMs: init.retryMaxMs ?? 2000,
    }
    const dropped = metrics?.counter({
      name: 'dps_raft_dropped_messages_total',
      help: 'Messages to members that found no connection, or a full queue.',
    })
    this.#dropped = () => dropped?.inc()
    const check = (peerId: string, hello: Hello) => this.#check(peerId, hello)
    this.#incoming = new Incoming({ log, check })
    this.#snapshots = new SnapshotCalls({ ...components, log, check }, init)
    this.#measure(metrics)
  }

  async start(receiver: Receiver): Promise<void> {
    const { streams } = this.#components
    this.#receiver = receiver
    this.#incoming.start(receiver)
    await this.#snapshots.start(receiver)
    await streams.handle(
      RAFT_PROTOCOL,
      (stream, peerId) => this.#incoming.take(stream, peerId),
      // One lives; those before it may still be closing.
      { maxInboundStreams: 8, maxOutboundStreams: 8, ownConnection: true },
    )
    for (const id of this.#members) this.#link(id)
    this.#sweep()
  }

  async stop(): Promise<void> {
    this.#receiver = undefined
    this.#cancelSweep()
    for (const link of this.#links.values()) link.stop()
    this.#links.clear()
    this.#incoming.stop()
    await this.#components.streams.unhandle(RAFT_PROTOCOL)
    await this.#snapshots.stop()
  }

  send(messages: readonly Message[]): void {
    if (this.#receiver === undefined) return
    for (const message of messages) this.#link(message.to)?.send(message)
  }

  sendSnapshot(
    message: SnapshotMessage,
    snapshot: StateSnapshot,
    options: AbortOptions = {},
  ): Promise<SnapshotOutcome> {
    return this.#snapshots.send(message, snapshot, options)
  }

  setMembers(members: Iterable<NodeId>): void {
    this.#members = new Set(members)
    this.#members.delete(this.#init.id)
    for (const [id, link] of this.#links) if (!this.#knows(id)) this.#drop(id, link)
    this.#incoming.recheck((id) => this.#knows(id))
    if (this.#receiver !== undefined) for (const id of this.#members) this.#link(id)
  }

  /** By member, for status and measurements. */
  links(): Map<NodeId, LinkStatus> {
    return new Map([...this.#links].map(([id, link]) => [id, link.status()]))
  }

  #knows(id: NodeId): boolean {
    return this.#members.has(id) || this.#init.isMember(id)
  }

  /** @throws why this stream or call is not taken */
  #check(peerId: string, { clusterId, from, to }: Hello): void {
    const { id } = this.#init
    if (clusterId !== this.#init.clusterId) {
      throw new DpsError('FAILED_PRECONDITION', 'this node is in another cluster')
    }
    if (to !== id) throw new DpsError('FAILED_PRECONDITION', `this node is ${id}, not ${to}`)
    if (peerOf(from) !== peerId) {
      throw new DpsError('PERMISSION_DENIED', `${peerId} can't speak for ${from}`)
    }
    if (!this.#knows(from)) throw new DpsError('PERMISSION_DENIED', `${from} is no member`)
  }

  /** Also to those who are no members: whoever speaks to us is answered. */
  #link(id: NodeId): MemberLink | undefined {
    if (id === this.#init.id) return undefined
    const known = this.#links.get(id)
    if (known !== undefined) return known
    const { streams, clock, timers, random, log } = this.#components
    const { clusterId, id: own } = this.#init
    const peerId = peerOf(id)
    const link = new MemberLink(
      {
        open: (signal) =>
          streams.openOwnStream(peerId, RAFT_PROTOCOL, {
            signal,
            addrs: this.#init.addresses(id),
          }),
        clock,
        timers,
        random,
        log: log.child({ peer: peerId }),
        onUnreachable: () => this.#receiver?.unreachable(id),
        onDropped: this.#dropped,
      },
      this.#settings,
      { clusterId, from: own, to: id },
    )
    this.#links.set(id, link)
    return link
  }

  #drop(id: NodeId, link: MemberLink): void {
    this.#links.delete(id)
    link.stop()
  }

  #sweep(): void {
    const { clock, timers } = this.#components
    const nowMs = clock.monotonicMs()
    for (const [id, link] of this.#links) {
      if (!this.#members.has(id) && nowMs - link.usedMs > IDLE_MS) this.#drop(id, link)
    }
    this.#cancelSweep = timers.after(IDLE_MS / 2, () => this.#sweep())
  }

  #measure(metrics: Metrics | undefined): void {
    metrics?.gauge({
      name: 'dps_raft_members_connected',
      help: 'Members whose own connection for Raft is up.',
      collect: (gauge) => {
        const links = [...this.links().values()]
        gauge.set(links.filter(({ connected }) => connected).length)
      },
    })
    metrics?.gauge({
      name: 'dps_raft_round_trip_seconds',
      help: 'Round trip of the last ping on the own connection, by peer.',
      labelNames: ['peer'],
      collect: (gauge) => {
        gauge.reset()
        for (const [id, { rttMs }] of this.links()) {
          if (rttMs !== undefined) gauge.set({ peer: peerOf(id) }, rttMs / 1000)
        }
      },
    })
  }
}
