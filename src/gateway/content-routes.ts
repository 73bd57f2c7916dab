/**
 * File bytes over plain HTTP.
 *
 * `GET|HEAD /v1/content/<cid>[/path]?timeoutMs=&filename=` with ranges and entity tags;
 * `POST /v1/content?name=&chunkSizeBytes=&chunker=&onlyHash=&noPin=&replicate=&ttlMs=&progressHz=`
 * answers with one JSON line for each event; a failure after the first is the last line.
 */
import { DpsError } from '../base/index.js'
import { formatCid, parseCid } from '../content/index.js'
import type { PublishOptions } from '../files/index.js'
import { allowOnly, type ByteRoutes, count, flag, segments } from './byte-routes.js'
import { chunkerFromWire, publishEventToJson, publishEventToWire } from './codec.js'
import { type HttpCall, sendError } from './http.js'
import type { CallOptions, ContentFiles } from './services.js'

const PREFIX = '/v1/content'
// A CID names one content for ever; `private` because a token was needed to get it.
const CACHE_CONTROL = 'private, max-age=31536000, immutable'

export interface ContentRoutesComponents {
  files: ContentFiles
  bytes: ByteRoutes
}

export class ContentRoutes {
  readonly #components: ContentRoutesComponents

  constructor(components: ContentRoutesComponents) {
    this.#components = components
  }

  /** The work of a request to these routes; `undefined` when the path is another's. */
  handlerOf({ path, request }: HttpCall): ((call: HttpCall) => Promise<void>) | undefined {
    if (path !== PREFIX && !path.startsWith(`${PREFIX}/`)) return undefined
    const { method } = request
    const { bytes } = this.#components
    if (path === PREFIX) {
      if (method === 'POST')
        return (http) => bytes.run('upload', http, (call) => this.#upload(http, call))
    } else if (method === 'GET' || method === 'HEAD') {
      return (http) => bytes.run('download', http, (call) => this.#download(http, call))
    }
    return async ({ request, response }) => {
      response.setHeader('allow', path === PREFIX ? 'POST' : 'GET, HEAD')
      const error = new DpsError('UNIMPLEMENTED', `api: no ${method} for ${path}`)
      sendError(request, response, error, 405)
    }
  }

  async #download(http: HttpCall, call: CallOptions): Promise<void> {
    const { files, bytes } = this.#components
    const { path, query } = http
    allowOnly(query, ['timeoutMs', 'filename'])
    const timeoutMs = count(query.get('timeoutMs'), 'timeoutMs')
    const options = { ...call, ...(timeoutMs !== undefined && timeoutMs > 0 && { timeoutMs }) }
    const [first = '', ...names] = segments(path, PREFIX)
    const root = parseCid(first)
    const target = names.length === 0 ? root : await files.resolve(root, names, options)
    const content = await files.open(target, { ...options, root })
    const name = formatCid(target)
    if (content.kind !== 'file') {
      throw new DpsError('INVALID_ARGUMENT', `${name} is a directory`, {
        hint: 'list it, and get its files by their paths below it',
      })
    }
    const filename = query.get('filename') ?? names.at(-1) ?? name
    await bytes.send(http, { content, filename, cacheControl: CACHE_CONTROL }, call)
  }

  async #upload(http: HttpCall, call: CallOptions): Promise<void> {
    const { files, bytes } = this.#components
    const { query } = http
    allowOnly(query, UPLOAD_PARAMETERS)
    const progressHz = count(query.get('progressHz'), 'progressHz') ?? 0
    const options = uploadOptions(query)
    await bytes.receive(
      http,
      call,
      progressHz,
      (source) => files.publishStream(source, options, call),
      (event) => publishEventToJson(publishEventToWire(event)),
    )
  }
}

const UPLOAD_PARAMETERS = [
  'name',
  'chunkSizeBytes',
  'chunker',
  'onlyHash',
  'noPin',
  'replicate',
  'ttlMs',
  'progressHz',
]

function uploadOptions(query: URLSearchParams): PublishOptions {
  const name = query.get('name')
  const chunker = query.get('chunker')
  const chunkSizeBytes = count(query.get('chunkSizeBytes'), 'chunkSizeBytes')
  const replicate = count(query.get('replicate'), 'replicate')
  const ttlMs = count(query.get('ttlMs'), 'ttlMs')
  return {
    ...(name && { name }),
    ...(chunker && { chunker: chunkerFromWire(chunker) }),
    ...(chunkSizeBytes && { chunkSizeBytes }),
    onlyHash: flag(query.get('onlyHash'), 'onlyHash'),
    noPin: flag(query.get('noPin'), 'noPin'),
    ...(replicate && { replicate }),
    ...(ttlMs && { ttlMs }),
  }
}
