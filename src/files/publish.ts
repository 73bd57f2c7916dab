/**
 * Publishing: store, pin, announce. `added` is told only when the bytes are durable, and of the
 * root only when its pin is.
 */
import type { BigIntStats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { basename, join, resolve as resolvePath } from 'node:path'
import type { CID } from 'multiformats/cid'
import { DpsError, toDpsError } from '../base/index.js'
import {
  type Chunking,
  compareNames,
  type DirectoryEntry,
  DirectoryTreeBuilder,
  digestOf,
  formatCid,
  type HashPool,
  type ManifestBlock,
  type SlabPool,
} from '../content/index.js'
import type { ChunkStore, Lease, References } from '../store/index.js'
import { everyMs, type Running, tell } from './events.js'
import { Ingest } from './ingest.js'
import { chunkingOf, ingestPath } from './ingest-path.js'
import { Limit } from './limit.js'
import type { FilesNetwork } from './network.js'
import { checkSource, pathError, sortedNames, totalBytes, utf8 } from './paths.js'
import { StreamReader } from './reader.js'
import type {
  AddedEvent,
  CopyResult,
  EntryKind,
  NewDirectoryEntry,
  PublishEvent,
  PublishOptions,
  PublishSource,
} from './types.js'

/** Enough open files to hide a disk's latency, few enough for any descriptor limit. */
const FILES_AT_ONCE = 16
/** Finished children that may wait for their turn in a directory's order. */
const CHILDREN_AHEAD = 64
const PROGRESS_EVERY_MS = 100
/** A running publish renews nothing: its lease outlives any machine's patience. */
const LEASE_TTL_MS = 24 * 3600 * 1000
/** How long a publish waits for its root to be announced before leaving that to the queue. */
const ANNOUNCE_WAIT_MS = 10_000

export interface PublisherComponents {
  store: Pick<ChunkStore, 'put' | 'has' | 'barrier'>
  references: Pick<References, 'pin' | 'openLease'>
  hashes: HashPool
  slabs: SlabPool
  running: Running
  /** Absent while no node runs: what is published then is announced by the next start. */
  network: FilesNetwork
}

type Item = { cid: CID; kind: EntryKind; sizeBytes: number; chunks: number; newBytes: number }
/** An entry of a directory; symlinks have no item. */
type Child = { entry: DirectoryEntry; item?: Item }
type Push = (event: PublishEvent) => Promise<void> | undefined

export class Publisher {
  readonly #components: PublisherComponents

  constructor(components: PublisherComponents) {
    this.#components = components
  }

  /** Publishes what the node can see itself, each source a root of its own. */
  paths(
    sources: readonly PublishSource[],
    options: PublishOptions & { recursive?: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<PublishEvent> {
    return tell<PublishEvent>(
      (push, signal) =>
        this.#publish(options, push, signal, async (run) => {
          const opened = []
          for (const source of sources) opened.push(await checkSource(source, options.recursive))
          run.totalBytes = await totalBytes(opened, signal)
          for (const { path, stats } of opened) {
            const name = basename(resolvePath(path))
            const item = stats.isDirectory()
              ? await run.directory(path, name)
              : await run.file(path, stats)
            await run.root(item, name)
          }
        }),
      signal,
      this.#components.running,
    )
  }

  /** Publishes bytes of unknown length. */
  stream(
    source: AsyncIterable<Uint8Array>,
    options: PublishOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<PublishEvent> {
    return tell<PublishEvent>(
      (push, signal) =>
        this.#publish(options, push, signal, async (run) => {
          const reader = new StreamReader(source)
          try {
            const ingested = await run.ingest.stream(reader, { signal })
            await run.root({ ...ingested, kind: 'file' }, options.name ?? '')
          } finally {
            await reader.close()
          }
        }),
      signal,
      this.#components.running,
    )
  }

  /** Makes a directory of what is stored already. */
  directory(
    entries: readonly NewDirectoryEntry[],
    options: PublishOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<PublishEvent> {
    return tell<PublishEvent>(
      (push, signal) =>
        this.#publish(options, push, signal, async (run) => {
          const sorted = [...entries].sort((a, b) => compareNames(a.name, b.name))
          await run.refuseMissing(sorted)
          const builder = run.directoryBuilder()
          for (const entry of sorted) await builder.add(entry)
          await run.root(await builder.finish(), options.name ?? '')
        }),
      signal,
      this.#components.running,
    )
  }

  async #publish(
    options: PublishOptions,
    push: Push,
    signal: AbortSignal,
    work: (run: PublishRun) => Promise<void>,
  ): Promise<void> {
    const chunking = chunkingOf(options)
    // Also without pins: nothing that runs may be collected under its feet.
    const lease = options.onlyHash
      ? undefined
      : await this.#components.references.openLease({ ttlMs: LEASE_TTL_MS, purpose: 'publish' })
    try {
      const run = new PublishRun(this.#components, options, chunking, push, signal, lease)
      await work(run)
      await run.finish()
    } finally {
      await lease?.release()
    }
  }
}

/** The state of one publish. */
class PublishRun {
  totalBytes = 0
  readonly ingest: Ingest
  readonly #components: PublisherComponents
  readonly #options: PublishOptions
  readonly #push: Push
  readonly #signal: AbortSignal
  readonly #lease: Lease | undefined
  readonly #limit = new Limit(FILES_AT_ONCE)
  readonly #progress: () => void
  readonly #roots: CID[] = []
  /** Added, not yet durable. */
  #unsaid: { item: Item; name: string }[] = []
  #saying: Promise<void> | undefined
  #doneBytes = 0
  #files = 0
  #sizeBytes = 0
  #newBytes = 0

  constructor(
    components: PublisherComponents,
    options: PublishOptions,
    chunking: Chunking,
    push: Push,
    signal: AbortSignal,
    lease: Lease | undefined,
  ) {
    this.#components = components
    this.#options = options
    this.#push = push
    this.#signal = signal
    this.#lease = lease
    this.#progress = everyMs(PROGRESS_EVERY_MS, () => {
      push({
        type: 'progress',
        doneBytes: this.#doneBytes,
        totalBytes: this.totalBytes,
        files: this.#files,
      })
    })
    this.ingest = new Ingest(components, {
      chunking,
      onlyHash: options.onlyHash ?? false,
      ...(lease && { lease }),
      onRead: (bytes) => {
        this.#doneBytes += bytes
        this.#progress()
      },
    })
  }

  async file(path: string, seen: BigIntStats): Promise<Item> {
    const { changed, ...ingested } = await ingestPath(this.ingest, path, seen, {
      signal: this.#signal,
    })
    if (changed) this.#notice('CHANGED', `${path} changed while it was read`, path)
    return { ...ingested, kind: 'file' }
  }

  /** @param name what `added` lines say of it: the path below the root's parent. */
  async directory(path: string, name: string): Promise<Item> {
    const builder = this.directoryBuilder()
    const ahead: Promise<Child | undefined>[] = []
    // Told and added in the order of the names, however fast each was read.
    const addOldest = async () => {
      const child = await ahead.shift()
      if (child === undefined) return
      if (child.item !== undefined) await this.#added(child.item, `${name}/${child.entry.name}`)
      await builder.add(child.entry)
    }
    try {
      for (const child of await sortedNames(path, (notice) => this.#notice(...notice))) {
        this.#signal.throwIfAborted()
        const childPath = join(path, child)
        const stats = await lstat(childPath, { bigint: true }).catch((error) => error)
        if (stats instanceof Error) {
          this.#vanished(childPath, stats)
        } else if (stats.isDirectory()) {
          // One directory at a time: its files fill the limit, and memory stays with the depth.
          while (ahead.length > 0) await addOldest()
          const item = await this.directory(childPath, `${name}/${child}`)
          const { cid, sizeBytes } = item
          const entry = { name: child, kind: 'directory' as const, cid, sizeBytes }
          ahead.push(Promise.resolve({ entry, item }))
        } else {
          const entry = this.#limit.run(() => this.#child(childPath, child, stats))
          entry.catch(() => {})
          ahead.push(entry)
        }
        if (ahead.length >= CHILDREN_AHEAD) await addOldest()
      }
      while (ahead.length > 0) await addOldest()
    } catch (error) {
      await Promise.allSettled(ahead)
      throw error
    }
    return builder.finish()
  }

  /**
   * A directory is pinned with what it names: that must be here. From this check on, the lease
   * keeps it here.
   */
  async refuseMissing(entries: readonly NewDirectoryEntry[]): Promise<void> {
    const named = entries.flatMap((entry) => (entry.kind === 'symlink' ? [] : [entry]))
    const here = await this.#components.store.has(
      named.map(({ cid }) => digestOf(cid)),
      { signal: this.#signal, ...(this.#lease && { lease: this.#lease }) },
    )
    const missing = named.find((_, i) => !here[i])
    if (missing === undefined) return
    throw new DpsError(
      'FAILED_PRECONDITION',
      `'${missing.name}' is not stored here: ${formatCid(missing.cid)}`,
      { hint: 'upload it again, then make the directory' },
    )
  }

  directoryBuilder(): { add(entry: DirectoryEntry): Promise<void>; finish(): Promise<Item> } {
    let newBytes = 0
    const builder = new DirectoryTreeBuilder(async (block: ManifestBlock) => {
      if (this.#options.onlyHash) return
      const [put] = await this.#components.store.put([{ ...block, kind: 'manifest' }], {
        signal: this.#signal,
        ...(this.#lease && { lease: this.#lease }),
      })
      if (put?.stored) newBytes += block.bytes.length
    })
    return {
      add: async (entry) => builder.add(entry),
      finish: async () => {
        const { cid, sizeBytes } = await builder.finish()
        this.#newBytes += newBytes
        return { cid, kind: 'directory', sizeBytes, chunks: 0, newBytes }
      },
    }
  }

  /** Ends one root: durable, pinned, then told. */
  async root(item: Item, name: string): Promise<void> {
    const { store, references } = this.#components
    this.#count(item)
    this.#roots.push(item.cid)
    if (!this.#options.onlyHash) {
      await this.#say()
      await store.barrier({ signal: this.#signal })
      if (!this.#options.noPin) {
        await references.pin(item.cid, {
          name: this.#options.name ?? name,
          ...(this.#lease && { lease: this.#lease }),
          ...(this.#options.ttlMs ? { ttlMs: this.#options.ttlMs } : {}),
        })
      }
    }
    await this.#push(addedEvent(item, name))
  }

  async finish(): Promise<void> {
    await this.#say()
    const root = this.#roots.at(-1)
    const { network } = this.#components
    const live = !this.#options.onlyHash && root !== undefined
    const announced = live && (await network.announce(this.#roots, ANNOUNCE_WAIT_MS, this.#signal))
    const copiesWanted = this.#options.replicate ?? 0
    const copies: CopyResult[] = []
    if (live && copiesWanted > 0) {
      for (const cid of this.#roots) {
        copies.push(...(await network.seed(cid, copiesWanted, { signal: this.#signal })))
      }
    }
    await this.#push({
      type: 'summary',
      root: root === undefined ? '' : formatCid(root),
      files: this.#files,
      sizeBytes: this.#sizeBytes,
      newBytes: this.#newBytes,
      announced,
      copies,
      copiesWanted,
    })
  }

  async #child(path: string, name: string, stats: BigIntStats): Promise<Child | undefined> {
    this.#signal.throwIfAborted()
    try {
      if (stats.isSymbolicLink()) {
        const target = utf8(await readlink(path, { encoding: 'buffer' }))
        if (target !== undefined) return { entry: { name, kind: 'symlink', target, sizeBytes: 0 } }
        this.#notice('SKIPPED', `${path} points to a name that is not UTF-8`, path)
        return undefined
      }
      if (!stats.isFile()) {
        this.#notice('SKIPPED', `${path} is neither file, folder nor symlink`, path)
        return undefined
      }
      const item = await this.file(path, stats)
      const { cid, sizeBytes } = item
      return { entry: { name, kind: 'file', cid, sizeBytes }, item }
    } catch (error) {
      return this.#vanished(path, error)
    }
  }

  /** A file that went between listing and reading is told of; any other failure fails all. */
  #vanished(path: string, error: unknown): undefined {
    const { code } = toDpsError(error)
    if (code !== 'NOT_FOUND') throw pathError(path, error)
    this.#notice('CHANGED', `${path} vanished while its folder was read`, path)
    return undefined
  }

  async #added(item: Item, name: string): Promise<void> {
    this.#count(item)
    if (this.#options.onlyHash) {
      await this.#push(addedEvent(item, name))
      return
    }
    this.#unsaid.push({ item, name })
    // One barrier at a time; whoever finishes meanwhile shares the next one.
    this.#saying ??= this.#say().finally(() => {
      this.#saying = undefined
    })
    this.#saying.catch(() => {})
    // Children wait for a barrier only where saying has fallen far behind.
    if (this.#unsaid.length > 4096) await this.#saying
  }

  async #say(): Promise<void> {
    while (this.#unsaid.length > 0) {
      const batch = this.#unsaid.splice(0)
      await this.#components.store.barrier({ signal: this.#signal })
      this.#components.network.announceLater(batch.map(({ item }) => item.cid))
      for (const { item, name } of batch) await this.#push(addedEvent(item, name))
    }
  }

  #count(item: Item): void {
    if (item.kind === 'directory') return
    this.#files++
    this.#sizeBytes += item.sizeBytes
    this.#newBytes += item.newBytes
  }

  #notice(code: string, message: string, path: string): void {
    this.#push({ type: 'notice', code, message, path })
  }
}

function addedEvent(item: Item, name: string): AddedEvent {
  return {
    type: 'added',
    cid: formatCid(item.cid),
    name,
    kind: item.kind,
    sizeBytes: item.sizeBytes,
    chunks: item.chunks,
    newBytes: item.newBytes,
  }
}
