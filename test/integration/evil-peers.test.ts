/**
 * Peers that lie, stall, flood and claim. Whatever they do, a get that has one honest provider
 * succeeds in bounded time, and the node that they do it to stays small and healthy.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  ReplicateRequest,
  RetrieveRequest,
  StoreRequest,
} from '../../src/wire/exchange/exchange.js'
import { KIB, MIB, randomBytes, sha256OfFile, writeRandomFile } from '../support/data.js'
import { evilManifests, type MadeManifest } from '../support/evil-manifests.js'
import { EvilPeer, frame, KIND, lies } from '../support/evil-peer.js'
import { spawnNode, type TestNode } from '../support/processes.js'
import { tempDir } from '../support/temp.js'
import {
  errorOf,
  get,
  healthy,
  publish,
  status,
  untilProvided,
  verify,
  watchMemory,
} from './commands.js'

const FILE_BYTES = 12 * MIB
// A get that a peer stalls costs a deadline or two, not a minute.
const GET_MS_MAX = 30_000
// Of anonymous memory over what the node had before: its slabs, its windows, its young heap.
const GROWTH_BYTES_MAX = 200 * MIB

/** Has what is asked for; not so fast that nobody else is asked. */
let good: TestNode
let victim: TestNode
let source: string
let out: string
let contents = 0

interface Content {
  name: string
  cid: string
  sha256: string
}

/** Something that only the good node has, so far. */
async function newContent(sizeBytes = FILE_BYTES): Promise<Content> {
  const name = `content ${contents++}`
  const sha256 = await writeRandomFile(join(source, name), sizeBytes, 5_000 + contents)
  const { cid } = await publish(good, [join(source, name)])
  return { name, cid, sha256 }
}

async function evilPeer(init: { onRetrieve: (typeof lies)[keyof typeof lies] }): Promise<EvilPeer> {
  return EvilPeer.start({ swarm: [...good.addrs, ...victim.addrs], ...init })
}

async function expectGood(content: Content): Promise<void> {
  const memory = watchMemory(victim)
  const before = victim.rss()
  const startedAt = performance.now()
  const got = await get(victim, content.cid, join(out, content.name))
  const elapsedMs = performance.now() - startedAt
  const peak = memory.stop()
  expect(await sha256OfFile(join(out, content.name))).toBe(content.sha256)
  expect(got.peers).toContain(good.peerId)
  expect(elapsedMs).toBeLessThan(GET_MS_MAX)
  expect(peak - before).toBeLessThan(GROWTH_BYTES_MAX)
  await healthy(victim)
}

beforeAll(async () => {
  source = tempDir('dps-source-')
  out = tempDir('dps-out-')
  good = await spawnNode({ env: { DPS_EXCHANGE_UPLOAD_LIMIT: String(16 * MIB) } })
  victim = await spawnNode({ bootstrap: good.addrs })
  await victim.connectedTo(good)
  // What a node needs at its first get (slabs, compiled code) is not the evil peers' doing.
  await expectGood(await newContent())
})

// Those that give no bytes at all may be many things, but never among the peers that gave some.
for (const [name, lie] of Object.entries(lies)) {
  if (name === 'honest') continue
  test(`evil peers: ${name} does not keep a get from ending`, async () => {
    const content = await newContent()
    const evil = await evilPeer({ onRetrieve: lie })
    await evil.provide(content.cid)
    await untilProvided(victim, content.cid, evil)
    await expectGood(content)
    expect(evil.asked, 'requests to the evil peer').toBeGreaterThan(0)
    await evil.stop()
  })
}

test('evil peers: all of them at once', async () => {
  const content = await newContent()
  const evils = await Promise.all(Object.values(lies).map((onRetrieve) => evilPeer({ onRetrieve })))
  for (const evil of evils) {
    await evil.provide(content.cid)
    await untilProvided(victim, content.cid, evil)
  }
  await expectGood(content)
  expect(evils.filter(({ asked }) => asked > 0).length).toBeGreaterThan(2)
  await Promise.all(evils.map((evil) => evil.stop()))
})

test('evil peers: one that lied is remembered by the next get', async () => {
  const evil = await evilPeer({ onRetrieve: lies.wrongBytes })
  const contents = [await newContent(), await newContent(4 * MIB)]
  for (const { cid } of contents) {
    await evil.provide(cid)
    await untilProvided(victim, cid, evil)
  }
  await expectGood(contents[0]!)
  const asked = evil.asked
  expect(asked).toBeGreaterThan(0)
  await expectGood(contents[1]!)
  expect(evil.asked).toBe(asked)
  await evil.stop()
})

test('evil peers: streams without end, whatever is said on them, harm nobody', async () => {
  const content = await newContent()
  const digest = createHash('sha256').digest()
  const words: ((i: number) => Uint8Array)[] = [
    () => new Uint8Array(1),
    (i) => randomBytes(16 * KIB, i),
    () => frame({ kind: KIND.request, callId: 1, method: 'has' }, new Uint8Array(0), { body: 1e9 }),
    () =>
      frame({ kind: KIND.request, callId: 1, method: 'has' }, new Uint8Array(0), { header: 1e9 }),
    (i) =>
      frame({
        kind: KIND.request,
        callId: 1,
        method: i % 2 === 0 ? 'retrieve' : 'no such method',
        timeoutMs: 3_600_000,
        payload: RetrieveRequest.encode({ digest, sizeMaxBytes: 4 * MIB }),
      }),
  ]
  const evil = await evilPeer({ onRetrieve: lies.stall })
  const before = victim.rss()
  const memory = watchMemory(victim)
  const flood = evil.openWithoutEnd(victim.addrs[0]!, {
    streams: 3_000,
    words: (i) => words[i % words.length]!(i),
  })
  await expectGood(content)
  const open = await flood
  expect(memory.stop() - before).toBeLessThan(GROWTH_BYTES_MAX)
  // A peer is given so many streams and no more.
  expect(open).toBeLessThan(1_500)
  await healthy(victim)
  await evil.stop()
  await expectGood(await newContent(MIB))
})

test('evil peers: one that asks and asks and never reads costs a window, not the memory', async () => {
  const name = 'popular'
  await writeRandomFile(join(source, name), 8 * MIB, 1)
  const bytes = randomBytes(8 * MIB, 1)
  await publish(victim, [join(source, name)])
  const evil = await evilPeer({ onRetrieve: lies.stall })
  const before = victim.rss()
  const memory = watchMemory(victim)
  for (let s = 0; s < 16; s++) {
    const stream = await evil.open(victim.addrs[0]!).catch(() => undefined)
    if (stream === undefined) continue
    stream.pause()
    for (let i = 0; i < 256; i++) {
      const chunk = bytes.subarray((i % 32) * 256 * KIB, ((i % 32) + 1) * 256 * KIB)
      const payload = RetrieveRequest.encode({
        digest: createHash('sha256').update(chunk).digest(),
        sizeMaxBytes: 4 * MIB,
      })
      const header = { kind: KIND.request, callId: i + 1, method: 'retrieve', timeoutMs: 60_000 }
      if (stream.status === 'open') stream.send(frame({ ...header, payload }))
    }
  }
  // Its own work goes on meanwhile, and others are served.
  await expectGood(await newContent(4 * MIB))
  expect(memory.stop() - before).toBeLessThan(GROWTH_BYTES_MAX)
  await healthy(victim)
  await evil.stop()
})

test('evil peers: who is not allowed may neither store nor replicate', async () => {
  const bytes = randomBytes(1000, 9)
  const digest = new Uint8Array(createHash('sha256').update(bytes).digest())
  const kind = 0x55
  const evil = await evilPeer({ onRetrieve: lies.honest })
  const from = { fromPeerId: evil.peerId, fromAddrs: evil.addrs }
  const answers = await evil.call(victim.addrs[0]!, [
    { method: 'store', payload: StoreRequest.encode({ digest, kind }), body: bytes },
    { method: 'replicate', payload: ReplicateRequest.encode({ digest, kind, ...from }) },
  ])
  expect(answers.map(({ error }) => error?.code)).toEqual([
    'PERMISSION_DENIED',
    'PERMISSION_DENIED',
  ])
  await evil.stop()
})

describe('manifests', () => {
  const manifests = evilManifests()
  let evil: EvilPeer

  beforeAll(async () => {
    evil = await evilPeer({ onRetrieve: lies.honest })
    for (const { cid, blocks } of manifests) {
      for (const [digest, bytes] of blocks) evil.chunks.set(digest, bytes)
      await evil.provide(cid)
    }
    await untilProvided(victim, manifests.at(-1)!.cid, evil)
  })

  for (const made of manifests) {
    test(`evil peers: a manifest with ${made.what} is refused before anything is written`, () =>
      expectRefused(evil, made))
  }

  test('evil peers: what was refused left no damage behind', async () => {
    expect((await verify(victim)).damaged).toBe(0)
    await healthy(victim)
    await evil.stop()
  })
})

async function expectRefused(evil: EvilPeer, made: MadeManifest): Promise<void> {
  const parent = tempDir('dps-refused-')
  const storedChunks = async () => (await status(victim)).content.chunks
  const chunks = await storedChunks()
  const before = victim.rss()
  const memory = watchMemory(victim)
  const asked = evil.asked
  const startedAt = performance.now()
  const target = join(parent, 'out')
  const result = await victim.run(['get', made.cid, '-o', target, '--timeout', '5s', '--json'])
  expect(performance.now() - startedAt).toBeLessThan(GET_MS_MAX)
  expect(memory.stop() - before).toBeLessThan(GROWTH_BYTES_MAX)
  expect(errorOf(result)).toMatchObject({ code: made.code })
  expect(evil.asked).toBeGreaterThan(asked)
  expect(result.code).toBe(1)
  expect(await filesBelow(parent)).toEqual([])
  for (const name of ['escaped', 'evil']) expect(existsSync(join(parent, '..', name))).toBe(false)
  if (!made.rootIsFine) expect(await storedChunks()).toBe(chunks)
}

/** Names of files and links below a folder; empty folders do no harm. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}

test('evil peers: with nobody who has it, it is NOT_FOUND, exit 4, in time', async () => {
  const { cid } = await publish(good, [
    '--only-hash',
    join(source, 'content 0'),
    '--chunk-size',
    '1MiB',
  ])
  const startedAt = performance.now()
  const result = await victim.run([
    'get',
    cid,
    '-o',
    join(out, 'none'),
    '--timeout',
    '3s',
    '--json',
  ])
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(errorOf(result).code).toBe('NOT_FOUND')
  expect(result.code).toBe(4)
  expect(existsSync(join(out, 'none'))).toBe(false)
})

test('evil peers: with providers that are gone, it is UNAVAILABLE, exit 1, in time', async () => {
  const { cid } = await publish(good, [
    '--only-hash',
    join(source, 'content 0'),
    '--chunk-size',
    '2MiB',
  ])
  const evil = await evilPeer({ onRetrieve: lies.honest })
  await evil.provide(cid)
  await untilProvided(victim, cid, evil)
  await evil.stop()
  const startedAt = performance.now()
  const result = await victim.run(['cat', cid, '--timeout', '3s', '--json'])
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(errorOf(result).code).toBe('UNAVAILABLE')
  expect(result.code).toBe(1)
  expect(result.bytes.length).toBe(0)
})

test('evil peers: with liars alone it fails, clearly and in time, and keeps nothing', async () => {
  const { cid } = await publish(good, [
    '--only-hash',
    join(source, 'content 0'),
    '--chunk-size',
    '4MiB',
  ])
  const before = await verify(victim)
  for (const onRetrieve of [lies.wrongBytes, lies.stall, lies.reset]) {
    const evil = await evilPeer({ onRetrieve })
    await evil.provide(cid)
    await untilProvided(victim, cid, evil)
  }
  const startedAt = performance.now()
  const result = await victim.run([
    'get',
    cid,
    '-o',
    join(out, 'lies'),
    '--timeout',
    '5s',
    '--json',
  ])
  expect(performance.now() - startedAt).toBeLessThan(25_000)
  expect(['UNAVAILABLE', 'DATA_LOSS']).toContain(errorOf(result).code)
  expect(result.code).toBe(1)
  expect(existsSync(join(out, 'lies'))).toBe(false)
  expect(await verify(victim)).toEqual(before)
})

test('evil peers: what the log says of them is one line each and names them', async () => {
  const lines = victim.log.split('\n').filter((line) => line.includes('broke the protocol'))
  expect(lines.length).toBeGreaterThan(0)
  expect(victim.log).not.toContain('\u001b[2J')
})
