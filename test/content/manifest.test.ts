import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { checkCanonical, MANIFEST_SCHEMA } from '../../src/content/canonical.js'
import { decodeManifest, encodeManifest } from '../../src/content/codec.js'
import {
  AUTO_CHUNKING,
  type Chunking,
  cidOf,
  compareNames,
  type DirectoryEntry,
  DirectoryTreeBuilder,
  digestOf,
  FileTreeBuilder,
  fastCdcChunking,
  fixedChunking,
  MANIFEST_BYTES_MAX,
  MAX_CONTENT_BYTES,
  manifestChildren,
  sha256,
} from '../../src/content/index.js'
import { Directory, type File, Manifest } from '../../src/wire/content/manifest.js'
import { Blocks, codeOf, cutAll, digestNo, fileOf, randomBytes } from './support.js'

const KIB = 1024
const MIB = 1024 * KIB
const CHUNK = wireCid(0x55, 1)
const NODE = wireCid(0x50, 1)
const STEP = { fromOffset: 0, sizeBytes: 256 * KIB }

function wireCid(codec: number, n: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([1, codec, 0x12, 32, ...digestNo(n)])
}

/** A good root of 1 MiB + 5 bytes, with `changes`. */
function file(changes: Partial<File> = {}): Uint8Array {
  const base: File = {
    level: 0,
    originalContentSha256: new Uint8Array(32),
    originalContentSizeBytes: MIB + 5,
    chunking: { fixed: { steps: [STEP] } },
    chunkCount: 0,
    cids: [CHUNK, CHUNK, CHUNK, CHUNK, CHUNK],
    sizesBytes: [256 * KIB, 256 * KIB, 256 * KIB, 256 * KIB, 5],
  }
  return Manifest.encode({ file: { ...base, ...changes } })
}

/** A good root over 16,385 chunks, with `changes`. */
function index(changes: Partial<File> = {}): Uint8Array {
  const first = 16_384 * 256 * KIB
  return file({
    level: 1,
    originalContentSizeBytes: first + 1,
    chunking: {
      fixed: { steps: [STEP, { fromOffset: first, sizeBytes: MIB }] },
    },
    chunkCount: 16_385,
    cids: [NODE, NODE],
    sizesBytes: [first, 1],
    ...changes,
  })
}

function entry(changes: Partial<Directory.Entry> = {}): Directory.Entry {
  const { FILE } = Directory.Kind
  return { name: 'a', kind: FILE, cid: NODE, sizeBytes: 3, symlinkTarget: '', ...changes }
}

function directory(entries: Partial<Directory.Entry>[]): Uint8Array {
  return Manifest.encode({ directory: { level: 0, entries: entries.map(entry), children: [] } })
}

function directoryIndex(children: Partial<Directory.Child>[], level = 1): Uint8Array {
  const base = { cid: NODE, sizeBytes: 3, entryCount: 2, firstName: 'a' }
  return Manifest.encode({
    directory: { level, entries: [], children: children.map((each) => ({ ...base, ...each })) },
  })
}

function refused(bytes: Uint8Array, why: RegExp): void {
  const error = codeOf(() => decodeManifest(bytes), 'INVALID_ARGUMENT')
  expect(error.message).toMatch(why)
  expect(error.message.length).toBeLessThan(400)
}

test('manifest: the examples that the refusals change are themselves good', () => {
  expect(decodeManifest(file())).toMatchObject({ type: 'file-leaf', chunks: 5, sizeBytes: MIB + 5 })
  const leaf = file({
    originalContentSha256: undefined,
    originalContentSizeBytes: 0,
    chunking: undefined,
  })
  expect(decodeManifest(leaf)).toMatchObject({ type: 'file-leaf', chunks: 5, sizeBytes: MIB + 5 })
  expect(decodeManifest(leaf)).not.toHaveProperty('root')
  expect(decodeManifest(index())).toMatchObject({ type: 'file-index', level: 1, chunks: 16_385 })
  const { FILE, DIRECTORY, SYMLINK } = Directory.Kind
  const decoded = decodeManifest(
    directory([
      { name: 'a', kind: FILE, cid: CHUNK },
      { name: 'b', kind: DIRECTORY },
      { name: 'c', kind: SYMLINK, cid: undefined, sizeBytes: 0, symlinkTarget: '/x/../y' },
    ]),
  )
  expect(decoded).toMatchObject({ type: 'directory-leaf', sizeBytes: 6 })
  expect([...manifestChildren(decoded)]).toEqual([
    { digest: digestNo(1), kind: 'chunk', sizeBytes: 3 },
    { digest: digestNo(1), kind: 'manifest', sizeBytes: 3 },
  ])
  expect(decodeManifest(directoryIndex([{}, { firstName: 'b' }]))).toMatchObject({
    type: 'directory-index',
    entries: 4,
    sizeBytes: 6,
  })
})

test('manifest: files with parts that contradict each other are refused', () => {
  const sizes = [256 * KIB, 256 * KIB, 256 * KIB, 256 * KIB]
  refused(file({ originalContentSizeBytes: MIB + 6 }), /add up/)
  refused(file({ originalContentSizeBytes: 1e15 }), /add up/)
  refused(file({ sizesBytes: [...sizes, 0] }), /0 bytes in 1 chunks/)
  refused(file({ sizesBytes: sizes }), /5 CIDs with 4 lengths/)
  refused(file({ sizesBytes: [...sizes, 5 * MIB] }), /bytes in 1 chunks/)
  refused(file({ sizesBytes: [5, ...sizes] }), /does not cut 5 bytes/)
  refused(file({ cids: [CHUNK, CHUNK, CHUNK, CHUNK, NODE] }), /child 4: not the CID of a chunk/)
  refused(file({ cids: [CHUNK, CHUNK, CHUNK, CHUNK, CHUNK.subarray(1)] }), /child 4/)
  refused(file({ originalContentSha256: new Uint8Array(31) }), /sha2-256 of 31 bytes/)
  refused(file({ originalContentSha256: undefined }), /fields of a root/)
  refused(file({ chunking: undefined }), /no chunker/)
  refused(file({ chunking: {} }), /unknown chunker/)
  refused(file({ chunkCount: 5 }), /leaf with a chunk count/)
  refused(file({ level: 1, chunkCount: 5 }), /children can't hold|not the CID/)
  refused(file({ level: 4 }), /level 4/)
  refused(file({ chunking: { fixed: { steps: [{ ...STEP, sizeBytes: 1 }] } } }), /size 1/)
  const unreached = { fromOffset: 8 * MIB, sizeBytes: MIB }
  refused(file({ chunking: { fixed: { steps: [STEP, unreached] } } }), /does not reach/)
  const cdc = { minBytes: 64 * KIB, avgBytes: 128 * KIB, maxBytes: 256 * KIB - 1, normalization: 1 }
  refused(file({ chunking: { fastcdc: cdc } }), /does not cut/)
  refused(
    file({ originalContentSizeBytes: 5, cids: [CHUNK], sizesBytes: [5] }),
    /sha2-256 of the content is not/,
  )
  const none = { originalContentSizeBytes: 0, cids: [], sizesBytes: [] }
  refused(file(none), /chunker for no chunks/)
  refused(file({ ...none, chunking: undefined }), /sha2-256 of the content/)
  refused(
    file({ ...none, chunking: undefined, originalContentSha256: undefined }),
    /without chunks|not one/,
  )
})

test('manifest: index manifests of another shape than their chunks need are refused', () => {
  const first = 16_384 * 256 * KIB
  refused(index({ chunkCount: 16_384 }), /children can't hold/)
  refused(index({ chunkCount: 2 * 16_384 + 1 }), /children can't hold/)
  refused(index({ cids: [CHUNK, NODE] }), /not the CID of a manifest/)
  refused(index({ sizesBytes: [first - 1, 2] }), /does not cut/)
  refused(
    index({ sizesBytes: [first, MIB + 1], originalContentSizeBytes: first + MIB + 1 }),
    /16385 chunks where the chunker cuts 16386/,
  )
  refused(
    index({
      chunkCount: 16_384,
      cids: [NODE],
      sizesBytes: [first],
      originalContentSizeBytes: first,
      chunking: { fixed: { steps: [STEP] } },
    }),
    /higher than its chunks need/,
  )
  refused(index({ chunkCount: 2 ** 52 }), /children can't hold/)
  refused(index({ level: 3, chunkCount: 2 ** 43 }), /bytes in|claims more/)
})

test('manifest: nasty directories are refused', () => {
  for (const name of ['', '.', '..', '/', 'a/b', '../a', '/etc/passwd', 'a\0b', 'x'.repeat(1025)]) {
    refused(directory([{ name }]), /directory entry/)
    refused(directoryIndex([{ firstName: name }, { firstName: 'z' }]), /directory entry/)
  }
  refused(directory([{ name: 'é'.repeat(513) }]), /longer than 1024 bytes/)
  refused(directory([{ name: 'a' }, { name: 'a' }]), /twice/)
  refused(directory([{ name: 'b' }, { name: 'a' }]), /not in byte order/)
  // In UTF-16 order the first is smaller; in bytes the second is.
  refused(directory([{ name: '\u{10000}' }, { name: '\uffff' }]), /not in byte order/)
  expect(decodeManifest(directory([{ name: '\uffff' }, { name: '\u{10000}' }]))).toBeDefined()
  refused(directory([{ sizeBytes: 1e15 }]), /claims 1000000000000000 bytes/)
  refused(directory([{ cid: CHUNK, sizeBytes: 5 * MIB }]), /claims/)
  const half = { sizeBytes: MAX_CONTENT_BYTES / 2 + 1 }
  refused(directory([half, { ...half, name: 'b' }]), /claims more/)
  refused(directory([{ cid: undefined }]), /no CID/)
  refused(directory([{ cid: NODE.subarray(1) }]), /not the CID/)
  refused(directory([{ cid: wireCid(0x70, 1) }]), /not the CID/)
  refused(directory([{ kind: Directory.Kind.DIRECTORY, cid: CHUNK }]), /not the CID of a manifest/)
  refused(directory([{ symlinkTarget: 'x' }]), /no symlink/)
  const link = { kind: Directory.Kind.SYMLINK, cid: undefined, sizeBytes: 0, symlinkTarget: 'x' }
  refused(directory([{ ...link, symlinkTarget: '' }]), /target of symlink "a": it is empty/)
  refused(directory([{ ...link, symlinkTarget: 'a\0' }]), /NUL/)
  refused(directory([{ ...link, symlinkTarget: 'x'.repeat(4097) }]), /longer than 4096/)
  refused(directory([{ ...link, cid: CHUNK }]), /symlink "a" with content/)
  refused(directory([{ ...link, sizeBytes: 1 }]), /symlink "a" with content/)
})

test('manifest: malformed directory indexes are refused', () => {
  const two: Partial<Directory.Child>[] = [{}, { firstName: 'b' }]
  refused(directoryIndex([]), /without children/)
  refused(directoryIndex([{}, {}]), /twice/)
  refused(directoryIndex([...two].reverse()), /byte order/)
  refused(directoryIndex([{}, { firstName: 'b', entryCount: 0 }]), /of 0 entries/)
  refused(directoryIndex([{}, { firstName: 'b', cid: CHUNK }]), /not the CID of a manifest/)
  refused(directoryIndex([{}, { firstName: 'b', cid: undefined }]), /no CID/)
  refused(directoryIndex([{}, { firstName: 'b', sizeBytes: 2 ** 48 }]), /claims more/)
  refused(directoryIndex([{}, { firstName: 'b', entryCount: 2 ** 48 }]), /entries/)
  refused(directoryIndex(two, 4), /level 4/)
  refused(directoryIndex(two, 0), /entries and children/)
  refused(
    Manifest.encode({ directory: { level: 1, entries: [entry()], children: [] } }),
    /entries and children/,
  )
})

test('manifest: too much is refused before it is looked at', () => {
  refused(new Uint8Array(MANIFEST_BYTES_MAX + 1), /too many/)
  // A million fields of no bytes: as many objects, were there no limit.
  const empties = new Uint8Array(MANIFEST_BYTES_MAX)
  const head = [0x12, ...varint(MANIFEST_BYTES_MAX - 4)]
  for (let i = 0; i < empties.length; i += 2) empties[i] = 0x12
  empties.set(head)
  refused(empties, /too often/)
  const names = Array.from({ length: 2100 }, (_, i) => ({ name: `${1e4 + i}`.padEnd(1000, 'x') }))
  refused(directory(names), /too many/)
  // Entries of 1,046 bytes each: as many as a node may hold, and one more.
  expect(decodeManifest(directory(names.slice(0, 2000)))).toBeDefined()
  const fitting = Math.floor((MANIFEST_BYTES_MAX - 1024) / 1046)
  expect(decodeManifest(directory(names.slice(0, fitting)))).toBeDefined()
  const over = directory(names.slice(0, fitting + 1))
  expect(over.length).toBeLessThan(MANIFEST_BYTES_MAX)
  refused(over, /overfull/)
})

function varint(value: number): number[] {
  const out: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...out, rest]
    out.push((rest & 127) | 128)
  }
}

test('manifest: other spellings of the same content are refused', () => {
  const inner = Manifest.encode({ directory: { level: 0, entries: [entry()], children: [] } })
  const body = [...inner.subarray(2)]
  const wrap = (bytes: number[]) => new Uint8Array([0x12, ...varint(bytes.length), ...bytes])
  expect(decodeManifest(wrap(body))).toBeDefined()
  refused(wrap([...body, 0x78, 1]), /canonical/)
  refused(wrap([0x08, 0x00, ...body]), /canonical/)
  refused(new Uint8Array([...wrap(body), ...wrap([])]), /canonical|not one/)
  refused(new Uint8Array([...wrap(body), 0x0a, 0]), /canonical|not one/)
  refused(new Uint8Array([0x12, body.length | 128, 0, ...body]), /canonical/)
  refused(wrap(body).subarray(0, -1), /not one|canonical/)
  refused(new Uint8Array(0), /empty/)
  // A name that is no UTF-8.
  const latin = wrap(body)
  latin[latin.indexOf(0x61)] = 0xe9
  refused(latin, /canonical|not one/)
  // 2^64 - 1 bytes, which no double holds.
  const size = body.lastIndexOf(0x20)
  expect(body.slice(size, size + 2)).toEqual([0x20, 3])
  const huge = [...body.slice(0, size + 1), ...Array(9).fill(0xff), 1, ...body.slice(size + 2)]
  refused(wrap([0x12, ...varint(huge.length - 2), ...huge.slice(2)]), /claims|not one|canonical/)
  const packed = file()
  const { sizesBytes } = Manifest.decode(packed).file!
  const list = sizesBytes.flatMap(varint)
  const without = file({ sizesBytes: [] }).subarray(2 + (packed.length > 129 ? 1 : 0))
  const bytes = [...without, 0x3a, ...varint(list.length), ...list]
  refused(new Uint8Array([0x0a, ...varint(bytes.length), ...bytes]), /canonical|not one|lengths/)
})

const names = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.constantFrom('é', '\u{1f600}', '\uffee'),
  )
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..')
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 })
const entries = fc
  .uniqueArray(
    fc.oneof(
      fc.record({
        name: names,
        kind: fc.constantFrom('file' as const, 'directory' as const),
        cid: digests.map((digest) => cidOf('manifest', digest)),
        sizeBytes: fc.integer({ min: 0, max: 2 ** 40 }),
      }),
      fc.record({
        name: names,
        kind: fc.constant('symlink' as const),
        target: fc
          .string({ unit: 'grapheme', minLength: 1 })
          .filter((text) => !text.includes('\0')),
        sizeBytes: fc.constant(0 as const),
      }),
    ),
    { selector: (each) => each.name, maxLength: 12 },
  )
  .map((list) => list.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))))

test('manifest: a directory comes back as it was, and encodes to the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (list) => {
      const blocks = new Blocks()
      const builder = new DirectoryTreeBuilder(blocks.emit)
      for (const each of list) await builder.add(each as DirectoryEntry)
      const { cid } = await builder.finish()
      const bytes = await blocks.load(cid)
      const decoded = decodeManifest(bytes)
      if (decoded.type !== 'directory-leaf') throw new Error(decoded.type)
      expect(decoded.entries.map(plain)).toEqual(list.map((each) => plain(each as DirectoryEntry)))
      expect(encodeManifest(decoded)).toEqual(bytes)
    }),
    { numRuns: 200 },
  )
})

function plain(each: DirectoryEntry): unknown {
  return each.kind === 'symlink' ? each : { ...each, cid: each.cid.toString() }
}

const chunkings = fc.constantFrom<Chunking>(
  AUTO_CHUNKING,
  fixedChunking(64 * KIB),
  fastCdcChunking(),
)

test('manifest: a file comes back as it was, and encodes to the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      chunkings,
      fc.integer({ min: 0, max: 900_000 }),
      fc.integer(),
      async (chunking, length, seed) => {
        const blocks = new Blocks()
        const bytes = randomBytes(length, seed)
        const { cid, chunks } = await fileOf(bytes, chunking, blocks)
        const encoded = await blocks.load(cid)
        const decoded = decodeManifest(encoded)
        const cut = cutAll(chunking, bytes)
        expect(chunks).toBe(cut.length)
        expect(decoded).toMatchObject({ type: 'file-leaf', chunks, sizeBytes: length })
        expect([...manifestChildren(decoded)]).toEqual(
          cut.map((chunk) => ({ digest: sha256(chunk), kind: 'chunk', sizeBytes: chunk.length })),
        )
        expect(encodeManifest(decoded)).toEqual(encoded)
      },
    ),
    { numRuns: 40 },
  )
})

/** Whatever comes in: a manifest that encodes to the same bytes, or INVALID_ARGUMENT. */
function survives(bytes: Uint8Array): void {
  try {
    const manifest = decodeManifest(bytes)
    expect(Buffer.compare(encodeManifest(manifest), bytes)).toBe(0)
    for (const child of manifestChildren(manifest)) expect(child.digest.length).toBe(32)
  } catch (error) {
    if (!(error instanceof DpsError) || error.code !== 'INVALID_ARGUMENT') throw error
  }
}

test('manifest: random bytes never crash the decoder', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 3000 })
})

test('manifest: mutated manifests are refused or are canonical themselves', () => {
  const samples = [
    file(),
    index(),
    directory([{ name: 'a' }, { name: 'b', cid: CHUNK }, { name: 'c' }]),
    directoryIndex([{}, { firstName: 'b' }]),
  ]
  const edits = fc.array(
    fc.record({
      at: fc.nat(),
      remove: fc.integer({ min: 0, max: 4 }),
      insert: fc.uint8Array({ maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...samples), edits, (sample, list) => {
      let bytes = sample
      for (const { at, remove, insert } of list) {
        const cut = at % (bytes.length + 1)
        bytes = new Uint8Array([
          ...bytes.subarray(0, cut),
          ...insert,
          ...bytes.subarray(cut + remove),
        ])
      }
      survives(bytes)
    }),
    { numRuns: 4000 },
  )
})

test('manifest: the check of the encoding agrees with decoding and encoding again', () => {
  const { SYMLINK } = Directory.Kind
  const cdc = { minBytes: 64 * KIB, avgBytes: 256 * KIB, maxBytes: MIB, normalization: 2 }
  const samples = [
    file({ cids: [CHUNK], sizesBytes: [0, 1] }),
    file({ cids: [], sizesBytes: [], chunking: { fastcdc: cdc } }),
    index({ cids: [] }),
    directory([{ cid: undefined }, { kind: SYMLINK, cid: undefined, symlinkTarget: 'é' }]),
    directoryIndex([{ cid: undefined }]),
  ]
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.array(fc.constantFrom(0, 1, 2, 8, 10, 16, 18, 26, 34, 50, 56, 127, 128, 255), {
      maxLength: 2,
    }),
  })
  let agreed = 0
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.array(edit, { maxLength: 2 }), (sample, edits) => {
      let bytes = sample
      for (const { at, remove, insert } of edits) {
        const cut = at % (bytes.length + 1)
        bytes = new Uint8Array([...bytes.slice(0, cut), ...insert, ...bytes.slice(cut + remove)])
      }
      let again: Uint8Array
      try {
        again = Manifest.encode(Manifest.decode(bytes))
      } catch {
        return
      }
      const isSame = Buffer.compare(again, bytes) === 0
      if (isSame) checkCanonical(bytes, MANIFEST_SCHEMA)
      else codeOf(() => checkCanonical(bytes, MANIFEST_SCHEMA), 'INVALID_ARGUMENT')
      agreed += isSame ? 1 : 0
    }),
    { numRuns: 10_000 },
  )
  expect(agreed).toBeGreaterThan(1000)
})

test('manifest: what is decoded does not change with the buffer it came from', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(file().length))
  shared.set(file())
  const decoded = decodeManifest(shared)
  shared.fill(0)
  expect(encodeManifest(decoded)).toEqual(file())
})

test('manifest: a full leaf decodes without a CID for each chunk, in time', async () => {
  const blocks = new Blocks()
  const builder = new FileTreeBuilder(fixedChunking(256 * KIB), blocks.emit)
  for (let i = 0; i < 16_384; i++) await builder.add(digestNo(i), 256 * KIB)
  const bytes = await blocks.load((await builder.finish(sha256(new Uint8Array(1)))).cid)
  const times: number[] = []
  for (let i = 0; i < 15; i++) {
    const start = performance.now()
    const decoded = decodeManifest(bytes)
    times.push(performance.now() - start)
    if (decoded.type !== 'file-leaf') throw new Error(decoded.type)
    expect(decoded.digests[9_999]).toEqual(digestNo(9_999))
  }
  // 5 ms on an idle core; the limit only tells a wrong order of growth from a busy machine.
  expect(Math.min(...times)).toBeLessThan(40)
})

test('names: their order is the order of their UTF-8', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
  })
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 500 },
  )
})

test('builder: directories refuse what their decoder would refuse', () => {
  const cid = cidOf('manifest', digestNo(1))
  const add = (...list: DirectoryEntry[]) => {
    const builder = new DirectoryTreeBuilder(() => {})
    for (const each of list) void builder.add(each)
  }
  const one = (name: string): DirectoryEntry => ({ name, kind: 'file', cid, sizeBytes: 1 })
  add(one('a'), one('b'))
  for (const list of [
    [one('..')],
    [one('a/b')],
    [one('\ud800')],
    [one('b'), one('a')],
    [one('a'), one('a')],
    [{ ...one('a'), sizeBytes: -1 } as DirectoryEntry],
    [{ ...one('a'), sizeBytes: 2 ** 48 } as DirectoryEntry, one('b')],
    [{ name: 'd', kind: 'directory', cid: cidOf('chunk', digestNo(1)), sizeBytes: 1 } as const],
    [{ name: 's', kind: 'symlink', target: '', sizeBytes: 0 } as const],
  ]) {
    codeOf(() => add(...list), 'INVALID_ARGUMENT')
  }
})

test('builder: chunks that the chunker would not cut are a broken invariant', async () => {
  const start = () => new FileTreeBuilder(fixedChunking(256 * KIB), () => {})
  expect(() => start().add(digestNo(1), 0)).toThrow(/broken invariant/)
  expect(() => start().add(digestNo(1), 256 * KIB + 1)).toThrow(/broken invariant/)
  expect(() => start().add(new Uint8Array(31), 1)).toThrow(/broken invariant/)
  const short = start()
  void short.add(digestNo(1), 5)
  expect(() => short.add(digestNo(2), 5)).toThrow(/broken invariant/)
  const lying = start()
  void lying.add(digestNo(1), 5)
  await expect(lying.finish(digestNo(2))).rejects.toThrow(/sha2-256 of the content/)
  const done = start()
  const { cid } = await done.finish(sha256(new Uint8Array(0)))
  expect(digestOf(cid).length).toBe(32)
  await expect(done.finish(digestNo(1))).rejects.toThrow(/broken invariant/)
})
