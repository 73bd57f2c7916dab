/** Why Raft has connections to itself: bulk bytes on the ordinary one don't delay its messages. */
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { FrameReader, FrameWriter } from '../../src/network/index.js'
import { cleanUp, eventually } from '../support/temp.js'
import { connect, type Member, startMember } from './transport-support.js'

const MIB = 1024 * 1024
const BULK = '/dps/test-bulk/1.0.0'
const ECHO = '/dps/test-echo/1.0.0'
const SAMPLES = 60
const STREAMS = { maxInboundStreams: 8, maxOutboundStreams: 8 }

function reader(stream: Stream, onFrame: (header: Uint8Array) => void): void {
  new FrameReader(stream, {
    headerBytesMax: 64,
    bodyBytesMax: MIB,
    onHeader: (header) => ({ header: new Uint8Array(header), body: 'drop' }),
    onFrame,
    onEnd: () => {},
    onError: () => {},
  })
}

/** Full speed, on as many streams as a fetch would use. */
async function flood(from: Member, to: Member): Promise<() => number> {
  let sent = 0
  let stopped = false
  const body = new Uint8Array(MIB)
  await to.host.host.handle(BULK, (stream) => reader(stream, () => {}), STREAMS)
  for (let i = 0; i < 4; i++) {
    const writer = new FrameWriter(await from.host.host.openStream(to.host.host.peerId, BULK))
    const next = () => {
      if (stopped) return
      writer.write({ header: new Uint8Array(1), body, onReleased: (ok) => ok && ++sent && next() })
    }
    next()
    next()
  }
  cleanUp(() => {
    stopped = true
  })
  return () => sent
}

/** Round trips of small frames on the ordinary connection. */
async function echoes(from: Member, to: Member): Promise<() => Promise<number>> {
  await to.host.host.handle(
    ECHO,
    (stream) => {
      const writer = new FrameWriter(stream)
      reader(stream, (header) => void writer.write({ header }))
    },
    STREAMS,
  )
  const stream = await from.host.host.openStream(to.host.host.peerId, ECHO)
  const writer = new FrameWriter(stream)
  let heard: () => void = () => {}
  reader(stream, () => heard())
  return async () => {
    const startMs = performance.now()
    await new Promise<void>((resolve) => {
      heard = resolve
      writer.write({ header: new Uint8Array(8).fill(1) })
    })
    return performance.now() - startMs
  }
}

function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * part)]!
}

test('transport: bulk on the ordinary connection leaves heartbeats their time', async () => {
  const settings = { pingEveryMs: 10, pingTimeoutMs: 30_000 }
  const a = await startMember({ transport: settings })
  const b = await startMember({ transport: settings })
  connect(a, b)
  await a.host.host.learn(b.host.host.peerId, [b.host.addr])
  await eventually('they are connected', () => a.transport.links().get(b.id)?.connected)
  const echo = await echoes(a, b)
  const sent = await flood(a, b)
  await eventually('bulk flows', () => sent() > 20)
  const own: number[] = []
  const shared: number[] = []
  let seen: number | undefined
  while (shared.length < SAMPLES) {
    shared.push(await echo())
    const { rttMs } = a.transport.links().get(b.id)!
    if (rttMs !== undefined && rttMs !== seen) own.push(rttMs)
    seen = rttMs
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const line = (what: string, values: number[]) =>
    `${what} p50 ${percentile(values, 0.5).toFixed(1)} ms, p99 ${percentile(values, 0.99).toFixed(1)} ms`
  console.log(`${line('own connection:', own)}; ${line('shared:', shared)}; ${sent()} MiB sent`)
  expect(own.length).toBeGreaterThan(SAMPLES / 4)
  expect(percentile(own, 0.5)).toBeLessThan(percentile(shared, 0.5))
  // Nothing was lost on the way: no connection broke, no member was missed.
  expect(a.unreachable).toEqual([])
  expect(b.unreachable).toEqual([])
}, 60_000)
