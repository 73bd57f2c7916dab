/**
 * Opening a disk's two databases: after a clean stop, after a crash, with a lost index, with a
 * full disk; and opening them again after an I/O error.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DpsError } from '../base/index.js'
import { decodeRecordHeader, digestKey } from '../content/index.js'
import type { Log } from '../observability/index.js'
import { ChunkIndex, type IndexEntry, type IndexState, REBUILD_SUFFIX } from './chunk-index.js'
import { ChunkLog } from './chunk-log.js'
import { formatOf } from './data-dir.js'
import { BALLAST_BYTES, type DiskSpace } from './disk-space.js'
import { headerOfKey, locationOf, sequenceOfKey } from './keys.js'
import { repairLevel } from './level-db.js'
import { writeFileDurably } from './write-file.js'

const FORMAT = 1
/** After a failure, how often it is tried again, once somebody asks. */
const REOPEN_EVERY_MS = 1000

export interface DatabasesComponents {
  log: Log
  space: DiskSpace
  /** Called between a reopen and the first use. */
  reopened(): Promise<void>
}

export interface DatabasesInit {
  path: string
  repair: boolean
}

export class Databases {
  readonly #components: DatabasesComponents
  readonly #path: string
  readonly #repair: boolean
  #log: ChunkLog
  #index: ChunkIndex
  #opened = false
  #closed = false
  #checkpoint = 0
  #failure: unknown
  #reopening: Promise<void> | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY
  #clearing: Promise<void> = Promise.resolve()

  constructor(components: DatabasesComponents, { path, repair }: DatabasesInit) {
    this.#components = components
    this.#path = path
    this.#repair = repair
    this.#log = new ChunkLog(this.#chunksPath)
    this.#index = new ChunkIndex(this.#indexPath)
  }

  get log(): ChunkLog {
    return this.#log
  }

  get index(): ChunkIndex {
    return this.#index
  }

  get nextSequence(): number {
    return this.#log.nextSequence
  }

  async open(): Promise<void> {
    await this.#checkMarker()
    if (this.#repair) await this.#repairChunks()
    // Recovery writes: with a full disk, the ballast makes its room.
    const { space } = this.#components
    if ((await space.freeBytes()) < BALLAST_BYTES) await space.dropBallast()
    try {
      await this.#openBoth(0)
    } catch (error) {
      const full = error instanceof DpsError && error.code === 'RESOURCE_EXHAUSTED'
      if (!full || !(await space.dropBallast())) throw error
      await this.#openBoth(0)
    }
    this.#opened = true
  }

  /** Resolves when something can be written; rejects with why it can't. */
  async writable(): Promise<void> {
    await this.readable()
    if (this.#failure !== undefined) throw this.#unavailable()
  }

  /** As {@link writable}, but what failed only at writing can still be read. */
  async readable(): Promise<void> {
    if (this.#failure !== undefined) this.#reopenSoon()
    if (this.#reopening !== undefined) await this.#reopening
    if (this.#opened) return
    if (this.#failure !== undefined) throw this.#unavailable()
    throw new DpsError('UNAVAILABLE', 'the chunk store is not open')
  }

  /**
   * After a write failed: this handle must acknowledge nothing any more, because it can take synced
   * writes and lose them. It is closed and opened again as soon as there is room.
   */
  failed(error?: unknown): void {
    const cause = error ?? this.#log.failure
    if (cause === undefined || this.#closed || this.#failure !== undefined) return
    this.#failure = cause
    this.#components.log.error({ err: cause }, 'the disk failed: the store reopens')
  }

  problem(): DpsError | undefined {
    return this.#failure === undefined ? undefined : this.#unavailable()
  }

  #unavailable(): DpsError {
    const cause = this.#failure
    if (cause instanceof DpsError && cause.code === 'RESOURCE_EXHAUSTED') return cause
    return new DpsError('UNAVAILABLE', 'the chunk store failed and is not open again yet', {
      cause,
      hint: `look at the disk of ${this.#path}, then try again`,
    })
  }

  #reopenSoon(): void {
    const now = performance.now()
    if (this.#reopening !== undefined || now - this.#triedAtMs < REOPEN_EVERY_MS) return
    this.#triedAtMs = now
    this.#reopening = this.#reopen()
      .catch((error) => {
        this.#failure = error
      })
      .finally(() => {
        this.#reopening = undefined
      })
  }

  async #reopen(): Promise<void> {
    const { space, log } = this.#components
    const free = await space.freeBytes()
    // The recovery itself writes; without room it would only fail again.
    if (free < BALLAST_BYTES && !(await space.dropBallast())) return
    const { nextSequence } = this.#log
    this.#opened = false
    await this.#log.close().catch(() => {})
    await this.#index.close().catch(() => {})
    this.#log = new ChunkLog(this.#chunksPath)
    this.#index = new ChunkIndex(this.#indexPath)
    await this.#openBoth(nextSequence)
    await this.#components.reopened()
    this.#opened = true
    this.#failure = undefined
    log.warn('the store is open again')
  }

  async #openBoth(nextSequence: number): Promise<void> {
    await this.#log.open()
    try {
      const state = await this.#openIndex()
      const used = Math.max(nextSequence, state?.nextSequence ?? 0)
      this.#log.nextSequence = Math.max(this.#log.nextSequence, used)
      await this.#recover(state)
    } catch (error) {
      await this.#index.close().catch(() => {})
      await this.#log.close().catch(() => {})
      this.#log = new ChunkLog(this.#chunksPath)
      this.#index = new ChunkIndex(this.#indexPath)
      throw error
    }
  }

  /** An index that is damaged or gone is built anew; a damaged one is kept aside. */
  async #openIndex(): Promise<IndexState | undefined> {
    const flag = `${this.#indexPath}${REBUILD_SUFFIX}`
    const asked = await exists(flag)
    if (asked) await this.#moveIndexAside()
    await rm(flag, { force: true })
    try {
      return await this.#index.open()
    } catch (error) {
      if (!(error instanceof DpsError) || error.code !== 'DATA_LOSS') throw error
      this.#components.log.warn({ err: error }, 'the index is damaged: it is built anew')
      await this.#moveIndexAside()
      this.#index = new ChunkIndex(this.#indexPath)
      return this.#index.open()
    }
  }

  async #moveIndexAside(): Promise<void> {
    const aside = `${this.#indexPath}.broken`
    await rm(aside, { recursive: true, force: true })
    if (await exists(this.#indexPath)) await rename(this.#indexPath, aside)
  }

  /** Indexes the records behind the checkpoint that a crash left without an entry. */
  async #recover(state: IndexState | undefined): Promise<void> {
    const checkpoint = state?.checkpoint ?? 0
    const found = state?.clean ? 0 : await this.#indexTail(checkpoint)
    if (!state?.clean) this.#index.recount()
    const next = { checkpoint: this.nextSequence, nextSequence: this.nextSequence, clean: false }
    const { clearing } = state ?? {}
    const part = clearing ? { ...next, clearing } : next
    if (found > 0) {
      this.#components.log.info({ records: found }, 'records of an unclean stop are indexed')
      await this.#index.checkpoint(part)
    } else {
      await this.#index.save(part)
    }
    if (clearing !== undefined) this.#finishClearing(clearing)
  }

  async #indexTail(from: number): Promise<number> {
    let found = 0
    for await (const keys of this.#log.keysFrom(from)) {
      const latest = new Map<string, IndexEntry>()
      for (const key of keys) {
        const entry = entryOfKey(key)
        // A header that fails its CRC has no name to be indexed under.
        if (entry === undefined) continue
        latest.set(digestKey(entry.digest), entry)
      }
      if (latest.size > 0) await this.#index.add([...latest.values()])
      found += latest.size
    }
    return found
  }

  /** A reclaim was cut short after its last live record had moved: the rest is deletion. */
  #finishClearing({ from, to }: { from: number; to: number }): void {
    const log = this.#log
    this.#clearing = (async () => {
      await log.clear(from, to)
      const { nextSequence } = this
      await this.#index.save({ checkpoint: this.#checkpoint, nextSequence, clean: false })
    })().catch((error) => {
      this.#components.log.warn({ err: error }, 'an interrupted reclaim was not finished')
    })
  }

  /** Everything below is durable in the log and in the index. */
  async checkpoint(checkpoint: number, clearing?: { from: number; to: number }): Promise<void> {
    this.#checkpoint = checkpoint
    const { nextSequence } = this
    await this.#index.checkpoint({
      checkpoint,
      nextSequence,
      clean: false,
      ...(clearing && { clearing }),
    })
  }

  async close({ checkpoint }: { checkpoint: number }): Promise<void> {
    this.#closed = true
    await this.#reopening
    if (!this.#opened) return
    this.#opened = false
    await this.#clearing
    const { nextSequence } = this
    const clean = this.#failure === undefined && this.#log.failure === undefined
    try {
      if (clean) await this.#index.checkpoint({ checkpoint, nextSequence, clean })
    } finally {
      await this.#log.close()
      await this.#index.close()
    }
  }

  async #repairChunks(): Promise<void> {
    if (!(await exists(this.#chunksPath))) return
    this.#components.log.warn('the chunk database is rebuilt from its tables')
    await repairLevel(this.#chunksPath)
    await this.#moveIndexAside()
  }

  /** `disk.json` says that this is one of our disks, and which. */
  async #checkMarker(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 })
    const path = join(this.#path, 'disk.json')
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) {
      if (await exists(this.#chunksPath)) {
        throw new DpsError('DATA_LOSS', `${path} is missing beside existing chunks`, {
          hint: 'is the right disk mounted there? then restore that file',
        })
      }
      const marker = { format: FORMAT, id: randomUUID() }
      await writeFileDurably(path, `${JSON.stringify(marker)}\n`)
      return
    }
    const format = formatOf(text)
    if (format === undefined) throw new DpsError('DATA_LOSS', `${path} is damaged`)
    if (format > FORMAT) {
      throw new DpsError(
        'FAILED_PRECONDITION',
        `${path}: format ${format} is newer than ${FORMAT}`,
        {
          hint: 'use the dps-node version that wrote it, or a newer one',
        },
      )
    }
  }

  get #chunksPath(): string {
    return join(this.#path, 'chunks')
  }

  get #indexPath(): string {
    return join(this.#path, 'index')
  }
}

function entryOfKey(key: Uint8Array): IndexEntry | undefined {
  try {
    const header = decodeRecordHeader(headerOfKey(key))
    return { digest: header.digest, at: locationOf(header, sequenceOfKey(key)) }
  } catch {
    return undefined
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
