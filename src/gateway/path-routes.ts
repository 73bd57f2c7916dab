/**
 * Files of the namespace over plain HTTP.
 *
 * `GET|HEAD /v1/files/<path>?stale=&timeoutMs=&filename=` with ranges and entity tags, the entry's
 * version in `dps-version`;
 * `PUT /v1/files/<path>?policy=&chunkSizeBytes=&chunker=&mode=&uid=&gid=&mtimeNs=&name=&version=&progressHz=`
 * puts the body there and answers with one JSON line for each event; a failure after the first is
 * the last line. `If-None-Match: *` puts only where nothing is.
 */
import { DpsError } from '../base/index.js'
import type { PutOptions } from '../files/index.js'
import { allowOnly, type ByteRoutes, count, flag, segments } from './byte-routes.js'
import { chunkerFromWire, putEventToJson } from './codec.js'
import { type HttpCall, sendError } from './http.js'
import { putEventToWire } from './namespace-codec.js'
import type { NamespaceFiles } from './namespace-service.js'
import type { CallOptions } from './services.js'

const PREFIX = '/v1/files'
/** What a path names may change; its entity tag is asked for each time. */
const CACHE_CONTROL = 'private, no-cache'
const VERSION_HEADER = 'dps-version'

export interface PathRoutesComponents {
  namespace: NamespaceFiles
  bytes: ByteRoutes
}

export class PathRoutes {
  readonly #components: PathRoutesComponents

  constructor(components: PathRoutesComponents) {
    this.#components = components
  }

  /** The work of a request to these routes; `undefined` when the path is another's. */
  handlerOf({ path, request }: HttpCall): ((call: HttpCall) => Promise<void>) | undefined {
    if (!path.startsWith(`${PREFIX}/`)) return undefined
    const { bytes } = this.#components
    const { method } = request
    if (method === 'PUT') {
      return (http) => bytes.run('put', http, (call) => this.#put(http, call))
    }
    if (method === 'GET' || method === 'HEAD') {
      return (http) => bytes.run('get', http, (call) => this.#get(http, call))
    }
    return async ({ request, response }) => {
      response.setHeader('allow', 'GET, HEAD, PUT')
      const error = new DpsError('UNIMPLEMENTED', `api: no ${method} for ${path}`)
      sendError(request, response, error, 405)
    }
  }

  async #get(http: HttpCall, call: CallOptions): Promise<void> {
    const { namespace, bytes } = this.#components
    const { path, query, response } = http
    allowOnly(query, ['stale', 'timeoutMs', 'filename'])
    const timeoutMs = count(query.get('timeoutMs'), 'timeoutMs')
    const stale = flag(query.get('stale'), 'stale')
    const waiting = timeoutMs !== undefined && timeoutMs > 0 ? { timeoutMs } : {}
    const content = await namespace.open(clusterPath(path), { ...call, ...waiting, stale })
    const { name, version } = content.info
    response.setHeader(VERSION_HEADER, String(version))
    const filename = query.get('filename') ?? name
    await bytes.send(http, { content, filename, cacheControl: CACHE_CONTROL }, call)
  }

  async #put(http: HttpCall, call: CallOptions): Promise<void> {
    const { namespace, bytes } = this.#components
    const { path, query, request } = http
    allowOnly(query, PUT_PARAMETERS)
    const progressHz = count(query.get('progressHz'), 'progressHz') ?? 0
    const options = putOptions(query)
    if (request.headers['if-none-match'] === '*') options.version = 0
    const target = clusterPath(path)
    await bytes.receive(
      http,
      call,
      progressHz,
      (source) => namespace.putStream(source, target, options, call),
      (event) => putEventToJson(putEventToWire(event)),
    )
  }
}

const PUT_PARAMETERS = [
  'policy',
  'chunkSizeBytes',
  'chunker',
  'mode',
  'uid',
  'gid',
  'mtimeNs',
  'name',
  'version',
  'progressHz',
]

function putOptions(query: URLSearchParams): PutOptions {
  const [policy, chunker, name] = ['policy', 'chunker', 'name'].map((key) => query.get(key))
  const chunkSizeBytes = count(query.get('chunkSizeBytes'), 'chunkSizeBytes')
  const version = count(query.get('version'), 'version')
  const attributes = {
    ...number(query, 'mode'),
    ...number(query, 'uid'),
    ...number(query, 'gid'),
    ...mtime(query.get('mtimeNs')),
  }
  return {
    ...(policy && { policy }),
    ...(chunker && { chunker: chunkerFromWire(chunker) }),
    ...(chunkSizeBytes && { chunkSizeBytes }),
    ...(name && { name }),
    ...(version !== undefined && { version }),
    attributes,
  }
}

function number<K extends string>(query: URLSearchParams, key: K): { [P in K]?: number } {
  const value = count(query.get(key), key)
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: number }
}

function mtime(text: string | null): { mtimeNs?: bigint } {
  if (text === null || text === '') return {}
  if (/^-?\d{1,19}$/.test(text)) {
    const mtimeNs = BigInt(text)
    if (BigInt.asIntN(64, mtimeNs) === mtimeNs) return { mtimeNs }
  }
  throw new DpsError('INVALID_ARGUMENT', `api: mtimeNs=${text} is no time in nanoseconds`)
}

/** A slash at the end stays: it says that a directory is meant. */
function clusterPath(path: string): string {
  const names = segments(path, PREFIX).filter((name) => name !== '')
  return `/${names.join('/')}${path.endsWith('/') && names.length > 0 ? '/' : ''}`
}
