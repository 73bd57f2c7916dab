import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { NotLeaderError } from '../../src/raft/index.js'
import { bytes, text } from './cluster.js'
import { World } from './runner-fakes.js'

const commands = (applied: readonly string[]) => applied.flatMap((line) => line.split(':').slice(1))

test('a proposal resolves with what the state machine answered', async () => {
  const world = await World.of(3)
  const { runner } = world.leader!
  const { index, result } = await world.value(runner.propose(bytes('x')))
  expect(text(result)).toBe('did x')
  expect(world.leader!.machine.applied.at(-1)).toBe(`${index}:x`)
})
