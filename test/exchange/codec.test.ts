import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { cidOf } from '../../src/content/index.js'
import * as codec from '../../src/exchange/codec.js'

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const kind = fc.constantFrom('chunk' as const, 'manifest' as const)
const plain = (bytes: Uint8Array) => [...bytes]

test('exchange: every message comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(digest, { minLength: 1, maxLength: 40 }), (digests) => {
      const back = codec.decodeHasRequest(codec.encodeHasRequest(digests))
      expect(back.map(plain)).toEqual(digests.map(plain))
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 1024 }), (present) => {
      expect(codec.decodeHasReply(codec.encodeHasReply(present), present.length)).toEqual(present)
    }),
  )
  fc.assert(
    fc.property(digest, kind, fc.nat(), fc.boolean(), (name, what, size, stored) => {
      const retrieve = codec.decodeRetrieveRequest(codec.encodeRetrieveRequest(name, size))
      expect([plain(retrieve.digest), retrieve.sizeMaxBytes]).toEqual([plain(name), size])
      const store = codec.decodeStoreRequest(codec.encodeStoreRequest(name, what))
      expect([plain(store.digest), store.kind]).toEqual([plain(name), what])
      expect(codec.decodeStoreReply(codec.encodeStoreReply(stored))).toEqual({ stored })
      const reply = { chunks: size, newBytes: size * 1_000_003 }
      expect(codec.decodeReplicateReply(codec.encodeReplicateReply(reply))).toEqual(reply)
      const from = { peerId: '12D3KooWabc', addrs: ['/ip4/127.0.0.1/tcp/1', '/dns4/a/tcp/2'] }
      const cid = cidOf(what, name)
      const replicate = codec.decodeReplicateRequest(codec.encodeReplicateRequest(cid, from))
      expect([replicate.cid.toString(), replicate.from]).toEqual([cid.toString(), from])
    }),
  )
})

test.each<[string, (bytes: Uint8Array) => unknown]>([
  ['has request', codec.decodeHasRequest],
  ['has reply', (bytes) => codec.decodeHasReply(bytes, 9)],
  ['retrieve request', codec.decodeRetrieveRequest],
  ['store request', codec.decodeStoreRequest],
  ['store reply', codec.decodeStoreReply],
  ['replicate request', codec.decodeReplicateRequest],
  ['replicate reply', codec.decodeReplicateReply],
])('exchange: whatever bytes come as a %s, it decodes or is INVALID_ARGUMENT', (_what, decode) => {
  const valid = [
    codec.encodeHasRequest([new Uint8Array(32)]),
    codec.encodeStoreRequest(new Uint8Array(32), 'chunk'),
    codec.encodeReplicateRequest(cidOf('chunk', new Uint8Array(32)), {
      peerId: 'abc',
      addrs: ['/ip4/1.2.3.4/tcp/1'],
    }),
  ]
  // Noise, and messages with one byte changed.
  const damaged = fc
    .tuple(fc.constantFrom(...valid), fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([bytes, at, flip]) =>
      bytes.map((byte, i) => (i === at % bytes.length ? byte ^ flip : byte)),
    )
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        decode(Uint8Array.from(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(DpsError)
        expect((error as DpsError).code).toBe('INVALID_ARGUMENT')
      }
    }),
    { numRuns: 1500 },
  )
})

test('exchange: messages beyond their limits are refused', () => {
  const digests = Array.from({ length: 1025 }, () => new Uint8Array(32))
  expect(() => codec.decodeHasRequest(codec.encodeHasRequest(digests))).toThrow(/bytes of digests/)
  expect(() => codec.decodeHasRequest(codec.encodeHasRequest([]))).toThrow(/0 bytes/)
  expect(() => codec.decodeHasReply(codec.encodeHasReply([true]), 9)).toThrow(/for 9 digests/)
  const short = codec.encodeRetrieveRequest(new Uint8Array(31), 1)
  expect(() => codec.decodeRetrieveRequest(short)).toThrow(/31 bytes/)
  const cid = cidOf('chunk', new Uint8Array(32))
  for (const from of [
    { peerId: '', addrs: [] },
    { peerId: '../etc', addrs: [] },
    { peerId: 'abc', addrs: ['http://example.org'] },
  ]) {
    const bytes = codec.encodeReplicateRequest(cid, from)
    expect(() => codec.decodeReplicateRequest(bytes)).toThrow(DpsError)
  }
})

test('exchange: the bytes on the wire are pinned', () => {
  const name = Uint8Array.from({ length: 32 }, (_, i) => i)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const digits = hex(name)
  expect(hex(codec.encodeRetrieveRequest(name, 262144))).toBe(`0a20${digits}10808010`)
  expect(hex(codec.encodeStoreRequest(name, 'manifest'))).toBe(`0a20${digits}1050`)
  expect(hex(codec.encodeStoreRequest(name, 'chunk'))).toBe(`0a20${digits}1055`)
  expect(hex(codec.encodeHasRequest([name]))).toBe(`0a20${digits}`)
  expect(hex(codec.encodeHasReply([true, false, true]))).toBe('0a0105')
})
