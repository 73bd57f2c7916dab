import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock, systemTimers } from '../../src/base/index.js'
import type { ClusterAsk } from '../../src/metadata/cluster-calls.js'
import type { Probe } from '../../src/metadata/cluster-codec.js'
import { ClusterMembers } from '../../src/metadata/cluster-members.js'
import { assessRecovery, buildRecovered, openWhole } from '../../src/metadata/cluster-recover.js'
import type { Seat } from '../../src/metadata/cluster-seat.js'
import { listNodes, readCluster, readNode } from '../../src/metadata/index.js'
import type { Membership } from '../../src/metadata/member-dir.js'
import { silentLog } from '../../src/observability/index.js'
import { configurationOf, LevelLogStore } from '../../src/raft/index.js'
import { eventually, tempDir } from '../support/temp.js'
import { LocalCluster } from './local-cluster.js'

const VOTERS = ['m1:1', 'm2:1', 'm3:1', 'm4:1', 'm5:1']

/** As `m1` sees it: who answers, and with which last entry. */
function assess(others: Record<string, Partial<Probe>>, own = { lastTerm: 3, lastIndex: 20 }) {
  const members = new ClusterMembers('m1')
  members.setConfiguration(configurationOf(VOTERS))
  const seat = {
    members,
    membership: { clusterId: 'c1', nodeId: 'm1:1', removed: false },
    status: () => ({ ...own, committed: 18, healing: false }),
  } as unknown as Seat
  const ask = {
    probe: async (peerId: string) => {
      const probe = others[peerId]
      if (probe === undefined) throw new Error('no answer')
      return { nodeId: `${peerId}:1`, lastTerm: 3, lastIndex: 20, ...probe }
    },
  } as unknown as ClusterAsk
  return assessRecovery({ seat, ask, peerId: 'm1' })
}

test('recovery: refused while a majority answers', async () => {
  await expect(assess({ m2: {}, m3: {} })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: '3 of 5 voters answer: that is a majority',
  })
})

test('recovery: refused when another survivor has a more complete log, which is named', async () => {
  for (const ahead of [{ lastIndex: 21 }, { lastTerm: 4, lastIndex: 2 }]) {
    await expect(assess({ m4: ahead })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/^m4 has a more complete log/),
    })
  }
  for (const behind of [{ lastIndex: 20 }, { lastTerm: 2, lastIndex: 99 }]) {
    await expect(assess({ m4: behind })).resolves.toMatchObject({ lost: ['m2', 'm3', 'm4', 'm5'] })
  }
})

test('recovery: another life of a member that answers is none of the voters', async () => {
  await expect(assess({ m2: { nodeId: 'm2:7' }, m3: { nodeId: 'm3:8' } })).resolves.toBeDefined()
})

test('recovery: the warnings tell what may be lost, and what was never acknowledged', async () => {
  const { warnings } = await assess({ m2: {} })
  expect(warnings[0]).toContain('2 of 5 voters are reachable')
  expect(warnings.join('\n')).toContain('2 changes that may never have been acknowledged')
})

test('recovery: the whole log is applied, also what no majority had; one voter is left', async () => {
  const cluster = new LocalCluster(3)
  await cluster.startAll()
  const leader = await cluster.leader()
  const { authority, id, path } = leader
  const peerId = id.slice(0, 2)
  const life = { peerId, incarnation: 1 }
  const described = { name: 'survivor', zone: '', addrs: [] }
  await authority.execute({
    type: 'foundCluster',
    clusterId: 'test',
    mode: 'hybrid',
    ...life,
    ...described,
  })
  const others = cluster.ids.filter((other) => other !== id)
  for (const other of others) cluster.network.cut.add(other)
  // On this disk alone: a leader that was about to say that it is committed.
  const lonely = authority.execute(
    { type: 'describeNode', ...life, name: 'last-word', zone: '', addrs: [] },
    { timeoutMs: 2_000 },
  )
  lonely.catch(() => {})
  const { runner } = leader.replica
  await eventually('it is on the disk', () => runner.status().stable > runner.status().committed)
  await cluster.stopAll()

  const to = join(tempDir(), 'raft.new')
  mkdirSync(to)
  const boot = configurationOf(cluster.ids)
  const membership: Membership = {
    clusterId: 'test',
    nodeId: id,
    boot,
    mode: 'hybrid',
    members: [],
    removed: false,
    started: true,
  }
  const parts = { clock: systemClock, timers: systemTimers, log: silentLog }
  const lost = others.map((other) => other.slice(0, 2))
  const recovered = await buildRecovered({ from: path, to, membership, lost, peerId }, parts)

  expect(recovered.clusterId).not.toBe('test')
  expect(recovered.nodeId).toBe(`${peerId}:2`)
  expect(recovered.boot).toEqual(configurationOf([`${peerId}:2`]))
  const log = new LevelLogStore({}, { path: join(to, 'log') })
  const { snapshot, entries, hardState } = await log.open(recovered.boot)
  await log.close()
  expect(snapshot.configuration).toEqual(recovered.boot)
  expect(entries).toEqual([])
  expect(hardState).toMatchObject({ vote: undefined, commit: snapshot.index })

  const machine = await openWhole({ log: to, state: to, boot: recovered.boot }, parts)
  expect(machine.mark).toMatchObject({ index: snapshot.index, configuration: recovered.boot })
  expect(readCluster(machine)).toMatchObject({
    clusterId: recovered.clusterId,
    formerIds: ['test'],
    nextIncarnation: 3,
  })
  expect(readNode(machine, peerId)).toMatchObject({ name: 'last-word', incarnation: 2 })
  await machine.close()
  // The source is as it was: it can be tried again.
  const before = join(tempDir(), 'copy')
  cpSync(path, before, { recursive: true })
  const source = await openWhole({ log: before, state: before, boot }, parts)
  expect((await listNodes(source)).map(({ incarnation }) => incarnation)).toEqual([1])
  await source.close()
})
