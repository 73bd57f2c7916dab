/** The API's server: the door, then the routes. */
import { setMaxListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { DpsError, type Part, toDpsError } from '../base/index.js'
import { isRequestId, type Log, type Metrics, newRequestId } from '../observability/index.js'
import { ByteRoutes } from './byte-routes.js'
import { CallBook } from './calls.js'
import { ContentRoutes } from './content-routes.js'
import { REQUEST_ID_HEADER } from './contract/codec.js'
import { Door } from './door.js'
import { type Services, serviceRoutes } from './handlers.js'
import {
  breakOff,
  type HttpCall,
  type HttpRequest,
  type HttpResponse,
  send,
  sendError,
  sendJson,
} from './http.js'
import { PathRoutes } from './path-routes.js'
import { Ports } from './ports.js'
import { Rpc } from './rpc.js'

export interface ApiServerComponents extends Services {
  log: Log
  metrics: Metrics
}

export interface ApiServerInit {
  /** The bearer token that callers must bring. */
  token: string
  /** @default '127.0.0.1' */
  host?: string
  /** 0 takes a free one. @default 4180 */
  port?: number
  /** Names of this machine beside loopback's and `host`, without port. */
  allowedHosts?: readonly string[]
  /** Origins of web pages that may call. @default none */
  allowedOrigins?: readonly string[]
  /** Deadline of unary calls that bring none. @default 60_000, twice the default of a lookup */
  unaryTimeoutMs?: number
  /** How long a client may take to send headers. @default 10_000 */
  headersTimeoutMs?: number
  /** How long a client may take to send a message (not an upload). @default 60_000 */
  requestTimeoutMs?: number
  /** Idle connections are closed after so long. @default 60_000 */
  keepAliveTimeoutMs?: number
  /** Connections at once; more are closed unanswered. @default 256 */
  connectionsMax?: number
  /** A message's largest size: a directory of some 500,000 entries. @default 64 MiB */
  requestBytesMax?: number
  /** How long running calls may go on when the node stops. @default 2_000 */
  stopGraceMs?: number
}

const DEFAULT_PORT = 4180
const PUBLIC_PATHS = ['/health', '/ready', '/metrics']

export class ApiServer implements Part {
  readonly serviceId = 'gateway'
  readonly #components: ApiServerComponents
  readonly #log: Log
  readonly #host: string
  readonly #wantedPort: number
  readonly #stopGraceMs: number
  readonly #door: Door
  readonly #ports: Ports
  readonly #rpc: Rpc
  readonly #content: ContentRoutes
  readonly #paths: PathRoutes
  readonly #stopping = new AbortController()
  #port: number | undefined

  constructor(components: ApiServerComponents, init: ApiServerInit) {
    this.#components = components
    this.#log = components.log.child({ component: 'gateway', service_id: this.serviceId })
    this.#host = init.host ?? '127.0.0.1'
    this.#wantedPort = init.port ?? DEFAULT_PORT
    this.#stopGraceMs = init.stopGraceMs ?? 2_000
    const { token, allowedHosts, allowedOrigins } = init
    this.#door = new Door({ token, host: this.#host, allowedHosts, allowedOrigins })
    const book = new CallBook(this.#log, components.metrics)
    const stopping = this.#stopping.signal
    // Every running call listens: many are no leak.
    setMaxListeners(0, stopping)
    const bytes = new ByteRoutes({ book, stopping })
    this.#content = new ContentRoutes({ files: components.files, bytes })
    this.#paths = new PathRoutes({ namespace: components.namespace, bytes })
    this.#rpc = new Rpc(
      { book, stopping },
      {
        unaryTimeoutMs: init.unaryTimeoutMs ?? 60_000,
        requestTimeoutMs: init.requestTimeoutMs ?? 60_000,
        requestBytesMax: init.requestBytesMax ?? 64 * 1024 * 1024,
      },
      serviceRoutes(components),
    )
    this.#ports = new Ports(
      {
        request: (request, response) => this.#enter(request, response),
        checkContinue: (request, response) =>
          this.#enter(request, response, () => (response as ServerResponse).writeContinue()),
      },
      {
        headersTimeoutMs: init.headersTimeoutMs ?? 10_000,
        keepAliveTimeoutMs: init.keepAliveTimeoutMs ?? 60_000,
        connectionsMax: init.connectionsMax ?? 256,
      },
    )
  }

  /** Rejects with FAILED_PRECONDITION when the address is taken. */
  async start(): Promise<void> {
    this.#port = await this.#ports.listen(this.#host, this.#wantedPort)
    // Not `info`: whoever starts a node is told on stdout.
    this.#log.debug({ url: this.url }, 'the API listens')
  }

  /** Running calls are cancelled (UNAVAILABLE) and given a moment to end. */
  async stop(): Promise<void> {
    const hint = 'run it again when the node is back: what was done is kept'
    this.#stopping.abort(new DpsError('UNAVAILABLE', 'the node is stopping', { hint }))
    await this.#ports.close(this.#stopGraceMs)
  }

  /** The port taken; the wanted one before the start. */
  get port(): number {
    return this.#port ?? this.#wantedPort
  }

  /** Where clients on this machine find it. */
  get url(): string {
    const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[this.#host] ?? this.#host
    return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${this.port}`
  }

  #enter(request: HttpRequest, response: HttpResponse, pass?: () => void): void {
    try {
      this.#route(request, response, pass)
    } catch (thrown) {
      const error = toDpsError(thrown)
      if (error.code === 'INTERNAL') this.#log.error({ err: thrown }, 'request failed')
      else this.#log.debug({ err: error, path: request.url?.slice(0, 200) }, 'request refused')
      if (error.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer')
      if (response.headersSent) breakOff(response)
      else sendError(request, response, error)
    }
  }

  #route(request: HttpRequest, response: HttpResponse, pass: (() => void) | undefined): void {
    const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s, 2)
    const foreignId = request.headers[REQUEST_ID_HEADER]
    const requestId = isRequestId(foreignId) ? foreignId : newRequestId()
    request.headers[REQUEST_ID_HEADER] = requestId
    response.setHeader(REQUEST_ID_HEADER, requestId)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cross-origin-resource-policy', 'same-origin')
    this.#door.checkPlace(request)
    if (this.#door.answerPreflight(request, response)) return
    const call: HttpCall = {
      request,
      response,
      path,
      query: new URLSearchParams(search),
      requestId,
    }
    if (PUBLIC_PATHS.includes(path)) {
      this.#answerProbe(call)
      return
    }
    this.#door.checkToken(request)
    const handler = this.#rpc.handlerOf(path)
    const work = this.#content.handlerOf(call) ?? this.#paths.handlerOf(call)
    if (handler === undefined && work === undefined) {
      throw new DpsError('NOT_FOUND', `api: nothing is at ${path.slice(0, 200)}`)
    }
    pass?.()
    if (handler !== undefined) void this.#rpc.serve(handler, call)
    else void work!(call)
  }

  #answerProbe({ request, response, path, requestId }: HttpCall): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      const error = new DpsError('UNIMPLEMENTED', `api: no ${request.method} for ${path}`)
      sendError(request, response, error, 405)
      return
    }
    this.#probe(path, requestId).then(
      ({ status, type, text }) => send(response, status, type, text),
      (thrown) => {
        this.#log.error({ err: thrown, request_id: requestId }, `${path} failed`)
        sendJson(response, 500, { ok: false })
      },
    )
  }

  async #probe(
    path: string,
    requestId: string,
  ): Promise<{ status: number; type: string; text: string }> {
    const { metrics, node } = this.#components
    if (path === '/metrics') {
      return { status: 200, type: metrics.contentType, text: await metrics.text() }
    }
    const type = 'application/json'
    const stopping = this.#stopping.signal
    if (path === '/ready') {
      const ok = node.ready() && !stopping.aborted
      return { status: ok ? 200 : 503, type, text: `${JSON.stringify({ ok })}\n` }
    }
    const { ok, problems } = await node.health({ signal: stopping, requestId })
    return { status: ok ? 200 : 503, type, text: `${JSON.stringify({ ok, problems })}\n` }
  }
}
