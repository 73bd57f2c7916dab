import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { base36 } from 'multiformats/bases/base36'
import { base64url } from 'multiformats/bases/base64'
import { bases } from 'multiformats/basics'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 as hasher, sha512 } from 'multiformats/hashes/sha2'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  cidOf,
  compareDigests,
  digestHex,
  digestKey,
  digestOf,
  digestOfKey,
  formatCid,
  kindOf,
  parseCid,
  sha256,
  verifyChunk,
} from '../../src/content/index.js'
import { codeOf } from './support.js'

const HELLO = new TextEncoder().encode('hello world\n')

test('cid: a chunk has the CID of an IPFS raw leaf', async () => {
  // `printf 'hello world\n' | ipfs add --cid-version=1 --raw-leaves` prints the base32 form.
  const cid = cidOf('chunk', sha256(HELLO))
  expect(cid.toString()).toBe('bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4')
  expect(formatCid(cid)).toBe('zb2rhi36Gc9GJWijLEL6zW45MBux5FcFv5gJmjXA7VAMozEXY')
  const theirs = CID.createV1(raw.code, await hasher.digest(HELLO))
  expect(theirs.equals(cid)).toBe(true)
})

test('cid: a chunk of 256 KiB of zeros and the empty chunk have their known names', () => {
  expect(cidOf('chunk', sha256(new Uint8Array(262_144))).toString()).toBe(
    'bafkreiekhhjkxu4ztk3tyng3er3ijhg56mb44oe3gwbgquhzu4afrg2ksa',
  )
  expect(cidOf('chunk', sha256(new Uint8Array(0))).toString()).toBe(
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
  )
})

test('cid: every multibase, /ipfs/ and ipfs:// are read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
      for (const kind of ['chunk', 'manifest'] as const) {
        const cid = cidOf(kind, digest)
        for (const base of Object.values(bases)) {
          if (base.name === 'identity') continue
          const text = base.encode(cid.bytes)
          for (const spelling of [text, `/ipfs/${text}`, `ipfs://${text}`]) {
            const read = parseCid(spelling)
            expect(read.equals(cid)).toBe(true)
            expect(kindOf(read)).toBe(kind)
          }
        }
        expect(parseCid(formatCid(cid)).equals(cid)).toBe(true)
        expect(formatCid(cid)).toMatch(/^z/)
      }
    }),
    { numRuns: 20 },
  )
})

test('cid: what can name nothing here is refused, saying what is accepted', async () => {
  const digest = sha256(HELLO)
  const padded = new Uint8Array([1, 0xd5, 0, 0x12, 32, ...digest])
  const refused: [string, RegExp][] = [
    ['QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o', /CIDv0/],
    [CID.createV1(0x70, await hasher.digest(HELLO)).toString(), /codec is 0x70/],
    [CID.createV1(0x55, await sha512.digest(HELLO)).toString(), /hash is 0x13/],
    [base64url.encode(padded), /canonical|not a CID/],
    [base36.encode(new Uint8Array([1, 0x55, 0x12, 32, ...digest, 0])), /not a CID/],
    ['', /multibase|not a CID/],
    ['z', /not a CID/],
    ['hello', /not a CID/],
    ['/ipfs/', /multibase|not a CID/],
    [`${formatCid(cidOf('chunk', digest))}/x`, /not a CID/],
    [`z${'1'.repeat(1_000_000)}`, /too long/],
  ]
  for (const [text, why] of refused) {
    const error = codeOf(() => parseCid(text), 'INVALID_ARGUMENT')
    expect(error.message).toMatch(why)
    expect(error.message.length).toBeLessThan(300)
    expect(error.hint).toMatch(/CIDv1 .* raw \(0x55\) or protobuf \(0x50\) .* sha2-256/)
  }
})

test('cid: no text crashes the parser', () => {
  const prefixed = fc
    .tuple(fc.constantFrom(...Object.values(bases).map((base) => base.prefix)), fc.string())
    .map(([prefix, rest]) => prefix + rest)
  fc.assert(
    fc.property(fc.oneof(fc.string(), prefixed, fc.string({ unit: 'binary' })), (text) => {
      try {
        const cid = parseCid(text)
        expect(cidOf(kindOf(cid), digestOf(cid)).equals(cid)).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(DpsError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('cid: map keys tell digests apart and give them back', () => {
  const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(digest, digest, (a, b) => {
      expect(digestOfKey(digestKey(a))).toEqual(a)
      expect(digestKey(a).length).toBe(32)
      expect(digestKey(a) === digestKey(b)).toBe(Buffer.compare(a, b) === 0)
      expect(Math.sign(compareDigests(a, b))).toBe(Buffer.compare(a, b))
      expect(digestHex(a)).toBe(Buffer.from(a).toString('hex'))
    }),
  )
})

test('cid: bytes that do not match their name are DATA_LOSS', () => {
  const digest = createHash('sha256').update(HELLO).digest()
  verifyChunk(digest, HELLO)
  verifyChunk(cidOf('chunk', digest), HELLO)
  const flipped = HELLO.slice()
  flipped[3]! ^= 1
  codeOf(() => verifyChunk(digest, flipped), 'DATA_LOSS')
  codeOf(() => verifyChunk(cidOf('chunk', digest), HELLO.subarray(1)), 'DATA_LOSS')
})
