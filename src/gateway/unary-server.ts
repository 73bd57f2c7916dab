/**
 * Unary calls of this project's own clients: Connect's protocol with binary messages, answered without
 * what Connect needs for everything else it can do. It costs a third of the time; gRPC, JSON, GET,
 * compressed and streaming calls go the general way.
 */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect'
import { codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { DpsError, raceSignal } from '../base/index.js'
import { clientGone, requestBody } from './body.js'
import { type CallBook, CallSignal } from './calls.js'
import { toConnectError } from './contract/codec.js'
import { breakOff, type HttpCall, type HttpRequest, isClosed } from './http.js'

type Implementation = (
  request: MessageShape<DescMessage>,
  context: HandlerContext,
) => Promise<Record<string, unknown>> | Record<string, unknown>

/** One method and what runs it. */
export interface UnaryHandler {
  readonly method: DescMethodUnary
  readonly run: Implementation
}

export interface UnaryComponents {
  book: CallBook
  /** Aborted when the node stops. */
  stopping: AbortSignal
}

export interface UnaryInit {
  unaryTimeoutMs: number
  requestTimeoutMs: number
  requestBytesMax: number
}

const BINARY = 'application/proto'

export class UnaryServer {
  readonly #components: UnaryComponents
  readonly #init: UnaryInit
  readonly #handlers = new Map<string, UnaryHandler>()

  constructor(components: UnaryComponents, init: UnaryInit) {
    this.#components = components
    this.#init = init
  }

  add(service: DescService, implementation: object): void {
    const methods = implementation as Record<string, Implementation>
    for (const method of service.methods) {
      const run = methods[method.localName]
      if (method.methodKind !== 'unary' || run === undefined) continue
      const path = `/${service.typeName}/${method.name}`
      this.#handlers.set(path, { method: method as DescMethodUnary, run })
    }
  }

  /** Undefined when the call has to go the general way. */
  handlerOf(path: string, { method, headers }: HttpRequest): UnaryHandler | undefined {
    if (method !== 'POST' || headers['content-type'] !== BINARY) return undefined
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') return undefined
    return this.#handlers.get(path)
  }

  /** Never rejects. */
  async serve(handler: UnaryHandler, call: HttpCall): Promise<void> {
    const { response } = call
    // A broken connection is told by `close`; unheard, its error would end the process.
    response.on('error', () => {})
    try {
      const { status, type, body } = await this.#answer(handler, call)
      if (isClosed(response)) return
      response.writeHead(status, { 'content-type': type, 'content-length': body.byteLength })
      // `end` is overloaded per version; both take bytes.
      ;(response as NodeJS.WritableStream).end(body)
    } catch {
      // What handlers throw is an answer already: only the connection can have failed.
      breakOff(response)
    }
  }

  async #answer(
    { method, run }: UnaryHandler,
    call: HttpCall,
  ): Promise<{ status: number; type: string; body: Uint8Array }> {
    const { book, stopping } = this.#components
    const { request, response, requestId } = call
    const signal = new CallSignal().follow(stopping)
    const onClose = () => signal.abort(clientGone())
    response.once('close', onClose)
    const end = book.begin(`${method.parent.name}/${method.name}`, requestId)
    try {
      const timeoutMs = deadlineOf(request)
      signal.deadline(timeoutMs ?? this.#init.unaryTimeoutMs)
      const message = decode(method, await this.#body(call))
      const context = new UnaryContext(method, call, signal.signal, timeoutMs)
      const work = Promise.resolve(run(message, context))
      // Raced, so that a handler that is deaf to its signal can't keep the caller waiting.
      const answer = await raceSignal(work, signal.signal)
      const body = toBinary(method.output, create(method.output, answer))
      context.writeHeaders()
      end()
      return { status: 200, type: BINARY, body }
    } catch (thrown) {
      end(thrown)
      const error = toConnectError(thrown)
      const body = errorToJsonBytes(error, undefined)
      return { status: codeToHttpStatus(error.code), type: 'application/json', body }
    } finally {
      response.off('close', onClose)
      signal.dispose()
    }
  }

  /** Whole, of at most so many bytes, within the time that a client has to send it. */
  async #body({ request, response }: HttpCall): Promise<Uint8Array> {
    const { requestBytesMax, requestTimeoutMs } = this.#init
    const length = Number(request.headers['content-length'] ?? Number.NaN)
    if (length === 0) return new Uint8Array()
    if (length > requestBytesMax) throw tooLarge(requestBytesMax)
    const timer = setTimeout(() => breakOff(response), requestTimeoutMs)
    try {
      const pieces: Uint8Array[] = []
      let bytes = 0
      for await (const piece of requestBody(request)) {
        pieces.push(piece)
        bytes += piece.byteLength
        if (bytes > requestBytesMax) throw tooLarge(requestBytesMax)
      }
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    } finally {
      clearTimeout(timer)
    }
  }
}

function tooLarge(bytesMax: number): ConnectError {
  return new ConnectError(`message size is larger than ${bytesMax}`, Code.ResourceExhausted)
}

/** Milliseconds of the `connect-timeout-ms` header, if there is one. */
function deadlineOf({ headers }: HttpRequest): number | undefined {
  const text = headers['connect-timeout-ms']
  if (text === undefined) return undefined
  if (typeof text === 'string' && /^\d{1,10}$/.test(text)) return Number(text)
  throw new DpsError('INVALID_ARGUMENT', 'api: the timeout is not a number of milliseconds')
}

function decode(method: DescMethodUnary, bytes: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(method.input, bytes)
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `api: not a message of ${method.name}`, { cause })
  }
}

/** What handlers see of their call; headers are made only for those who look. */
class UnaryContext implements HandlerContext {
  readonly method: DescMethodUnary
  readonly signal: AbortSignal
  readonly requestMethod = 'POST'
  readonly protocolName = 'connect'
  readonly #call: HttpCall
  readonly #deadlineMs: number | undefined
  #requestHeader: Headers | undefined
  #responseHeader: Headers | undefined
  #responseTrailer: Headers | undefined
  #values: ContextValues | undefined

  constructor(
    method: DescMethodUnary,
    call: HttpCall,
    signal: AbortSignal,
    timeoutMs: number | undefined,
  ) {
    this.method = method
    this.signal = signal
    this.#call = call
    this.#deadlineMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
  }

  get service(): DescService {
    return this.method.parent
  }

  get url(): string {
    return `http://${this.#call.request.headers.host ?? ''}${this.#call.path}`
  }

  timeoutMs(): number | undefined {
    return this.#deadlineMs === undefined ? undefined : this.#deadlineMs - performance.now()
  }

  get requestHeader(): Headers {
    if (this.#requestHeader !== undefined) return this.#requestHeader
    const headers = new Headers()
    for (const [name, value] of Object.entries(this.#call.request.headers)) {
      if (value !== undefined && !name.startsWith(':')) headers.set(name, String(value))
    }
    this.#requestHeader = headers
    return headers
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers()
    return this.#responseHeader
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers()
    return this.#responseTrailer
  }

  get values(): ContextValues {
    this.#values ??= createContextValues()
    return this.#values
  }

  /** What the handler set; trailers of a unary call are headers too. */
  writeHeaders(): void {
    const { response } = this.#call
    this.#responseHeader?.forEach((value, name) => {
      response.setHeader(name, value)
    })
    this.#responseTrailer?.forEach((value, name) => {
      response.setHeader(`trailer-${name}`, value)
    })
  }
}
