import { createHash, randomBytes } from 'node:crypto'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeProvider, encodeRecord, sendRecords } from '../../src/network/discovery-kad.js'
import {
  commonPrefixBits,
  type KadPeer,
  kadIdOf,
  nearest,
  type ProvideKey,
  provideKey,
  regionEnd,
  textOf,
} from '../../src/network/discovery-keys.js'
import { nextSlot, ProvideQueue } from '../../src/network/discovery-queue.js'
import { cleanUp, tempDir } from '../support/temp.js'
import { openTables } from './host-support.js'

const HOUR_MS = 3_600_000

function multihashOf(seed: string): Uint8Array {
  const digest = createHash('sha256').update(seed).digest()
  return Uint8Array.from([0x12, 0x20, ...digest])
}

function keysOf(name: string, count: number): ProvideKey[] {
  return Array.from({ length: count }, (_, n) => provideKey(textOf(multihashOf(`${name} ${n}`))))
}

function peersOf(count: number): KadPeer[] {
  return Array.from({ length: count }, (_, n) => ({
    peerId: `peer ${n}`,
    kadId: kadIdOf(multihashOf(`peer ${n}`)),
  }))
}

test('keys: the nearest peers are those of the smallest XOR distance', () => {
  const peers = peersOf(200)
  const distance = (a: Uint8Array, b: Uint8Array) =>
    BigInt(`0x${Buffer.from(a.map((byte, n) => byte ^ b[n]!)).toString('hex')}`)
  for (const { kadId } of keysOf('key', 50)) {
    const expected = [...peers].sort((a, b) =>
      distance(a.kadId, kadId) < distance(b.kadId, kadId) ? -1 : 1,
    )
    expect(nearest(kadId, peers, 20)).toEqual(expected.slice(0, 20))
  }
})

test('keys: common bits are counted to the bit', () => {
  expect(commonPrefixBits(Uint8Array.of(0), Uint8Array.of(0x80))).toBe(0)
  expect(commonPrefixBits(Uint8Array.of(0xff, 0x0f), Uint8Array.of(0xff, 0x0e))).toBe(15)
  expect(commonPrefixBits(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(16)
})

test('regions: few queries serve many keys, and records land at their nearest peers', () => {
  const k = 20
  for (const count of [5, 19, 60, 500]) {
    const peers = peersOf(count)
    const keys = keysOf('key', 1500).sort((a, b) => Buffer.compare(a.kadId, b.kadId))
    let queries = 0
    const query = (key: ProvideKey) => {
      queries += 1
      return nearest(key.kadId, peers, k)
    }
    let right = 0
    for (let start = 0; start < keys.length; ) {
      const closest = query(keys[start]!)
      const end = regionEnd(keys, start, closest, k)
      const more = closest.length < k ? [] : query(keys[end - 1]!)
      const candidates = [...new Set([...closest, ...more])]
      for (const { kadId } of keys.slice(start, end)) {
        const chosen = new Set(nearest(kadId, candidates, k))
        right += nearest(kadId, peers, k).filter((peer) => chosen.has(peer)).length
      }
      start = end
    }
    const wanted = keys.length * Math.min(k, count)
    // A lookup needs one holder among the nearest twenty: nearly all of them is plenty.
    expect(right / wanted).toBeGreaterThan(count < k ? 0.999 : 0.85)
    expect(queries).toBeLessThan(count < k ? 2 : count)
  }
})

test('schedule: the next time lies between the gap and the interval, for every key and time', () => {
  const cycleMs = 20 * HOUR_MS
  const gapMs = 2 * HOUR_MS
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.integer({ min: 0, max: 2 ** 42 }),
      (kadId, now) => {
        const next = nextSlot(kadId, now, cycleMs, gapMs)
        expect(next - now).toBeGreaterThanOrEqual(gapMs)
        expect(next - now).toBeLessThanOrEqual(cycleMs + gapMs)
      },
    ),
  )
})

test('schedule: load is even over the cycle, and neighbours are due together', () => {
  const keys = keysOf('key', 10_000)
  const slots = keys.map(({ kadId }) => nextSlot(kadId, 1e12, 20 * HOUR_MS, 2 * HOUR_MS))
  const perHour = new Map<number, number>()
  for (const slot of slots) {
    const hour = Math.floor(slot / HOUR_MS)
    perHour.set(hour, (perHour.get(hour) ?? 0) + 1)
  }
  expect(Math.max(...perHour.values())).toBeLessThan(650)
  expect(perHour.size).toBeGreaterThanOrEqual(20)
})

function clockAt(ms: number) {
  const clock = { ms, now: () => clock.ms, monotonicMs: () => clock.ms }
  return clock
}

async function queueAt(clock: ReturnType<typeof clockAt>, dir = tempDir()) {
  const tables = await openTables(dir)
  let open = true
  const close = async () => {
    if (open) await tables.close()
    open = false
  }
  cleanUp(close)
  return { queue: new ProvideQueue(tables.provide, clock), close, dir }
}

test('queue: keys wait, are done, come due again, and keep their times across a restart', async () => {
  const clock = clockAt(1e12)
  const { queue, close, dir } = await queueAt(clock)
  const keys = keysOf('q', 2500)
  const texts = keys.map(({ text }) => text)
  expect(await queue.add([...texts, ...texts], clock.ms)).toHaveLength(2500)
  expect(await queue.add(texts, clock.ms)).toEqual([])
  expect(queue).toMatchObject({ size: 2500, waiting: 2500 })
  const due = await queue.due(10_000)
  expect(new Set(due.map(({ text }) => text))).toEqual(new Set(texts))
  await queue.done(due.slice(0, 2000))
  expect(queue).toMatchObject({ size: 2500, waiting: 500 })
  expect(await queue.due(10_000)).toHaveLength(500)
  await queue.done(due.slice(2000))
  expect(queue.nextAtMs).toBeGreaterThan(clock.ms)
  await close()

  clock.ms += 22 * HOUR_MS + 1
  const { queue: again } = await queueAt(clock, dir)
  await again.recount()
  expect(again).toMatchObject({ size: 2500, waiting: 2500 })
  const later = await again.due(100)
  expect(later).toHaveLength(100)
  // In order of the key space: they share their closest peers.
  const order = [...later].sort((a, b) => a.dueAtMs - b.dueAtMs)
  expect(later).toEqual(order)
})

test('queue: what was forgotten while it was announced stays forgotten', async () => {
  const clock = clockAt(1e12)
  const { queue } = await queueAt(clock)
  const keys = keysOf('f', 10)
  await queue.add(
    keys.map(({ text }) => text),
    clock.ms,
  )
  const due = await queue.due(10)
  const [, left] = await Promise.all([queue.forget([keys[3]!.text, 'unknown']), queue.done(due)])
  expect(left).toHaveLength(9)
  expect(left).not.toContain(keys[3]!.text)
  expect(queue).toMatchObject({ size: 9, waiting: 0 })
  clock.ms += 48 * HOUR_MS
  await queue.recount()
  expect(queue).toMatchObject({ size: 9, waiting: 9 })
  expect((await queue.due(100)).map(({ text }) => text)).not.toContain(keys[3]!.text)
})

const PING_ANSWER = Uint8Array.of(2, 0x08, 5)

function records(count: number): Uint8Array[] {
  const provider = encodeProvider(randomBytes(38), [Uint8Array.of(4, 127, 0, 0, 1, 6, 0, 80)])
  return Array.from({ length: count }, (_, n) => encodeRecord(multihashOf(`r ${n}`), provider))
}

async function peerThat(answers: (stream: Awaited<ReturnType<typeof streamPair>>[0]) => void) {
  const [ours, theirs] = await streamPair()
  answers(theirs)
  return async () => ours
}

/** Counts the PINGs in what arrives; records here hold no such bytes by construction. */
function pingsIn(bytes: Uint8Array): number {
  let pings = 0
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at]!
    const long = length >= 0x80
    const size = long ? (length & 0x7f) + bytes[at + 1]! * 128 : length
    if (size === 2) pings += 1
    at += (long ? 2 : 1) + size
  }
  return pings
}

test('records: a window is acknowledged by its ping; all of them, and all at once never', async () => {
  const sent: number[] = []
  const open = await peerThat((stream) => {
    stream.addEventListener('message', ({ data }) => {
      sent.push(data.byteLength)
      for (let n = pingsIn(data.subarray()); n > 0; n--) stream.send(PING_ANSWER)
    })
  })
  const all = records(1000)
  expect(await sendRecords(open, all)).toEqual({ acknowledged: 1000 })
  const bytes = all.reduce((sum, { length }) => sum + length, 0)
  expect(sent.reduce((sum, size) => sum + size, 0)).toBe(bytes + 4 * 3)
})

test('records: a peer that never answers gets two windows, and its time', async () => {
  let bytes = 0
  const open = await peerThat((stream) => {
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
    })
  })
  const all = records(5000)
  const sent = await sendRecords(open, all, { windowTimeoutMs: 100 })
  expect(sent).toMatchObject({ acknowledged: 0, error: { code: 'DEADLINE_EXCEEDED' } })
  expect(bytes).toBeLessThan(600 * all[0]!.length)
})

test('records: what was acknowledged before a failure counts', async () => {
  const open = await peerThat((stream) => {
    let windows = 0
    stream.addEventListener('message', ({ data }) => {
      for (let n = pingsIn(data.subarray()); n > 0; n--) {
        windows += 1
        if (windows <= 2) stream.send(PING_ANSWER)
        else stream.abort(new Error('died'))
      }
    })
  })
  const sent = await sendRecords(open, records(2000))
  expect(sent.acknowledged).toBe(512)
  expect(sent.error).toBeDefined()
})

test('records: nonsense for an answer is a failure, and an abort leaves as its reason', async () => {
  const nonsense = await peerThat((stream) => {
    stream.addEventListener('message', () => void stream.send(new Uint8Array(64).fill(0xff)))
  })
  expect(await sendRecords(nonsense, records(10))).toMatchObject({
    acknowledged: 0,
    error: { code: 'UNAVAILABLE' },
  })
  const controller = new AbortController()
  const silent = await peerThat(() => {})
  const reason = { why: 'stop' }
  const sending = sendRecords(silent, records(10), { signal: controller.signal })
  controller.abort(reason)
  await expect(sending).rejects.toBe(reason)
  const refused = async () => Promise.reject(new Error('no stream'))
  expect(await sendRecords(refused, records(10))).toMatchObject({ acknowledged: 0 })
})
