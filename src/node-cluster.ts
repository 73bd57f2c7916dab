/** The cluster's parts of a node: its replica of the metadata, and its place among the members. */
import { DpsError, type Part, systemClock, systemRandom, systemTimers } from './base/index.js'
import {
  type Authority,
  AuthorityOnDemand,
  Cluster,
  ClusterClient,
  ClusterServer,
  NoTransport,
  type Peers,
  Replica,
  SessionSweeper,
} from './metadata/index.js'
import type { Host } from './network/index.js'
import type { NodeSettings } from './node-settings.js'
import type { Log, Metrics } from './observability/index.js'
import { Libp2pTransport, type Transport } from './raft/index.js'
import type { DataDir } from './store/index.js'

export interface ClusterPartsInit {
  settings: NodeSettings
  dir: DataDir
  peerId: string
  /** Undefined without a network. */
  host: Host | undefined
  log: Log
  metrics: Metrics
}

export interface ClusterParts {
  authority: Authority
  cluster: Cluster
  /** Need nothing of the others: they may start beside the host. */
  early: Part[]
  /** To be started before what stands on the authority. */
  parts: Part[]
}

/** The longest tick: elections and heartbeats are counted in them, and each wakes the process. */
const TICK_MS_MAX = 125

export function clusterParts(init: ClusterPartsInit): ClusterParts {
  const { settings, dir, peerId, host, log, metrics } = init
  const client = host === undefined ? undefined : new ClusterClient({ streams: host, log, metrics })
  const surroundings = { clock: systemClock, timers: systemTimers, random: systemRandom, log }
  const authority = new AuthorityOnDemand({ ...surroundings, peers: client ?? NOBODY })
  const cluster: Cluster = new Cluster(
    {
      ...surroundings,
      authority,
      network: client && host && networkOf(client, host),
      makeReplica: ({ clusterId, nodeId, boot }, path) =>
        new Replica(
          {
            ...surroundings,
            metrics,
            makeTransport: () => transportOf(init, { clusterId, id: nodeId }, cluster),
          },
          { path, clusterId, id: nodeId, boot, ...ticksOf(settings) },
        ),
    },
    {
      path: dir.paths.raft,
      peerId,
      ...settings.node,
      ...settings.cluster,
      lazy: settings.offline,
    },
  )
  if (settings.offline) {
    authority.open = () => cluster.open()
    authority.others = () => cluster.others().length
  }
  const sweeper = new SessionSweeper({ ...surroundings, authority })
  const early: Part[] = [authority, cluster]
  const parts: Part[] = [sweeper]
  if (client !== undefined && host !== undefined) {
    const { answer } = cluster
    const server = new ClusterServer(
      { streams: host, log, metrics, receiver: authority },
      { handlers: answer.handlers(), admit: (head) => answer.admit(head) },
    )
    early.unshift(client)
    const tell = { serviceId: 'cluster-addresses', start: async () => cluster.networkUp() }
    parts.push(server, tell)
  }
  return { authority, cluster, early, parts }
}

function transportOf(
  { host, log, metrics }: ClusterPartsInit,
  member: { clusterId: string; id: string },
  cluster: Cluster,
): Transport {
  if (host === undefined) return new NoTransport()
  return new Libp2pTransport(
    { streams: host, log, metrics },
    {
      ...member,
      addresses: (id) => cluster.addressesOf(id),
      isMember: (id) => cluster.isLiving(id),
    },
  )
}

function networkOf(client: ClusterClient, host: Host) {
  return {
    call: async (
      peerId: string,
      method: string,
      payload: Uint8Array,
      options: { timeoutMs: number; signal?: AbortSignal },
    ) => (await client.calls.call(peerId, method, { payload }, options)).payload,
    learn: (peerId: string, addrs: readonly string[]) => host.learn(peerId, addrs),
    addrs: () => host.addrs().map((addr) => addr.replace(/\/p2p\/[^/]+$/, '')),
  }
}

/** Without a network there is no other leader to propose to. */
const NOBODY: Peers = {
  propose: () => Promise.reject(new DpsError('UNAVAILABLE', 'this node has no network')),
}

function ticksOf({ raft }: NodeSettings) {
  const { electionTimeoutMs } = raft
  // One lost heartbeat must cost nothing.
  const heartbeatMs = Math.min(raft.heartbeatMs, electionTimeoutMs / 3)
  // Two to a heartbeat, so that what is counted in ticks is not far off.
  const tickMs = Math.max(1, Math.min(TICK_MS_MAX, Math.floor(heartbeatMs / 2)))
  const heartbeatTicks = Math.max(1, Math.round(heartbeatMs / tickMs))
  const electionTicks = Math.max(2 * heartbeatTicks, Math.round(electionTimeoutMs / tickMs))
  return { tickMs, heartbeatTicks, electionTicks }
}
