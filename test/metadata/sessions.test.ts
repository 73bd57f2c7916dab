import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { apply } from '../../src/metadata/apply.js'
import { decodeOutcome, decodeSession, type Proposal } from '../../src/metadata/codec.js'
import {
  outcomeKey,
  SESSION_TTL_MS,
  SESSION_WINDOW,
  sessionKey,
} from '../../src/metadata/commands/session-rules.js'
import { COMMANDS, type Command, encodeCommand } from '../../src/metadata/commands.js'
import type { Getter } from '../../src/metadata/index.js'
import { keyOf, textOfKey } from '../../src/metadata/keys.js'
import { open, TIME_MS } from './machine-support.js'

/** A state that entries are applied to one by one. */
class State implements Getter {
  readonly rows = new Map<string, Uint8Array>()
  index = 0

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.get(textOfKey(key))
  }

  apply(command: Command, at: Partial<Proposal> = {}, timeMs = TIME_MS) {
    const numbers = { session: 0, seq: 0, lowest: at.seq ?? 0, ...at }
    const proposal = { ...encodeCommand(command), ...numbers }
    const { writes, result } = apply(this, { index: ++this.index, timeMs, proposal })
    for (const [text, { value }] of writes) {
      if (value === undefined) this.rows.delete(text)
      else this.rows.set(text, value)
    }
    return decodeOutcome(result)
  }

  session(id: number) {
    const found = this.get(sessionKey(id))
    return found && decodeSession(found)
  }

  has(session: number, seq: number): boolean {
    return this.get(outcomeKey(session, seq)) !== undefined
  }
}

/** A command whose message can't be read: refused when it applies. */
const BROKEN = { tag: 2, body: new Uint8Array([0xff, 0xff]) }

function withSession(): State {
  const state = new State()
  expect(state.apply(open).status).toBe('done')
  return state
}

test('sessions: a repeated command is answered from memory, and changes nothing', () => {
  const state = withSession()
  const first = state.apply(open, { session: 1, seq: 1 })
  const rows = state.rows.size
  expect(state.apply(open, { session: 1, seq: 1 })).toEqual(first)
  expect(state.rows.size).toBe(rows)
  expect(state.session(2)).toBeDefined()
  expect(state.session(3)).toBeUndefined()
})

test('sessions: a refusal is remembered too', () => {
  const state = withSession()
  const refused = state.apply(open, { session: 1, seq: 1, ...BROKEN })
  expect(refused.status).toBe('refused')
  // Under the same number even a good one gets the old answer.
  expect(state.apply(open, { session: 1, seq: 1 })).toEqual(refused)
  expect(state.session(1)).toMatchObject({ highest: 1 })
})

test('sessions: what their owner has received is forgotten', () => {
  const state = withSession()
  for (const seq of [1, 2, 3]) state.apply(open, { session: 1, seq, lowest: 1 })
  expect([1, 2, 3].map((seq) => state.has(1, seq))).toEqual([true, true, true])
  state.apply(open, { session: 1, seq: 4, lowest: 3 })
  expect([1, 2, 3, 4].map((seq) => state.has(1, seq))).toEqual([false, false, true, true])
  expect(state.apply(open, { session: 1, seq: 2, lowest: 1 })).toEqual({ status: 'forgotten' })
  expect(state.session(1)).toMatchObject({ lowest: 3, highest: 4 })
})

test('sessions: numbers may come in any order', () => {
  const state = withSession()
  for (const seq of [3, 1, 2]) {
    expect(state.apply(open, { session: 1, seq, lowest: 1 })).toMatchObject({ status: 'done' })
  }
  expect([2, 3, 4].map((id) => state.session(id) !== undefined)).toEqual([true, true, true])
})

test('sessions: one that was never opened is unknown', () => {
  const state = withSession()
  expect(state.apply(open, { session: 9, seq: 1 })).toEqual({ status: 'unknownSession' })
  expect(state.rows.size).toBe(1)
})

test('sessions: no more may be unanswered than are remembered', () => {
  const state = withSession()
  const at = { session: 1, lowest: 1 }
  expect(state.apply(open, { ...at, seq: SESSION_WINDOW }).status).toBe('done')
  expect(state.apply(open, { ...at, seq: SESSION_WINDOW + 1 })).toEqual({ status: 'tooManyOpen' })
  const moved = { session: 1, lowest: 2, seq: SESSION_WINDOW + 1 }
  expect(state.apply(open, moved).status).toBe('done')
})

test('sessions: only those that were idle for their whole time expire, with their answers', () => {
  const state = withSession()
  state.apply(open)
  state.apply(open, { session: 2, seq: 1 })
  const expire = { type: 'expireSessions', sessions: [1, 2, 77] } as const
  const late = TIME_MS + SESSION_TTL_MS
  state.apply(open, { session: 1, seq: 1 }, TIME_MS + 1)
  expect(state.apply(expire, {}, late - 1)).toMatchObject({ status: 'done' })
  expect([state.session(1), state.session(2)]).not.toContain(undefined)
  state.apply(expire, {}, late)
  expect(state.session(1)).toBeDefined()
  expect(state.session(2)).toBeUndefined()
  expect(state.has(2, 1)).toBe(false)
  expect(state.apply(open, { session: 2, seq: 2 })).toEqual({ status: 'unknownSession' })
})

test('sessions: however commands are repeated and mixed, each applies once', () => {
  const sends = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(sends, (seqs) => {
      const state = withSession()
      const answers = new Map<number, unknown>()
      const lowest = () => {
        let low = 1
        while (answers.has(low)) low++
        return low
      }
      for (const seq of seqs) {
        const outcome = state.apply(open, { session: 1, seq, lowest: Math.min(lowest(), seq) })
        if (outcome.status === 'forgotten') expect(answers.has(seq)).toBe(true)
        else if (answers.has(seq)) expect(outcome).toEqual(answers.get(seq))
        else answers.set(seq, outcome)
      }
      const opened = [...state.rows.keys()].filter((text) => text.startsWith('s/')).length - 1
      expect(opened).toBe(answers.size)
      const kept = [...state.rows.keys()].filter((text) => text.startsWith('r/')).length
      const { lowest: from, highest } = state.session(1)!
      expect(kept).toBeLessThanOrEqual(highest - from + 1)
    }),
  )
})

test('apply: equal states and entries give equal writes, and what is refused writes nothing else', () => {
  const run = () => {
    const state = withSession()
    state.apply(open, { session: 1, seq: 1 })
    state.apply(open, { session: 1, seq: 2, lowest: 1, ...BROKEN })
    return [...state.rows].map(([text, value]) => [text, Buffer.from(value).toString('hex')])
  }
  expect(run()).toEqual(run())
  expect(run().map(([text]) => text!.slice(0, 2))).toEqual(['s/', 's/', 'r/', 'r/'])
})

test('apply: what a handler wrote before it refused is gone, its session’s mark stays', () => {
  const state = withSession()
  const [opening] = COMMANDS
  const spy = vi.spyOn(opening, 'apply').mockImplementation(({ view }) => {
    view.put(keyOf('x/', 1), new Uint8Array(1))
    view.delete(sessionKey(1))
    throw new DpsError('NOT_FOUND', 'nothing there', { hint: 'look elsewhere' })
  })
  try {
    expect(state.apply(open, { session: 1, seq: 1 })).toEqual({
      status: 'refused',
      code: 'NOT_FOUND',
      message: 'nothing there',
      hint: 'look elsewhere',
    })
    expect(state.get(keyOf('x/', 1))).toBeUndefined()
    expect(state.session(1)).toMatchObject({ highest: 1 })
    expect(state.has(1, 1)).toBe(true)
    // What no handler means to throw is nobody's answer.
    for (const error of [new TypeError('a bug'), new DpsError('DATA_LOSS', 'damaged')]) {
      spy.mockImplementation(() => {
        throw error
      })
      expect(() => state.apply(open, { session: 1, seq: 2 })).toThrow(error)
    }
  } finally {
    spy.mockRestore()
  }
})
