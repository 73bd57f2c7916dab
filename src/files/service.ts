/** The files service: what every gateway calls. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError } from '../base/index.js'
import {
  type Digest,
  type DirectoryEntry,
  digestHex,
  digestKey,
  digestOf,
  directoryEntries,
  formatCid,
  type HashPool,
  kindOf,
  type LoadManifest,
  openRoot,
  SlabPool,
  treeBlocks,
} from '../content/index.js'
import type { ChunkStore, References } from '../store/index.js'
import { Running } from './events.js'
import { batches, FETCH_TIMEOUT_MS, Fetcher, getOrDamaged } from './fetch.js'
import { SLAB_BYTES } from './ingest.js'
import type { ContentSession, FilesNetwork } from './network.js'
import { Publisher } from './publish.js'
import { describe, readFile } from './read.js'
import type {
  CallOptions,
  EntryKind,
  FetchEvent,
  FetchOptions,
  FetchSummary,
  NewDirectoryEntry,
  OpenContent,
  PinInfo,
  PublishEvent,
  PublishOptions,
  PublishSource,
  StatResult,
} from './types.js'

/** Slabs of publishing and of fetching, 4 MiB each: the memory either may take, however much runs. */
const SLABS = 8
/** How long `stat` asks around for other copies. */
const COPIES_WAIT_MS = 1_000
const LOOKUP_BLOCKS = 512
/** Manifests that a walk remembers so as to enter none of them twice. */
const SEEN_MAX = 100_000

export interface FilesComponents {
  store: Pick<ChunkStore, 'put' | 'barrier' | 'has' | 'get' | 'stats'>
  references: Pick<References, 'pin' | 'unpin' | 'pins' | 'pinOf' | 'openLease'>
  hashes: HashPool
  network: FilesNetwork
  /** This node's peer id, named in `stat`'s copies. */
  peerId: string
}

export class FilesService {
  readonly serviceId = 'files'
  readonly #components: FilesComponents
  readonly #publisher: Publisher
  readonly #fetcher: Fetcher
  readonly #slabs: SlabPool[]
  readonly #running = new Running()

  constructor(components: FilesComponents) {
    this.#components = components
    // Apart, so that a get which waits for slow peers never holds up a publish.
    const publishSlabs = new SlabPool({ slabBytes: SLAB_BYTES, slabs: SLABS })
    const fetchSlabs = new SlabPool({ slabBytes: SLAB_BYTES, slabs: SLABS })
    this.#slabs = [publishSlabs, fetchSlabs]
    const running = this.#running
    this.#publisher = new Publisher({ ...components, running, slabs: publishSlabs })
    this.#fetcher = new Fetcher({ ...components, running, slabs: fetchSlabs })
  }

  /** Ends what runs (UNAVAILABLE) and waits for it: nothing here touches the store afterwards. */
  async stop(): Promise<void> {
    await this.#running.stop()
    for (const slabs of this.#slabs) slabs.close()
  }

  publishPaths(
    sources: readonly PublishSource[],
    options: PublishOptions & { recursive?: boolean },
    { signal }: AbortOptions = {},
  ): AsyncIterable<PublishEvent> {
    return this.#publisher.paths(sources, options, signal)
  }

  publishStream(
    source: AsyncIterable<Uint8Array>,
    options: PublishOptions,
    { signal }: AbortOptions = {},
  ): AsyncIterable<PublishEvent> {
    return this.#publisher.stream(source, options, signal)
  }

  publishDirectory(
    entries: readonly NewDirectoryEntry[],
    options: PublishOptions,
    { signal }: AbortOptions = {},
  ): AsyncIterable<PublishEvent> {
    return this.#publisher.directory(entries, options, signal)
  }

  /** @param options.from a peer that has it, so that nobody needs to be asked who has. */
  fetch(
    cid: CID,
    options: FetchOptions & { from?: string } = {},
    call: CallOptions = {},
  ): AsyncIterable<FetchEvent> {
    return this.#fetcher.fetch(cid, { ...options, ...call })
  }

  async open(cid: CID, options: FetchOptions = {}): Promise<OpenContent> {
    const { signal } = options
    const { kind, sizeBytes } = await this.#withSession(cid, options, (session) =>
      describe(cid, this.#fetcher, session, { ...(signal && { signal }) }),
    )
    return {
      cid,
      kind,
      sizeBytes,
      read: (range) => this.#read(cid, kind, sizeBytes, options, range),
    }
  }

  /** The CID at a path of names below a directory. NOT_FOUND names the part that is not there. */
  async resolve(root: CID, path: readonly string[], options: FetchOptions = {}): Promise<CID> {
    let cid = root
    for (const name of path) {
      let found: DirectoryEntry | undefined
      for await (const entry of this.list(cid, { root, ...options, from: name })) {
        found = entry
        break
      }
      if (found?.name !== name) throw new DpsError('NOT_FOUND', `no '${name}' in ${formatCid(cid)}`)
      if (found.kind === 'symlink') {
        throw new DpsError('INVALID_ARGUMENT', `'${name}' is a symlink to '${found.target}'`)
      }
      cid = found.cid
    }
    return cid
  }

  /**
   * Entries of a directory, in byte order of their names, where `from` is given beginning there. A
   * file is INVALID_ARGUMENT.
   */
  async *list(
    cid: CID,
    options: FetchOptions & { from?: string } = {},
  ): AsyncGenerator<DirectoryEntry> {
    const session = this.#session(cid, options)
    try {
      const load = this.#fetcher.loader(session)
      const abort = options.signal ? { signal: options.signal } : {}
      const isFile = kindOf(cid) === 'chunk' || (await openRoot(cid, load, abort)).kind === 'file'
      if (isFile) throw new DpsError('INVALID_ARGUMENT', `${formatCid(cid)} is a file`)
      yield* directoryEntries(cid, load, { ...abort, ...(options.from && { from: options.from }) })
    } finally {
      session.close()
    }
  }

  stat(cid: CID, options: FetchOptions = {}): Promise<StatResult> {
    return this.#withSession(cid, options, (session) => this.#stat(cid, session, options))
  }

  /** Fetches, then pins. */
  pinAdd(
    cid: CID,
    pin: { name?: string; ttlMs?: number; timeoutMs?: number; from?: string } = {},
    call: CallOptions = {},
  ): AsyncIterable<FetchEvent> {
    const { name = '', ttlMs, ...options } = pin
    const kept = { name, ...(ttlMs && { ttlMs }) }
    return this.#fetcher.fetch(cid, { ...options, ...call, pin: kept })
  }

  /**
   * Fetches from a peer that asked for it to be kept here, and pins it.
   * Resolves to what that stored.
   */
  async keepFrom(
    peerId: string,
    cid: CID,
    options: CallOptions = {},
  ): Promise<{ chunks: number; newBytes: number }> {
    let summary: FetchSummary | undefined
    for await (const event of this.pinAdd(cid, { from: peerId }, options)) {
      if (event.type === 'summary') summary = event
    }
    const { sizeBytes = 0, resumedBytes = 0, chunks = 0 } = summary ?? {}
    return { chunks, newBytes: sizeBytes - resumedBytes }
  }

  /** One chunk or manifest anew from peers, in place of a damaged one. */
  async refetch(cid: CID, options: FetchOptions = {}): Promise<void> {
    await this.#withSession(cid, options, (session) =>
      this.#fetcher.loadBlock(cid, session, undefined, options),
    )
    await this.#components.store.barrier(options)
  }

  /** What was pinned stays on disk until it is collected. NOT_FOUND where it was not pinned. */
  async pinRemove(cid: CID, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (!(await this.#components.references.unpin(cid))) {
      throw new DpsError('NOT_FOUND', `${formatCid(cid)} is not pinned`)
    }
    await this.#components.network.forget(cid)
  }

  /** Without the network: a pin whose manifest is gone or damaged has size 0. */
  async *pins(options: AbortOptions = {}): AsyncGenerator<PinInfo> {
    for await (const pin of this.#components.references.pins()) {
      options.signal?.throwIfAborted()
      const what = await this.#pinned(pin.cid)
      yield {
        cid: pin.cid,
        name: pin.name,
        ...what,
        createdAt: pin.createdAt,
        expiresAt: pin.expiresAt,
      }
    }
  }

  async #pinned(cid: CID): Promise<{ kind: EntryKind; sizeBytes: number }> {
    const load: LoadManifest = async (cid) => {
      const bytes = await getOrDamaged(this.#components.store, digestOf(cid))
      if (bytes === undefined) throw new DpsError('NOT_FOUND', `${formatCid(cid)} is not here`)
      return bytes
    }
    try {
      if (kindOf(cid) === 'manifest') {
        const { kind, sizeBytes } = await openRoot(cid, load)
        return { kind, sizeBytes }
      }
      return { kind: 'file', sizeBytes: (await load(cid)).length }
    } catch {
      return { kind: 'file', sizeBytes: 0 }
    }
  }

  async #stat(cid: CID, session: ContentSession, options: FetchOptions): Promise<StatResult> {
    const { references, network, peerId } = this.#components
    const abort = options.signal ? { signal: options.signal } : {}
    const copies = network.providers(cid, COPIES_WAIT_MS, abort)
    copies.catch(() => {})
    const load = this.#fetcher.loader(session)
    const local = await this.#localBytes(cid, session, abort)
    const known = {
      cid: formatCid(cid),
      localBytes: local.bytes,
      pinned: (await references.pinOf(cid)) === undefined ? '' : 'recursive',
      copies: [
        ...(local.complete ? [{ peerId, where: 'this node', error: '' }] : []),
        ...(await copies.catch(() => [])),
      ],
    }
    if (kindOf(cid) === 'chunk') {
      const { sizeBytes } = await describe(cid, this.#fetcher, session, abort)
      const sha256 = digestHex(digestOf(cid))
      const kind = 'file' as const
      const one = { kind, sizeBytes, chunks: 1, chunkSizeBytes: sizeBytes, sha256, entries: 0 }
      return { ...known, ...one, chunking: '' }
    }
    const root = await openRoot(cid, load, abort)
    // What occurs twice was counted once.
    const here = (sizeBytes: number) => (local.complete ? sizeBytes : local.bytes)
    if (root.kind === 'directory') {
      const { kind, sizeBytes, entries } = root
      const file = { chunks: 0, chunkSizeBytes: 0, sha256: '', chunking: '' }
      return { ...known, ...file, kind, sizeBytes, entries, localBytes: here(sizeBytes) }
    }
    const { kind, sizeBytes, chunks, chunking, sha256 } = root
    const chunkSizeBytes = !chunking
      ? 0
      : chunking.kind === 'fixed'
        ? Math.max(...chunking.steps.map((step) => step.sizeBytes))
        : chunking.maxBytes
    return {
      ...known,
      localBytes: here(sizeBytes),
      kind,
      sizeBytes,
      chunks,
      chunkSizeBytes,
      sha256: sha256 ? digestHex(sha256) : '',
      chunking: chunking?.kind ?? '',
      entries: 0,
    }
  }

  /** How much of a tree is on this disk. Manifests that are not here are asked for. */
  async #localBytes(
    cid: CID,
    session: ContentSession,
    options: AbortOptions,
  ): Promise<{ bytes: number; complete: boolean }> {
    const { store } = this.#components
    if (kindOf(cid) === 'chunk') {
      const here = await store.get(digestOf(cid), options)
      return { bytes: here?.bytes.length ?? 0, complete: here !== undefined }
    }
    let bytes = 0
    let complete = true
    // Each manifest once: a made-up tree can refer to a few of them 10^15 times.
    const seen = new Set<string>()
    const skip = (digest: Digest) => {
      if (seen.size >= SEEN_MAX) seen.clear()
      return seen.size === seen.add(digestKey(digest)).size
    }
    const blocks = treeBlocks(cid, this.#fetcher.loader(session), { ...options, skip })
    for await (const batch of batches(blocks, LOOKUP_BLOCKS)) {
      const here = await store.has(
        batch.map(({ digest }) => digest),
        options,
      )
      for (const [i, block] of batch.entries()) {
        if (!here[i]) complete = false
        else if (block.kind === 'chunk') bytes += block.sizeBytes
      }
    }
    return { bytes, complete }
  }

  async *#read(
    cid: CID,
    kind: string,
    sizeBytes: number,
    options: FetchOptions,
    range: AbortOptions & { offset?: number; length?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    if (kind !== 'file') {
      throw new DpsError('INVALID_ARGUMENT', `${formatCid(cid)} is a directory`, {
        hint: 'list it with: dps-node ls, or fetch it with: dps-node get',
      })
    }
    const session = this.#session(cid, options)
    try {
      yield* readFile(cid, sizeBytes, this.#fetcher, session, range)
    } finally {
      session.close()
    }
  }

  #session(cid: CID, { root, timeoutMs, requestId }: FetchOptions): ContentSession {
    return this.#components.network.openSession(root ?? cid, {
      timeoutMs: timeoutMs || FETCH_TIMEOUT_MS,
      ...(requestId !== undefined && { requestId }),
    })
  }

  async #withSession<T>(
    cid: CID,
    options: FetchOptions,
    work: (session: ContentSession) => Promise<T>,
  ): Promise<T> {
    const session = this.#session(cid, options)
    try {
      return await work(session)
    } finally {
      session.close()
    }
  }
}
