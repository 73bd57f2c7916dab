/** The other peers, as the files service needs them: exchange and discovery behind one face. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError, raceSignal, toDpsError } from '../base/index.js'
import { cidOf, digestOf, formatCid, type HashPool, treeBlocks } from '../content/index.js'
import {
  type ChunkClient,
  FetchSession,
  type FoundProvider,
  type Reputation,
} from '../exchange/index.js'
import type { Discovery, Host, Provider } from '../network/index.js'
import type { Log } from '../observability/index.js'
import type { ChunkStore } from '../store/index.js'
import { batches } from './fetch.js'
import type { ContentSession, FilesNetwork, SessionOptions } from './network.js'
import { providersOf } from './providers.js'
import type { CopyResult } from './types.js'

/** A copy may be terabytes: a peer that takes it is given a day. */
const SEED_TIMEOUT_MS = 24 * 3600 * 1000
/** How long a session without users is kept for the next call of its request. */
const SESSION_LINGER_MS = 2_000
/** Digests handed to the announcing queue together. */
const ANNOUNCE_BATCH = 1024

export interface SwarmNetworkComponents {
  host: Pick<Host, 'peerId' | 'addrs' | 'peers'>
  discovery: Pick<Discovery, 'provide' | 'provideLater' | 'forget' | 'findProviders'>
  client: ChunkClient
  hashes: HashPool
  reputation: Reputation
  store: Pick<ChunkStore, 'get'>
  /** Who must have a content because the cluster placed it there, other than this node. */
  holders?: (cid: CID) => Promise<readonly Provider[]>
  log: Log
}

interface SharedSession {
  session: FetchSession
  users: number
  linger?: NodeJS.Timeout
}

export interface SwarmNetworkInit {
  /** What is announced: what was published or pinned, every chunk of it too, or nothing. */
  strategy: 'roots' | 'all' | 'none'
}

export class SwarmNetwork implements FilesNetwork {
  readonly #components: SwarmNetworkComponents
  readonly #strategy: SwarmNetworkInit['strategy']
  readonly #shared = new Map<string, SharedSession>()

  constructor(components: SwarmNetworkComponents, init: SwarmNetworkInit) {
    const log = components.log.child({ component: 'files', service_id: 'files' })
    this.#components = { ...components, log }
    this.#strategy = init.strategy
  }

  /**
   * One request opens, lists and reads by several calls: what they learn of a root's providers is
   * shared as long as the next call comes soon.
   */
  openSession(root: CID, options: SessionOptions): ContentSession {
    const { from, timeoutMs, requestId = '' } = options
    if (from !== undefined) return this.#newSession(root, options)
    const key = `${requestId} ${timeoutMs} ${formatCid(root)}`
    const shared = this.#shared.get(key) ?? { session: this.#newSession(root, options), users: 0 }
    this.#shared.set(key, shared)
    shared.users++
    clearTimeout(shared.linger)
    let open = true
    return {
      fetch: (ref, into, options) => shared.session.fetch(ref, into, options),
      peers: () => shared.session.peers(),
      close: () => {
        if (!open) return
        open = false
        shared.users--
        if (shared.users > 0) return
        shared.linger = setTimeout(() => {
          this.#shared.delete(key)
          shared.session.close()
        }, SESSION_LINGER_MS)
        shared.linger.unref()
      },
    }
  }

  #newSession(root: CID, { from, timeoutMs, requestId }: SessionOptions): FetchSession {
    const { client, hashes, reputation, log } = this.#components
    const request = requestId === undefined ? {} : { requestId }
    const findProviders = (cid: CID, options: AbortOptions = {}) => {
      const providers = providersOf(cid, this.#components, { ...options, ...request })
      return first(this.#known(cid, from), providers)
    }
    return new FetchSession(
      { client, hashes, reputation, log },
      { root, findProviders, patienceMs: timeoutMs, ...request },
    )
  }

  /** Who has it for sure: nobody needs to be asked. */
  async #known(cid: CID, from: string | undefined): Promise<readonly Provider[]> {
    const placed = (await this.#components.holders?.(cid)) ?? []
    if (from === undefined) return placed
    return [{ peerId: from, addrs: [] }, ...placed.filter(({ peerId }) => peerId !== from)]
  }

  async announce(roots: readonly CID[], waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#strategy === 'none') return false
    const { discovery, host, log } = this.#components
    this.announceLater(roots)
    if (this.#strategy === 'all') {
      this.#announceTrees(roots).catch((error) => log.warn({ err: error }, 'chunks not announced'))
    }
    if (host.peers().length === 0) return false
    const deadline = AbortSignal.timeout(waitMs)
    const either = signal ? AbortSignal.any([signal, deadline]) : deadline
    try {
      const { peers } = await raceSignal(discovery.provide(roots, { signal: either }), either)
      return peers > 0
    } catch (error) {
      signal?.throwIfAborted()
      log.warn({ err: error }, 'not announced yet: it stays in the queue')
      return false
    }
  }

  announceLater(cids: readonly CID[]): void {
    if (this.#strategy === 'none') return
    const { discovery, log } = this.#components
    discovery
      .provideLater(cids)
      .catch((error) => log.warn({ err: error }, 'not queued for announcing'))
  }

  async forget(cid: CID): Promise<void> {
    await this.#components.discovery.forget([cid])
  }

  async seed(root: CID, copies: number, options: AbortOptions = {}): Promise<CopyResult[]> {
    const { client, host } = this.#components
    const from = { peerId: host.peerId, addrs: host.addrs() }
    const candidates = host.peers().map(({ peerId, addr }) => ({ peerId, addr }))
    const results: CopyResult[] = []
    let made = 0
    const takeTurns = async () => {
      while (made < copies) {
        const candidate = candidates.shift()
        if (candidate === undefined) return
        const { peerId, addr } = candidate
        // Counted before it is made, so that two turns never make one copy too many.
        made++
        try {
          await client.replicate(peerId, root, from, { ...options, timeoutMs: SEED_TIMEOUT_MS })
          results.push({ peerId, where: addr, error: '' })
        } catch (error) {
          made--
          options.signal?.throwIfAborted()
          const { code, message } = toDpsError(error)
          results.push({ peerId, where: addr, error: `${message} (${code})` })
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(copies, candidates.length) }, takeTurns))
    return results
  }

  async providers(cid: CID, timeoutMs: number, options: AbortOptions = {}): Promise<CopyResult[]> {
    const deadline = AbortSignal.timeout(timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
    const found: CopyResult[] = []
    try {
      for await (const { peerId, addrs } of providersOf(cid, this.#components, { signal })) {
        found.push({ peerId, where: addrs[0] ?? '', error: '' })
      }
    } catch {
      options.signal?.throwIfAborted()
    }
    return found
  }

  async #announceTrees(roots: readonly CID[]): Promise<void> {
    const { discovery, store } = this.#components
    const load = async (cid: CID) => {
      const here = await store.get(digestOf(cid))
      if (here === undefined) throw new DpsError('NOT_FOUND', `${formatCid(cid)} is not here`)
      return here.bytes
    }
    for (const root of roots) {
      for await (const blocks of batches(treeBlocks(root, load), ANNOUNCE_BATCH)) {
        await discovery.provideLater(blocks.map(({ kind, digest }) => cidOf(kind, digest)))
      }
    }
  }
}

async function* first(
  known: Promise<readonly Provider[]>,
  rest: AsyncIterable<FoundProvider>,
): AsyncGenerator<FoundProvider> {
  const told = new Set<string>()
  for (const provider of await known) {
    told.add(provider.peerId)
    yield provider
  }
  for await (const provider of rest) if (!told.has(provider.peerId)) yield provider
}
