/** Garbage: freed on demand, and now and then. */
import type { AbortOptions, Part } from '../base/index.js'
import { childController, DpsError } from '../base/index.js'
import type { Digest } from '../content/index.js'
import { type Log, silentLog } from '../observability/index.js'
import {
  type ChunkInfo,
  type ChunkStore,
  garbage,
  type References,
  type Sweep,
} from '../store/index.js'

export type CollectEvent =
  | { type: 'progress'; checked: number; total: number }
  | { type: 'summary'; chunks: number; bytes: number; reclaimedBytes: number }

export interface CollectorComponents {
  store: Pick<ChunkStore, 'list' | 'collect' | 'reclaim' | 'stats'>
  references: Pick<References, 'settle' | 'referenced' | 'sweep' | 'expire'>
  log?: Log
  /** Resolves when the references are all that is wanted, as far as can be known. */
  settled?: (options: AbortOptions) => Promise<void>
}

export interface CollectorInit {
  /** Between runs; 0: only on demand. @default 0 */
  intervalMs?: number
  /**
   * What runs in the background leave of what nothing keeps, newest first: it was read here and
   * may be again. 0 is a tenth of the disk. @default 0
   */
  cacheBytesMax?: number
}

const CACHE_SHARE = 10
/** Volumes of the log in which garbage is summed up, to find which is the oldest. */
const AGE_STEP = 64 * 1024 * 1024
const PROGRESS_EVERY_CHUNKS = 4096

interface Totals {
  chunks: number
  bytes: number
}

export class Collector implements Part {
  readonly serviceId = 'collector'
  readonly #components: CollectorComponents
  readonly #log: Log
  readonly #intervalMs: number
  readonly #cacheBytesMax: number
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #background: Promise<void> = Promise.resolve()
  /** One run at a time: a second one would find what the first is freeing. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(components: CollectorComponents, init: CollectorInit = {}) {
    this.#components = components
    this.#log = (components.log ?? silentLog).child({
      component: 'collector',
      service_id: this.serviceId,
    })
    this.#intervalMs = init.intervalMs ?? 0
    this.#cacheBytesMax = init.cacheBytesMax ?? 0
  }

  async start(): Promise<void> {
    if (this.#intervalMs > 0) this.#schedule()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DpsError('CANCELLED', 'the collector is stopping'))
    clearTimeout(this.#timer)
    await this.#background
    await this.#turn
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#background = this.#runInBackground()
    }, this.#intervalMs)
    this.#timer.unref()
  }

  async #runInBackground(): Promise<void> {
    const { signal } = this.#stopping
    try {
      const summary = await this.#exclusive(() => this.#trim(signal))
      if (summary.chunks > 0) this.#log.info({ ...summary }, 'garbage was collected')
    } catch (error) {
      if (signal.aborted) return
      this.#log.warn({ err: error }, 'garbage could not be collected')
    }
    if (!signal.aborted) this.#schedule()
  }

  /**
   * Frees everything that nothing keeps, then gives its space back. Progress in chunks looked at.
   * With `dryRun`, only counts.
   *
   * @throws DATA_LOSS when a pinned manifest cannot be read: what it leads to is unknown, so
   *   nothing is freed.
   */
  async *collect(options: AbortOptions & { dryRun?: boolean } = {}): AsyncGenerator<CollectEvent> {
    const controller = childController(options.signal)
    const stop = () => controller.abort(this.#stopping.signal.reason)
    this.#stopping.signal.addEventListener('abort', stop, { once: true })
    const progress = new Progress()
    try {
      const run = this.#exclusive(() =>
        this.#collect(controller.signal, progress, options.dryRun === true),
      )
      run.then(
        () => progress.end(),
        () => progress.end(),
      )
      yield* progress
      yield { type: 'summary', ...(await run) }
    } finally {
      controller.abort(new DpsError('CANCELLED', 'nobody waits for the collector'))
      this.#stopping.signal.removeEventListener('abort', stop)
      controller.dispose()
    }
  }

  async #collect(
    signal: AbortSignal,
    progress: Progress,
    dryRun: boolean,
  ): Promise<Totals & { reclaimedBytes: number }> {
    const { store, references, settled } = this.#components
    await settled?.({ signal })
    await references.expire({ signal })
    progress.total = (await store.stats({ signal })).chunks
    return this.#sweep(async (sweep) => {
      const onChecked = (chunks: number) => progress.add(chunks)
      const candidates = garbage(store, references, sweep, { signal, onChecked })
      if (!dryRun) return this.#free(candidates, sweep, signal)
      const found: Totals = { chunks: 0, bytes: 0 }
      for await (const { sizeBytes } of candidates) {
        found.chunks++
        found.bytes += sizeBytes
      }
      return { ...found, reclaimedBytes: 0 }
    })
  }

  /** Frees the oldest of what nothing keeps, down to what a cache may hold. */
  async #trim(signal: AbortSignal): Promise<Totals & { reclaimedBytes: number }> {
    const { store, references } = this.#components
    await references.expire({ signal })
    return this.#sweep(async (sweep) => {
      const { capacityBytes } = await store.stats({ signal })
      const keepBytes = this.#cacheBytesMax || Math.floor(capacityBytes / CACHE_SHARE)
      const ages = new Map<number, number>()
      let bytes = 0
      for await (const { sequence, sizeBytes } of garbage(store, references, sweep, { signal })) {
        const age = Math.floor(sequence / AGE_STEP)
        ages.set(age, (ages.get(age) ?? 0) + sizeBytes)
        bytes += sizeBytes
      }
      let before = 0
      for (const [age, ageBytes] of [...ages].sort(([a], [b]) => a - b)) {
        if (bytes <= keepBytes) break
        bytes -= ageBytes
        before = (age + 1) * AGE_STEP
      }
      if (before === 0) return { chunks: 0, bytes: 0, reclaimedBytes: 0 }
      return this.#free(older(garbage(store, references, sweep, { signal }), before), sweep, signal)
    })
  }

  async #free(
    candidates: AsyncIterable<ChunkInfo>,
    sweep: Sweep,
    signal: AbortSignal,
  ): Promise<Totals & { reclaimedBytes: number }> {
    const { store } = this.#components
    const isGarbage = (chunk: ChunkInfo) => sweep.mayFree(chunk)
    const freed = await store.collect(digestsOf(candidates), { isGarbage, signal })
    // Also when nothing was freed: an earlier run may have been cut short before this.
    const { reclaimedBytes } = await store.reclaim({ signal })
    return { ...freed, reclaimedBytes }
  }

  async #sweep<T>(work: (sweep: Sweep) => Promise<T>): Promise<T> {
    const sweep = this.#components.references.sweep()
    try {
      return await work(sweep)
    } finally {
      sweep.end()
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work)
    this.#turn = run.catch(() => {})
    return run
  }
}

async function* digestsOf(chunks: AsyncIterable<ChunkInfo>): AsyncGenerator<Digest> {
  for await (const { digest } of chunks) yield digest
}

async function* older(chunks: AsyncIterable<ChunkInfo>, before: number): AsyncGenerator<ChunkInfo> {
  for await (const chunk of chunks) if (chunk.sequence < before) yield chunk
}

/** The newest count for whoever asks: a slow consumer misses counts, never holds up the work. */
class Progress implements AsyncIterable<CollectEvent> {
  total = 0
  #checked = 0
  #told = 0
  #ended = false
  #wake: (() => void) | undefined

  add(chunks: number): void {
    this.#checked += chunks
    if (this.#checked - this.#told >= PROGRESS_EVERY_CHUNKS) this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CollectEvent> {
    while (!this.#ended) {
      if (this.#checked - this.#told < PROGRESS_EVERY_CHUNKS) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
        if (this.#ended) break
      }
      this.#told = this.#checked
      yield { type: 'progress', checked: this.#checked, total: this.total }
    }
    yield { type: 'progress', checked: this.#checked, total: this.total }
  }
}
