/** The namespace behind the API: what the gateway needs of it, and the methods that clients call. */
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type {
  FetchOptions,
  OpenPath,
  PathInfo,
  PathStat,
  PublishSource,
  PutEvent,
  PutOptions,
  ReadPathOptions,
} from '../files/index.js'
import { throttleProgress } from './calls.js'
import { type NamespaceService, sizeFromWire } from './codec.js'
import {
  pathEntryToWire,
  putEventToWire,
  putOptionsFromWire,
  versionFromWire,
} from './namespace-codec.js'
import type { CallOptions } from './services.js'

/** POSIX attributes that a caller sets; what is absent stays, or is the default. */
interface NewAttributes {
  mode?: number
  uid?: number
  gid?: number
  mtimeNs?: bigint
}

/** Files and folders by path, as clients reach them. */
export interface NamespaceFiles {
  putPath(
    source: PublishSource,
    path: string,
    options: PutOptions & { recursive?: boolean },
    call?: CallOptions,
  ): AsyncIterable<PutEvent>
  /** Must put nothing when `source` throws. */
  putStream(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: PutOptions,
    call?: CallOptions,
  ): AsyncIterable<PutEvent>
  mkdir(
    path: string,
    options: { parents?: boolean; attributes?: NewAttributes },
    call?: CallOptions,
  ): Promise<{ path: string; version: number; created: boolean }>
  move(
    from: string,
    to: string,
    options: { exactly?: boolean; versionFrom?: number; versionTo?: number },
    call?: CallOptions,
  ): Promise<{ path: string; version: number; replaced: boolean }>
  remove(
    path: string,
    options: { recursive?: boolean; version?: number },
    call?: CallOptions,
  ): Promise<void>
  setAttributes(
    path: string,
    options: NewAttributes & { version?: number },
    call?: CallOptions,
  ): Promise<{ version: number }>
  stat(path: string, options?: ReadPathOptions): Promise<PathStat>
  list(
    path: string,
    options?: ReadPathOptions & { after?: string; limit?: number },
  ): AsyncIterable<PathInfo[]>
  open(path: string, options?: ReadPathOptions & FetchOptions): Promise<OpenPath>
}

export function namespaceService(
  namespace: NamespaceFiles,
  callOf: (context: HandlerContext) => CallOptions,
): ServiceImpl<typeof NamespaceService> {
  return {
    async *putPath(request, context) {
      const { path, dev = '', ino = '' } = request.source ?? { path: '' }
      const options = putOptionsFromWire(request)
      const source = { path, dev, ino }
      const events = namespace.putPath(source, request.path, options, callOf(context))
      for await (const event of throttleProgress(events, request.progressHz)) {
        yield putEventToWire(event)
      }
    },
    mkdir: ({ path, parents, mode }, context) =>
      namespace.mkdir(
        path,
        { parents, ...(mode !== undefined && { attributes: { mode } }) },
        callOf(context),
      ),
    move({ from, to, exactly, ...versions }, context) {
      const { version: versionFrom } = versionFromWire(versions.versionFrom)
      const { version: versionTo } = versionFromWire(versions.versionTo)
      const options = {
        exactly,
        ...(versionFrom !== undefined && { versionFrom }),
        ...(versionTo !== undefined && { versionTo }),
      }
      return namespace.move(from, to, options, callOf(context))
    },
    async removePath({ path, recursive, version }, context) {
      const options = { recursive, ...versionFromWire(version) }
      await namespace.remove(path, options, callOf(context))
      return {}
    },
    setAttributes({ path, mode, uid, gid, mtimeNs, version }, context) {
      const attributes = {
        ...(mode !== undefined && { mode }),
        ...(uid !== undefined && { uid }),
        ...(gid !== undefined && { gid }),
        ...(mtimeNs !== undefined && { mtimeNs }),
      }
      return namespace.setAttributes(
        path,
        { ...attributes, ...versionFromWire(version) },
        callOf(context),
      )
    },
    async statPath({ path, stale }, context) {
      const { policy, holders, ...info } = await namespace.stat(path, {
        stale,
        ...callOf(context),
      })
      return { entry: pathEntryToWire(info), policy, holders }
    },
    async *listPath({ path, stale, after, limit }, context) {
      const options = {
        stale,
        ...(after !== '' && { after }),
        ...(sizeFromWire(limit, 'limit') > 0 && { limit }),
        ...callOf(context),
      }
      for await (const page of namespace.list(path, options)) {
        yield { entries: page.map(pathEntryToWire) }
      }
    },
  }
}
