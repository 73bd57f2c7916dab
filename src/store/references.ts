/**
 * Why a chunk is kept: pins, contents that the cluster placed here and what these lead to, and
 * leases.
 *
 * A sweep (a run of the collector) asks for the last word on each chunk in the very turn in which
 * it is marked as going; see {@link Sweep}.
 */
import type { CID } from 'multiformats/cid'
import type { AbortOptions, Clock, Part } from '../base/index.js'
import { DpsError, systemClock } from '../base/index.js'
import {
  cidOf,
  cidOfBytes,
  type Digest,
  digestKey,
  digestOf,
  formatCid,
  kindOf,
  parseCid,
} from '../content/index.js'
import type { ChunkInfo, ChunkStore } from './chunk-store.js'
import type { Lease } from './lease.js'
import { Leases } from './leases.js'
import type { MetaDb } from './meta.js'
import { ReferenceCounts } from './reference-counts.js'

export interface Pin {
  cid: CID
  name: string
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Absent: for ever. */
  expiresAt?: number
}

export interface PinOptions extends AbortOptions {
  name?: string
  /** 0 or absent: for ever. */
  ttlMs?: number
  /**
   * What covers all that the CID leads to; release it afterwards. Without one, a running collector
   * frees nothing until the pin is counted.
   */
  lease?: Lease
}

export interface ReferencesComponents {
  meta: MetaDb
  store: Pick<ChunkStore, 'get' | 'info' | 'nextSequence'>
  clock?: Clock
}

export interface PlaceOptions extends AbortOptions {
  /** As of a pin. */
  lease?: Lease
}

type PinRow = Omit<Pin, 'cid'>

/** A sweep remembers so many digests that became referenced meanwhile; with more, it frees none. */
const TOUCHED_MAX = 100_000

export class References implements Part {
  readonly serviceId = 'references'
  readonly #meta: MetaDb
  readonly #store: ReferencesComponents['store']
  readonly #clock: Clock
  readonly #pins: ReturnType<typeof textOf>
  /** Contents that the cluster placed here: their CIDs in binary form. */
  readonly #placed: ReturnType<typeof bytesOf>
  readonly #flags: ReturnType<typeof textOf>
  readonly #leases: Leases
  readonly #counts: ReferenceCounts
  /** Changes of pins so far, and how many of them the counts know. */
  #changes = 1
  #settledChanges = 0
  /** The last pin without a lease, and how many of those are being written. */
  #bareChange = 0
  #baring = 0
  #stuck: DpsError[] = []
  #turn: Promise<unknown> = Promise.resolve()
  #settling: Promise<unknown> = Promise.resolve()
  /** How many there are who do not know what must be kept. */
  #unsure = 0
  readonly #touched = new Set<string>()
  #sweeps = 0

  constructor({ meta, store, clock = systemClock }: ReferencesComponents) {
    this.#meta = meta
    this.#store = store
    this.#clock = clock
    this.#pins = textOf(meta, 'pins')
    this.#placed = bytesOf(meta, 'placed')
    this.#flags = textOf(meta, 'refs-flags')
    this.#leases = new Leases(meta, clock)
    this.#counts = new ReferenceCounts(meta, store, {
      isPinned: (digests) => this.#areKept(digests),
      alone: (work) => this.#alone(work),
      onReferenced: (key) => {
        if (this.#sweeps > 0) this.#touched.add(key)
      },
    })
  }

  /** After the store has started. */
  async start(): Promise<void> {
    await this.#leases.load(this.#store.nextSequence)
    if ((await this.#flags.get(RECOUNT)) !== undefined) await this.#recount()
  }

  async stop(): Promise<void> {
    await this.#settling
    await this.#turn
  }

  /**
   * Durable when it resolves. Pinning again keeps the first time and the longer life, and takes
   * the new name.
   */
  async pin(cid: CID, options: PinOptions = {}): Promise<void> {
    const { name = '', ttlMs = 0, lease, signal } = options
    signal?.throwIfAborted()
    await this.#keep(lease, async () => {
      const now = this.#clock.now()
      const before = await this.pinOf(cid)
      const row: PinRow = {
        name: name || (before?.name ?? ''),
        createdAt: before?.createdAt ?? now,
      }
      const forEver = ttlMs === 0 || (before !== undefined && before.expiresAt === undefined)
      if (!forEver) row.expiresAt = Math.max(now + ttlMs, before?.expiresAt ?? 0)
      await this.#counts
        .askFor(this.#meta.batch(), digestOf(cid), kindOf(cid))
        .put(formatCid(cid), JSON.stringify(row), { sublevel: this.#pins })
        .write({ sync: true })
    })
  }

  #keep(lease: Lease | undefined, work: () => Promise<void>): Promise<void> {
    const bare = lease === undefined
    if (bare) this.#baring++
    return this.#change(work).finally(() => {
      if (!bare) return
      this.#baring--
      this.#bareChange = this.#changes
    })
  }

  /** Durable when it resolves. @returns whether it was pinned. */
  unpin(cid: CID, { signal }: AbortOptions = {}): Promise<boolean> {
    signal?.throwIfAborted()
    return this.#change(async () => {
      const before = await this.pinOf(cid)
      await this.#unpin(cid)
      return before !== undefined
    })
  }

  async #unpin(cid: CID): Promise<void> {
    await this.#counts
      .askFor(this.#meta.batch(), digestOf(cid), kindOf(cid))
      .del(formatCid(cid), { sublevel: this.#pins })
      .write({ sync: true })
  }

  /** In order of the CIDs' text. Expired ones are left out. */
  async *pins({ signal }: AbortOptions = {}): AsyncGenerator<Pin> {
    const now = this.#clock.now()
    for await (const pin of this.#allPins()) {
      signal?.throwIfAborted()
      if (pin.expiresAt === undefined || pin.expiresAt > now) yield pin
    }
  }

  async *#allPins(): AsyncGenerator<Pin> {
    for await (const [key, text] of this.#pins.iterator())
      yield { cid: parseCid(key), ...rowOf(key, text) }
  }

  async pinOf(cid: CID, { signal }: AbortOptions = {}): Promise<Pin | undefined> {
    signal?.throwIfAborted()
    const key = formatCid(cid)
    const text = await this.#pins.get(key)
    if (text === undefined) return undefined
    const row = rowOf(key, text)
    if (row.expiresAt !== undefined && row.expiresAt <= this.#clock.now()) return undefined
    return { cid, ...row }
  }

  /**
   * Keeps contents because the cluster says that they must be here. All of them are durable when
   * it resolves; again is harmless.
   */
  async place(cids: readonly CID[], { lease, signal }: PlaceOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (cids.length === 0) return
    await this.#keep(lease, async () => {
      const batch = this.#meta.batch()
      for (const cid of cids) {
        this.#counts.askFor(batch, digestOf(cid), kindOf(cid))
        batch.put(cid.bytes, NOTHING, { sublevel: this.#placed })
      }
      await batch.write({ sync: true })
    })
  }

  /** The cluster no longer says so. */
  async unplace(cids: readonly CID[], { signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (cids.length === 0) return
    await this.#change(async () => {
      const batch = this.#meta.batch()
      for (const cid of cids) {
        this.#counts.askFor(batch, digestOf(cid), kindOf(cid))
        batch.del(cid.bytes, { sublevel: this.#placed })
      }
      await batch.write({ sync: true })
    })
  }

  /** Contents placed here, in byte order of their CIDs, as of the call. */
  async *placed({ signal }: AbortOptions = {}): AsyncGenerator<CID> {
    for await (const key of this.#placed.keys()) {
      signal?.throwIfAborted()
      yield cidOfBytes(key)
    }
  }

  async arePlaced(cids: readonly CID[]): Promise<boolean[]> {
    const rows = await this.#placed.getMany(cids.map(({ bytes }) => bytes))
    return rows.map((row) => row !== undefined)
  }

  async #areKept(digests: readonly Digest[]): Promise<boolean[]> {
    const cids = digests.flatMap((digest) => [cidOf('manifest', digest), cidOf('chunk', digest)])
    const [pins, placed] = await Promise.all([
      this.#pins.getMany(cids.map(formatCid)),
      this.arePlaced(cids),
    ])
    const isKept = (at: number) => pins[at] !== undefined || placed[at] === true
    return digests.map((_, i) => isKept(2 * i) || isKept(2 * i + 1))
  }

  /**
   * From now on nothing is freed until the returned function is called: what must be kept is not
   * known at the moment.
   */
  keepEverything(): () => void {
    this.#unsure++
    let sure = false
    return () => {
      if (!sure) this.#unsure--
      sure = true
    }
  }

  /**
   * Brings the counts up to date with the pins. Costs a look when they are.
   * @returns manifests that are referred to and cannot be read: until they can, or until what
   *   leads to them is unpinned, nothing is garbage for sure.
   */
  settle(options: AbortOptions = {}): Promise<DpsError[]> {
    const isSettled = this.#settledChanges === this.#changes
    if (isSettled && this.#stuck.length === 0) return Promise.resolve([])
    const run = this.#settling.then(async () => {
      const changes = this.#changes
      // Nothing is sure while it runs: a recount begins with forgetting.
      this.#settledChanges = 0
      this.#stuck = await this.#counts.settle(options)
      if (this.#counts.leaking && this.#stuck.length === 0) {
        await this.#recount()
        this.#stuck = await this.#counts.settle(options)
      }
      this.#settledChanges = changes
      return this.#stuck
    })
    this.#settling = run.catch(() => {})
    return run
  }

  /** Counts everything anew from the pins. Begun again at the next start when cut short. */
  async #recount(): Promise<void> {
    const flag = { sublevel: this.#flags }
    await this.#meta.batch().put(RECOUNT, '1', flag).write({ sync: true })
    await this.#counts.clear()
    for await (const { cid } of this.#allPins()) {
      await this.#counts.askFor(this.#meta.batch(), digestOf(cid), kindOf(cid)).write()
    }
    for await (const cid of this.placed()) {
      await this.#counts.askFor(this.#meta.batch(), digestOf(cid), kindOf(cid)).write()
    }
    await this.#meta.batch().del(RECOUNT, flag).write({ sync: true })
  }

  /** Whether a pin leads to it, as far as the counts are settled. */
  async isReferenced(digest: Digest): Promise<boolean> {
    return this.#counts.isReferenced(digest)
  }

  /** Which of a sorted, non-empty run of digests are referred to. */
  referenced(sorted: readonly Digest[]): Promise<Set<string>> {
    return this.#counts.referenced(sorted)
  }

  /** Covers everything stored from this turn on. Ends `ttlMs` after its last use. */
  openLease(init: { ttlMs: number; purpose: string }, options: AbortOptions = {}): Promise<Lease> {
    options.signal?.throwIfAborted()
    return this.#leases.open(this.#store.nextSequence, init)
  }

  /** What an earlier process of this node opened and did not release. */
  abandonedLeases(): Lease[] {
    return this.#leases.abandoned()
  }

  /** Ends what has outlived its time. @returns how many pins that were. */
  async expire(options: AbortOptions = {}): Promise<number> {
    await this.#leases.expire()
    const now = this.#clock.now()
    let expired = 0
    for await (const { cid, expiresAt } of this.#allPins()) {
      options.signal?.throwIfAborted()
      if (expiresAt === undefined || expiresAt > now) continue
      await this.#change(() => this.#unpin(cid))
      expired++
    }
    return expired
  }

  /** Begins a run of the collector, in this very turn. End it in a `finally`. */
  sweep(): Sweep {
    this.#sweeps++
    this.#leases.beginSweep()
    // What is stored from now on is none of its business: its lease may end before its pin counts.
    const floor = this.#store.nextSequence
    const changes = this.#changes
    return {
      mayFree: (chunk) =>
        chunk.sequence < floor &&
        this.#unsure === 0 &&
        // What was pinned before it began is counted, also that of leases that ended then; what
        // is pinned under a lease since is covered by it.
        this.#settledChanges >= changes &&
        this.#baring === 0 &&
        this.#settledChanges >= this.#bareChange &&
        this.#stuck.length === 0 &&
        this.#touched.size < TOUCHED_MAX &&
        !this.#touched.has(digestKey(chunk.digest)) &&
        !this.#leases.cover(chunk),
      end: () => {
        this.#sweeps--
        this.#leases.endSweep()
        if (this.#sweeps === 0) this.#touched.clear()
      },
    }
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#alone(work).finally(() => {
      this.#changes++
    })
  }

  /** Pins are read, changed and counted one at a time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work)
    this.#turn = run.catch(() => {})
    return run
  }
}

/** A run of the collector, as the references see it. */
export interface Sweep {
  /**
   * The last word on a chunk to which nothing referred when it was looked up: synchronous, so that
   * nothing can come between it and the mark. False while anything is unclear.
   *
   * It is garbage unless: somebody does not know yet what must be kept; it was stored after the
   * sweep began; a pin that no lease backs is not
   * counted yet; something came to refer to it since; a lease covers it, or did since the sweep
   * began.
   */
  mayFree(chunk: ChunkInfo): boolean
  end(): void
}

const RECOUNT = 'recount'

function rowOf(key: string, text: string): PinRow {
  try {
    const row = JSON.parse(text) as Partial<PinRow>
    const { name = '', createdAt = 0, expiresAt } = row
    return { name, createdAt, ...(expiresAt !== undefined && { expiresAt }) }
  } catch (error) {
    throw new DpsError('DATA_LOSS', `the pin of ${key} is damaged`, { cause: error })
  }
}

const NOTHING = new Uint8Array(0)

function bytesOf(meta: MetaDb, name: string) {
  return meta.sublevel<Uint8Array, Uint8Array>(name, { keyEncoding: 'view', valueEncoding: 'view' })
}

function textOf(meta: MetaDb, name: string) {
  return meta.sublevel<string, string>(name, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
}
