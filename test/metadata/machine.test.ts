import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DpsError, type Timers } from '../../src/base/index.js'
import { decodeOutcome, encodeMark } from '../../src/metadata/codec.js'
import { SESSION_TTL_MS, sessionKey } from '../../src/metadata/commands/session-rules.js'
import {
  LevelStateStore,
  MemoryStateStore,
  type MetadataMachine,
  type Row,
  type StateGeneration,
  type StateStore,
  type StoreWrite,
} from '../../src/metadata/index.js'
import { rangeOf, STATE_RANGE, textOfKey } from '../../src/metadata/keys.js'
import { bootMark, MARK_KEY, SCHEMA_VERSION } from '../../src/metadata/mark.js'
import { sealValue } from '../../src/metadata/values.js'
import type { Entry } from '../../src/raft/index.js'
import { eventually, tempDir } from '../support/temp.js'
import { BOOT, entryOf, machineOn, open, TIME_MS } from './machine-support.js'

/** Timers that never fire: what is flushed is flushed for another reason. */
const NEVER: Timers = { after: () => () => {}, turn: () => {}, settle: () => Promise.resolve() }

/** Writes wait until they are let through, or fail. */
class HeldStore implements StateStore {
  readonly inner = new MemoryStateStore()
  readonly held: { writes: readonly StoreWrite[]; let(): void; fail(error: DpsError): void }[] = []
  hold = true

  generations = () => this.inner.generations()
  remove = (generation: number) => this.inner.remove(generation)
  setAside = (generation: number) => this.inner.setAside(generation)

  async open(generation: number): Promise<StateGeneration> {
    const inner = await this.inner.open(generation)
    return {
      generation,
      get: (key) => inner.get(key),
      cursor: (range) => inner.cursor(range),
      snapshot: () => inner.snapshot(),
      close: () => inner.close(),
      write: (writes) => {
        if (!this.hold) return inner.write(writes)
        return new Promise((resolve, reject) => {
          this.held.push({ writes, let: () => resolve(inner.write(writes)), fail: reject })
        })
      },
    }
  }
}

const sessionsOf = async (machine: MetadataMachine): Promise<number[]> => {
  const rows: Row[] = []
  for await (const page of machine.range(rangeOf('s/'))) rows.push(...page)
  return rows.map(([key]) => Number(Buffer.from(key).readBigUInt64BE(2)))
}

const opening = (from: number, count: number): Entry[] =>
  Array.from({ length: count }, (_, at) => entryOf(from + at, open))

/** All rows of a closed machine's store, sealed as they are. */
async function rowsOf(store: StateStore, generation = 0): Promise<[string, string][]> {
  const state = await store.open(generation)
  const rows = await state.cursor(STATE_RANGE).next(10_000)
  await state.close()
  return rows.map(([key, value]) => [textOfKey(key), Buffer.from(value).toString('hex')])
}

async function flip(store: StateStore, key: Uint8Array, generation = 0): Promise<void> {
  const state = await store.open(generation)
  const value = Uint8Array.from(state.get(key)!)
  value[value.length - 1]! ^= 1
  await state.write([{ key, value }])
  await state.close()
}

describe('machine: durability', () => {
  test('machine: results are visible before they are durable, and reads merge both', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, { flushDelayMs: 1 })
    await machine.open(0)
    const [result] = await machine.apply([entryOf(1, open)])
    expect(decodeOutcome(result!)).toMatchObject({ status: 'done' })
    expect([machine.appliedIndex, machine.durableIndex]).toEqual([1, 0])
    expect(machine.get(sessionKey(1))).toBeDefined()
    await eventually('a flush', () => store.held.length === 1)
    await machine.apply(opening(2, 2))
    expect(await sessionsOf(machine)).toEqual([1, 2, 3])
    // One batch at a time: what came meanwhile waits.
    expect(store.held.length).toBe(1)
    store.hold = false
    store.held[0]!.let()
    await eventually('durable', () => machine.durableIndex === 3)
    expect(await sessionsOf(machine)).toEqual([1, 2, 3])
    expect(machine.overlayBytes).toBe(0)
    await machine.close()
  })

  test('machine: one batch carries the writes and the mark that they lead to', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, { flushDelayMs: 1 })
    await machine.open(0)
    const change = { kind: 'addLearner', id: 'm3:1', context: new Uint8Array(0) } as const
    await machine.apply([
      entryOf(1, open),
      { kind: 'noop', index: 2, term: 2 },
      { kind: 'config', index: 3, term: 2, change },
    ])
    await eventually('a flush', () => store.held.length === 1)
    const { writes } = store.held[0]!
    expect(writes.map(({ key }) => textOfKey(key).slice(0, 2))).toEqual(['s/', 'm/'])
    store.hold = false
    store.held[0]!.let()
    await machine.close()
    const again = machineOn(store)
    await again.open(0)
    expect(again.mark).toMatchObject({
      index: 3,
      term: 2,
      timeMs: TIME_MS,
      schema: SCHEMA_VERSION,
      configuration: { voters: ['m1:1', 'm2:1'], learners: ['m3:1'] },
    })
    await again.close()
  })

  test('machine: after power loss it goes on from its mark, and comes to the same bytes', async () => {
    const entries = [
      ...opening(1, 3),
      ...[1, 2, 3, 4].map((seq) => entryOf(3 + seq, open, { session: 2, seq, lowest: 1 })),
      entryOf(8, open, { session: 2, seq: 5, lowest: 4 }),
    ]
    const whole = new MemoryStateStore()
    const machine = machineOn(whole)
    await machine.open(0)
    await machine.apply(entries)
    await machine.close()
    const golden = await rowsOf(whole)
    for (let crashAt = 0; crashAt < entries.length; crashAt++) {
      const store = new HeldStore()
      store.hold = false
      const before = machineOn(store, {}, NEVER)
      await before.open(0)
      await before.apply(entries.slice(0, crashAt))
      await (await before.snapshot()).close()
      await before.apply(entries.slice(crashAt, crashAt + 2))
      // Power is lost: what was not flushed is gone.
      const survived = store.inner.afterCrash()
      const after = machineOn(survived)
      await after.open(0)
      expect(after.appliedIndex).toBe(crashAt)
      await after.apply(entries.slice(crashAt))
      await after.close()
      expect(await rowsOf(survived)).toEqual(golden)
    }
  })

  test('machine: applying waits while too much is not durable', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, { overlayBytesMax: 4_000, flushBytes: 1_000 })
    await machine.open(0)
    let done = false
    const applying = machine.apply(opening(1, 100)).then(() => {
      done = true
    })
    await eventually('a flush', () => store.held.length === 1)
    expect(done).toBe(false)
    expect(machine.appliedIndex).toBeLessThan(100)
    expect(machine.overlayBytes).toBeLessThan(5_000)
    store.hold = false
    store.held[0]!.let()
    await applying
    expect(machine.appliedIndex).toBe(100)
    await machine.close()
  })

  test('machine: after a failed write it applies and writes nothing more', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, { flushDelayMs: 1 })
    let told = 0
    machine.onDurable(() => told++)
    await machine.open(0)
    await machine.apply([entryOf(1, open)])
    await eventually('a flush', () => store.held.length === 1)
    store.held[0]!.fail(new DpsError('RESOURCE_EXHAUSTED', 'the disk is full'))
    await eventually('the failure', () => told === 1)
    expect(machine.failure).toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
    await expect(machine.apply(opening(2, 1))).rejects.toThrow('the disk is full')
    await expect(machine.snapshot()).rejects.toThrow('the disk is full')
    expect(machine.durableIndex).toBe(0)
    expect(machine.get(sessionKey(1))).toBeDefined()
    await machine.close()
    expect(store.held.length).toBe(1)
  })

  test('machine: who waits for room is told when the disk fails', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, { overlayBytesMax: 4_000, flushBytes: 1_000 })
    await machine.open(0)
    const applying = machine.apply(opening(1, 100))
    await eventually('a flush', () => store.held.length === 1)
    store.held[0]!.fail(new DpsError('RESOURCE_EXHAUSTED', 'the disk is full'))
    await expect(applying).rejects.toThrow('the disk is full')
    await machine.close()
  })

  test('machine: what comes and goes between two flushes never reaches the disk', async () => {
    const store = new HeldStore()
    const machine = machineOn(store, {}, NEVER)
    await machine.open(0)
    await machine.apply([
      entryOf(1, open),
      ...[1, 2, 3, 4].map((seq) => entryOf(1 + seq, open, { session: 1, seq, lowest: seq })),
    ])
    const closing = machine.close()
    await eventually('a flush', () => store.held.length === 1)
    const outcomes = store.held[0]!.writes.filter(({ key }) => textOfKey(key).startsWith('r/'))
    expect(outcomes.length).toBe(1)
    store.hold = false
    store.held[0]!.let()
    await closing
  })
})

describe('machine: reading', () => {
  test('machine: ranges show store and overlay as one, page by page, both ways', async () => {
    const ops = fc.array(
      fc.record({
        kind: fc.constantFrom('open', 'use', 'expire', 'flush'),
        session: fc.integer({ min: 1, max: 20 }),
      }),
      { minLength: 1, maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(
        ops,
        fc.boolean(),
        fc.integer({ min: 1, max: 7 }),
        async (steps, reverse, limit) => {
          const machine = machineOn(new MemoryStateStore(), {}, NEVER)
          await machine.open(0)
          await machine.apply(opening(1, 15))
          await (await machine.snapshot()).close()
          const model = new Set(Array.from({ length: 15 }, (_, at) => at + 1))
          let index = 15
          let timeMs = TIME_MS
          for (const { kind, session } of steps) {
            if (kind === 'flush') {
              await (await machine.snapshot()).close()
              continue
            }
            // So late that whoever was not used in this very step may be expired.
            timeMs += SESSION_TTL_MS
            index++
            const expire = { type: 'expireSessions', sessions: [session] } as const
            if (kind === 'expire') {
              await machine.apply([entryOf(index, expire, undefined, { timeMs })])
              model.delete(session)
              continue
            }
            const seq = index
            const used = kind === 'use' ? { session, seq, lowest: seq } : undefined
            await machine.apply([entryOf(index, open, used, { timeMs })])
            if (kind === 'open' || model.has(session)) model.add(index)
          }
          const expected = [...model].sort((a, b) => a - b).map((id) => textOfKey(sessionKey(id)))
          for (let id = 0; id <= index; id++) {
            expect(machine.get(sessionKey(id)) !== undefined, `session ${id}`).toBe(model.has(id))
          }
          if (reverse) expected.reverse()
          for (const wanted of [limit, undefined]) {
            const seen: string[] = []
            const range = { ...rangeOf('s/'), reverse, ...(wanted && { limit: wanted }) }
            for await (const rows of machine.range(range)) {
              seen.push(...rows.map(([key]) => textOfKey(key)))
            }
            expect(seen).toEqual(expected.slice(0, wanted))
          }
          await machine.close()
        },
      ),
      { numRuns: 100 },
    )
  })

  test('machine: a long listing goes on while entries are applied and flushed', async () => {
    const machine = machineOn(new LevelStateStore(tempDir()), { flushDelayMs: 0 })
    await machine.open(0)
    await machine.apply(opening(1, 5_000))
    const seen: number[] = []
    let index = 5_000
    for await (const rows of machine.range(rangeOf('s/'))) {
      seen.push(...rows.map(([key]) => Number(Buffer.from(key).readBigUInt64BE(2))))
      if (index < 6_000) await machine.apply(opening(index + 1, 100))
      index = machine.appliedIndex
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
    expect(seen.slice(0, 5_000)).toEqual(Array.from({ length: 5_000 }, (_, at) => at + 1))
    await machine.close()
  })

  test('machine: listeners hear which keys were written', async () => {
    const machine = machineOn(new MemoryStateStore())
    await machine.open(0)
    const heard: string[] = []
    const off = machine.onApplied((keys) => {
      heard.push(keys === 'all' ? keys : keys.map(textOfKey).join())
    })
    await machine.apply([entryOf(1, open), { kind: 'noop', index: 2, term: 1 }])
    off()
    await machine.apply([entryOf(3, open)])
    expect(heard).toEqual([textOfKey(sessionKey(1))])
    await machine.close()
  })
})

describe('machine: what stops it', () => {
  test('machine: a command that it does not know', async () => {
    const machine = machineOn(new MemoryStateStore())
    await machine.open(0)
    const known = entryOf(1, open) as Entry & { kind: 'command' }
    const data = Uint8Array.from(known.data)
    data[9 + 25] = 99
    await expect(machine.apply([{ ...known, data }])).rejects.toMatchObject({
      code: 'UNIMPLEMENTED',
      message: 'unknown command 99 (version 1)',
    })
    expect(machine.appliedIndex).toBe(0)
    await expect(machine.apply([known])).rejects.toMatchObject({ code: 'UNIMPLEMENTED' })
    await machine.close()
  })

  test('machine: a state of a newer schema', async () => {
    const store = new MemoryStateStore()
    const state = await store.open(0)
    const mark = encodeMark({ ...bootMark(BOOT), schema: SCHEMA_VERSION + 1, index: 5, term: 1 })
    await state.write([{ key: MARK_KEY, value: sealValue(MARK_KEY, mark) }])
    await state.close()
    const machine = machineOn(store)
    await expect(machine.open(0)).rejects.toMatchObject({ code: 'UNIMPLEMENTED' })
    expect(machine.isDamaged).toBe(false)
  })

  const stores: [string, () => StateStore][] = [
    ['memory', () => new MemoryStateStore()],
    ['LevelDB', () => new LevelStateStore(tempDir())],
  ]
  test.each(stores)('machine: a damaged value is named, and stops it (%s)', async (_name, make) => {
    const store = make()
    const machine = machineOn(store)
    await machine.open(0)
    await machine.apply(opening(1, 2))
    await machine.close()
    await flip(store, sessionKey(2))
    const again = machineOn(store)
    await again.open(0)
    expect(again.get(sessionKey(1))).toBeDefined()
    const damage = { code: 'DATA_LOSS', message: expect.stringContaining('s/\\x00') }
    await expect(again.apply([entryOf(3, open, { session: 2, seq: 1 })])).rejects.toMatchObject(
      damage,
    )
    expect(again.isDamaged).toBe(true)
    await expect(again.apply([entryOf(3, open)])).rejects.toMatchObject(damage)
    await again.close()
  })

  test('machine: damage that a reader meets stops it too', async () => {
    const store = new MemoryStateStore()
    const machine = machineOn(store)
    await machine.open(0)
    await machine.apply(opening(1, 2))
    await machine.close()
    await flip(store, sessionKey(1))
    const again = machineOn(store)
    await again.open(0)
    await expect(sessionsOf(again)).rejects.toMatchObject({ code: 'DATA_LOSS' })
    await expect(again.apply([entryOf(3, open)])).rejects.toMatchObject({ code: 'DATA_LOSS' })
    await again.close()
  })

  test('machine: a lost or damaged mark', async () => {
    const store = new MemoryStateStore()
    const machine = machineOn(store)
    await machine.open(0)
    await machine.apply(opening(1, 2))
    await machine.close()
    await flip(store, MARK_KEY)
    const flipped = machineOn(store)
    await expect(flipped.open(0)).rejects.toMatchObject({ code: 'DATA_LOSS' })
    expect(flipped.isDamaged).toBe(true)
    const state = await store.open(0)
    await state.write([{ key: MARK_KEY, value: undefined }])
    await state.close()
    await expect(machineOn(store).open(0)).rejects.toThrow('its mark is missing')
  })
})

test('machine: the time of the state never goes back', async () => {
  const machine = machineOn(new MemoryStateStore())
  await machine.open(0)
  await machine.apply([entryOf(1, open, undefined, { timeMs: TIME_MS })])
  await machine.apply([entryOf(2, open, undefined, { timeMs: TIME_MS - 5_000 })])
  expect(machine.mark.timeMs).toBe(TIME_MS)
  await machine.close()
})
