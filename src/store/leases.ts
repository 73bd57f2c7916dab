/** The leases of this process, and those that an earlier one left in the `meta` database. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/index.js'
import { type Digest, digestHex, digestKey } from '../content/index.js'
import type { ChunkInfo } from './chunk-store.js'
import type { Lease } from './lease.js'
import type { MetaDb } from './meta.js'

interface Row {
  purpose: string
  startSequence: number
  /** Of a lease that an earlier process left: nothing stored later is its. */
  endSequence?: number
  expiresAt: number
  ttlMs: number
}

/**
 * Names that one lease holds in memory, some 300 bytes each. A publish of a hundred million chunks
 * that are all stored already must not take gigabytes: beyond this the lease covers the whole
 * disk, and while it lives the collector frees nothing.
 */
const PROTECTED_MAX = 200_000

export class Leases {
  readonly #meta: MetaDb
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #digests: ReturnType<typeof digestsOf>
  readonly #clock: Clock
  readonly #held = new Map<string, HeldLease>()
  /** Ended while a sweep runs: what they covered is covered until its end. */
  #retired: HeldLease[] = []
  #sweeps = 0

  constructor(meta: MetaDb, clock: Clock) {
    this.#meta = meta
    this.#rows = rowsOf(meta)
    this.#digests = digestsOf(meta)
    this.#clock = clock
  }

  async load(nextSequence: number): Promise<void> {
    for await (const [id, text] of this.#rows.iterator()) {
      const row = parse(text)
      if (row === undefined) continue
      const lease = this.#hold(id, { endSequence: nextSequence, ...row })
      const range = { gte: `${id}:`, lt: `${id};` }
      const digests: Digest[] = []
      for await (const key of this.#digests.keys(range)) {
        digests.push(new Uint8Array(Buffer.from(key.slice(id.length + 1), 'hex')))
      }
      lease.restore(digests)
      if (row.endSequence === undefined) await this.#save(lease)
    }
  }

  async open(startSequence: number, init: { ttlMs: number; purpose: string }): Promise<Lease> {
    const { ttlMs, purpose } = init
    const expiresAt = this.#clock.now() + ttlMs
    const lease = this.#hold(randomUUID(), { purpose, startSequence, expiresAt, ttlMs })
    await this.#save(lease)
    return lease
  }

  /** Those that an earlier process left. */
  abandoned(): Lease[] {
    return [...this.#held.values()].filter(({ row }) => row.endSequence !== undefined)
  }

  #hold(id: string, row: Row): HeldLease {
    const lease = new HeldLease(id, row, {
      now: () => this.#clock.now(),
      flush: (lease) => this.#flush(lease),
      release: (lease) => this.#release(lease),
    })
    this.#held.set(id, lease)
    return lease
  }

  // Not synced: only a crash needs it, and a power cut that takes it along takes chunks with it.
  #save(lease: HeldLease): Promise<void> {
    return this.#rows.put(lease.id, JSON.stringify(lease.row))
  }

  async #flush(lease: HeldLease): Promise<void> {
    const digests = lease.takeUnsaved()
    await this.#meta.batch(
      [
        {
          type: 'put' as const,
          sublevel: this.#rows,
          key: lease.id,
          value: JSON.stringify(lease.row),
        },
        ...digests.map((digest) => ({
          type: 'put' as const,
          sublevel: this.#digests,
          key: `${lease.id}:${digestHex(digest)}`,
          value: '',
        })),
      ],
      { sync: true },
    )
  }

  async #release(lease: HeldLease): Promise<void> {
    if (!this.#held.delete(lease.id)) return
    if (this.#sweeps > 0) this.#retired.push(lease)
    await this.#rows.del(lease.id)
    if (lease.saved) await this.#digests.clear({ gte: `${lease.id}:`, lt: `${lease.id};` })
  }

  async expire(): Promise<void> {
    const now = this.#clock.now()
    for (const lease of [...this.#held.values()]) {
      if (lease.row.expiresAt <= now) await this.#release(lease)
    }
  }

  /** Until {@link endSweep}, a lease that ends goes on covering. */
  beginSweep(): void {
    this.#sweeps++
  }

  endSweep(): void {
    this.#sweeps--
    if (this.#sweeps === 0) this.#retired = []
  }

  cover({ digest, sequence }: ChunkInfo): boolean {
    for (const lease of this.#held.values()) if (lease.covers(digest, sequence)) return true
    return this.#retired.some((lease) => lease.covers(digest, sequence))
  }
}

interface LeaseOwner {
  now(): number
  flush(lease: HeldLease): Promise<void>
  release(lease: HeldLease): Promise<void>
}

class HeldLease implements Lease {
  readonly id: string
  readonly row: Row
  readonly #owner: LeaseOwner
  readonly #protected = new Set<string>()
  readonly #unsaved = new Map<string, Digest>()
  /** It has digests in the database. */
  saved = false

  constructor(id: string, row: Row, owner: LeaseOwner) {
    this.id = id
    this.row = row
    this.#owner = owner
  }

  get purpose(): string {
    return this.row.purpose
  }

  get startSequence(): number {
    return this.row.startSequence
  }

  restore(digests: readonly Digest[]): void {
    for (const digest of digests) this.#protected.add(digestKey(digest))
    this.saved = digests.length > 0
  }

  protect(digests: readonly Digest[]): void {
    // Whoever works with it keeps it alive.
    this.row.expiresAt = this.#owner.now() + this.row.ttlMs
    if (this.row.startSequence === 0) return
    for (const digest of digests) {
      const key = digestKey(digest)
      if (this.#protected.has(key)) continue
      this.#protected.add(key)
      this.#unsaved.set(key, digest.slice())
    }
    if (this.#protected.size <= PROTECTED_MAX) return
    this.row.startSequence = 0
    this.#protected.clear()
    this.#unsaved.clear()
  }

  unprotect(digests: readonly Digest[]): void {
    for (const digest of digests) {
      const key = digestKey(digest)
      this.#protected.delete(key)
      this.#unsaved.delete(key)
    }
  }

  covers(digest: Digest, sequence: number): boolean {
    const { startSequence, endSequence = Number.POSITIVE_INFINITY } = this.row
    if (sequence >= startSequence && sequence < endSequence) return true
    return this.#protected.has(digestKey(digest))
  }

  takeUnsaved(): Digest[] {
    const digests = [...this.#unsaved.values()]
    this.#unsaved.clear()
    if (digests.length > 0) this.saved = true
    return digests
  }

  flush(): Promise<void> {
    return this.#owner.flush(this)
  }

  release(): Promise<void> {
    return this.#owner.release(this)
  }
}

function rowsOf(meta: MetaDb) {
  return meta.sublevel<string, string>('leases', { keyEncoding: 'utf8', valueEncoding: 'utf8' })
}

function digestsOf(meta: MetaDb) {
  return meta.sublevel<string, string>('lease-digests', {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
  })
}

function parse(text: string): Row | undefined {
  try {
    const row = JSON.parse(text) as Partial<Row>
    const numbers = [row.startSequence, row.expiresAt, row.ttlMs]
    if (!numbers.every((each) => Number.isFinite(each)) || typeof row.purpose !== 'string') {
      return undefined
    }
    return row as Row
  } catch {
    return undefined
  }
}
