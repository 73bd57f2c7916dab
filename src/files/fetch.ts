/**
 * Getting content: what is here from the store, the rest from peers, everything verified, what
 * came in kept in the store.
 */

import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import { childController, DpsError } from '../base/index.js'
import {
  cidOf,
  type Digest,
  type DirectoryEntry,
  decodeManifest,
  digestKey,
  digestOf,
  directoryEntries,
  fileChunks,
  formatCid,
  type HashPool,
  kindOf,
  type LoadManifest,
  openRoot,
  type SlabPool,
} from '../content/index.js'
import type { ChunkStore, Lease, References } from '../store/index.js'
import { everyMs, type Running, tell } from './events.js'
import { inTurn, SLAB_BYTES } from './ingest.js'
import { Limit } from './limit.js'
import type { ContentSession, FilesNetwork } from './network.js'
import type { EntryKind, FetchEvent, FetchOptions } from './types.js'

/** A chunk at most this long is fetched into a buffer of its own, leaving slabs to long ones. */
const SMALL_BYTES_MAX = 32 * 1024
/** Files of a folder that are fetched at once: hides round trips of small files. */
const FILES_AT_ONCE = 32
/** Deeper than any path that Linux opens in one piece; each level costs memory. */
const DEPTH_MAX = 2048
/** Finished folders that a fetch remembers, so that it walks none of them twice. */
const FOLDERS_MAX = 100_000
/** Chunks whose presence is looked up together. */
const LOOKUP_CHUNKS = 512
const PROGRESS_EVERY_MS = 100
/** Bytes that a reader has already while the store is still taking them. */
const ARRIVING_BYTES_MAX = 4 * 1024 * 1024
/** What an interrupted get has fetched stays for so long, so that it can be resumed. */
const LEASE_TTL_MS = 3600 * 1000
export const FETCH_TIMEOUT_MS = 30_000

export interface FetcherComponents {
  store: Pick<ChunkStore, 'put' | 'barrier' | 'has' | 'get' | 'stats'>
  references: Pick<References, 'openLease' | 'pin'>
  hashes: HashPool
  slabs: SlabPool
  running: Running
  network: FilesNetwork
}

interface ChunkRef {
  digest: Digest
  sizeBytes: number
}

export type Root = Awaited<ReturnType<typeof openRoot>>

interface LoadOptions extends AbortOptions {
  sizeBytes?: number
  /** Resolves before the store has it: for who reads, and promises nobody that it stays. */
  ahead?: boolean
}

export class Fetcher {
  readonly #components: FetcherComponents
  /** By digest: on their way to the store. */
  readonly #arriving = new Map<string, Uint8Array>()
  #arrivingBytes = 0

  constructor(components: FetcherComponents) {
    this.#components = components
  }

  /** Everything below `cid` into the store, durable (and pinned) when the summary is told. */
  fetch(
    cid: CID,
    options: FetchOptions & { from?: string; pin?: { name: string; ttlMs?: number } } = {},
  ): AsyncGenerator<FetchEvent> {
    return tell<FetchEvent>(
      async (push, signal) => {
        const { references, store, network } = this.#components
        const lease = await references.openLease({ ttlMs: LEASE_TTL_MS, purpose: 'get' })
        const session = network.openSession(options.root ?? cid, {
          timeoutMs: options.timeoutMs || FETCH_TIMEOUT_MS,
          ...(options.from !== undefined && { from: options.from }),
          ...(options.requestId !== undefined && { requestId: options.requestId }),
        })
        try {
          const run = new FetchRun(this, this.#components, session, lease, push)
          const { kind, sizeBytes } = await run.root(cid, signal)
          await store.barrier({ signal })
          // While the lease still covers it: a collector may run at any time.
          if (options.pin !== undefined) await references.pin(cid, { ...options.pin, lease })
          // Whoever has all of it can give it: the first publisher may be gone tomorrow.
          network.announceLater([cid])
          await push({
            type: 'summary',
            cid: formatCid(cid),
            kind,
            sizeBytes,
            chunks: run.chunks,
            resumedBytes: sizeBytes - run.fetchedBytes,
            peers: session.peers(),
          })
          // Kept on failure: the next try finds what this one fetched.
          await lease.release()
        } finally {
          session.close()
        }
      },
      options.signal,
      this.#components.running,
    )
  }

  /** Loads manifests from the store, else from peers, and keeps them. */
  loader(session: ContentSession, lease?: Lease): LoadManifest {
    return (cid, options) => this.loadBlock(cid, session, lease, options)
  }

  /** As {@link loader}, for who only reads. */
  reader(session: ContentSession): LoadManifest {
    return (cid, options) => this.loadBlock(cid, session, undefined, { ...options, ahead: true })
  }

  /** One manifest or chunk. */
  async loadBlock(
    cid: CID,
    session: ContentSession,
    lease?: Lease,
    options: LoadOptions = {},
  ): Promise<Uint8Array> {
    const { store } = this.#components
    const { signal } = options
    const arriving = this.#arriving.get(digestKey(digestOf(cid)))
    const here = arriving ?? (await getOrDamaged(store, digestOf(cid), signal))
    if (here !== undefined) return here
    const bytes = await session.fetch(
      { cid, ...(options.sizeBytes !== undefined && { sizeBytes: options.sizeBytes }) },
      undefined,
      { ...(signal && { signal }) },
    )
    // It has the bytes of its name; whether it says only what it may is judged before it is kept.
    if (kindOf(cid) === 'manifest') decodeManifest(bytes)
    const room = this.#arrivingBytes + bytes.length <= ARRIVING_BYTES_MAX
    if (options.ahead && room) this.#keepLater(cid, bytes)
    else {
      await store.put([{ digest: digestOf(cid), kind: kindOf(cid), bytes }], {
        ...(signal && { signal }),
        ...(lease && { lease }),
      })
    }
    return bytes
  }

  #keepLater(cid: CID, bytes: Uint8Array): void {
    const { store, running } = this.#components
    const digest = digestOf(cid)
    const key = digestKey(digest)
    this.#arriving.set(key, bytes)
    this.#arrivingBytes += bytes.length
    const arrived = () => {
      if (this.#arriving.get(key) === bytes) this.#arriving.delete(key)
      this.#arrivingBytes -= bytes.length
    }
    // A store that takes nothing more says so itself; what was read is right all the same.
    running.add(store.put([{ digest, kind: kindOf(cid), bytes }]).then(arrived, arrived))
  }
}

/** The state of one fetch. */
class FetchRun {
  fetchedBytes = 0
  chunks = 0
  readonly #fetcher: Fetcher
  readonly #components: FetcherComponents
  readonly #session: ContentSession
  readonly #lease: Lease
  readonly #push: (event: FetchEvent) => Promise<void> | undefined
  readonly #load: LoadManifest
  readonly #limit = new Limit(FILES_AT_ONCE)
  readonly #progress: () => void
  /** Digests of folders that are here whole: the last {@link FOLDERS_MAX}. */
  readonly #folders = new Set<string>()
  #doneBytes = 0
  #totalBytes = 0

  constructor(
    fetcher: Fetcher,
    components: FetcherComponents,
    session: ContentSession,
    lease: Lease,
    push: (event: FetchEvent) => Promise<void> | undefined,
  ) {
    this.#fetcher = fetcher
    this.#components = components
    this.#session = session
    this.#lease = lease
    this.#push = push
    this.#load = fetcher.loader(session, lease)
    this.#progress = everyMs(PROGRESS_EVERY_MS, () => {
      push({ type: 'progress', doneBytes: this.#doneBytes, totalBytes: this.#totalBytes })
    })
  }

  async root(cid: CID, signal: AbortSignal): Promise<{ kind: EntryKind; sizeBytes: number }> {
    if (kindOf(cid) === 'chunk') {
      const [here] = await this.#components.store.has([digestOf(cid)], { lease: this.#lease })
      const bytes = await this.#load(cid, { signal })
      if (!here) this.fetchedBytes = bytes.length
      return { kind: 'file', sizeBytes: bytes.length }
    }
    const root = await openRoot(cid, this.#load, { signal })
    this.#totalBytes = root.sizeBytes
    await this.#refuseWhatCannotFit(root.sizeBytes)
    if (root.kind === 'file') await this.#file(cid, root, signal)
    else await this.#directory(cid, 1, signal)
    this.#push({ type: 'progress', doneBytes: root.sizeBytes, totalBytes: root.sizeBytes })
    return { kind: root.kind, sizeBytes: root.sizeBytes }
  }

  /** A claim larger than the disk is refused before anything of it is written. */
  async #refuseWhatCannotFit(sizeBytes: number): Promise<void> {
    const { freeBytes, bytes } = await this.#components.store.stats()
    if (sizeBytes <= freeBytes + bytes) return
    throw new DpsError(
      'RESOURCE_EXHAUSTED',
      `the content claims ${sizeBytes} bytes, the disk has ${freeBytes} free`,
      { hint: 'get a part of it with: dps-node cat --offset N --length N' },
    )
  }

  async #directory(cid: CID, depth: number, signal: AbortSignal): Promise<void> {
    if (depth > DEPTH_MAX) {
      throw new DpsError('INVALID_ARGUMENT', `directories are more than ${DEPTH_MAX} deep`, {
        exitCode: 1,
      })
    }
    const controller = childController(signal)
    const running = new Set<Promise<void>>()
    let failure: { error: unknown } | undefined
    try {
      for await (const entry of directoryEntries(cid, this.#load, { signal: controller.signal })) {
        if (entry.kind === 'symlink') continue
        if (entry.kind === 'directory') {
          await this.#claimed(entry, controller.signal)
          await this.#folderOnce(entry, depth + 1, controller.signal)
          continue
        }
        const task = this.#limit
          .run(() => this.#entryFile(entry, controller.signal))
          .catch((error) => {
            failure ??= { error }
            controller.abort(error)
          })
          .finally(() => running.delete(task))
        running.add(task)
        // Enough to keep the limit busy; a folder of a million files is not a million promises.
        if (running.size >= FILES_AT_ONCE * 2) await Promise.race(running)
      }
    } catch (error) {
      failure ??= { error }
    }
    await Promise.all(running)
    controller.dispose()
    if (failure !== undefined) throw failure.error
  }

  /** A few folders that name one another twice claim more paths than can ever be walked. */
  async #folderOnce(
    entry: { cid: CID; sizeBytes: number },
    depth: number,
    signal: AbortSignal,
  ): Promise<void> {
    const key = digestKey(digestOf(entry.cid))
    if (this.#folders.has(key)) {
      this.#doneBytes += entry.sizeBytes
      this.#progress()
      return
    }
    await this.#directory(entry.cid, depth, signal)
    if (this.#folders.size >= FOLDERS_MAX) this.#folders.clear()
    this.#folders.add(key)
  }

  async #entryFile(
    entry: Extract<DirectoryEntry, { cid: CID }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (kindOf(entry.cid) === 'chunk') {
      await this.#smallRun([{ digest: digestOf(entry.cid), sizeBytes: entry.sizeBytes }], signal)
      return
    }
    const root = await this.#claimed(entry, signal)
    if (root.kind === 'file') await this.#file(entry.cid, root, signal)
  }

  /** A directory's word about its child must be the child's own. */
  async #claimed(entry: Extract<DirectoryEntry, { cid: CID }>, signal: AbortSignal): Promise<Root> {
    const root = await openRoot(entry.cid, this.#load, { signal })
    if (root.kind === entry.kind && root.sizeBytes === entry.sizeBytes) return root
    throw new DpsError(
      'DATA_LOSS',
      `'${entry.name}' is a ${root.kind} of ${root.sizeBytes} bytes, its folder claims a ${entry.kind} of ${entry.sizeBytes}`,
    )
  }

  async #file(cid: CID, root: Root & { kind: 'file' }, signal: AbortSignal): Promise<void> {
    this.chunks += root.chunks
    const missing = await this.#missingBytes(cid, signal)
    if (missing === 0) {
      this.#doneBytes += root.sizeBytes
      this.#progress()
      return
    }
    const small = root.sizeBytes <= SMALL_BYTES_MAX
    const digest = small
      ? await this.#smallFile(cid, signal)
      : await this.#longFile(cid, root.chunks, signal)
    if (digest !== undefined && root.sha256 !== undefined && !equal(digest, root.sha256)) {
      throw new DpsError('DATA_LOSS', `${formatCid(cid)}: the whole does not match its sha256`, {
        hint: 'its publisher made a wrong manifest: ask for it to be published again',
      })
    }
  }

  async #missingBytes(cid: CID, signal: AbortSignal): Promise<number> {
    let missing = 0
    for await (const refs of batches(fileChunks(cid, this.#load, { signal }), LOOKUP_CHUNKS)) {
      const here = await this.#components.store.has(
        refs.map(({ digest }) => digest),
        { lease: this.#lease, signal },
      )
      for (const [i, ref] of refs.entries()) if (!here[i]) missing += ref.sizeBytes
    }
    return missing
  }

  async #smallFile(cid: CID, signal: AbortSignal): Promise<Digest | undefined> {
    const refs: ChunkRef[] = []
    for await (const ref of fileChunks(cid, this.#load, { signal })) refs.push(ref)
    const bytes = await this.#smallRun(refs, signal)
    // One chunk's hash is its name: checked when it came.
    return refs.length === 1
      ? refs[0]!.digest
      : this.#components.hashes.digest(Buffer.concat(bytes))
  }

  async #smallRun(refs: readonly ChunkRef[], signal: AbortSignal): Promise<Uint8Array[]> {
    const all: Uint8Array[] = []
    for (const { digest, sizeBytes } of refs) {
      const cid = cidOf('chunk', digest)
      const [here] = await this.#components.store.has([digest], { lease: this.#lease })
      const options = { signal, sizeBytes }
      all.push(await this.#fetcher.loadBlock(cid, this.#session, this.#lease, options))
      if (!here) this.fetchedBytes += sizeBytes
      this.#doneBytes += sizeBytes
      this.#progress()
    }
    return all
  }

  /** Runs of consecutive chunks, each in one slab: fetched, hashed as a whole, stored. */
  async #longFile(cid: CID, chunks: number, parent: AbortSignal): Promise<Digest | undefined> {
    const { hashes, slabs } = this.#components
    const controller = childController(parent)
    const { signal } = controller
    const whole = chunks > 1 ? hashes.stream() : undefined
    let inOrder: Promise<void> = Promise.resolve()
    try {
      for await (const refs of runs(fileChunks(cid, this.#load, { signal }), SLAB_BYTES)) {
        const slab = await slabs.acquire({ signal })
        const work = this.#run(refs, slab.buffer, signal)
        work.catch((error) => controller.abort(error))
        inOrder = inTurn(inOrder, work)
          .then(async (bytes) => {
            await whole?.update(slab.buffer.subarray(0, bytes))
          })
          .finally(() => slab.release())
        inOrder.catch((error) => controller.abort(error))
      }
      await inOrder
      return await whole?.digest()
    } catch (error) {
      controller.abort(error)
      await inOrder.catch(() => {})
      throw error
    } finally {
      whole?.close()
      controller.dispose()
    }
  }

  async #run(refs: readonly ChunkRef[], buffer: Uint8Array, signal: AbortSignal): Promise<number> {
    const { store } = this.#components
    let at = 0
    const places = refs.map(({ digest, sizeBytes }) => {
      const into = buffer.subarray(at, at + sizeBytes)
      at += sizeBytes
      return { digest, into }
    })
    const here = await store.has(
      refs.map(({ digest }) => digest),
      { lease: this.#lease, signal },
    )
    const fetched = await settled(
      places.map(async ({ digest, into }, i) => {
        const local = here[i] ? await getOrDamaged(store, digest, signal) : undefined
        if (local !== undefined) into.set(local)
        else
          await this.#session.fetch({ cid: cidOf('chunk', digest), sizeBytes: into.length }, into, {
            signal,
          })
        this.#doneBytes += into.length
        this.#progress()
        return local === undefined ? { digest, bytes: into, kind: 'chunk' as const } : undefined
      }),
    )
    const fresh = fetched.filter((chunk) => chunk !== undefined)
    if (fresh.length > 0) {
      await store.put(fresh, { signal, lease: this.#lease })
      for (const { bytes } of fresh) this.fetchedBytes += bytes.length
    }
    return at
  }
}

/** Undefined where the store has nothing, or something that is damaged: then it is fetched. */
export async function getOrDamaged(
  store: Pick<ChunkStore, 'get'>,
  digest: Digest,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return (await store.get(digest, { ...(signal && { signal }) }))?.bytes
  } catch (error) {
    if (error instanceof DpsError && error.code === 'DATA_LOSS') return undefined
    throw error
  }
}

/** Like `Promise.all`, but rejects only when all have ended: their buffers are free then. */
async function settled<T>(work: Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

export async function* batches<T>(items: AsyncIterable<T>, max: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < max) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Consecutive chunks that fit `bytesMax` together. */
export async function* runs<T extends ChunkRef>(
  refs: AsyncIterable<T>,
  bytesMax: number,
): AsyncGenerator<T[]> {
  let run: T[] = []
  let bytes = 0
  for await (const ref of refs) {
    if (run.length > 0 && bytes + ref.sizeBytes > bytesMax) {
      yield run
      run = []
      bytes = 0
    }
    run.push(ref)
    bytes += ref.sizeBytes
  }
  if (run.length > 0) yield run
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
