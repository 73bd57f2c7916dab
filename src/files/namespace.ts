/** The namespace as every gateway calls it: paths to contents. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, DpsError } from '../base/index.js'
import { cidOfBytes, type HashPool, SlabPool } from '../content/index.js'
import {
  type Attributes,
  type Authority,
  contentOf,
  fileAt,
  holdersOf,
  listEntries,
  ROOT_DIRECTORY,
  statEntry,
  type View,
} from '../metadata/index.js'
import type { ChunkStore, References } from '../store/index.js'
import { Running } from './events.js'
import type { Holdings } from './holdings.js'
import { SLAB_BYTES } from './ingest.js'
import { joinPath, pathInfo, placeOf, plainPath } from './namespace-paths.js'
import { Putter } from './namespace-put.js'
import type {
  ExpectedVersion,
  OpenPath,
  PathInfo,
  PathStat,
  PutEvent,
  PutOptions,
  ReadPathOptions,
} from './namespace-types.js'
import type { FilesNetwork } from './network.js'
import type { FilesService } from './service.js'
import type { CallOptions, FetchOptions, PublishSource } from './types.js'

/** Slabs of puts, 4 MiB each: the memory that they may take, however many run. */
const SLABS = 8
const NEW_DIRECTORY_MODE = 0o755

export interface NamespaceComponents {
  authority: Pick<Authority, 'execute' | 'read'>
  holdings: Pick<Holdings, 'ready' | 'hold' | 'abandon'>
  files: Pick<FilesService, 'open'>
  store: Pick<ChunkStore, 'put' | 'has' | 'barrier'>
  references: Pick<References, 'openLease'>
  network: Pick<FilesNetwork, 'announceLater'>
  hashes: HashPool
  /** This node's: it holds what is put here. */
  peerId: string
}

/**
 * Failure semantics. Reads may be repeated. A mutation that ends with UNAVAILABLE or
 * DEADLINE_EXCEEDED may have happened, once; with any other error it has not. A put that failed
 * leaves nothing in the namespace but the files that were told as added; what it stored is
 * collected.
 */
export class Namespace {
  readonly serviceId = 'namespace'
  readonly #components: NamespaceComponents
  readonly #putter: Putter
  readonly #slabs = new SlabPool({ slabBytes: SLAB_BYTES, slabs: SLABS })
  readonly #running = new Running()

  constructor(components: NamespaceComponents) {
    this.#components = components
    const [slabs, running] = [this.#slabs, this.#running]
    this.#putter = new Putter({ ...components, slabs, running })
  }

  /** Ends what runs (UNAVAILABLE) and waits for it. */
  async stop(): Promise<void> {
    await this.#running.stop()
    this.#slabs.close()
  }

  putPath(
    source: PublishSource,
    path: string,
    options: PutOptions & { recursive?: boolean } = {},
    { signal }: CallOptions = {},
  ): AsyncIterable<PutEvent> {
    return this.#putter.path(source, path, options, signal)
  }

  putStream(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: PutOptions = {},
    { signal }: CallOptions = {},
  ): AsyncIterable<PutEvent> {
    return this.#putter.stream(source, path, options, signal)
  }

  /** @throws ALREADY_EXISTS unless `parents`, NOT_FOUND for a missing parent */
  async mkdir(
    path: string,
    options: { parents?: boolean; attributes?: Partial<Attributes> } = {},
    { signal }: CallOptions = {},
  ): Promise<{ path: string; version: number; created: boolean }> {
    const { parents = false } = options
    const mtimeNs = BigInt(Date.now()) * 1_000_000n
    const attributes = { mode: NEW_DIRECTORY_MODE, uid: 0, gid: 0, mtimeNs, ...options.attributes }
    const place = placeOf(path)
    const { version, replaced } = await this.#components.authority.execute(
      { type: 'mkdir', place, attributes, parents },
      abortOf(signal),
    )
    return { path: plainPath(path), version, created: !replaced }
  }

  /**
   * Atomically, also onto an existing file. A target that is a directory takes it inside.
   *
   * @param options.exactly `to` is the new name itself, and what is there is replaced: an empty
   *   directory by a directory.
   */
  async move(
    from: string,
    to: string,
    options: { exactly?: boolean; versionFrom?: number; versionTo?: number } = {},
    { signal }: CallOptions = {},
  ): Promise<{ path: string; version: number; replaced: boolean }> {
    const { exactly = false, versionFrom, versionTo } = options
    const target = placeOf(to)
    if (to.endsWith('/') && !exactly) await this.#mustBeDirectory(to, signal)
    const {
      version,
      replaced,
      names = target.names,
    } = await this.#components.authority.execute(
      {
        type: 'rename',
        from: placeOf(from),
        to: target,
        into: !exactly,
        ...(versionFrom !== undefined && { expectedFrom: versionFrom }),
        ...(versionTo !== undefined && { expectedTo: versionTo }),
      },
      abortOf(signal),
    )
    return { path: `/${names.join('/')}`, version, replaced }
  }

  async #mustBeDirectory(path: string, signal: AbortSignal | undefined): Promise<void> {
    const { kind } = await this.stat(path, abortOf(signal))
    if (kind === 'directory') return
    throw new DpsError('FAILED_PRECONDITION', `${plainPath(path)} is not a directory`)
  }

  /** Its chunks are freed by the collector when no other path leads to them. */
  async remove(
    path: string,
    options: { recursive?: boolean } & ExpectedVersion = {},
    { signal }: CallOptions = {},
  ): Promise<void> {
    const { recursive = false, version: expected } = options
    const command = { type: 'remove' as const, place: placeOf(path), recursive }
    await this.#components.authority.execute(
      { ...command, ...(expected !== undefined && { expected }) },
      abortOf(signal),
    )
  }

  async setAttributes(
    path: string,
    options: Partial<Attributes> & ExpectedVersion,
    { signal }: CallOptions = {},
  ): Promise<{ version: number }> {
    const { version: expected, ...attributes } = options
    const { version } = await this.#components.authority.execute(
      {
        type: 'setAttributes',
        place: placeOf(path),
        ...attributes,
        ...(expected !== undefined && { expected }),
      },
      abortOf(signal),
    )
    return { version }
  }

  async stat(path: string, options: ReadPathOptions = {}): Promise<PathStat> {
    const view = await this.#read(options)
    const info = pathInfo(plainPath(path), statEntry(view, placeOf(path)))
    const content = info.cid === undefined ? undefined : contentOf(view, info.cid.bytes)
    const holders = content === undefined ? [] : holdersOf(content)
    return { ...info, policy: content?.policy ?? '', holders }
  }

  /**
   * Entries of a directory in pages, in byte order of their names. A file or symlink lists itself.
   *
   * @param options.after a name: only those behind it.
   */
  async *list(
    path: string,
    options: ReadPathOptions & { after?: string; limit?: number } = {},
  ): AsyncGenerator<PathInfo[]> {
    const { after, limit, signal } = options
    const view = await this.#read(options)
    const above = plainPath(path)
    const info = statEntry(view, placeOf(path))
    if (info.kind !== 'directory') {
      yield [pathInfo(above, info)]
      return
    }
    const pages = listEntries(view, info.directoryId ?? ROOT_DIRECTORY, {
      ...abortOf(signal),
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
    })
    for await (const page of pages) {
      yield page.map((entry) => pathInfo(joinPath(above, entry.name), entry))
    }
  }

  /** @throws FAILED_PRECONDITION for a directory or a symlink */
  async open(path: string, options: ReadPathOptions & FetchOptions = {}): Promise<OpenPath> {
    const { stale: _, ...fetching } = options
    const { cid, info } = await this.#fileAt(path, options)
    return { ...(await this.#components.files.open(cid, fetching)), info: { ...info, cid } }
  }

  async #fileAt(path: string, options: ReadPathOptions): Promise<{ cid: CID; info: PathInfo }> {
    const found = fileAt(await this.#read(options), placeOf(path))
    return { cid: cidOfBytes(found.fileId), info: pathInfo(plainPath(path), found) }
  }

  #read({ stale = false, signal }: ReadPathOptions): Promise<View> {
    return this.#components.authority.read({ stale, ...abortOf(signal) })
  }
}

function abortOf(signal: AbortSignal | undefined): AbortOptions {
  return signal === undefined ? {} : { signal }
}
