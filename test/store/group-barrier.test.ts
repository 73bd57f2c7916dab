import { expect, test } from 'vitest'
import { GroupBarrier } from '../../src/store/group-barrier.js'

function harness() {
  const state = { runs: 0, idle: true, bytes: 0 }
  const gates: { open(): void; fail(error: Error): void }[] = []
  const barrier = new GroupBarrier({
    run: () =>
      new Promise((resolve, reject) => {
        state.runs++
        gates.push({ open: resolve, fail: reject })
      }),
    idle: () => state.idle,
    waitingBytes: () => state.bytes,
  })
  return { state, gates, barrier }
}

test('group barrier: at once when nobody else writes', () => {
  const { state, barrier } = harness()
  barrier.wait()
  expect(state.runs).toBe(1)
})

test('group barrier: who comes while one runs shares the next', async () => {
  const { state, gates, barrier } = harness()
  const done: number[] = []
  const first = barrier.wait().then(() => done.push(0))
  const rest = Array.from({ length: 2000 }, (_, i) => barrier.wait().then(() => done.push(i + 1)))
  expect(state.runs).toBe(1)
  gates[0]!.open()
  await first
  // What they put may have come too late for the first.
  expect(done).toEqual([0])
  gates[1]!.open()
  await Promise.all(rest)
  expect(state.runs).toBe(2)
})

test('group barrier: while others write it waits for company, 20 ms at most', async () => {
  const { state, gates, barrier } = harness()
  state.idle = false
  const started = performance.now()
  const waits = [barrier.wait(), barrier.wait()]
  expect(state.runs).toBe(0)
  await expect.poll(() => state.runs, { interval: 1 }).toBe(1)
  expect(performance.now() - started).toBeGreaterThanOrEqual(15)
  gates[0]!.open()
  await Promise.all(waits)
})

test('group barrier: 64 MiB, or the end of the writing, starts it earlier', () => {
  const { state, barrier } = harness()
  state.idle = false
  barrier.wait()
  expect(state.runs).toBe(0)
  state.bytes = 64 * 1024 * 1024
  barrier.poke()
  expect(state.runs).toBe(1)
  const other = harness()
  other.state.idle = false
  other.barrier.wait()
  other.state.idle = true
  other.barrier.poke()
  expect(other.state.runs).toBe(1)
})

test('group barrier: a failure meets those who waited, the next one is tried anew', async () => {
  const { gates, barrier } = harness()
  const failed = barrier.wait()
  gates[0]!.fail(new Error('the disk'))
  await expect(failed).rejects.toThrow('the disk')
  const next = barrier.wait()
  gates[1]!.open()
  await next
})
