/**
 * Commits of one put: what was stored becomes visible in few commands, however many files there
 * are. While one command is under way, what comes meanwhile waits for the next.
 */
import type { CID } from 'multiformats/cid'
import { DpsError, type ErrorCode } from '../base/index.js'
import { type Authority, type EntryChange, PUT_ITEMS_MAX, type PutItem } from '../metadata/index.js'
import type { ChunkStore, Lease } from '../store/index.js'
import type { Holdings } from './holdings.js'
import type { FilesNetwork } from './network.js'

/** A command is one entry of the log: far below what that may have. */
const COMMAND_BYTES_MAX = 256 * 1024
/** Beside its names. */
const ITEM_BYTES = 128
/** So many are committed at once, fewer after a moment. */
const GATHERED_ENOUGH = 512
const GATHER_MS = 100
/** Items that may wait before who adds more has to. */
const WAITING_MAX = 4 * PUT_ITEMS_MAX

export interface CommitsComponents {
  authority: Pick<Authority, 'execute'>
  holdings: Pick<Holdings, 'hold'>
  store: Pick<ChunkStore, 'barrier'>
  network: Pick<FilesNetwork, 'announceLater'>
}

export interface CommitsInit {
  uploadId: number
  lease: Lease
  announce: boolean
  signal: AbortSignal
}

interface Waiting {
  item: PutItem
  cid: CID | undefined
  done(change: EntryChange): void
  failed(error: unknown): void
}

export class Commits {
  readonly #components: CommitsComponents
  readonly #init: CommitsInit
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #closed = false
  /** More is expected soon. */
  #gathers = true
  #full: (() => void) | undefined
  #failure: { error: unknown } | undefined

  constructor(components: CommitsComponents, init: CommitsInit) {
    this.#components = components
    this.#init = init
  }

  /**
   * In the order of the calls. The outcome rejects with what the item was refused for, which
   * concerns no other item.
   *
   * @param cid of a file, whose chunks are stored but need not be durable.
   */
  async add(item: PutItem, cid?: CID): Promise<{ outcome: Promise<EntryChange> }> {
    const outcome = new Promise<EntryChange>((done, failed) => {
      this.#waiting.push({ item, cid, done, failed })
    })
    outcome.catch(() => {})
    this.#run()
    if (this.#waiting.length >= GATHERED_ENOUGH) this.#full?.()
    if (this.#waiting.length >= WAITING_MAX) await this.#running
    this.#throwFailure()
    return { outcome }
  }

  /** Everything added so far is committed when it resolves; what still comes is not waited with. */
  async drain(): Promise<void> {
    this.#gathers = false
    this.#full?.()
    while (this.#running !== undefined) await this.#running
    this.#throwFailure()
  }

  /** Everything is committed and the upload ended when it resolves. */
  async finish(): Promise<void> {
    await this.drain()
    if (!this.#closed) await this.#commit([], true)
  }

  /** For a put of one item: its command ends the upload too. */
  async only(item: PutItem, cid: CID): Promise<EntryChange> {
    return new Promise((done, failed) => {
      this.#commit([{ item, cid, done, failed }], true).catch(failed)
    })
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #run(): void {
    this.#running ??= this.#commitAll().finally(() => {
      this.#running = undefined
    })
  }

  async #commitAll(): Promise<void> {
    // What is added in this turn goes together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      await this.#gather()
      const batch = this.#take()
      try {
        if (this.#failure === undefined) await this.#commit(batch, false)
      } catch (error) {
        this.#failure = { error }
      }
      if (this.#failure !== undefined) for (const { failed } of batch) failed(this.#failure.error)
    }
  }

  /** A commit costs the disk three syncs, whether of one file or of a thousand. */
  async #gather(): Promise<void> {
    if (!this.#gathers || this.#waiting.length >= GATHERED_ENOUGH || this.#failure !== undefined) {
      return
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS)
      this.#full = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#full = undefined
  }

  #take(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { item } of this.#waiting) {
      bytes += ITEM_BYTES
      for (const name of item.place.names) bytes += name.length * 3 + 2
      if (count === PUT_ITEMS_MAX || (count > 0 && bytes > COMMAND_BYTES_MAX)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(batch: readonly Waiting[], closes: boolean): Promise<void> {
    const { authority, holdings, store, network } = this.#components
    const { uploadId, lease, announce, signal } = this.#init
    const items = batch.map(({ item }) => item)
    // Whoever sees the entry must find its content, also after a power cut.
    if (batch.some(({ cid }) => cid !== undefined)) await store.barrier({ signal })
    const result = await authority.execute({ type: 'put', uploadId, items, closes }, { signal })
    if (closes) this.#closed = true
    const committed = batch.flatMap(({ cid }, i) => {
      const change = result.items[i]
      return cid === undefined || change === undefined || 'code' in change ? [] : [cid]
    })
    await holdings.hold(committed, lease)
    if (announce) network.announceLater(committed)
    for (const [i, { done, failed }] of batch.entries()) {
      const change = result.items[i]
      if (change === undefined) failed(new DpsError('INTERNAL', 'a put without an outcome'))
      else if ('code' in change) failed(refusal(change))
      else done(change)
    }
  }
}

function refusal({ code, message, hint }: { code: ErrorCode; message: string; hint: string }) {
  return new DpsError(code, message, hint === '' ? {} : { hint })
}
