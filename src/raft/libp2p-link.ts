/** One member's outgoing messages: a long-lived stream on a connection of its own. */
import {
  backoffMs,
  type Clock,
  DpsError,
  type Random,
  type Timers,
  toDpsError,
  withDeadline,
} from '../base/index.js'
import { FrameReader, FrameWriter, type OwnStream } from '../network/index.js'
import type { Log } from '../observability/index.js'
import type { Message } from './core/types.js'
import { decodeFrame, encodeHello, encodeMessage, encodePing, type Hello } from './message-codec.js'

export const RAFT_PROTOCOL = '/dps/raft/1.0.0'
export const RAFT_HEADER_BYTES_MAX = 64 * 1024
/** While the stream is being opened only the newest messages are kept: enough for an election. */
const WAITING_MAX = 64
const FRAME_OVERHEAD_BYTES = 64

export interface LinkSettings {
  /** Not yet given to the connection; what comes beyond is dropped. */
  queueBytesMax: number
  openTimeoutMs: number
  pingEveryMs: number
  /** Without an answer for so long the connection is given up. */
  pingTimeoutMs: number
  retryMinMs: number
  retryMaxMs: number
}

export interface LinkComponents {
  open(signal: AbortSignal): Promise<OwnStream>
  clock: Clock
  timers: Timers
  random: Random
  log: Log
  onUnreachable(): void
  onDropped(): void
}

export interface LinkStatus {
  connected: boolean
  /** Round trip of the last ping, through everything that heartbeats pass. */
  rttMs: number | undefined
  queuedBytes: number
}

interface Open {
  own: OwnStream
  writer: FrameWriter
  /** The peer has answered: it takes our messages. */
  answered: boolean
  pingNumber: number
  pingSentMs: number
  waitsForPong: boolean
}

export class MemberLink {
  readonly #components: LinkComponents
  readonly #settings: LinkSettings
  readonly #hello: Hello
  readonly #stopping = new AbortController()
  #open: Open | undefined
  /** Messages since the attempt began. */
  #waiting: Message[] = []
  #attempting = false
  #failures = 0
  #cancelRetry: () => void = () => {}
  #cancelPing: () => void = () => {}
  #queuedBytes = 0
  #rttMs: number | undefined
  /** A refusal is told once, not with each attempt. */
  #refusal = ''
  /** When something was last to be sent. */
  usedMs: number

  constructor(components: LinkComponents, settings: LinkSettings, hello: Hello) {
    this.#components = components
    this.#settings = settings
    this.#hello = hello
    this.usedMs = components.clock.monotonicMs()
    this.#attempt()
  }

  status(): LinkStatus {
    const connected = this.#open?.answered === true
    return { connected, rttMs: this.#rttMs, queuedBytes: this.#queuedBytes }
  }

  send(message: Message): void {
    this.usedMs = this.#components.clock.monotonicMs()
    if (this.#open !== undefined) {
      this.#write(this.#open, message)
    } else if (this.#attempting) {
      if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift()
      this.#waiting.push(message)
    } else {
      this.#components.onDropped()
    }
  }

  #write({ writer }: Open, message: Message): void {
    if (this.#queuedBytes >= this.#settings.queueBytesMax) {
      this.#components.onDropped()
      // Raft then asks what arrived, and sends from there.
      if (message.type === 'append') this.#components.onUnreachable()
      return
    }
    const { header, body } = encodeMessage(message)
    const bytes = header.byteLength + (body?.byteLength ?? 0) + FRAME_OVERHEAD_BYTES
    this.#queuedBytes += bytes
    const onReleased = () => {
      this.#queuedBytes -= bytes
    }
    // An append that overtook another would be refused; heartbeats and votes may overtake them.
    writer.write({ header, body, onReleased, bulk: message.type === 'append' })
  }

  #attempt(): void {
    if (this.#stopping.signal.aborted) return
    this.#attempting = true
    void this.#connect()
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopping
    const open = async (bounded: AbortSignal): Promise<OwnStream> => {
      const own = await this.#components.open(bounded)
      if (bounded.aborted) own.cut(stopped())
      return own
    }
    try {
      const { openTimeoutMs } = this.#settings
      this.#opened(await withDeadline(openTimeoutMs, 'a connection', open, { signal }))
    } catch (error) {
      if (signal.aborted) return
      this.#components.log.debug({ err: error }, 'no connection to a member')
      this.#broken()
    }
  }

  #opened(own: OwnStream): void {
    const { stream } = own
    const writer = new FrameWriter(stream)
    const open: Open = {
      own,
      writer,
      answered: false,
      pingNumber: 0,
      pingSentMs: 0,
      waitsForPong: false,
    }
    this.#open = open
    this.#attempting = false
    new FrameReader(stream, {
      headerBytesMax: RAFT_HEADER_BYTES_MAX,
      bodyBytesMax: 0,
      onHeader: (header) => ({ header: decodeFrame(header), body: 'drop' }),
      onFrame: (frame) => {
        if (frame.kind === 'pong') this.#onPong(open, frame.number)
        else if (frame.kind === 'refusal') this.#onRefusal(open, frame.error)
        else throw new DpsError('INVALID_ARGUMENT', `raft: a ${frame.kind} out of place`)
      },
      onEnd: () => this.#lost(open, new DpsError('UNAVAILABLE', 'the member closed the stream')),
      onError: (error) => this.#lost(open, error),
    })
    writer.write({ header: encodeHello(this.#hello) })
    this.#ping(open)
    for (const message of this.#waiting.splice(0)) this.#write(open, message)
  }

  #ping(open: Open): void {
    open.pingNumber++
    open.pingSentMs = this.#components.clock.monotonicMs()
    open.waitsForPong = true
    open.writer.write({ header: encodePing('ping', open.pingNumber) })
    this.#cancelPing = this.#components.timers.after(this.#settings.pingTimeoutMs, () => {
      void this.#onPingTimeout(open, open.pingNumber)
    })
  }

  #onPong(open: Open, number: number): void {
    if (open !== this.#open || number !== open.pingNumber || !open.waitsForPong) return
    const { clock, timers } = this.#components
    open.answered = true
    open.waitsForPong = false
    this.#failures = 0
    this.#refusal = ''
    this.#rttMs = clock.monotonicMs() - open.pingSentMs
    this.#cancelPing()
    this.#cancelPing = timers.after(this.#settings.pingEveryMs, () => {
      if (open === this.#open) this.#ping(open)
    })
  }

  /** After a long pause of our own the answer may be waiting in the socket. */
  async #onPingTimeout(open: Open, number: number): Promise<void> {
    await this.#components.timers.settle()
    if (open !== this.#open || !open.waitsForPong || open.pingNumber !== number) return
    this.#lost(open, new DpsError('UNAVAILABLE', 'the member does not answer'), true)
  }

  #onRefusal(open: Open, error: DpsError): void {
    const { to } = this.#hello
    if (this.#refusal !== error.message) {
      this.#components.log.warn({ err: error }, `${to} takes no messages of this node`)
    }
    this.#refusal = error.message
    this.#lost(open, error, false)
  }

  /** @param cut whether the connection may be dead, too; a stream that never worked says so */
  #lost(open: Open, error: DpsError, cut = !open.answered): void {
    if (open !== this.#open) return
    open.writer.end()
    if (cut) open.own.cut(error)
    else open.own.stream.abort(error)
    if (open.answered) {
      this.#components.log.info({ err: toDpsError(error) }, 'lost the connection to a member')
    }
    this.#broken()
  }

  #broken(): void {
    const { timers, random, onUnreachable } = this.#components
    const { retryMinMs, retryMaxMs } = this.#settings
    this.#open = undefined
    this.#attempting = false
    this.#waiting = []
    this.#rttMs = undefined
    this.#cancelPing()
    this.#cancelRetry()
    if (this.#stopping.signal.aborted) return
    const waitMs = backoffMs(this.#failures++, retryMinMs, retryMaxMs, random)
    this.#cancelRetry = timers.after(waitMs, () => this.#attempt())
    onUnreachable()
  }

  /** What is queued is dropped. */
  stop(): void {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort(stopped())
    const open = this.#open
    if (open !== undefined) this.#lost(open, stopped(), true)
    this.#broken()
  }
}

function stopped(): DpsError {
  return new DpsError('UNAVAILABLE', 'this replica stops')
}
