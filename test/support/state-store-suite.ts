/** The contract of a state store, run over every implementation. */
import { expect, test } from 'vitest'
import type {
  CursorRange,
  Row,
  StateGeneration,
  StateStore,
  StoreSnapshot,
} from '../../src/metadata/index.js'

const utf8 = new TextEncoder()
const key = (text: string) => utf8.encode(text)
const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)
const put = (name: string, value: string) => ({ key: key(name), value: key(value) })
const gone = (name: string) => ({ key: key(name), value: undefined })
const show = (rows: readonly Row[]) => rows.map(([name, value]) => `${text(name)}=${text(value)}`)
const ALL = { gte: key('A'), lt: key('{') }

async function pageOf(
  of: Pick<StateGeneration, 'cursor'>,
  range: CursorRange = ALL,
  limit = 1000,
): Promise<string[]> {
  const cursor = of.cursor(range)
  const rows = await cursor.next(limit)
  await cursor.close()
  return show(rows)
}

export function stateStoreSuite(name: string, make: () => StateStore): void {
  const scenario = (
    title: string,
    run: (open: StateGeneration, store: StateStore) => Promise<void>,
  ) =>
    test(`${name}: ${title}`, async () => {
      const store = make()
      const open = await store.open(0)
      try {
        await run(open, store)
      } finally {
        await open.close()
      }
    })

  scenario('what was written is there, what was removed is not', async (state) => {
    expect(state.get(key('a'))).toBeUndefined()
    await state.write([put('a', '1'), put('b', '2')])
    await state.write([put('a', '3'), gone('b'), gone('never'), put('c', '')])
    expect([text(state.get(key('a'))), state.get(key('b'))]).toEqual(['3', undefined])
    expect(text(state.get(key('c')))).toBe('')
    expect(await pageOf(state)).toEqual(['a=3', 'c='])
  })

  scenario('of several changes of one key in a batch the last one counts', async (state) => {
    await state.write([put('a', '1'), gone('a'), put('a', '2'), put('b', '1'), gone('b')])
    expect(await pageOf(state)).toEqual(['a=2'])
  })

  scenario('pages are in the order of bytes, within their range', async (state) => {
    const names = ['b', 'a', 'aa', 'a\u00e9', 'a~', 'c', 'Z']
    await state.write(names.map((each) => put(each, 'x')))
    const page = async (range: Partial<CursorRange>, limit?: number) =>
      (await pageOf(state, { ...ALL, ...range }, limit)).map((row) => row.slice(0, -2))
    expect(await page({})).toEqual(['Z', 'a', 'aa', 'a~', 'a\u00e9', 'b', 'c'])
    expect(await page({ gte: key('a'), lt: key('b') })).toEqual(['a', 'aa', 'a~', 'a\u00e9'])
    expect(await page({ gte: key('aa') }, 2)).toEqual(['aa', 'a~'])
    expect(await page({ gte: key('a'), lt: key('b'), reverse: true }, 2)).toEqual(['a\u00e9', 'a~'])
    expect(await page({ gte: key('b'), lt: key('a') })).toEqual([])
  })

  scenario('a cursor shows the moment at which it was made', async (state) => {
    await state.write([put('a', '1'), put('b', '1')])
    const cursor = state.cursor(ALL)
    const first = cursor.next(1)
    const writing = state.write([put('a', '2'), put('b', '2'), put('c', '2')])
    expect(show(await first)).toEqual(['a=1'])
    await writing
    expect(show(await cursor.next(5))).toEqual(['b=1'])
    expect(await cursor.next(5)).toEqual([])
    expect(await cursor.next(5)).toEqual([])
    await cursor.close()
    expect(await pageOf(state)).toEqual(['a=2', 'b=2', 'c=2'])
  })

  scenario('cursors reach the end, also when pages are cut short by size', async (state) => {
    const value = new Uint8Array(200 * 1024)
    const names = Array.from({ length: 20 }, (_, at) => `k${String(at).padStart(2, '0')}`)
    await state.write(names.map((each) => ({ key: key(each), value })))
    const seen: (string | undefined)[] = []
    const cursor = state.cursor(ALL)
    for (;;) {
      const rows = await cursor.next(1000)
      if (rows.length === 0) break
      seen.push(...rows.map(([each]) => text(each)))
    }
    await cursor.close()
    expect(seen).toEqual(names)
  })

  scenario('a snapshot stays as it was, until it is closed', async (state) => {
    await state.write([put('a', '1'), put('b', '1')])
    const snapshot: StoreSnapshot = state.snapshot()
    await state.write([put('a', '2'), gone('b'), put('c', '2')])
    expect(await pageOf(snapshot)).toEqual(['a=1', 'b=1'])
    expect(await pageOf(snapshot, { ...ALL, reverse: true }, 1)).toEqual(['b=1'])
    await snapshot.close()
    expect(await pageOf(state)).toEqual(['a=2', 'c=2'])
  })

  scenario('it is all there after closing and opening', async (state, store) => {
    await state.write([put('a', '1')])
    await state.close()
    const again = await store.open(0)
    expect(text(again.get(key('a')))).toBe('1')
    await again.close()
  })

  scenario('a closed state refuses', async (state) => {
    await state.close()
    await expect((async () => state.get(key('a')))()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(state.write([put('a', '1')])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(pageOf(state)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  scenario('generations are apart; one that is removed comes back empty', async (state, store) => {
    const other = await store.open(7)
    await state.write([put('a', 'old')])
    await other.write([put('a', 'new')])
    expect([text(state.get(key('a'))), text(other.get(key('a')))]).toEqual(['old', 'new'])
    expect(await store.generations()).toEqual([0, 7])
    await other.close()
    await store.remove(7)
    await store.remove(7)
    expect(await store.generations()).toEqual([0])
    const again = await store.open(7)
    expect(again.get(key('a'))).toBeUndefined()
    await again.close()
  })

  scenario('one that is set aside is no generation any more', async (_state, store) => {
    for (const generation of [3, 4]) {
      const damaged = await store.open(generation)
      await damaged.write([put('a', '1')])
      await damaged.close()
      await store.setAside(generation)
      expect(await store.generations()).toEqual([0])
    }
    await store.setAside(5)
  })
}
