/**
 * Who may come in: the owner of the token, asking for this machine, from no foreign web page.
 *
 * A web page can make a browser send requests to loopback. It can't know the token; and so that it
 * can't even probe, its `Origin` is refused, and so is a `Host` that is not this machine's: that
 * is what a page sends whose DNS name was pointed at 127.0.0.1 after it was loaded (rebinding).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { cors } from '@connectrpc/connect'
import { DpsError } from '../base/index.js'
import { ACCEPT_ERROR_HEADER, BODY_BYTES_HEADER, REQUEST_ID_HEADER } from './contract/codec.js'
import type { HttpRequest, HttpResponse } from './http.js'

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']
const WILDCARDS = ['0.0.0.0', '::', '[::]']
const PREFLIGHT_SECONDS = '600'

export interface DoorInit {
  /** The bearer token that every call needs. */
  token: string
  /** The address listened on: a name for this machine too. */
  host: string
  /** Further names for it (a reverse proxy's), without port. */
  allowedHosts?: readonly string[] | undefined
  /** Origins of web pages that may call, e.g. `http://localhost:5173`. Others are refused. */
  allowedOrigins?: readonly string[] | undefined
}

export class Door {
  readonly #tokenHash: Buffer
  readonly #hosts: Set<string>
  readonly #origins: Set<string>
  readonly #anyAddress: boolean

  constructor(init: DoorInit) {
    // An empty token would let in whoever sends an empty one.
    if (init.token === '') throw new DpsError('INVALID_ARGUMENT', 'api: the token is empty')
    this.#tokenHash = hash(init.token)
    const names = [...LOOPBACK_NAMES, init.host, ...(init.allowedHosts ?? [])]
    this.#hosts = new Set(names.map((name) => bracketed(name).toLowerCase()))
    this.#origins = new Set(init.allowedOrigins)
    this.#anyAddress = WILDCARDS.includes(init.host)
  }

  /**
   * Throws PERMISSION_DENIED for a foreign Host or Origin. The port of a Host is not looked at:
   * forwarded ports change it, and rebinding needs a name.
   */
  checkPlace({ headers }: HttpRequest): void {
    const host = nameOf(headers[':authority']?.toString() ?? headers.host ?? '')
    // Listening on every address, each of them is this machine; a page can't rebind a literal.
    const known = this.#hosts.has(host) || (this.#anyAddress && isIP(unbracketed(host)) !== 0)
    if (!known) {
      throw new DpsError('PERMISSION_DENIED', `api: host ${quote(host)} is not this machine`, {
        hint: 'use 127.0.0.1 or localhost, or add the name to api.allowed_hosts',
      })
    }
    const { origin } = headers
    if (origin !== undefined && !this.#origins.has(origin)) {
      throw new DpsError('PERMISSION_DENIED', `api: origin ${quote(origin)} is not allowed`, {
        hint: 'add it to api.allowed_origins if you trust that web page',
      })
    }
  }

  /** Throws UNAUTHENTICATED unless the bearer token is the node's. Takes the same time for any. */
  checkToken({ headers }: HttpRequest): void {
    const match = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')
    if (match === null || !timingSafeEqual(hash(match[1]!), this.#tokenHash)) {
      const what = match === null ? 'no bearer token' : 'the token is not this node’s'
      throw new DpsError('UNAUTHENTICATED', `api: ${what}`, {
        hint: 'the token is in api.json in the data directory of the running node',
      })
    }
  }

  /** Lets an allowed web page read answers, and answers its preflight: true when that was all. */
  answerPreflight(request: HttpRequest, response: HttpResponse): boolean {
    const { origin } = request.headers
    if (origin === undefined) return false
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('vary', 'origin')
    response.setHeader('access-control-expose-headers', EXPOSED_HEADERS)
    if (request.method !== 'OPTIONS') return false
    response.setHeader('access-control-allow-methods', 'GET, HEAD, POST')
    response.setHeader('access-control-allow-headers', ALLOWED_HEADERS)
    response.setHeader('access-control-max-age', PREFLIGHT_SECONDS)
    response.statusCode = 204
    response.end()
    return true
  }
}

const ALLOWED_HEADERS = [
  ...cors.allowedHeaders,
  'Authorization',
  'Range',
  'If-None-Match',
  'If-Range',
  REQUEST_ID_HEADER,
  ACCEPT_ERROR_HEADER,
].join(', ')

const EXPOSED_HEADERS = [
  ...cors.exposedHeaders,
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Length',
  'Content-Range',
  'ETag',
  REQUEST_ID_HEADER,
  BODY_BYTES_HEADER,
].join(', ')

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** `[::1]:4180` → `[::1]`, `LocalHost:80` → `localhost`. */
function nameOf(host: string): string {
  return (/^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1] ?? '').toLowerCase()
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

function unbracketed(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
