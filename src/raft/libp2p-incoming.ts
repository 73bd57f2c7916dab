/** Streams that members opened to us: who may speak is judged before anything of it is heard. */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, toDpsError } from '../base/index.js'
import { FrameReader, FrameWriter } from '../network/index.js'
import type { Log } from '../observability/index.js'
import type { NodeId } from './core/configuration.js'
import { RAFT_HEADER_BYTES_MAX } from './libp2p-link.js'
import {
  decodeFrame,
  encodePing,
  encodeRefusal,
  type Frame,
  type Hello,
  messageFrom,
} from './message-codec.js'
import type { Receiver } from './transport.js'

/** Of an append: its limit in Raft is 1 MiB, or one larger entry. */
export const APPEND_BYTES_MAX = 4 * 1024 * 1024
/** Between a refusal and the end of the stream, whatever the peer does. */
const REFUSED_MS = 2000
/** Streams that have not said yet whose they are. */
const UNKNOWN_MAX = 64
/** For the first frame. */
const HELLO_MS = 5000

export interface IncomingComponents {
  log: Log
  /** @throws DpsError why a stream is not taken */
  check(peerId: string, hello: Hello): void
}

interface Session {
  stream: Stream
  peerId: string
  writer: FrameWriter
  hello: Hello | undefined
  timer: NodeJS.Timeout | undefined
}

export class Incoming {
  readonly #components: IncomingComponents
  readonly #unknown = new Set<Session>()
  /** One each: the newest is the one that the member uses. */
  readonly #sessions = new Map<NodeId, Session>()
  #receiver: Receiver | undefined

  constructor(components: IncomingComponents) {
    this.#components = components
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
  }

  stop(): void {
    this.#receiver = undefined
    const error = new DpsError('UNAVAILABLE', 'this replica stops')
    for (const session of [...this.#unknown, ...this.#sessions.values()]) this.#end(session, error)
  }

  /** Ends the streams of those who are no members any more. */
  recheck(knows: (id: NodeId) => boolean): void {
    for (const [id, session] of this.#sessions) {
      if (!knows(id)) this.#refuse(session, new DpsError('PERMISSION_DENIED', `${id} is no member`))
    }
  }

  take(stream: Stream, peerId: string): void {
    if (this.#receiver === undefined || this.#unknown.size >= UNKNOWN_MAX) {
      stream.abort(new DpsError('UNAVAILABLE', 'no replica takes it'))
      return
    }
    const writer = new FrameWriter(stream)
    const session: Session = { stream, peerId, writer, hello: undefined, timer: undefined }
    const late = () => this.#end(session, new DpsError('DEADLINE_EXCEEDED', 'no hello came'))
    session.timer = setTimeout(late, HELLO_MS)
    session.timer.unref()
    this.#unknown.add(session)
    new FrameReader<Frame>(stream, {
      headerBytesMax: RAFT_HEADER_BYTES_MAX,
      bodyBytesMax: APPEND_BYTES_MAX,
      onHeader: (bytes, bodyBytes) => {
        const header = decodeFrame(bytes)
        const takes = header.kind === 'message' && session.hello !== undefined
        if (bodyBytes > 0 && !takes) {
          throw new DpsError('INVALID_ARGUMENT', 'raft: a body out of place')
        }
        return { header, body: takes ? 'keep' : 'drop' }
      },
      onFrame: (frame, body) => this.#onFrame(session, frame, () => ownCopy(body)),
      onEnd: () => this.#end(session, new DpsError('UNAVAILABLE', 'the member ended its stream')),
      onError: (error) => {
        if (error.code === 'INVALID_ARGUMENT') {
          const what = 'cut a stream that broke the protocol'
          this.#components.log.warn({ peer: peerId, err: error }, what)
        }
        this.#end(session, error)
      },
    })
  }

  #onFrame(session: Session, frame: Frame, body: () => Uint8Array): void {
    const { hello } = session
    if (hello === undefined) {
      if (frame.kind !== 'hello') throw new DpsError('INVALID_ARGUMENT', 'raft: no hello')
      this.#greet(session, frame.hello)
    } else if (this.#sessions.get(hello.from) !== session) {
      // Refused or replaced: the rest of what is on its way is not heard.
    } else if (frame.kind === 'ping') {
      session.writer.write({ header: encodePing('pong', frame.number) })
    } else if (frame.kind === 'message') {
      this.#receiver?.receive(messageFrom(frame.message, body(), hello))
    } else {
      throw new DpsError('INVALID_ARGUMENT', `raft: a ${frame.kind} out of place`)
    }
  }

  #greet(session: Session, hello: Hello): void {
    session.hello = hello
    clearTimeout(session.timer)
    this.#unknown.delete(session)
    try {
      this.#components.check(session.peerId, hello)
    } catch (error) {
      this.#refuse(session, toDpsError(error))
      return
    }
    const old = this.#sessions.get(hello.from)
    this.#sessions.set(hello.from, session)
    if (old !== undefined) this.#end(old, new DpsError('ABORTED', 'a newer stream took its place'))
  }

  /** Says why, so that a person finds it in the other node's log. */
  #refuse(session: Session, error: DpsError): void {
    this.#forget(session)
    const { stream, writer } = session
    writer.write({ header: encodeRefusal(error) })
    session.timer = setTimeout(() => stream.abort(error), REFUSED_MS)
    session.timer.unref()
    stream.addEventListener('close', () => clearTimeout(session.timer))
    void writer.flushed().then(() => stream.close().catch(() => {}))
  }

  #end(session: Session, error: DpsError): void {
    clearTimeout(session.timer)
    this.#forget(session)
    session.writer.end()
    session.stream.abort(error)
  }

  #forget(session: Session): void {
    this.#unknown.delete(session)
    const from = session.hello?.from
    if (from !== undefined && this.#sessions.get(from) === session) this.#sessions.delete(from)
  }
}

/**
 * Entries stay in memory for long: they must not keep the network's buffers with them, nor a slab of
 * Node's buffer pool that they share with what was gone soon.
 */
function ownCopy(body: Uint8ArrayList): Uint8Array {
  const copy = new Uint8Array(body.byteLength)
  let at = 0
  for (const piece of body) {
    copy.set(piece, at)
    at += piece.byteLength
  }
  return copy
}
