/** The state of one put, under its upload. */
import type { BigIntStats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { toDpsError } from '../base/index.js'
import { type Chunking, formatCid, type HashPool, type SlabPool } from '../content/index.js'
import type { Attributes, Place, PutItem } from '../metadata/index.js'
import type { ChunkStore } from '../store/index.js'
import { type EventQueue, everyMs } from './events.js'
import { Ingest, type Ingested } from './ingest.js'
import { ingestPath } from './ingest-path.js'
import { Limit } from './limit.js'
import { Commits, type CommitsComponents } from './namespace-commits.js'
import { type Destination, joinPath } from './namespace-paths.js'
import { DEFAULT_POLICY } from './namespace-policies.js'
import type { PutAdded, PutEvent, PutOptions } from './namespace-types.js'
import { Upload, type UploadComponents } from './namespace-upload.js'
import { pathError, sortedNames, utf8 } from './paths.js'
import type { ByteReader } from './reader.js'

/** Enough open files to hide a disk's latency, few enough for any descriptor limit. */
const FILES_AT_ONCE = 16
/** Children of a folder that are under way. */
const CHILDREN_AHEAD = 256
/** Outcomes that wait for their listener. */
const TOLD_AHEAD = 8192
const PROGRESS_EVERY_MS = 100
const PERMISSIONS = 0o7777n
/** Of bytes that come without a file. */
const NEW_FILE_MODE = 0o644

export interface PutRunComponents extends Omit<CommitsComponents, 'holdings'>, UploadComponents {
  holdings: CommitsComponents['holdings'] & UploadComponents['holdings']
  authority: CommitsComponents['authority'] & UploadComponents['authority']
  store: Pick<ChunkStore, 'put' | 'has' | 'barrier'>
  hashes: HashPool
  slabs: SlabPool
}

export interface PutRunInit {
  options: PutOptions
  chunking: Chunking
  announce: boolean
  push: EventQueue<PutEvent>['push']
  signal: AbortSignal
  /** For the progress; 0: unknown. */
  totalBytes: number
}

type Said = Omit<PutAdded, 'type' | 'version' | 'replaced'>

export class PutRun {
  readonly #init: PutRunInit
  readonly #upload: Upload
  readonly #commits: Commits
  readonly #ingest: Ingest
  readonly #limit = new Limit(FILES_AT_ONCE)
  readonly #telling = new Set<Promise<void>>()
  readonly #progress: () => void
  readonly #counts = { file: 0, directory: 0, symlink: 0 }
  #doneBytes = 0
  #sizeBytes = 0
  #newBytes = 0
  #failed = 0

  static async begin(components: PutRunComponents, init: PutRunInit): Promise<PutRun> {
    return new PutRun(components, init, await Upload.open(components, init.signal))
  }

  private constructor(components: PutRunComponents, init: PutRunInit, upload: Upload) {
    const { chunking, announce, push, signal, totalBytes } = init
    const { uploadId, lease } = upload
    this.#init = init
    this.#upload = upload
    this.#commits = new Commits(components, { uploadId, lease, announce, signal })
    this.#progress = everyMs(PROGRESS_EVERY_MS, () => {
      const files = this.#counts.file
      push({ type: 'progress', doneBytes: this.#doneBytes, totalBytes, files })
    })
    this.#ingest = new Ingest(components, {
      chunking,
      onlyHash: false,
      lease,
      onRead: (bytes) => {
        this.#doneBytes += bytes
        this.#progress()
      },
    })
  }

  async onlyFile(local: string, stats: BigIntStats, at: Destination): Promise<void> {
    const ingested = await this.#ingestPath(local, stats)
    await this.#only(ingested, at, attributesOf(stats))
  }

  async onlyStream(reader: ByteReader, at: Destination): Promise<void> {
    const ingested = await this.#ingest.stream(reader, { signal: this.#init.signal })
    const mtimeNs = BigInt(Date.now()) * 1_000_000n
    await this.#only(ingested, at, { mode: NEW_FILE_MODE, uid: 0, gid: 0, mtimeNs })
  }

  async #only(ingested: Ingested, at: Destination, attributes: Attributes): Promise<void> {
    const { version: expected } = this.#init.options
    const item = {
      ...this.#fileItem(ingested, at.place, attributes),
      ...(expected !== undefined && { expected }),
    }
    const change = await this.#commits.only(item, ingested.cid)
    await this.#added({ ...fileSaid(ingested, at.path), ...change })
  }

  async folder(local: string, stats: BigIntStats, at: Destination): Promise<void> {
    const attributes = this.#attributes(attributesOf(stats))
    const made = await this.#commits.add({ place: at.place, content: FOLDER, attributes })
    const { directoryId = 0, version, replaced } = await made.outcome
    if (!replaced) await this.#added({ ...folderSaid(at.path), version, replaced })
    const place = { directoryId, names: [] }
    await this.#children(local, place, at.path)
    if (!replaced) await this.#commits.add({ place, content: RESTORED, attributes })
  }

  async #subfolder(local: string, stats: BigIntStats, place: Place, path: string): Promise<void> {
    const attributes = this.#attributes(attributesOf(stats))
    const item = { place, content: FOLDER, attributes }
    const { outcome } = await this.#commits.add(item)
    const made = outcome.then(
      async ({ version, replaced, directoryId }) => {
        if (!replaced) await this.#added({ ...folderSaid(path), version, replaced })
        return replaced ? undefined : directoryId
      },
      (error) => this.#refused(path, error),
    )
    await this.#children(local, place, path)
    // Its new entries changed its time. Not waited for: the walk goes on meanwhile.
    const restored = made.then(async (directoryId) => {
      if (directoryId === undefined) return
      const self = { directoryId, names: [] }
      await this.#commits.add({ place: self, content: RESTORED, attributes })
    })
    this.#tell(restored)
  }

  async #children(local: string, above: Place, path: string): Promise<void> {
    const { directoryId } = above
    const running = new Set<Promise<void>>()
    let failure: { error: unknown } | undefined
    const names = await sortedNames(local, (notice) => this.#notice(...notice))
    for (const name of names) {
      const at = join(local, name)
      const place = { directoryId, names: [...above.names, name] }
      const stats = await lstat(at, { bigint: true }).catch((error) => error)
      this.#init.signal.throwIfAborted()
      if (stats instanceof Error) {
        this.#vanished(at, stats)
      } else if (stats.isDirectory()) {
        await this.#subfolder(at, stats, place, joinPath(path, name))
      } else {
        const work = this.#limit
          .run(() => this.#leaf(at, stats, place, joinPath(path, name)))
          .catch((error) => {
            failure ??= { error }
          })
          .finally(() => running.delete(work))
        running.add(work)
        if (running.size >= CHILDREN_AHEAD) await Promise.race(running)
      }
      if (failure !== undefined) break
    }
    await Promise.all(running)
    if (failure !== undefined) throw failure.error
  }

  async #leaf(local: string, stats: BigIntStats, place: Place, path: string): Promise<void> {
    const { signal } = this.#init
    signal.throwIfAborted()
    if (stats.isSymbolicLink()) {
      const target = utf8(await readlink(local, { encoding: 'buffer' }))
      if (target === undefined) {
        this.#notice('SKIPPED', `${local} points to a name that is not UTF-8`, local)
        return
      }
      const attributes = this.#attributes(attributesOf(stats))
      const item: PutItem = { place, content: { kind: 'symlink', target }, attributes }
      await this.#add(item, { ...NOTHING_SAID, path, kind: 'symlink' })
      return
    }
    if (!stats.isFile()) {
      this.#notice('SKIPPED', `${local} is neither file, folder nor symlink`, local)
      return
    }
    let ingested: Ingested
    try {
      ingested = await this.#ingestPath(local, stats)
    } catch (error) {
      this.#vanished(local, error)
      return
    }
    const item = this.#fileItem(ingested, place, attributesOf(stats))
    await this.#add(item, fileSaid(ingested, path), ingested.cid)
  }

  /** Told when it is committed; who adds goes on before. */
  async #add(item: PutItem, said: Said, cid?: CID): Promise<void> {
    const { outcome } = await this.#commits.add(item, cid)
    const told = outcome.then(
      ({ version, replaced }) => this.#added({ ...said, version, replaced }),
      (error) => this.#refused(said.path, error),
    )
    this.#tell(told.then(() => {}))
    if (this.#telling.size >= TOLD_AHEAD) await Promise.race(this.#telling)
  }

  #tell(told: Promise<void>): void {
    const telling: Promise<void> = told
      .catch(() => {})
      .finally(() => {
        this.#telling.delete(telling)
      })
    this.#telling.add(telling)
  }

  /** Everything is committed, and its upload over. */
  async end(path: string): Promise<void> {
    // What is told may add what follows from it.
    while (this.#telling.size > 0) {
      await this.#commits.drain()
      await Promise.all(this.#telling)
    }
    await this.#commits.finish()
    await this.#upload.end()
    const { file: files, directory: directories, symlink: symlinks } = this.#counts
    await this.#init.push({
      type: 'summary',
      path,
      files,
      directories,
      symlinks,
      sizeBytes: this.#sizeBytes,
      newBytes: this.#newBytes,
      failed: this.#failed,
    })
  }

  /** Harmless after the end. */
  abandon(): void {
    this.#upload.abandon()
  }

  async #ingestPath(local: string, stats: BigIntStats): Promise<Ingested> {
    const { signal } = this.#init
    const { changed, ...ingested } = await ingestPath(this.#ingest, local, stats, { signal })
    if (changed) this.#notice('CHANGED', `${local} changed while it was read`, local)
    return ingested
  }

  #fileItem({ cid, sizeBytes }: Ingested, place: Place, attributes: Attributes): PutItem {
    const { policy = DEFAULT_POLICY } = this.#init.options
    const content = { kind: 'file' as const, fileId: cid.bytes, sizeBytes, policy }
    return { place, content, attributes: this.#attributes(attributes) }
  }

  #attributes(own: Attributes): Attributes {
    return { ...own, ...this.#init.options.attributes }
  }

  async #added({
    path,
    kind,
    cid,
    sizeBytes,
    chunks,
    newBytes,
    version,
    replaced,
  }: Omit<PutAdded, 'type'>) {
    this.#counts[kind]++
    this.#sizeBytes += sizeBytes
    this.#newBytes += newBytes
    const said = { path, kind, cid, sizeBytes, chunks, newBytes, version, replaced }
    await this.#init.push({ type: 'added', ...said })
  }

  /** One entry was refused; a failure of the whole put is told by its commits. */
  #refused(path: string, error: unknown): undefined {
    const { code, message } = toDpsError(error)
    this.#failed++
    this.#notice(code, message, path)
    return undefined
  }

  /** A file that went between listing and reading is told of; any other failure fails all. */
  #vanished(local: string, error: unknown): void {
    if (toDpsError(error).code !== 'NOT_FOUND') throw pathError(local, error)
    this.#notice('CHANGED', `${local} vanished while its folder was read`, local)
  }

  #notice(code: string, message: string, path: string): void {
    this.#init.push({ type: 'notice', code, message, path })
  }
}

const FOLDER = { kind: 'directory' as const }
const RESTORED = { kind: 'directory' as const, restore: true }
const NOTHING_SAID = { cid: '', sizeBytes: 0, chunks: 0, newBytes: 0 }

function attributesOf({ mode, uid, gid, mtimeNs }: BigIntStats): Attributes {
  return { mode: Number(mode & PERMISSIONS), uid: Number(uid), gid: Number(gid), mtimeNs }
}

function fileSaid({ cid, sizeBytes, chunks, newBytes }: Ingested, path: string): Said {
  return { path, kind: 'file', cid: formatCid(cid), sizeBytes, chunks, newBytes }
}

function folderSaid(path: string): Said {
  return { ...NOTHING_SAID, path, kind: 'directory' }
}
