import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { Message } from '../../src/raft/index.js'
import { type FakeNode, World } from './runner-fakes.js'

const commandsOf = ({ machine }: FakeNode) =>
  machine.applied.flatMap((line) => line.split(':').slice(1))

const SMALL_LOG = { keepLogBytes: 200, holdLogBytesMax: 2_000 }

async function write(world: World, count: number, prefix = 'x'): Promise<void> {
  for (let at = 0; at < count; at++) await world.value(world.propose(`${prefix}${at}`))
}

/** A follower that missed more than the others' logs still hold. */
async function behind(world: World, count = 30): Promise<string> {
  const id = world.boot.voters.find((voter) => voter !== world.leader!.id)!
  world.isolate(id)
  await write(world, count)
  await world.run(20)
  expect(world.leader!.runner.status().firstIndex).toBeGreaterThan(
    world.node(id).runner.status().lastIndex + 1,
  )
  return id
}

test('the log is kept within its limit, in memory and on the disk', async () => {
  const world = await World.of(3, SMALL_LOG)
  for (let round = 0; round < 10; round++) {
    await write(world, 20)
    await world.run(50)
    for (const { id, runner } of world.nodes.values()) {
      const { logBytes, firstIndex } = runner.status()
      expect(logBytes).toBeLessThanOrEqual(500)
      expect(world.disk(id).entries[0]!.index).toBeGreaterThanOrEqual(firstIndex - 1)
      expect(world.disk(id).snapshot.index).toBeGreaterThanOrEqual(firstIndex - 1)
    }
  }
})

test('the log forgets nothing that the state would lose with the power', async () => {
  const world = await World.of(1, SMALL_LOG)
  const { id, machine } = world.leader!
  world.onStep = (_id, name) =>
    name === 'machine.flush' ? new Promise<never>(() => {}) : undefined
  await write(world, 40)
  expect(machine.durableIndex).toBeLessThan(3)
  expect(world.disk(id).snapshot.index).toBeLessThanOrEqual(machine.durableIndex)
  world.crash(id)
  world.onStep = () => {}
  await world.start(id)
  await world.settled()
  expect(commandsOf(world.node(id))).toHaveLength(40)
})

test('a member that missed what the log has forgotten gets the state', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world)
  const node = world.node(id)
  world.cut.clear()
  await world.settled()
  expect(world.pieces).toBeGreaterThan(5)
  expect(world.disk(id).generation).toBe(1)
  expect(commandsOf(node)).toEqual(commandsOf(world.leader!))
  expect(world.leader!.machine.snapshotsOpen).toBe(0)
  // It goes on with entries, and survives a restart on the new generation.
  await write(world, 3, 'y')
  await world.settled()
  world.crash(id)
  await world.start(id)
  await world.settled()
  expect(commandsOf(world.node(id))).toEqual(commandsOf(world.leader!))
})

test('a transfer that broke off goes on where it was', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world, 60)
  world.onStep = (_node, name) => {
    // Every fourth piece, and again after the connection is back.
    if (name === 'transfer.piece' && world.pieces % 4 === 3) {
      world.isolate(id)
      world.onStep = () => {}
      world.time.after(60, () => world.cut.clear())
    }
  }
  world.cut.clear()
  await world.settled()
  const { index } = world.disk(id).snapshot
  expect(world.pieces).toBe(Math.ceil(index / 3))
  expect(world.leader!.machine.snapshotsOpen).toBe(0)
})

test('what is being applied when a state arrives is finished before it is replaced', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = world.boot.voters.find((voter) => voter !== world.leader!.id)!
  const node = world.node(id)
  let free = () => {}
  const held = new Promise<void>((resolve) => {
    free = resolve
  })
  world.onStep = (at, name) => (at === id && name === 'machine.apply' ? held : undefined)
  await write(world, 3)
  await world.until(() => node.runner.status().committed > node.machine.appliedIndex)
  world.isolate(id)
  await write(world, 30, 'y')
  world.cut.clear()
  await world.until(() => world.disk(id).states.has(1))
  await world.run(50)
  expect(world.disk(id).generation).toBe(0)
  free()
  await world.settled()
  expect(world.disk(id).generation).toBe(1)
  expect(node.runner.status().failure).toBeUndefined()
  expect(commandsOf(node)).toEqual(commandsOf(world.leader!))
})

test('a receiver that refuses is asked again, less and less often', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world)
  const atMs: number[] = []
  world.onStep = async (node, name) => {
    if (node !== id || name !== 'machine.install') return
    atMs.push(world.time.monotonicMs())
    throw new DpsError('RESOURCE_EXHAUSTED', 'no room')
  }
  world.cut.clear()
  await world.run(5_000)
  expect(atMs.length).toBeGreaterThan(3)
  expect(atMs.length).toBeLessThan(12)
  expect(world.node(id).runner.status().state).toBe('running')
  world.onStep = () => {}
  await world.settled()
  expect(commandsOf(world.node(id))).toEqual(commandsOf(world.leader!))
})

test('a state that does not add up is not installed, and sent anew', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world)
  let finishes = 0
  world.onStep = async (_node, name) => {
    if (name === 'install.finish' && ++finishes === 1) throw new DpsError('DATA_LOSS', 'torn')
  }
  world.cut.clear()
  await world.settled()
  expect(finishes).toBe(2)
  expect(commandsOf(world.node(id))).toEqual(commandsOf(world.leader!))
})

test('a change of leader during a transfer starts another one, and closes the first', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world, 60)
  const old = world.leader!
  const other = [...world.nodes.values()].find((node) => node.id !== id && node !== old)!
  let reached = false
  world.onStep = (node, name) => {
    if (node !== old.id || name !== 'transfer.piece') return
    reached = true
    return new Promise<never>(() => {})
  }
  world.cut.clear()
  await world.until(() => reached)
  await world.value(old.runner.transfer(other.id))
  await write(world, 3, 'y')
  await world.settled()
  expect(commandsOf(world.node(id))).toEqual(commandsOf(other))
  expect(old.machine.snapshotsOpen).toBe(0)
  expect(other.machine.snapshotsOpen).toBe(0)
})

test('while a state travels the log behind it is kept, so that it is not sent for ever', async () => {
  const world = await World.of(3, SMALL_LOG)
  const id = await behind(world, 30)
  let transfers = 0
  world.onStep = async (_node, name) => {
    if (name === 'transfer.begin') transfers++
    // Slower than the log is written: twice what is kept otherwise.
    if (name === 'transfer.piece' && transfers === 1) await write(world, 3, 'busy')
  }
  world.cut.clear()
  await world.until(() => world.disk(id).generation > 0)
  await world.settled()
  expect(transfers).toBe(1)
})

test('a snapshot message without its state is not believed', async () => {
  const world = await World.of(3)
  await write(world, 1)
  await world.settled()
  const leader = world.leader!
  const node = [...world.nodes.values()].find((other) => other !== leader)!
  const { term, committed, configuration } = leader.runner.status()
  const message: Message & { type: 'snapshot' } = {
    type: 'snapshot',
    from: leader.id,
    to: node.id,
    term,
    snapshot: { index: committed + 100, term, configuration },
  }
  const { receiver } = node.transport
  receiver!.receive(message)
  await expect(receiver!.installed(message, undefined)).rejects.toThrow('send it again')
  await world.run(50)
  expect(node.runner.status().snapshotIndex).toBeLessThan(committed)
  // What it has already needs no state: the answer says so.
  const known = { ...message, snapshot: { index: committed, term, configuration } }
  expect(await world.value(receiver!.installing(known))).toBeUndefined()
  await receiver!.installed(known, undefined)
})

/** A transfer by hand, up to its last piece. */
async function transferBy(world: World, leader: FakeNode, to: FakeNode) {
  const state = await world.value(leader.machine.snapshot())
  const { term } = leader.runner.status()
  const message = {
    type: 'snapshot',
    from: leader.id,
    to: to.id,
    term,
    snapshot: state.meta,
  } as const
  const install = await world.value(to.transport.receiver!.installing(message))
  for await (const chunk of state.chunks(install!.received)) await install!.write(chunk)
  await state.close()
  return { message, install, end: () => to.transport.receiver!.installed(message, install) }
}

test('a transfer that ends when another has begun is not the one that is adopted', async () => {
  const world = await World.of(3, SMALL_LOG)
  const leader = world.leader!
  const node = world.node(await behind(world))
  let free = () => {}
  const held = new Promise<void>((resolve) => {
    free = resolve
  })
  const early = await transferBy(world, leader, node)
  world.onStep = (id, name) => (id === node.id && name === 'install.finish' ? held : undefined)
  const ending = world.outcome(early.end())
  await write(world, 5, 'y')
  await world.run(50)
  const late = await transferBy(world, leader, node)
  expect(late.install).not.toBe(early.install)
  world.onStep = () => {}
  free()
  expect(await ending).toMatchObject({ error: { code: 'ABORTED' } })
  await world.value(late.end())
  expect(node.machine.appliedIndex).toBe(late.message.snapshot.index)
  // And once more, by somebody whose answer was lost.
  await world.value(late.end())
  world.cut.clear()
  await world.settled()
  expect(node.runner.status().failure).toBeUndefined()
})

test('a log that was damaged heals from the leader, and does not vote before', async () => {
  const world = await World.of(3)
  await write(world, 10)
  await world.settled()
  const leader = world.leader!
  const node = [...world.nodes.values()].find((other) => other !== leader)!
  const { id } = node
  world.crash(id)
  const disk = world.disk(id)
  // Less than what it has applied, so the state itself has to stand for the lost entries.
  disk.entries = disk.entries.slice(0, 4)
  disk.damaged = true
  await write(world, 5, 'y')
  world.isolate(id)
  const healing = await world.start(id)
  expect(healing.runner.status()).toMatchObject({ healing: true, applied: 11, lastIndex: 11 })
  await world.run(1_000)
  expect(healing.runner.status()).toMatchObject({ role: 'follower', healing: true })
  expect(disk.damaged).toBe(true)
  world.cut.clear()
  await world.until(() => !healing.runner.status().healing)
  await world.settled()
  expect(disk.damaged).toBe(false)
  expect(commandsOf(healing)).toEqual(commandsOf(leader))
})

test('a log and a state that contradict each other stop the start with DATA_LOSS', async () => {
  const world = await World.of(3)
  await write(world, 10)
  await world.settled()
  const id = 'a'
  world.crash(id)
  const disk = world.disk(id)
  const { entries } = disk
  disk.entries = entries.slice(0, 4)
  const { runner } = world.build(id)
  await expect(runner.start()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  world.crash(id)
  disk.entries = entries
  const { configuration } = disk.snapshot
  disk.snapshot = { index: 5, term: 1, configuration }
  disk.states.clear()
  const again = world.build(id)
  await expect(again.runner.start()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  expect(again.transport.receiver).toBeUndefined()
})
