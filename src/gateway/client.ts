/** The API's client: messages over Connect, file bytes over plain HTTP, errors as they were. */
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { DescMethodUnary, DescService } from '@bufbuild/protobuf'
import {
  type CallOptions,
  type Client,
  ConnectError,
  createClient,
  type Interceptor,
} from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { type AbortOptions, childController, DpsError, toDpsError } from '../base/index.js'
import { StreamPieces } from './body.js'
import {
  ACCEPT_ERROR_HEADER,
  BODY_BYTES_HEADER,
  ClusterService,
  ContentService,
  ERROR_TRAILER,
  ErrorInfoSchema,
  errorFromJson,
  errorFromTrailer,
  fromConnectError,
  NamespaceService,
  NodeService,
  type PublishEvent,
  type PutEvent,
  publishEventFromJson,
  putEventFromJson,
  REQUEST_ID_HEADER,
} from './contract/codec.js'
import { UnaryClient } from './unary-client.js'
import { Upload } from './upload.js'

export interface ApiClientInit {
  /** As in `api.json`: `http://127.0.0.1:4180`. */
  url: string
  token: string
  /** Sent with each call, to find it in the logs. */
  requestId?: string
}

export interface DownloadOptions extends AbortOptions {
  /** First byte wanted. Past the end there is nothing to read, which is no error. @default 0 */
  offset?: number
  /** Bytes wanted at most. @default all */
  length?: number
  /** Without an answer from anybody for so long, it fails. */
  timeoutMs?: number
  /** Names below the CID, when that is a directory. */
  path?: readonly string[]
}

export interface Download {
  /** Of the whole file. */
  sizeBytes: number
  /** Of this answer's body. */
  lengthBytes: number
  /** Rejects with the node's own error when it can't go on. Leaving it early closes it. */
  body: AsyncIterable<Uint8Array>
}

/** As `PublishOptions` of files; `progressHz` 0 asks for no progress. */
export interface UploadOptions extends AbortOptions {
  name?: string
  chunkSizeBytes?: number
  chunker?: string
  onlyHash?: boolean
  noPin?: boolean
  replicate?: number
  ttlMs?: number
  progressHz?: number
}

/** As `PutOptions` of files; `version` 0 puts only where nothing is. */
export interface PutUploadOptions extends AbortOptions {
  policy?: string
  chunkSizeBytes?: number
  chunker?: string
  mode?: number
  uid?: number
  gid?: number
  mtimeNs?: bigint
  /** What it is called inside a directory that the path names. */
  name?: string
  version?: number
  progressHz?: number
}

export class ApiClient {
  readonly url: string
  readonly node: Client<typeof NodeService>
  readonly content: Client<typeof ContentService>
  readonly cluster: Client<typeof ClusterService>
  readonly namespace: Client<typeof NamespaceService>
  /** More calls at once wait: a node cuts off who opens more connections than it takes. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 128 })
  readonly #headers: Record<string, string>

  constructor({ url, token, requestId }: ApiClientInit) {
    this.url = url.replace(/\/$/, '')
    this.#headers = {
      authorization: `Bearer ${token}`,
      ...(requestId !== undefined && { [REQUEST_ID_HEADER]: requestId }),
    }
    const addHeaders: Interceptor = (next) => (call) => {
      for (const [name, value] of Object.entries(this.#headers)) call.header.set(name, value)
      return next(call)
    }
    const transport = createConnectTransport({
      baseUrl: this.url,
      // A round trip takes 0.61 ms, over h2c 0.73 (medians, Node 20, loopback).
      httpVersion: '1.1',
      nodeOptions: { agent: this.#agent },
      acceptCompression: [],
      interceptors: [addHeaders],
    })
    const explain = (thrown: unknown) => this.#explain(thrown)
    const unary = new UnaryClient(this.url, { agent: this.#agent, headers: this.#headers })
    this.node = withDpsErrors(NodeService, createClient(NodeService, transport), unary, explain)
    this.content = withDpsErrors(
      ContentService,
      createClient(ContentService, transport),
      unary,
      explain,
    )
    this.cluster = withDpsErrors(
      ClusterService,
      createClient(ClusterService, transport),
      unary,
      explain,
    )
    this.namespace = withDpsErrors(
      NamespaceService,
      createClient(NamespaceService, transport),
      unary,
      explain,
    )
  }

  /** Resolves when the node knows the content and its size. */
  download(cid: string, options: DownloadOptions = {}): Promise<Download> {
    const { timeoutMs, path = [] } = options
    const names = [cid.replace(/^(?:\/ipfs\/|ipfs:\/\/)/, ''), ...path].map(encodeURIComponent)
    return this.#download(`/v1/content/${names.join('/')}?${queryOf({ timeoutMs })}`, options)
  }

  /** The same of a file of the namespace. */
  downloadPath(
    path: string,
    options: Omit<DownloadOptions, 'path'> & { stale?: boolean } = {},
  ): Promise<Download> {
    const { timeoutMs, stale } = options
    return this.#download(`${pathUrl(path)}?${queryOf({ timeoutMs, stale })}`, options)
  }

  async #download(url: string, options: DownloadOptions): Promise<Download> {
    const { offset = 0, length, signal } = options
    const headers: Record<string, string> = { [ACCEPT_ERROR_HEADER]: 'accept' }
    const ranged = offset > 0 || length !== undefined
    // A range of no bytes can't be written down; the first byte's range tells the size as well.
    const last = length === undefined ? '' : offset + Math.max(length, 1) - 1
    if (ranged) headers.range = `bytes=${offset}-${last}`
    const response = await this.#send({
      path: url,
      method: length === 0 ? 'HEAD' : 'GET',
      headers,
      ...(signal && { signal }),
    })
    const { statusCode } = response
    if (statusCode !== 200 && statusCode !== 206 && statusCode !== 416) {
      throw await failureOf(response)
    }
    const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1]
    const told = response.headers[BODY_BYTES_HEADER] ?? response.headers['content-length']
    const bodyBytes = Number(told)
    const sizeBytes = total === undefined ? bodyBytes : Number(total)
    if (length === 0 || statusCode === 416) {
      response.resume()
      return { sizeBytes, lengthBytes: 0, body: nothing() }
    }
    return { sizeBytes, lengthBytes: bodyBytes, body: this.#body(response, bodyBytes, signal) }
  }

  #body(response: IncomingMessage, bodyBytes: number, signal?: AbortSignal): StreamPieces {
    const broken = (cause?: unknown) =>
      signal?.aborted
        ? signal.reason
        : new DpsError('UNAVAILABLE', 'the node broke off in the middle of the content', { cause })
    const pieces: StreamPieces = new StreamPieces(response, {
      gone: broken,
      verdict: () => {
        const trailer = response.trailers[ERROR_TRAILER]
        if (trailer !== undefined) return errorFromTrailer(trailer)
        return pieces.seenBytes === bodyBytes ? undefined : broken()
      },
      onReturn: () => response.destroy(),
    })
    return pieces
  }

  /**
   * Publishes the bytes of `source`. Nothing is published when `source` throws, `signal` aborts
   * or the iteration is left early.
   */
  upload(
    source: AsyncIterable<Uint8Array>,
    options: UploadOptions = {},
  ): AsyncGenerator<PublishEvent, void, void> {
    const { signal, ...parameters } = options
    const request = { path: `/v1/content?${queryOf(parameters)}`, method: 'POST', signal }
    return this.#upload(request, source, publishEventFromJson)
  }

  /** Puts the bytes of `source` at a path of the namespace, as {@link upload} does. */
  put(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: PutUploadOptions = {},
  ): AsyncGenerator<PutEvent, void, void> {
    const { signal, ...parameters } = options
    const request = { path: `${pathUrl(path)}?${queryOf(parameters)}`, method: 'PUT', signal }
    return this.#upload(request, source, putEventFromJson)
  }

  async *#upload<T>(
    request: RequestOptions,
    source: AsyncIterable<Uint8Array>,
    read: (line: unknown) => T,
  ): AsyncGenerator<T, void, void> {
    const { signal } = request
    const message = this.#request(request)
    const upload = new Upload(message, source)
    try {
      const response = await upload.response()
      if (response.statusCode !== 200) throw await failureOf(response)
      for await (const line of linesOf(response)) {
        const value: unknown = JSON.parse(line)
        if (isFailure(value)) throw errorFromJson(value.error)
        yield read(value)
      }
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason
      throw this.#explain(upload.sourceError ?? thrown)
    } finally {
      await upload.close()
    }
  }

  /** Closes idle connections; running calls go on. */
  close(): void {
    this.#agent.destroy()
  }

  #request(options: RequestOptions) {
    const { hostname, port } = new URL(this.url)
    return request({
      ...options,
      // URL keeps the brackets of IPv6.
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      agent: this.#agent,
      headers: { ...this.#headers, ...options.headers },
    })
  }

  #send(options: RequestOptions & AbortOptions): Promise<IncomingMessage> {
    return new Promise<IncomingMessage>((resolve, reject) => {
      const message = this.#request(options)
      message.once('response', resolve)
      // Stays on: a late error without a listener would end the process.
      message.on('error', reject)
      message.end()
    }).catch((thrown) => {
      throw options.signal?.aborted ? options.signal.reason : this.#explain(thrown)
    })
  }

  /** The node's own error, or what became of the connection. */
  #explain(thrown: unknown): DpsError {
    const connectError = thrown instanceof ConnectError ? thrown : undefined
    if (connectError !== undefined && connectError.findDetails(ErrorInfoSchema).length > 0) {
      return fromConnectError(connectError)
    }
    const cause = connectError?.cause ?? thrown
    const errno = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
    if (errno === 'ECONNREFUSED') {
      return new DpsError('UNAVAILABLE', `no node answers at ${this.url}`, {
        cause,
        hint: 'start one with: npx dps-node',
      })
    }
    if (errno === 'ECONNRESET' || errno === 'EPIPE' || errno === 'ERR_STREAM_PREMATURE_CLOSE') {
      return new DpsError('UNAVAILABLE', 'the node closed the connection', { cause })
    }
    const error = connectError === undefined ? toDpsError(thrown) : fromConnectError(connectError)
    if (error.code !== 'UNAUTHENTICATED' || error.hint !== undefined) return error
    return new DpsError('UNAUTHENTICATED', `the node at ${this.url} refuses the token`, {
      cause: thrown,
      hint: 'the token is in api.json in the data directory of the running node',
    })
  }
}

/** The same client, whose calls reject with `DpsError`, or the reason of the caller's signal. */
function withDpsErrors<S extends DescService>(
  service: S,
  client: Client<S>,
  short: UnaryClient,
  explain: (thrown: unknown) => DpsError,
): Client<S> {
  type Call = (request: unknown, options?: CallOptions) => unknown
  const plain = client as unknown as Record<string, Call>
  const wrapped: Record<string, Call> = {}
  for (const method of service.methods) {
    const { localName, methodKind } = method
    const call = plain[localName]!
    const reasonOf = (thrown: unknown, { signal }: CallOptions) =>
      signal?.aborted ? signal.reason : explain(thrown)
    const unary: Call = (request, options = {}) =>
      short
        .call(method as DescMethodUnary, request as Record<string, unknown>, options)
        .catch((thrown) => {
          throw reasonOf(thrown, options)
        })
    const stream: Call = async function* (request, options = {}) {
      // Of its own, since leaving Connect's iterator early does not end the call.
      const controller = childController(options.signal)
      const { signal } = controller
      try {
        yield* call(request, { ...options, signal }) as AsyncIterable<unknown>
      } catch (thrown) {
        throw reasonOf(thrown, options)
      } finally {
        controller.abort()
        controller.dispose()
      }
    }
    wrapped[localName] = methodKind === 'unary' ? unary : stream
  }
  return wrapped as unknown as Client<S>
}

function queryOf(parameters: object): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query
}

/** A slash at the end stays. */
function pathUrl(path: string): string {
  const names = path.split('/').filter((name) => name !== '')
  const end = path.endsWith('/') && names.length > 0 ? '/' : ''
  return `/v1/files/${names.map(encodeURIComponent).join('/')}${end}`
}

async function failureOf(response: IncomingMessage): Promise<DpsError> {
  const pieces: Uint8Array[] = []
  for await (const piece of response) pieces.push(piece as Uint8Array)
  const text = Buffer.concat(pieces).toString()
  try {
    const value: unknown = JSON.parse(text)
    if (isFailure(value)) return errorFromJson(value.error)
  } catch {
    // Not the node's answer: told below.
  }
  const what = `HTTP ${response.statusCode}: ${text.slice(0, 200)}`
  return new DpsError('INTERNAL', `the node answered with ${what}`)
}

function isFailure(value: unknown): value is { error: unknown } {
  return typeof value === 'object' && value !== null && 'error' in value
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  response.setEncoding('utf8')
  for await (const text of response) {
    const lines = (rest + (text as string)).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '')
    throw new DpsError('UNAVAILABLE', 'the node broke off in the middle of an answer')
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
