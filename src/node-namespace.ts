/** The namespace's parts of a node: paths over the cluster's metadata, and what it keeps for them. */
import type { CID } from 'multiformats/cid'
import {
  type AbortOptions,
  DpsError,
  type Part,
  systemClock,
  systemTimers,
  withDeadline,
} from './base/index.js'
import type { HashPool } from './content/index.js'
import { type FilesNetwork, type FilesService, Holdings, Namespace } from './files/index.js'
import {
  type Authority,
  type Cluster,
  contentOf,
  NamespaceJanitor,
  holdersOf as placedOn,
} from './metadata/index.js'
import type { Log } from './observability/index.js'
import { nodeIdOf } from './raft/index.js'
import type { ChunkStore, References } from './store/index.js'

export interface NamespacePartsInit {
  authority: Authority
  cluster: Cluster
  files: FilesService
  store: ChunkStore
  references: References
  network: FilesNetwork
  hashes: HashPool
  peerId: string
  log: Log
  /** Looks at the state only when something needs it. */
  lazy: boolean
}

export interface NamespaceParts {
  namespace: Namespace
  parts: Part[]
  /** Resolves when what the cluster wants kept here, and no longer, is known. */
  settled(options: AbortOptions): Promise<void>
}

/** A cluster without a quorum knows nothing for sure, however long one waits. */
const SETTLE_TIMEOUT_MS = 20_000

export function namespaceParts(init: NamespacePartsInit): NamespaceParts {
  const { authority, cluster, references, network, peerId, log, lazy } = init
  const holdings = new Holdings(
    { authority, references, network, log, importing: () => cluster.importing },
    { peerId, lazy },
  )
  const janitor = new NamespaceJanitor({
    authority,
    clock: systemClock,
    timers: systemTimers,
    log,
  })
  const namespace = new Namespace({ ...init, holdings })
  const settle = async (signal: AbortSignal) => {
    await authority.read({ signal })
    await janitor.settled({ signal })
    await holdings.settled({ signal })
  }
  const settled = async (options: AbortOptions) => {
    try {
      await withDeadline(SETTLE_TIMEOUT_MS, 'metadata', settle, options)
    } catch (cause) {
      options.signal?.throwIfAborted()
      if (cause instanceof DpsError && cause.code !== 'DEADLINE_EXCEEDED') throw cause
      const message = 'the cluster does not answer: what must be kept here is not known'
      throw new DpsError('UNAVAILABLE', message, { cause, hint: 'see: dps-node cluster status' })
    }
  }
  return { namespace, parts: [holdings, janitor, namespace], settled }
}

/** Other nodes that hold a content, as far as this node's replica knows. */
export async function holdersOf(
  { authority, cluster }: { authority: Authority; cluster: Cluster },
  self: string,
  cid: CID,
): Promise<{ peerId: string; addrs: string[] }[]> {
  // A moment without a replica: the content may still be found in the swarm.
  const view = await authority.read({ stale: true }).catch(() => undefined)
  const content = view && contentOf(view, cid.bytes)
  const holders = content === undefined ? [] : placedOn(content)
  return holders
    .filter((peerId) => peerId !== self)
    .map((peerId) => ({ peerId, addrs: [...cluster.addressesOf(nodeIdOf(peerId, 0))] }))
}
