import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecordHeader, MAX_CHUNK_BYTES } from '../../src/content/index.js'
import {
  chunkKey,
  decodeLocation,
  decodeQuarantine,
  encodeLocation,
  encodeQuarantine,
  headerOfKey,
  type Location,
  locationOf,
  quarantineKey,
  sequenceOfKey,
} from '../../src/store/keys.js'

const locations = fc.record<Location>({
  kind: fc.constantFrom('chunk', 'manifest'),
  sizeBytes: fc.integer({ min: 0, max: MAX_CHUNK_BYTES }),
  sequence: fc.maxSafeNat(),
  dataCrc: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
})
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('store keys: golden bytes', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, i) => i)
  const at: Location = {
    kind: 'manifest',
    sizeBytes: 258,
    sequence: 2 ** 40 + 7,
    dataCrc: 0xdeadbeef,
  }
  expect(Buffer.from(encodeLocation(at)).toString('hex')).toBe(
    '0000010000000007' + '02' + '00000102' + 'deadbeef',
  )
  expect(Buffer.from(chunkKey(digest, at)).toString('hex')).toMatch(
    /^0000010000000007010200000000010200010203[0-9a-f]{56}deadbeef[0-9a-f]{8}$/,
  )
  expect(Buffer.from(quarantineKey(digest)).toString('hex')).toMatch(/^71000102/)
})

test('store keys: what is written is read, and keys sort by their sequence', () => {
  fc.assert(
    fc.property(digests, locations, locations, fc.string(), (digest, at, other, reason) => {
      expect(decodeLocation(encodeLocation(at))).toEqual(at)
      const key = chunkKey(digest, at)
      const header = decodeRecordHeader(headerOfKey(key))
      expect(locationOf(header, sequenceOfKey(key))).toEqual(at)
      expect(Buffer.from(header.digest)).toEqual(Buffer.from(digest))
      const order = Buffer.compare(key, chunkKey(digest, other))
      if (at.sequence !== other.sequence) {
        expect(Math.sign(order)).toBe(Math.sign(at.sequence - other.sequence))
      }
      const row = decodeQuarantine(quarantineKey(digest), encodeQuarantine(at, reason))
      expect(row).toEqual({ digest, at, reason: Buffer.from(reason).toString() })
    }),
  )
})

test('store keys: random bytes in the index are an answer, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const at = decodeLocation(bytes)
      if (at !== undefined) expect(Number.isSafeInteger(at.sequence)).toBe(true)
      decodeQuarantine(new Uint8Array(33), bytes)
    }),
    { numRuns: 2000 },
  )
})
