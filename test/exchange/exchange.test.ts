import { afterAll, expect, test } from 'vitest'
import type { DpsError } from '../../src/base/index.js'
import { cidOf, sha256 } from '../../src/content/index.js'
import { bareNodes, patterned, until } from '../network/calls-support.js'
import { chunksOf, clientOf, hashes, serve, swarm } from './support.js'

const KIB = 1024
const MIB = 1024 * 1024

afterAll(() => hashes().close())

async function failure(promise: Promise<unknown>): Promise<DpsError> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )
}

test('exchange: has answers for more digests than one message holds', async () => {
  const { client, peers } = await swarm(1)
  const [peer] = peers
  const cids = Array.from({ length: 2500 }, (_, i) =>
    i % 3 === 0
      ? peer!.store.add(patterned(8, i + 1))
      : cidOf('chunk', sha256(patterned(9, i + 1))),
  )
  const present = await client.has(peer!.peerId, cids)
  expect(present).toEqual(cids.map((_, i) => i % 3 === 0))
  expect(await client.has(peer!.peerId, [])).toEqual([])
})

test('exchange: a chunk is retrieved, in pieces or into a buffer; a miss is NOT_FOUND', async () => {
  const { client, peers } = await swarm(1)
  const [peer] = peers
  for (const size of [0, 1, 256 * KIB, 4 * MIB]) {
    const bytes = patterned(size, 7)
    const cid = peer!.store.add(bytes)
    const pieces = await client.retrieve(peer!.peerId, cid, 4 * MIB)
    expect(Buffer.compare(pieces.slice(), bytes)).toBe(0)
    const into = new Uint8Array(size + 10)
    expect(await client.retrieveInto(peer!.peerId, cid, into)).toBe(size)
    expect(Buffer.compare(into.subarray(0, size), bytes)).toBe(0)
  }
  const missing = cidOf('chunk', sha256(patterned(5)))
  expect((await failure(client.retrieve(peer!.peerId, missing, MIB))).code).toBe('NOT_FOUND')
  const large = peer!.store.add(patterned(1000))
  const error = await failure(client.retrieve(peer!.peerId, large, 999))
  expect(error.code).toBe('RESOURCE_EXHAUSTED')
})

test('exchange: store and replicate are refused to those who may not, and nothing is kept', async () => {
  const { client, node, peers } = await swarm(1)
  const [peer] = peers
  const bytes = patterned(256 * KIB)
  const chunk = { digest: sha256(bytes), kind: 'chunk' as const, bytes }
  const refused = await failure(client.store(peer!.peerId, chunk))
  expect(refused.code).toBe('PERMISSION_DENIED')
  expect(refused.hint).toContain('exchange.allow')
  const cid = cidOf('chunk', chunk.digest)
  const from = { peerId: node.peerId, addrs: [] }
  expect((await failure(client.replicate(peer!.peerId, cid, from))).code).toBe('PERMISSION_DENIED')
  expect(peer!.store.chunks.size).toBe(0)
  // Reading stays free, on the same stream.
  expect(await client.has(peer!.peerId, [cid])).toEqual([false])
})

test('exchange: a stored chunk is verified, durable before it is acknowledged, and stored once', async () => {
  const [owner, helper] = await bareNodes(2)
  const peer = await serve(helper!, { allowed: (id) => id === owner!.peerId })
  const client = clientOf(owner!)
  for (const size of [0, 100, MIB]) {
    const shared = new Uint8Array(new SharedArrayBuffer(size))
    shared.set(patterned(size, size + 1))
    const digest = sha256(shared)
    const before = peer.store.barriers
    const kind = 'manifest' as const
    expect(await client.store(peer.peerId, { digest, kind, bytes: shared })).toEqual({
      stored: true,
    })
    expect(peer.store.barriers).toBe(before + 1)
    const again = await client.store(peer.peerId, { digest, kind, bytes: shared })
    expect(again).toEqual({ stored: false })
    const kept = await peer.store.get(digest)
    expect(kept!.kind).toBe('manifest')
    expect(Buffer.compare(kept!.bytes, shared)).toBe(0)
  }
  const lie = { digest: sha256(patterned(10)), kind: 'chunk' as const, bytes: patterned(11) }
  expect((await failure(client.store(peer.peerId, lie))).code).toBe('DATA_LOSS')
  expect(peer.store.chunks.size).toBe(3)
})

test('exchange: replicate tells the other peer what to fetch, from whom and for whom', async () => {
  const asked: unknown[] = []
  const [owner, helper] = await bareNodes(2)
  const peer = await serve(helper!, {
    allowed: () => true,
    fetchFrom: async (from, cid, { by, requestId, signal }) => {
      asked.push({ from, cid: cid.toString(), by, requestId, aborted: signal?.aborted })
      return { chunks: 3, newBytes: 12_345 }
    },
  })
  const client = clientOf(owner!)
  const cid = cidOf('manifest', sha256(patterned(3)))
  const from = { peerId: owner!.peerId, addrs: ['/ip4/127.0.0.1/tcp/4101'] }
  const reply = await client.replicate(peer.peerId, cid, from, { requestId: 'r-1' })
  expect(reply).toEqual({ chunks: 3, newBytes: 12_345 })
  expect(asked).toEqual([
    { from, cid: cid.toString(), by: owner!.peerId, requestId: 'r-1', aborted: false },
  ])
})

test('exchange: a cancelled retrieve is not read from the disk any more', async () => {
  const { client, peers } = await swarm(1, { rateBytesPerSecondMax: 1 })
  const [peer] = peers
  const cid = peer!.store.add(patterned(64 * KIB))
  // The first takes all tokens for a long time, the second waits for some.
  await client.retrieve(peer!.peerId, cid, 64 * KIB)
  const controller = new AbortController()
  const pending = failure(
    client.retrieve(peer!.peerId, cid, 64 * KIB, { signal: controller.signal }),
  )
  await until(() => peer!.server.inFlight === 1, 'the second request')
  controller.abort(new Error('enough'))
  await pending
  await until(() => peer!.server.inFlight === 0, 'the cancel')
  peer!.server.setRate(0)
  await client.retrieve(peer!.peerId, cid, 64 * KIB)
  expect(peer!.store.reads).toBe(2)
})

test('exchange: two peers share an upload limit by bytes, however many requests each has', async () => {
  const [node, many, few] = await bareNodes(3)
  const peer = await serve(node!, {}, { rateBytesPerSecondMax: 16 * MIB })
  const chunks = chunksOf(8, 256 * KIB)
  peer.store.addAll(chunks)
  const taken = { many: 0, few: 0 }
  const controller = new AbortController()
  const { signal } = controller
  const load =
    (who: 'many' | 'few', client = clientOf(who === 'many' ? many! : few!)) =>
    async (_: unknown, i: number) => {
      while (!signal.aborted) {
        const { cid } = chunks[i % chunks.length]!
        await client.retrieve(peer.peerId, cid, 256 * KIB, { signal }).catch(() => {})
        if (!signal.aborted) taken[who]++
      }
    }
  const running = [
    ...Array.from({ length: 60 }, load('many')).values(),
    ...Array.from({ length: 4 }, load('few')).values(),
  ]
  await until(() => taken.many + taken.few >= 60, 'sixty chunks', 15_000)
  controller.abort(new Error('enough'))
  await Promise.all(running)
  expect(taken.few / (taken.many + taken.few)).toBeGreaterThan(0.35)
})
