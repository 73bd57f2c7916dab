/** The node itself, as its API shows it: identity, status, health, swarm, routing. */
import { statfs } from 'node:fs/promises'
import os from 'node:os'
import type { CID } from 'multiformats/cid'
import { DpsError } from './base/index.js'
import { digestOf, formatCid } from './content/index.js'
import type {
  CallOptions,
  NodeControl,
  NodeHealth,
  NodeIdentity,
  NodeStatus,
  PeerAddrs,
  PingResult,
  SwarmPeer,
} from './gateway/index.js'
import type { Cluster } from './metadata/index.js'
import type { Discovery, DiscoveryStatus, Host } from './network/index.js'
import type { NodeSettings } from './node-settings.js'
import type { ChunkStore, References } from './store/index.js'

/** Pings one after the other, as ping(8) does. */
const PING_COUNT = 4
/** Problems of one kind that are named one by one. */
const DAMAGED_NAMED_MAX = 3

export interface ControlComponents {
  host: Host | undefined
  discovery: Discovery | undefined
  store: Pick<ChunkStore, 'stats' | 'damaged' | 'has'> & { problem(): DpsError | undefined }
  references: Pick<References, 'pins'>
  cluster: Pick<Cluster, 'brief' | 'problems' | 'open'>
  askToStop(): void
}

export interface ControlInit {
  settings: NodeSettings
  instanceId: string
  peerId: string
  diskPath: string
}

export class Control implements NodeControl {
  readonly #components: ControlComponents
  readonly #init: ControlInit
  readonly #startedAtMs = performance.now()
  #ready = false

  constructor(components: ControlComponents, init: ControlInit) {
    this.#components = components
    this.#init = init
  }

  started(): void {
    this.#ready = true
  }

  stopping(): void {
    this.#ready = false
  }

  ready(): boolean {
    return this.#ready
  }

  stop(): void {
    this.#ready = false
    this.#components.askToStop()
  }

  async id(): Promise<NodeIdentity> {
    const { host } = this.#components
    const { settings, peerId, instanceId } = this.#init
    return {
      peerId,
      name: settings.node.name,
      addrs: host?.addrs() ?? [],
      version: settings.version,
      protocols: host?.protocols() ?? [],
      instanceId,
      nodeVersion: process.version,
    }
  }

  async status(call: CallOptions = {}): Promise<NodeStatus> {
    const { host, discovery, store, references, cluster } = this.#components
    const { settings, peerId, instanceId, diskPath } = this.#init
    const stats = await store.stats(call)
    let pins = 0
    for await (const _ of references.pins(call)) pins++
    const providing: DiscoveryStatus = discovery?.status() ?? { roots: 0, waiting: 0 }
    // A command without a running node opens it now, to tell what it knows.
    await cluster.open()
    const { mode, ...place } = cluster.brief()
    const isLocal = settings.node.mode === 'local_only'
    const health = await this.health(call)
    return {
      peerId,
      name: settings.node.name,
      version: settings.version,
      // A node without a network keeps to itself, whatever its cluster does.
      mode: isLocal ? settings.node.mode : mode,
      cluster: place,
      peers: host?.peers().length ?? 0,
      disks: [
        {
          id: 'd1',
          path: diskPath,
          usedBytes: stats.usedBytes,
          freeBytes: stats.freeBytes,
          capacityBytes: stats.capacityBytes,
          state: store.problem() === undefined ? 'ok' : 'failing',
        },
      ],
      content: { files: pins, chunks: stats.chunks, bytes: stats.bytes },
      health,
      addrs: host?.addrs() ?? [],
      uptimeMs: performance.now() - this.#startedAtMs,
      providing: {
        roots: providing.roots,
        waiting: providing.waiting,
        nextAt: providing.nextAtMs === undefined ? '' : new Date(providing.nextAtMs).toISOString(),
      },
      online: host !== undefined,
      instanceId,
    }
  }

  async health(call: CallOptions = {}): Promise<NodeHealth> {
    const { store } = this.#components
    const problems: NodeHealth['problems'] = []
    const add = (serviceId: string, message: string, hint = '') =>
      problems.push({ serviceId, message, hint })
    const failing = store.problem()
    if (failing !== undefined) add('store', failing.message, failing.hint)
    let damaged = 0
    for await (const { reason } of store.damaged(call)) {
      damaged++
      if (damaged <= DAMAGED_NAMED_MAX) add('store', reason, 'run: dps-node verify --repair')
    }
    if (damaged > DAMAGED_NAMED_MAX) add('store', `${damaged} damaged chunks in all`)
    for (const { message, hint } of this.#components.cluster.problems())
      add('cluster', message, hint)
    if (!this.#ready) add('node', 'starting or stopping')
    return { ok: problems.length === 0, problems }
  }

  async swarmPeers(): Promise<SwarmPeer[]> {
    const now = Date.now()
    return this.#host()
      .peers()
      .map(({ peerId, addr, direction, latencyMs, agent, connectedAtMs }) => ({
        peerId,
        addr,
        direction,
        latencyMs,
        agent: agent ?? '',
        connectedMs: Math.max(0, now - connectedAtMs),
      }))
  }

  async swarmAddrs(): Promise<PeerAddrs[]> {
    return this.#host().known()
  }

  swarmConnect(addr: string, call: CallOptions = {}): Promise<string> {
    return this.#host().connect(addr, call)
  }

  async swarmDisconnect(peer: string, call: CallOptions = {}): Promise<string> {
    const host = this.#host()
    const peerId = await host.resolvePeer(peer, call)
    await host.disconnect(peerId, call)
    return peerId
  }

  async *findProviders(
    cid: CID,
    { limit = 0, ...call }: CallOptions & { limit?: number } = {},
  ): AsyncGenerator<PeerAddrs> {
    let found = 0
    for await (const provider of this.#discovery().findProviders(cid, call)) {
      yield provider
      found++
      if (found === limit) return
    }
  }

  /** NOT_FOUND for what is not stored here: an announcement is a promise to have it. */
  async provide(cid: CID, call: CallOptions = {}): Promise<{ peers: number }> {
    const discovery = this.#discovery()
    const [here] = await this.#components.store.has([digestOf(cid)], call)
    if (!here) {
      throw new DpsError('NOT_FOUND', `${formatCid(cid)} is not stored here`, {
        hint: 'fetch it first, with: dps-node get or dps-node pin add',
      })
    }
    return discovery.provide([cid], call)
  }

  async *ping(
    peer: string,
    { count, ...call }: CallOptions & { count?: number } = {},
  ): AsyncGenerator<PingResult> {
    const host = this.#host()
    const peerId = await host.resolvePeer(peer, call)
    for (let seq = 1; seq <= (count || PING_COUNT); seq++) {
      try {
        yield { peerId, seq, rttMs: await host.ping(peerId, call), error: '' }
      } catch (error) {
        call.signal?.throwIfAborted()
        const message = error instanceof Error ? error.message : String(error)
        yield { peerId, seq, rttMs: 0, error: message }
      }
    }
  }

  async diagnose(call: CallOptions = {}): Promise<unknown> {
    const { settings, diskPath } = this.#init
    const { bsize, blocks, bavail } = await statfs(diskPath)
    const memory = process.memoryUsage()
    return {
      createdAt: new Date().toISOString(),
      id: await this.id(),
      status: await this.status(call),
      peers: this.#components.host === undefined ? [] : await this.swarmPeers(),
      settings,
      process: { memory, cpu: process.cpuUsage(), uptimeS: process.uptime(), argv: process.argv },
      machine: {
        platform: `${os.platform()} ${os.release()} ${os.arch()}`,
        cpus: os.cpus().length,
        memoryBytes: os.totalmem(),
        memoryFreeBytes: os.freemem(),
        load: os.loadavg(),
        diskBytes: bsize * blocks,
        diskFreeBytes: bsize * bavail,
      },
    }
  }

  #host(): Host {
    return this.#components.host ?? this.#withoutNetwork()
  }

  #discovery(): Discovery {
    return this.#components.discovery ?? this.#withoutNetwork()
  }

  #withoutNetwork(): never {
    const { settings } = this.#init
    if (settings.offline) {
      throw new DpsError('UNAVAILABLE', `no node is running on ${settings.dataDir}`, {
        hint: 'start one with: npx dps-node',
      })
    }
    throw new DpsError('FAILED_PRECONDITION', `this node's mode is ${settings.node.mode}`, {
      hint: 'a mode with a network is set with: dps-node config set node.mode hybrid',
    })
  }
}
