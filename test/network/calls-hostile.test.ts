/** Peers that break every rule, on raw streams: they are cut off, and harm nobody else. */
import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { CallClient, type CallClientInit } from '../../src/network/calls-client.js'
import {
  type CallHeader,
  decodeCallHeader,
  encodeCallHeader,
} from '../../src/network/calls-codec.js'
import { CallServer, type CallServerInit } from '../../src/network/calls-server.js'
import { type Handler, PeerViolationError } from '../../src/network/calls-types.js'
import { silentLog } from '../../src/observability/index.js'
import { cleanUp } from '../support/temp.js'
import { type BareNode, bareNodes, patterned, rawStream, until } from './calls-support.js'

const KIB = 1024
const MIB = 1024 * 1024
const PROTOCOL = '/test/hostile/1.0.0'
const EMPTY = new Uint8Array(0)
const echo: Handler = async ({ payload }) => ({ payload })

function frame(
  header: Uint8Array,
  body: Uint8Array = EMPTY,
  claimedBody = body.byteLength,
): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(header.byteLength, 0)
  prefix.writeUInt32BE(claimedBody, 4)
  return Buffer.concat([prefix, header, body])
}

function request(callId: number, method = 'echo', timeoutMs = 5_000): Uint8Array {
  const rest = { requestId: '', traceId: '', payload: EMPTY, credit: 0 }
  return encodeCallHeader({ kind: 'request', callId, method, timeoutMs, ...rest })
}

async function served(handlers: Record<string, Handler>, init: Partial<CallServerInit> = {}) {
  const [node, evil, honest] = await bareNodes(3)
  const server = new CallServer(
    { streams: node!.streams, log: silentLog },
    { protocol: PROTOCOL, maxBodyBytes: MIB, handlers, ...init },
  )
  await server.start()
  const calls = new CallClient(
    { streams: honest!.streams, log: silentLog },
    { protocol: PROTOCOL, maxBodyBytes: MIB },
  )
  cleanUp(async () => {
    await calls.stop()
    await server.stop()
  })
  return { node: node!, evil: evil!, server, honest: () => calls.call(node!.peerId, 'echo') }
}

const isGone = (stream: Stream) => stream.status !== 'open'

test.each<[string, Buffer]>([
  ['a frame that claims 4 GiB', frame(request(1), EMPTY, 0xffffffff)],
  ['a header that claims 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ['random bytes', Buffer.from(patterned(4096, 99))],
  ['a header that is no protobuf', frame(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff))],
  [
    'a reply from the asking side',
    frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY })),
  ],
  ['a cancel of a call never made', frame(encodeCallHeader({ kind: 'cancel', callId: 7 }))],
  ['the same call twice', Buffer.concat([frame(request(3)), frame(request(3))])],
  ['call ids that go down', Buffer.concat([frame(request(3)), frame(request(2))])],
  ['a body one byte above the limit', frame(request(1), EMPTY, MIB + 1)],
])('hostile: %s costs the stream, and others are served on', async (_what, bytes) => {
  const { node, evil, server, honest } = await served({ echo })
  const stream = await rawStream(evil, node, PROTOCOL)
  stream.send(bytes)
  await until(() => isGone(stream), 'the stream to be cut')
  await until(() => server.inFlight === 0, 'nothing left behind')
  await honest()
})

test('hostile: a stream that ends inside a frame is cleaned up', async () => {
  const { node, evil, server, honest } = await served({ echo })
  const stream = await rawStream(evil, node, PROTOCOL)
  stream.send(frame(request(1), new Uint8Array(100), 5000))
  await stream.close()
  await until(() => isGone(stream), 'the stream to be cut')
  await until(() => server.inFlight === 0, 'the begun request to be forgotten')
  await honest()
})

test('hostile: a peer that stops inside a frame is cut off after the stall timeout', async () => {
  const { node, evil, server, honest } = await served({ echo }, { stallTimeoutMs: 80 })
  const stream = await rawStream(evil, node, PROTOCOL)
  stream.send(frame(request(1), new Uint8Array(100), 5000))
  await until(() => server.inFlight === 1, 'the begun request')
  await honest()
  await until(() => isGone(stream), 'the stream to be cut')
  await until(() => server.inFlight === 0, 'nothing left behind')
})

test('hostile: a peer that asks and never reads runs out of requests, and is cut off', async () => {
  let ran = 0
  const held = { now: 0, most: 0 }
  const bulk: Handler = async () => {
    ran++
    held.now++
    held.most = Math.max(held.most, held.now)
    return { payload: EMPTY, body: new Uint8Array(512 * KIB), onReleased: () => held.now-- }
  }
  const { node, evil, server, honest } = await served(
    { echo, bulk },
    { stallTimeoutMs: 400, maxInFlightPerPeer: 16 },
  )
  const stream = await rawStream(evil, node, PROTOCOL)
  stream.addEventListener('message', () => {})
  stream.pause()
  for (let id = 1; id <= 500; id++) stream.send(frame(request(id, 'bulk')))
  await until(() => ran >= 16, 'the first requests')
  await honest()
  await until(() => isGone(stream), 'the stream to be cut')
  // The sixteen it may have, and the few whose bytes fit the windows.
  expect(ran).toBeLessThan(40)
  expect(held.most).toBeLessThanOrEqual(16)
  await until(() => held.now === 0 && server.inFlight === 0, 'all replies to be released')
})

test('hostile: a peer that opens streams without end is cut off, others are not', async () => {
  const { node, evil, honest } = await served({ echo }, { maxOffencesPerPeer: 10 })
  await honest()
  const opened: Promise<unknown>[] = []
  for (let i = 0; i < 60; i++) opened.push(rawStream(evil, node, PROTOCOL).catch(() => {}))
  await Promise.all(opened)
  await until(() => node.cutOff.length > 0, 'the connection to be cut')
  expect(node.cutOff.every(({ peer }) => peer === evil.peerId)).toBe(true)
  expect(node.libp2p.getConnections(evil.libp2p.peerId).length).toBe(0)
  await honest()
})

test('hostile: a flood of small requests in one packet lets others in between', async () => {
  const { node, evil, honest } = await served({ echo })
  await honest()
  const stream = await rawStream(evil, node, PROTOCOL)
  const count = 30_000
  const reply = frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY })).length
  let answered = 0
  stream.addEventListener('message', ({ data }) => {
    answered += data.byteLength / reply
  })
  stream.send(Buffer.concat(Array.from({ length: count }, (_, i) => frame(request(i + 1)))))
  await until(() => answered > 0, 'the first answer')
  await honest()
  expect(answered).toBeLessThan(count / 2)
  await until(() => answered >= count, 'all answers', 15_000)
})

// ---------------------------------------------------------------- evil servers

async function asking(
  serve: (stream: Stream) => void,
  init: Partial<CallClientInit> = {},
): Promise<{ evil: BareNode; calls: CallClient }> {
  const [evil, node] = await bareNodes(2)
  await evil!.libp2p.handle(PROTOCOL, serve)
  const calls = new CallClient(
    { streams: node!.streams, log: silentLog },
    { protocol: PROTOCOL, maxBodyBytes: MIB, ...init },
  )
  cleanUp(() => calls.stop())
  return { evil: evil!, calls }
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )
}

const onRequest = (answer: (stream: Stream) => void) => (stream: Stream) => {
  stream.addEventListener('message', () => answer(stream))
}

test.each<[string, Buffer]>([
  [
    'a frame of 4 GiB',
    frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY }), EMPTY, 0xffffffff),
  ],
  [
    'more than was asked for',
    frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY }), new Uint8Array(101)),
  ],
  ['noise', Buffer.from(patterned(4096, 5))],
  [
    'an answer to a call never made',
    frame(encodeCallHeader({ kind: 'reply', callId: 99, payload: EMPTY })),
  ],
  ['a request', frame(request(1))],
  [
    'a part of a reply that is one frame',
    frame(encodeCallHeader({ kind: 'part', callId: 1, payload: EMPTY })),
  ],
  [
    'an error with a body',
    frame(
      encodeCallHeader({ kind: 'error', callId: 1, error: new DpsError('NOT_FOUND', 'x') }),
      new Uint8Array(9),
    ),
  ],
])(
  'hostile: a server that answers with %s is told apart from one that is down',
  async (_what, bytes) => {
    const { evil, calls } = await asking(onRequest((stream) => stream.send(bytes)))
    const error = await failure(calls.call(evil.peerId, 'get', {}, { replyBodyBytesMax: 100 }))
    expect(error).toBeInstanceOf(PeerViolationError)
    expect((error as PeerViolationError).peer).toBe(evil.peerId)
  },
)

test('hostile: a server that sends more parts than it has credit for is cut off', async () => {
  const part = frame(encodeCallHeader({ kind: 'part', callId: 1, payload: EMPTY }))
  const { evil, calls } = await asking(
    onRequest((stream) => stream.send(Buffer.concat(Array.from({ length: 50 }, () => part)))),
  )
  const error = await failure(
    (async () => {
      for await (const _part of calls.callStream(evil.peerId, 'get', {}, { windowParts: 4 })) {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })(),
  )
  expect(error).toBeInstanceOf(PeerViolationError)
})

test('hostile: a server that stalls inside a reply costs one stall timeout', async () => {
  const half = frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY }), EMPTY, 500)
  const { evil, calls } = await asking(
    onRequest((stream) => stream.send(half)),
    { stallTimeoutMs: 80 },
  )
  const error = (await failure(calls.call(evil.peerId, 'get'))) as DpsError
  expect(error.code).toBe('UNAVAILABLE')
})

test('hostile: after an abort nothing more is written into the buffer that was given', async () => {
  const body = new Uint8Array(1000).fill(7)
  const bytes = frame(encodeCallHeader({ kind: 'reply', callId: 1, payload: EMPTY }), body)
  let stream: Stream | undefined
  const { evil, calls } = await asking(
    onRequest((asked) => {
      if (stream !== undefined) return
      stream = asked
      asked.send(bytes.subarray(0, bytes.length - 600))
    }),
  )
  const into = new Uint8Array(1000)
  const controller = new AbortController()
  const pending = failure(
    calls.call(evil.peerId, 'get', {}, { replyInto: into, signal: controller.signal }),
  )
  await until(() => into[399] === 7, 'the first part')
  controller.abort(new Error('enough'))
  await pending
  into.fill(1)
  const before = calls.receivedBytes(evil.peerId)
  stream!.send(bytes.subarray(bytes.length - 600))
  await until(() => calls.receivedBytes(evil.peerId) === before + 600, 'the rest')
  expect(into.every((byte) => byte === 1)).toBe(true)
})

// ---------------------------------------------------------------- decoders

test('hostile: whatever bytes stand in a header, it decodes to a call header or is INVALID_ARGUMENT', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        expect(decodeCallHeader(bytes).callId).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(DpsError)
        expect((error as DpsError).code).toBe('INVALID_ARGUMENT')
      }
    }),
    { numRuns: 3000 },
  )
})

const callId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const payload = fc.uint8Array({ maxLength: 100 })
const id = fc.stringMatching(/^[A-Za-z0-9._-]{0,64}$/)
const anyHeader: fc.Arbitrary<CallHeader> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    callId,
    method: fc.stringMatching(/^[a-z]{1,64}$/),
    timeoutMs: fc.integer({ min: 1, max: 86_400_000 }),
    requestId: id,
    traceId: id,
    payload,
    credit: fc.integer({ min: 0, max: 1024 }),
  }),
  fc.record({ kind: fc.constantFrom('reply' as const, 'part' as const), callId, payload }),
  fc.record({ kind: fc.constantFrom('end' as const, 'cancel' as const), callId }),
  fc.record({
    kind: fc.constant('credit' as const),
    callId,
    credit: fc.integer({ min: 1, max: 1024 }),
  }),
)

test('calls: every header comes back as it was, and a damaged one never escapes its errors', () => {
  fc.assert(
    fc.property(anyHeader, fc.nat(), fc.integer({ min: 1, max: 255 }), (header, at, flip) => {
      const bytes = encodeCallHeader(header)
      const back = decodeCallHeader(bytes)
      const plain = (value: CallHeader) =>
        'payload' in value ? { ...value, payload: [...value.payload] } : value
      expect(plain(back)).toEqual(plain(header))
      const damaged = Uint8Array.from(bytes)
      damaged[at % damaged.length]! ^= flip
      try {
        decodeCallHeader(damaged)
      } catch (error) {
        expect((error as DpsError).code).toBe('INVALID_ARGUMENT')
      }
    }),
    { numRuns: 500 },
  )
})
