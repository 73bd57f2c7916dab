import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkByKey,
  checkHistory,
  explain,
  HistoryRecorder,
  type KeyValueInput,
  type KeyValueOutput,
  keyValueModel,
  type Operation,
  parseKeyValueLog,
  parseRegisterLog,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
  type Verdict,
} from './index.js'

type RegisterOperation = Operation<RegisterInput, RegisterOutput>

/** `<client> <event> <type> <value>` per line, as in the recorded logs. */
function register(...lines: string[]): RegisterOperation[] {
  return parseRegisterLog(
    lines
      .map((line) => {
        const [client, event, type, ...value] = line.split(' ')
        return `INFO  jepsen.util - ${client}\t:${event}\t:${type}\t${value.join(' ')}`
      })
      .join('\n'),
  )
}

const verdict = (history: readonly RegisterOperation[]): Verdict =>
  checkHistory(registerModel, history).verdict

describe('a register', () => {
  test('an empty history is linearizable', () => {
    expect(verdict([])).toBe('linearizable')
  })

  test('a read that began after a write returned sees it', () => {
    const write = ['0 invoke write 1', '0 ok write 1']
    expect(verdict(register(...write, '1 invoke read nil', '1 ok read 1'))).toBe('linearizable')
    expect(verdict(register(...write, '1 invoke read nil', '1 ok read nil'))).toBe('violated')
  })

  test('a read beside a write may see it or not', () => {
    const around = (value: string) =>
      register('0 invoke write 1', '1 invoke read nil', `1 ok read ${value}`, '0 ok write 1')
    expect(verdict(around('1'))).toBe('linearizable')
    expect(verdict(around('nil'))).toBe('linearizable')
    expect(verdict(around('2'))).toBe('violated')
  })

  test('two reads in a row beside a write do not go back', () => {
    const reads = (first: string, second: string) =>
      register(
        '0 invoke write 1',
        '1 invoke read nil',
        `1 ok read ${first}`,
        '2 invoke read nil',
        `2 ok read ${second}`,
        '0 ok write 1',
      )
    expect(verdict(reads('nil', '1'))).toBe('linearizable')
    expect(verdict(reads('1', 'nil'))).toBe('violated')
  })

  test('a write of unknown outcome may take effect late, once, or never', () => {
    const open = ['0 invoke write 1', '0 info write :timed-out', '1 invoke write 2', '1 ok write 2']
    const read = (value: string) => ['2 invoke read nil', `2 ok read ${value}`]
    expect(verdict(register(...open, ...read('2'), ...read('1')))).toBe('linearizable')
    expect(verdict(register(...open, ...read('2'), ...read('2')))).toBe('linearizable')
    expect(verdict(register(...open, ...read('1'), ...read('2')))).toBe('violated')
    expect(verdict(register(...open, ...read('2'), ...read('1'), ...read('2')))).toBe('violated')
  })

  test('a write of unknown outcome takes no effect before its call', () => {
    const history = register(
      '1 invoke read nil',
      '1 ok read 1',
      '0 invoke write 1',
      '0 info write :timed-out',
    )
    expect(verdict(history)).toBe('violated')
  })

  test('two writes of unknown outcome with one value may both take effect', () => {
    const history = register(
      '0 invoke write 1',
      '0 info write :timed-out',
      '1 invoke write 1',
      '1 info write :timed-out',
      '2 invoke read nil',
      '2 ok read 1',
      '2 invoke write 2',
      '2 ok write 2',
      '2 invoke read nil',
      '2 ok read 1',
    )
    expect(verdict(history)).toBe('linearizable')
    expect(verdict(history.filter(({ client }) => client !== '1'))).toBe('violated')
  })

  test('a compare-and-set that succeeded has seen its value, a failed one another', () => {
    const onOne = (event: string) =>
      register('0 invoke write 1', '0 ok write 1', '1 invoke cas [1 2]', `1 ${event} cas [1 2]`)
    const onThree = (event: string) =>
      register('0 invoke write 3', '0 ok write 3', '1 invoke cas [1 2]', `1 ${event} cas [1 2]`)
    expect(verdict(onOne('ok'))).toBe('linearizable')
    expect(verdict(onOne('fail'))).toBe('violated')
    expect(verdict(onThree('ok'))).toBe('violated')
    expect(verdict(onThree('fail'))).toBe('linearizable')
  })

  test('of two compare-and-sets on one value one succeeds', () => {
    const both = (second: string) =>
      register(
        '0 invoke write 1',
        '0 ok write 1',
        '0 invoke cas [1 2]',
        '1 invoke cas [1 3]',
        '0 ok cas [1 2]',
        `1 ${second} cas [1 3]`,
      )
    expect(verdict(both('fail'))).toBe('linearizable')
    expect(verdict(both('ok'))).toBe('violated')
  })

  test('a violation names what could not follow', () => {
    const check = checkHistory(
      registerModel,
      register('0 invoke write 1', '0 ok write 1', '1 invoke read nil', '1 ok read 7'),
    )
    expect(check.order.map(({ input }) => input.type)).toEqual(['write'])
    expect(check.stuck.map(({ output }) => output)).toEqual([{ type: 'read', value: '7' }])
    expect(explain(check)).toContain('"value":"7"')
  })
})

describe('the search', () => {
  /** Every order of every choice of open operations: slow, and with nothing to get wrong. */
  function bruteForce(history: readonly RegisterOperation[]): boolean {
    const place = (state: string | null, left: readonly RegisterOperation[]): boolean => {
      if (left.every(({ returnedAt }) => returnedAt === Number.POSITIVE_INFINITY)) return true
      const boundary = Math.min(...left.map(({ returnedAt }) => returnedAt))
      return left.some((operation) => {
        if (operation.calledAt > boundary) return false
        const next = registerModel.step(state, operation.input, operation.output)
        return (
          next !== undefined &&
          place(
            next,
            left.filter((other) => other !== operation),
          )
        )
      })
    }
    return place(null, history)
  }

  const value = fc.constantFrom('1', '2', '3')
  const operation = fc.oneof(
    fc.record({ type: fc.constant('read' as const), value: fc.option(value) }),
    fc.record({ type: fc.constant('write' as const), value }),
    fc.record({ type: fc.constant('cas' as const), from: value, to: value, done: fc.boolean() }),
  )
  /** Small histories of every shape: three clients, each event the next of one of them. */
  const histories = fc
    .array(fc.tuple(fc.nat(2), operation, fc.integer({ min: 0, max: 9 })), { maxLength: 14 })
    .map((events) => {
      const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
      const underWay = new Map<number, { id: number; output: RegisterOutput }>()
      for (const [client, drawn, luck] of events) {
        const waiting = underWay.get(client)
        if (waiting === undefined) {
          const { input, output } = split(drawn)
          underWay.set(client, { id: recorder.invoke(client, input), output })
          continue
        }
        underWay.delete(client)
        if (luck > 1) recorder.complete(waiting.id, waiting.output)
      }
      return recorder.operations
    })

  type Drawn = typeof operation extends fc.Arbitrary<infer T> ? T : never
  function split(drawn: Drawn): { input: RegisterInput; output: RegisterOutput } {
    if (drawn.type === 'read') return { input: { type: 'read' }, output: drawn }
    if (drawn.type === 'write') return { input: drawn, output: { type: 'write' } }
    const { from, to, done } = drawn
    return { input: { type: 'cas', from, to }, output: { type: 'cas', done } }
  }

  test('agrees with trying every order', () => {
    const counts = { linearizable: 0, violated: 0, undecided: 0 }
    fc.assert(
      fc.property(histories, (history) => {
        const found = verdict(history)
        counts[found]++
        expect(found).toBe(bruteForce(history) ? 'linearizable' : 'violated')
      }),
      { numRuns: 3_000 },
    )
    expect(counts.linearizable).toBeGreaterThan(300)
    expect(counts.violated).toBeGreaterThan(300)
  })

  test('gives up after its steps, and says so', () => {
    const lines: string[] = []
    for (let client = 0; client < 40; client++) {
      lines.push(`${client} invoke write ${client}`, `${client} info write :timed-out`)
    }
    // No order of the open writes helps a read of what nobody wrote.
    const history = register(...lines, '99 invoke read nil', '99 ok read 12345')
    const check = checkHistory(registerModel, history, { stepsMax: 10_000 })
    expect(check.verdict).toBe('undecided')
    expect(check.steps).toBeLessThan(10_100)
  })

  test('takes a long history of many clients in a moment', () => {
    const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
    let state: string | null = null
    for (let round = 0; round < 2_000; round++) {
      const ids = Array.from({ length: 10 }, (_, client) =>
        recorder.invoke(
          client,
          client < 5 ? { type: 'write', value: `${round}.${client}` } : { type: 'read' },
        ),
      )
      state = `${round}.${round % 5}`
      for (const [client, id] of ids.entries()) {
        recorder.complete(id, client < 5 ? { type: 'write' } : { type: 'read', value: state })
      }
    }
    const startedAt = performance.now()
    const check = checkHistory(registerModel, recorder.operations)
    expect(check.verdict, explain(check)).toBe('linearizable')
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })
})

describe('keys', () => {
  const append = (lines: string): Operation<KeyValueInput, KeyValueOutput>[] =>
    parseKeyValueLog(lines)
  const line = (process: number, type: string, f: string, key: string, value: string) =>
    `{:process ${process}, :type :${type}, :f :${f}, :key "${key}", :value ${value}}`

  test('are checked each by itself, and the violated one is named', () => {
    const good = [
      line(0, 'invoke', 'append', 'a', '"x"'),
      line(0, 'ok', 'append', 'a', '"x"'),
      line(0, 'invoke', 'get', 'a', 'nil'),
      line(0, 'ok', 'get', 'a', '"x"'),
    ]
    const bad = [line(1, 'invoke', 'get', 'b', 'nil'), line(1, 'ok', 'get', 'b', '"x"')]
    const keyOf = ({ key }: KeyValueInput) => key
    expect(checkByKey(keyValueModel, append(good.join('\n')), keyOf).key).toBeUndefined()
    const check = checkByKey(keyValueModel, append([...good, ...bad].join('\n')), keyOf)
    expect([check.verdict, check.key]).toEqual(['violated', 'b'])
  })
})

const RECORDED = process.env.DPS_TEST_HISTORIES ?? '/work/shared/data/linearizability'
const hasRecorded = existsSync(join(RECORDED, 'verdicts.json'))

describe('recorded histories', () => {
  if (!hasRecorded) {
    process.stderr.write(
      `SKIPPED: no recorded histories in ${RECORDED}; DPS_TEST_HISTORIES names another folder\n`,
    )
  }

  test.skipIf(!hasRecorded)('the checker agrees with every known verdict', () => {
    const verdicts = JSON.parse(readFileSync(join(RECORDED, 'verdicts.json'), 'utf8')) as Record<
      string,
      boolean
    >
    const wrong: string[] = []
    for (const [name, linearizable] of Object.entries(verdicts)) {
      const text = readFileSync(join(RECORDED, name), 'utf8')
      const check = name.startsWith('kv/')
        ? checkByKey(keyValueModel, parseKeyValueLog(text), ({ key }) => key)
        : checkHistory(registerModel, parseRegisterLog(text))
      const expected: Verdict = linearizable ? 'linearizable' : 'violated'
      if (check.verdict !== expected) wrong.push(`${name}: ${check.verdict}, not ${expected}`)
    }
    expect(wrong).toEqual([])
    expect(Object.keys(verdicts).length).toBeGreaterThan(100)
  })
})
