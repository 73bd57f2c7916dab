/** Whole replicas: real runners over real LevelDB, a network of function calls between them. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeSession } from '../../src/metadata/codec.js'
import { SESSION_WINDOW, sessionKey } from '../../src/metadata/commands/session-rules.js'
import { LevelStateStore, type View } from '../../src/metadata/index.js'
import { keyOf, rangeOf, readU64, textOfKey } from '../../src/metadata/keys.js'
import { eventually } from '../support/temp.js'
import { LocalCluster, type Member } from './local-cluster.js'
import { open } from './machine-support.js'

async function started(size: number, init: { keepLogBytes?: number } = {}): Promise<LocalCluster> {
  const cluster = new LocalCluster(size, init)
  await cluster.startAll()
  return cluster
}

/** Everything but what only says how far a replica is. */
async function stateOf(view: View): Promise<string[]> {
  const rows: string[] = []
  for await (const page of view.range({ gte: keyOf('A'), lt: keyOf('{') })) {
    for (const [key, value] of page) {
      if (textOfKey(key) === 'm/state') continue
      rows.push(`${textOfKey(key)}=${Buffer.from(value).toString('hex')}`)
    }
  }
  return rows
}

async function settled(cluster: LocalCluster): Promise<void> {
  const { authority } = await cluster.leader()
  const { appliedIndex } = authority.status()
  await eventually('all have applied', () =>
    [...cluster.members.values()].every(
      ({ replica }) => replica.machine.appliedIndex >= appliedIndex,
    ),
  )
}

async function equalStates(cluster: LocalCluster): Promise<string[]> {
  await settled(cluster)
  const states = await Promise.all(
    [...cluster.members.values()].map(({ replica }) => stateOf(replica.view)),
  )
  for (const state of states) expect(state).toEqual(states[0])
  return states[0]!
}

/** Sessions by commands, each under its number: how often each was applied shows in the count. */
async function openMany({ authority }: Member, count: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      return (await authority.execute(open, { timeoutMs: 20_000 })).session
    }),
  )
}

/** So many that the log of every member has forgotten its beginning. */
async function shortenLogs(cluster: LocalCluster): Promise<number[]> {
  const sessions: number[] = []
  const isShort = ({ replica }: Member) => replica.runner.status().firstIndex > 500
  await eventually(
    'short logs',
    async () => {
      sessions.push(...(await openMany(await cluster.leader(), 300)))
      return [...cluster.members.values()].every(isShort)
    },
    { timeoutMs: 30_000 },
  )
  return sessions
}

/** Ids of all sessions, with the highest number that was applied in each. */
async function sessionsIn(view: View): Promise<Map<number, number>> {
  const sessions = new Map<number, number>()
  for await (const rows of view.range(rangeOf('s/'))) {
    for (const [key, value] of rows) sessions.set(readU64(key, 2), decodeSession(value).highest)
  }
  return sessions
}

async function damage(path: string, session: number): Promise<void> {
  const store = new LevelStateStore(path)
  const [generation] = await store.generations()
  const state = await store.open(generation!)
  const key = sessionKey(session)
  const value = Uint8Array.from(state.get(key)!)
  value[value.length - 1]! ^= 1
  await state.write([{ key, value }])
  await state.close()
}

describe('replica', () => {
  test('replica: any member takes any command, and every member comes to the same bytes', async () => {
    const cluster = await started(3)
    const leader = await cluster.leader()
    const follower = await cluster.follower()
    const [{ session: one }, { session: two }] = await Promise.all([
      leader.authority.execute(open),
      follower.authority.execute(open),
    ])
    expect(one).not.toBe(two)
    for (const { authority } of cluster.members.values()) {
      const view = await authority.read()
      expect([view.get(sessionKey(one)), view.get(sessionKey(two))]).not.toContain(undefined)
    }
    await expect(
      follower.authority.execute({
        type: 'rename',
        from: { directoryId: 0, names: ['a'] },
        to: { directoryId: 0, names: ['b'] },
      } as never),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await equalStates(cluster)
  })

  test('replica: commands apply once while leaders are cut off one after the other', async () => {
    const cluster = await started(3)
    const members = [...cluster.members.values()]
    await cluster.leader()
    const answered: number[] = []
    const working = members.map(async (member) => {
      for (let round = 0; round < 12; round++) answered.push(...(await openMany(member, 20)))
    })
    const done = Promise.all(working)
    let over = false
    void done.finally(() => {
      over = true
    })
    while (!over) {
      const leading = members.find(({ authority }) => authority.status().leading)
      if (leading !== undefined) cluster.network.cut.add(leading.id)
      await new Promise((resolve) => setTimeout(resolve, 300))
      cluster.network.cut.clear()
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    await done
    expect(new Set(answered).size).toBe(3 * 12 * 20)
    await equalStates(cluster)
    const sessions = await sessionsIn(await members[0]!.authority.read())
    for (const session of answered) expect(sessions.has(session)).toBe(true)
    // Besides them only what the authorities opened for themselves, more than once if an answer
    // was lost; commands were proposed in one each. Nothing was opened twice by a command.
    const used = [...sessions].filter(([, highest]) => highest > 0)
    expect(used.map(([, highest]) => highest)).toEqual([240, 240, 240])
  }, 60_000)

  test('replica: all is there after a restart, sessions too', async () => {
    const cluster = await started(1)
    const [member] = cluster.members.values()
    const sessions = await openMany(member!, 50)
    const before = await stateOf(member!.replica.view)
    await cluster.stop(member!.id)
    const again = await cluster.start(member!.id)
    const view = await again.authority.read()
    expect(await stateOf(view)).toEqual(before)
    expect(sessions.every((session) => view.get(sessionKey(session)) !== undefined)).toBe(true)
    await again.authority.execute(open)
  })

  test('replica: one that was away for long gets a snapshot, even if its transfer breaks off', async () => {
    const cluster = await started(3, { keepLogBytes: 20_000 })
    const away = await cluster.follower()
    await cluster.stop(away.id)
    await shortenLogs(cluster)
    cluster.network.breakAfterPieces = 1
    const back = await cluster.start(away.id)
    await equalStates(cluster)
    expect(cluster.network.breakAfterPieces).toBeUndefined()
    // The head was sent once: the second transfer went on behind it.
    expect(cluster.network.piecesSent).toBe(3)
    await eventually('the former state is gone', () => {
      const states = readdirSync(back.path).filter((name) => name.startsWith('state-'))
      return states.join() === 'state-1'
    })
  }, 60_000)
})

describe('replica: a damaged state', () => {
  test('replica: it heals from the leader’s snapshot at the next start', async () => {
    const cluster = await started(3, { keepLogBytes: 20_000 })
    const sessions = await shortenLogs(cluster)
    const follower = await cluster.follower()
    await cluster.stop(follower.id)
    await damage(follower.path, sessions[7]!)
    // Nobody has looked at it yet.
    const back = await cluster.start(follower.id)
    const failed = back.replica.runner.failed
    await expect(stateOf(back.replica.view)).rejects.toMatchObject({ code: 'DATA_LOSS' })
    await openMany(await cluster.leader(), 1)
    expect(await failed).toMatchObject({ code: 'DATA_LOSS' })
    await eventually('the note', () => readdirSync(back.path).includes('state-damaged'))
    await cluster.stop(follower.id)
    const healed = await cluster.start(follower.id)
    await equalStates(cluster)
    await eventually('healed', () => !healed.replica.runner.status().healing)
    expect(readdirSync(healed.path)).toContain('state.damaged')
    expect(readdirSync(healed.path)).not.toContain('state-damaged')
  }, 60_000)

  test('replica: with its whole log it needs nobody, be it alone', async () => {
    const cluster = await started(1)
    const [member] = cluster.members.values()
    await openMany(member!, 30)
    const before = await stateOf(member!.replica.view)
    await cluster.stop(member!.id)
    await damageMark(member!.path)
    const again = await cluster.start(member!.id)
    await again.authority.read()
    expect(await stateOf(again.replica.view)).toEqual(before)
    expect(again.replica.runner.status().healing).toBe(false)
  })

  test('replica: alone and with a short log it refuses to start, and keeps everything', async () => {
    const cluster = await started(1, { keepLogBytes: 10_000 })
    const [member] = cluster.members.values()
    await shortenLogs(cluster)
    await cluster.stop(member!.id)
    await damageMark(member!.path)
    const names = readdirSync(member!.path)
    await expect(cluster.start(member!.id)).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringContaining('nobody has another'),
    })
    expect(readdirSync(member!.path)).toEqual(names)
  })
})

async function damageMark(path: string): Promise<void> {
  const store = new LevelStateStore(path)
  const state = await store.open(0)
  await state.write([{ key: keyOf('m/state'), value: new Uint8Array(30) }])
  await state.close()
}

test('replica: more than a session’s window may be under way at once', async () => {
  const cluster = await started(3)
  const follower = await cluster.follower()
  const sessions = await openMany(follower, SESSION_WINDOW + 500)
  expect(new Set(sessions).size).toBe(SESSION_WINDOW + 500)
  const view = await follower.authority.read()
  let outcomes = 0
  for await (const rows of view.range(rangeOf('r/'))) outcomes += rows.length
  expect(outcomes).toBeLessThanOrEqual(SESSION_WINDOW)
})
