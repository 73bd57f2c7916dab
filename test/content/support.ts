import { expect } from 'vitest'
import { DpsError, type ErrorCode } from '../../src/base/index.js'
import {
  type Chunking,
  cutterFor,
  type Digest,
  digestKey,
  digestOf,
  FileTreeBuilder,
  type LoadManifest,
  type ManifestBlock,
  sha256,
} from '../../src/content/index.js'

/** The `DpsError` of that code that `work` throws. */
export function codeOf(work: () => unknown, code: ErrorCode): DpsError {
  try {
    work()
  } catch (error) {
    return expectCode(error, code)
  }
  throw new Error(`nothing was thrown instead of ${code}`)
}

export async function codeOfAsync(work: Promise<unknown>, code: ErrorCode): Promise<DpsError> {
  try {
    await work
  } catch (error) {
    return expectCode(error, code)
  }
  throw new Error(`nothing was thrown instead of ${code}`)
}

function expectCode(error: unknown, code: ErrorCode): DpsError {
  expect(error).toBeInstanceOf(DpsError)
  expect((error as DpsError).code, (error as DpsError).message).toBe(code)
  return error as DpsError
}

/** The same bytes on every machine: xorshift32. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  let x = seed | 1
  for (let i = 0; i < length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    out[i] = x >>> 11
  }
  return out
}

/** A digest for each number, without content. */
export function digestNo(n: number): Digest {
  const digest = new Uint8Array(32)
  new DataView(digest.buffer).setFloat64(0, n)
  return digest
}

/** Manifests in memory, counting what was loaded. */
export class Blocks {
  readonly map = new Map<string, Uint8Array>()
  loads = 0

  readonly emit = (block: ManifestBlock): void => {
    expect(block.digest).toEqual(sha256(block.bytes))
    this.map.set(digestKey(block.digest), block.bytes)
  }

  readonly load: LoadManifest = async (cid) => {
    this.loads++
    const bytes = this.map.get(digestKey(digestOf(cid)))
    if (bytes === undefined) throw new DpsError('NOT_FOUND', `no ${cid.toString()}`)
    return bytes
  }
}

/** Cuts `bytes` as publishing does. */
export function cutAll(chunking: Chunking, bytes: Uint8Array): Uint8Array[] {
  const cutter = cutterFor(chunking)
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = cutter.cut(bytes.subarray(at), true)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

export async function fileOf(bytes: Uint8Array, chunking: Chunking, blocks: Blocks) {
  const builder = new FileTreeBuilder(chunking, blocks.emit)
  for (const chunk of cutAll(chunking, bytes)) await builder.add(sha256(chunk), chunk.length)
  return builder.finish(sha256(bytes))
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}
