/**
 * A chunk as it lies on disk: a header of 48 bytes, then the bytes. Integers are big-endian.
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 1 | version: 1 |
 * | 1 | 1 | kind: 1 chunk, 2 manifest |
 * | 2 | 2 | flags: 0 |
 * | 4 | 4 | length of the bytes |
 * | 8 | 32 | sha2-256 of the bytes |
 * | 40 | 4 | CRC-32C of the bytes |
 * | 44 | 4 | CRC-32C of the 44 bytes of header before it |
 *
 * The CRC is what a read checks (5 GB/s); the sha2-256 is for scrubs and for other peers.
 */
import { crc32c } from '@node-rs/crc32'
import { DpsError } from '../base/index.js'
import { MAX_CHUNK_BYTES } from './chunking.js'
import { type ChunkKind, DIGEST_BYTES, type Digest } from './cid.js'

export const RECORD_HEADER_BYTES = 48
export const RECORD_VERSION = 1

const KIND_BYTE: Record<ChunkKind, number> = { chunk: 1, manifest: 2 }
const AT_KIND = 1
const AT_FLAGS = 2
const AT_LENGTH = 4
const AT_DIGEST = 8
const AT_DATA_CRC = 40
const AT_HEADER_CRC = 44

export interface ChunkRecord {
  kind: ChunkKind
  digest: Digest
  bytes: Uint8Array
}

export interface RecordHeader {
  kind: ChunkKind
  digest: Digest
  /** Length of the bytes behind the header. */
  sizeBytes: number
  dataCrc: number
}

/**
 * The header alone, for those that write header and bytes from two buffers.
 * @throws INVALID_ARGUMENT above 4 MiB or for a digest that is not 32 bytes.
 */
export function encodeRecordHeader(record: ChunkRecord): Uint8Array {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  writeHeader(header, record, crc32c(record.bytes))
  return header
}

/** The header of bytes whose CRC is known already. */
export function packRecordHeader(fields: RecordHeader): Uint8Array {
  const header = new Uint8Array(RECORD_HEADER_BYTES)
  packHeader(header, fields)
  return header
}

/** Header and a copy of the bytes, in a buffer that is not shared with other threads. */
export function encodeRecord(record: ChunkRecord): Uint8Array {
  const out = new Uint8Array(RECORD_HEADER_BYTES + record.bytes.length)
  out.set(record.bytes, RECORD_HEADER_BYTES)
  // Over the copy: the original may be a slab that another thread can still write.
  writeHeader(out, record, crc32c(out.subarray(RECORD_HEADER_BYTES)))
  return out
}

function writeHeader(out: Uint8Array, { kind, digest, bytes }: ChunkRecord, dataCrc: number): void {
  packHeader(out, { kind, digest, sizeBytes: bytes.length, dataCrc })
}

function packHeader(out: Uint8Array, { kind, digest, sizeBytes, dataCrc }: RecordHeader): void {
  if (sizeBytes > MAX_CHUNK_BYTES) {
    throw new DpsError('INVALID_ARGUMENT', `chunk of ${sizeBytes} bytes: the most is 4 MiB`)
  }
  if (digest.length !== DIGEST_BYTES) {
    throw new DpsError('INVALID_ARGUMENT', `digest of ${digest.length} bytes: it has 32`)
  }
  const view = new DataView(out.buffer, out.byteOffset, RECORD_HEADER_BYTES)
  out[0] = RECORD_VERSION
  out[AT_KIND] = KIND_BYTE[kind]
  view.setUint16(AT_FLAGS, 0)
  view.setUint32(AT_LENGTH, sizeBytes)
  out.set(digest, AT_DIGEST)
  view.setUint32(AT_DATA_CRC, dataCrc)
  view.setUint32(AT_HEADER_CRC, crc32c(out.subarray(0, AT_HEADER_CRC)))
}

/**
 * The header alone: for scans that don't need the bytes.
 * @throws DATA_LOSS on damage, FAILED_PRECONDITION for an undamaged header of a newer version.
 */
export function decodeRecordHeader(record: Uint8Array): RecordHeader {
  if (record.length < RECORD_HEADER_BYTES) {
    throw damaged(`${record.length} bytes are no whole header`)
  }
  const view = new DataView(record.buffer, record.byteOffset, RECORD_HEADER_BYTES)
  if (view.getUint32(AT_HEADER_CRC) !== crc32c(record.subarray(0, AT_HEADER_CRC))) {
    throw damaged('the header fails its CRC')
  }
  if (record[0] !== RECORD_VERSION || view.getUint16(AT_FLAGS) !== 0) {
    throw new DpsError(
      'FAILED_PRECONDITION',
      `chunk record of version ${record[0]}, flags ${view.getUint16(AT_FLAGS)}: unknown`,
      { hint: 'use the dps-node version that wrote it, or a newer one' },
    )
  }
  const kind = record[AT_KIND]
  if (kind !== KIND_BYTE.chunk && kind !== KIND_BYTE.manifest) {
    throw damaged(`kind ${kind} is unknown`)
  }
  return {
    kind: kind === KIND_BYTE.chunk ? 'chunk' : 'manifest',
    digest: record.subarray(AT_DIGEST, AT_DIGEST + DIGEST_BYTES),
    sizeBytes: view.getUint32(AT_LENGTH),
    dataCrc: view.getUint32(AT_DATA_CRC),
  }
}

/**
 * Checks both CRCs, not the digest.
 * @returns views on `record`.
 * @throws DATA_LOSS on damage, FAILED_PRECONDITION for an undamaged header of a newer version.
 */
export function decodeRecord(record: Uint8Array): ChunkRecord {
  const { kind, digest, sizeBytes, dataCrc } = decodeRecordHeader(record)
  const bytes = record.subarray(RECORD_HEADER_BYTES)
  if (bytes.length !== sizeBytes) {
    throw damaged(`${bytes.length} bytes instead of ${sizeBytes}`)
  }
  if (crc32c(bytes) !== dataCrc) throw damaged('the bytes fail their CRC')
  return { kind, digest, bytes }
}

function damaged(why: string): DpsError {
  return new DpsError('DATA_LOSS', `chunk record damaged: ${why}`)
}
