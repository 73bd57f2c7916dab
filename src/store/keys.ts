/**
 * Keys and values of the two chunk databases. Integers are big-endian.
 *
 * `chunks/`: u64 sequence ‖ record header (48 bytes, content's record format) → the bytes.
 * The header lies in the key, in front of the bytes, so that a chunk is written without being
 * copied behind a header first, and so that keys alone rebuild the index. A key of a sequence and
 * nothing more (8 bytes) is a barrier's marker.
 *
 * `index/`: sha2-256 → u64 sequence, u8 kind, u32 length, u32 CRC-32C of the bytes; `q` ‖ sha2-256
 * → the same of a damaged chunk, then its reason (UTF-8); `state` → JSON.
 */
import {
  type ChunkKind,
  DIGEST_BYTES,
  type Digest,
  packRecordHeader,
  RECORD_HEADER_BYTES,
  type RecordHeader,
} from '../content/index.js'

/** Where a chunk lies. The header's digest makes a key of another chunk's record impossible. */
export interface Location {
  kind: ChunkKind
  sizeBytes: number
  /**
   * The position, in bytes, of the record in the log of everything ever stored: so that a range
   * of sequences is a known volume.
   */
  sequence: number
  dataCrc: number
}

export const SEQUENCE_BYTES = 8
export const CHUNK_KEY_BYTES = SEQUENCE_BYTES + RECORD_HEADER_BYTES
const LOCATION_BYTES = 17
const QUARANTINE_PREFIX = 0x71
export const QUARANTINE_KEY_BYTES = 1 + DIGEST_BYTES
export const STATE_KEY = new TextEncoder().encode('state')
/** Behind every key of `chunks/`: sequences stay below 2^53. */
export const AFTER_ALL_CHUNKS = new Uint8Array(SEQUENCE_BYTES).fill(0xff)

const KIND_BYTE: Record<ChunkKind, number> = { chunk: 1, manifest: 2 }

/** What a record takes of the log, and of the sequence numbers. */
export function recordBytes(sizeBytes: number): number {
  return CHUNK_KEY_BYTES + sizeBytes
}

export function sequenceKey(sequence: number): Uint8Array {
  const key = new Uint8Array(SEQUENCE_BYTES)
  writeU64(key, 0, sequence)
  return key
}

export function sequenceOfKey(key: Uint8Array): number {
  return readU64(key, 0)
}

export function chunkKey(digest: Digest, at: Location): Uint8Array {
  const { kind, sizeBytes, dataCrc } = at
  const key = new Uint8Array(CHUNK_KEY_BYTES)
  writeU64(key, 0, at.sequence)
  key.set(packRecordHeader({ kind, digest, sizeBytes, dataCrc }), SEQUENCE_BYTES)
  return key
}

export function headerOfKey(key: Uint8Array): Uint8Array {
  return key.subarray(SEQUENCE_BYTES)
}

export function locationOf(header: RecordHeader, sequence: number): Location {
  const { kind, sizeBytes, dataCrc } = header
  return { kind, sizeBytes, sequence, dataCrc }
}

export function encodeLocation({ kind, sizeBytes, sequence, dataCrc }: Location): Uint8Array {
  const out = new Uint8Array(LOCATION_BYTES)
  const view = new DataView(out.buffer)
  writeU64(out, 0, sequence)
  out[8] = KIND_BYTE[kind]
  view.setUint32(9, sizeBytes)
  view.setUint32(13, dataCrc)
  return out
}

/** `undefined` for what is no location: the index is damaged there. */
export function decodeLocation(value: Uint8Array): Location | undefined {
  if (value.length < LOCATION_BYTES) return undefined
  const kind = value[8] === KIND_BYTE.chunk ? 'chunk' : 'manifest'
  if (value[8] !== KIND_BYTE[kind]) return undefined
  const view = new DataView(value.buffer, value.byteOffset, LOCATION_BYTES)
  return {
    kind,
    sequence: readU64(value, 0),
    sizeBytes: view.getUint32(9),
    dataCrc: view.getUint32(13),
  }
}

export function quarantineKey(digest: Digest): Uint8Array {
  const key = new Uint8Array(QUARANTINE_KEY_BYTES)
  key[0] = QUARANTINE_PREFIX
  key.set(digest, 1)
  return key
}

export function encodeQuarantine(at: Location, reason: string): Uint8Array {
  return Buffer.concat([encodeLocation(at), Buffer.from(reason)])
}

export function decodeQuarantine(
  key: Uint8Array,
  value: Uint8Array,
): { digest: Digest; at: Location; reason: string } | undefined {
  const at = decodeLocation(value)
  if (at === undefined) return undefined
  const reason = new TextDecoder().decode(value.subarray(LOCATION_BYTES))
  return { digest: key.slice(1), at, reason }
}

function writeU64(out: Uint8Array, offset: number, value: number): void {
  const view = new DataView(out.buffer, out.byteOffset + offset, 8)
  view.setUint32(0, Math.floor(value / 2 ** 32))
  view.setUint32(4, value >>> 0)
}

function readU64(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}
