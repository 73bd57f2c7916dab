import { expect, test } from 'vitest'
import { JoinGate } from '../../src/metadata/cluster-gate.js'

const refused = expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }) as Error

test('gate: one peer knocks so often in a minute, others are not in its way', () => {
  const clock = { ms: 0, monotonicMs: () => clock.ms }
  const gate = new JoinGate(clock, { perPeer: 3, overall: 100 })
  for (let n = 0; n < 3; n++) gate.pass('a')
  expect(() => gate.pass('a')).toThrow(refused)
  gate.pass('b')
  clock.ms = 60_000
  gate.pass('a')
})

test('gate: new peer ids do not help whoever guesses', () => {
  const gate = new JoinGate({ monotonicMs: () => 0 }, { overall: 50 })
  for (let n = 0; n < 50; n++) gate.pass(`peer${n}`)
  expect(() => gate.pass('another')).toThrow(refused)
})
