import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { Metrics } from '../../src/observability/index.js'
import { type Message, type NodeId, NotLeaderError } from '../../src/raft/index.js'
import { bytes, text } from './cluster.js'
import { type FakeNode, World } from './runner-fakes.js'

const commands = (node: FakeNode) =>
  node.machine.applied.flatMap((line) => line.split(':').slice(1))

const followersOf = (world: World) =>
  [...world.nodes.values()].filter((node) => node !== world.leader)

/** Holds a node's wait until it is let go. */
function hold(
  world: World,
  id: NodeId,
  name: string,
): { reached: () => boolean; free: () => void } {
  let reached = false
  let free = () => {}
  const held = new Promise<void>((resolve) => {
    free = resolve
  })
  const before = world.onStep
  world.onStep = (node, step) => {
    if (node !== id || step !== name) return before(node, step)
    reached = true
    return held
  }
  const release = () => {
    world.onStep = before
    free()
  }
  return { reached: () => reached, free: release }
}

const codeOf = (error: unknown) => (error instanceof DpsError ? error.code : String(error))

test('a proposal resolves with what the state machine answered, applied everywhere', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const { index, term, result } = await world.value(leader.runner.propose(bytes('x')))
  expect(text(result)).toBe('did x')
  expect(term).toBe(leader.runner.status().term)
  expect(leader.machine.applied.at(-1)).toBe(`${index}:x`)
  await world.settled()
  for (const node of world.nodes.values()) expect(commands(node)).toEqual(['x'])
})

test('a cluster of one leads at once, without waiting for an election', async () => {
  const world = new World(['a'])
  const { runner } = await world.start('a')
  await world.until(() => runner.status().role === 'leader', 9)
  expect(await world.value(world.propose('x'))).toBe('did x')
})

test('who leads alone sleeps, and keeps time again when another joins', async () => {
  const world = await World.of(1, { readTimeoutMs: 500 })
  const { id, runner } = world.leader!
  await world.run(100)
  expect(world.time.idle).toBe(true)
  // A read that can't be served ends in its time all the same.
  const disk = hold(world, id, 'machine.apply')
  const stuck = runner.propose(bytes('x'))
  await world.until(disk.reached)
  expect(codeOf(await world.error(runner.readBarrier()))).toBe('UNAVAILABLE')
  disk.free()
  await world.value(stuck)
  await world.start('b')
  await world.value(runner.proposeChange({ kind: 'addVoter', id: 'b', context: new Uint8Array() }))
  world.crash('b')
  await world.until(() => runner.status().role === 'follower')
})

test('callers of one turn of the event loop share an append, whoever woke them', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const sizes: number[] = []
  world.filter = (message) => {
    if (message.type === 'append') sizes.push(message.entries.length)
    return true
  }
  const due: (() => void)[] = []
  world.time.turn = (run) => due.push(run)
  const proposed: Promise<unknown>[] = []
  for (let at = 0; at < 10; at++) {
    proposed.push(leader.runner.propose(bytes(`c${at}`)))
    await Promise.resolve()
  }
  expect(sizes).toEqual([])
  Reflect.deleteProperty(world.time, 'turn')
  for (const run of due) run()
  await world.value(Promise.all(proposed))
  expect(sizes).toEqual([10, 10])
})

test('what is proposed while a batch is written shares the next one', async () => {
  const world = await World.of(3)
  const { id, runner } = world.leader!
  const saves: string[] = []
  const disk = hold(world, id, 'log.save')
  const first = runner.propose(bytes('first'))
  await world.until(disk.reached)
  const rest = Array.from({ length: 100 }, (_, at) => runner.propose(bytes(`c${at}`)))
  world.onStep = (node, name) => {
    if (node === id && name === 'log.save') saves.push(name)
  }
  disk.free()
  world.onStep = (node, name) => {
    if (node === id && name === 'log.save') saves.push(name)
  }
  await world.value(Promise.all([first, ...rest]))
  expect(saves).toHaveLength(1)
  expect(commands(world.leader!)).toEqual(['first', ...rest.map((_, at) => `c${at}`)])
})

test("a leader's appends leave before its disk has them, a follower's answers after", async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const [follower] = followersOf(world)
  const sent: string[] = []
  world.filter = ({ from, type }) => {
    sent.push(`${from} ${type}`)
    return true
  }
  const ownDisk = hold(world, leader.id, 'log.save')
  const theirDisk = hold(world, follower!.id, 'log.save')
  const proposed = leader.runner.propose(bytes('x'))
  await world.until(() => ownDisk.reached() && theirDisk.reached())
  await world.run(5)
  expect(sent).toContain(`${leader.id} append`)
  expect(sent).not.toContain(`${follower!.id} appendReply`)
  theirDisk.free()
  await world.until(() => sent.includes(`${follower!.id} appendReply`))
  ownDisk.free()
  expect(text((await world.value(proposed)).result)).toBe('did x')
})

test('with a majority of other disks a slow own disk delays nothing but its own vote', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const [one] = followersOf(world)
  const slow = hold(world, one!.id, 'log.save')
  expect(await world.value(world.propose('x'))).toBe('did x')
  expect(slow.reached()).toBe(true)
  slow.free()
  expect(leader.runner.status().role).toBe('leader')
  await world.settled()
})

test('what the log has already is applied while the next batch is being written', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const { lastIndex } = leader.runner.status()
  const first = leader.runner.propose(bytes('first'))
  await world.until(() => leader.runner.status().stable > lastIndex)
  const disk = hold(world, leader.id, 'log.save')
  const second = leader.runner.propose(bytes('second'))
  expect(text((await world.value(first)).result)).toBe('did first')
  expect(disk.reached()).toBe(true)
  disk.free()
  expect(text((await world.value(second)).result)).toBe('did second')
})

test('reads and appends go on while the disk is stuck', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const disk = hold(world, leader.id, 'log.save')
  const stuck = leader.runner.propose(bytes('x'))
  await world.until(disk.reached)
  await world.value(leader.runner.readBarrier())
  // The others' disks make the majority; applying it here waits for the own disk.
  await world.run(300)
  expect(leader.runner.status().role).toBe('leader')
  expect(commands(leader)).toEqual([])
  disk.free()
  await world.value(stuck)
})

test('a commit index costs no write of its own, and rests with the next batch', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const saves: string[] = []
  world.onStep = (id, name) => {
    if (name === 'log.save') saves.push(id)
  }
  const { index } = await world.value(leader.runner.propose(bytes('x')))
  await world.settled()
  await world.run(100)
  expect(saves.toSorted()).toEqual(['a', 'b', 'c'])
  await world.value(world.propose('y'))
  await world.settled()
  for (const id of world.boot.voters) expect(world.disk(id).hardState.commit).toBe(index)
})

test('a leader stays in office although the disks of all others are stuck', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const { term } = leader.runner.status()
  const disks = followersOf(world).map(({ id }) => hold(world, id, 'log.save'))
  const stuck = leader.runner.propose(bytes('x'))
  await world.run(2_000)
  expect(leader.runner.status()).toMatchObject({ role: 'leader', term })
  await world.value(leader.runner.readBarrier())
  for (const disk of disks.reverse()) disk.free()
  await world.value(stuck)
  expect(leader.runner.status().term).toBe(term)
})

test('a leader whose own disk does not answer gives the office to another', async () => {
  for (const name of ['log.save', 'machine.apply']) {
    const world = await World.of(3, { stuckDiskMs: 1_000 })
    const old = world.leader!
    const disk = hold(world, old.id, name)
    const proposed = world.outcome(old.runner.propose(bytes('x')))
    await world.until(disk.reached)
    const behind = world.outcome(old.runner.propose(bytes('z')))
    await world.run(900)
    expect(world.leader).toBe(old)
    await world.until(() => world.leader !== undefined && world.leader !== old, 500)
    expect(await world.value(world.propose('y'))).toBe('did y')
    disk.free()
    await Promise.all([proposed, behind])
    await world.settled()
    expect(commands(old)).toEqual(['x', 'z', 'y'])
  }
})

test('only the leader takes proposals, and a follower names it', async () => {
  const world = await World.of(3)
  const [follower] = followersOf(world)
  const error = await world.error(follower!.runner.propose(bytes('x')))
  expect(error).toBeInstanceOf(NotLeaderError)
  expect((error as NotLeaderError).leader).toBe(world.leader!.id)
})

test('a leader that lost its majority tells its callers that nobody knows', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  await world.value(world.propose('kept'))
  world.isolate(leader.id)
  const error = await world.error(leader.runner.propose(bytes('lost')))
  expect(error).not.toBeInstanceOf(NotLeaderError)
  expect(codeOf(error)).toBe('UNAVAILABLE')
  expect((error as DpsError).message).toContain('unknown')
  expect(leader.runner.status().role).toBe('follower')
  // It stays true once the others went on.
  expect(await world.value(world.propose('next'))).toBe('did next')
  world.cut.clear()
  await world.settled()
  for (const node of world.nodes.values()) expect(commands(node)).toEqual(['kept', 'next'])
})

test('what was committed before leadership was lost still resolves with its result', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const applying = hold(world, leader.id, 'machine.apply')
  const proposed = leader.runner.propose(bytes('x'))
  await world.until(applying.reached)
  world.isolate(leader.id)
  await world.until(() => leader.runner.status().role === 'follower')
  applying.free()
  expect(text((await world.value(proposed)).result)).toBe('did x')
})

test('an aborted caller is let go; the proposal goes its way', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const controller = new AbortController()
  const proposed = leader.runner.propose(bytes('x'), { signal: controller.signal })
  controller.abort(new DpsError('CANCELLED', 'enough'))
  expect(codeOf(await world.error(proposed))).toBe('CANCELLED')
  await world.until(() => commands(leader).includes('x'))
  const late = leader.runner.propose(bytes('y'), { signal: controller.signal })
  expect(codeOf(await world.error(late))).toBe('CANCELLED')
  await world.run(100)
  expect(commands(leader)).toEqual(['x'])
})

test('too much uncommitted is refused, and taken again when it has drained', async () => {
  const world = await World.of(3, { uncommittedBytesMax: 1000 })
  const leader = world.leader!
  for (const { id } of followersOf(world)) world.isolate(id)
  const taken = leader.runner.propose(new Uint8Array(900))
  expect(codeOf(await world.error(leader.runner.propose(new Uint8Array(900))))).toBe(
    'RESOURCE_EXHAUSTED',
  )
  world.cut.clear()
  await world.value(taken)
  await world.value(leader.runner.propose(new Uint8Array(900)))
})

test('a state that is applied too slowly pushes back, at the leader and at followers', async () => {
  const world = await World.of(3, { applyBacklogBytesMax: 1000 })
  const leader = world.leader!
  const [slow] = followersOf(world)
  await world.settled()
  const there = hold(world, slow!.id, 'machine.apply')
  for (let at = 0; at < 20; at++) {
    await world.value(leader.runner.propose(new Uint8Array(200)))
  }
  await world.run(500)
  // Whatever it was sent again, its memory holds little more than the limit.
  expect(slow!.runner.status().lastIndex).toBeLessThan(12)
  there.free()
  await world.settled()

  const here = hold(world, leader.id, 'machine.apply')
  const waiting: Promise<unknown>[] = []
  let refused: unknown
  for (let at = 0; at < 20 && refused === undefined; at++) {
    waiting.push(
      leader.runner.propose(new Uint8Array(200)).catch((error) => {
        refused = error
      }),
    )
    await world.run(10)
  }
  expect(codeOf(refused)).toBe('RESOURCE_EXHAUSTED')
  here.free()
  await world.value(Promise.all(waiting))
  await world.value(leader.runner.propose(bytes('again')))
})

test('a disk error ends the replica: it acknowledges nothing any more, and says why', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  let sent: Message[] = []
  world.onStep = async (id, name) => {
    if (id === leader.id && name === 'log.save') throw new DpsError('INTERNAL', 'I/O error')
  }
  const error = await world.error(leader.runner.propose(bytes('x')))
  expect(codeOf(error)).toBe('UNAVAILABLE')
  expect((error as DpsError).message).toContain('unknown')
  world.filter = (message) => {
    sent = [...sent, message]
    return true
  }
  const status = leader.runner.status()
  expect(status.state).toBe('failed')
  expect(status.failure?.message).toBe('I/O error')
  expect((await leader.runner.failed).message).toBe('I/O error')
  await world.until(() => world.leader !== undefined)
  expect(await world.value(world.propose('next'))).toBe('did next')
  expect(sent.filter(({ from }) => from === leader.id)).toEqual([])
  for (const call of [
    () => leader.runner.propose(bytes('y')),
    () => leader.runner.readBarrier(),
    () => leader.runner.transfer('a'),
  ]) {
    const refused = (await world.error(call())) as DpsError
    expect(refused.code).toBe('UNAVAILABLE')
    expect(refused.message).toContain('I/O error')
  }
  // Its connections are gone, so that the others need no timeout to find out.
  expect(leader.transport.receiver).toBeUndefined()
  await leader.runner.stop()
  expect(leader.runner.status().state).toBe('stopped')
})

test("a follower's failed disk leaves its answer unsent", async () => {
  const world = await World.of(3)
  const [follower] = followersOf(world)
  const sent: Message[] = []
  world.onStep = async (id, name) => {
    if (id === follower!.id && name === 'log.save') throw new DpsError('RESOURCE_EXHAUSTED', 'full')
  }
  world.filter = (message) => {
    if (message.from === follower!.id && message.type === 'appendReply') sent.push(message)
    return true
  }
  expect(await world.value(world.propose('x'))).toBe('did x')
  await world.until(() => follower!.runner.status().state === 'failed')
  expect(follower!.runner.status().failure?.code).toBe('RESOURCE_EXHAUSTED')
  expect(sent).toEqual([])
})

test('an unknown command ends every replica that does not know it, before it diverges', async () => {
  const world = await World.of(3)
  const [old] = followersOf(world)
  old!.machine.unknown = 'new'
  expect(await world.value(world.propose('new'))).toBe('did new')
  await world.until(() => old!.runner.status().state === 'failed')
  expect(old!.runner.status().failure?.code).toBe('UNIMPLEMENTED')
  expect(commands(old!)).toEqual([])
  expect(await world.value(world.propose('more'))).toBe('did more')
})

test('concurrent reads share a round, and see what was acknowledged before them', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  await world.value(world.propose('x'))
  let rounds = new Set<number>()
  world.filter = (message) => {
    if (message.type === 'heartbeat' && message.round > 0) rounds.add(message.round)
    return true
  }
  const reads = Array.from({ length: 50 }, () => leader.runner.readBarrier())
  const indexes = await world.value(Promise.all(reads))
  expect(rounds.size).toBe(1)
  expect(new Set(indexes).size).toBe(1)
  rounds = new Set()
  // At a follower the read waits until its own state is there.
  const [follower] = followersOf(world)
  const applying = hold(world, follower!.id, 'machine.apply')
  await world.value(world.propose('y'))
  let done = false
  const read = follower!.runner.readBarrier().then(() => {
    done = true
  })
  await world.run(50)
  expect(done).toBe(false)
  applying.free()
  await world.value(read)
  expect(commands(follower!)).toEqual(['x', 'y'])
})

test('a deposed leader answers no read before it knows of its successor', async () => {
  const world = await World.of(3)
  const old = world.leader!
  await world.value(world.propose('x'))
  world.isolate(old.id)
  const read = old.runner.readBarrier()
  let answered = false
  read.then(() => {
    answered = true
  })
  await world.until(() => world.leader !== undefined && world.leader !== old)
  await world.value(world.propose('y'))
  expect(answered).toBe(false)
  world.cut.clear()
  await world.value(read)
  expect(commands(old)).toEqual(['x', 'y'])
})

test('a read whose question or answer was lost is asked again', async () => {
  const world = await World.of(3)
  const [follower] = followersOf(world)
  const contexts: string[] = []
  world.filter = (message) => {
    if (message.type !== 'readIndex') return true
    contexts.push(message.context)
    return contexts.length > 2
  }
  await world.value(follower!.runner.readBarrier())
  expect(contexts).toHaveLength(3)
  expect(new Set(contexts).size).toBe(3)
})

test('a read without a majority ends as UNAVAILABLE, in its time', async () => {
  const world = await World.of(3, { readTimeoutMs: 1_000 })
  const leader = world.leader!
  for (const id of world.boot.voters) world.isolate(id)
  const startMs = world.time.monotonicMs()
  expect(codeOf(await world.error(leader.runner.readBarrier()))).toBe('UNAVAILABLE')
  expect(world.time.monotonicMs() - startMs).toBeGreaterThanOrEqual(990)
  expect(world.time.monotonicMs() - startMs).toBeLessThan(1_100)
  const controller = new AbortController()
  const aborted = leader.runner.readBarrier({ signal: controller.signal })
  controller.abort(new DpsError('CANCELLED', 'enough'))
  expect(codeOf(await world.error(aborted))).toBe('CANCELLED')
})

test('leadership moves where it is told to, also when a follower is told', async () => {
  const world = await World.of(3)
  const [one, two] = followersOf(world)
  await world.value(world.leader!.runner.transfer(one!.id))
  expect(world.leader).toBe(one)
  await world.until(() => two!.runner.status().leader === one!.id)
  await world.value(two!.runner.transfer(two!.id).catch(() => {}))
  await world.value(world.leader!.runner.transfer(two!.id))
  expect(world.leader).toBe(two)
  expect(codeOf(await world.error(two!.runner.transfer('nobody')))).toBe('FAILED_PRECONDITION')
  world.isolate(one!.id)
  expect(codeOf(await world.error(two!.runner.transfer(one!.id)))).toBe('UNAVAILABLE')
  expect(await world.value(world.propose('x'))).toBe('did x')
})

test('a leader that stops hands over first: no election timeout passes', async () => {
  const world = await World.of(3)
  const old = world.leader!
  await world.value(world.propose('x'))
  const startMs = world.time.monotonicMs()
  await world.value(old.runner.stop())
  await world.until(() => world.leader !== undefined)
  expect(world.time.monotonicMs() - startMs).toBeLessThan(50)
  expect(await world.value(world.propose('y'))).toBe('did y')
  expect(old.runner.status().state).toBe('stopped')
})

test('a leader with nobody to hand over to stops in bounded time', async () => {
  const world = await World.of(3, { handOverMs: 300 })
  const old = world.leader!
  await world.run(30)
  for (const { id } of followersOf(world)) world.crash(id)
  const unsure = world.outcome(old.runner.propose(bytes('x')))
  const startMs = world.time.monotonicMs()
  await world.value(old.runner.stop())
  expect(world.time.monotonicMs() - startMs).toBeLessThanOrEqual(320)
  const outcome = await unsure
  expect('error' in outcome && codeOf(outcome.error)).toBe('UNAVAILABLE')
  expect(codeOf(await world.error(old.runner.propose(bytes('y'))))).toBe('UNAVAILABLE')
})

test('members are added, promoted and removed, and the transport keeps to them', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const change = (kind: 'addVoter' | 'addLearner' | 'remove', id: string) =>
    world.value(leader.runner.proposeChange({ kind, id, context: new Uint8Array() }))
  const newcomer = await world.start('d')
  await change('addLearner', 'd')
  expect(leader.transport.members).toContain('d')
  await world.until(() => newcomer.runner.status().configuration.learners.includes('d'))
  expect(newcomer.transport.members).toContain(leader.id)
  await change('addVoter', 'd')
  expect(leader.runner.status().configuration.voters).toEqual(['a', 'b', 'c', 'd'])
  const gone = followersOf(world)[0]!
  await change('remove', gone.id)
  expect(leader.transport.members).not.toContain(gone.id)
  expect(leader.runner.status().heardMs.has(gone.id)).toBe(false)
  const both = Promise.all([change('remove', 'd'), change('addLearner', 'e')])
  expect(codeOf(await world.error(both))).toBe('ABORTED')
})

test('a newcomer answers a leader that it had never heard of', async () => {
  const world = await World.of(1)
  const change = (kind: 'addVoter' | 'remove', id: string) =>
    world.value(world.leader!.runner.proposeChange({ kind, id, context: new Uint8Array() }))
  await world.start('b')
  await change('addVoter', 'b')
  await world.value(world.leader!.runner.transfer('b'))
  await world.settled()
  const newcomer = await world.start('c')
  await change('addVoter', 'c')
  await world.settled()
  expect(newcomer.runner.status().configuration.voters).toEqual(['a', 'b', 'c'])
})

test('changes of leader are told, and a listener that throws harms nobody', async () => {
  const world = await World.of(3)
  const [follower] = followersOf(world)
  const leaders: (string | undefined)[] = []
  follower!.runner.onChange(() => {
    throw new Error('bad listener')
  })
  const remove = follower!.runner.onChange(() => {
    leaders.push(follower!.runner.status().leader)
  })
  const old = world.leader!
  world.crash(old.id)
  await world.until(() => world.leader !== undefined)
  await world.value(world.propose('x'))
  expect(leaders).toContain(world.leader!.id)
  remove()
  const { length } = leaders
  await world.run(100)
  expect(leaders).toHaveLength(length)
})

test('what the disk and the state machine took is counted', async () => {
  const metrics = new Metrics()
  const world = new World(['a'])
  world.metrics = metrics
  await world.start('a')
  await world.settled()
  await world.value(world.propose('x'))
  const text = await metrics.text()
  expect(text).toContain('dps_raft_save_seconds_count 3')
  expect(text).toContain('dps_raft_applied_entries_total 2')
  expect(text).toContain('dps_raft_leader_changes_total 1')
})

test('the status tells since when each member was last heard of', async () => {
  const world = await World.of(3)
  const leader = world.leader!
  const [silent, alive] = followersOf(world)
  await world.run(100)
  world.crash(silent!.id)
  await world.run(500)
  const { heardMs, timings, durableIndex } = leader.runner.status()
  expect(heardMs.get(silent!.id)).toBeGreaterThan(400)
  expect(heardMs.get(alive!.id)).toBeLessThan(50)
  expect(timings.saveMs).toBe(0)
  expect(durableIndex).toBe(1)
})
