import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareKeys,
  keyAfter,
  keyOf,
  prefixEnd,
  readU64,
  showKey,
  textOfKey,
} from '../../src/metadata/keys.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = fc.uint8Array({ maxLength: 12 })

test('keys: numbers are eight bytes, big-endian, so that their order is the keys’ order', () => {
  expect(hex(keyOf('s/', 1))).toBe('732f0000000000000001')
  expect(hex(keyOf('e/', 2 ** 40 + 7, '/', 'ä'))).toBe('652f00000100000000072fc3a4')
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      expect(readU64(keyOf(a), 0)).toBe(a)
      expect(Math.sign(compareKeys(keyOf('a/', a), keyOf('a/', b)))).toBe(Math.sign(a - b))
    }),
  )
  expect(() => keyOf(-1)).toThrow('no u64')
  expect(() => keyOf(2 ** 53)).toThrow('no u64')
})

test('keys: as text they are equal and ordered as their bytes are', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const [left, right] = [textOfKey(a), textOfKey(b)]
      const order = left < right ? -1 : left > right ? 1 : 0
      expect(order).toBe(Math.sign(Buffer.compare(a, b)))
    }),
  )
})

test('keys: the end of a prefix is behind all that begin with it, and before all else', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (prefix, rest, other) => {
      fc.pre(prefix.some((byte) => byte !== 0xff))
      const end = prefixEnd(prefix)
      expect(compareKeys(Buffer.concat([prefix, rest]), end)).toBeLessThan(0)
      const begins = Buffer.compare(other.subarray(0, prefix.length), prefix) === 0
      if (!begins && compareKeys(other, prefix) > 0) {
        expect(compareKeys(other, end)).toBeGreaterThanOrEqual(0)
      }
    }),
  )
  expect(() => prefixEnd(new Uint8Array([0xff]))).toThrow('no end')
})

test('keys: nothing lies between a key and the next one', () => {
  fc.assert(
    fc.property(bytes, bytes, (key, other) => {
      const next = keyAfter(key)
      expect(compareKeys(key, next)).toBeLessThan(0)
      expect(compareKeys(other, key) > 0 && compareKeys(other, next) < 0).toBe(false)
    }),
  )
})

test('keys: in messages they are readable', () => {
  expect(showKey(keyOf('e/', 258, '/a'))).toBe('e/\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x02/a')
})
