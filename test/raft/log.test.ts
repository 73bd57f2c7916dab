import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Log } from '../../src/raft/core/log.js'
import { configurationOf, type Entry } from '../../src/raft/index.js'
import { entriesOf } from './cluster.js'

const configuration = configurationOf(['a'])
const boot = { index: 0, term: 0, configuration }

function logOf(terms: number[], commit = 0, applied = 0): Log {
  return new Log({ snapshot: boot, entries: entriesOf(...terms), commit, applied })
}

const termsOf = (log: Log) => {
  const terms: (number | undefined)[] = []
  for (let index = log.first; index <= log.last; index++) terms.push(log.term(index))
  return terms
}

/** Entries from `from` on with these terms. */
const from = (start: number, ...terms: number[]): Entry[] =>
  entriesOf(...Array<number>(start - 1).fill(1), ...terms).slice(start - 1)

test('log: an append that does not fit changes nothing', () => {
  const log = logOf([1, 1, 2])
  expect(log.accept(3, 1, from(4, 3))).toBeUndefined()
  expect(log.accept(4, 2, from(5, 3))).toBeUndefined()
  expect(termsOf(log)).toEqual([1, 1, 2])
})

test('log: a late, short append does not cut off what a newer one brought', () => {
  const log = logOf([1, 1])
  expect(log.accept(2, 1, from(3, 1, 1, 1))).toBe(5)
  expect(log.accept(2, 1, from(3, 1))).toBe(3)
  expect(termsOf(log)).toEqual([1, 1, 1, 1, 1])
})

test('log: the first entry that differs replaces the tail, on disk too', () => {
  const log = logOf([1, 1, 1, 1, 1], 2)
  expect(log.stable).toBe(5)
  expect(log.accept(2, 1, from(3, 2, 2))).toBe(4)
  expect(termsOf(log)).toEqual([1, 1, 2, 2])
  expect(log.stable).toBe(2)
  expect(log.unstable().map(({ index }) => index)).toEqual([3, 4])
})

test('log: what is committed is never replaced', () => {
  const log = logOf([1, 1, 1], 3)
  expect(() => log.accept(1, 1, from(2, 2))).toThrow('committed and stays')
})

test('log: a batch whose tail was replaced meanwhile does not count as stable', () => {
  const log = logOf([1], 1)
  log.accept(1, 1, from(2, 1, 1))
  const { last, lastTerm } = log
  log.accept(1, 1, from(2, 2))
  log.stableTo(last, lastTerm)
  expect(log.stable).toBe(1)
  log.stableTo(2, 2)
  expect(log.stable).toBe(2)
})

test('log: back-off skips a whole term at once', () => {
  const log = logOf([1, 1, 1, 2, 2, 2, 3, 3])
  expect(log.conflict(8, 2)).toEqual({ index: 6, term: 2 })
  expect(log.conflict(100, 1)).toEqual({ index: 3, term: 1 })
  expect(log.conflict(8, 0)).toEqual({ index: 0, term: 0 })
})

test('log: a batch keeps within its bytes but holds at least one entry', () => {
  const log = logOf([1, 1, 1, 1])
  expect(log.slice(1, 1).map(({ index }) => index)).toEqual([1])
  expect(log.slice(1, 75).map(({ index }) => index)).toEqual([1, 2])
  expect(log.slice(5, 75)).toEqual([])
})

test('log: committed entries are handed out once, and not before they are committed', () => {
  const log = logOf([1, 1, 1, 1])
  expect(log.takeApplicable(1_000)).toEqual([])
  log.commitTo(3)
  expect(log.takeApplicable(75).map(({ index }) => index)).toEqual([1, 2])
  expect(() => log.appliedTo(3)).toThrow('handed out')
  log.appliedTo(2)
  expect(log.takeApplicable(1_000).map(({ index }) => index)).toEqual([3])
  expect(log.takeApplicable(1_000)).toEqual([])
})

test('log: compaction keeps what it is told to and the term before it', () => {
  const log = logOf([1, 1, 2, 2, 3], 5, 5)
  log.compact({ index: 5, term: 3, configuration }, 3)
  expect([log.first, log.last]).toEqual([4, 5])
  expect([log.term(2), log.term(3), log.term(4)]).toEqual([undefined, 2, 2])
  expect(log.snapshot.index).toBe(5)
  expect(log.sizeBytes).toBe(log.bytesBetween(3, 5))
  expect(() => log.compact({ index: 6, term: 3, configuration }, 6)).toThrow('what was applied')
})

test('log: a snapshot replaces everything, and is applied when it is installed', () => {
  const log = logOf([1, 1, 1, 1, 1, 1], 2)
  const snapshot = { index: 4, term: 2, configuration }
  log.restore(snapshot)
  expect([log.first, log.last, log.committed, log.stable]).toEqual([5, 4, 4, 4])
  expect(log.hasApplicable).toBe(false)
  log.accept(4, 2, from(5, 2))
  log.commitTo(5)
  expect(log.hasApplicable).toBe(false)
  log.installed(snapshot)
  expect(log.applied).toBe(4)
  expect(log.takeApplicable(1_000).map(({ index }) => index)).toEqual([5])
  expect(() => log.restore(snapshot)).toThrow('never takes back')
})

test('log: a newer snapshot is not taken for the one that was being installed', () => {
  const log = logOf([])
  const first = { index: 4, term: 2, configuration }
  const second = { index: 9, term: 2, configuration }
  log.restore(first)
  log.restore(second)
  log.installed(first)
  expect(log.installing).toEqual(second)
  log.installed(second)
  expect(log.installing).toBeUndefined()
})

test('log: a start finds its place again from snapshot and kept entries', () => {
  const entries = entriesOf(1, 1, 2, 2, 3).slice(1)
  const snapshot = { index: 4, term: 2, configuration }
  const log = new Log({ snapshot, entries, commit: 3, applied: 5 })
  expect([log.first, log.last, log.committed, log.applied]).toEqual([3, 5, 5, 5])
  const gap = { snapshot, entries: entriesOf(1, 1, 2, 2, 3, 3).slice(5), commit: 4, applied: 4 }
  expect(() => new Log(gap)).toThrow('follows')
  const other = { snapshot: { ...snapshot, term: 1 }, entries, commit: 4, applied: 4 }
  expect(() => new Log(other)).toThrow('snapshot')
  const short = { snapshot, entries: [], commit: 7, applied: 4 }
  expect(() => new Log(short)).toThrow('committed is in the log')
})

test('log: whatever leaders send, sizes, cursors and terms stay consistent', () => {
  // A model: a plain array of terms, index 0 unused.
  const send = fc.record({ at: fc.nat(12), length: fc.nat(4), commit: fc.nat(14) })
  fc.assert(
    fc.property(fc.array(send, { maxLength: 30 }), (sends) => {
      const log = logOf([])
      let model = [0]
      let term = 0
      for (const { at, length, commit } of sends) {
        term++
        const prevIndex = Math.min(at, model.length)
        if (prevIndex < log.committed) continue
        const prevTerm = model[prevIndex] ?? term
        const entries = from(prevIndex + 1, ...Array<number>(length).fill(term))
        const last = log.accept(prevIndex, prevTerm, entries)
        expect(last === undefined).toBe(prevIndex >= model.length)
        if (last === undefined) continue
        if (length > 0) model = [...model.slice(0, prevIndex + 1), ...Array(length).fill(term)]
        log.commitTo(Math.min(commit, last))
        log.check()
        expect(termsOf(log)).toEqual(model.slice(1))
        expect(log.sizeBytes).toBe(log.bytesBetween(0, log.last))
        if (commit % 3 === 0) log.stableTo(log.last, log.lastTerm)
      }
    }),
  )
})
