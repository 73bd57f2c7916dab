import { expect, test } from 'vitest'
import { Inflights } from '../../src/raft/core/inflights.js'
import { Progress } from '../../src/raft/core/progress.js'
import { configurationOf } from '../../src/raft/index.js'

const init = { next: 11, inflightMessagesMax: 2, inflightBytesMax: 100 }
const snapshot = { index: 20, term: 3, configuration: configurationOf(['a']) }

test('progress: a probe waits for its answer', () => {
  const progress = new Progress(init)
  progress.sent(3, 30, 0)
  expect(progress.isPaused).toBe(true)
  expect(progress.next).toBe(11)
  expect(progress.rejected(10, 6)).toBe(true)
  expect([progress.next, progress.isPaused]).toEqual([7, false])
})

test('progress: an answer that newer ones have overtaken is ignored', () => {
  const progress = new Progress(init)
  expect(progress.rejected(4, 2)).toBe(false)
  progress.acknowledged(12)
  progress.becomeReplicate()
  expect(progress.rejected(12, 5)).toBe(false)
  expect(progress.acknowledged(9)).toBe(false)
  expect([progress.match, progress.next]).toEqual([12, 13])
})

test('progress: a rejection of what flowed goes back to what is known to be there', () => {
  const progress = new Progress(init)
  progress.acknowledged(10)
  progress.becomeReplicate()
  progress.sent(2, 20, 0)
  progress.sent(2, 20, 0)
  expect(progress.next).toBe(15)
  expect(progress.isPaused).toBe(true)
  expect(progress.rejected(12, 11)).toBe(true)
  expect([progress.state, progress.next, progress.inflights.count]).toEqual(['probe', 11, 0])
})

test('progress: the window is bounded in messages and in bytes', () => {
  const messages = new Inflights(2, 1_000)
  messages.add(1, 10)
  expect(messages.full).toBe(false)
  messages.add(2, 10)
  expect(messages.full).toBe(true)
  messages.free(1)
  expect([messages.full, messages.count, messages.bytes]).toEqual([false, 1, 10])
  const bytes = new Inflights(100, 25)
  bytes.add(5, 20)
  expect(bytes.full).toBe(false)
  bytes.add(6, 20)
  expect(bytes.full).toBe(true)
  expect(() => bytes.add(7, 1)).toThrow('has room')
  bytes.free(6)
  expect([bytes.count, bytes.bytes]).toEqual([0, 0])
  expect(() => bytes.add(6, 1) ?? bytes.add(6, 1)).toThrow('in order')
})

test('progress: after a snapshot the next entry is the one behind it', () => {
  const progress = new Progress(init)
  progress.becomeSnapshot(snapshot)
  expect(progress.isPaused).toBe(true)
  expect(progress.rejected(10, 2)).toBe(false)
  progress.becomeProbe()
  expect(progress.next).toBe(21)
  expect(progress.pendingSnapshot).toBeUndefined()
})

test('progress: a member that lost its log starts over', () => {
  const progress = new Progress(init)
  progress.acknowledged(10)
  progress.becomeReplicate()
  progress.lost(4)
  expect([progress.match, progress.next, progress.state]).toEqual([0, 5, 'probe'])
})

test('progress: its invariants are checked', () => {
  const progress = new Progress(init)
  progress.check(10)
  progress.match = 11
  expect(() => progress.check(20)).toThrow('not sent again')
  progress.next = 12
  expect(() => progress.check(10)).toThrow('its leader does not')
  progress.state = 'snapshot'
  expect(() => progress.check(20)).toThrow('exactly in its state')
})
