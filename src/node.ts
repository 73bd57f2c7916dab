/**
 * Composition root: which parts a node has, who gets what, and the order in which they start.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import type { CID } from 'multiformats/cid'
import { DpsError, Lifecycle, type Part, toDpsError } from './base/index.js'
import { DIGEST_BYTES, HashPool } from './content/index.js'
import { Collector, Verifier } from './durability/index.js'
import { ChunkClient, ChunkServer, Reputation } from './exchange/index.js'
import { type FilesNetwork, FilesService, offlineNetwork, SwarmNetwork } from './files/index.js'
import { ApiServer } from './gateway/index.js'
import { Discovery, Host, loadIdentity, type Table } from './network/index.js'
import { type ClusterParts, clusterParts } from './node-cluster.js'
import { Control } from './node-control.js'
import { holdersOf, namespaceParts } from './node-namespace.js'
import type { NodeSettings } from './node-settings.js'
import { createLog, type Log, Metrics } from './observability/index.js'
import { DataDir, LevelChunkStore, openMeta, References } from './store/index.js'

export type { LogLevel, Mode, NodeSettings } from './node-settings.js'

/** A whole peer. Start it once; a stopped node is not started again. */
export class DpsNode {
  readonly instanceId = randomUUID()
  /** Resolves when a client asked the node to stop, and when it has been stopped. */
  readonly stopped: Promise<void>
  readonly #settings: NodeSettings
  #askToStop!: () => void
  #starting: Promise<Running> | undefined
  #running: Running | undefined
  #stopping: Promise<void> | undefined

  constructor(settings: NodeSettings) {
    this.#settings = settings
    this.stopped = new Promise((resolve) => {
      this.#askToStop = resolve
    })
  }

  get peerId(): string {
    return this.#parts().peerId
  }

  /** Where the API listens, and the token that opens it. */
  get api(): { url: string; token: string } {
    const { api, token } = this.#parts()
    return { url: api.url, token }
  }

  /** Multiaddrs that are listened on, each with the peer id. Empty without a network. */
  addrs(): string[] {
    return this.#parts().host?.addrs() ?? []
  }

  /**
   * Rejects with FAILED_PRECONDITION (exit 10 no repository, 11 in use, a busy port), DATA_LOSS,
   * RESOURCE_EXHAUSTED; whatever had started is stopped then.
   */
  async start(): Promise<void> {
    if (this.#starting !== undefined || this.#stopping !== undefined) {
      throw new DpsError('FAILED_PRECONDITION', 'a node is started once', {
        hint: 'make another with createNode()',
      })
    }
    this.#starting = startParts(this.#settings, this.instanceId, this.#askToStop)
    this.#running = await this.#starting
  }

  /**
   * Stops everything, each part in bounded time; a start that is under way first comes to its end.
   * Again is harmless. Rejects, when all has been tried, with what did not stop.
   */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      try {
        // A start that failed has rolled itself back.
        const running = await this.#starting?.catch(() => undefined)
        await running?.stop()
      } finally {
        this.#askToStop()
      }
    })()
    return this.#stopping
  }

  #parts(): Running {
    if (this.#running === undefined) {
      throw new DpsError('FAILED_PRECONDITION', 'the node has not started')
    }
    return this.#running
  }
}

/** Async so that one day it may look before it makes: today it only makes. */
export async function createNode(settings: NodeSettings): Promise<DpsNode> {
  return new DpsNode(settings)
}

interface Running {
  peerId: string
  host: Host | undefined
  api: ApiServer
  token: string
  stop(): Promise<void>
}

async function startParts(
  settings: NodeSettings,
  instanceId: string,
  askToStop: () => void,
): Promise<Running> {
  const online = !settings.offline && settings.node.mode !== 'local_only'
  const dir = await DataDir.open(settings.dataDir, { create: !settings.offline })
  const undo: (() => Promise<unknown>)[] = [() => dir.close()]
  // Never skipping: a part that does not stop must not leave the databases open and the lock taken.
  const stop = async () => {
    const errors: unknown[] = []
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
      await step().catch((error) => errors.push(error))
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) {
      const all = errors.map((error) => toDpsError(error).message).join('; ')
      throw new DpsError('INTERNAL', `the node did not stop in order: ${all}`, { cause: errors[0] })
    }
  }
  try {
    const identity = await loadIdentity(dir.paths.identity)
    const { peerId } = identity
    const log = await createLog({
      level: settings.log.level,
      format: settings.log.format,
      bindings: { node_id: peerId, instance_id: instanceId },
    })
    const metrics = new Metrics()
    metrics.collectProcess()
    const meta = await openMeta(dir.paths.meta)
    undo.push(() => meta.close())

    const store = new LevelChunkStore(
      { log, metrics },
      {
        path: dir.paths.disk,
        capacityBytes: settings.store.capacityBytes,
        reserveBytes: settings.store.reserveBytes,
        repair: settings.repair,
      },
    )
    const references = new References({ meta, store })
    const hashes = new HashPool()
    const table = (name: string): Table =>
      meta.sublevel<string, Uint8Array>(name, { keyEncoding: 'utf8', valueEncoding: 'view' })
    const host = online ? hostOf({ settings, dir, identity, table, log, metrics }) : undefined
    const metadata = clusterParts({ settings, dir, peerId, host, log, metrics })
    const { cluster } = metadata
    const swarm =
      host === undefined
        ? undefined
        : swarmParts({ settings, host, metadata, table, store, hashes, log, metrics })
    const network: FilesNetwork = swarm?.network ?? offlineNetwork(settings.dataDir)
    const files = new FilesService({ store, references, hashes, network, peerId })
    if (swarm !== undefined) swarm.setFiles(files)
    const shared = { store, references, hashes, network, files, peerId, log }
    const paths = namespaceParts({ ...shared, ...metadata, lazy: settings.offline })
    const { settled, namespace } = paths
    const collector = new Collector(
      { store, references, log, settled },
      { intervalMs: settings.gc.intervalMs, cacheBytesMax: settings.store.cacheMaxBytes },
    )
    const verifier = new Verifier({
      store,
      references,
      refetch: (cid, options) => files.refetch(cid, options),
    })
    const control = new Control(
      { host, discovery: swarm?.discovery, store, references, cluster, askToStop },
      { settings, instanceId, peerId, diskPath: dir.paths.disk },
    )
    const token = randomBytes(32).toString('base64url')
    const api = new ApiServer(
      { files, collector, verifier, node: control, cluster, namespace, log, metrics },
      {
        token,
        ...listenOn(settings),
        allowedHosts: settings.api.allowedHosts,
        allowedOrigins: settings.api.allowedOrigins,
      },
    )
    const parts: (Part | Part[])[] = [
      // Some wait for the disk, one for the processor.
      [store, ...(host === undefined ? [] : [host]), ...metadata.early],
      references,
      { serviceId: 'hashes', stop: async () => hashes.close() },
      ...metadata.parts,
      ...(swarm?.parts ?? []),
      files,
      ...paths.parts,
      collector,
      api,
    ]
    if (!settings.offline) {
      parts.push(apiFile(dir.paths.api, () => ({ url: api.url, token, instanceId })))
    }
    if (swarm !== undefined && settings.provide.strategy !== 'none') {
      parts.push(announcePins(references, swarm.discovery, log))
    }
    const lifecycle = new Lifecycle(parts)
    await lifecycle.start()
    undo.push(() => lifecycle.stop())
    control.started()
    undo.push(async () => control.stopping())
    return { peerId, host, api, token, stop }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

/** An offline node's API is for the command that started it: any free port will do. */
function listenOn({ offline, api }: NodeSettings): { host: string; port: number } {
  if (offline) return { host: '127.0.0.1', port: 0 }
  const colon = api.listen.lastIndexOf(':')
  const host = api.listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(api.listen.slice(colon + 1)) }
}

interface HostOfInit {
  settings: NodeSettings
  dir: DataDir
  identity: Awaited<ReturnType<typeof loadIdentity>>
  table(name: string): Table
  log: Log
  metrics: Metrics
}

function hostOf({ settings, dir, identity, table, log, metrics }: HostOfInit): Host {
  const { network } = settings
  return new Host(
    { identity, dhtPath: dir.paths.dht, knownPeers: table('known-peers'), log, metrics },
    {
      listen: network.listen,
      announce: network.announce,
      bootstrap: network.bootstrap,
      mdns: network.mdns,
      name: settings.node.name,
      version: settings.version,
      maxConnections: network.maxConnections,
      inbound: { perSecond: network.inboundPerSecond },
    },
  )
}

interface SwarmInit {
  settings: NodeSettings
  host: Host
  metadata: ClusterParts
  table(name: string): Table
  store: LevelChunkStore
  hashes: HashPool
  log: Log
  metrics: Metrics
}

/** What only a node with a network has. */
function swarmParts(init: SwarmInit) {
  const { settings, host, metadata, table, store, hashes, log, metrics } = init
  const { cluster } = metadata
  const { exchange, provide } = settings
  const discovery = new Discovery(
    {
      host,
      table: table('provide'),
      holds: (hashes) => store.has(hashes.map((hash) => hash.subarray(-DIGEST_BYTES))),
      log,
      metrics,
    },
    { strategy: provide.strategy, intervalMs: provide.intervalMs },
  )
  const client = new ChunkClient({ streams: host, log, metrics })
  const reputation = new Reputation()
  let files: FilesService | undefined
  const allowed = new Set(exchange.allow)
  const server = new ChunkServer(
    {
      streams: host,
      store,
      hashes,
      allowed: (peer) => cluster.isMember(peer) || allowed.has(peer),
      fetchFrom: async (from, cid, options) => {
        assertStarted(files)
        return files.keepFrom(from.peerId, cid, options)
      },
      log,
      metrics,
    },
    { rateBytesPerSecondMax: exchange.uploadLimitBytes },
  )
  const swarm = new SwarmNetwork(
    {
      host,
      discovery,
      client,
      hashes,
      reputation,
      store,
      holders: (cid) => holdersOf(metadata, host.peerId, cid),
      log,
    },
    { strategy: provide.strategy },
  )
  return {
    discovery,
    network: swarm,
    parts: [client, discovery, server] as Part[],
    setFiles: (service: FilesService) => {
      files = service
    },
  }
}

/** Pins handed to the announcing queue together: one write each, however many there are. */
const ANNOUNCE_BATCH = 256

/**
 * What was published while no node ran is announced now; what is queued already stays. Beside the
 * start, which a hundred thousand pins must not hold up.
 */
function announcePins(references: References, discovery: Discovery, log: Log): Part {
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> = Promise.resolve()
  const announce = async () => {
    let batch: CID[] = []
    for await (const { cid } of references.pins({ signal })) {
      batch.push(cid)
      if (batch.length < ANNOUNCE_BATCH) continue
      await discovery.provideLater(batch)
      batch = []
    }
    if (batch.length > 0) await discovery.provideLater(batch)
  }
  return {
    serviceId: 'announce-pins',
    start: async () => {
      running = announce().catch((err) => {
        if (!signal.aborted)
          log.warn({ component: 'node', err }, 'pins could not be read for announcing')
      })
    },
    stop: async () => {
      stopping.abort(new DpsError('CANCELLED', 'the node is stopping'))
      await running
    },
  }
}

function assertStarted(files: FilesService | undefined): asserts files is FilesService {
  if (files === undefined) throw new DpsError('UNAVAILABLE', 'this node is starting')
}

/** `api.json`: how the command line finds the node. Readable by the owner alone. */
function apiFile(path: string, content: () => object): Part {
  return {
    serviceId: 'api-file',
    start: async () => {
      const temporary = `${path}.new`
      await rm(temporary, { force: true })
      const text = `${JSON.stringify({ ...content(), pid: process.pid })}\n`
      await writeFile(temporary, text, { mode: 0o600 })
      await rename(temporary, path)
    },
    stop: () => rm(path, { force: true }),
  }
}
