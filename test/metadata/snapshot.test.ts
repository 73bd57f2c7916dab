import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outcomeKey, sessionKey } from '../../src/metadata/commands/session-rules.js'
import {
  LevelStateStore,
  MemoryStateStore,
  type MetadataMachine,
  type Row,
  type StateGeneration,
  type StateStore,
} from '../../src/metadata/index.js'
import { keyOf, STATE_RANGE, textOfKey } from '../../src/metadata/keys.js'
import { bootMark } from '../../src/metadata/mark.js'
import { StoredSnapshot } from '../../src/metadata/snapshot.js'
import { decodePiece, PIECE_BYTES_MAX } from '../../src/metadata/snapshot-pieces.js'
import { openValue, sealValue } from '../../src/metadata/values.js'
import type { StateInstall, StateSnapshot } from '../../src/raft/index.js'
import { tempDir } from '../support/temp.js'
import { BOOT, entryOf, machineOn, open } from './machine-support.js'

async function allOf(state: StateGeneration): Promise<Row[]> {
  const rows: Row[] = []
  const cursor = state.cursor(STATE_RANGE)
  for (;;) {
    const page = await cursor.next(10_000)
    if (page.length === 0) break
    rows.push(...page)
  }
  await cursor.close()
  return rows
}

async function piecesOf(snapshot: StateSnapshot, from?: number): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of snapshot.chunks(from)) pieces.push(piece)
  return pieces
}

/** Megabytes are compared by their hashes. */
const hashed = (pieces: readonly Uint8Array[]) =>
  pieces.map((piece) => createHash('sha256').update(piece).digest('hex'))

const SESSIONS = 30_000

/** A state of some pieces, with sessions and their outcomes: made once, and copied. */
const template = (async () => {
  const store = new MemoryStateStore()
  const machine = machineOn(store)
  await machine.open(0)
  await machine.apply(Array.from({ length: SESSIONS }, (_, at) => entryOf(1 + at, open)))
  await machine.apply([entryOf(SESSIONS + 1, open, { session: 5, seq: 1 })])
  await machine.close()
  return store
})()

async function filled(): Promise<MetadataMachine> {
  return opened((await template).afterCrash())
}

async function opened(store: StateStore): Promise<MetadataMachine> {
  const machine = machineOn(store)
  await machine.open(0)
  return machine
}

async function filledOnDisk(): Promise<MetadataMachine> {
  const store = new LevelStateStore(tempDir())
  const from = await (await template).afterCrash().open(0)
  const to = await store.open(0)
  await to.write((await allOf(from)).map(([key, value]) => ({ key, value })))
  await from.close()
  await to.close()
  return opened(store)
}

async function copyInto(install: StateInstall, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces.slice(install.received)) await install.write(piece)
  await install.finish()
}

async function rowsOf(store: StateStore, generation: number): Promise<string[]> {
  const state = await store.open(generation)
  const rows = await allOf(state)
  await state.close()
  return rows.map(([key, value]) => `${textOfKey(key)}=${Buffer.from(value).toString('hex')}`)
}

test('snapshot: it is durable and whole, and writes go on meanwhile', async () => {
  const machine = await filled()
  const snapshot = await machine.snapshot()
  expect(snapshot.meta).toEqual({ index: 30_001, term: 1, configuration: BOOT })
  expect(machine.durableIndex).toBe(30_001)
  const before = await piecesOf(snapshot)
  await machine.apply([entryOf(30_002, open)])
  expect(hashed(await piecesOf(snapshot))).toEqual(hashed(before))
  await snapshot.close()
  expect(before.length).toBeGreaterThan(3)
  expect(Math.max(...before.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(
    PIECE_BYTES_MAX,
  )
  await machine.close()
})

test('snapshot: golden pieces', async () => {
  const store = new MemoryStateStore()
  const state = await store.open(0)
  const row = (key: Uint8Array, value: Uint8Array) => ({ key, value: sealValue(key, value) })
  await state.write([
    row(keyOf('s/', 1), new Uint8Array([7, 8])),
    row(keyOf('a'), new Uint8Array(0)),
  ])
  const mark = { ...bootMark(BOOT), index: 9, term: 2, timeMs: 5 }
  const pieces = await piecesOf(new StoredSnapshot(mark, state.snapshot(), openValue))
  expect(pieces.map((piece) => Buffer.from(piece).toString('hex'))).toEqual([
    'e7149cc200000000000a1408011009180220052a046d313a312a046d323a31',
    'e48e527601000000010000000100000000610000000a00000002732f00000000000000010708',
    '460bdd4a02000000020802122011195e861603a0167e3398ebe6aec2ac8d2ecf5760b8012085bcb49f34d09434',
  ])
  await state.close()
})

test('snapshot: pieces are numbered alike wherever and from wherever they are made', async () => {
  const [machine, other] = [await filled(), await filledOnDisk()]
  const snapshots = [await machine.snapshot(), await other.snapshot()]
  const whole = await piecesOf(snapshots[0]!)
  expect(whole.map((piece) => decodePiece(piece).number)).toEqual(whole.map((_, at) => at))
  for (let from = whole.length; from >= 0; from--) {
    expect(hashed(await piecesOf(snapshots[1]!, from))).toEqual(hashed(whole.slice(from)))
  }
  for (const snapshot of snapshots) await snapshot.close()
  await machine.close()
  await other.close()
})

test.each([
  ['memory', () => new MemoryStateStore()],
  ['LevelDB', () => new LevelStateStore(tempDir())],
])(
  'install: the state is the same, byte for byte, and survives a restart (%s)',
  async (_n, make) => {
    const machine = await filled()
    const snapshot = await machine.snapshot()
    const store = make()
    const newcomer = machineOn(store)
    await newcomer.open(0)
    await newcomer.apply([entryOf(1, open)])
    const heard: unknown[] = []
    newcomer.onApplied((keys) => heard.push(keys))
    const install = await newcomer.install(snapshot.meta)
    expect([install.generation, install.received]).toEqual([1, 0])
    await copyInto(install, await piecesOf(snapshot))
    // Not before it is adopted.
    expect(newcomer.appliedIndex).toBe(1)
    await newcomer.adopt(install)
    expect([newcomer.appliedIndex, newcomer.durableIndex]).toEqual([30_001, 30_001])
    expect(heard).toEqual(['all'])
    const next = entryOf(30_002, open, { session: 5, seq: 2 })
    await newcomer.apply([next])
    await machine.apply([next])
    await newcomer.close()
    expect(await store.generations()).toEqual([1])
    const again = machineOn(store)
    await again.open(1)
    expect(again.appliedIndex).toBe(30_002)
    // Sessions came along: what was answered before the snapshot is answered alike behind it.
    const repeated = [entryOf(30_003, open, { session: 5, seq: 2 })]
    expect(await again.apply(repeated)).toEqual(await machine.apply(repeated))
    await again.close()
    await snapshot.close()
    await machine.close()
    expect(await rowsOf(store, 1)).toHaveLength(30_002 + 2)
  },
  60_000,
)

test('install: a transfer that broke off goes on where it stood; another snapshot begins anew', async () => {
  const machine = await filled()
  const snapshot = await machine.snapshot()
  const pieces = await piecesOf(snapshot)
  const store = new MemoryStateStore()
  const newcomer = machineOn(store)
  await newcomer.open(0)
  const install = await newcomer.install(snapshot.meta)
  for (const piece of pieces.slice(0, 2)) await install.write(piece)
  const again = await newcomer.install(snapshot.meta)
  expect(again).toBe(install)
  expect(again.received).toBe(2)
  const other = await newcomer.install({ ...snapshot.meta, index: 40_000 })
  expect([other.generation, other.received]).toEqual([1, 0])
  expect(await store.generations()).toEqual([0, 1])
  await other.abort()
  expect(await store.generations()).toEqual([0])
  const last = await newcomer.install(snapshot.meta)
  await copyInto(last, pieces)
  await newcomer.adopt(last)
  expect(newcomer.appliedIndex).toBe(30_001)
  await newcomer.close()
  await snapshot.close()
  await machine.close()
})

test('install: two transfers of one state may meet, and the later one takes nothing away', async () => {
  const machine = await filled()
  const snapshot = await machine.snapshot()
  const pieces = await piecesOf(snapshot)
  const newcomer = machineOn(new LevelStateStore(tempDir()))
  await newcomer.open(0)
  const install = await newcomer.install(snapshot.meta)
  const other = await newcomer.install(snapshot.meta)
  await install.write(pieces[0]!)
  const both = await Promise.allSettled([install.write(pieces[1]!), other.write(pieces[1]!)])
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  for (const piece of pieces.slice(2)) await other.write(piece)
  await Promise.all([install.finish(), other.finish()])
  await newcomer.adopt(install)
  // Whoever comes second finds that its state is not needed any more.
  await other.abort()
  await newcomer.apply([entryOf(SESSIONS + 2, open)])
  expect(newcomer.get(sessionKey(7))).toBeDefined()
  await newcomer.close()
  await snapshot.close()
  await machine.close()
})

test('install: an unfinished one is gone after a restart', async () => {
  const machine = await filled()
  const snapshot = await machine.snapshot()
  const store = new MemoryStateStore()
  const newcomer = machineOn(store)
  await newcomer.open(0)
  const install = await newcomer.install(snapshot.meta)
  for (const piece of (await piecesOf(snapshot)).slice(0, 2)) await install.write(piece)
  const survived = store.afterCrash()
  const again = machineOn(survived)
  await again.open(0)
  expect(await survived.generations()).toEqual([0])
  await again.close()
  await newcomer.close()
  await snapshot.close()
  await machine.close()
})

test('install: what is missing, damaged, doubled or swapped is refused', async () => {
  const machine = await filled()
  const snapshot = await machine.snapshot()
  const pieces = await piecesOf(snapshot)
  const { meta } = snapshot
  const newcomer = machineOn(new MemoryStateStore())
  await newcomer.open(0)
  const lost = { code: 'DATA_LOSS' }
  const install = await newcomer.install(meta)
  await expect(install.finish()).rejects.toMatchObject(lost)
  const notNext = { code: 'ABORTED' }
  await expect(install.write(pieces[1]!)).rejects.toMatchObject(notNext)
  await install.write(pieces[0]!)
  await expect(install.write(pieces[0]!)).rejects.toMatchObject(notNext)
  await expect(install.write(pieces[2]!)).rejects.toMatchObject(notNext)
  const flipped = Uint8Array.from(pieces[1]!)
  flipped[5_000]! ^= 1
  await expect(install.write(flipped)).rejects.toMatchObject(lost)
  await expect(install.write(pieces[1]!.subarray(0, 5_000))).rejects.toMatchObject(lost)
  expect(install.received).toBe(1)
  // The right one is taken after all that.
  for (const piece of pieces.slice(1, -1)) await install.write(piece)
  await expect(install.finish()).rejects.toMatchObject(lost)
  await install.write(pieces.at(-1)!)
  await expect(install.write(pieces.at(-1)!)).rejects.toMatchObject(notNext)
  await install.finish()
  const elsewhere = await newcomer.install({ ...meta, term: 9 })
  await expect(elsewhere.write(pieces[0]!)).rejects.toMatchObject(lost)
  await newcomer.close()
  await snapshot.close()
  await machine.close()
})

test('install: pieces that are right one by one but not of one state are refused at the end', async () => {
  const store = new MemoryStateStore()
  const state = await store.open(0)
  const row = (id: number, byte: number) => {
    const key = sessionKey(id)
    return { key, value: sealValue(key, new Uint8Array(400_000).fill(byte)) }
  }
  await state.write([row(1, 1), row(2, 1), row(3, 1), row(4, 1), row(5, 1)])
  const mark = { ...bootMark(BOOT), index: 9, term: 2 }
  const one = await piecesOf(new StoredSnapshot(mark, state.snapshot(), openValue))
  await state.write([row(2, 2)])
  const two = await piecesOf(new StoredSnapshot(mark, state.snapshot(), openValue))
  const newcomer = machineOn(new MemoryStateStore())
  await newcomer.open(0)
  const install = await newcomer.install({ index: 9, term: 2, configuration: BOOT })
  await install.write(one[0]!)
  await install.write(two[1]!)
  for (const piece of one.slice(2, -1)) await install.write(piece)
  await expect(install.write(one.at(-1)!)).rejects.toThrow('do not add up')
  await newcomer.close()
})

test('snapshot: any rows come through, whatever their sizes', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(sizes, async (list) => {
      const store = new MemoryStateStore()
      const state = await store.open(0)
      const rows = list.map((size, at) => {
        const key = outcomeKey(at, size)
        return { key, value: sealValue(key, new Uint8Array(size).fill(at)) }
      })
      await state.write(rows)
      const mark = { ...bootMark(BOOT), index: 9, term: 2 }
      const snapshot = new StoredSnapshot(mark, state.snapshot(), openValue)
      const pieces = await piecesOf(snapshot)
      const target = new MemoryStateStore()
      const newcomer = machineOn(target)
      await newcomer.open(0)
      const install = await newcomer.install(snapshot.meta)
      await copyInto(install, pieces)
      await newcomer.adopt(install)
      await newcomer.close()
      const copied = (await rowsOf(target, 1)).filter((text) => !text.startsWith('m/'))
      const golden = rows.map(
        ({ key, value }) => `${textOfKey(key)}=${Buffer.from(value).toString('hex')}`,
      )
      expect(copied).toEqual(golden.sort())
    }),
    { numRuns: 20 },
  )
})

test('snapshot: a damaged value stops it, before it spreads', async () => {
  const store = (await template).afterCrash()
  const state = await store.open(0)
  const key = sessionKey(20_000)
  const value = Uint8Array.from(state.get(key)!)
  value[6]! ^= 8
  await state.write([{ key, value }])
  await state.close()
  const damaged = machineOn(store)
  await damaged.open(0)
  const snapshot = await damaged.snapshot()
  await expect(piecesOf(snapshot)).rejects.toMatchObject({ code: 'DATA_LOSS' })
  expect(damaged.isDamaged).toBe(true)
  await snapshot.close()
  await damaged.close()
})
