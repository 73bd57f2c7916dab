import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream, StreamMuxer } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { patientYamux } from '../../src/network/host-yamux.js'
import { eventually } from '../support/temp.js'

const MIB = 1024 * 1024
const INIT = {
  enableKeepAlive: false,
  streamOptions: { initialStreamWindowSize: MIB, maxStreamWindowSize: MIB },
}

/** A stream to somebody who counts what it brings, and the frames that come back. */
async function pair(create: typeof patientYamux) {
  const [near, far] = multiaddrConnectionPair()
  const components = { logger: defaultLogger() }
  const make = create(INIT) as unknown as (parts: object) => {
    createStreamMuxer(connection: object): StreamMuxer
  }
  const from = make(components).createStreamMuxer(near)
  const to = make(components).createStreamMuxer(far)
  const seen = { received: 0, framesBack: 0 }
  let remote: Stream | undefined
  to.addEventListener('stream', ({ detail }) => {
    remote = detail
    detail.addEventListener('message', ({ data }) => {
      seen.received += data.byteLength
    })
  })
  near.addEventListener('message', () => {
    seen.framesBack++
  })
  const stream = await from.createStream()
  await eventually('the stream arrives', () => remote)
  return { stream, seen, remote: remote! }
}

async function sendSmall(stream: Stream, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    stream.send(new Uint8Array(100))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('yamux: small messages cost no frames in the other direction', async () => {
  const counts: number[] = []
  for (const create of [yamux as unknown as typeof patientYamux, patientYamux]) {
    const { stream, seen } = await pair(create)
    await sendSmall(stream, 100)
    await eventually('all arrived', () => seen.received === 10_000)
    counts.push(seen.framesBack)
  }
  expect(counts[0]).toBeGreaterThanOrEqual(100)
  expect(counts[1]).toBeLessThan(5)
})

test('yamux: far more than a window flows through, and a pause holds it', async () => {
  const { stream, seen, remote } = await pair(patientYamux)
  const total = 20 * MIB
  const send = async () => {
    for (let sent = 0; sent < total; sent += 64 * 1024) {
      if (!stream.send(new Uint8Array(64 * 1024))) {
        await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
      }
    }
  }
  const sending = send()
  await eventually('some arrived', () => seen.received > 3 * MIB, { everyMs: 1 })
  remote.pause()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const held = seen.received
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(seen.received).toBe(held)
  remote.resume()
  await sending
  await eventually('all arrived', () => seen.received === total)
})
