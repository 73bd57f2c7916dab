/**
 * A peer that joins the swarm like any other, says that it has a CID, and then breaks every rule
 * it is told to break. It shares no code with the program but the generated wire types: its
 * frames are put together by hand, so that they can be wrong.
 *
 * @example
 * const evil = await EvilPeer.start({ swarm: node.addrs, onRetrieve: lies.wrongBytes })
 * await evil.provide(cid)
 */
import '../../src/network/polyfill.js'
import { randomBytes as trueRandomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import type { Uint8ArrayList } from 'uint8arraylist'
import { FrameHeader } from '../../src/wire/call/call.js'
import { HasReply, HasRequest, RetrieveRequest } from '../../src/wire/exchange/exchange.js'
import { cleanUp, eventually } from './temp.js'

export const CHUNK_PROTOCOL = '/dps/chunk/1.0.0'
const KAD_PROTOCOL = '/dps/kad/1.0.0'
const PREFIX_BYTES = 8
const MIB = 1024 * 1024
/** Numbers of kad-dht's message; see the libp2p specification, kad-dht. */
const KAD = { type: 1, key: 2, providerPeers: 9, peerId: 1, peerAddr: 2, ADD_PROVIDER: 2 }
/** Kinds of frames; see protos/dps/call/v1/call.proto. */
export const KIND = { request: 1, reply: 2, part: 3, end: 4, error: 5, cancel: 6, credit: 7 }

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest >>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

/** A length-delimited protobuf field. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

/** A frame as the program would write it, unless lengths are given that are wrong. */
export function frame(
  header: Partial<FrameHeader>,
  body: Uint8Array = new Uint8Array(0),
  lengths: { header?: number; body?: number } = {},
): Buffer {
  const encoded = FrameHeader.encode({
    kind: 0,
    callId: 0,
    method: '',
    timeoutMs: 0,
    requestId: '',
    traceId: '',
    payload: new Uint8Array(0),
    credit: 0,
    ...header,
  })
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(lengths.header ?? encoded.byteLength, 0)
  prefix.writeUInt32BE(lengths.body ?? body.byteLength, 4)
  return Buffer.concat([prefix, encoded, body])
}

/** A request for a chunk, as it reached the evil peer. */
export interface Asked {
  stream: Stream
  callId: number
  digest: Uint8Array
  sizeMaxBytes: number
  /** Sends what the peer has been given under that digest; false when it has nothing. */
  serve(): boolean
}

/** What to do with a request for a chunk. */
export type Lie = (asked: Asked) => void | Promise<void>

/** Sends, waiting while much is queued, until the stream is closed. False when it is. */
async function push(stream: Stream, bytes: Uint8Array): Promise<boolean> {
  while (stream.status === 'open' && stream.writeBufferLength > 4 * MIB) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (stream.status !== 'open') return false
  try {
    stream.send(bytes)
    return true
  } catch {
    return false
  }
}

const reply = (callId: number) => ({ kind: KIND.reply, callId })

export const lies = {
  /** As many bytes as were asked for, all of them wrong. */
  async wrongBytes({ stream, callId, sizeMaxBytes }) {
    await push(stream, frame(reply(callId), trueRandomBytes(Math.min(sizeMaxBytes, 4 * MIB))))
  },
  /** Right in length, and nothing in it. */
  async emptyBody({ stream, callId }) {
    await push(stream, frame(reply(callId)))
  },
  /** Takes the request and never answers. */
  stall() {},
  /** Half of a chunk, and then nothing. */
  async stallInside({ stream, callId, sizeMaxBytes }) {
    const body = trueRandomBytes(Math.ceil(sizeMaxBytes / 2))
    await push(stream, frame(reply(callId), body, { body: sizeMaxBytes }))
  },
  /** A byte now and then: never quite stalled. */
  async drip({ stream, callId, sizeMaxBytes }) {
    if (!(await push(stream, frame(reply(callId), Buffer.alloc(1), { body: sizeMaxBytes })))) return
    while (await push(stream, Buffer.alloc(1))) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  },
  /** A frame that says it is 4 GiB long. */
  async hugeClaim({ stream, callId }) {
    await push(stream, frame(reply(callId), Buffer.alloc(1024), { body: 0xffffffff }))
  },
  /** A header that says it is 4 GiB long. */
  async hugeHeader({ stream, callId }) {
    await push(stream, frame(reply(callId), Buffer.alloc(1024), { header: 0xffffffff }))
  },
  /** More than was asked for, and really sent: as much as the other side will take. */
  async oversized({ stream, callId }) {
    const claim = 512 * MIB
    if (!(await push(stream, frame(reply(callId), Buffer.alloc(MIB), { body: claim })))) return
    for (let sent = MIB; sent < claim; sent += MIB) {
      if (!(await push(stream, Buffer.alloc(MIB)))) return
    }
  },
  /** Within what a chunk may be, more than this one can be. */
  async longerThanAsked({ stream, callId, sizeMaxBytes }) {
    await push(stream, frame(reply(callId), trueRandomBytes(sizeMaxBytes + 1)))
  },
  /** Ends its side in the middle of a frame. */
  async truncated({ stream, callId, sizeMaxBytes }) {
    await push(
      stream,
      frame(reply(callId), trueRandomBytes(sizeMaxBytes), { body: sizeMaxBytes * 2 }),
    )
    await stream.close().catch(() => {})
  },
  /** Noise. */
  async random({ stream }) {
    for (let i = 0; i < 64; i++) {
      if (!(await push(stream, trueRandomBytes(64 * 1024)))) return
    }
  },
  /** Well-formed answers to calls that nobody made. */
  async foreignCalls({ stream, callId }) {
    for (let i = 1; i < 10_000; i++) {
      const bytes = frame({ kind: KIND.reply, callId: callId + 1_000_000 + i }, Buffer.alloc(512))
      if (!(await push(stream, bytes))) return
    }
  },
  /** A frame of a kind that only the asking side sends, then of one that does not exist. */
  async wrongKinds({ stream, callId }) {
    await push(stream, frame({ kind: KIND.request, callId, method: 'has', timeoutMs: 1000 }))
    await push(stream, frame({ kind: 99, callId }))
  },
  /** A streamed answer without end to a call that has one answer. */
  async endlessParts({ stream, callId }) {
    const bytes = frame({ kind: KIND.part, callId }, Buffer.alloc(256 * 1024))
    while (await push(stream, bytes)) await new Promise((resolve) => setImmediate(resolve))
  },
  /** A failure with words meant for the terminal, and more of them than fit a line. */
  async rudeError({ stream, callId }) {
    const message = `\u001b[2J\u001b]0;pwned\u0007${'x'.repeat(20_000)}`
    await push(
      stream,
      frame({ kind: KIND.error, callId, error: { code: 'HA', message, hint: message } }),
    )
  },
  /** Cuts the stream at each request. */
  reset({ stream }) {
    stream.abort(new Error('evil'))
  },
  /** What it was given, honestly. */
  async honest(asked) {
    if (asked.serve()) return
    const error = { code: 'NOT_FOUND', message: 'not here', hint: '' }
    await push(asked.stream, frame({ kind: KIND.error, callId: asked.callId, error }))
  },
} satisfies Record<string, Lie>

function onFrames(stream: Stream, onFrame: (header: FrameHeader) => void): void {
  let buffered = Buffer.alloc(0)
  stream.addEventListener('message', ({ data }: { data: Uint8Array | Uint8ArrayList }) => {
    buffered = Buffer.concat([buffered, data instanceof Uint8Array ? data : data.subarray()])
    for (;;) {
      if (buffered.length < PREFIX_BYTES) return
      const headerEnd = PREFIX_BYTES + buffered.readUInt32BE(0)
      const end = headerEnd + buffered.readUInt32BE(4)
      if (buffered.length < end) return
      onFrame(FrameHeader.decode(buffered.subarray(PREFIX_BYTES, headerEnd)))
      buffered = buffered.subarray(end)
    }
  })
}

/** A request's own words. */
export interface Words {
  method: string
  payload: Uint8Array<ArrayBuffer>
  body?: Uint8Array
}

export interface EvilPeerInit {
  /** Multiaddrs of the peers to connect to. */
  swarm: readonly string[]
  onRetrieve: Lie
}

export class EvilPeer {
  /** Chunks to serve where a lie is honest, by the hex of their digest. */
  readonly chunks = new Map<string, Uint8Array>()
  /** Requests for a chunk so far. */
  asked = 0
  onRetrieve: Lie
  readonly #libp2p: Libp2p
  readonly #swarm: string[] = []

  private constructor(libp2p: Libp2p, onRetrieve: Lie) {
    this.#libp2p = libp2p
    this.onRetrieve = onRetrieve
  }

  static async start({ swarm, onRetrieve }: EvilPeerInit): Promise<EvilPeer> {
    const libp2p = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ maxInboundStreams: 100_000, maxOutboundStreams: 100_000 })],
      connectionManager: { inboundConnectionThreshold: 1000 },
      connectionMonitor: { abortConnectionOnPingFailure: false },
      connectionGater: { denyDialMultiaddr: () => false },
      services: {
        identify: identify(),
        ping: ping(),
      },
    })
    const peer = new EvilPeer(libp2p, onRetrieve)
    cleanUp(() => peer.stop())
    await libp2p.handle(CHUNK_PROTOCOL, (stream) => peer.#serve(stream), {
      maxInboundStreams: 10_000,
      maxOutboundStreams: 10_000,
    })
    for (const addr of swarm) await peer.connect(addr)
    return peer
  }

  get peerId(): string {
    return this.#libp2p.peerId.toString()
  }

  get addrs(): string[] {
    return this.#libp2p.getMultiaddrs().map(String)
  }

  /** Joins the swarm of a peer: it will be told what this one provides. */
  async connect(addr: string): Promise<void> {
    await this.#libp2p.dial(multiaddr(addr))
    this.#swarm.push(addr)
  }

  async stop(): Promise<void> {
    await this.#libp2p.stop()
  }

  /**
   * Tells each peer of its swarm that it is a provider, in the words of the DHT. It keeps no
   * table of its own, so that peers which leave at the end of a test slow down nobody's queries.
   */
  async provide(cid: string): Promise<void> {
    const own = this.#libp2p
    const provider = [
      field(KAD.peerId, own.peerId.toMultihash().bytes),
      ...own.getMultiaddrs().map((addr) => field(KAD.peerAddr, addr.decapsulateCode(421).bytes)),
    ]
    const message = Buffer.concat([
      Buffer.from([KAD.type << 3, KAD.ADD_PROVIDER]),
      field(KAD.key, CID.parse(cid).multihash.bytes),
      field(KAD.providerPeers, Buffer.concat(provider)),
    ])
    for (const addr of this.#swarm) {
      const stream = await this.open(addr, KAD_PROTOCOL)
      stream.send(Buffer.concat([varint(message.length), message]))
      await stream.close()
    }
  }

  /** A new stream to a peer, on which nothing has been said yet. */
  async open(addr: string, protocol: string = CHUNK_PROTOCOL): Promise<Stream> {
    return this.#libp2p.dialProtocol(multiaddr(addr), protocol, {
      maxOutboundStreams: 100_000,
      signal: AbortSignal.timeout(10_000),
    })
  }

  /**
   * Opens streams to a peer without end and lets none of them go, saying `words` on each.
   * Resolves to how many were open at the most.
   */
  async openWithoutEnd(
    addr: string,
    { streams, words }: { streams: number; words: (i: number) => Uint8Array },
  ): Promise<number> {
    const held = new Set<Stream>()
    let most = 0
    let at = 0
    const worker = async () => {
      while (at < streams) {
        const i = at++
        try {
          const stream = await this.open(addr)
          held.add(stream)
          stream.addEventListener('close', () => held.delete(stream))
          most = Math.max(most, held.size)
          stream.send(words(i))
        } catch {
          // Refused, which is what it is for.
        }
      }
    }
    await Promise.all(Array.from({ length: 32 }, worker))
    return most
  }

  /** Makes well-formed calls of a peer and resolves to the headers of its answers, in order. */
  async call(addr: string, calls: readonly Words[]): Promise<FrameHeader[]> {
    const stream = await this.open(addr)
    const answers: FrameHeader[] = []
    onFrames(stream, (header) => {
      answers[header.callId - 1] = header
    })
    for (const [i, { method, payload, body }] of calls.entries()) {
      const header = { kind: KIND.request, callId: i + 1, method, timeoutMs: 10_000, payload }
      stream.send(frame(header, body))
    }
    await eventually('answers to all calls', () => {
      return Object.keys(answers).length === calls.length
    })
    await stream.close()
    return answers
  }

  #serve(stream: Stream): void {
    onFrames(stream, (header) => this.#onRequest(stream, header))
  }

  #onRequest(stream: Stream, { kind, callId, method, payload }: FrameHeader): void {
    if (kind !== KIND.request) return
    if (method === 'has') {
      // It has everything, always.
      const count = HasRequest.decode(payload).digests.byteLength / 32
      const present = new Uint8Array(Math.ceil(count / 8)).fill(255)
      if (count % 8 > 0) present[present.length - 1] = (1 << (count % 8)) - 1
      void push(stream, frame({ ...reply(callId), payload: HasReply.encode({ present }) }))
      return
    }
    if (method !== 'retrieve') return
    const { digest, sizeMaxBytes } = RetrieveRequest.decode(payload)
    this.asked++
    const serve = () => {
      const chunk = this.chunks.get(Buffer.from(digest).toString('hex'))
      if (chunk !== undefined) void push(stream, frame(reply(callId), chunk))
      return chunk !== undefined
    }
    void this.onRetrieve({ stream, callId, digest, sizeMaxBytes, serve })
  }
}
