import { expect, test } from 'vitest'
import { OwnWrites } from '../../src/store/own-writes.js'

function clockAt(ms: { now: number }) {
  return { now: () => ms.now, monotonicMs: () => ms.now }
}

test('own writes: what was there at the opening is not trusted, what came since is', () => {
  const time = { now: 0 }
  const own = new OwnWrites(clockAt(time), 60)
  own.mark(100)
  expect(own.has(99, 150)).toBe(false)
  expect(own.has(100, 150)).toBe(true)
})

test('own writes: trust ends with its time, also when nobody asked meanwhile', () => {
  const time = { now: 0 }
  const own = new OwnWrites(clockAt(time), 60)
  own.mark(100)
  time.now = 59
  expect(own.has(120, 200)).toBe(true)
  time.now = 61
  // Whether 120 was written a moment ago is not known any more; what comes from now on is.
  expect(own.has(120, 200)).toBe(false)
  expect(own.has(200, 201)).toBe(true)
})

test('own writes: the marks between keep what is young', () => {
  const time = { now: 0 }
  const own = new OwnWrites(clockAt(time), 60)
  own.mark(0)
  for (time.now = 10; time.now <= 70; time.now += 10) own.mark(time.now)
  time.now = 70
  expect(own.has(5, 71)).toBe(false)
  expect(own.has(20, 71)).toBe(true)
})

test('own writes: a trust of no time trusts nothing', () => {
  const own = new OwnWrites(clockAt({ now: 0 }), 0)
  own.mark(0)
  expect(own.has(10, 20)).toBe(false)
})
