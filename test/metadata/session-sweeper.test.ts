import { expect, test } from 'vitest'
import type { Clock, Timers } from '../../src/base/index.js'
import { SESSION_TTL_MS, sessionKey } from '../../src/metadata/commands/session-rules.js'
import { type Command, MemoryStateStore, SessionSweeper } from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import { eventually } from '../support/temp.js'
import { entryOf, machineOn, open, TIME_MS } from './machine-support.js'

/** Sessions 1 to 200, of which 150 to 200 were used lately. */
async function world() {
  const machine = machineOn(new MemoryStateStore())
  await machine.open(0)
  await machine.apply(Array.from({ length: 149 }, (_, at) => entryOf(1 + at, open)))
  const late = { timeMs: TIME_MS + 1_000 }
  await machine.apply(
    Array.from({ length: 51 }, (_, at) => entryOf(150 + at, open, undefined, late)),
  )
  let nowMs = TIME_MS
  let fire = () => {}
  const timers: Timers = {
    after: (_ms, run) => {
      fire = run
      return () => {
        fire = () => {}
      }
    },
    turn: (run) => run(),
    settle: async () => {},
  }
  const clock: Pick<Clock, 'now'> = { now: () => nowMs }
  const commands: Command[] = []
  const state = { leading: true }
  const authority = {
    status: () => state as never,
    read: async () => machine,
    execute: async (command: Command) => {
      commands.push(command)
      const at = { timeMs: nowMs }
      await machine.apply([entryOf(machine.appliedIndex + 1, command, undefined, at)])
      return {} as never
    },
  }
  const sweeper = new SessionSweeper({ authority, clock, timers, log: silentLog })
  await sweeper.start()
  return {
    machine,
    commands,
    state,
    sweeper,
    sweep: (atMs: number) => {
      nowMs = atMs
      fire()
    },
  }
}

test('sweeper: the leader expires what was idle for its whole time, in small commands', async () => {
  const { machine, commands, sweeper, sweep } = await world()
  sweep(TIME_MS + SESSION_TTL_MS)
  await eventually('the sweep', () => machine.get(sessionKey(149)) === undefined)
  expect(machine.get(sessionKey(1))).toBeUndefined()
  expect(machine.get(sessionKey(150))).toBeDefined()
  expect(commands.length).toBe(3)
  await sweeper.stop()
})

test('sweeper: a follower leaves it to the leader', async () => {
  const { machine, commands, state, sweeper, sweep } = await world()
  state.leading = false
  sweep(TIME_MS + SESSION_TTL_MS)
  await sweeper.stop()
  expect(commands).toEqual([])
  expect(machine.get(sessionKey(1))).toBeDefined()
})
