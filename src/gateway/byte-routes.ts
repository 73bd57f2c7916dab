/** What every route that carries file bytes has in common. */
import { DpsError, toDpsError } from '../base/index.js'
import { formatCid } from '../content/index.js'
import type { OpenContent } from '../files/index.js'
import { clientGone, ResponseWriter, requestBody } from './body.js'
import { type CallBook, CallSignal, throttleProgress } from './calls.js'
import {
  ACCEPT_ERROR_HEADER,
  BODY_BYTES_HEADER,
  ERROR_TRAILER,
  errorToJson,
  errorToTrailer,
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
import type { CallOptions } from './services.js'

const CONTENT_HEADERS = [
  'etag',
  'accept-ranges',
  'content-range',
  'content-disposition',
  BODY_BYTES_HEADER,
]

export interface ByteRoutesComponents {
  book: CallBook
  /** Aborted when the node stops. */
  stopping: AbortSignal
}

export interface SentContent {
  content: OpenContent
  filename: string
  cacheControl: string
}

export class ByteRoutes {
  readonly #components: ByteRoutesComponents

  constructor(components: ByteRoutesComponents) {
    this.#components = components
  }

  /** Cancels the work when its client goes, books it, answers its error. Never rejects. */
  async run(
    name: string,
    http: HttpCall,
    work: (call: CallOptions) => Promise<void>,
  ): Promise<void> {
    const { request, response, requestId } = http
    const end = this.#components.book.begin(`Http/${name}`, requestId)
    const call = new CallSignal().follow(this.#components.stopping)
    response.once('close', () => call.abort(clientGone()))
    try {
      // Connect's header serves here too: the deadline of the whole call.
      call.deadline(count(request.headers['connect-timeout-ms']?.toString(), 'connect-timeout-ms'))
      await work({ signal: call.signal, requestId })
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

  /** Answers with the bytes that a `GET` or `HEAD` asks for: ranges, entity tags, errors midway. */
  async send(
    { request, response }: HttpCall,
    { content, filename, cacheControl }: SentContent,
    call: CallOptions,
  ): Promise<void> {
    const etag = `"${formatCid(content.cid)}"`
    safeHeaders(response, filename)
    response.setHeader('etag', etag)
    response.setHeader('cache-control', cacheControl)
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
      await this.#sendBytes(content, offset, length, response, call)
      response.end()
    } catch (error) {
      if (tellsErrors && response.headersSent && !isClosed(response)) {
        response.addTrailers({ [ERROR_TRAILER]: errorToTrailer(toDpsError(error)) })
        response.end()
      }
      throw error
    }
  }

  async #sendBytes(
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

  /** Gives the body to `work`, and answers with one JSON line for each of its events. */
  async receive<T extends { type: string }>(
    { request, response }: HttpCall,
    call: CallOptions,
    progressHz: number,
    work: (source: AsyncIterable<Uint8Array>) => AsyncIterable<T>,
    toJson: (event: T) => unknown,
  ): Promise<void> {
    const source = requestBody(request)
    const writer = new ResponseWriter(response)
    const line = (value: unknown) =>
      writer.write(Buffer.from(`${JSON.stringify(value)}\n`), call) ?? Promise.resolve()
    response.setHeader('content-type', 'application/x-ndjson')
    response.setHeader('cache-control', 'no-store')
    try {
      const events = throttleProgress(work(source), progressHz)
      for await (const event of events) await line(toJson(event))
    } catch (thrown) {
      // Before the first event there is still a status to say it with.
      if (response.headersSent && !isClosed(response)) {
        await line({ error: errorToJson(toDpsError(thrown)) })
        endEarly(request, response)
      }
      throw thrown
    } finally {
      await source.return()
      this.#components.book.countBytes('in', source.takenBytes)
    }
    endEarly(request, response)
  }
}

/** A misspelt parameter would do something else: unknown ones are refused. */
export function allowOnly(query: URLSearchParams, known: readonly string[]): void {
  for (const key of query.keys()) {
    if (!known.includes(key)) {
      throw new DpsError('INVALID_ARGUMENT', `api: unknown parameter ${JSON.stringify(key)}`, {
        hint: `known are: ${known.join(', ')}`,
      })
    }
  }
}

export function count(text: string | null | undefined, name: string): number | undefined {
  if (text === null || text === undefined || text === '') return undefined
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new DpsError('INVALID_ARGUMENT', `api: ${name}=${text} is no whole number`)
}

export function flag(text: string | null, name: string): boolean {
  if (text === null || text === '0' || text === 'false') return false
  if (text === '1' || text === 'true' || text === '') return true
  throw new DpsError('INVALID_ARGUMENT', `api: ${name}=${text} is neither true nor false`)
}

/** The decoded names after a prefix. */
export function segments(path: string, prefix: string): string[] {
  const names = path.slice(prefix.length + 1).split('/')
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
