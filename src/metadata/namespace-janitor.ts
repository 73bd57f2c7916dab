/** At the leader: takes detached directories apart, and ends uploads whose time is up. */
import { type AbortOptions, type Clock, type Part, type Timers, toDpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import type { Authority } from './authority.js'
import { CLOSE_UPLOADS_MAX, PRUNE_NAMES_MAX } from './namespace-limits.js'
import { detachedDirectories, namesOf, uploads } from './namespace-reads.js'

export interface NamespaceJanitorComponents {
  authority: Pick<Authority, 'status' | 'read' | 'execute' | 'onChange' | 'onApplied'>
  clock: Pick<Clock, 'now'>
  timers: Pick<Timers, 'after'>
  log: Log
}

export interface NamespaceJanitorInit {
  /** How often uploads are looked through. @default 60_000 */
  intervalMs?: number
}

/** Directories pruned in one go before others are looked for. */
const DIRECTORIES_AT_ONCE = 64
const RETRY_MS = 1_000
/** First byte of the keys of detached directories. */
const TRASH_LETTER = 't'.charCodeAt(0)

export class NamespaceJanitor implements Part {
  readonly serviceId = 'namespace-janitor'
  readonly #components: NamespaceJanitorComponents
  readonly #intervalMs: number
  #stopping = new AbortController()
  #unhook: () => void = () => {}
  #cancel: () => void = () => {}
  #cancelRetry: () => void = () => {}
  /** The pruning under way. */
  #pruning: Promise<void> | undefined
  #again = false
  #sweeping: Promise<void> = Promise.resolve()

  constructor(components: NamespaceJanitorComponents, init: NamespaceJanitorInit = {}) {
    this.#components = components
    this.#intervalMs = init.intervalMs ?? 60_000
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    const { authority } = this.#components
    const offChange = authority.onChange(() => this.#prune())
    const offApplied = authority.onApplied((keys) => {
      if (keys === 'all' || keys.some((key) => key[0] === TRASH_LETTER)) this.#prune()
    })
    this.#unhook = () => {
      offChange()
      offApplied()
    }
    this.#prune()
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#unhook()
    this.#cancel()
    this.#cancelRetry()
    this.#stopping.abort()
    await Promise.all([this.#pruning, this.#sweeping])
  }

  /** Resolves when nothing that this node leads is left to prune. */
  async settled({ signal }: AbortOptions = {}): Promise<void> {
    while (this.#pruning !== undefined && !signal?.aborted) await this.#pruning
  }

  #prune(): void {
    if (this.#stopping.signal.aborted || !this.#leads()) return
    this.#again = true
    this.#pruning ??= this.#pruneAll().finally(() => {
      this.#pruning = undefined
    })
  }

  #leads(): boolean {
    try {
      return this.#components.authority.status().leading
    } catch {
      // Without a replica there is nothing to lead.
      return false
    }
  }

  async #pruneAll(): Promise<void> {
    const { log, timers } = this.#components
    const { signal } = this.#stopping
    try {
      while (this.#again && this.#leads()) {
        this.#again = false
        while (await this.#pruneSome({ signal })) {}
      }
    } catch (error) {
      // Whoever leads then goes on: a prune may come twice.
      if (signal.aborted) return
      log.debug({ component: 'metadata', err: toDpsError(error) }, 'removed folders wait')
      this.#cancelRetry = timers.after(RETRY_MS, () => this.#prune())
    }
  }

  /** @returns whether there was anything. */
  async #pruneSome(options: { signal: AbortSignal }): Promise<boolean> {
    const { authority, log } = this.#components
    const view = await authority.read({ stale: true })
    const directories = await detachedDirectories(view, DIRECTORIES_AT_ONCE, options)
    let done = false
    for (const directoryId of directories) {
      for (;;) {
        const names = await namesOf(view, directoryId, PRUNE_NAMES_MAX, options)
        const { left } = await authority.execute({ type: 'prune', directoryId, names }, options)
        done ||= names.length > 0 || left === 0
        if (left === 0) break
        if (names.length > 0) continue
        log.error(
          { component: 'metadata', directory: directoryId, left },
          'a removed folder counts entries that it does not have',
        )
        break
      }
    }
    return done
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return
    this.#cancel = this.#components.timers.after(this.#intervalMs, () => {
      this.#sweeping = this.#sweep().then(() => this.#schedule())
    })
  }

  async #sweep(): Promise<void> {
    const { authority, clock, log } = this.#components
    const { signal } = this.#stopping
    if (!this.#leads()) return
    try {
      let expired: number[] = []
      const close = async () => {
        const uploadIds = expired
        expired = []
        await authority.execute({ type: 'closeUploads', uploadIds, expiredOnly: true }, { signal })
      }
      const nowMs = clock.now()
      for await (const { uploadId, expiresAtMs } of uploads(
        await authority.read({ stale: true }),
      )) {
        if (expiresAtMs > nowMs) continue
        expired.push(uploadId)
        if (expired.length === CLOSE_UPLOADS_MAX) await close()
      }
      if (expired.length > 0) await close()
    } catch (error) {
      if (signal.aborted) return
      log.debug(
        { component: 'metadata', err: toDpsError(error) },
        'uploads were not looked through',
      )
    }
  }
}
