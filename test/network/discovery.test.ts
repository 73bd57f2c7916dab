import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { expect, test } from 'vitest'
import { textOf } from '../../src/network/discovery-keys.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'
import { portOf, providersOf, startHost, type TestHost } from './host-support.js'

const CODE_MANIFEST = 0x50

async function cidOf(text: string): Promise<CID> {
  return CID.createV1(CODE_MANIFEST, await sha256.digest(new TextEncoder().encode(text)))
}

function cidsOf(name: string, count: number): Promise<CID[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => cidOf(`${name} ${n}`)))
}

function kad({ host }: TestHost): KadDHT & { routingTable: { size: number } } {
  return host.libp2p.services.dht as KadDHT & { routingTable: { size: number } }
}

/** Every host knows every other one's DHT. */
async function swarm(count: number): Promise<TestHost[]> {
  const hosts: TestHost[] = []
  for (let n = 0; n < count; n++) {
    hosts.push(await startHost({ bootstrap: hosts.map(({ addr }) => addr) }))
  }
  await eventually('everybody knows everybody', () =>
    hosts.every((host) => kad(host).routingTable.size === count - 1),
  )
  return hosts
}

const idsOf = (providers: { peerId: string }[]) => providers.map(({ peerId }) => peerId)

test('discovery: thousands of roots are announced at once, and a third peer finds them', async () => {
  const [a, b, c] = (await swarm(3)) as [TestHost, TestHost, TestHost]
  const cids = await cidsOf('root', 1500)
  expect(await b.discovery.provide(cids)).toEqual({ peers: 2 })
  for (const cid of [cids[0]!, cids[777]!, cids[1499]!]) {
    const [found] = await providersOf(c, cid)
    expect(found?.peerId).toBe(b.host.peerId)
    expect(found?.addrs).toContain(`/ip4/127.0.0.1/tcp/${portOf(b.addr)}`)
  }
  expect(b.discovery.status()).toMatchObject({ roots: 1500, waiting: 0 })
  // The records are at the others, not only at their maker.
  await b.stop()
  for (const host of [a, c]) expect(idsOf(await providersOf(host, cids[5]!))).toHaveLength(1)
})

test('discovery: a kad-dht that is not ours stores what we announce, and answers for it', async () => {
  const plain = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/dps/kad/1.0.0',
        clientMode: false,
        allowQueryWithZeroPeers: true,
        peerInfoMapper: passthroughMapper,
      }),
    },
  })
  cleanUp(() => plain.stop())
  const a = await startHost()
  await a.host.connect(plain.getMultiaddrs()[0]!.toString())
  await eventually('in its table', () => kad(a).routingTable.size === 1)
  const cids = await cidsOf('plain', 600)
  expect(await a.discovery.provide(cids)).toEqual({ peers: 1 })
  for (const cid of [cids[0]!, cids[599]!]) {
    const found: string[] = []
    for await (const event of plain.services.dht.findProviders(cid)) {
      if (event.name === 'PROVIDER') found.push(...event.providers.map(({ id }) => id.toString()))
    }
    expect(found).toEqual([a.host.peerId])
  }
  // And it finds by asking us what only we know.
  const late = await cidOf('only at home')
  await a.host.store.putProvider([textOf(late.multihash.bytes)], a.host.peerId, Date.now())
  const found: string[] = []
  for await (const event of plain.services.dht.findProviders(late)) {
    if (event.name === 'PROVIDER') found.push(...event.providers.map(({ id }) => id.toString()))
  }
  expect(found).toEqual([a.host.peerId])
})

test('discovery: what is provided with nobody there goes out with the first connection', async () => {
  const a = await startHost()
  const [cid, other] = [await cidOf('lonely'), await cidOf('lonely too')]
  expect(await a.discovery.provide([cid])).toEqual({ peers: 0 })
  await a.discovery.provideLater([other])
  expect(a.discovery.status()).toMatchObject({ roots: 2, waiting: 2 })
  const b = await startHost()
  await b.host.connect(a.addr)
  await eventually('announced', () => a.discovery.status().waiting === 0)
  await a.stop()
  for (const root of [cid, other])
    expect(idsOf(await providersOf(b, root))).toEqual([a.host.peerId])
})

test('discovery: the intent to provide survives a restart', async () => {
  const a = await startHost()
  const cids = await cidsOf('durable', 50)
  await a.discovery.provideLater(cids)
  await a.stop()
  const again = await startHost({ dir: a.dir })
  await eventually('counted', () => again.discovery.status().waiting === 50)
  const b = await startHost({ bootstrap: [again.addr] })
  await eventually('announced', () => again.discovery.status().waiting === 0)
  await again.stop()
  expect(idsOf(await providersOf(b, cids[49]!))).toEqual([a.host.peerId])
})

test('discovery: what was announced is announced again before it expires, after a restart too', async () => {
  const cids = await cidsOf('again', 20)
  const discovery = { intervalMs: 1000, gatherMs: 20 }
  const b = await startHost()
  const a = await startHost({ bootstrap: [b.addr], discovery })
  await a.discovery.provideLater(cids)
  const recordedSince = async (ms: number) =>
    (await recordTimes(b, cids)).filter((atMs) => atMs > ms).length === 20
  await eventually('announced', () => recordedSince(0))
  const first = Date.now()
  await eventually('announced again', () => recordedSince(first))
  await a.stop()
  const stopped = Date.now()
  await startHost({ dir: a.dir, bootstrap: [b.addr], discovery })
  await eventually('announced after the restart', () => recordedSince(stopped))
})

/** When a host recorded a provider for each CID, of those that it has records for. */
async function recordTimes(at: TestHost, cids: CID[]): Promise<number[]> {
  const times: number[] = []
  for (const cid of cids) {
    const prefix = `/dht/provider/${textOf(cid.multihash.bytes)}`
    for await (const { value } of at.host.store.query({ prefix })) times.push(decodeVarint(value))
  }
  return times
}

function decodeVarint(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0)
}

test('discovery: what is forgotten is neither answered for nor announced again', async () => {
  const b = await startHost()
  const a = await startHost({ bootstrap: [b.addr], discovery: { intervalMs: 500, gatherMs: 20 } })
  const [kept, gone] = [await cidOf('kept'), await cidOf('gone')]
  await a.discovery.provideLater([kept, gone])
  await eventually('announced', async () => (await recordTimes(b, [kept, gone])).length === 2)
  await a.discovery.forget([gone])
  expect(await recordTimes(a, [gone])).toEqual([])
  expect(a.discovery.status().roots).toBe(1)
  // An announcement under way when it was forgotten may still arrive.
  for (let turn = 0; turn < 2; turn++) {
    const after = Date.now()
    await eventually('the kept again', async () => (await recordTimes(b, [kept]))[0]! > after)
    if (turn === 1) expect((await recordTimes(b, [gone]))[0]).toBeLessThanOrEqual(after)
  }
})

test('discovery: what is no longer here is forgotten in place of announced', async () => {
  const gone = await cidOf('gone')
  const here = await cidOf('here')
  const b = await startHost()
  const holds = async (hashes: readonly Uint8Array[]) =>
    hashes.map((hash) => Buffer.compare(hash, gone.multihash.bytes) !== 0)
  const a = await startHost({ bootstrap: [b.addr], holds })
  await a.discovery.provideLater([gone, here])
  await eventually('the one that is here is announced', async () => {
    return (await providersOf(b, here)).length === 1
  })
  await eventually('the other is forgotten', async () => a.discovery.status().roots === 1)
  expect(await providersOf(b, gone)).toEqual([])
})

test('discovery: a provider that left the peer store does not spoil the answer', async () => {
  const [a, b, c] = (await swarm(3)) as [TestHost, TestHost, TestHost]
  const cid = await cidOf('trap')
  await b.discovery.provide([cid])
  // A peer that nobody knows: kad-dht alone would fail every answer for this CID from here on.
  const stranger = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'
  for (const { host } of [a, b, c]) {
    await host.store.putProvider([textOf(cid.multihash.bytes)], stranger, Date.now())
  }
  const d = await startHost({ bootstrap: [a.addr] })
  await eventually('in its table', () => kad(d).routingTable.size > 0)
  expect(idsOf(await providersOf(d, cid))).toEqual([b.host.peerId])
  // One that is only remembered has its addresses put back.
  await a.host.libp2p.peerStore.delete(peerIdFromString(b.host.peerId))
  expect(idsOf(await providersOf(d, cid))).toEqual([b.host.peerId])
  expect(idsOf(await providersOf(a, cid))).toEqual([b.host.peerId])
})

test('discovery: records older than 48 hours are withheld', async () => {
  const a = await startHost()
  const b = await startHost({ bootstrap: [a.addr] })
  await eventually('in its table', () => kad(b).routingTable.size === 1)
  const cid = await cidOf('old')
  const hours = (count: number) => Date.now() - count * 3_600_000
  const text = textOf(cid.multihash.bytes)
  await a.host.store.putProvider([text], a.host.peerId, hours(49))
  expect(await providersOf(b, cid)).toEqual([])
  await a.host.store.putProvider([text], a.host.peerId, hours(47))
  expect(idsOf(await providersOf(b, cid))).toEqual([a.host.peerId])
})

test('discovery: we are not our own provider, connected ones come first, each comes once', async () => {
  const [a, b] = (await swarm(2)) as [TestHost, TestHost]
  const cid = await cidOf('order')
  await Promise.all([a.discovery.provide([cid]), b.discovery.provide([cid])])
  const away = await startHost()
  await away.stop()
  const addr = `/ip4/127.0.0.1/tcp/${portOf(away.addr)}`
  await a.host.learn(away.host.peerId, [addr])
  await a.host.store.putProvider([textOf(cid.multihash.bytes)], away.host.peerId, Date.now())
  expect(await providersOf(a, cid)).toEqual([
    { peerId: b.host.peerId, addrs: [`/ip4/127.0.0.1/tcp/${portOf(b.addr)}`] },
    { peerId: away.host.peerId, addrs: [addr] },
  ])
})

test('discovery: a search waits for the first peer, ends with its time, and obeys its caller', async () => {
  const a = await startHost()
  const b = await startHost()
  const cid = await cidOf('patience')
  await a.discovery.provideLater([cid])
  const found = providersOf(b, cid, 10_000)
  await b.host.connect(a.addr)
  expect(idsOf(await found)).toEqual([a.host.peerId])

  const alone = await startHost()
  const startedAt = performance.now()
  expect(await providersOf(alone, cid, 100)).toEqual([])
  expect(performance.now() - startedAt).toBeLessThan(2000)
  const controller = new AbortController()
  const reason = { why: 'enough' }
  const search = alone.discovery.findProviders(cid, { signal: controller.signal }).next()
  controller.abort(reason)
  await expect(search).rejects.toBe(reason)
})

test('discovery: chunks are announced only when asked for', async () => {
  for (const [strategy, roots] of [
    ['roots', 1],
    ['all', 2],
    ['none', 0],
  ] as const) {
    const { discovery } = await startHost({ discovery: { strategy } })
    await discovery.provideLater([await cidOf('a root')])
    await discovery.provideLater([await cidOf('a chunk')], { kind: 'chunk' })
    expect(discovery.status().roots).toBe(roots)
  }
})

test('discovery: a peer that swallows records or dies is not counted as told', async () => {
  const a = await startHost()
  const b = await startHost({ bootstrap: [a.addr] })
  await eventually('in its table', () => kad(b).routingTable.size === 1)
  // A resets every kad stream that sends records.
  await a.host.libp2p.unhandle('/dps/kad/1.0.0')
  let streams = 0
  await a.host.libp2p.handle('/dps/kad/1.0.0', (stream) => {
    streams += 1
    stream.abort(new Error('no'))
  })
  const cid = await cidOf('swallowed')
  expect(await b.discovery.provide([cid])).toEqual({ peers: 0 })
  expect(streams).toBeGreaterThan(0)
  expect(b.discovery.status()).toMatchObject({ roots: 1, waiting: 1 })
})

test('discovery: records persist at their receiver', async () => {
  const dir = tempDir()
  const a = await startHost({ dir })
  const b = await startHost({ bootstrap: [a.addr] })
  await eventually('in its table', () => kad(b).routingTable.size === 1)
  const cids = await cidsOf('kept', 300)
  await b.discovery.provide(cids)
  await a.stop()
  const again = await startHost({ dir })
  expect(idsOf(await providersOf(again, cids[299]!))).toEqual([b.host.peerId])
})
