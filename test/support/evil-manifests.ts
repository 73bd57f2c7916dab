/**
 * Manifests that no honest node would write, under the CIDs that their bytes really have: only
 * judging what they say can refuse them.
 */
import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { create as multihash } from 'multiformats/hashes/digest'
import { Directory, type File, Manifest } from '../../src/wire/content/manifest.js'
import { CHUNK_BYTES, MIB, randomBytes } from './data.js'

const CODEC_RAW = 0x55
const CODEC_MANIFEST = 0x50
const PETABYTE = 1e15
// Below every limit of the format, above every disk that this runs on.
const HUNDRED_TERABYTES = 1e14

export interface MadeManifest {
  what: string
  /** Of the root, base58btc. */
  cid: string
  /** Everything there is, by the hex of its digest. */
  blocks: Map<string, Uint8Array>
  /** What is wrong shows further down only: the root itself may be kept. */
  rootIsFine: boolean
  /** Of the error that tells it. */
  code: string
}

type Blocks = Map<string, Uint8Array>
type Entry = Directory.Entry

/** Keeps the block and returns its CID. */
function keep(blocks: Blocks, codec: number, bytes: Uint8Array): CID {
  const digest = createHash('sha256').update(bytes).digest()
  blocks.set(digest.toString('hex'), bytes)
  return CID.createV1(codec, multihash(0x12, digest))
}

const binary = (cid: CID) => cid.bytes as Uint8Array<ArrayBuffer>

function hashOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

/** A file as an honest node would write it, but for what is changed. */
function fileManifest(blocks: Blocks, content: Uint8Array, changes: Partial<File> = {}): CID {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < content.byteLength; at += CHUNK_BYTES) {
    chunks.push(content.subarray(at, at + CHUNK_BYTES))
  }
  const file: File = {
    level: 0,
    originalContentSha256: hashOf(content),
    originalContentSizeBytes: content.byteLength,
    chunking: { fixed: { steps: [{ fromOffset: 0, sizeBytes: CHUNK_BYTES }] } },
    chunkCount: 0,
    cids: chunks.map((chunk) => binary(keep(blocks, CODEC_RAW, chunk))),
    sizesBytes: chunks.map(({ byteLength }) => byteLength),
    ...changes,
  }
  return keep(blocks, CODEC_MANIFEST, Manifest.encode({ file }))
}

function entry(name: string, cid: CID, sizeBytes: number, changes: Partial<Entry> = {}): Entry {
  const kind = Directory.Kind.FILE
  return { name, kind, cid: binary(cid), sizeBytes, symlinkTarget: '', ...changes }
}

function directory(blocks: Blocks, entries: Entry[]): CID {
  const bytes = Manifest.encode({ directory: { level: 0, entries, children: [] } })
  return keep(blocks, CODEC_MANIFEST, bytes)
}

type Make = (blocks: Blocks) => CID

const CONTENT = randomBytes(1000, 66)

/** A folder with one file of that name. */
const named =
  (name: string): Make =>
  (blocks) =>
    directory(blocks, [entry(name, fileManifest(blocks, CONTENT), CONTENT.length)])

/** A folder of these names, in this order. */
const listing =
  (...names: string[]): Make =>
  (blocks) => {
    const file = fileManifest(blocks, CONTENT)
    return directory(
      blocks,
      names.map((name) => entry(name, file, CONTENT.length)),
    )
  }

/** A manifest as another writes it, with its bytes changed. */
const rewritten =
  (make: Make, change: (bytes: Uint8Array) => Uint8Array): Make =>
  (blocks) => {
    const root = make(blocks)
    const bytes = blocks.get(Buffer.from(root.multihash.digest).toString('hex'))!
    return keep(blocks, CODEC_MANIFEST, change(bytes))
  }

/** Well-formed in every number: 64 GiB below each child. */
function claiming(blocks: Blocks, sizeBytes: number): CID {
  const leafBytes = 16_384 * 4 * MIB
  const leaves = Math.ceil(sizeBytes / leafBytes)
  const leaf = CID.createV1(CODEC_MANIFEST, multihash(0x12, hashOf(CONTENT)))
  const last = sizeBytes - (leaves - 1) * leafBytes
  const sizesBytes = Array.from({ length: leaves }, (_, i) => (i < leaves - 1 ? leafBytes : last))
  const file: File = {
    level: 1,
    originalContentSha256: hashOf(CONTENT),
    originalContentSizeBytes: sizeBytes,
    chunking: { fixed: { steps: [{ fromOffset: 0, sizeBytes: 4 * MIB }] } },
    chunkCount: (leaves - 1) * 16_384 + Math.ceil(last / (4 * MIB)),
    cids: sizesBytes.map(() => binary(leaf)),
    sizesBytes,
  }
  return keep(blocks, CODEC_MANIFEST, Manifest.encode({ file }))
}

const MAKERS: Record<string, Make> = {
  'a name ..': named('..'),
  'a name .': named('.'),
  'an empty name': named(''),
  'a name ../../escaped': named('../../escaped'),
  'a name with a slash in it': named('sub/evil'),
  'an absolute name': named('/tmp/evil'),
  'a NUL in a name': named('evil\0.txt'),
  'a name of 1,025 bytes': named('x'.repeat(1025)),
  'the same name twice': listing('same', 'same'),
  'names out of order': listing('b', 'a'),
  'a name .. in a folder further down': (blocks) => {
    const inner = named('..')(blocks)
    const kind = Directory.Kind.DIRECTORY
    return directory(blocks, [entry('sub', inner, CONTENT.length, { kind })])
  },
  'a name that is no UTF-8': rewritten(named('abcd'), (bytes) =>
    Buffer.from(Buffer.from(bytes).toString('latin1').replace('abcd', 'a\xff\xfed'), 'latin1'),
  ),
  'an entry that claims 10^15 bytes': (blocks) =>
    directory(blocks, [entry('evil', fileManifest(blocks, CONTENT), PETABYTE)]),
  '10^15 claimed bytes': (blocks) => claiming(blocks, PETABYTE),
  'more claimed bytes than the disk has': (blocks) => claiming(blocks, HUNDRED_TERABYTES),
  '10^15 claimed bytes in a folder': (blocks) =>
    directory(blocks, [entry('evil', claiming(blocks, PETABYTE), PETABYTE)]),
  'more bytes in all than in its chunks': (blocks) =>
    fileManifest(blocks, CONTENT, { originalContentSizeBytes: CONTENT.length + 1 }),
  'a chunk of no bytes': (blocks) =>
    fileManifest(blocks, CONTENT, { sizesBytes: [0], originalContentSizeBytes: 0 }),
  'a chunk of 5 MiB': (blocks) =>
    fileManifest(blocks, CONTENT, {
      sizesBytes: [5 * MIB],
      originalContentSizeBytes: 5 * MIB,
      chunking: { fixed: { steps: [{ fromOffset: 0, sizeBytes: 5 * MIB }] } },
    }),
  'the hash of another content': (blocks) =>
    fileManifest(blocks, CONTENT, { originalContentSha256: hashOf(Buffer.from('other')) }),
  'the hash of another content than its chunks make': (blocks) =>
    fileManifest(blocks, randomBytes(2 * CHUNK_BYTES, 68), {
      originalContentSha256: hashOf(Buffer.from('other')),
    }),
  'a CID that is none': (blocks) =>
    fileManifest(blocks, CONTENT, { cids: [new Uint8Array(36).fill(7)] }),
  'an unknown field': rewritten(named('a'), (bytes) =>
    Buffer.concat([bytes, Buffer.from([0xf8, 1, 1])]),
  ),
  'nothing in it but noise': (blocks) => keep(blocks, CODEC_MANIFEST, randomBytes(5000, 67)),
  'no bytes at all': (blocks) => keep(blocks, CODEC_MANIFEST, new Uint8Array(0)),
  // Last: to its reader, whoever serves that chunk has lied, and is not asked again.
  'another length than its chunk has': (blocks) =>
    fileManifest(blocks, CONTENT, { sizesBytes: [999], originalContentSizeBytes: 999 }),
}

const ROOT_IS_FINE = [
  'a name .. in a folder further down',
  'more claimed bytes than the disk has',
  'another length than its chunk has',
  'the hash of another content than its chunks make',
]

const CODES: Record<string, string> = {
  'more claimed bytes than the disk has': 'RESOURCE_EXHAUSTED',
  // No provider can give a chunk of that length under that name.
  'another length than its chunk has': 'UNAVAILABLE',
  'the hash of another content than its chunks make': 'DATA_LOSS',
}

export function evilManifests(): MadeManifest[] {
  return Object.entries(MAKERS).map(([what, make]) => {
    const blocks: Blocks = new Map()
    const cid = make(blocks).toString(base58btc)
    const rootIsFine = ROOT_IS_FINE.includes(what)
    return { what, cid, blocks, rootIsFine, code: CODES[what] ?? 'INVALID_ARGUMENT' }
  })
}
