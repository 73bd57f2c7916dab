/**
 * The shape of a file's tree. It follows from the number of chunks (nodes fill from the left) and,
 * for fixed chunking, so does every length in it. Two trees for one content would be two file_ids,
 * so a tree of any other shape is refused.
 */
import { DpsError } from '../base/index.js'
import { type Chunking, chunkCount, effectiveChunking, offsetOfChunk } from './chunking.js'
import { compareDigests, digestHex, sha256 } from './cid.js'
import { type FileNode, type FileRoot, MANIFEST_CHILDREN_MAX } from './manifest.js'

/** Chunks below one full child of a node of that level: 1 for a leaf's. */
export function chunksPerChild(level: number): number {
  return MANIFEST_CHILDREN_MAX ** level
}

/** Where a node stands in its tree. */
export interface FilePosition {
  chunking: Chunking
  /** Index in the file of the first chunk below the node. */
  firstChunk: number
  /** Of the whole file. */
  chunks: number
  sizeBytes: number
}

/** @throws INVALID_ARGUMENT unless the lengths are what the file's chunker cuts. */
export function checkLengths(node: FileNode, position: FilePosition): void {
  const span = chunksPerChild(node.level)
  for (let i = 0; i < node.sizesBytes.length; i++) {
    const first = position.firstChunk + i * span
    const end = Math.min(first + span, position.chunks)
    const size = node.sizesBytes[i]!
    const { least, most } = lengthsOf(position, first, end)
    if (size < least || size > most) {
      throw bad(`child ${i}: the file's chunker does not cut ${size} bytes here`)
    }
  }
}

function lengthsOf(position: FilePosition, first: number, end: number) {
  const { chunking, chunks, sizeBytes } = position
  if (chunking.kind === 'fixed') {
    const to = end === chunks ? sizeBytes : offsetOfChunk(chunking, end)
    const bytes = to - offsetOfChunk(chunking, first)
    return { least: bytes, most: bytes }
  }
  // Only the file's last chunk may be shorter than the minimum.
  const whole = end === chunks ? end - first - 1 : end - first
  return {
    least: whole * chunking.minBytes + (end === chunks ? 1 : 0),
    most: (end - first) * chunking.maxBytes,
  }
}

/** @throws INVALID_ARGUMENT unless this can be the root of a file's tree. */
export function checkFileRoot(node: FileNode, root: FileRoot): void {
  const { level, chunks, sizeBytes } = node
  if (level > 0 && chunks <= chunksPerChild(level)) throw bad('a root higher than its chunks need')
  const { chunking } = root
  if (chunks === 0) {
    if (chunking !== undefined) throw bad('a chunker for no chunks')
    checkWhole(root, sha256(new Uint8Array(0)))
    return
  }
  if (chunking === undefined) throw bad('no chunker')
  if (chunking.kind === 'fixed') {
    if (effectiveChunking(chunking, sizeBytes).steps.length !== chunking.steps.length) {
      throw bad('a step of the chunker that the size does not reach')
    }
    const expected = chunkCount(chunking, sizeBytes)
    if (chunks !== expected) throw bad(`${chunks} chunks where the chunker cuts ${expected}`)
  }
  checkLengths(node, { chunking, firstChunk: 0, chunks, sizeBytes })
  if (level === 0 && chunks === 1) checkWhole(root, node.digests[0]!)
}

function checkWhole(root: FileRoot, expected: Uint8Array): void {
  if (compareDigests(root.sha256, expected) !== 0) {
    throw bad(`the sha2-256 of the content is not ${digestHex(expected)}`)
  }
}

function bad(why: string): DpsError {
  // Exit code 1: see `decodeManifest`.
  return new DpsError('INVALID_ARGUMENT', `manifest: ${why}`, { exitCode: 1 })
}
