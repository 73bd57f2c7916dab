import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { afterAll, expect, test } from 'vitest'
import type { DpsError } from '../../src/base/index.js'
import { cidOf, sha256 } from '../../src/content/index.js'
import { EXCHANGE_PROTOCOL } from '../../src/exchange/protocol.js'
import { Reputation } from '../../src/exchange/reputation.js'
import { FetchSession } from '../../src/exchange/session.js'
import { decodeCallHeader, encodeCallHeader } from '../../src/network/calls-codec.js'
import { type BareNode, bareNodes, patterned, until } from '../network/calls-support.js'
import { chunksOf, clientOf, hashes, serve, session, swarm, type TestChunk } from './support.js'

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

/** Fetches all of them into shared buffers, so many at a time, and compares each. */
async function fetchAll(from: FetchSession, chunks: readonly TestChunk[], atOnce = 16) {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < chunks.length) {
        const { cid, bytes } = chunks[next++]!
        const into = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
        const got = await from.fetch({ cid, sizeBytes: bytes.byteLength }, into)
        expect(got.buffer).toBe(into.buffer)
        expect(Buffer.compare(got, bytes)).toBe(0)
      }
    }),
  )
}

/** A peer that answers requests for chunks with whatever bytes `lie` makes. */
async function evilPeer(
  node: BareNode,
  lie: (asked: { stream: Stream; callId: number; count: number }) => void,
): Promise<void> {
  let count = 0
  await node.libp2p.handle(EXCHANGE_PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      const list = data instanceof Uint8Array ? new Uint8ArrayList(data) : data.sublist()
      while (list.byteLength >= 8) {
        const length = list.getUint32(0)
        const header = decodeCallHeader(list.subarray(8, 8 + length))
        list.consume(8 + length)
        if (header.kind === 'request') lie({ stream, callId: header.callId, count: count++ })
      }
    })
  })
}

function reply(callId: number, body: Uint8Array, claimed = body.byteLength): Buffer {
  const header = encodeCallHeader({ kind: 'reply', callId, payload: new Uint8Array(0) })
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(header.byteLength, 0)
  prefix.writeUInt32BE(claimed, 4)
  return Buffer.concat([prefix, header, body])
}

test('session: chunks come from several peers at once, verified, into the buffers given', async () => {
  const { client, peers } = await swarm(3)
  const chunks = chunksOf(60, 256 * KIB)
  for (const peer of peers) peer.store.addAll(chunks)
  const from = session(
    client,
    peers.map(({ peerId }) => peerId),
    { hedgeMsMin: 60_000 },
  )
  await fetchAll(from, chunks)
  expect(from.peers().sort()).toEqual(peers.map(({ peerId }) => peerId).sort())
  // Nobody was asked twice for the same.
  expect(peers.reduce((sum, { store }) => sum + store.reads, 0)).toBe(60)
})

test('session: without a buffer it makes one, and a size that is not known is no hindrance', async () => {
  const { client, peers } = await swarm(1)
  const from = session(client, [peers[0]!.peerId])
  for (const size of [0, 1, 40 * KIB, 4 * MIB]) {
    const bytes = patterned(size, size + 1)
    const cid = peers[0]!.store.add(bytes)
    expect(Buffer.compare(await from.fetch({ cid }), bytes)).toBe(0)
  }
  const cid = peers[0]!.store.add(patterned(100))
  const small = await failure(from.fetch({ cid, sizeBytes: 100 }, new Uint8Array(99)))
  expect(small.code).toBe('INVALID_ARGUMENT')
})

test('session: chunks that one provider lacks come from the other', async () => {
  const { client, peers } = await swarm(2)
  const chunks = chunksOf(30, 64 * KIB)
  peers[0]!.store.addAll(chunks.filter((_, i) => i % 2 === 0))
  peers[1]!.store.addAll(chunks.filter((_, i) => i % 2 === 1))
  await fetchAll(
    session(
      client,
      peers.map(({ peerId }) => peerId),
    ),
    chunks,
  )
})

test('session: a chunk that no provider of the root has is looked for by itself, and only then', async () => {
  const { client, peers } = await swarm(2)
  const [holder, elsewhere] = peers
  const chunks = chunksOf(4, 64 * KIB)
  holder!.store.addAll(chunks.slice(0, 3))
  elsewhere!.store.addAll(chunks.slice(3))
  const asked: string[] = []
  const root = cidOf('manifest', sha256(patterned(1)))
  const from = session(client, [], {
    root,
    findProviders: async function* (cid) {
      asked.push(cid.toString())
      if (cid.equals(root)) yield { peerId: holder!.peerId, addrs: [] }
      else yield { peerId: elsewhere!.peerId, addrs: [] }
    },
  })
  await fetchAll(from, chunks.slice(0, 3))
  expect(asked).toEqual([root.toString()])
  await fetchAll(from, chunks.slice(3))
  expect(asked).toEqual([root.toString(), chunks[3]!.cid.toString()])
})

test('session: a provider that is found late joins in', async () => {
  const { client, peers } = await swarm(2)
  const chunks = chunksOf(40, 256 * KIB)
  peers[0]!.store.addAll(chunks.slice(0, 20))
  peers[1]!.store.addAll(chunks)
  let found: (() => void) | undefined
  const from = session(client, [], {
    findProviders: async function* () {
      yield { peerId: peers[0]!.peerId, addrs: [] }
      await new Promise<void>((resolve) => {
        found = resolve
      })
      yield { peerId: peers[1]!.peerId, addrs: [] }
    },
  })
  const all = fetchAll(from, chunks)
  await until(() => found !== undefined, 'the search to go on')
  found!()
  await all
  expect(from.peers().length).toBe(2)
})

test.each<[string, (asked: { stream: Stream; callId: number }) => void]>([
  [
    'sends wrong bytes',
    ({ stream, callId }) => stream.send(reply(callId, patterned(64 * KIB, 77))),
  ],
  ['sends too few bytes', ({ stream, callId }) => stream.send(reply(callId, patterned(5)))],
  ['sends nothing', () => {}],
  [
    'sends half a chunk and stops',
    ({ stream, callId }) => stream.send(reply(callId, patterned(100), 64 * KIB)),
  ],
  [
    'sends more than was asked for',
    ({ stream, callId }) => stream.send(reply(callId, patterned(65 * KIB))),
  ],
  [
    'claims a frame of 4 GiB',
    ({ stream, callId }) => stream.send(reply(callId, patterned(10), 0xffffffff)),
  ],
  ['sends random bytes', ({ stream }) => stream.send(patterned(4096, 3))],
  ['resets its stream', ({ stream }) => stream.abort(new Error('no'))],
])('session: a peer that %s is got around', async (_what, lie) => {
  const [node, evil, good] = await bareNodes(3)
  await evilPeer(evil!, lie)
  const honest = await serve(good!)
  const chunks = chunksOf(24, 64 * KIB)
  honest.store.addAll(chunks)
  const from = session(clientOf(node!), [evil!.peerId, honest.peerId])
  await fetchAll(from, chunks)
  expect(from.peers()).toEqual([honest.peerId])
})

test('session: a liar is not asked again, in this session or the next', async () => {
  const [node, evil, good] = await bareNodes(3)
  let asked = 0
  await evilPeer(evil!, ({ stream, callId }) => {
    asked++
    stream.send(reply(callId, patterned(64 * KIB, 99)))
  })
  const honest = await serve(good!)
  const chunks = chunksOf(20, 64 * KIB)
  honest.store.addAll(chunks)
  const client = clientOf(node!)
  const reputation = new Reputation()
  const both = [evil!.peerId, honest.peerId]
  await fetchAll(session(client, both, {}, reputation), chunks, 1)
  expect(asked).toBe(1)
  expect(reputation.trusted(evil!.peerId)).toBe(false)
  expect(reputation.trusted(honest.peerId)).toBe(true)
  await fetchAll(session(client, both, {}, reputation), chunks, 1)
  expect(asked).toBe(1)
})

test('session: a request that takes too long is hedged, and the first true answer counts', async () => {
  const { client, peers } = await swarm(2)
  const [slow, fast] = peers
  const chunks = chunksOf(8, 64 * KIB)
  for (const peer of peers) peer.store.addAll(chunks)
  // It answers in the end, long after the other.
  const get = slow!.store.get.bind(slow!.store)
  slow!.store.get = async (digest) => {
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    return get(digest)
  }
  const from = session(client, [slow!.peerId, fast!.peerId])
  const begun = performance.now()
  await fetchAll(from, chunks, 8)
  expect(performance.now() - begun).toBeLessThan(3_500)
  expect(from.peers()).toEqual([fast!.peerId])
})

test('session: nobody known is NOT_FOUND, nobody reachable is UNAVAILABLE, both in time', async () => {
  const [node, other] = await bareNodes(2)
  const client = clientOf(node!)
  const { cid } = chunksOf(1, 100)[0]!
  const begun = performance.now()
  const nobody = await failure(session(client, [], { patienceMs: 300 }).fetch({ cid }))
  expect([nobody.code, nobody.hint !== undefined]).toEqual(['NOT_FOUND', true])
  expect(performance.now() - begun).toBeLessThan(3_000)
  const peer = await serve(other!)
  const lacking = await failure(session(client, [peer.peerId], { patienceMs: 300 }).fetch({ cid }))
  expect(lacking.code).toBe('NOT_FOUND')
  await other!.libp2p.stop()
  const gone = await failure(session(client, [peer.peerId], { patienceMs: 300 }).fetch({ cid }))
  expect(gone.code).toBe('UNAVAILABLE')
})

test('session: a provider that comes back within the patience is used', async () => {
  const { client, peers } = await swarm(1)
  const { cid, bytes } = chunksOf(1, 1000)[0]!
  const from = session(client, [peers[0]!.peerId], { patienceMs: 8_000 })
  const pending = from.fetch({ cid, sizeBytes: 1000 })
  await until(() => peers[0]!.store.reads > 0, 'the first question')
  peers[0]!.store.addAll([{ cid, bytes }])
  expect(Buffer.compare(await pending, bytes)).toBe(0)
})

test('session: an abort leaves as its reason, at once, and others go on', async () => {
  const { client, peers } = await swarm(1, { rateBytesPerSecondMax: 2 * MIB })
  const chunks = chunksOf(6, 256 * KIB)
  peers[0]!.store.addAll(chunks)
  const from = session(client, [peers[0]!.peerId])
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  const { signal } = controller
  const aborted = chunks
    .slice(3)
    .map(({ cid }) => failure(from.fetch({ cid }, undefined, { signal })))
  const others = fetchAll(from, chunks.slice(0, 3))
  controller.abort(reason)
  expect(await Promise.all(aborted)).toEqual([reason, reason, reason])
  await others
  expect(await failure(from.fetch({ cid: chunks[0]!.cid }, undefined, { signal }))).toBe(reason)
})

test('session: closing it ends what is under way, and what comes later', async () => {
  const { client, peers } = await swarm(1)
  const [chunk] = chunksOf(1, 10)
  const from = session(client, [peers[0]!.peerId])
  const pending = failure(from.fetch({ cid: chunk!.cid }))
  from.close()
  expect((await pending).code).toBe('CANCELLED')
  expect((await failure(from.fetch({ cid: chunk!.cid }))).code).toBe('CANCELLED')
})

test('session: a buffer given up while it is being hashed accuses nobody', async () => {
  const { client, peers } = await swarm(1)
  const [chunk] = chunksOf(1, 64 * KIB)
  peers[0]!.store.addAll([chunk!])
  const reputation = new Reputation()
  const controller = new AbortController()
  let hashing: (() => void) | undefined
  const from = new FetchSession(
    {
      client,
      reputation,
      hashes: {
        digest: async (bytes) => {
          await new Promise<void>((resolve) => {
            hashing = resolve
          })
          return sha256(bytes)
        },
      },
    },
    {
      root: chunk!.cid,
      findProviders: async function* () {
        yield { peerId: peers[0]!.peerId, addrs: [] }
      },
    },
  )
  const into = new Uint8Array(64 * KIB)
  const pending = failure(from.fetch({ cid: chunk!.cid }, into, { signal: controller.signal }))
  await until(() => hashing !== undefined, 'the hash')
  controller.abort(new Error('enough'))
  await pending
  into.fill(0)
  hashing!()
  await new Promise((resolve) => setImmediate(resolve))
  expect(reputation.points(peers[0]!.peerId)).toBe(0)
  from.close()
})

test('session: two peers with an upload limit each give nearly twice what one gives', async () => {
  // Low enough that the limit decides, and not how busy the machine is.
  const { client, peers } = await swarm(2, { rateBytesPerSecondMax: 4 * MIB })
  const chunks = chunksOf(96, 64 * KIB)
  for (const peer of peers) peer.store.addAll(chunks)
  const time = async (ids: string[]) => {
    const begun = performance.now()
    await fetchAll(session(client, ids, { hedgeMsMin: 60_000 }), chunks, 32)
    return performance.now() - begun
  }
  const one = await time([peers[0]!.peerId])
  const two = await time(peers.map(({ peerId }) => peerId))
  expect(one / two).toBeGreaterThan(1.6)
})

test('session: of a fast and a slow peer, the fast one does most of the work', async () => {
  const { client, peers } = await swarm(2, (index) => ({
    rateBytesPerSecondMax: index === 0 ? 2 * MIB : 30 * MIB,
  }))
  const chunks = chunksOf(80, 128 * KIB)
  for (const peer of peers) peer.store.addAll(chunks)
  await fetchAll(
    session(
      client,
      peers.map(({ peerId }) => peerId),
    ),
    chunks,
    16,
  )
  expect(peers[1]!.store.reads).toBeGreaterThan(2 * peers[0]!.store.reads)
})

test('session: the content’s own bytes may come with the word that a peer has it', async () => {
  const { client, peers } = await swarm(2)
  const [giving, honest] = peers
  const bytes = patterned(40 * KIB)
  const root = honest!.store.add(bytes)
  giving!.store.add(bytes)
  const provider = { peerId: giving!.peerId, addrs: [] }
  const given = session(client, [], {
    root,
    findProviders: async function* () {
      yield { ...provider, root: new Uint8ArrayList(bytes) }
    },
  })
  expect(Buffer.compare(await given.fetch({ cid: root }), bytes)).toBe(0)
  expect(given.peers()).toEqual([giving!.peerId])
  expect(giving!.store.reads).toBe(0)

  const reputation = new Reputation()
  const lied = session(
    client,
    [],
    {
      root,
      findProviders: async function* () {
        yield { ...provider, root: new Uint8ArrayList(patterned(40 * KIB, 9)) }
        yield { peerId: honest!.peerId, addrs: [] }
      },
    },
    reputation,
  )
  expect(Buffer.compare(await lied.fetch({ cid: root }), bytes)).toBe(0)
  expect(lied.peers()).toEqual([honest!.peerId])
  expect(reputation.trusted(giving!.peerId)).toBe(false)
})

test('session: more providers are looked for only while chunks are waited for', async () => {
  const { client, peers } = await swarm(2)
  const [chunk] = chunksOf(1, KIB)
  peers[0]!.store.addAll([chunk!])
  let asked = 0
  const from = session(client, [], {
    findProviders: async function* () {
      for (const { peerId } of peers) {
        asked++
        yield { peerId, addrs: [] }
      }
    },
  })
  await fetchAll(from, [chunk!])
  expect(asked).toBe(1)
  // The first one lacks it.
  const late = peers[1]!.store.add(patterned(2 * KIB, 3))
  expect((await from.fetch({ cid: late })).byteLength).toBe(2 * KIB)
  expect(asked).toBe(2)
})
