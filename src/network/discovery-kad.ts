/**
 * kad-dht's wire format, as far as announcing needs it: many ADD_PROVIDER messages on one stream.
 * The format allows it (each message stands for itself, a server reads until the stream ends);
 * kad-dht's own client opens a stream for each message.
 *
 * ADD_PROVIDER has no answer, and a reader that falls behind by 4 MiB is reset. So after each
 * window of records stands a PING, which a server answers in turn: that is the acknowledgement
 * of all records before it, and the back-pressure.
 *
 * https://github.com/libp2p/specs/tree/master/kad-dht#rpc-messages
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { type AbortOptions, DpsError } from '../base/index.js'

const TYPE_ADD_PROVIDER = 2
const TYPE_PING = 5
// Tags: field number << 3 | wire type (0 varint, 2 bytes).
const FIELD_TYPE = 0x08
const FIELD_KEY = 0x12
const FIELD_PROVIDERS = 0x4a
const PEER_ID = 0x0a
const PEER_MULTIADDR = 0x12

/** Records before each acknowledgement: 35 KB or so. */
export const WINDOW_RECORDS = 256
/** One is being stored there while the next travels. */
const WINDOWS_IN_FLIGHT = 2
/** For a window to be stored, by a peer that is alive. */
const WINDOW_TIMEOUT_MS = 20_000
/** No answer to a PING is larger; a larger one is no kad peer. */
const ANSWER_BYTES_MAX = 4096

/** This peer and where it is reached: the same in every record. */
export function encodeProvider(peerIdBytes: Uint8Array, addrs: readonly Uint8Array[]): Uint8Array {
  const peer = concat([
    field(PEER_ID, peerIdBytes),
    ...addrs.map((addr) => field(PEER_MULTIADDR, addr)),
  ])
  return field(FIELD_PROVIDERS, peer)
}

/** One length-prefixed ADD_PROVIDER message. */
export function encodeRecord(multihash: Uint8Array, provider: Uint8Array): Uint8Array {
  const type = Uint8Array.of(FIELD_TYPE, TYPE_ADD_PROVIDER)
  return delimited([type, field(FIELD_KEY, multihash), provider])
}

const PING = delimited([Uint8Array.of(FIELD_TYPE, TYPE_PING)])

/**
 * Sends the records over one stream and closes it.
 * @returns how many the peer has acknowledged, counted from the front; all, unless it failed.
 * Failures don't throw: what was acknowledged is announced.
 */
export async function sendRecords(
  openStream: (options: AbortOptions) => Promise<Stream>,
  records: readonly Uint8Array[],
  options: AbortOptions & { windowTimeoutMs?: number } = {},
): Promise<{ acknowledged: number; error?: unknown }> {
  let acks: AckReader | undefined
  let stream: Stream | undefined
  let error: unknown
  try {
    stream = await openStream(options)
    acks = new AckReader(stream)
    const timeoutMs = options.windowTimeoutMs ?? WINDOW_TIMEOUT_MS
    let windows = 0
    for (let at = 0; at < records.length; at += WINDOW_RECORDS) {
      await acks.atLeast(windows + 1 - WINDOWS_IN_FLIGHT, timeoutMs, options)
      stream.send(concat([...records.slice(at, at + WINDOW_RECORDS), PING]))
      windows += 1
    }
    await acks.atLeast(windows, timeoutMs, options)
    acks.end()
    await stream.close(options)
  } catch (thrown) {
    error = thrown
    stream?.abort(thrown instanceof Error ? thrown : new DpsError('INTERNAL', String(thrown)))
  }
  options.signal?.throwIfAborted()
  const acknowledged = Math.min(records.length, (acks?.count ?? 0) * WINDOW_RECORDS)
  return error === undefined ? { acknowledged } : { acknowledged, error }
}

/** Counts answers. Their content says nothing that we did not send. */
class AckReader {
  count = 0
  readonly #stream: Stream
  #rest: Uint8Array = new Uint8Array(0)
  #failure: unknown
  #ended = false
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onClose)
  }

  end(): void {
    this.#ended = true
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onClose)
  }

  async atLeast(count: number, timeoutMs: number, { signal }: AbortOptions): Promise<void> {
    const wake = () => this.#wake?.()
    let late = false
    const timer = setTimeout(() => {
      late = true
      wake()
    }, timeoutMs)
    signal?.addEventListener('abort', wake)
    try {
      while (this.count < count) {
        signal?.throwIfAborted()
        if (this.#failure !== undefined) throw this.#failure
        if (late) throw new DpsError('DEADLINE_EXCEEDED', `no answer in ${timeoutMs} ms`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
    }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#rest = concat([this.#rest, event.data.subarray()])
    for (;;) {
      const length = readLength(this.#rest)
      if (length === undefined) break
      if (length.value > ANSWER_BYTES_MAX) {
        this.#fail(new DpsError('UNAVAILABLE', 'the peer does not speak kad'))
        return
      }
      const end = length.bytes + length.value
      if (this.#rest.length < end) break
      this.#rest = this.#rest.subarray(end)
      this.count += 1
    }
    this.#wake?.()
  }

  readonly #onClose = (event: Event): void => {
    const { error } = event as Event & { error?: unknown }
    this.#fail(error ?? new DpsError('UNAVAILABLE', 'the peer closed the stream'))
  }

  #fail(error: unknown): void {
    if (!this.#ended) this.#failure ??= error
    this.#wake?.()
  }
}

function readLength(bytes: Uint8Array): { value: number; bytes: number } | undefined {
  let value = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return { value, bytes: at + 1 }
    if (at === 4) return { value: Number.POSITIVE_INFINITY, bytes: at }
  }
  return undefined
}

function field(tag: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(tag), lengthOf(bytes.length), bytes])
}

function delimited(parts: readonly Uint8Array[]): Uint8Array {
  return concat([lengthOf(parts.reduce((sum, part) => sum + part.length, 0)), ...parts])
}

function lengthOf(length: number): Uint8Array {
  const bytes: number[] = []
  let rest = length
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
