/**
 * Bytes and folders for tests: the same ones for the same seed, made fast, compared whole.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import {
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** Where a file's chunks stop being 256 KiB. */
export const CHUNK_BYTES = 256 * KIB

const PIECE_BYTES = 4 * MIB

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** An integer in [min, max]. */
export function between(random: () => number, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1))
}

/** Incompressible bytes, without end, in pieces of at most 4 MiB. */
function* pieces(sizeBytes: number, seed: number): Generator<Buffer> {
  const key = createHash('sha256').update(`data ${seed}`).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  const zeros = Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes))
  for (let rest = sizeBytes; rest > 0; rest -= PIECE_BYTES) {
    yield cipher.update(rest < PIECE_BYTES ? zeros.subarray(0, rest) : zeros)
  }
}

/** `sizeBytes` incompressible bytes that the seed decides. A longer one starts with a shorter. */
export function randomBytes(sizeBytes: number, seed: number): Buffer {
  return Buffer.concat([...pieces(sizeBytes, seed)])
}

/** The bytes of {@link randomBytes} as a file, without holding them; resolves to its sha256. */
export async function writeRandomFile(
  path: string,
  sizeBytes: number,
  seed: number,
): Promise<string> {
  const hash = createHash('sha256')
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  try {
    for (const piece of pieces(sizeBytes, seed)) {
      hash.update(piece)
      await file.write(piece)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** sha2-256 of a file in hex, streamed. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    hash.update(piece as Buffer)
  }
  return hash.digest('hex')
}

/** Names that other programs trip over. None is refused by a POSIX file system. */
const ODD_NAMES = [
  'naïve café.txt',
  // The same letters as the line above, decomposed: another name, other bytes.
  'nai\u0308ve cafe\u0301.txt',
  '日本語のファイル',
  '👩‍👩‍👧‍👦 family.bin',
  'ظهر right to left',
  ' leading and trailing ',
  'new\nline',
  'tab\there',
  'quote\'"`$(echo)',
  '-rf',
  '...',
  '~',
  '%2e%2e',
  'back\\slash',
  'CON.txt',
  `long ${'x'.repeat(230)}`,
  '\u200bzero width',
  '#?&=+;:@',
]

export interface Folder {
  files: number
  symlinks: number
  directories: number
  bytes: number
}

/**
 * A folder of exactly `files` files: nested, with empty files, sizes around a chunk, odd names,
 * symlinks that stay inside (also dangling ones), and empty folders.
 */
export async function writeOddFolder(root: string, files: number, seed: number): Promise<Folder> {
  const random = seededRandom(seed)
  const made: Folder = { files: 0, symlinks: 0, directories: 0, bytes: 0 }
  const makeDirectory = async (path: string) => {
    await mkdir(path, { recursive: true })
    made.directories++
  }
  const makeFile = async (path: string, sizeBytes: number) => {
    await writeFile(path, randomBytes(sizeBytes, seed * 100_000 + made.files))
    made.files++
    made.bytes += sizeBytes
  }
  const makeLink = async (path: string, target: string) => {
    await symlink(target, path)
    made.symlinks++
  }
  await makeDirectory(root)
  const folders = [root]
  for (let i = 0; i < 40; i++) {
    const folder = join(folders[between(random, 0, folders.length - 1)]!, `folder ${i}`)
    await makeDirectory(folder)
    folders.push(folder)
  }
  await makeDirectory(join(root, 'empty folder'))
  const odd = join(root, 'ödd')
  await makeDirectory(odd)
  for (const name of ODD_NAMES) await makeFile(join(odd, name), between(random, 0, 300))
  for (const [i, sizeBytes] of [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    3 * CHUNK_BYTES,
  ].entries()) {
    await makeFile(join(root, `size ${i}`), sizeBytes)
  }
  await makeLink(join(root, 'link to a file'), 'size 1')
  await makeLink(join(root, 'link to a folder'), 'folder 0')
  await makeLink(join(root, 'link to nothing'), 'not there')
  await makeLink(join(odd, 'link up and down'), '../size 2')
  await makeLink(join(odd, 'linké'), 'naïve café.txt')
  for (let i = 0; made.files < files; i++) {
    const folder = folders[i % folders.length]!
    // Every tenth is empty; a few are the same bytes again.
    const sizeBytes = i % 10 === 0 ? 0 : between(random, 1, 8 * KIB)
    await makeFile(join(folder, `file ${i}`), sizeBytes)
  }
  return made
}

type TreeEntry = string

/** Everything below a folder as `path → what it is`, in which two equal trees are equal. */
export async function describeTree(root: string): Promise<Map<string, TreeEntry>> {
  const tree = new Map<string, TreeEntry>()
  // Names as bytes: what is no UTF-8 must not be compared as replacement characters.
  const visit = async (folder: Buffer, prefix: string): Promise<void> => {
    const names = (await readdir(folder, { encoding: 'buffer' })).sort(Buffer.compare)
    for (const name of names) {
      const path = Buffer.concat([folder, Buffer.from('/'), name])
      const key = `${prefix}${name.toString()}`
      const stats = await lstat(path)
      tree.set(key, await describe(path, stats))
      if (stats.isDirectory()) await visit(path, `${key}/`)
    }
  }
  await visit(Buffer.from(root), '')
  return tree
}

async function describe(path: Buffer, stats: Stats): Promise<TreeEntry> {
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return `symlink to ${await readlink(path)}`
  if (!stats.isFile()) return 'something else'
  return `file of ${stats.size} bytes, sha256 ${sha256(await readFile(path))}`
}
