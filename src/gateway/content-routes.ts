/**
 * File bytes over plain HTTP.
 *
 * `GET|HEAD /v1/content/<cid>[/path]?timeoutMs=&filename=` with ranges and entity tags;
 * `POST /v1/content?name=&chunkSizeBytes=&chunker=&onlyHash=&noPin=&replicate=&ttlMs=&progressHz=`
 * answers with one JSON line for each event; a failure after the first is the last line.
 */
import { DpsError, toDpsError } from '../base/index.js'
import { formatCid, parseCid } from '../content/index.js'
import type { OpenContent, PublishOptions } from '../files/index.js'
import { clientGone, ResponseWriter, requestBody } from './body.js'
import { type CallBook, CallSignal, throttleProgress } from './calls.js'
import {
  ACCEPT_ERROR_HEADER,
  BODY_BYTES_HEADER,
  chunkerFromWire,
  ERROR_TRAILER,
  errorToJson,
  errorToTrailer,
  publishEventToJson,
  publishEventToWire,
} from './codec.js'
import {
  breakOff,
  endEarly,
  type HttpCall,
  type HttpResponse,
  isClosed,
  matchesEtag,
  parseRange,
  sendError,
} from './http.js'
import type { CallOptions, ContentFiles } from './services.js'

const PREFIX = '/v1/content'
// A CID names one content for ever; `private` because a token was needed to get it.
const CACHE_CONTROL = 'private, max-age=31536000, immutable'
const CONTENT_HEADERS = [
  'etag',
  'accept-ranges',
  'content-range',
  'content-disposition',
  BODY_BYTES_HEADER,
]

export interface ContentRoutesComponents {
  files: ContentFiles
  book: CallBook
  /** Aborted when the node stops. */
  stopping: AbortSignal
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
    if (path === PREFIX) {
      if (method === 'POST') return (call) => this.#run('upload', call, this.#upload)
    } else if (method === 'GET' || method === 'HEAD') {
      return (call) => this.#run('download', call, this.#download)
    }
    return async ({ request, response }) => {
      response.setHeader('allow', path === PREFIX ? 'POST' : 'GET, HEAD')
      const error = new DpsError('UNIMPLEMENTED', `api: no ${method} for ${path}`)
      sendError(request, response, error, 405)
    }
  }

  /** Cancels the work when its client goes, books it, answers its error. Never rejects. */
  async #run(
    name: string,
    http: HttpCall,
    work: (http: HttpCall, call: CallOptions) => Promise<void>,
  ): Promise<void> {
    const { request, response, requestId } = http
    const end = this.#components.book.begin(`Http/${name}`, requestId)
    const call = new CallSignal().follow(this.#components.stopping)
    response.once('close', () => call.abort(clientGone()))
    try {
      // Connect's header serves here too: the deadline of the whole call.
      call.deadline(count(request.headers['connect-timeout-ms']?.toString(), 'connect-timeout-ms'))
      await work.call(this, http, { signal: call.signal, requestId })
      end()
    } catch (thrown) {
      end(thrown)
      if (!response.headersSent) {
        // What was said of the content is not true of the error.
        for (const name of CONTENT_HEADERS) response.removeHeader(name)
        sendError(request, response, toDpsError(thrown))
      }
      if (!response.writableEnded) breakOff(response)
    } finally {
      call.dispose()
    }
  }

  async #download({ path, query, request, response }: HttpCall, call: CallOptions): Promise<void> {
    const { files } = this.#components
    allowOnly(query, ['timeoutMs', 'filename'])
    const timeoutMs = count(query.get('timeoutMs'), 'timeoutMs')
    const options = { ...call, ...(timeoutMs !== undefined && timeoutMs > 0 && { timeoutMs }) }
    const [first = '', ...names] = segments(path)
    const root = parseCid(first)
    const target = names.length === 0 ? root : await files.resolve(root, names, options)
    const content = await files.open(target, { ...options, root })
    const name = formatCid(target)
    if (content.kind !== 'file') {
      throw new DpsError('INVALID_ARGUMENT', `${name} is a directory`, {
        hint: 'list it, and get its files by their paths below it',
      })
    }
    const etag = `"${name}"`
    safeHeaders(response, query.get('filename') ?? names.at(-1) ?? name)
    response.setHeader('etag', etag)
    response.setHeader('cache-control', CACHE_CONTROL)
    response.setHeader('accept-ranges', 'bytes')
    if (matchesEtag(request.headers['if-none-match'], etag)) {
      response.statusCode = 304
      response.end()
      return
    }
    const { sizeBytes } = content
    const ifRange = request.headers['if-range']
    const wanted = ifRange === undefined || ifRange === etag ? request.headers.range : undefined
    const range = parseRange(wanted, sizeBytes)
    if (range === 'unsatisfiable') {
      response.statusCode = 416
      response.setHeader('content-range', `bytes */${sizeBytes}`)
      response.setHeader('content-length', 0)
      response.end()
      return
    }
    const { offset, length } = range ?? { offset: 0, length: sizeBytes }
    if (range !== undefined) {
      response.statusCode = 206
      response.setHeader('content-range', `bytes ${offset}-${offset + length - 1}/${sizeBytes}`)
    }
    const tellsErrors = request.headers[ACCEPT_ERROR_HEADER] === 'accept'
    if (tellsErrors) response.setHeader(BODY_BYTES_HEADER, length)
    if (!tellsErrors || request.method === 'HEAD') response.setHeader('content-length', length)
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    try {
      await this.#send(content, offset, length, response, call)
      response.end()
    } catch (error) {
      if (tellsErrors && response.headersSent && !isClosed(response)) {
        response.addTrailers({ [ERROR_TRAILER]: errorToTrailer(toDpsError(error)) })
        response.end()
      }
      throw error
    }
  }

  async #send(
    content: OpenContent,
    offset: number,
    length: number,
    response: HttpResponse,
    call: CallOptions,
  ): Promise<void> {
    const writer = new ResponseWriter(response)
    let sentBytes = 0
    try {
      if (length > 0) {
        for await (const piece of content.read({ offset, length, ...call })) {
          sentBytes += piece.byteLength
          if (sentBytes > length) break
          const room = writer.write(piece, call)
          if (room !== undefined) await room
        }
      }
    } finally {
      this.#components.book.countBytes('out', sentBytes)
    }
    if (sentBytes !== length) {
      const name = formatCid(content.cid)
      throw new DpsError('DATA_LOSS', `${name}: read ${sentBytes} bytes instead of ${length}`)
    }
  }

  async #upload({ query, request, response }: HttpCall, call: CallOptions): Promise<void> {
    const { files, book } = this.#components
    allowOnly(query, UPLOAD_PARAMETERS)
    const progressHz = count(query.get('progressHz'), 'progressHz') ?? 0
    const options = uploadOptions(query)
    const source = requestBody(request)
    const writer = new ResponseWriter(response)
    const line = (value: unknown) =>
      writer.write(Buffer.from(`${JSON.stringify(value)}\n`), call) ?? Promise.resolve()
    response.setHeader('content-type', 'application/x-ndjson')
    response.setHeader('cache-control', 'no-store')
    try {
      const events = throttleProgress(files.publishStream(source, options, call), progressHz)
      for await (const event of events) await line(publishEventToJson(publishEventToWire(event)))
    } catch (thrown) {
      // Before the first event there is still a status to say it with.
      if (response.headersSent && !isClosed(response)) {
        await line({ error: errorToJson(toDpsError(thrown)) })
        endEarly(request, response)
      }
      throw thrown
    } finally {
      await source.return()
      book.countBytes('in', source.takenBytes)
    }
    endEarly(request, response)
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

/** A misspelt `onlyHash` would publish: unknown parameters are refused. */
function allowOnly(query: URLSearchParams, known: readonly string[]): void {
  for (const key of query.keys()) {
    if (!known.includes(key)) {
      throw new DpsError('INVALID_ARGUMENT', `api: unknown parameter ${JSON.stringify(key)}`, {
        hint: `known are: ${known.join(', ')}`,
      })
    }
  }
}

function count(text: string | null | undefined, name: string): number | undefined {
  if (text === null || text === undefined || text === '') return undefined
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new DpsError('INVALID_ARGUMENT', `api: ${name}=${text} is no whole number`)
}

function flag(text: string | null, name: string): boolean {
  if (text === null || text === '0' || text === 'false') return false
  if (text === '1' || text === 'true' || text === '') return true
  throw new DpsError('INVALID_ARGUMENT', `api: ${name}=${text} is neither true nor false`)
}

/** The decoded names after the prefix. */
function segments(path: string): string[] {
  const names = path.slice(PREFIX.length + 1).split('/')
  if (names.length > 1 && names.at(-1) === '') names.pop()
  return names.map((name) => {
    let decoded: string
    try {
      decoded = decodeURIComponent(name)
    } catch (cause) {
      throw new DpsError('INVALID_ARGUMENT', `api: ${name} is not percent-encoded`, { cause })
    }
    if (decoded === '' || decoded === '.' || decoded === '..' || decoded.includes('\0')) {
      throw new DpsError('INVALID_ARGUMENT', `api: ${JSON.stringify(decoded)} names nothing`)
    }
    return decoded
  })
}

/** Whatever the bytes are, a browser saves them and runs nothing. */
function safeHeaders(response: HttpResponse, filename: string): void {
  response.setHeader('content-type', 'application/octet-stream')
  response.setHeader('content-security-policy', "sandbox; default-src 'none'")
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const exact = encodeURIComponent(filename).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  response.setHeader(
    'content-disposition',
    `attachment; filename="${plain}"; filename*=UTF-8''${exact}`,
  )
}
