/**
 * Values as they rest: u32 CRC-32C of key and value, then the value. LevelDB gives flipped bytes
 * back as they are; and a value under another key is as wrong as a changed one.
 */
import { crc32c } from '@node-rs/crc32'
import { DpsError } from '../base/index.js'
import { readU32, showKey, writeU32 } from './keys.js'

const CRC_BYTES = 4

export function sealValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(CRC_BYTES + value.byteLength)
  sealed.set(value, CRC_BYTES)
  writeU32(sealed, 0, crc32c(value, crc32c(key)))
  return sealed
}

/** @throws DATA_LOSS naming the key */
export function openValue(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  // Never the `Buffer` that LevelDB gives: its `slice` does not copy.
  const value = plainBytes(sealed, Math.min(CRC_BYTES, sealed.byteLength))
  const isWhole = sealed.byteLength >= CRC_BYTES
  if (isWhole && readU32(sealed, 0) === crc32c(value, crc32c(key))) return value
  throw new DpsError('DATA_LOSS', `the replicated state is damaged at ${showKey(key)}`, {
    hint: 'this replica heals itself from the other members of its cluster',
  })
}

/** A view that is a `Uint8Array` and nothing more. */
export function plainBytes(bytes: Uint8Array, from = 0): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, bytes.byteLength - from)
}
