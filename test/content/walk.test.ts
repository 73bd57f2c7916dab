import fc from 'fast-check'
import type { CID } from 'multiformats/cid'
import { beforeAll, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { encodeManifest } from '../../src/content/codec.js'
import {
  AUTO_CHUNKING,
  cidOf,
  type DirectoryEntry,
  DirectoryTreeBuilder,
  decodeManifest,
  digestHex,
  digestKey,
  digestOf,
  directoryEntries,
  FileTreeBuilder,
  fastCdcChunking,
  fileChunks,
  fixedChunking,
  formatCid,
  type Manifest,
  openRoot,
  sha256,
  treeBlocks,
} from '../../src/content/index.js'
import { Blocks, codeOfAsync, collect, cutAll, digestNo, fileOf, randomBytes } from './support.js'

const KIB = 1024
const SPAN = 16_384
const SIZE = 64 * KIB

/** A tree over chunks that are nothing but names. */
async function bigFile(chunks: number, lastBytes: number, blocks: Blocks): Promise<CID> {
  const builder = new FileTreeBuilder(fixedChunking(SIZE), blocks.emit)
  for (let i = 0; i < chunks; i++) {
    const added = builder.add(digestNo(i), i === chunks - 1 ? lastBytes : SIZE)
    if (added !== undefined) await added
  }
  return (await builder.finish(digestNo(-1))).cid
}

const big = new Blocks()
let bigCid: CID
const BIG_CHUNKS = 2 * SPAN + 3
beforeAll(async () => {
  bigCid = await bigFile(BIG_CHUNKS, 7, big)
})

test('walk: a root says what its tree holds, from one manifest', async () => {
  big.loads = 0
  expect(await openRoot(bigCid, big.load)).toEqual({
    kind: 'file',
    sizeBytes: (BIG_CHUNKS - 1) * SIZE + 7,
    chunks: BIG_CHUNKS,
    sha256: digestNo(-1),
    chunking: fixedChunking(SIZE),
    depth: 1,
  })
  expect(big.loads).toBe(1)
  const blocks = new Blocks()
  const empty = await fileOf(new Uint8Array(0), AUTO_CHUNKING, blocks)
  expect(await openRoot(empty.cid, blocks.load)).toEqual({
    kind: 'file',
    sizeBytes: 0,
    chunks: 0,
    sha256: sha256(new Uint8Array(0)),
    depth: 0,
  })
  expect(await collect(fileChunks(empty.cid, blocks.load))).toEqual([])
})

test('walk: exactly as many chunks as a level holds need no level above', async () => {
  for (const [chunks, depth, manifests] of [
    [1, 0, 1],
    [SPAN, 0, 1],
    [SPAN + 1, 1, 3],
    [2 * SPAN, 1, 3],
  ] as const) {
    const blocks = new Blocks()
    const cid = await bigFile(chunks, SIZE, blocks).catch((error) => error)
    // One chunk that does not hash to the whole is refused; see the builder's own test.
    if (chunks === 1) expect(cid).toBeInstanceOf(DpsError)
    else {
      expect(await openRoot(cid, blocks.load)).toMatchObject({ chunks, depth })
      expect(blocks.map.size).toBe(manifests)
    }
  }
})

test('walk: three levels', async () => {
  // 16,384 full leaves and one chunk more: made of one leaf manifest that is its own neighbour.
  const blocks = new Blocks()
  const make = (manifest: Manifest) => {
    const bytes = encodeManifest(manifest)
    blocks.emit({ digest: sha256(bytes), bytes })
    return sha256(bytes)
  }
  const node = (level: number, digests: Uint8Array[], sizesBytes: number[], chunks: number) => {
    const sizeBytes = sizesBytes.reduce((a, b) => a + b, 0)
    return level === 0
      ? ({ type: 'file-leaf', level, digests, sizesBytes, sizeBytes, chunks } as const)
      : ({ type: 'file-index', level, digests, sizesBytes, sizeBytes, chunks } as const)
  }
  const chunk = digestNo(1)
  const fill = <T>(value: T) => Array<T>(SPAN).fill(value)
  const leaf = make(node(0, fill(chunk), fill(SIZE), SPAN))
  const index = make(node(1, fill(leaf), fill(SPAN * SIZE), SPAN * SPAN))
  const lastLeaf = make(node(0, [chunk], [5], 1))
  const lastIndex = make(node(1, [lastLeaf], [5], 1))
  const sizeBytes = SPAN * SPAN * SIZE + 5
  const root = {
    ...node(2, [index, lastIndex], [SPAN * SPAN * SIZE, 5], SPAN * SPAN + 1),
    root: { sha256: digestNo(9), chunking: fixedChunking(SIZE) },
  }
  const cid = cidOf('manifest', make(root))
  expect(await openRoot(cid, blocks.load)).toMatchObject({ depth: 2, sizeBytes })
  blocks.loads = 0
  const tail = await collect(fileChunks(cid, blocks.load, { offset: sizeBytes - 6 }))
  expect(tail.map((each) => [each.offset, each.sizeBytes])).toEqual([
    [sizeBytes - 5 - SIZE, SIZE],
    [sizeBytes - 5, 5],
  ])
  expect(blocks.loads).toBe(5)
})

test('walk: a range gives its chunks and touches only its manifests', async () => {
  const total = (BIG_CHUNKS - 1) * SIZE + 7
  const range = fc.tuple(fc.nat({ max: total + 10 }), fc.nat({ max: 5 * SIZE }))
  await fc.assert(
    fc.asyncProperty(range, async ([offset, length]) => {
      big.loads = 0
      const chunks = await collect(fileChunks(bigCid, big.load, { offset, length }))
      const end = Math.min(offset + length, total)
      const first = Math.floor(offset / SIZE)
      const expected = []
      for (let i = first; i * SIZE < end; i++) {
        const sizeBytes = i === BIG_CHUNKS - 1 ? 7 : SIZE
        if (i * SIZE + sizeBytes <= offset) continue
        expected.push({ digest: digestNo(i), sizeBytes, offset: i * SIZE })
      }
      expect(chunks).toEqual(length === 0 ? [] : expected)
      const leaves = new Set(expected.map((_, i) => Math.floor((first + i) / SPAN))).size
      expect(big.loads).toBe(length === 0 ? big.loads : 1 + leaves)
    }),
    { numRuns: 60, examples: [[[1, 0]]] },
  )
})

test('walk: without a range all chunks come, in order', async () => {
  let next = 0
  for await (const { digest, offset } of fileChunks(bigCid, big.load)) {
    if (offset !== next * SIZE || digestKey(digest) !== digestKey(digestNo(next))) break
    next++
  }
  expect(next).toBe(BIG_CHUNKS)
})

test('walk: chunks of every chunking join to the content', async () => {
  for (const chunking of [AUTO_CHUNKING, fixedChunking(100_000), fastCdcChunking()]) {
    const bytes = randomBytes(1_000_000, 3)
    const blocks = new Blocks()
    const { cid } = await fileOf(bytes, chunking, blocks)
    const chunks = await collect(fileChunks(cid, blocks.load))
    expect(chunks.map((each) => digestHex(each.digest))).toEqual(
      cutAll(chunking, bytes).map((each) => digestHex(sha256(each))),
    )
  }
})

test('walk: a raw CID is a file of one chunk', async () => {
  const bytes = randomBytes(100, 1)
  const cid = cidOf('chunk', sha256(bytes))
  const load = async () => bytes
  const info = { kind: 'file', sizeBytes: 100, chunks: 1, sha256: sha256(bytes), depth: 0 }
  expect(await openRoot(cid, load)).toEqual(info)
  const never = async () => expect.unreachable()
  expect(await openRoot(cid, never, { rawSizeBytes: 100 })).toEqual(info)
  expect(await collect(fileChunks(cid, never, { rawSizeBytes: 100 }))).toEqual([
    { digest: sha256(bytes), sizeBytes: 100, offset: 0 },
  ])
  expect(await collect(fileChunks(cid, load, { offset: 100 }))).toEqual([])
  expect(await collect(treeBlocks(cid, load))).toEqual([
    { digest: sha256(bytes), kind: 'chunk', sizeBytes: 100 },
  ])
  await codeOfAsync(collect(directoryEntries(cid, load)), 'INVALID_ARGUMENT')
})

test('walk: children that are not what their parent says are refused', async () => {
  const { node } = await rootOf(bigCid, big)
  if (node.type !== 'file-index') throw new Error(node.type)
  const [first, second, third] = node.digests as [Uint8Array, Uint8Array, Uint8Array]
  for (const digests of [
    [third, second, third], // too few chunks
    [first, second, digestOf(bigCid)], // a root, of another level
    [first, second, await emptyDirectory(big)],
  ]) {
    const bytes = encodeManifest({ ...node, digests })
    big.emit({ digest: sha256(bytes), bytes })
    const cid = cidOf('manifest', sha256(bytes))
    await codeOfAsync(collect(fileChunks(cid, big.load)), 'INVALID_ARGUMENT')
    await codeOfAsync(collect(treeBlocks(cid, big.load)), 'INVALID_ARGUMENT')
  }
})

test('walk: a leaf that its file’s chunker would not cut is refused', async () => {
  const blocks = new Blocks()
  const cid = await bigFile(SPAN + 2, SIZE, blocks)
  const { node } = await rootOf(cid, blocks)
  if (node.type !== 'file-index') throw new Error(node.type)
  const bytes = encodeManifest({
    type: 'file-leaf',
    level: 0,
    digests: [digestNo(1), digestNo(2)],
    sizesBytes: [SIZE - 1, SIZE + 1],
    sizeBytes: 2 * SIZE,
    chunks: 2,
  })
  blocks.emit({ digest: sha256(bytes), bytes })
  const root = encodeManifest({ ...node, digests: [node.digests[0]!, sha256(bytes)] })
  blocks.emit({ digest: sha256(root), bytes: root })
  const error = await codeOfAsync(
    collect(fileChunks(cidOf('manifest', sha256(root)), blocks.load)),
    'INVALID_ARGUMENT',
  )
  expect(error.message).toMatch(/does not cut/)
})

test('walk: inner manifests are no files, files no directories', async () => {
  const { node } = await rootOf(bigCid, big)
  if (node.type !== 'file-index') throw new Error(node.type)
  const inner = cidOf('manifest', node.digests[0]!)
  for (const work of [
    openRoot(inner, big.load),
    collect(fileChunks(inner, big.load)),
    collect(treeBlocks(inner, big.load)),
    collect(directoryEntries(inner, big.load)),
    collect(directoryEntries(bigCid, big.load)),
    collect(fileChunks(cidOf('manifest', await emptyDirectory(big)), big.load)),
  ]) {
    await codeOfAsync(work, 'INVALID_ARGUMENT')
  }
})

async function rootOf(cid: CID, blocks: Blocks) {
  return { node: decodeManifest(await blocks.load(cid)) }
}

async function emptyDirectory(blocks: Blocks): Promise<Uint8Array> {
  return digestOf((await new DirectoryTreeBuilder(blocks.emit).finish()).cid)
}

/** A directory of `count` names of `nameBytes` each. */
async function wideDirectory(count: number, nameBytes: number, blocks: Blocks) {
  const names = Array.from({ length: count }, (_, i) =>
    `${String(i).padStart(8, '0')}`.padEnd(nameBytes, '.'),
  )
  const builder = new DirectoryTreeBuilder(blocks.emit)
  const empty = await fileOf(new Uint8Array(0), AUTO_CHUNKING, blocks)
  for (const name of names) {
    await builder.add({ name, kind: 'file', cid: empty.cid, sizeBytes: 0 })
  }
  return { names, ...(await builder.finish()) }
}

test('walk: a wide directory splits, lists in order and resumes behind a name', async () => {
  for (const [count, nameBytes] of [
    [40_000, 8],
    [6_000, 1024],
  ] as const) {
    const blocks = new Blocks()
    const { names, cid } = await wideDirectory(count, nameBytes, blocks)
    const info = await openRoot(cid, blocks.load)
    expect(info).toEqual({ kind: 'directory', sizeBytes: 0, entries: count })
    for (const bytes of blocks.map.values()) expect(bytes.length).toBeLessThanOrEqual(2 ** 21)
    const listed = await collect(directoryEntries(cid, blocks.load))
    expect(listed.map((each) => each.name)).toEqual(names)
    for (const at of [0, 1, 16_383, 16_384, count - 2, count - 1].filter((i) => i < count)) {
      blocks.loads = 0
      const rest = await collect(directoryEntries(cid, blocks.load, { after: names[at]! }))
      expect(rest.length).toBe(count - at - 1)
      expect(rest[0]?.name).toBe(names[at + 1])
      if (at >= count - 2) expect(blocks.loads).toBe(2)
    }
    const none = await collect(directoryEntries(cid, blocks.load, { after: '~' }))
    expect(none).toEqual([])
  }
})

test('walk: directory manifests out of order, or not as full as they can be, are refused', async () => {
  const blocks = new Blocks()
  const store = (manifest: Manifest) => {
    const bytes = encodeManifest(manifest)
    blocks.emit({ digest: sha256(bytes), bytes })
    return sha256(bytes)
  }
  const empty = await fileOf(new Uint8Array(0), AUTO_CHUNKING, blocks)
  const entry = (name: string): DirectoryEntry => ({
    name,
    kind: 'file',
    cid: empty.cid,
    sizeBytes: 0,
  })
  const leaf = (...names: string[]) =>
    store({ type: 'directory-leaf', level: 0, entries: names.map(entry), sizeBytes: 0 })
  const root = (...leaves: [string[], string][]) => {
    const children = leaves.map(([names, firstName]) => {
      const digest = leaf(...names)
      return { digest, sizeBytes: 0, entries: names.length, firstName }
    })
    const entries = children.reduce((sum, child) => sum + child.entries, 0)
    const node = { type: 'directory-index', level: 1, children, entries, sizeBytes: 0 } as const
    return cidOf('manifest', store(node))
  }
  const refusals: [CID, RegExp][] = [
    [root([['a', 'x'], 'a'], [['m', 'z'], 'm']), /up to "x" is not what its parent says/],
    [root([['b'], 'a'], [['m'], 'm']), /from "a" is not what its parent says/],
    [root([['a'], 'a'], [['b'], 'b']), /before "b" is not/],
    [root([['a'], 'a']), /inner manifest/],
  ]
  for (const [cid, why] of refusals) {
    for (const work of [
      collect(directoryEntries(cid, blocks.load)),
      collect(treeBlocks(cid, blocks.load)),
    ]) {
      expect((await codeOfAsync(work, 'INVALID_ARGUMENT')).message).toMatch(why)
    }
  }
})

/** root/{a: file of 3 chunks, d/{e: empty file, l: symlink, r: raw}, z: same file as a} */
async function tree() {
  const blocks = new Blocks()
  const bytes = randomBytes(600_000, 8)
  const file = await fileOf(bytes, AUTO_CHUNKING, blocks)
  const empty = await fileOf(new Uint8Array(0), AUTO_CHUNKING, blocks)
  const raw = digestNo(77)
  const inner = new DirectoryTreeBuilder(blocks.emit)
  await inner.add({ name: 'e', kind: 'file', cid: empty.cid, sizeBytes: 0 })
  await inner.add({ name: 'l', kind: 'symlink', target: '../a', sizeBytes: 0 })
  await inner.add({ name: 'r', kind: 'file', cid: cidOf('chunk', raw), sizeBytes: 9 })
  const d = await inner.finish()
  const outer = new DirectoryTreeBuilder(blocks.emit)
  const a = { kind: 'file' as const, cid: file.cid, sizeBytes: 600_000 }
  await outer.add({ name: 'a', ...a })
  await outer.add({ name: 'd', kind: 'directory', cid: d.cid, sizeBytes: d.sizeBytes })
  await outer.add({ name: 'z', ...a })
  const root = await outer.finish()
  const chunks = cutAll(AUTO_CHUNKING, bytes).map((chunk) => digestHex(sha256(chunk)))
  return { blocks, root, file, empty, d, raw, chunks }
}

const hexOf = (cid: CID) => digestHex(digestOf(cid))

test('tree: every manifest and chunk below a root, each before what is below it', async () => {
  const { blocks, root, file, empty, d, raw, chunks } = await tree()
  const found = await collect(treeBlocks(root.cid, blocks.load))
  expect(found.map((each) => digestHex(each.digest))).toEqual([
    hexOf(root.cid),
    hexOf(file.cid),
    ...chunks,
    hexOf(d.cid),
    hexOf(empty.cid),
    digestHex(raw),
    hexOf(file.cid),
    ...chunks,
  ])
  for (const { digest, kind, sizeBytes } of found) {
    const manifest = blocks.map.get(digestKey(digest))
    expect(kind).toBe(manifest === undefined ? 'chunk' : 'manifest')
    if (manifest !== undefined) expect(sizeBytes).toBe(manifest.length)
  }
})

test('tree: what is skipped is neither loaded nor entered', async () => {
  const { blocks, root, file, chunks } = await tree()
  const seen = new Set<string>()
  const skip = (digest: Uint8Array) => {
    const key = digestKey(digest)
    return seen.size === seen.add(key).size
  }
  const found = await collect(treeBlocks(root.cid, blocks.load, { skip }))
  const hexes = found.map((each) => digestHex(each.digest))
  expect(hexes.filter((hex) => hex === hexOf(file.cid)).length).toBe(1)
  expect(hexes.filter((hex) => hex === chunks[0]).length).toBe(1)
  expect(await collect(treeBlocks(root.cid, blocks.load, { skip: () => true }))).toEqual([])
})

test('tree: an unreadable manifest ends the walk, or is told and left out', async () => {
  const { blocks, root, file, d, empty, raw } = await tree()
  blocks.map.delete(digestKey(digestOf(file.cid)))
  await codeOfAsync(collect(treeBlocks(root.cid, blocks.load)), 'NOT_FOUND')
  const told: string[] = []
  const onUnreadable = (digest: Uint8Array, error: unknown) => {
    told.push(`${(error as DpsError).code} ${digestHex(digest)}`)
  }
  const found = await collect(treeBlocks(root.cid, blocks.load, { onUnreadable }))
  expect(found.map((each) => digestHex(each.digest))).toEqual([
    hexOf(root.cid),
    hexOf(d.cid),
    hexOf(empty.cid),
    digestHex(raw),
  ])
  expect(told).toEqual(Array(2).fill(`NOT_FOUND ${hexOf(file.cid)}`))
})

test('tree: entries that lie about kind or size are refused', async () => {
  const { blocks, file, d } = await tree()
  for (const entry of [
    { kind: 'file', cid: file.cid, sizeBytes: 1 },
    { kind: 'directory', cid: file.cid, sizeBytes: 600_000 },
    { kind: 'file', cid: d.cid, sizeBytes: d.sizeBytes },
  ] as const) {
    const builder = new DirectoryTreeBuilder(blocks.emit)
    await builder.add({ name: 'x', ...entry })
    const { cid } = await builder.finish()
    const error = await codeOfAsync(collect(treeBlocks(cid, blocks.load)), 'INVALID_ARGUMENT')
    expect(error.message).toContain(formatCid(entry.cid))
  }
})

test('tree: directories nested without end are refused', async () => {
  const blocks = new Blocks()
  let cid = cidOf('manifest', await emptyDirectory(blocks))
  for (let depth = 0; depth < 2100; depth++) {
    const builder = new DirectoryTreeBuilder(blocks.emit)
    await builder.add({ name: 'd', kind: 'directory', cid, sizeBytes: 0 })
    cid = (await builder.finish()).cid
  }
  const error = await codeOfAsync(collect(treeBlocks(cid, blocks.load)), 'INVALID_ARGUMENT')
  expect(error.message).toMatch(/too deep/)
})

test('walk: the signal reaches the loader, and its abort leaves unwrapped', async () => {
  const reason = new Error('enough')
  const load = async (cid: CID, options: { signal?: AbortSignal } = {}) => {
    options.signal?.throwIfAborted()
    return big.load(cid)
  }
  const signal = AbortSignal.abort(reason)
  const onUnreadable = () => expect.unreachable()
  for (const work of [
    openRoot(bigCid, load, { signal }),
    collect(fileChunks(bigCid, load, { signal })),
    collect(directoryEntries(bigCid, load, { signal })),
    collect(treeBlocks(bigCid, load, { signal, onUnreadable })),
  ]) {
    await expect(work).rejects.toBe(reason)
  }
})
