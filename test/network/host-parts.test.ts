import { chmod, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agentOf, nameOfAgent } from '../../src/network/host-agent.js'
import { InboundLimiter } from '../../src/network/host-limits.js'
import { formatMessage, libp2pLogger } from '../../src/network/host-log.js'
import { type DialTarget, Redialler } from '../../src/network/host-redial.js'
import { loadIdentity } from '../../src/network/identity.js'
import { KnownPeers } from '../../src/network/known-peers.js'
import { silentLog } from '../../src/observability/index.js'
import { cleanUp, eventually, tempDir } from '../support/temp.js'
import { openTables, recordingLog } from './host-support.js'

function clockAt(ms = 0) {
  const clock = { ms, now: () => clock.ms, monotonicMs: () => clock.ms }
  return clock
}

test('identity: made once, for the owner alone, and the same for racing processes', async () => {
  const dir = tempDir()
  const path = join(dir, 'identity.key')
  const all = await Promise.all(Array.from({ length: 8 }, () => loadIdentity(path)))
  expect(new Set(all.map(({ peerId }) => peerId)).size).toBe(1)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(dir)).toEqual(['identity.key'])
  expect((await loadIdentity(path)).peerId).toBe(all[0]?.peerId)
})

test('identity: a key that others can read is closed to them, and it is said', async () => {
  const path = join(tempDir(), 'identity.key')
  const { peerId, wasOpenToOthers } = await loadIdentity(path)
  expect(wasOpenToOthers).toBe(false)
  await chmod(path, 0o644)
  expect(await loadIdentity(path)).toMatchObject({ peerId, wasOpenToOthers: true })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('identity: a damaged key is an error, never a new identity', async () => {
  const path = join(tempDir(), 'identity.key')
  await loadIdentity(path)
  const good = await readFile(path)
  const damages: [string, () => Promise<void>][] = [
    ['empty', () => truncate(path, 0)],
    ['cut', () => truncate(path, 20)],
    ['a text', () => writeFile(path, 'not a key')],
    ['too large', () => writeFile(path, Buffer.alloc(100_000))],
  ]
  for (const [, damage] of damages) {
    await damage()
    const left = await readFile(path)
    await expect(loadIdentity(path)).rejects.toMatchObject({
      code: 'DATA_LOSS',
      hint: expect.stringContaining('copy'),
    })
    expect(await readFile(path)).toEqual(left)
    await writeFile(path, good)
  }
})

test('limiter: an address has a burst, then its rate; others are not affected', () => {
  const clock = clockAt()
  const limiter = new InboundLimiter(clock, { perSecond: 10, burst: 20, loopbackPerSecond: 500 })
  const admitted = (address: string, tries: number) =>
    Array.from({ length: tries }, () => limiter.admit(address)).filter(Boolean).length
  expect(admitted('192.0.2.1', 100)).toBe(20)
  expect(admitted('192.0.2.2', 5)).toBe(5)
  clock.ms += 1000
  expect(admitted('192.0.2.1', 100)).toBe(10)
  expect(admitted('127.0.0.1', 400)).toBe(400)
  expect(admitted('::1', 400)).toBe(400)
  expect(admitted('::ffff:127.0.0.9', 400)).toBe(400)
})

test('limiter: one IPv6 network counts as one address, and the table is bounded', () => {
  const limiter = new InboundLimiter(clockAt(), { burst: 3, perSecond: 1, addressesMax: 2 })
  expect(limiter.admit('2001:db8:1:2::1')).toBe(true)
  expect(limiter.admit('2001:0db8:0001:0002:aaaa::2')).toBe(true)
  expect(limiter.admit('2001:DB8:1:2:0:0:0:3')).toBe(true)
  expect(limiter.admit('2001:db8:1:2::4')).toBe(false)
  expect(limiter.admit('2001:db8:1:3::1')).toBe(true)
  // A third address displaces the one quiet for longest.
  expect(limiter.admit('192.0.2.1')).toBe(true)
  expect(limiter.admit('2001:db8:1:2::4')).toBe(true)
})

test("log: libp2p's routine failures are quiet, the others warn once a minute", () => {
  const clock = clockAt()
  const { log, lines } = recordingLog()
  const stopping = new AbortController()
  const logger = libp2pLogger(log, clock, stopping.signal).forComponent('libp2p:tcp')
  logger('opened %s', 'x')
  logger.trace('detail')
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  logger.error('lost %p - %e', 'peer', reset)
  expect(lines).toEqual([{ level: 'debug', message: 'lost peer - read ECONNRESET' }])
  lines.length = 0
  for (let n = 0; n < 3; n++) logger.error('odd - %e', new RangeError(`oh ${n}`))
  logger.newScope('connection:7').error('odd - %e', new RangeError('oh'))
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  clock.ms += 61_000
  logger.error('odd - %e', new RangeError('later'))
  expect(lines.at(-1)).toEqual({ level: 'warn', message: 'odd - later' })
  clock.ms += 61_000
  stopping.abort()
  logger.error('odd - %e', new Error('Database is not open'))
  expect(lines.at(-1)).toEqual({ level: 'debug', message: 'odd - Database is not open' })
})

test('log: a format with too few or too many values still prints them all', () => {
  expect(formatMessage('%s of %d at %p%%', ['a', 2])).toBe('a of 2 at %p%')
  expect(formatMessage('done', [new Uint8Array([1, 171]), ['x', 1]])).toBe('done 01ab x, 1')
  expect(formatMessage(new Error('bare'), ['and'])).toBe('bare and')
})

test('agent: any name comes back, and a hostile one is made safe to show', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40 }), (name) => {
      const shown = name.replace(/\p{C}/gu, '')
      expect(nameOfAgent(agentOf('1.2.3', name))).toBe(shown === '' ? undefined : shown)
    }),
  )
  expect(nameOfAgent(agentOf('1.2.3', undefined))).toBeUndefined()
  expect(nameOfAgent('dps-node/1 name/%E0%A4%A')).toBeUndefined()
  expect(nameOfAgent('dps-node/1 name/%1b%5B31mred')).toBe('[31mred')
  expect(nameOfAgent('kubo/0.30 name/x')).toBeUndefined()
  expect(nameOfAgent(undefined)).toBeUndefined()
})

test('known peers: kept across restarts; the old and the damaged are dropped', async () => {
  const clock = clockAt(1_000_000_000)
  const dir = tempDir()
  const tables = await openTables(dir)
  cleanUp(() => tables.close())
  const known = new KnownPeers(tables.known, clock)
  await known.remember('met', ['/ip4/192.0.2.1/tcp/1'])
  await known.remember('asked', ['/ip4/192.0.2.2/tcp/1'], { explicit: true, name: 'ann' })
  await known.remember('asked', ['/ip4/192.0.2.3/tcp/1'])
  await tables.known.put('broken', Buffer.from('{"addrs":7}'))
  await tables.known.put('garbage', Buffer.from('{'))

  const again = new KnownPeers(tables.known, clock)
  await again.load()
  expect(again.all().map(({ peerId }) => peerId)).toEqual(['asked', 'met'])
  expect(again.get('asked')).toEqual({
    peerId: 'asked',
    addrs: ['/ip4/192.0.2.3/tcp/1', '/ip4/192.0.2.2/tcp/1'],
    seenAtMs: clock.ms,
    explicit: true,
    name: 'ann',
  })
  expect(await tables.known.get('garbage')).toBeUndefined()

  clock.ms += 15 * 24 * 3_600_000
  const later = new KnownPeers(tables.known, clock)
  await later.load()
  expect(later.all().map(({ peerId }) => peerId)).toEqual(['asked'])
})

test('known peers: bounded, the longest unseen go first, the asked for stay', async () => {
  const clock = clockAt(1_000_000_000)
  const tables = await openTables(tempDir())
  cleanUp(() => tables.close())
  const known = new KnownPeers(tables.known, clock)
  await known.remember('asked', ['/ip4/192.0.2.2/tcp/1'], { explicit: true })
  for (let n = 0; n < 300; n++) {
    clock.ms += 1
    await known.remember(`peer ${n}`, ['/ip4/192.0.2.1/tcp/1'])
  }
  expect(known.all()).toHaveLength(256)
  expect(known.get('asked')).toBeDefined()
  expect(known.get('peer 0')).toBeUndefined()
  expect(known.get('peer 299')).toBeDefined()
  const again = new KnownPeers(tables.known, clock)
  await again.load()
  expect(again.all()).toHaveLength(256)
})

interface Dialled {
  redial: Redialler
  dials: { key: string; atMs: number }[]
  connected: Set<string>
  up: Set<string>
}

function redialler(init: { minMs?: number; maxMs?: number; enoughPeers?: number } = {}): Dialled {
  const dials: Dialled['dials'] = []
  const connected = new Set<string>()
  const up = new Set<string>()
  const redial = new Redialler(
    {
      dial: async ({ key }) => {
        dials.push({ key, atMs: performance.now() })
        if (!up.has(key)) throw new Error('refused')
        connected.add(key)
        redial.connected(key)
        return key
      },
      isConnected: (peerId) => connected.has(peerId),
      connectedCount: () => connected.size,
      log: silentLog,
      random: { next: () => 1 },
    },
    { minMs: 20, maxMs: 80, ...init },
  )
  cleanUp(() => redial.stop())
  return { redial, dials, connected, up }
}

const target = (key: string, keep: DialTarget['keep'] = 'always'): DialTarget => ({
  key,
  peerId: key,
  keep,
  addrs: () => [],
})

test('redial: more often than libp2p would, with growing pauses up to the longest', async () => {
  const { redial, dials, up, connected } = redialler()
  redial.add(target('a'))
  await eventually('ten attempts', () => dials.length >= 10)
  const gaps = dials.slice(1).map(({ atMs }, n) => atMs - dials[n]!.atMs)
  expect(gaps[0]).toBeGreaterThanOrEqual(19)
  expect(Math.min(...gaps.slice(3))).toBeGreaterThanOrEqual(75)
  up.add('a')
  await eventually('connected', () => connected.has('a'))
  connected.delete('a')
  const before = dials.length
  redial.disconnected('a')
  await eventually('dialled again', () => dials.length > before)
})

test('redial: peers met once rest while there are enough connections', async () => {
  const { redial, dials, up, connected } = redialler({ enoughPeers: 1 })
  connected.add('other')
  redial.add(target('met', 'lonely'))
  up.add('asked')
  redial.add(target('asked'))
  await eventually('the asked for', () => connected.has('asked'))
  expect(dials.map(({ key }) => key)).toEqual(['asked'])
  connected.clear()
  redial.disconnected('other')
  await eventually('the met', () => dials.some(({ key }) => key === 'met'))
})

test('redial: a held peer is not dialled until it connects itself', async () => {
  const { redial, dials, up, connected } = redialler({ minMs: 1, maxMs: 1 })
  up.add('a')
  redial.add(target('a'))
  await eventually('connected', () => connected.has('a'))
  redial.hold('a')
  connected.delete('a')
  redial.disconnected('a')
  redial.add(target('b'))
  await eventually('another was dialled often', () => dials.length > 20)
  expect(dials.filter(({ key }) => key === 'a')).toHaveLength(1)
  connected.add('a')
  redial.connected('a')
  connected.delete('a')
  redial.disconnected('a')
  await eventually('dialled again', () => dials.filter(({ key }) => key === 'a').length > 1)
})
