import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  AUTO_CHUNKING,
  cidOf,
  DirectoryTreeBuilder,
  digestOf,
  FileTreeBuilder,
  fileChunks,
  type ManifestBlock,
  parseCid,
  sha256,
} from '../../src/content/index.js'
import type { FetchEvent } from '../../src/files/index.js'
import { collect, pieces, readAll, summaryOf, tempFolder, type World, world } from './support.js'

const MIB = 1024 * 1024

/** A peer that has `bytes`, and a node that has nothing. */
async function pair(bytes: Uint8Array): Promise<{ there: World; here: World; root: string }> {
  const there = await world()
  const { root } = summaryOf(await collect(there.files.publishStream(pieces(bytes, MIB), {})))
  return { there, here: await world({ other: there.store }), root }
}

function last(events: readonly FetchEvent[]) {
  const event = events.at(-1)
  if (event?.type !== 'summary') throw new Error('no summary')
  return event
}

test('fetch: everything comes over, is kept, and is not asked for again', async () => {
  const bytes = randomBytes(9 * MIB + 5)
  const { here, root } = await pair(bytes)
  const cid = parseCid(root)
  const first = last(await collect(here.files.fetch(cid)))
  expect(first).toMatchObject({ sizeBytes: bytes.length, resumedBytes: 0, peers: ['other'] })
  const asked = here.asked.length
  const again = last(await collect(here.files.fetch(cid)))
  expect(again.resumedBytes).toBe(bytes.length)
  expect(here.asked.length).toBe(asked)
  expect((await readAll(here.files, cid)).equals(bytes)).toBe(true)
})

test('fetch: a resumed one asks only for what is missing', async () => {
  const bytes = randomBytes(6 * MIB)
  const { there, here, root } = await pair(bytes)
  const load = async (cid: Parameters<typeof digestOf>[0]) =>
    (await there.store.get(digestOf(cid)))!.bytes
  const refs = await collect(fileChunks(parseCid(root), load))
  const had = refs.filter((_, i) => i % 3 === 0)
  for (const { digest } of had) {
    await here.store.put([{ digest, kind: 'chunk', bytes: (await there.store.get(digest))!.bytes }])
  }
  const summary = last(await collect(here.files.fetch(parseCid(root))))
  expect(summary.resumedBytes).toBe(had.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  // The manifest, and each missing chunk once.
  expect(here.asked.length).toBe(1 + refs.length - had.length)
})

test('fetch: a folder comes whole; pinning keeps it', async () => {
  const there = await world()
  const folder = path.join(await tempFolder(), 'd')
  await mkdir(path.join(folder, 'sub'), { recursive: true })
  for (let i = 0; i < 100; i++)
    await writeFile(path.join(folder, 'sub', `f${i}`), randomBytes(i * 40))
  const source = [{ path: folder, dev: '', ino: '' }]
  const { root } = summaryOf(await collect(there.files.publishPaths(source, { recursive: true })))
  const here = await world({ other: there.store })
  await collect(here.files.pinAdd(parseCid(root), { name: 'kept' }))
  const [pin] = await collect(here.files.pins())
  expect(pin).toMatchObject({ name: 'kept', kind: 'directory' })
  expect((await here.store.stats()).chunks).toBe((await there.store.stats()).chunks)
  const stat = await here.files.stat(parseCid(root))
  expect(stat).toMatchObject({ kind: 'directory', localBytes: stat.sizeBytes, pinned: 'recursive' })
})

test('fetch: a manifest whose whole hash is a lie is told of', async () => {
  const there = await world()
  const blocks: ManifestBlock[] = []
  const builder = new FileTreeBuilder(AUTO_CHUNKING, (block) => {
    blocks.push(block)
  })
  for (const bytes of [randomBytes(256 * 1024), randomBytes(10)]) {
    const digest = sha256(bytes)
    await there.store.put([{ digest, bytes, kind: 'chunk' }])
    await builder.add(digest, bytes.length)
  }
  const { cid } = await builder.finish(sha256(new Uint8Array(1)))
  await there.store.put(blocks.map((block) => ({ ...block, kind: 'manifest' as const })))
  const here = await world({ other: there.store })
  await expect(collect(here.files.fetch(cid))).rejects.toMatchObject({ code: 'DATA_LOSS' })
})

test('fetch: a folder that lies about a child, and one too large for any disk, are refused', async () => {
  const there = await world()
  const { root } = summaryOf(
    await collect(there.files.publishStream(pieces(randomBytes(10), 10), {})),
  )
  const make = async (sizeBytes: number) => {
    const builder = new DirectoryTreeBuilder(async (block) => {
      await there.store.put([{ ...block, kind: 'manifest' }])
    })
    await builder.add({ name: 'f', kind: 'file', cid: parseCid(root), sizeBytes })
    return (await builder.finish()).cid
  }
  const here = await world({ other: there.store })
  await expect(collect(here.files.fetch(await make(11)))).rejects.toMatchObject({
    code: 'DATA_LOSS',
  })
  const before = (await here.store.stats()).bytes
  const huge = await make(10 ** 14)
  await expect(collect(here.files.fetch(huge))).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  })
  expect((await here.store.stats()).bytes - before).toBeLessThan(1000)
})

test('fetch: what nobody has is NOT_FOUND, and without a network UNAVAILABLE', async () => {
  const cid = cidOf('manifest', sha256(randomBytes(8)))
  const alone = await world()
  const here = await world({ other: (await world()).store })
  await expect(collect(here.files.fetch(cid))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(collect(alone.files.fetch(cid))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('read: any range is the same range of the bytes, from here or from there', async () => {
  const bytes = randomBytes(1_200_000)
  const { there, here, root } = await pair(bytes)
  const cid = parseCid(root)
  const range = fc.record({ offset: fc.nat(1_300_000), length: fc.nat(1_300_000) })
  await fc.assert(
    fc.asyncProperty(range, fc.boolean(), async ({ offset, length }, local) => {
      const read = await readAll((local ? there : here).files, cid, { offset, length })
      return read.equals(bytes.subarray(offset, offset + length))
    }),
    { numRuns: 40 },
  )
})

test('read: a raw CID is a file of one chunk', async () => {
  const { files, store } = await world()
  const bytes = randomBytes(1000)
  await store.put([{ digest: sha256(bytes), bytes, kind: 'chunk' }])
  const cid = cidOf('chunk', sha256(bytes))
  expect(
    (await readAll(files, cid, { offset: 10, length: 5 })).equals(bytes.subarray(10, 15)),
  ).toBe(true)
  expect(await files.stat(cid)).toMatchObject({ kind: 'file', sizeBytes: 1000, chunks: 1 })
})

/** Folders each of which names the one below it so many times, down to an empty folder. */
async function nested(store: World['store'], depth: number, times: number) {
  const put = async (block: ManifestBlock) => {
    await store.put([{ ...block, kind: 'manifest' }])
  }
  let { cid } = await new DirectoryTreeBuilder(put).finish()
  for (let level = 0; level < depth; level++) {
    const builder = new DirectoryTreeBuilder(put)
    for (let i = 0; i < times; i++) {
      await builder.add({ name: `${i}`, kind: 'directory', cid, sizeBytes: 0 })
    }
    cid = (await builder.finish()).cid
  }
  return cid
}

test('fetch and stat: folders that claim 2^60 paths are as many as they are', async () => {
  const there = await world()
  const here = await world({ other: there.store })
  const cid = await nested(there.store, 60, 2)
  expect(last(await collect(here.files.fetch(cid))).kind).toBe('directory')
  expect(here.asked.length).toBe(61)
  expect(await here.files.stat(cid)).toMatchObject({ kind: 'directory', entries: 2, sizeBytes: 0 })
})

test('fetch: folders deeper than any path are refused', async () => {
  const there = await world()
  const here = await world({ other: there.store })
  const cid = await nested(there.store, 2100, 1)
  await expect(collect(here.files.fetch(cid))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('stat: what occurs twice is here twice', async () => {
  const there = await world()
  const folder = await tempFolder()
  await mkdir(path.join(folder, 'a'))
  for (const name of ['a/x', 'y']) await writeFile(path.join(folder, name), randomBytes(0))
  for (const name of ['a/p', 'q']) await writeFile(path.join(folder, name), Buffer.alloc(1000, 'z'))
  const source = { path: folder, dev: '', ino: '' }
  const { root } = summaryOf(await collect(there.files.publishPaths([source], { recursive: true })))
  const { sizeBytes, localBytes } = await there.files.stat(parseCid(root))
  expect({ sizeBytes, localBytes }).toEqual({ sizeBytes: 2000, localBytes: 2000 })
})
