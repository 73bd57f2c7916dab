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
  const pieces = parts.map((part) => {
    if (typeof part === 'string') return encoder.encode(part)
    return typeof part === 'number' ? u64(part) : part
  })
  const key = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    key.set(piece, at)
    at += piece.byteLength
  }
  return key
}

export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  writeU64(bytes, 0, value)
  return bytes
}

export function writeU64(into: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is no u64 of ours`)
  const view = new DataView(into.buffer, into.byteOffset)
  view.setUint32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value % 2 ** 32)
}

/** The number at `at`; beyond 2^53 it is not exact, so check what comes from outside. */
export function readU64(from: Uint8Array, at: number): number {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength)
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}

export function writeU32(into: Uint8Array, at: number, value: number): void {
  new DataView(into.buffer, into.byteOffset).setUint32(at, value)
}

export function readU32(from: Uint8Array, at: number): number {
  return new DataView(from.buffer, from.byteOffset, from.byteLength).getUint32(at)
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

/** The key as text with one character for each byte: equal and ordered exactly as the bytes are. */
export function textOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

/** For messages: readable where it is text. */
export function showKey(key: Uint8Array): string {
  return textOfKey(key).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
