/**
 * What the cluster placed on this node, kept in step with what its disk keeps.
 *
 * The replicated state says which contents this node holds; the store's references keep their
 * chunks. Whatever changes there is followed here, and everything is compared at each start and
 * whenever the state was replaced, so that no crash in between loses a chunk or leaves one behind.
 * Nothing is dropped unless a linearizable read says that the cluster wants it no longer, and
 * nothing is freed at all until the first comparison is done.
 */
import type { CID } from 'multiformats/cid'
import {
  type AbortOptions,
  DpsError,
  delay,
  type Part,
  raceSignal,
  toDpsError,
} from '../base/index.js'
import { cidOfBytes, formatCid } from '../content/index.js'
import { type Authority, heldBy, heldContents, isHeldBy, uploads } from '../metadata/index.js'
import type { Log } from '../observability/index.js'
import type { Lease, References } from '../store/index.js'
import type { FilesNetwork } from './network.js'

/** Contents written together: one synced write. */
const BATCH = 512
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 10_000
/** How long an import that is under way is waited for before it is looked at again. */
const IMPORT_POLL_MS = 500
/** Purpose of the leases of puts. */
export const PUT_PURPOSE = 'put'

export interface HoldingsComponents {
  authority: Pick<Authority, 'read' | 'execute' | 'onApplied'>
  references: Pick<
    References,
    'place' | 'unplace' | 'placed' | 'arePlaced' | 'keepEverything' | 'abandonedLeases'
  >
  network: Pick<FilesNetwork, 'forget'>
  log: Log
  /** While contents are being brought into another cluster, it does not know yet what is here. */
  importing?: () => boolean
}

export interface HoldingsInit {
  /** This node's: what the state calls a holder. */
  peerId: string
  /** Looks at the state only when somebody waits for it. @default false */
  lazy?: boolean
}

interface Abandoned {
  uploadId: number | undefined
  lease: Lease
}

export class Holdings implements Part {
  readonly serviceId = 'holdings'
  readonly #components: HoldingsComponents
  readonly #peerId: string
  readonly #lazy: boolean
  readonly #log: Log
  readonly #stopping = new AbortController()
  #unhook: () => void = () => {}
  /** Contents whose holding changed, by the text of their CIDs' bytes. */
  #changed = new Map<string, CID>()
  /** Everything must be compared. */
  #compare = true
  #free: (() => void) | undefined
  #abandoned: Abandoned[] = []
  /** What puts placed since the current look at the state began. */
  readonly #placedNow = new Set<string>()
  /** Uploads of an earlier process, to be ended; undefined until they are known. */
  #oldUploads: number[] | undefined
  /** At work on what is none of the other fields any longer. */
  #busy = true
  #working: Promise<void> | undefined
  #wake: (() => void) | undefined
  #waiting: (() => void)[] = []

  constructor(components: HoldingsComponents, { peerId, lazy = false }: HoldingsInit) {
    const log = components.log.child({ component: 'files', service_id: 'holdings' })
    this.#components = components
    this.#log = log
    this.#peerId = peerId
    this.#lazy = lazy
  }

  /** Compares in the background: a state that waits for its quorum holds up nobody's start. */
  async start(): Promise<void> {
    this.#keepEverything()
    this.#unhook = this.#components.authority.onApplied((keys) => this.#onApplied(keys))
    if (!this.#lazy) this.#begin()
  }

  #begin(): void {
    this.#working ??= this.#work()
  }

  async stop(): Promise<void> {
    this.#unhook()
    this.#stopping.abort(new DpsError('CANCELLED', 'the node is stopping'))
    this.#wake?.()
    await this.#working
  }

  /** Resolves when a put may open an upload: those of an earlier process are told apart. */
  ready(options: AbortOptions = {}): Promise<void> {
    return this.#until(() => this.#oldUploads !== undefined, options)
  }

  /** Resolves when the disk keeps what the state says. */
  settled(options: AbortOptions = {}): Promise<void> {
    return this.#until(() => this.#isIdle(), options)
  }

  /** Keeps what a put has committed; its lease is needed no longer then. */
  async hold(cids: readonly CID[], lease: Lease): Promise<void> {
    const { authority, references } = this.#components
    for (const cid of cids) this.#placedNow.add(keyOf(cid))
    await references.place(cids, { lease })
    const view = await authority.read({ stale: true })
    // What is still so in this turn needs no second look: a later change is told later.
    for (const cid of cids) {
      if (isHeldBy(view, this.#peerId, cid.bytes)) this.#changed.delete(keyOf(cid))
    }
    if (this.#isIdle()) this.#turned()
  }

  /**
   * A put that failed, or whose outcome nobody knows: its upload is ended, what it committed after
   * all is kept, then its lease goes.
   */
  abandon(uploadId: number | undefined, lease: Lease): void {
    this.#abandoned.push({ uploadId, lease })
    this.#wake?.()
  }

  #onApplied(keys: readonly Uint8Array[] | 'all'): void {
    if (keys === 'all') {
      this.#compare = true
      this.#keepEverything()
    } else {
      for (const key of keys) {
        if (key[0] !== HOLDER_LETTER) continue
        const fileId = heldBy(this.#peerId, key)
        if (fileId === undefined) continue
        const cid = cidOfBytes(fileId)
        this.#changed.set(keyOf(cid), cid)
      }
    }
    if (!this.#isIdle()) this.#wake?.()
  }

  #keepEverything(): void {
    this.#free ??= this.#components.references.keepEverything()
  }

  #isIdle(): boolean {
    return !this.#busy && !this.#compare && this.#changed.size === 0 && this.#abandoned.length === 0
  }

  async #until(isSo: () => boolean, { signal }: AbortOptions): Promise<void> {
    this.#begin()
    while (!isSo()) {
      this.#stopping.signal.throwIfAborted()
      const turned = new Promise<void>((resolve) => this.#waiting.push(resolve))
      await raceSignal(turned, signal)
    }
  }

  #turned(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Until the stop. Never rejects. */
  async #work(): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      try {
        this.#busy = true
        await this.#step({ signal })
        this.#busy = false
        failures = 0
        this.#turned()
        if (!this.#isIdle()) continue
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          if (signal.aborted) resolve()
        })
        this.#wake = undefined
      } catch (error) {
        if (signal.aborted) break
        const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures++)
        this.#log.debug({ err: toDpsError(error), wait_ms: waitMs }, 'holdings are not known now')
        await delay(waitMs, { signal }).catch(() => {})
      }
    }
    this.#turned()
  }

  async #step(options: { signal: AbortSignal }): Promise<void> {
    if (this.#oldUploads === undefined) await this.#findOldUploads(options)
    else if (this.#oldUploads.length > 0) await this.#endOldUploads(this.#oldUploads, options)
    else if (this.#compare) await this.#compareAll(options)
    else if (this.#changed.size > 0) await this.#follow(options)
    else if (this.#abandoned.length > 0) await this.#endAbandoned(options)
  }

  async #findOldUploads(options: { signal: AbortSignal }): Promise<void> {
    const view = await this.#components.authority.read(options)
    const own: number[] = []
    for await (const { uploadId, holder } of uploads(view, options)) {
      if (holder === this.#peerId) own.push(uploadId)
    }
    this.#oldUploads = own
  }

  /** Only then it is sure what they committed. */
  async #endOldUploads(own: readonly number[], options: { signal: AbortSignal }): Promise<void> {
    const uploadIds = own.slice(0, BATCH)
    const close = { type: 'closeUploads' as const, uploadIds, expiredOnly: false }
    await this.#components.authority.execute(close, options)
    this.#oldUploads = own.slice(BATCH)
  }

  /** Merges the state's list and the disk's; both are in byte order. */
  async #compareAll(options: { signal: AbortSignal }): Promise<void> {
    const { authority, references } = this.#components
    // Before the look at the state: what changes from here on is followed afterwards.
    this.#compare = false
    this.#placedNow.clear()
    try {
      const view = await authority.read(options)
      const missing = new Batch((cids) => this.#keep(cids))
      const extra = new Batch((cids) => this.#drop(cids, options))
      const here = references.placed(options)
      let next = await here.next()
      for await (const fileIds of heldContents(view, this.#peerId, options)) {
        for (const fileId of fileIds) {
          while (!next.done && Buffer.compare(next.value.bytes, fileId) < 0) {
            await extra.add(next.value)
            next = await here.next()
          }
          if (!next.done && Buffer.compare(next.value.bytes, fileId) === 0) next = await here.next()
          else await missing.add(cidOfBytes(fileId))
        }
      }
      for (; !next.done; next = await here.next()) await extra.add(next.value)
      await missing.flush()
      await extra.flush()
    } catch (error) {
      this.#compare = true
      throw error
    }
    await this.#releaseLeases()
    // Unless the state was replaced meanwhile.
    if (this.#compare) return
    this.#free?.()
    this.#free = undefined
  }

  /** Of puts of an earlier process: their uploads are over, what they committed is kept now. */
  async #releaseLeases(): Promise<void> {
    for (const lease of this.#components.references.abandonedLeases()) {
      if (lease.purpose === PUT_PURPOSE) await lease.release()
    }
  }

  async #follow(options: { signal: AbortSignal }): Promise<void> {
    const changed = this.#changed
    this.#changed = new Map()
    this.#placedNow.clear()
    try {
      const view = await this.#components.authority.read(options)
      const held = new Batch((cids) => this.#keep(cids))
      const gone = new Batch((cids) => this.#drop(cids, options))
      for (const cid of changed.values()) {
        await (isHeldBy(view, this.#peerId, cid.bytes) ? held : gone).add(cid)
      }
      await held.flush()
      await gone.flush()
    } catch (error) {
      for (const [key, cid] of changed) this.#changed.set(key, cid)
      throw error
    }
  }

  async #keep(cids: readonly CID[]): Promise<void> {
    const { references } = this.#components
    const placed = await references.arePlaced(cids)
    await references.place(cids.filter((_, i) => !placed[i]))
  }

  /** Drops what a look at the state after this call does not name either. */
  async #drop(cids: readonly CID[], options: { signal: AbortSignal }): Promise<void> {
    const { authority, references, network, importing } = this.#components
    while (importing?.()) await delay(IMPORT_POLL_MS, options)
    const view = await authority.read(options)
    const isGone = (cid: CID) =>
      !isHeldBy(view, this.#peerId, cid.bytes) && !this.#placedNow.has(keyOf(cid))
    // Looked at and dropped in one turn: what a put places from now on comes after it.
    const gone = cids.filter(isGone)
    await references.unplace(gone)
    for (const cid of gone) {
      this.#log.debug({ cid: formatCid(cid) }, 'a content is placed here no longer')
      await network.forget(cid).catch(() => {})
    }
  }

  async #endAbandoned(options: { signal: AbortSignal }): Promise<void> {
    const [first] = this.#abandoned
    if (first === undefined) return
    const { uploadId, lease } = first
    if (uploadId !== undefined) {
      const close = { type: 'closeUploads' as const, uploadIds: [uploadId], expiredOnly: false }
      await this.#components.authority.execute(close, options)
      // What it committed before has been announced as changed by now, or is with this read.
      await this.#components.authority.read(options)
      if (this.#changed.size > 0) await this.#follow(options)
    }
    await lease.release()
    this.#abandoned.shift()
  }
}

const HOLDER_LETTER = 'h'.charCodeAt(0)

/** Hands over what was added, so many at a time. */
class Batch {
  readonly #work: (cids: readonly CID[]) => Promise<void>
  #cids: CID[] = []

  constructor(work: (cids: readonly CID[]) => Promise<void>) {
    this.#work = work
  }

  async add(cid: CID): Promise<void> {
    this.#cids.push(cid)
    if (this.#cids.length === BATCH) await this.flush()
  }

  async flush(): Promise<void> {
    const cids = this.#cids
    this.#cids = []
    if (cids.length > 0) await this.#work(cids)
  }
}

function keyOf(cid: CID): string {
  return Buffer.from(cid.bytes).toString('latin1')
}
