import { expect, test } from 'vitest'
import { Ticker } from '../../src/raft/runner-ticker.js'
import { VirtualTime } from './runner-fakes.js'

function tickerOf(
  time: VirtualTime,
  tick: () => void,
  settle = async () => {},
  needed = () => true,
) {
  const timers = { after: time.after.bind(time), turn: time.turn.bind(time), settle }
  return new Ticker({ clock: time, timers }, { tickMs: 10, catchUpTicks: 3, tick, needed })
}

async function pass(time: VirtualTime, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await time.advance()
}

test('ticks come at their times, however late each of them was', async () => {
  const time = new VirtualTime()
  const atMs: number[] = []
  const ticker = tickerOf(time, () => {
    atMs.push(time.monotonicMs())
    time.jump(3)
  })
  ticker.start()
  await pass(time, 5)
  expect(atMs).toEqual([10, 20, 30, 40, 50])
  ticker.stop()
  await pass(time, 2)
  expect(atMs).toHaveLength(5)
})

test('what waits in the sockets is read before every tick', async () => {
  const time = new VirtualTime()
  const order: string[] = []
  const ticker = tickerOf(
    time,
    () => order.push('tick'),
    async () => {
      order.push('read')
    },
  )
  ticker.start()
  await pass(time, 1)
  time.jump(25)
  await pass(time, 3)
  expect(order).toEqual(Array(4).fill(['read', 'tick']).flat())
})

test('a long pause is caught up by a few ticks only', async () => {
  const time = new VirtualTime()
  const atMs: number[] = []
  const ticker = tickerOf(time, () => atMs.push(time.monotonicMs()))
  ticker.start()
  time.jump(5_000)
  await pass(time, 5)
  expect(atMs).toEqual([5_000, 5_000, 5_000, 5_000, 5_010])
  expect(ticker.lagMs).toBeGreaterThan(300)
})

test('a stop while the sockets are read lets no tick through', async () => {
  const time = new VirtualTime()
  let ticks = 0
  let read = () => {}
  const settle = () =>
    new Promise<void>((resolve) => {
      read = resolve
    })
  const ticker = tickerOf(time, () => ticks++, settle)
  ticker.start()
  await pass(time, 1)
  ticker.stop()
  read()
  await pass(time, 2)
  expect(ticks).toBe(0)
})

test('a ticker that nobody needs sleeps until it is woken', async () => {
  const time = new VirtualTime()
  const atMs: number[] = []
  let needed = false
  const ticker = tickerOf(
    time,
    () => atMs.push(time.monotonicMs()),
    async () => {},
    () => needed,
  )
  ticker.start()
  await pass(time, 1)
  expect(time.idle).toBe(true)
  time.jump(1_000)
  needed = true
  ticker.wake()
  ticker.wake()
  await pass(time, 2)
  expect(atMs).toEqual([10, 1_020, 1_030])
  ticker.stop()
  ticker.wake()
  await pass(time, 2)
  expect(atMs).toHaveLength(3)
})
