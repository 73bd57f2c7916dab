/**
 * Unary calls over one HTTP request each: Connect's protocol with binary messages, on node's own client.
 * A call costs a fifth of what Connect's transport takes for it.
 */
import { type Agent, type IncomingMessage, request } from 'node:http'
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { type CallOptions, Code, ConnectError } from '@connectrpc/connect'
import { codeFromHttpStatus, errorFromJsonBytes } from '@connectrpc/connect/protocol-connect'
import { DpsError } from '../base/index.js'

const BINARY = 'application/proto'

export class UnaryClient {
  readonly #agent: Agent
  readonly #headers: Record<string, string>
  readonly #host: string
  readonly #port: string

  constructor(url: string, init: { agent: Agent; headers: Record<string, string> }) {
    const { hostname, port } = new URL(url)
    // URL keeps the brackets of IPv6.
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = port
    this.#agent = init.agent
    this.#headers = {
      ...init.headers,
      'content-type': BINARY,
      'connect-protocol-version': '1',
      'user-agent': 'dps-node',
    }
  }

  /** Rejects with a `ConnectError`, what became of the connection, or the signal's reason. */
  call(
    method: DescMethodUnary,
    message: Record<string, unknown>,
    { signal, timeoutMs, headers: further }: CallOptions = {},
  ): Promise<MessageShape<DescMessage>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const body = toBinary(method.input, create(method.input, message))
      const headers: Record<string, string | number> = {
        ...this.#headers,
        'content-length': body.byteLength,
      }
      if (further !== undefined) {
        new Headers(further).forEach((value, name) => {
          headers[name] = value
        })
      }
      if (timeoutMs !== undefined) headers['connect-timeout-ms'] = Math.ceil(timeoutMs)
      const asked = request({
        host: this.#host,
        port: this.#port,
        path: `/${method.parent.typeName}/${method.name}`,
        method: 'POST',
        agent: this.#agent,
        headers,
      })
      const leave = (reason: unknown) => {
        settle()
        reject(reason)
        asked.destroy()
      }
      const onAbort = () => leave(signal!.reason)
      const late = () => leave(new DpsError('DEADLINE_EXCEEDED', `not done within ${timeoutMs} ms`))
      // A moment longer than the node has: its own answer says more.
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs + GRACE_MS)
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      // Stays on: a late error without a listener would end the process.
      asked.on('error', leave)
      asked.once('response', (response) => {
        read(response, leave, (bytes) => {
          settle()
          try {
            resolve(answerOf(method, response, bytes))
          } catch (thrown) {
            reject(thrown)
          }
        })
      })
      asked.end(body)
    })
  }
}

const GRACE_MS = 250

function read(
  response: IncomingMessage,
  fail: (thrown: unknown) => void,
  done: (bytes: Uint8Array) => void,
): void {
  const pieces: Uint8Array[] = []
  response.on('data', (piece: Uint8Array) => pieces.push(piece))
  response.on('error', fail)
  response.once('end', () => done(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)))
}

function answerOf(
  method: DescMethodUnary,
  { statusCode = 0, headers }: IncomingMessage,
  bytes: Uint8Array,
): MessageShape<DescMessage> {
  if (statusCode === 200 && headers['content-type'] === BINARY) {
    return fromBinary(method.output, bytes)
  }
  const code = statusCode === 200 ? Code.Internal : codeFromHttpStatus(statusCode)
  const fallback = new ConnectError(`HTTP ${statusCode}`, code)
  if (headers['content-type']?.startsWith('application/json') !== true) throw fallback
  throw errorFromJsonBytes(bytes, undefined, fallback)
}
