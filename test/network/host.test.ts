import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import type { Host } from '../../src/network/host.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'
import { portOf, recordingLog, startHost } from './host-support.js'

const STRANGER = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'

function connected(host: Host, peerId: string): Promise<unknown> {
  return eventually('connected', () => host.isConnected(peerId))
}

test('host: two peers connect, ping, and learn about each other', async () => {
  const a = await startHost({ name: 'alice' })
  const b = await startHost({ name: 'bob smith' })
  const events: string[] = []
  a.host.onConnect((peer) => events.push(`+${peer}`))
  a.host.onDisconnect((peer) => events.push(`-${peer}`))
  expect(await b.host.connect(a.addr)).toBe(a.host.peerId)
  expect(await b.host.ping(a.host.peerId)).toBeGreaterThan(0)
  const peer = await eventually('identify', () => a.host.peers().find(({ name }) => name))
  expect(peer).toMatchObject({ peerId: b.host.peerId, direction: 'inbound', name: 'bob smith' })
  expect(peer.agent).toMatch(/^dps-node\/0\.0\.0 /)
  await eventually('latency', () => (a.host.peers()[0]?.latencyMs ?? 0) > 0)
  await b.host.disconnect(a.host.peerId)
  await eventually('disconnect', () => events.length === 2)
  expect(events).toEqual([`+${b.host.peerId}`, `-${b.host.peerId}`])
  expect(a.host.peers()).toEqual([])
})

test('host: it listens on a free port, tells its addresses, and serves its protocols', async () => {
  const { host, addr } = await startHost()
  expect(addr).toMatch(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/[1-9]\\d+/p2p/${host.peerId}$`))
  expect(host.protocols()).toContain('/dps/kad/1.0.0')
  await host.handle('/dps/test/1.0.0', () => {}, { maxInboundStreams: 4, maxOutboundStreams: 4 })
  expect(host.protocols()).toContain('/dps/test/1.0.0')
  await host.unhandle('/dps/test/1.0.0')
  expect(host.protocols()).not.toContain('/dps/test/1.0.0')
})

test('host: a busy port is an error that names it, and leaves nothing behind', async () => {
  const a = await startHost()
  const dir = tempDir()
  const port = portOf(a.addr)
  await expect(startHost({ dir, listen: [`/ip4/127.0.0.1/tcp/${port}`] })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `port ${port} is in use (/ip4/127.0.0.1/tcp/${port})`,
    hint: expect.stringContaining('--listen'),
  })
  const again = await startHost({ dir })
  expect(again.host.addrs()).toHaveLength(1)
})

test('host: an address that is none is refused by name', async () => {
  for (const init of [{ listen: ['4101'] }, { bootstrap: ['/ip4/1.2.3/tcp/1'] }]) {
    await expect(startHost(init)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
  await expect(startHost({ listen: ['/ip4/203.0.113.7/tcp/0'] })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: '/ip4/203.0.113.7/tcp/0 is no address of this machine',
  })
})

test('host: what cannot be connected to says why', async () => {
  const a = await startHost({ dialTimeoutMs: 500 })
  const silent = createServer()
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
  cleanUp(() => void silent.close())
  const { port } = silent.address() as { port: number }
  const b = await startHost()
  const at = (address: string) => a.host.connect(address)

  await expect(at('nonsense')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(at('/ip4/1.2.3')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(at(a.addr)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(at(a.host.peerId)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(at('/ip4/127.0.0.1/tcp/1')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'cannot connect to /ip4/127.0.0.1/tcp/1: connection refused',
  })
  await expect(at(STRANGER)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(at(`/ip4/127.0.0.1/tcp/${portOf(b.addr)}/p2p/${STRANGER}`)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('another peer answers'),
  })
  await expect(at(`/ip4/127.0.0.1/tcp/${port}`)).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  })
  const reason = { why: 'the caller left' }
  const gone = a.host.connect(`/ip4/127.0.0.1/tcp/${port}`, { signal: AbortSignal.abort(reason) })
  await expect(gone).rejects.toBe(reason)
})

test('host: a protocol that the peer lacks is UNIMPLEMENTED', async () => {
  const a = await startHost()
  const b = await startHost()
  await b.host.connect(a.addr)
  await expect(b.host.openStream(a.host.peerId, '/dps/none/1.0.0')).rejects.toMatchObject({
    code: 'UNIMPLEMENTED',
  })
})

test('host: a bootstrap is dialled until it is there, and again when it was away', async () => {
  const dir = tempDir()
  const first = await startHost({ dir })
  const listen = [`/ip4/127.0.0.1/tcp/${portOf(first.addr)}`]
  await first.stop()
  const b = await startHost({ bootstrap: [first.addr] })
  // It fails until the other side is up.
  await eventually('a failed dial', () => b.host.peers().length === 0)
  const second = await startHost({ dir, listen })
  await connected(b.host, first.host.peerId)
  await second.stop()
  await eventually('the loss', () => !b.host.isConnected(first.host.peerId))
  await startHost({ dir, listen })
  await connected(b.host, first.host.peerId)
})

test('host: a bootstrap without a peer id, and one that is ourselves, are fine', async () => {
  const { log, lines } = recordingLog()
  const a = await startHost()
  const own = tempDir()
  const before = await startHost({ dir: own })
  await before.stop()
  const bare = `/ip4/127.0.0.1/tcp/${portOf(a.addr)}`
  const b = await startHost({ dir: own, bootstrap: [bare, before.addr], log })
  await connected(b.host, a.host.peerId)
  await a.stop()
  await eventually('the loss', () => b.host.peers().length === 0)
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('host: peers are found again after a restart without a bootstrap', async () => {
  const a = await startHost({ name: 'alice' })
  const b = await startHost({ bootstrap: [a.addr] })
  await eventually('remembered', () => b.host.known().find(({ name }) => name === 'alice'))
  await b.stop()
  const again = await startHost({ dir: b.dir })
  await connected(again.host, a.host.peerId)
})

test('host: a peer that was disconnected on purpose is left alone until it comes itself', async () => {
  // The other side would dial in its turn.
  const a = await startHost({ redial: { minMs: 60_000, maxMs: 60_000 } })
  const b = await startHost()
  await b.host.connect(a.addr)
  await b.host.disconnect(a.host.peerId)
  await expect(b.host.disconnect(a.host.peerId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(b.host.known()[0]).toMatchObject({ peerId: a.host.peerId, explicit: false })
  await b.host.connect(a.addr)
  expect(b.host.known()[0]).toMatchObject({ peerId: a.host.peerId, explicit: true })
})

test('host: one peer cannot hold connections without end', async () => {
  const a = await startHost({ maxConnectionsPerPeer: 2 })
  const b = await startHost()
  await b.host.connect(a.addr)
  for (let n = 0; n < 5; n++) {
    await b.host.libp2p.dial(multiaddr(a.addr), { force: true }).catch(() => {})
  }
  await eventually('the surplus closed', () => {
    const [peer] = a.host.peers()
    return peer !== undefined && peer.connections <= 2 && b.host.peers()[0]?.connections === 2
  })
})

test('host: peers are named by prefix or name, and ambiguity is told', async () => {
  const a = await startHost()
  const b = await startHost({ name: 'twin', bootstrap: [a.addr] })
  const c = await startHost({ name: 'twin', bootstrap: [a.addr] })
  const d = await startHost({ name: 'single', bootstrap: [a.addr] })
  await eventually('names', () => a.host.peers().filter(({ name }) => name).length === 3)
  const { host } = a
  expect(await host.resolvePeer('single')).toBe(d.host.peerId)
  expect(await host.resolvePeer(b.host.peerId)).toBe(b.host.peerId)
  expect(await host.resolvePeer(STRANGER)).toBe(STRANGER)
  expect(await host.resolvePeer(c.host.peerId.slice(0, 20))).toBe(c.host.peerId)
  const twin = await host.resolvePeer('twin').catch((error) => error)
  expect(twin).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(twin.message).toContain(b.host.peerId)
  expect(twin.message).toContain(c.host.peerId)
  await expect(host.resolvePeer('12D3KooW')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(host.resolvePeer(d.host.peerId.slice(0, 5))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  await expect(host.resolvePeer('nobody-here')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('host: a damaged DHT database is moved aside, and the node starts', async () => {
  const { log, lines } = recordingLog()
  const a = await startHost()
  await a.stop()
  await writeFile(join(a.dir, 'dht', 'CURRENT'), 'nonsense\n')
  const again = await startHost({ dir: a.dir, log })
  expect(again.host.peerId).toBe(a.host.peerId)
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  expect(warnings).toEqual([expect.stringContaining('dht.damaged-')])
})

test('host: addresses of connected peers never grow too old', async () => {
  const a = await startHost()
  const b = await startHost({ addressAgeMs: 360 })
  await b.host.connect(a.addr)
  const { peerStore } = b.host.libp2p
  const inStore = async () => {
    const peer = await peerStore.get(peerIdFromString(a.host.peerId)).catch(() => undefined)
    return peer?.addresses.length ?? 0
  }
  // Confirming takes the address out for a moment, so one look in between may miss it.
  let looks = 0
  let misses = 0
  const threeAgesOn = performance.now() + 1100
  await eventually('three ages', async () => {
    looks += 1
    if ((await inStore()) === 0) misses += 1
    return performance.now() > threeAgesOn
  })
  expect(misses / looks).toBeLessThan(0.2)
})
