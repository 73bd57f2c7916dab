/**
 * Keys of the replicated state: a letter for the subject, a slash, then fixed-width numbers and text.
 * Their byte order is the order of every listing and of snapshots.
 */
import { assert } from '../base/index.js'

/** Subjects. A letter is never given another meaning. */
export const PREFIX = {
  /** The state about itself. */
  meta: 'm/',
  /** Sessions by id. */
  sessions: 's/',
  /** Outcomes of a session's commands. */
  outcomes: 'r/',
} as const

export type KeyPart = string | number | Uint8Array

const encoder = new TextEncoder()

/** Numbers become u64 big-endian, text UTF-8. */
export function keyOf(...parts: readonly KeyPart[]): Uint8Array {
  let size = 0
  const pieces: (number | Uint8Array)[] = []
  for (const part of parts) {
    const piece = typeof part === 'string' ? bytesOf(part) : part
    pieces.push(piece)
    size += typeof piece === 'number' ? 8 : piece.byteLength
  }
  const key = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'number') writeU64(key, at, piece)
    else key.set(piece, at)
    at += typeof piece === 'number' ? 8 : piece.byteLength
  }
  return key
}

/** Of the prefixes and separators that keys are made with, over and over. */
const shortTexts = new Map<string, Uint8Array>()

function bytesOf(text: string): Uint8Array {
  if (text.length > 2) return encoder.encode(text)
  let bytes = shortTexts.get(text)
  if (bytes === undefined) {
    bytes = encoder.encode(text)
    // Names of files may be short too: those must not gather here.
    if (shortTexts.size < 256) shortTexts.set(text, bytes)
  }
  return bytes
}

/** By hand: a `DataView` for each number costs ten times as much, and this is done for every key. */
export function writeU64(into: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is no u64 of ours`)
  writeU32(into, at, Math.floor(value / 2 ** 32))
  writeU32(into, at + 4, value % 2 ** 32)
}

/** The number at `at`; beyond 2^53 it is not exact, so check what comes from outside. */
export function readU64(from: Uint8Array, at: number): number {
  return readU32(from, at) * 2 ** 32 + readU32(from, at + 4)
}

export function writeU32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24
  into[at + 1] = value >>> 16
  into[at + 2] = value >>> 8
  into[at + 3] = value
}

export function readU32(from: Uint8Array, at: number): number {
  return from[at]! * 2 ** 24 + ((from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!)
}

/** Negative, 0 or positive, by bytes. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** Every key of a state: keys begin with an ASCII letter. */
export const STATE_RANGE = { gte: encoder.encode('A'), lt: encoder.encode('{') } as const

/** The first key behind all that begin with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.byteLength
  while (length > 0 && prefix[length - 1] === 0xff) length--
  assert(length > 0, 'a prefix of only ff has no end')
  const end = prefix.slice(0, length)
  end[length - 1]! += 1
  return end
}

/** All keys that begin with these parts. */
export function rangeOf(...parts: readonly KeyPart[]): { gte: Uint8Array; lt: Uint8Array } {
  const gte = keyOf(...parts)
  return { gte, lt: prefixEnd(gte) }
}

/** The next key in order: where a listing goes on behind `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.byteLength + 1)
  next.set(key)
  return next
}

/** `toString('latin1')` without the `Buffer` around each key. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string
}

/** The key as text with one character for each byte: equal and ordered exactly as the bytes are. */
export function textOfKey(key: Uint8Array): string {
  return latin1Slice.call(key, 0, key.byteLength)
}

/** For messages: readable where it is text. */
export function showKey(key: Uint8Array): string {
  return textOfKey(key).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
