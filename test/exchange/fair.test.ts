import { expect, test } from 'vitest'
import { FairScheduler, type Grant } from '../../src/exchange/fair.js'
import { Reputation } from '../../src/exchange/reputation.js'

const MIB = 1024 * 1024
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('fair: a peer that asks a hundred times as often gets no more bytes', async () => {
  const fair = new FairScheduler({ windowBytes: 2 * MIB, windowBytesPerPeer: 2 * MIB })
  const served: Record<string, number> = { greedy: 0, modest: 0 }
  const held: Grant[] = []
  const ask = (peer: string, bytes: number) =>
    void fair.acquire(peer, bytes).then((grant) => {
      served[peer]! += bytes
      held.push(grant)
    })
  for (let i = 0; i < 400; i++) ask('greedy', MIB)
  for (let i = 0; i < 80; i++) ask('modest', MIB / 4)
  for (let round = 0; round < 20; round++) {
    await turn()
    for (const grant of held.splice(0)) grant.release()
  }
  expect(served.modest).toBeGreaterThan(4 * MIB)
  expect(served.greedy! / served.modest!).toBeGreaterThan(0.5)
  expect(served.greedy! / served.modest!).toBeLessThan(2)
})

test('fair: peers take turns by bytes even where nothing but the order is scarce', async () => {
  const fair = new FairScheduler({ windowBytes: 1024 * MIB, windowBytesPerPeer: 1024 * MIB })
  // Without tokens everybody queues; with the limit lifted, all are served in one go.
  fair.setRate(1)
  ;(await fair.acquire('first', MIB)).release()
  const order: string[] = []
  const ask = (peer: string, bytes: number) => {
    void fair.acquire(peer, bytes).then(() => order.push(peer))
  }
  for (let i = 0; i < 40; i++) ask('greedy', MIB)
  for (let i = 0; i < 40; i++) ask('modest', MIB / 4)
  fair.setRate(0)
  await turn()
  expect(order.length).toBe(80)
  // A large chunk for one against four small ones for the other, from the start.
  const start = order.slice(0, 25)
  expect(start.filter((peer) => peer === 'greedy').length).toBeLessThanOrEqual(7)
  expect(start.filter((peer) => peer === 'modest').length).toBeGreaterThanOrEqual(16)
})

test('fair: peers that never release can not take the whole window', async () => {
  const fair = new FairScheduler({ windowBytes: 32 * MIB, windowBytesPerPeer: 8 * MIB })
  for (let peer = 0; peer < 20; peer++) {
    for (let i = 0; i < 40; i++) void fair.acquire(`stalled ${peer}`, MIB / 4)
  }
  await turn()
  expect(fair.heldBytes).toBeLessThan(40 * MIB)
  const grant = await fair.acquire('newcomer', MIB / 4)
  grant.release()
})

test('fair: what is granted never exceeds twice the window, and all of it comes back', async () => {
  const fair = new FairScheduler({ windowBytes: 4 * MIB, windowBytesPerPeer: 3 * MIB })
  const running: Promise<void>[] = []
  let most = 0
  for (let i = 0; i < 200; i++) {
    running.push(
      fair.acquire(`peer ${i % 5}`, 1 + ((i * 7919) % MIB)).then(async (grant) => {
        most = Math.max(most, fair.heldBytes)
        await turn()
        grant.release()
        grant.release()
      }),
    )
  }
  await Promise.all(running)
  expect(most).toBeLessThanOrEqual(8 * MIB)
  expect(fair.heldBytes).toBe(0)
})

test('fair: an aborted wait leaves no trace, and the next in line goes on', async () => {
  const fair = new FairScheduler({ windowBytes: MIB, windowBytesPerPeer: MIB })
  const first = await fair.acquire('a', MIB)
  const controller = new AbortController()
  const reason = new Error('no longer')
  const waiting = fair.acquire('a', MIB, { signal: controller.signal })
  const next = fair.acquire('a', MIB)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  first.release()
  ;(await next).release()
  expect(fair.heldBytes).toBe(0)
})

test('fair: the true size counts, once it is known', async () => {
  const fair = new FairScheduler({ windowBytes: 4 * MIB })
  const grant = await fair.acquire('a', MIB)
  grant.adjust(3 * MIB)
  expect(fair.heldBytes).toBe(3 * MIB)
  grant.adjust(0)
  expect(fair.heldBytes).toBe(0)
  grant.release()
  expect(fair.heldBytes).toBe(0)
})

test('fair: an upload limit is kept, and can be lifted', async () => {
  const rate = 20 * MIB
  const fair = new FairScheduler({ rateBytesPerSecondMax: rate })
  const begun = performance.now()
  let bytes = 0
  while (bytes < 6 * MIB) {
    const grant = await fair.acquire('a', MIB / 4)
    bytes += MIB / 4
    grant.release()
  }
  // 6 MiB at 20 MiB/s are 300 ms, less what may be saved up and one chunk.
  expect(performance.now() - begun).toBeGreaterThan(200)
  fair.setRate(0)
  const before = performance.now()
  for (let i = 0; i < 100; i++) (await fair.acquire('a', MIB)).release()
  expect(performance.now() - before).toBeLessThan(1_000)
  fair.stop()
})

test('reputation: a lie is remembered for a while, slowness hardly', () => {
  let now = 0
  const reputation = new Reputation({ clock: { now: () => now, monotonicMs: () => now } })
  expect(reputation.trusted('p')).toBe(true)
  reputation.report('p', 'failed')
  expect(reputation.trusted('p')).toBe(true)
  reputation.report('p', 'lied')
  expect(reputation.trusted('p')).toBe(false)
  now += 9 * 60_000
  expect(reputation.trusted('p')).toBe(false)
  now += 3 * 60_000
  expect(reputation.trusted('p')).toBe(true)
  now += 3 * 60 * 60_000
  expect(reputation.points('p')).toBe(0)
  expect(reputation.trusted('another')).toBe(true)
})
