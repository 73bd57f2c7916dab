import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Reads } from '../../src/raft/core/reads.js'
import { settingsOf } from '../../src/raft/core/settings.js'
import { Tracker } from '../../src/raft/core/tracker.js'
import { changeConfiguration, configurationOf, Raft } from '../../src/raft/index.js'
import { Cluster } from './cluster.js'

const settings = settingsOf({
  id: 'a',
  electionTicks: 10,
  heartbeatTicks: 1,
  random: { next: () => 0 },
  start: Cluster.of(['a']).get('a').disk,
})

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const context = new Uint8Array()

test('tracker: what a majority holds, whatever the order and the size', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }), (matches) => {
      const voters = names.slice(0, matches.length)
      const tracker = new Tracker(configurationOf(voters), settings)
      tracker.lead('a', 20)
      for (const [at, match] of matches.entries()) tracker.progress.get(voters[at]!)!.match = match
      const agreed = tracker.agreedMatch()
      const holding = (index: number) => matches.filter((match) => match >= index).length
      expect(holding(agreed)).toBeGreaterThan(matches.length / 2)
      expect(holding(agreed + 1)).toBeLessThanOrEqual(matches.length / 2)
    }),
  )
})

test('tracker: learners count neither for votes nor for what is committed', () => {
  const tracker = new Tracker(configurationOf(['a', 'b'], ['d', 'e']), settings)
  tracker.lead('a', 20)
  for (const id of ['a', 'd', 'e']) tracker.progress.get(id)!.match = 9
  expect(tracker.agreedMatch()).toBe(0)
  tracker.recordVote('a', true)
  tracker.recordVote('d', true)
  expect(tracker.recordVote('e', true)).toBe('pending')
  expect(tracker.recordVote('b', true)).toBe('won')
})

test('tracker: the first answer of a voter counts, and a lost majority is known early', () => {
  const tracker = new Tracker(configurationOf(['a', 'b', 'c', 'd']), settings)
  expect(tracker.recordVote('a', true)).toBe('pending')
  expect(tracker.recordVote('b', false)).toBe('pending')
  expect(tracker.recordVote('b', true)).toBe('pending')
  expect(tracker.recordVote('c', false)).toBe('lost')
})

test('tracker: a quorum is active once a period; a newcomer gets one of grace', () => {
  const tracker = new Tracker(configurationOf(['a', 'b', 'c']), settings)
  tracker.lead('a', 20)
  expect(tracker.quorumActive('a')).toBe(false)
  tracker.progress.get('b')!.recentActive = true
  expect(tracker.quorumActive('a')).toBe(true)
  expect(tracker.quorumActive('a')).toBe(false)
  tracker.change({ kind: 'addVoter', id: 'd', context }, true, 20)
  expect(tracker.progress.get('d')!.recentActive).toBe(true)
})

test('configuration: canonical, and changed by one member at a time', () => {
  const start = configurationOf(['c', 'a', 'a'], ['x', 'b'])
  expect(start).toEqual({ voters: ['a', 'c'], learners: ['b', 'x'] })
  expect(changeConfiguration(start, { kind: 'addVoter', id: 'b', context })).toEqual({
    voters: ['a', 'b', 'c'],
    learners: ['x'],
  })
  expect(changeConfiguration(start, { kind: 'addLearner', id: 'c', context })).toEqual({
    voters: ['a'],
    learners: ['b', 'c', 'x'],
  })
  expect(changeConfiguration(start, { kind: 'remove', id: 'z', context })).toBe(start)
  expect(() => configurationOf([])).toThrow('needs a voter')
  expect(() => configurationOf(['a'], ['a'])).toThrow('at once')
  const one = configurationOf(['a'])
  expect(() => changeConfiguration(one, { kind: 'remove', id: 'a', context })).toThrow('last voter')
})

test('configuration: majorities before and after any change overlap', () => {
  const kind = fc.constantFrom('addVoter' as const, 'addLearner' as const, 'remove' as const)
  const who = fc.constantFrom(...names)
  fc.assert(
    fc.property(fc.subarray(names, { minLength: 2 }), kind, who, (voters, what, id) => {
      const before = configurationOf(voters)
      const after = changeConfiguration(before, { kind: what, id, context })
      const all = new Set([...before.voters, ...after.voters]).size
      const quorum = (size: number) => Math.floor(size / 2) + 1
      expect(quorum(before.voters.length) + quorum(after.voters.length)).toBeGreaterThan(all)
    }),
  )
})

test('reads: a round confirms all before it, and none that came later', () => {
  const reads = new Reads()
  reads.add('r1', 'a', false, 0)
  reads.add('r2', 'b', false, 0)
  expect(reads.confirm(9)).toEqual([])
  expect(reads.startRound(5)).toBe(1)
  reads.add('r3', 'a', false, 0)
  expect(reads.confirm(1).map(({ context, index }) => [context, index])).toEqual([
    ['r1', 5],
    ['r2', 5],
  ])
  expect(reads.confirm(1)).toEqual([])
  expect(reads.startRound(7)).toBe(2)
  expect(reads.confirm(2)).toEqual([{ context: 'r3', from: 'a', heal: false, index: 7, round: 2 }])
  expect(reads.hasWaiting).toBe(false)
})

test('settings: what cannot work is named', () => {
  const start = Cluster.of(['a']).get('a').disk
  const make = (electionTicks: number, heartbeatTicks: number, appendBytesMax = 1) =>
    new Raft({
      id: 'a',
      start,
      random: { next: () => 0 },
      electionTicks,
      heartbeatTicks,
      appendBytesMax,
    })
  expect(() => make(1, 1)).toThrow('electionTicks must exceed')
  expect(() => make(10, 0)).toThrow('heartbeatTicks must be a positive')
  expect(() => make(10, 1, 0.5)).toThrow('appendBytesMax')
  make(10, 1)
})
