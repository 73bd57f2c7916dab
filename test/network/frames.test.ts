import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import type { Uint8ArrayList } from 'uint8arraylist'
import { expect, test } from 'vitest'
import type { DpsError } from '../../src/base/index.js'
import { FRAME_PREFIX_BYTES, FrameReader } from '../../src/network/frames.js'
import { FrameWriter } from '../../src/network/frames-writer.js'
import { bareNodes, patterned, rawStream, until } from './calls-support.js'

const KIB = 1024
const MIB = 1024 * 1024
const LIMITS = { headerBytesMax: 64 * KIB, bodyBytesMax: 4 * MIB }

interface Received {
  frames: { header: Uint8Array; body: Uint8ArrayList }[]
  errors: DpsError[]
  ends: number
  reader: FrameReader<Uint8Array>
}

function receive(stream: Stream, limits = LIMITS, keepBody = true): Received {
  const received: Omit<Received, 'reader'> = { frames: [], errors: [], ends: 0 }
  const reader = new FrameReader<Uint8Array>(stream, {
    ...limits,
    onHeader: (header) => ({ header, body: keepBody ? 'keep' : 'drop' }),
    onFrame: (header, body) => {
      received.frames.push({ header, body })
    },
    onEnd: () => {
      received.ends++
    },
    onError: (error) => {
      received.errors.push(error)
    },
  })
  return Object.assign(received, { reader })
}

function encoded(header: Uint8Array, body: Uint8Array = new Uint8Array(0)): Buffer {
  const prefix = Buffer.alloc(FRAME_PREFIX_BYTES)
  prefix.writeUInt32BE(header.byteLength, 0)
  prefix.writeUInt32BE(body.byteLength, 4)
  return Buffer.concat([prefix, header, body])
}

test('frames: what is written on one side is read on the other, in order, over real connections', async () => {
  const [server, client] = await bareNodes(2)
  let received: Received | undefined
  await server!.libp2p.handle('/frames', (stream) => {
    received = receive(stream)
  })
  const writer = new FrameWriter(await rawStream(client!, server!, '/frames'))
  const sizes = [0, 1, 100, 64 * KIB, MIB, 4 * MIB, 3]
  for (const [index, size] of sizes.entries()) {
    // All bulk or all small would be in order; small ones may overtake, so one at a time here.
    writer.write({ header: Uint8Array.of(index + 1), body: patterned(size, index + 1) })
    await writer.flushed()
  }
  await until(() => received?.frames.length === sizes.length, 'all frames')
  for (const [index, size] of sizes.entries()) {
    const frame = received!.frames[index]!
    expect([...frame.header]).toEqual([index + 1])
    expect(Buffer.compare(frame.body.slice(), patterned(size, index + 1))).toBe(0)
  }
  expect(received!.errors).toEqual([])
})

test('frames: however the bytes are cut on their way, the same frames come out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          header: fc.uint8Array({ minLength: 1, maxLength: 40 }),
          body: fc.uint8Array({ maxLength: 3000 }),
        }),
        { maxLength: 8 },
      ),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
      async (frames, cuts) => {
        const [near, far] = await streamPair()
        const received = receive(near)
        const bytes = Buffer.concat(frames.map(({ header, body }) => encoded(header, body)))
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length]!
          far.send(bytes.subarray(at, at + size))
          at += size
        }
        await far.close()
        await until(() => received.ends + received.errors.length > 0, 'the end')
        expect(received.errors).toEqual([])
        expect(received.frames.map(({ header, body }) => [[...header], [...body.slice()]])).toEqual(
          frames.map(({ header, body }) => [[...header], [...body]]),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('frames: random bytes end in an error or in nothing, never in a crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), async (bytes) => {
      const [near, far] = await streamPair()
      const received = receive(near, { headerBytesMax: 64, bodyBytesMax: 256 })
      far.send(bytes)
      await far.close()
      await until(() => received.ends + received.errors.length > 0, 'the end')
      for (const frame of received.frames) {
        expect(frame.header.byteLength).toBeLessThanOrEqual(64)
        expect(frame.body.byteLength).toBeLessThanOrEqual(256)
      }
      // Either all bytes were whole frames, or the reader complained, exactly once.
      const used = received.frames.reduce(
        (sum, { header, body }) => sum + 8 + header.byteLength + body.byteLength,
        0,
      )
      expect(received.errors.length).toBe(used === bytes.byteLength ? 0 : 1)
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['a header of 4 GiB', [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
  ['a body of 4 GiB', [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]],
  ['a header one byte too long', [0, 1, 0, 1, 0, 0, 0, 0]],
  ['a body one byte too long', [0, 0, 0, 1, 0, 0x40, 0, 1]],
  ['no header', [0, 0, 0, 0, 0, 0, 0, 1]],
])('frames: %s is refused at its prefix', async (_what, prefix) => {
  const [near, far] = await streamPair()
  const received = receive(near)
  far.send(Uint8Array.from(prefix))
  await until(() => received.errors.length > 0, 'the refusal')
  expect(received.errors[0]!.code).toBe('INVALID_ARGUMENT')
  far.send(new Uint8Array(100))
  expect(received.frames).toEqual([])
})

test('frames: a stream that ends inside a frame is an error, after the whole frames before it', async () => {
  const [near, far] = await streamPair()
  const received = receive(near)
  far.send(encoded(Uint8Array.of(1), Uint8Array.of(2)))
  far.send(encoded(Uint8Array.of(1), new Uint8Array(100)).subarray(0, 50))
  await far.close()
  await until(() => received.errors.length > 0, 'the error')
  expect(received.frames.length).toBe(1)
  expect(received.ends).toBe(0)
  expect(received.errors[0]!.message).toContain('inside a frame')
})

test('frames: a body that is not wanted is not kept, and the next frame is', async () => {
  const [near, far] = await streamPair()
  const received = receive(near, LIMITS, false)
  far.send(encoded(Uint8Array.of(1), new Uint8Array(300 * KIB)))
  far.send(encoded(Uint8Array.of(2)))
  await until(() => received.frames.length === 2, 'both frames')
  expect(received.frames.map(({ body }) => body.byteLength)).toEqual([0, 0])
})

test('frames: a held reader makes the writer wait, and loses nothing', async () => {
  const [server, client] = await bareNodes(2)
  let received: Received | undefined
  let serverStream: Stream | undefined
  await server!.libp2p.handle('/frames', (stream) => {
    serverStream = stream
    received = receive(stream)
    received.reader.hold()
  })
  const writer = new FrameWriter(await rawStream(client!, server!, '/frames'))
  const body = patterned(MIB)
  const count = 24
  let released = 0
  for (let i = 0; i < count; i++) {
    writer.write({ header: Uint8Array.of(i + 1), body, onReleased: () => released++ })
  }
  // 2 MiB until the pause, a window of 2 MiB behind it, 1 MiB and a frame queued at the writer.
  await until(() => serverStream?.readStatus === 'paused', 'the pause')
  let before = -1
  while (before !== received!.reader.receivedBytes) {
    before = received!.reader.receivedBytes
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  expect(received!.frames.length).toBe(0)
  expect(received!.reader.receivedBytes).toBeLessThanOrEqual(5 * MIB)
  expect(serverStream!.readBufferLength).toBeLessThanOrEqual(2.5 * MIB)
  expect(released).toBeLessThanOrEqual(9)
  expect(writer.stalledMs(0)).toBe(0)
  expect(writer.stalledMs(1234)).toBe(1234)
  received!.reader.release()
  await until(() => received!.frames.length === count, 'the rest')
  expect(released).toBe(count)
  for (const [index, frame] of received!.frames.entries()) {
    expect([...frame.header]).toEqual([index + 1])
    expect(Buffer.compare(frame.body.slice(), body)).toBe(0)
  }
})

test('frames: small frames overtake bulk ones, and a flood of them does not starve bulk', async () => {
  const [near, far] = await streamPair()
  const received = receive(near)
  received.reader.hold()
  const writer = new FrameWriter(far)
  const bulk = new Uint8Array(256 * KIB)
  for (let i = 0; i < 8; i++) writer.write({ header: Uint8Array.of(100), body: bulk })
  for (let i = 0; i < 200; i++)
    writer.write({ header: Uint8Array.of(1), body: bulk.subarray(0, KIB) })
  received.reader.release()
  await until(() => received.frames.length === 208, 'all frames')
  const order = received.frames.map(({ header }) => header[0]!)
  expect(order.indexOf(1)).toBeLessThan(order.indexOf(100))
  // A burst of 64 small ones at most between two bulk ones.
  expect(order.indexOf(100)).toBeLessThanOrEqual(65)
  expect(order.lastIndexOf(1)).toBeGreaterThan(order.indexOf(100))
})

test('frames: what is taken back before it left is not sent, and is released', async () => {
  const [near, far] = await streamPair()
  const received = receive(near)
  const writer = new FrameWriter(far)
  const outcomes: boolean[] = []
  writer.write({ header: Uint8Array.of(1), onReleased: (sent) => outcomes.push(sent) })
  const takeBack = writer.write({
    header: Uint8Array.of(2),
    onReleased: (sent) => outcomes.push(sent),
  })
  expect(takeBack()).toBe(true)
  expect(outcomes).toEqual([false])
  await until(() => received.frames.length === 1, 'the first')
  expect(takeBack()).toBe(false)
  expect(outcomes).toEqual([false, true])
  near.abort(new Error('gone'))
  await until(() => far.status !== 'open', 'the reset')
  writer.write({ header: Uint8Array.of(3), onReleased: (sent) => outcomes.push(sent) })
  expect(outcomes).toEqual([false, true, false])
})

test('frames: a body in one-byte packets is not kept as one object for each byte', async () => {
  const [near, far] = await streamPair()
  const received = receive(near)
  const body = patterned(20_000)
  far.send(encoded(Uint8Array.of(1), body).subarray(0, 9))
  await until(() => received.reader.receivedBytes === 9, 'the start')
  const receiving = near as unknown as { onData(bytes: Uint8Array): void }
  for (const byte of body) receiving.onData(Uint8Array.of(byte))
  await until(() => received.frames.length === 1, 'the frame')
  const pieces = [...received.frames[0]!.body]
  expect(pieces.length).toBeLessThan(body.length / 50)
  expect(Buffer.compare(Buffer.concat(pieces), body)).toBe(0)
})
