import { appendFile, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LevelChunkStore } from '../../src/store/index.js'
import { all, each, newChunk, randomChunk } from '../support/chunk-store-suite.js'
import { cleanUp, tempDir } from '../support/temp.js'
import { openStore, withLevel } from './level-support.js'

async function diskBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path)) bytes += (await stat(join(path, name))).size
  return bytes
}

test('level store: what a clean stop left is there, without counting again', async () => {
  const path = tempDir()
  const store = await openStore(path)
  const chunks = Array.from({ length: 50 }, (_, i) => randomChunk(i * 100))
  await store.put(chunks)
  await store.stop()
  const again = await openStore(path)
  cleanUp(() => again.stop())
  expect(await again.has(chunks.map(({ digest }) => digest))).toEqual(chunks.map(() => true))
  expect(await again.stats()).toMatchObject({ chunks: 50, bytes: 50 * 49 * 50 })
})

test('level store: a copy taken while it ran (a crash) has all that a barrier covered', async () => {
  const path = tempDir()
  const crashed = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  const chunks = Array.from({ length: 200 }, () => randomChunk(3000))
  await store.put(chunks.slice(0, 100))
  await store.barrier()
  await store.put(chunks.slice(100))
  await store.barrier()
  await cp(path, crashed, { recursive: true })
  const again = await openStore(crashed)
  cleanUp(() => again.stop())
  for (const { digest, bytes } of chunks) {
    expect(Buffer.compare((await again.get(digest))!.bytes, bytes)).toBe(0)
  }
  expect(await again.stats()).toMatchObject({ chunks: 200, bytes: 600_000 })
  expect(await again.put([chunks[7]!])).toEqual([{ stored: false }])
})

test('level store: sequences are never used twice, whatever is reclaimed', async () => {
  const path = tempDir()
  let store = await openStore(path)
  const chunk = randomChunk(5_000_000 - 1_000_000)
  await store.put([chunk])
  await store.collect(each([chunk.digest]), { isGarbage: () => true })
  await store.reclaim()
  const before = store.nextSequence
  await store.stop()
  store = await openStore(path)
  cleanUp(() => store.stop())
  expect(store.nextSequence).toBeGreaterThanOrEqual(before)
})

for (const [what, hurt] of [
  ['lost', (index: string) => rm(index, { recursive: true })],
  ['without CURRENT', (index: string) => rm(join(index, 'CURRENT'))],
  ['with a damaged CURRENT', (index: string) => writeFile(join(index, 'CURRENT'), 'MANIFEST-9\n')],
  [
    'with a damaged state',
    (index: string) =>
      withLevel(index, (db) => db.put(new TextEncoder().encode('state'), Uint8Array.of(1))),
  ],
  ['reported damaged by a read', (index: string) => writeFile(`${index}.rebuild`, '')],
] as const) {
  test(`level store: an index ${what} is built anew from the chunks`, async () => {
    const path = tempDir()
    let store = await openStore(path)
    const chunks = Array.from({ length: 3000 }, (_, i) => newChunk(Buffer.from(`chunk ${i}`)))
    chunks.push({ ...randomChunk(100), kind: 'manifest' })
    await store.put(chunks)
    await store.stop()
    await hurt(join(path, 'index'))
    store = await openStore(path)
    cleanUp(() => store.stop())
    const listed = await all(store.list())
    expect(listed).toHaveLength(3001)
    expect(listed.filter(({ kind }) => kind === 'manifest')).toHaveLength(1)
    expect((await store.stats()).chunks).toBe(3001)
    expect(Buffer.from((await store.get(chunks[42]!.digest))!.bytes).toString()).toBe('chunk 42')
    expect(await readdir(path)).not.toContain('index.rebuild')
  })
}

test('level store: a chunk database without its CURRENT is refused, not begun anew', async () => {
  const path = tempDir()
  const store = await openStore(path)
  const chunk = randomChunk(100_000)
  await store.put([chunk])
  await store.stop()
  await (await openStore(path)).stop() // its log becomes a table
  const current = join(path, 'chunks', 'CURRENT')
  const text = await readFile(current)
  await rm(current)
  const names = await readdir(join(path, 'chunks'))
  await expect(openStore(path)).rejects.toMatchObject({
    code: 'DATA_LOSS',
    hint: expect.stringContaining('verify --repair'),
  })
  expect((await readdir(join(path, 'chunks'))).sort()).toEqual(names.sort())
  // The documented way out.
  const repaired = await openStore(path, { repair: true })
  expect(Buffer.compare((await repaired.get(chunk.digest))!.bytes, chunk.bytes)).toBe(0)
  await repaired.stop()
  expect(text.toString()).toContain('MANIFEST')
})

test('level store: a second process is refused with exit 11', async () => {
  const path = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  await expect(openStore(path)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    exitCode: 11,
  })
  await store.put([randomChunk()])
  await store.barrier()
})

test('level store: a disk of a newer format, or one that lost its marker, is refused', async () => {
  const path = tempDir()
  await (await openStore(path)).stop()
  const marker = join(path, 'disk.json')
  const text = await readFile(marker, 'utf8')
  await writeFile(marker, text.replace('"format":1', '"format":2'))
  await expect(openStore(path)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
  await rm(marker)
  await expect(openStore(path)).rejects.toMatchObject({
    code: 'DATA_LOSS',
    hint: expect.stringContaining('mounted'),
  })
  await writeFile(marker, text)
  await (await openStore(path)).stop()
})

test('level store: a log torn by a power cut opens with what is before the tear', async () => {
  const path = tempDir()
  const crashed = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  const chunk = randomChunk(1000)
  await store.put([chunk])
  await store.barrier()
  await cp(path, crashed, { recursive: true })
  const logs = (await readdir(join(crashed, 'chunks'))).filter((name) => name.endsWith('.log'))
  await appendFile(join(crashed, 'chunks', logs.at(-1)!), Buffer.alloc(5000, 7))
  const again = await openStore(crashed)
  cleanUp(() => again.stop())
  expect((await again.get(chunk.digest))?.bytes.length).toBe(1000)
})

test('level store: the disk gets the space of what was freed back', async () => {
  const path = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  // 120 MiB of which one in five stays: two segments, one of them still being written.
  const chunks = Array.from({ length: 240 }, () => randomChunk(512 * 1024))
  for (const chunk of chunks) await store.put([chunk])
  await store.barrier()
  const before = await diskBytes(join(path, 'chunks'))
  const dead = chunks.filter((_, i) => i % 5 !== 0)
  await store.collect(each(dead.map(({ digest }) => digest)), { isGarbage: () => true })
  const { reclaimedBytes } = await store.reclaim()
  const after = await diskBytes(join(path, 'chunks'))
  expect(before).toBeGreaterThan(120 * 1024 ** 2)
  // The kept fifth, and at most as much again in a log that was not turned into a table yet.
  expect(after).toBeLessThan(60 * 1024 ** 2)
  expect(reclaimedBytes).toBeGreaterThan(70 * 1024 ** 2)
  for (const [i, { digest, bytes }] of chunks.entries()) {
    const got = await store.get(digest)
    if (i % 5 !== 0) expect(got).toBeUndefined()
    else expect(Buffer.compare(got!.bytes, bytes)).toBe(0)
  }
})

test('level store: puts and gets go on while it reclaims', async () => {
  const path = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  const chunks = Array.from({ length: 200 }, () => randomChunk(400 * 1024))
  for (const chunk of chunks) await store.put([chunk])
  const dead = chunks.filter((_, i) => i % 3 !== 0)
  const kept = chunks.filter((_, i) => i % 3 === 0)
  await store.collect(each(dead.map(({ digest }) => digest)), { isGarbage: () => true })
  let running = true
  const reclaim = store.reclaim().finally(() => {
    running = false
  })
  let longestMs = 0
  let rounds = 0
  for (; running || rounds < 20; rounds++) {
    const fresh = randomChunk(100 * 1024)
    const started = performance.now()
    await store.put([fresh])
    for (const { digest, bytes } of [kept[rounds % kept.length]!, fresh]) {
      expect(Buffer.compare((await store.get(digest))!.bytes, bytes)).toBe(0)
    }
    longestMs = Math.max(longestMs, performance.now() - started)
  }
  await reclaim
  expect(rounds).toBeGreaterThanOrEqual(20)
  expect(longestMs).toBeLessThan(5000)
  expect((await store.stats()).chunks).toBe(kept.length + rounds)
})

test('level store: a reclaim that a crash cut short is finished by the next start', async () => {
  const path = tempDir()
  const crashed = tempDir()
  const store = await openStore(path)
  cleanUp(() => store.stop())
  const chunks = Array.from({ length: 160 }, () => randomChunk(512 * 1024))
  for (const chunk of chunks) await store.put([chunk])
  const dead = chunks.slice(0, 150).map(({ digest }) => digest)
  await store.collect(each(dead), { isGarbage: () => true })
  await store.barrier()
  await cp(path, crashed, { recursive: true })
  // As the crash left it: what is live was moved, the clearing had been written down.
  await withLevel(join(crashed, 'index'), async (db) => {
    const key = new TextEncoder().encode('state')
    const state = JSON.parse(Buffer.from((await db.get(key))!).toString())
    const clearing = { from: 0, to: 64 * 1024 ** 2 }
    await db.put(key, Buffer.from(JSON.stringify({ ...state, clearing })))
  })
  const again = await openStore(crashed)
  await again.stop() // waits for what it does in the background
  expect(await diskBytes(join(crashed, 'chunks'))).toBeLessThan(40 * 1024 ** 2)
  const last = await openStore(crashed)
  cleanUp(() => last.stop())
  for (const { digest } of chunks.slice(150)) expect(await last.get(digest)).toBeDefined()
})

test('level store: a full store refuses, keeps what it has, and takes again after a collect', async () => {
  const path = tempDir()
  const store = await openStore(path, { capacityBytes: 100_000 })
  cleanUp(() => store.stop())
  const chunk = randomChunk(90_000)
  await store.put([chunk])
  await expect(store.put([randomChunk(20_000)])).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    hint: expect.stringContaining('gc'),
  })
  expect(await store.put([chunk])).toEqual([{ stored: false }])
  await store.collect(each([chunk.digest]), { isGarbage: () => true })
  expect(await store.put([randomChunk(20_000)])).toEqual([{ stored: true }])
})

test('level store: the reserve is left alone', async () => {
  const path = tempDir()
  const store = await openStore(path, { reserveBytes: Number.MAX_SAFE_INTEGER })
  cleanUp(() => store.stop())
  await expect(store.put([randomChunk()])).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringContaining('reserve'),
  })
})

test('level store: before its start and after its stop it is unavailable', async () => {
  const store = new LevelChunkStore({}, { path: tempDir(), ballastBytes: 0 })
  await expect(store.get(randomChunk().digest)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await store.start()
  await store.stop()
  await expect(store.put([randomChunk()])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('level store: twenty thousand small records in seconds', async () => {
  const store = await openStore(tempDir())
  cleanUp(() => store.stop())
  const bytes = randomChunk(4096).bytes
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (next < 10_000) {
      const n = next++
      const a = Buffer.from(bytes)
      a.writeUInt32BE(n)
      await store.put([newChunk(a), newChunk(Buffer.from(`manifest ${n}`), 'manifest')])
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  await store.barrier()
  const tookMs = performance.now() - started
  expect((await store.stats()).chunks).toBe(20_000)
  // Alone it takes one second; bounded for a busy machine.
  expect(tookMs).toBeLessThan(15_000)
})
