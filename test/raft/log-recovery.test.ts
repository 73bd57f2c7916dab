/** What is trusted of records that no honest run leaves behind. */
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/raft/index.js'
import { type Found, type FoundPack, trustedOf } from '../../src/raft/level-log-recovery.js'
import type { Promises } from '../../src/raft/promises-file.js'
import { BOOT, commands, metaAt } from '../support/log-store-suite.js'

function pack(prevTerm: number, entries: Entry[], commit = 0): FoundPack {
  return { first: entries[0]!.index, bytes: 100, pack: { prevTerm, commit, entries } }
}

const bad = (first: number): FoundPack => ({ first, bytes: 100, pack: undefined })

const HARD = { term: 9, vote: 'a:1', commit: 0, damaged: false }
const NO_SNAPSHOT = {
  meta: { index: 0, term: 0, configuration: BOOT },
  generation: 0,
  first: 1,
}
const PROMISES: Promises = { term: 9, vote: 'a:1', kept: { index: 0, term: 0 }, generation: 0 }

function judge(found: Partial<Found>) {
  const trusted = trustedOf(
    {
      packs: [],
      hardState: HARD,
      snapshot: NO_SNAPSHOT,
      promises: PROMISES,
      damage: [],
      ...found,
    },
    BOOT,
  )!
  const { damaged, commit, term, vote } = trusted.hardState
  return {
    indexes: trusted.entries.map(({ index }) => index),
    damaged,
    commit,
    term,
    vote,
    losses: trusted.losses,
    snapshot: trusted.snapshot,
  }
}

const span = (from: number, to: number) => commands(from, to, 1).map(({ index }) => index)
const from5 = { meta: metaAt(5, 1), generation: 2, first: 3 }

describe('log recovery: the chain', () => {
  test.each<[string, FoundPack[], number[], boolean]>([
    ['whole', [pack(0, commands(1, 3, 1)), pack(1, commands(4, 6, 2))], span(1, 6), false],
    [
      'a missing record',
      [pack(0, commands(1, 3, 1)), pack(1, commands(5, 6, 1))],
      span(1, 3),
      true,
    ],
    ['a missing first one', [pack(1, commands(4, 6, 1))], [], true],
    ['a damaged last one', [pack(0, commands(1, 3, 1)), bad(4)], span(1, 3), true],
    ['a damaged only one', [bad(1)], [], true],
    [
      'an older one in place of what replaced it',
      [pack(0, commands(1, 3, 1)), pack(2, commands(4, 6, 2))],
      span(1, 3),
      true,
    ],
    [
      'two for the same entries',
      [pack(0, commands(1, 3, 1)), pack(1, commands(3, 6, 1))],
      span(1, 3),
      true,
    ],
  ])('log recovery: %s', (_name, packs, indexes, damaged) => {
    expect(judge({ packs })).toMatchObject({ indexes, damaged })
  })

  test.each<[string, FoundPack[], number[], boolean]>([
    ['below it', [bad(3), pack(1, commands(5, 8, 1))], span(5, 8), false],
    ['a gap below it', [pack(1, commands(3, 3, 1)), pack(1, commands(5, 8, 1))], span(5, 8), false],
    [
      'right below it',
      [pack(1, commands(3, 4, 1)), bad(5), pack(1, commands(6, 8, 1))],
      span(6, 8),
      false,
    ],
    [
      'right behind it',
      [pack(1, commands(3, 5, 1)), bad(6), pack(1, commands(8, 9, 1))],
      span(3, 5),
      true,
    ],
    ['from below it to an unknown end', [pack(1, commands(3, 3, 1)), bad(4)], [], true],
    ['another term at it', [pack(1, commands(3, 4, 1)), pack(1, commands(5, 8, 2))], [], true],
    ['another term before what follows', [pack(2, commands(6, 8, 2))], [], true],
    [
      'records that were given up',
      [pack(7, commands(1, 2, 7)), pack(1, commands(3, 6, 1))],
      span(3, 6),
      false,
    ],
    ['nothing behind it', [], [], false],
  ])('log recovery: with a snapshot at 5, damage %s', (_name, packs, indexes, damaged) => {
    expect(judge({ packs, snapshot: from5 })).toMatchObject({ indexes, damaged })
  })
})

describe('log recovery: the witnesses', () => {
  const packs = [pack(0, commands(1, 6, 1), 4)]

  test('log recovery: nothing anywhere is a fresh place', () => {
    const nothing: Found = {
      packs: [],
      hardState: 'missing',
      snapshot: 'missing',
      promises: undefined,
      damage: [],
    }
    expect(trustedOf(nothing, BOOT)).toBeUndefined()
    expect(() => trustedOf({ ...nothing, damage: ['a file'] }, BOOT)).toThrow('vote')
    expect(judge({ ...nothing, promises: PROMISES })).toMatchObject({
      indexes: [],
      damaged: true,
      term: 9,
      vote: 'a:1',
    })
  })

  test('log recovery: the later term, and the vote in it, win', () => {
    const older = { ...HARD, term: 8, vote: 'b:1' }
    expect(judge({ packs, hardState: older })).toMatchObject({
      term: 9,
      vote: 'a:1',
      damaged: true,
    })
    const newer = { ...HARD, term: 10, vote: 'c:1' }
    expect(judge({ packs, hardState: newer })).toMatchObject({
      term: 10,
      vote: 'c:1',
      damaged: false,
    })
    const unvoted = { ...HARD, vote: undefined }
    expect(judge({ packs, hardState: unvoted })).toMatchObject({ vote: 'a:1', damaged: true })
    const promises = { ...PROMISES, vote: undefined }
    expect(judge({ packs, promises })).toMatchObject({ vote: 'a:1', damaged: false })
    expect(judge({ packs, hardState: 'damaged' })).toMatchObject({ vote: 'a:1', damaged: true })
    expect(judge({ packs, promises: undefined })).toMatchObject({ vote: 'a:1', damaged: false })
  })

  test('log recovery: without any witness, or with two that disagree, the vote is lost', () => {
    const lost = { code: 'DATA_LOSS', hint: expect.stringContaining('join') }
    const cases: Partial<Found>[] = [
      { hardState: 'damaged', promises: undefined },
      { hardState: 'missing', promises: undefined },
      { hardState: { ...HARD, vote: 'b:1' } },
      // An entry of a term in which this replica must have promised something.
      { packs: [pack(0, commands(1, 2, 10))] },
    ]
    for (const found of cases) {
      expect(() => judge({ packs, ...found })).toThrow(expect.objectContaining(lost))
    }
  })

  test('log recovery: an entry that was durable, or committed, and is not there is a loss', () => {
    const kept = (index: number, term: number) => ({ ...PROMISES, kept: { index, term } })
    expect(judge({ packs, promises: kept(6, 1) }).damaged).toBe(false)
    expect(judge({ packs, promises: kept(7, 1) }).damaged).toBe(true)
    expect(judge({ packs, promises: kept(6, 2) }).damaged).toBe(true)
    expect(judge({ packs: [], snapshot: from5, promises: kept(5, 1) }).damaged).toBe(false)
    const beyond = judge({ packs, hardState: { ...HARD, commit: 9 } })
    expect(beyond).toMatchObject({ damaged: true, commit: 6 })
    expect(judge({ packs }).commit).toBe(4)
    expect(judge({ snapshot: from5 }).commit).toBe(5)
  })

  test('log recovery: a mark stays, and a lost snapshot keeps its generation', () => {
    expect(judge({ packs, hardState: { ...HARD, damaged: true } })).toMatchObject({
      damaged: true,
      losses: [],
    })
    const promises = { ...PROMISES, generation: 7 }
    const found = judge({ packs, snapshot: 'damaged', promises })
    expect(found).toMatchObject({ damaged: true, indexes: span(1, 6) })
    expect(found.snapshot).toMatchObject({ generation: 7, meta: { index: 0, configuration: BOOT } })
    expect(judge({ packs, promises }).damaged).toBe(true)
  })
})
