/**
 * HTTP/1.1 and cleartext HTTP/2 on one port. The first bytes of a connection tell which: only
 * HTTP/2 begins with `PRI * HTTP/2.0` (RFC 9113, 3.4), so the socket is handed to the right server
 * when they have been seen.
 */
import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { DpsError } from '../base/index.js'
import type { HttpRequest, HttpResponse } from './http.js'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n')

// The default of 64 KiB is a round trip for each 64 KiB; measured 579 → 1034 MB/s up.
const H2_WINDOW_BYTES = 8 * 1024 * 1024
const H2_STREAMS_MAX = 128
// Whole connection, in MB: many streams may each hold a window.
const H2_SESSION_MEMORY_MB = 64
const TCP_KEEPALIVE_MS = 30_000
const HEADER_BYTES_MAX = 16 * 1024

export interface PortsInit {
  /** From connecting to the end of the first request's headers, and of each next one's. */
  headersTimeoutMs: number
  keepAliveTimeoutMs: number
  connectionsMax: number
}

type Handler = (request: HttpRequest, response: HttpResponse) => void

export interface PortsHandlers {
  request: Handler
  /** `Expect: 100-continue`: the body waits for leave to come. */
  checkContinue: Handler
}

export class Ports {
  readonly #init: PortsInit
  readonly #http1: Server
  readonly #http2
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  /** Connections that have not said yet what they speak. */
  readonly #undecided = new Set<Socket>()

  constructor(handlers: PortsHandlers, init: PortsInit) {
    this.#init = init
    this.#http1 = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: init.headersTimeoutMs,
        keepAliveTimeout: init.keepAliveTimeoutMs,
        // Uploads may take for ever; what bounds other requests is their deadline.
        requestTimeout: 0,
        // A client whose machine vanished is noticed while a call only waits.
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEPALIVE_MS,
        connectionsCheckingInterval: Math.min(init.headersTimeoutMs, 1_000),
      },
      handlers.request,
    )
    this.#http1.on('checkContinue', handlers.checkContinue)
    this.#http1.on('clientError', onClientError)
    this.#http1.maxConnections = init.connectionsMax
    this.#http2 = createHttp2Server(
      {
        settings: {
          initialWindowSize: H2_WINDOW_BYTES,
          maxConcurrentStreams: H2_STREAMS_MAX,
          maxHeaderListSize: HEADER_BYTES_MAX,
        },
        maxSessionMemory: H2_SESSION_MEMORY_MB,
      },
      handlers.request,
    )
    this.#http2.on('checkContinue', handlers.checkContinue)
    this.#http2.on('session', (session) => this.#onSession(session))
    // Of one connection only, which is closed already.
    this.#http2.on('sessionError', () => {})
    // The server that listens is HTTP/1.1's, so that its own timeouts run; it gets a connection
    // only after we have looked at it.
    const [toHttp1] = this.#http1.listeners('connection') as [(socket: Socket) => void]
    this.#http1.removeAllListeners('connection')
    this.#http1.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      this.#peek(socket, (isHttp2) => {
        if (isHttp2) {
          // HTTP/1.1's server makes its sockets half-open; HTTP/2's relies on the opposite to
          // see that a client is gone.
          socket.allowHalfOpen = false
          this.#http2.emit('connection', socket)
        } else toHttp1.call(this.#http1, socket)
      })
    })
  }

  /** @returns the port taken. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http1.once('error', (cause: NodeJS.ErrnoException) => {
        reject(listenError(cause, host, port))
      })
      this.#http1.listen({ host, port }, () => {
        resolve((this.#http1.address() as AddressInfo).port)
      })
    })
  }

  /** Takes nothing new, lets running requests end for up to `graceMs`, then cuts them off. */
  async close(graceMs: number): Promise<void> {
    if (!this.#http1.listening) return
    const closed = new Promise<void>((resolve) => this.#http1.close(() => resolve()))
    this.#http1.closeIdleConnections()
    for (const socket of this.#undecided) socket.destroy()
    for (const session of this.#sessions) session.close()
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
  }

  #peek(socket: Socket, decided: (isHttp2: boolean) => void): void {
    let seen: Buffer = Buffer.alloc(0)
    const giveUp = () => socket.destroy()
    const onReadable = () => {
      const piece: Buffer | null = socket.read()
      if (piece === null) return
      seen = seen.byteLength === 0 ? piece : Buffer.concat([seen, piece])
      const compared = Math.min(seen.byteLength, PREFACE.byteLength)
      const same = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared))
      if (same && compared < PREFACE.byteLength) return
      leave()
      socket.unshift(seen)
      decided(same)
      socket.off('error', giveUp)
    }
    const leave = () => {
      clearTimeout(timer)
      this.#undecided.delete(socket)
      socket.off('readable', onReadable)
      socket.off('end', giveUp)
    }
    // Whoever connects and says nothing, or a byte now and then, holds one of the connections.
    const timer = setTimeout(giveUp, this.#init.headersTimeoutMs)
    this.#undecided.add(socket)
    socket.once('close', leave)
    socket.on('error', giveUp)
    socket.on('end', giveUp)
    socket.on('readable', onReadable)
  }

  #onSession(session: ServerHttp2Session): void {
    const { keepAliveTimeoutMs } = this.#init
    let streams = 0
    let quiet = false
    let answered = true
    session.on('stream', (stream) => {
      streams++
      quiet = false
      stream.once('close', () => {
        streams--
        quiet = false
      })
    })
    this.#sessions.add(session)
    session.setLocalWindowSize(H2_WINDOW_BYTES)
    // Node leaves a connection open whose client broke the protocol, and its streams with it:
    // one that is silent must show that it still listens.
    const timer = setInterval(() => {
      if (session.closed || !answered) session.destroy()
      else if (streams === 0 && quiet) session.close()
      quiet = true
      if (streams === 0 || session.destroyed) return
      answered = false
      session.ping((error) => {
        answered = error === null
      })
    }, keepAliveTimeoutMs)
    session.once('close', () => {
      clearInterval(timer)
      this.#sessions.delete(session)
    })
  }
}

function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
  socket.destroySoon()
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): DpsError {
  const where = `${host}:${port}`
  if (cause.code === 'EADDRINUSE') {
    return new DpsError('FAILED_PRECONDITION', `api: ${where} is in use by another program`, {
      cause,
      hint: 'choose another address with --api HOST:PORT; port 0 takes a free one',
    })
  }
  if (cause.code === 'EACCES' || cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND') {
    return new DpsError('FAILED_PRECONDITION', `api: can't listen on ${where}: ${cause.message}`, {
      cause,
      hint: 'choose an address of this machine with --api HOST:PORT',
    })
  }
  return new DpsError('INTERNAL', `api: can't listen on ${where}: ${cause.message}`, { cause })
}
