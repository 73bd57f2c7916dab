/**
 * Trees with four children per node instead of 16,384, so that every shape up to three levels
 * above the leaves can be built, walked and spoiled.
 */
import { expect, test, vi } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  cidOf,
  type DirectoryEntry,
  DirectoryTreeBuilder,
  decodeManifest,
  digestHex,
  directoryEntries,
  FileTreeBuilder,
  fileChunks,
  fixedChunking,
  manifestChildren,
  openRoot,
  sha256,
  treeBlocks,
} from '../../src/content/index.js'
import { Blocks, collect, digestNo } from './support.js'

vi.mock('../../src/content/manifest.js', async (original) => ({
  ...(await original<typeof import('../../src/content/manifest.js')>()),
  MANIFEST_CHILDREN_MAX: 4,
}))

const SIZE = 65_536
const depthOf = (children: number) =>
  children <= 4 ? 0 : children <= 16 ? 1 : children <= 64 ? 2 : 3

/** All small ones, and the edges of the nodes further on. */
const COUNTS = Array.from({ length: 257 }, (_, i) => i).filter((i) => i <= 70 || i % 16 <= 1)

/** Nodes of a tree over so many children, filled from the left. */
function nodesOf(children: number): number {
  let nodes = 0
  for (let level = children; level > 1 || nodes === 0; ) {
    level = Math.max(1, Math.ceil(level / 4))
    nodes += level
  }
  return nodes
}

async function fileOf(chunks: number, blocks: Blocks) {
  const builder = new FileTreeBuilder(fixedChunking(SIZE), blocks.emit)
  for (let i = 0; i < chunks; i++) await builder.add(digestNo(i), i === chunks - 1 ? 5 : SIZE)
  const whole = chunks === 0 ? sha256(new Uint8Array(0)) : digestNo(chunks === 1 ? 0 : -1)
  return builder.finish(whole)
}

test('small trees: files of few and many chunks', async () => {
  for (const chunks of COUNTS) {
    const blocks = new Blocks()
    const { cid, sizeBytes } = await fileOf(chunks, blocks)
    expect(blocks.map.size).toBe(nodesOf(chunks))
    const info = await openRoot(cid, blocks.load)
    expect(info).toMatchObject({ chunks, sizeBytes, depth: depthOf(chunks) })
    const found = await collect(fileChunks(cid, blocks.load))
    expect(found.map((each) => each.offset)).toEqual(found.map((_, i) => i * SIZE))
    expect(found.map((each) => digestHex(each.digest))).toEqual(
      Array.from({ length: chunks }, (_, i) => digestHex(digestNo(i))),
    )
    const blocksBelow = await collect(treeBlocks(cid, blocks.load))
    expect(blocksBelow.filter((each) => each.kind === 'manifest').length).toBe(nodesOf(chunks))
    expect(blocksBelow.filter((each) => each.kind === 'chunk').length).toBe(chunks)
    let inner = 0
    for (const [, bytes] of blocks.map) {
      for (const child of manifestChildren(decodeManifest(bytes))) {
        if (child.kind === 'manifest') inner++
      }
    }
    expect(inner).toBe(nodesOf(chunks) - 1)
  }
})

test('small trees: every range of a file of three levels', async () => {
  const blocks = new Blocks()
  const chunks = 70
  const { cid } = await fileOf(chunks, blocks)
  for (let first = 0; first < chunks; first++) {
    for (let last = first; last < chunks; last += 7) {
      blocks.loads = 0
      const range = { offset: first * SIZE + 1, length: (last - first) * SIZE + 1 }
      const found = await collect(fileChunks(cid, blocks.load, range))
      expect(found.map((each) => each.offset / SIZE)).toEqual(
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      )
      const touched = (span: number) => Math.floor(last / span) - Math.floor(first / span) + 1
      expect(blocks.loads).toBe(1 + touched(64) + touched(16) + touched(4))
    }
  }
})

test('small trees: directories of few and many entries', async () => {
  const empty = cidOf('manifest', digestNo(1))
  const name = (i: number) => String(i).padStart(4, '0')
  for (const count of COUNTS) {
    const blocks = new Blocks()
    const builder = new DirectoryTreeBuilder(blocks.emit)
    for (let i = 0; i < count; i++) {
      await builder.add({ name: name(i), kind: 'file', cid: empty, sizeBytes: i })
    }
    const { cid, sizeBytes, entries } = await builder.finish()
    expect(entries).toBe(count)
    expect(sizeBytes).toBe((count * (count - 1)) / 2 + 0)
    expect(blocks.map.size).toBe(nodesOf(count))
    expect(await openRoot(cid, blocks.load)).toEqual({ kind: 'directory', sizeBytes, entries })
    const found = await collect(directoryEntries(cid, blocks.load))
    expect(found.map((each) => each.name)).toEqual(Array.from({ length: count }, (_, i) => name(i)))
    for (const after of [0, 3, 4, 15, 16, 63, 64, count - 2].filter((i) => i >= 0 && i < count)) {
      blocks.loads = 0
      const rest = await collect(directoryEntries(cid, blocks.load, { after: name(after) }))
      expect(rest.map((each) => each.name)).toEqual(found.slice(after + 1).map((each) => each.name))
      if (after === count - 2) expect(blocks.loads).toBeLessThanOrEqual(2 + depthOf(count) * 2)
      blocks.loads = 0
      const seek = directoryEntries(cid, blocks.load, { from: name(after) })
      expect((await seek.next()).value).toMatchObject({ name: name(after) })
      expect(blocks.loads).toBeLessThanOrEqual(2 + depthOf(count) * 2)
    }
  }
})

test('small trees: a manifest in the place of another is refused, or has its very shape', async () => {
  const blocks = new Blocks()
  const { cid } = await fileOf(30, blocks)
  const root = await blocks.load(cid)
  const shape = (found: { offset: number; sizeBytes: number }[]) =>
    found.map(({ offset, sizeBytes }) => [offset, sizeBytes])
  const good = shape(await collect(fileChunks(cid, blocks.load)))
  let taken = 0
  let refused = 0
  const manifests = [...blocks.map.values()]
  for (const place of manifests) {
    if (place === root) continue
    for (const stand of manifests) {
      if (stand === place) continue
      const load = async (wanted: typeof cid) => {
        const bytes = await blocks.load(wanted)
        return bytes === place ? stand : bytes
      }
      try {
        expect(shape(await collect(fileChunks(cid, load)))).toEqual(good)
        taken++
      } catch (error) {
        expect(error).toBeInstanceOf(DpsError)
        refused++
      }
    }
  }
  // Full leaves look alike, and so do the full nodes above them (one level up there is but one).
  expect(taken).toBe(7 * 6)
  expect(refused).toBe(10 * 10 - taken)
})

test('small trees: a directory tree of nested directories is walked whole', async () => {
  const blocks = new Blocks()
  const { cid: file, sizeBytes } = await fileOf(6, blocks)
  const make = async (depth: number): Promise<DirectoryEntry & { kind: 'directory' }> => {
    const builder = new DirectoryTreeBuilder(blocks.emit)
    for (let i = 0; i < 6; i++) {
      if (depth > 0 && i % 2 === 0) await builder.add({ ...(await make(depth - 1)), name: `d${i}` })
      else if (i % 2 === 0) await builder.add({ name: `d${i}`, kind: 'file', cid: file, sizeBytes })
    }
    await builder.add({ name: 's', kind: 'symlink', target: '.', sizeBytes: 0 })
    return { kind: 'directory', name: '', ...(await builder.finish()) }
  }
  const root = await make(2)
  const found = await collect(treeBlocks(root.cid, blocks.load))
  // 1 + 3 + 9 directories of one manifest each, 27 files of 3 manifests and 6 chunks.
  expect(found.filter((each) => each.kind === 'manifest').length).toBe(13 + 27 * 3)
  expect(found.filter((each) => each.kind === 'chunk').length).toBe(27 * 6)
  expect(root.sizeBytes).toBe(27 * sizeBytes)
})
