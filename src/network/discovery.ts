/** Who has what: provider records in the DHT, made here and found there. */
import type { PeerInfo } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import {
  type AbortOptions,
  backoffMs,
  type Clock,
  DpsError,
  delay,
  type Part,
  type Random,
  systemClock,
  systemRandom,
} from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import { Announcer } from './discovery-announcer.js'
import { type ProvideKey, provideKey, textOf } from './discovery-keys.js'
import { ProvideQueue, type ScheduleInit } from './discovery-queue.js'
import type { Host } from './host.js'
import { boundedSignal } from './host-signal.js'
import type { Table } from './table.js'

export interface Provider {
  peerId: string
  /** Multiaddrs without the peer id. The host knows them too: dialling the peer id is enough. */
  addrs: string[]
}

export interface DiscoveryStatus {
  /** Keys that are kept announced. */
  roots: number
  /** Of these, those that should be out by now and are not. */
  waiting: number
  /** When the next is due: milliseconds since the epoch. */
  nextAtMs?: number
}

export interface DiscoveryComponents {
  host: Host
  /** A sublevel of `meta`, keys utf8, values `view`. */
  table: Table
  /**
   * Which of these multihashes are still here, asked before each announcement: what was collected
   * since is forgotten. @default all
   */
  holds?(multihashes: readonly Uint8Array[]): Promise<boolean[]>
  log: Log
  metrics?: Metrics
  clock?: Clock
  random?: Random
}

export interface DiscoveryInit extends ScheduleInit {
  /**
   * What is announced in the background: `roots` of files and folders, `all` chunks too, or
   * `none`: only what `provide` is asked for. @default 'roots'
   */
  strategy?: ProvideStrategy
  /** What is due by time alone waits so long for company. @default 10 min, or interval / 10 */
  gatherMs?: number
}

export type ProvideStrategy = 'roots' | 'all' | 'none'

export interface FindOptions extends AbortOptions {
  /** Then the search ends, without an error. @default 10000 */
  timeoutMs?: number
}

/** Keys in one announcement: a forget, a stop or a crash costs at most so many. */
const BATCH_KEYS = 2048
const GATHER_MS = 10 * 60_000
const FIND_TIMEOUT_MS = 10_000
/** After a failed announcement. A new connection cuts it short. */
const RETRY_MIN_MS = 1000
const RETRY_MAX_MS = 5 * 60_000
/** A connected peer needs some round trips until it is in the DHT's table. */
const TABLE_POLL_MS = 50
const TABLE_POLL_MAX_MS = 5000
/** Calls of one publish come close together. */
const COALESCE_MS = 20
/** `provide` announces by itself; the worker takes over what it left behind after so long. */
const CLAIM_MS = 5 * 60_000

export class Discovery implements Part {
  readonly serviceId = 'discovery'
  readonly strategy: ProvideStrategy
  readonly #host: Host
  readonly #holds: DiscoveryComponents['holds']
  readonly #log: Log
  readonly #clock: Clock
  readonly #random: Random
  readonly #queue: ProvideQueue
  readonly #announcer: Announcer
  readonly #gatherMs: number
  readonly #metrics: Metrics | undefined
  readonly #stopping = new AbortController()
  #announced: { inc(count: number): void } | undefined
  #wake: (() => void) | undefined
  /** Something happened that the worker has not seen yet. */
  #stirred = false
  /** Looks in vain for a DHT peer among the connected since the last event. */
  #polls = 0
  #worker: Promise<void> | undefined
  #unlisten: (() => void) | undefined

  constructor(components: DiscoveryComponents, init: DiscoveryInit = {}) {
    this.#host = components.host
    this.#holds = components.holds
    this.#log = components.log.child({ component: 'discovery', service_id: this.serviceId })
    this.#clock = components.clock ?? systemClock
    this.#random = components.random ?? systemRandom
    this.#queue = new ProvideQueue(components.table, this.#clock, init)
    this.#announcer = new Announcer(components.host, this.#log)
    this.#metrics = components.metrics
    this.#gatherMs = init.gatherMs ?? Math.min(GATHER_MS, (init.intervalMs ?? Infinity) / 10)
    this.strategy = init.strategy ?? 'roots'
  }

  async start(): Promise<void> {
    this.#measure()
    this.#unlisten = this.#host.onConnect(() => this.#stir())
    this.#worker = this.#work().catch((err: unknown) => {
      if (!this.#stopping.signal.aborted) this.#log.error({ err }, 'announcing ended')
    })
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    this.#stopping.abort(new DpsError('CANCELLED', 'the node stops'))
    this.#wake?.()
    await this.#worker
  }

  status(): DiscoveryStatus {
    const { size, waiting, nextAtMs } = this.#queue
    return { roots: size, waiting, ...(nextAtMs === undefined ? {} : { nextAtMs }) }
  }

  /**
   * Announces now, and keeps announced. Resolves when the peers closest to each key have the
   * record; `peers: 0` means that nobody could be told yet: it goes out with the first connection.
   */
  async provide(cids: Iterable<CID>, options: AbortOptions = {}): Promise<{ peers: number }> {
    const keys = await keysOf(cids)
    const claimedUntilMs = this.#clock.now() + CLAIM_MS
    await this.#queue.add(
      keys.map(({ text }) => text),
      claimedUntilMs,
      options,
    )
    await this.#recordHere(keys.map(({ text }) => text))
    try {
      const { done, failed, peers } = await this.#announcer.announce(keys, options)
      this.#announced?.inc(done.length)
      await this.#queue.done(done)
      await this.#queue.postpone(failed, this.#clock.now())
      return { peers }
    } catch (error) {
      await this.#queue.postpone(keys, this.#clock.now())
      throw error
    } finally {
      this.#stir()
    }
  }

  /**
   * Announces in the background, and keeps announced, across restarts. What is kept announced
   * already is left at its time, so it costs little to say everything again.
   *
   * @param options.kind chunks are announced only by the strategy `all`
   */
  async provideLater(
    cids: Iterable<CID>,
    options: AbortOptions & { kind?: 'root' | 'chunk' } = {},
  ): Promise<void> {
    if (this.strategy === 'none') return
    if (options.kind === 'chunk' && this.strategy === 'roots') return
    const fresh = await this.#queue.add(textsOf(cids), this.#clock.now(), options)
    if (fresh.length === 0) return
    // At once, so that a peer that asks us directly hears yes.
    await this.#recordHere(fresh)
    this.#stir()
  }

  /** No longer announced, nor answered for. Records at other peers expire by themselves (48 h). */
  async forget(cids: Iterable<CID>, options: AbortOptions = {}): Promise<void> {
    const texts = textsOf(cids)
    await this.#queue.forget(texts, options)
    await this.#host.store.deleteProvider(texts, this.#host.peerId)
  }

  /**
   * Peers that are said to have it, each once, never ourselves: those of our own records first
   * (connected ones before others), then the DHT's as they come. Ends when the DHT has nothing
   * more or the time is over. With nobody connected yet it waits for the first peer.
   */
  async *findProviders(cid: CID, options: FindOptions = {}): AsyncGenerator<Provider> {
    options.signal?.throwIfAborted()
    const timeoutMs = options.timeoutMs ?? FIND_TIMEOUT_MS
    const { signal, done } = boundedSignal(timeoutMs, options.signal, this.#stopping.signal)
    const seen = new Set([this.#host.peerId])
    try {
      const early = !this.#hasPeers()
      yield* this.#query(cid, seen, signal)
      if (!early || seen.size > 1) return
      while (!this.#hasPeers()) await delay(TABLE_POLL_MS, { signal })
      yield* this.#query(cid, seen, signal)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!signal.aborted) throw error
    } finally {
      done()
    }
  }

  async *#query(cid: CID, seen: Set<string>, signal: AbortSignal): AsyncGenerator<Provider> {
    const { dht } = this.#host.libp2p.services
    for await (const event of dht.findProviders(cid, { signal })) {
      if (event.name !== 'PROVIDER') continue
      const fresh = event.providers.filter(({ id }) => !seen.has(id.toString()))
      const connected = (peer: PeerInfo) => Number(this.#host.isConnected(peer.id.toString()))
      for (const peer of fresh.sort((a, b) => connected(b) - connected(a))) {
        const peerId = peer.id.toString()
        const addrs = [...new Set(peer.multiaddrs.map((addr) => addr.toString()))]
        // Nowhere to go: another peer may tell of it with its addresses.
        const isConnected = this.#host.isConnected(peerId)
        if (seen.has(peerId) || (addrs.length === 0 && !isConnected)) continue
        seen.add(peerId)
        if (!isConnected) await this.#host.learn(peerId, addrs, { signal })
        yield { peerId, addrs }
      }
    }
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    await this.#queue.recount()
    while (!signal.aborted) {
      this.#stirred = false
      const queued = this.#hasPeers() ? await this.#queue.due(BATCH_KEYS) : []
      const due = await this.#stillHere(queued)
      if (queued.length > 0 && due.length === 0) continue
      if (due.length === 0) {
        await this.#rest(this.#idleMs())
        continue
      }
      const { done, failed, peers } = await this.#announcer.announce(due, { signal })
      this.#announced?.inc(done.length)
      await this.#recordHere(await this.#queue.done(done))
      if (done.length > 0) this.#log.debug({ keys: done.length, peers }, 'announced')
      failures = failed.length === 0 ? 0 : failures + 1
      if (failures > 0) await this.#rest(this.#retryMs(failures))
    }
  }

  /** The keys whose content is here; the others are forgotten. */
  async #stillHere(keys: ProvideKey[]): Promise<ProvideKey[]> {
    if (this.#holds === undefined || keys.length === 0) return keys
    const here = await this.#holds(keys.map(({ multihash }) => multihash))
    const gone = keys.filter((_, i) => !here[i]).map(({ text }) => text)
    if (gone.length === 0) return keys
    await this.#queue.forget(gone)
    await this.#host.store.deleteProvider(gone, this.#host.peerId)
    return keys.filter((_, i) => here[i])
  }

  #idleMs(): number {
    const { waiting, nextAtMs } = this.#queue
    if (!this.#hasPeers()) {
      if (waiting === 0 || this.#host.peers().length === 0) return this.#gatherMs
      return Math.min(TABLE_POLL_MS * 2 ** this.#polls++, TABLE_POLL_MAX_MS)
    }
    if (nextAtMs === undefined) return this.#gatherMs
    return Math.max(this.#gatherMs, nextAtMs - this.#clock.now())
  }

  #retryMs(failures: number): number {
    return backoffMs(failures - 1, RETRY_MIN_MS, RETRY_MAX_MS, this.#random)
  }

  /** Until the time is over or something happened. */
  async #rest(ms: number): Promise<void> {
    if (!this.#stirred && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        // setTimeout takes 31 bits; a longer rest is cut in pieces by the loop.
        const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    if (this.#stirred) await delay(COALESCE_MS, { signal: this.#stopping.signal })
    // Time alone made keys due.
    else if (this.#queue.waiting === 0 && this.#isDue()) await this.#queue.recount()
  }

  #isDue(): boolean {
    const { nextAtMs } = this.#queue
    return nextAtMs !== undefined && nextAtMs <= this.#clock.now()
  }

  #stir(): void {
    this.#stirred = true
    this.#polls = 0
    this.#wake?.()
  }

  #hasPeers(): boolean {
    const { routingTable } = this.#host.libp2p.services.dht as unknown as RoutingView
    return routingTable.size > 0
  }

  async #recordHere(texts: readonly string[]): Promise<void> {
    await this.#host.store.putProvider(texts, this.#host.peerId, this.#clock.now())
  }

  #measure(): void {
    this.#announced = this.#metrics?.counter({
      name: 'dps_discovery_announced_total',
      help: 'Keys that peers took a provider record for.',
    })
    this.#metrics?.gauge({
      name: 'dps_discovery_keys',
      help: 'Keys kept announced in the DHT.',
      collect: (gauge) => gauge.set(this.#queue.size),
    })
    this.#metrics?.gauge({
      name: 'dps_discovery_waiting_keys',
      help: 'Keys that should be announced by now and are not.',
      collect: (gauge) => gauge.set(this.#queue.waiting),
    })
  }
}

/** Every DHT that kadDHT() makes has a table; only its name for the type says so. */
interface RoutingView {
  routingTable: { readonly size: number }
}

function textsOf(cids: Iterable<CID>): string[] {
  return [...new Set([...cids].map((cid) => textOf(cid.multihash.bytes)))]
}

/** Hashing thousands of keys takes its time: other work gets its turn in between. */
async function keysOf(cids: Iterable<CID>): Promise<ProvideKey[]> {
  const keys: ProvideKey[] = []
  for (const text of textsOf(cids)) {
    keys.push(provideKey(text))
    if (keys.length % 512 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return keys
}
