/** The HTTP that the routes share: both versions' requests and answers, errors, ranges. */
import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type DpsError, ERROR_CODES } from '../base/index.js'
import { errorToJson } from './contract/codec.js'

export type HttpRequest = IncomingMessage | Http2ServerRequest
export type HttpResponse = ServerResponse | Http2ServerResponse

/** A request that has passed the door. */
export interface HttpCall {
  request: HttpRequest
  response: HttpResponse
  /** Path without query, still percent-encoded. */
  path: string
  query: URLSearchParams
  requestId: string
}

export function sendJson(response: HttpResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`)
}

export function send(response: HttpResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text)
  response.statusCode = status
  response.setHeader('content-type', type)
  response.setHeader('content-length', body.byteLength)
  response.setHeader('cache-control', 'no-store')
  // `end` is overloaded per version; both take bytes.
  if (response.req.method === 'HEAD') response.end()
  else (response as ServerResponse).end(body)
}

/**
 * `{"error":{code,message,hint}}` with the status of the code, unless another is given. The
 * headers must not have been sent; the body of the request may be unread.
 */
export function sendError(
  request: HttpRequest,
  response: HttpResponse,
  error: DpsError,
  status: number = ERROR_CODES[error.code].http,
): void {
  lingerAfter(request, response)
  sendJson(response, status, { error: errorToJson(error) })
}

/** Ends a response that may have come before the request's body was read to its end. */
export function endEarly(request: HttpRequest, response: HttpResponse): void {
  lingerAfter(request, response)
  response.end()
}

/** HTTP/2's response is no real stream: it has no `destroyed`. */
export function isClosed(response: HttpResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed
}

/** Ends a response so that its reader can't take it for complete. */
export function breakOff(response: HttpResponse): void {
  if ('stream' in response) response.stream.close(H2_INTERNAL_ERROR)
  else response.destroy()
}

const H2_INTERNAL_ERROR = 2

// A client in the middle of an upload reads the answer only when it looks up from writing;
// closing at once (which is what `connection: close` means here) would reset the connection and
// take the answer away from it. So what it sends is thrown away for a moment, but not for ever.
const LINGER_MS = 1_000
const LINGER_BYTES_MAX = 64 * 1024 * 1024

function lingerAfter(request: HttpRequest, response: HttpResponse): void {
  if (request.readableEnded || !hasBody(request)) return
  response.once('finish', () => linger(request))
}

function hasBody({ headers, httpVersionMajor, method }: HttpRequest): boolean {
  if (httpVersionMajor === 2) return method !== 'GET' && method !== 'HEAD'
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function linger(request: HttpRequest): void {
  let bytes = 0
  const done = () => {
    clearTimeout(timer)
    request.off('data', onData)
    // Read to its end, the connection is good for another request.
    if (request.readableEnded) return
    if (request instanceof IncomingMessage) request.socket.destroy()
    else request.stream.close()
  }
  const onData = (piece: Uint8Array) => {
    bytes += piece.byteLength
    if (bytes > LINGER_BYTES_MAX) done()
  }
  const timer = setTimeout(done, LINGER_MS)
  request.on('error', () => {})
  request.once('close', done)
  request.once('end', done)
  request.on('data', onData)
  request.resume()
}

export interface ByteRange {
  offset: number
  length: number
}

/**
 * The one range of a `Range` header (RFC 9110, 14.2) over `sizeBytes`. Several ranges, other
 * units and malformed ones are `undefined`: such a header is ignored and everything is sent.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '')
  if (match === null) return undefined
  const [first, last] = [match[1]!, match[2]!]
  if (first === '') {
    if (last === '') return undefined
    const length = Math.min(Number(last), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { offset: sizeBytes - length, length }
  }
  const offset = Number(first)
  if (last !== '' && Number(last) < offset) return undefined
  if (offset >= sizeBytes) return 'unsatisfiable'
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  return { offset, length: end - offset }
}

/** Whether an `If-None-Match` header names `etag` (weak comparison, RFC 9110, 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => {
    const tag = one.trim()
    return tag === '*' || tag.replace(/^W\//, '') === etag
  })
}
