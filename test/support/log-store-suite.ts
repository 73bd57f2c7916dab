/** The contract of a log store, run over every implementation. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Configuration,
  configurationOf,
  type Entry,
  type HardState,
  type LogContents,
  type LogStore,
  type SnapshotMeta,
} from '../../src/raft/index.js'

/** One place that outlives its handles. */
export interface LogPlace {
  /** A new handle, not opened yet. */
  store(): LogStore
  /** Ends an opened handle, with a crash where the implementation has one. */
  end(store: LogStore): Promise<void>
}

export const BOOT: Configuration = configurationOf(['a:1', 'b:1', 'c:1'])

export function command(index: number, term: number, text = `${term}/${index}`): Entry {
  return { kind: 'command', index, term, data: new TextEncoder().encode(text) }
}

/** Entries `from` to `to`, all of one term. */
export function commands(from: number, to: number, term: number): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => command(from + i, term))
}

export function metaAt(index: number, term: number): SnapshotMeta {
  return { index, term, configuration: configurationOf(['a:1', 'b:1'], ['d:2']) }
}

/** With data as plain arrays, so that a Buffer equals a Uint8Array. */
export function plain(entries: readonly Entry[]): unknown[] {
  return entries.map((entry) =>
    entry.kind === 'command' ? { ...entry, data: [...entry.data] } : entry,
  )
}

/** Reads what is stored with a handle of its own. */
export async function read(place: LogPlace): Promise<LogContents> {
  const store = place.store()
  const contents = await store.open(BOOT)
  await store.close()
  return contents
}

/** What must be in the log from the snapshot on; what is kept below it must not contradict. */
function expectLog(contents: LogContents, wanted: readonly Entry[]): void {
  const { entries, snapshot } = contents
  const first = entries[0]?.index ?? snapshot.index + 1
  expect(first).toBeLessThanOrEqual(snapshot.index + 1)
  expect(plain(entries)).toEqual(plain(wanted.filter(({ index }) => index >= first)))
  const behind = wanted.filter(({ index }) => index > snapshot.index)
  expect(plain(entries.filter(({ index }) => index > snapshot.index))).toEqual(plain(behind))
}

export function logStoreSuite(name: string, makePlace: () => Promise<LogPlace>): void {
  const scenario = (
    title: string,
    run: (store: LogStore, place: LogPlace) => Promise<unknown>,
  ): void => {
    test(`${name}: ${title}`, async () => {
      const place = await makePlace()
      const store = place.store()
      await store.open(BOOT)
      await run(store, place)
      await store.close()
    })
  }
  const again = async (store: LogStore, place: LogPlace) => {
    await place.end(store)
    return read(place)
  }

  describe('log store', () => {
    test(`${name}: an empty place gives the boot contents, also the second time`, async () => {
      const place = await makePlace()
      for (let i = 0; i < 2; i++) {
        expect(await read(place)).toEqual({
          hardState: { term: 0, vote: undefined, commit: 0 },
          snapshot: { index: 0, term: 0, configuration: BOOT },
          entries: [],
          generation: 0,
          damaged: false,
        })
      }
    })

    scenario('every kind of entry and the hard state come back', async (store, place) => {
      const entries: Entry[] = [
        { kind: 'noop', index: 1, term: 3 },
        command(2, 3),
        { kind: 'command', index: 3, term: 4, data: new Uint8Array(0) },
        {
          kind: 'config',
          index: 4,
          term: 4,
          change: { kind: 'addLearner', id: 'd:2', context: new Uint8Array([0, 255]) },
        },
      ]
      const hardState: HardState = { term: 4, vote: 'b:1', commit: 2 }
      await store.save({ hardState, entries, sync: true })
      const contents = await again(store, place)
      expect(contents.hardState).toEqual(hardState)
      expect(plain(contents.entries)).toEqual(plain(entries))
      expect(contents.damaged).toBe(false)
    })

    scenario('what is not named stays as it was', async (store, place) => {
      const hardState: HardState = { term: 2, vote: 'a:1', commit: 0 }
      await store.save({ hardState, entries: commands(1, 3, 2), sync: true })
      await store.save({ entries: commands(4, 5, 2), sync: true })
      await store.save({ hardState: { ...hardState, commit: 4 }, entries: [], sync: true })
      const contents = await again(store, place)
      expect(contents.hardState).toEqual({ term: 2, vote: 'a:1', commit: 4 })
      expectLog(contents, commands(1, 5, 2))
    })

    const cuts = Array.from({ length: 9 }, (_, i) => i + 2)
    test.each(cuts)(`${name}: entries from %i on are replaced by fewer`, async (from) => {
      const place = await makePlace()
      const store = place.store()
      await store.open(BOOT)
      const hardState: HardState = { term: 2, vote: undefined, commit: 1 }
      // Records of several, of one, and of several entries.
      await store.save({ hardState, entries: commands(1, 4, 1), sync: true })
      await store.save({ entries: commands(5, 5, 1), sync: true })
      await store.save({ entries: commands(6, 10, 1), sync: true })
      const wanted = [...commands(1, from - 1, 1), ...commands(from, from, 2)]
      await store.save({ hardState, entries: commands(from, from, 2), sync: true })
      expectLog(await again(store, place), wanted)
      const next = place.store()
      await next.open(BOOT)
      await next.save({ entries: commands(from + 1, from + 3, 2), sync: true })
      expectLog(await again(next, place), [...wanted, ...commands(from + 1, from + 3, 2)])
    })

    scenario('a snapshot replaces the whole log, and entries continue it', async (store, place) => {
      const hardState: HardState = { term: 7, vote: undefined, commit: 3 }
      await store.save({ hardState, entries: commands(1, 20, 3), sync: true })
      const meta = metaAt(12, 7)
      await store.save({
        hardState: { ...hardState, commit: 12 },
        snapshot: { meta, generation: 4 },
        entries: [],
        sync: true,
      })
      const contents = await again(store, place)
      expect(contents).toMatchObject({ snapshot: meta, generation: 4, entries: [] })
      expect(contents.hardState.commit).toBe(12)
      const next = place.store()
      await next.open(BOOT)
      await next.save({ entries: commands(13, 15, 7), sync: true })
      expectLog(await again(next, place), commands(13, 15, 7))
    })

    scenario('a snapshot beyond the log, with entries in one batch', async (store, place) => {
      const hardState: HardState = { term: 1, vote: undefined, commit: 0 }
      await store.save({ hardState, entries: commands(1, 3, 1), sync: true })
      await store.save({
        hardState: { term: 5, vote: undefined, commit: 100 },
        snapshot: { meta: metaAt(100, 4), generation: 1 },
        entries: commands(101, 103, 5),
        sync: true,
      })
      const contents = await again(store, place)
      expect(contents).toMatchObject({ snapshot: metaAt(100, 4), generation: 1 })
      expectLog(contents, commands(101, 103, 5))
    })

    scenario('compaction keeps what is behind, beside saves', async (store, place) => {
      const hardState: HardState = { term: 2, vote: undefined, commit: 0 }
      await store.save({ hardState, entries: [], sync: true })
      for (let i = 1; i <= 1000; i += 4) {
        await store.save({ entries: commands(i, i + 3, 2), sync: true })
      }
      await store.save({ hardState: { ...hardState, commit: 900 }, entries: [], sync: false })
      const compacting = store.compact(metaAt(800, 2), 700)
      await store.save({ entries: commands(1001, 1004, 2), sync: true })
      await compacting
      const contents = await again(store, place)
      expect(contents.snapshot).toEqual(metaAt(800, 2))
      expect(contents.entries[0]!.index).toBeGreaterThan(650)
      expect(contents.entries[0]!.index).toBeLessThanOrEqual(701)
      expectLog(contents, commands(1, 1004, 2))
    })

    scenario('an older snapshot does not take the place of a newer one', async (store, place) => {
      await store.save({
        hardState: { term: 2, vote: undefined, commit: 9 },
        entries: commands(1, 9, 2),
        sync: true,
      })
      await store.save({
        snapshot: { meta: metaAt(50, 2), generation: 1 },
        entries: [],
        sync: true,
      })
      await store.compact(metaAt(9, 2), 9)
      expect(await again(store, place)).toMatchObject({ snapshot: metaAt(50, 2), generation: 1 })
    })

    scenario(
      'a replica that lost its state begins again, and stays damaged',
      async (store, place) => {
        const hardState: HardState = { term: 6, vote: 'a:1', commit: 90 }
        for (let i = 1; i <= 100; i++) {
          await store.save({
            hardState: { ...hardState, commit: 0 },
            entries: commands(i, i, 6),
            sync: true,
          })
        }
        await store.compact(metaAt(90, 6), 80)
        const boot = { index: 0, term: 0, configuration: BOOT }
        const reset = { ...hardState, commit: 0 }
        await store.save({
          hardState: reset,
          entries: [],
          snapshot: { meta: boot, generation: 3 },
          sync: true,
          damaged: true,
        })
        for (let i = 1; i <= 20; i++) await store.save({ entries: commands(i, i, 6), sync: true })
        const contents = await again(store, place)
        expect(contents).toMatchObject({ hardState: reset, snapshot: boot, generation: 3 })
        expect(contents.damaged).toBe(true)
        expectLog(contents, commands(1, 20, 6))
        const next = place.store()
        await next.open(BOOT)
        await next.save({
          entries: [],
          snapshot: { meta: metaAt(30, 6), generation: 4 },
          sync: true,
        })
        expect((await again(next, place)).damaged).toBe(true)
        const last = place.store()
        await last.open(BOOT)
        await last.save({ entries: [], sync: true, healed: true })
        expect((await again(last, place)).damaged).toBe(false)
      },
    )

    scenario('megabytes in one batch come back', async (store, place) => {
      const data = new Uint8Array(100_000).map((_, i) => i % 251)
      const entries = Array.from({ length: 60 }, (_, i): Entry => {
        return { kind: 'command', index: i + 1, term: 1, data }
      })
      await store.save({
        hardState: { term: 1, vote: undefined, commit: 0 },
        entries,
        sync: true,
      })
      const contents = await again(store, place)
      expect(contents.entries.length).toBe(60)
      for (const entry of contents.entries) {
        expect(Buffer.compare(entry.kind === 'command' ? entry.data : new Uint8Array(), data)).toBe(
          0,
        )
      }
    })

    test(`${name}: a closed log refuses saves`, async () => {
      const place = await makePlace()
      const store = place.store()
      await store.open(BOOT)
      await store.close()
      await expect(store.save({ entries: commands(1, 1, 1), sync: true })).rejects.toThrow()
      expect((await read(place)).entries).toEqual([])
    })

    type Step =
      | { do: 'append'; count: number; termStep: number }
      | { do: 'replace'; back: number; count: number; termStep: number }
      | { do: 'vote' }
      | { do: 'commit' }
      | { do: 'compact'; keep: number }
      | { do: 'snapshot'; ahead: number; count: number }
      | { do: 'restart' }
    const count = fc.integer({ min: 1, max: 12 })
    const termStep = fc.integer({ min: 0, max: 2 })
    const steps = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: fc.constant('append' as const), count, termStep }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constant('replace' as const),
            back: count,
            count,
            termStep,
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('vote' as const) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), keep: count }) },
        {
          weight: 1,
          arbitrary: fc.record({ do: fc.constant('snapshot' as const), ahead: count, count }),
        },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
      ),
      { maxLength: 30 },
    ) as fc.Arbitrary<Step[]>

    test(`${name}: any history comes back as it was written`, async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (history) => {
          const place = await makePlace()
          await play(place, history)
        }),
        { numRuns: 30 },
      )
    })

    async function play(place: LogPlace, history: readonly Step[]): Promise<void> {
      let hardState: HardState = { term: 1, vote: undefined, commit: 0 }
      let snapshot: SnapshotMeta = { index: 0, term: 0, configuration: BOOT }
      let generation = 0
      let log: Entry[] = []
      let store = place.store()
      await store.open(BOOT)
      await store.save({ hardState, entries: [], sync: true })
      const last = () => log.at(-1) ?? snapshot
      const committed = () => Math.max(hardState.commit, snapshot.index)
      const add = async (from: number, many: number, rise: number) => {
        const before = log.findLast(({ index }) => index < from)?.term ?? snapshot.term
        const term = Math.max(1, before + rise)
        hardState = {
          ...hardState,
          term: Math.max(hardState.term, term),
          vote: term > hardState.term ? undefined : hardState.vote,
        }
        const entries = commands(from, from + many - 1, term)
        log = [...log.filter(({ index }) => index < from), ...entries]
        return entries
      }
      for (const step of history) {
        if (step.do === 'append') {
          const entries = await add(last().index + 1, step.count, step.termStep)
          await store.save({ hardState, entries, sync: true })
        } else if (step.do === 'replace') {
          const from = Math.max(committed() + 1, last().index + 1 - step.back)
          const entries = await add(from, step.count, step.termStep)
          await store.save({ hardState, entries, sync: true })
        } else if (step.do === 'vote') {
          hardState = { ...hardState, term: hardState.term + 1, vote: 'b:1' }
          await store.save({ hardState, entries: [], sync: true })
        } else if (step.do === 'commit') {
          hardState = { ...hardState, commit: last().index }
          await store.save({ hardState, entries: [], sync: true })
        } else if (step.do === 'compact') {
          if (committed() <= snapshot.index) continue
          snapshot = metaAt(committed(), log.find(({ index }) => index === committed())!.term)
          await store.compact(snapshot, Math.max(0, snapshot.index - step.keep))
        } else if (step.do === 'snapshot') {
          snapshot = metaAt(committed() + step.ahead, hardState.term)
          generation++
          hardState = { ...hardState, commit: snapshot.index }
          log = []
          const entries = await add(snapshot.index + 1, step.count, 0)
          await store.save({
            hardState,
            snapshot: { meta: snapshot, generation },
            entries,
            sync: true,
          })
        } else {
          await place.end(store)
          store = place.store()
          const contents = await store.open(BOOT)
          expect(contents).toMatchObject({ hardState, snapshot, generation, damaged: false })
          expectLog(contents, log)
        }
      }
      const contents = await again(store, place)
      expect(contents).toMatchObject({ hardState, snapshot, generation, damaged: false })
      expectLog(contents, log)
    }
  })
}
