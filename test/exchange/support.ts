/** Exchange peers on bare libp2p nodes, with stores that are maps. */
import type { CID } from 'multiformats/cid'
import {
  cidOf,
  type Digest,
  digestKey,
  digestOf,
  HashPool,
  sha256,
} from '../../src/content/index.js'
import { ChunkClient } from '../../src/exchange/client.js'
import { Reputation } from '../../src/exchange/reputation.js'
import {
  ChunkServer,
  type ChunkServerComponents,
  type ChunkServerInit,
} from '../../src/exchange/server.js'
import { FetchSession, type FetchSessionInit } from '../../src/exchange/session.js'
import { silentLog } from '../../src/observability/index.js'
import type { NewChunk, StoredChunk } from '../../src/store/index.js'
import { type BareNode, bareNodes, patterned } from '../network/calls-support.js'
import { cleanUp } from '../support/temp.js'

export class MapStore {
  readonly chunks = new Map<string, StoredChunk>()
  barriers = 0
  reads = 0

  async has(digests: readonly Digest[]): Promise<boolean[]> {
    return digests.map((digest) => this.chunks.has(digestKey(digest)))
  }

  async get(digest: Digest): Promise<StoredChunk | undefined> {
    this.reads++
    return this.chunks.get(digestKey(digest))
  }

  async put(chunks: readonly NewChunk[]): Promise<{ stored: boolean }[]> {
    return chunks.map(({ digest, kind, bytes }) => {
      const stored = !this.chunks.has(digestKey(digest))
      this.chunks.set(digestKey(digest), { kind, bytes: new Uint8Array(bytes) })
      return { stored }
    })
  }

  async barrier(): Promise<void> {
    this.barriers++
  }

  add(bytes: Uint8Array): CID {
    const digest = sha256(bytes)
    this.chunks.set(digestKey(digest), { kind: 'chunk', bytes })
    return cidOf('chunk', digest)
  }

  addAll(chunks: readonly TestChunk[]): void {
    for (const { cid, bytes } of chunks) {
      this.chunks.set(digestKey(digestOf(cid)), { kind: 'chunk', bytes })
    }
  }
}

export interface TestChunk {
  cid: CID
  bytes: Uint8Array
}

export function chunksOf(count: number, sizeBytes: number): TestChunk[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = patterned(sizeBytes, i + 1)
    return { cid: cidOf('chunk', sha256(bytes)), bytes }
  })
}

let pool: HashPool | undefined
/** One pool for a test file. */
export function hashes(): HashPool {
  if (pool === undefined) {
    pool = new HashPool({ workers: 1 })
    process.on('exit', () => pool?.close())
  }
  return pool
}

export interface TestPeer {
  node: BareNode
  peerId: string
  store: MapStore
  server: ChunkServer
}

export async function serve(
  node: BareNode,
  components: Partial<ChunkServerComponents> = {},
  init: ChunkServerInit = {},
): Promise<TestPeer> {
  const store = new MapStore()
  const server = new ChunkServer(
    {
      streams: node.streams,
      store,
      hashes: hashes(),
      allowed: () => false,
      fetchFrom: async () => ({ chunks: 0, newBytes: 0 }),
      log: silentLog,
      ...components,
    },
    init,
  )
  await server.start()
  cleanUp(() => server.stop())
  return { node, peerId: node.peerId, store, server }
}

export function clientOf(node: BareNode): ChunkClient {
  const client = new ChunkClient({ streams: node.streams, log: silentLog })
  cleanUp(() => client.stop())
  return client
}

/** One fetching node, and so many serving ones that it is connected to. */
export async function swarm(
  servers: number,
  init: ChunkServerInit | ((index: number) => ChunkServerInit) = {},
): Promise<{ node: BareNode; client: ChunkClient; peers: TestPeer[] }> {
  const [node, ...others] = await bareNodes(servers + 1)
  const peers = await Promise.all(
    others.map((other, index) => serve(other, {}, typeof init === 'function' ? init(index) : init)),
  )
  return { node: node!, client: clientOf(node!), peers }
}

export function session(
  client: ConstructorParameters<typeof FetchSession>[0]['client'],
  peerIds: readonly string[],
  init: Partial<FetchSessionInit> = {},
  reputation = new Reputation(),
): FetchSession {
  const opened = new FetchSession(
    { client, hashes: hashes(), reputation },
    {
      root: init.root ?? cidOf('manifest', new Uint8Array(32)),
      findProviders: async function* (cid) {
        if (cid.toString() !== (init.root ?? cidOf('manifest', new Uint8Array(32))).toString())
          return
        for (const peerId of peerIds) yield { peerId, addrs: [] }
      },
      ...init,
    },
  )
  cleanUp(() => opened.close())
  return opened
}
