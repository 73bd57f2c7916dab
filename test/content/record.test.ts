import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  type ChunkKind,
  decodeRecord,
  decodeRecordHeader,
  encodeRecord,
  encodeRecordHeader,
  MAX_CHUNK_BYTES,
  RECORD_HEADER_BYTES,
  sha256,
} from '../../src/content/index.js'
import { codeOf } from './support.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const kinds = fc.constantFrom<ChunkKind>('chunk', 'manifest')

test('record: golden bytes', () => {
  const bytes = new TextEncoder().encode('123456789')
  const record = encodeRecord({ kind: 'chunk', digest: sha256(bytes), bytes })
  // e3069283 is the check value of CRC-32C over these nine digits.
  expect(hex(record)).toBe(
    '0101000000000009' +
      '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225' +
      'e3069283' +
      'aed07ddd' +
      '313233343536373839',
  )
})

test('record: what is encoded is decoded, from shared memory too', () => {
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (kind, data, shared) => {
      const bytes = shared ? new Uint8Array(new SharedArrayBuffer(data.length)) : data
      bytes.set(data)
      const digest = sha256(data)
      const record = encodeRecord({ kind, digest, bytes })
      expect(record.buffer).toBeInstanceOf(ArrayBuffer)
      expect(decodeRecord(record)).toEqual({ kind, digest, bytes: data })
      expect(encodeRecordHeader({ kind, digest, bytes })).toEqual(
        record.slice(0, RECORD_HEADER_BYTES),
      )
      expect(decodeRecordHeader(record).sizeBytes).toBe(data.length)
    }),
  )
})

test('record: any single flipped bit, and any cut or added tail, is DATA_LOSS', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (bytes, at) => {
      const record = encodeRecord({ kind: 'manifest', digest: sha256(bytes), bytes })
      const bit = at % (record.length * 8)
      const flipped = record.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      codeOf(() => decodeRecord(flipped), 'DATA_LOSS')
      codeOf(() => decodeRecord(record.subarray(0, at % record.length)), 'DATA_LOSS')
      codeOf(() => decodeRecord(new Uint8Array([...record, 0])), 'DATA_LOSS')
    }),
    { numRuns: 500 },
  )
})

test('record: an undamaged record of a newer version says so', async () => {
  const { crc32c } = await import('@node-rs/crc32')
  const record = encodeRecord({
    kind: 'chunk',
    digest: sha256(new Uint8Array(0)),
    bytes: new Uint8Array(0),
  })
  const remake = (at: number, value: number) => {
    const other = record.slice()
    other[at] = value
    new DataView(other.buffer).setUint32(44, crc32c(other.subarray(0, 44)))
    return other
  }
  for (const newer of [remake(0, 2), remake(3, 1)]) {
    expect(codeOf(() => decodeRecord(newer), 'FAILED_PRECONDITION').hint).toMatch(/version/)
  }
  codeOf(() => decodeRecord(remake(1, 3)), 'DATA_LOSS')
})

test('record: random bytes are refused, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeRecord(bytes)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(DpsError)
      }
    }),
    { numRuns: 1000 },
  )
})

test('record: more than 4 MiB and digests of other lengths are refused', () => {
  const bytes = new Uint8Array(MAX_CHUNK_BYTES + 1)
  const digest = new Uint8Array(32)
  codeOf(() => encodeRecord({ kind: 'chunk', digest, bytes }), 'INVALID_ARGUMENT')
  const short = { kind: 'chunk' as const, digest: digest.subarray(1), bytes: bytes.subarray(1) }
  codeOf(() => encodeRecord(short), 'INVALID_ARGUMENT')
  expect(encodeRecord({ ...short, digest }).length).toBe(MAX_CHUNK_BYTES + RECORD_HEADER_BYTES)
})
