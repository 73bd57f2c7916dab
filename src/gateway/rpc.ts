/** ConnectRPC on node's HTTP servers: gRPC, gRPC-Web and Connect for one set of handlers. */
import {
  type ConnectRouter,
  createConnectRouter,
  type Interceptor,
  type StreamResponse,
} from '@connectrpc/connect'
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol'
import { type connectNodeAdapter, universalRequestFromNodeRequest } from '@connectrpc/connect-node'
import { raceSignal } from '../base/index.js'
import { clientGone, ResponseWriter } from './body.js'
import { type CallBook, CallSignal } from './calls.js'
import { REQUEST_ID_HEADER, toConnectError } from './contract/codec.js'
import { breakOff, type HttpCall, type HttpRequest, type HttpResponse } from './http.js'
import { UnaryServer } from './unary-server.js'

type NodeHandler = ReturnType<typeof connectNodeAdapter>

export interface RpcComponents {
  book: CallBook
  /** Aborted when the node stops. */
  stopping: AbortSignal
}

export interface RpcInit {
  /** Deadline of unary calls that bring none. Streams have none of their own. */
  unaryTimeoutMs: number
  /** How long a client may take to send its request message. */
  requestTimeoutMs: number
  requestBytesMax: number
}

export class Rpc {
  readonly #handlers: Map<string, UniversalHandler>
  readonly #requestTimeoutMs: number
  readonly #unary: UnaryServer

  constructor(
    { book, stopping }: RpcComponents,
    init: RpcInit,
    routes: (router: ConnectRouter) => void,
  ) {
    this.#requestTimeoutMs = init.requestTimeoutMs
    const router = createConnectRouter({
      // Content does not compress and loopback is faster than any compressor.
      acceptCompression: [],
      readMaxBytes: init.requestBytesMax,
      // Plain JSON clients then see every field.
      jsonOptions: { alwaysEmitImplicit: true, ignoreUnknownFields: true },
      shutdownSignal: stopping,
      interceptors: [intercept(book, init.unaryTimeoutMs)],
    })
    this.#unary = new UnaryServer({ book, stopping }, init)
    routes(alsoUnary(router, this.#unary))
    this.#handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))
  }

  /** The handler of a path, if it is a method's. */
  handlerOf(path: string): UniversalHandler | undefined {
    return this.#handlers.get(path)
  }

  /** Never rejects. */
  async serve(handler: UniversalHandler, call: HttpCall): Promise<void> {
    const { request, response } = call
    const unary = this.#unary.handlerOf(call.path, request)
    if (unary !== undefined) return this.#unary.serve(unary, call)
    // Deadlines bound handlers; this bounds the time before one runs.
    const timer = setTimeout(() => breakOff(response), this.#requestTimeoutMs)
    request.once('end', () => clearTimeout(timer))
    response.once('close', () => clearTimeout(timer))
    try {
      const asked = universalRequestFromNodeRequest(
        request as Parameters<NodeHandler>[0],
        response as Parameters<NodeHandler>[1],
        undefined,
        undefined,
      )
      await sendUniversal(await handler(asked), request, response)
    } catch {
      // Handlers turn what they throw into answers: only the connection can have failed.
      breakOff(response)
    }
  }
}

/** Tells the short way of every service that is routed. */
function alsoUnary(router: ConnectRouter, unary: UnaryServer): ConnectRouter {
  return {
    handlers: router.handlers,
    rpc: router.rpc.bind(router),
    service(service, implementation, options) {
      unary.add(service, implementation)
      router.service(service, implementation, options)
      return this
    },
  }
}

/** Deadline, cancellation, error mapping, books: around every handler. */
function intercept(book: CallBook, unaryTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    const { header, stream, method } = request
    const hasDeadline = header.has('connect-timeout-ms') || header.has('grpc-timeout')
    const call = new CallSignal()
      .follow(request.signal)
      .deadline(stream || hasDeadline ? undefined : unaryTimeoutMs)
    const end = book.begin(
      `${method.parent.name}/${method.name}`,
      header.get(REQUEST_ID_HEADER) ?? '',
    )
    const close = (thrown?: unknown) => {
      call.dispose()
      end(thrown)
    }
    try {
      const { signal } = call
      // Raced, so that a handler that is deaf to its signal can't keep the caller waiting.
      const response = await raceSignal(next({ ...request, signal }), signal)
      if (!response.stream) {
        close()
        return response
      }
      return { ...response, message: guard(response.message, signal, close) } as StreamResponse
    } catch (error) {
      close(error)
      throw toConnectError(error)
    }
  }
}

/** The handler's messages until it ends, fails or its signal aborts; `close` learns which. */
async function* guard<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  close: (thrown?: unknown) => void,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]()
  // Not awaited: it is queued behind a `next` that may never come back.
  const leave = () => {
    iterator.return?.().catch(() => {})
    close(signal.reason)
  }
  // While the client reads slowly this generator stands still, and would not see it go.
  signal.addEventListener('abort', leave, { once: true })
  try {
    for (;;) {
      const result = await raceSignal(iterator.next(), signal)
      if (result.done) break
      yield result.value
    }
    close()
  } catch (error) {
    close(error)
    throw toConnectError(error)
  } finally {
    signal.removeEventListener('abort', leave)
    iterator.return?.().catch(() => {})
    // Only where the consumer left without a word.
    close(clientGone())
  }
}

async function sendUniversal(
  answer: UniversalServerResponse,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const body = answer.body?.[Symbol.asyncIterator]()
  const writer = new ResponseWriter(response)
  // Handlers set headers until their first message: nothing is sent before that.
  let piece = await body?.next()
  answer.header?.forEach((value, name) => {
    response.setHeader(name, value)
  })
  if (!request.readableEnded && !('stream' in request)) response.setHeader('connection', 'close')
  // Said here and not by the first write: HTTP/2 would send no trailers after an empty body.
  response.writeHead(answer.status)
  for (; piece !== undefined && !piece.done; piece = await body?.next()) {
    await writer.write(piece.value)
  }
  if (answer.trailer !== undefined) {
    const trailers: Record<string, string> = {}
    answer.trailer.forEach((value, name) => {
      trailers[name] = value
    })
    response.addTrailers(trailers)
  }
  response.end()
}
