/**
 * Who belongs to a cluster, with real processes: coming, going, being sent away, and going on after
 * a majority is lost. What each node published before stays its own throughout.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeProbeRequest } from '../../src/metadata/cluster-codec.js'
import { ClusterClient } from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import { startHost } from '../network/host-support.js'
import { spawnNode, type TestNode } from '../support/processes.js'
import { eventually, tempDir } from '../support/temp.js'
import { freePort, TestCluster } from '../support/test-cluster.js'
import { publish } from './commands.js'

interface ClusterStatus {
  clusterId: string
  leader: string | null
  role: string
  mode: string
  members: { peerId: string; name: string; role: string; state: string; wish: string }[]
  warnings: { message: string; hint: string }[]
}

async function statusOf(node: TestNode): Promise<ClusterStatus> {
  return JSON.parse((await node.ok(['cluster', 'status', '--json'])).stdout)
}

async function spawnAt(name: string): Promise<TestNode> {
  const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
  return spawnNode({ listen, flags: ['--name', name] })
}

async function invite(node: TestNode, ...flags: string[]): Promise<string> {
  return (await node.ok(['cluster', 'invite', ...flags])).stdout.trim()
}

/** Roles by peer id, once the node tells of exactly these members. */
async function untilRoles(node: TestNode, roles: Record<string, string>): Promise<ClusterStatus> {
  return eventually(
    `${JSON.stringify(roles)} at ${node.peerId}`,
    async () => {
      const status = await statusOf(node)
      const shown = Object.fromEntries(status.members.map(({ peerId, role }) => [peerId, role]))
      const same =
        status.leader !== null &&
        Object.keys(shown).length === Object.keys(roles).length &&
        Object.entries(roles).every(([peerId, role]) => shown[peerId] === role)
      return same && status
    },
    { timeoutMs: 30_000, everyMs: 100 },
  )
}

async function sent(node: TestNode, name: string): Promise<string> {
  const path = join(tempDir(), name)
  await writeFile(path, `of ${node.peerId}`)
  return (await publish(node, [path])).cid
}

test('membership: a fresh node is a cluster of one, running and at rest, and has one id', async () => {
  const node = await spawnAt('alone')
  const [running] = [await statusOf(node)]
  expect(running).toMatchObject({ leader: node.peerId, role: 'voter', mode: 'hybrid' })
  expect(running.members).toMatchObject([{ peerId: node.peerId, name: 'alone', role: 'voter' }])
  const status = JSON.parse((await node.ok(['status', '--json'])).stdout)
  expect(status.cluster).toEqual({ id: running.clusterId, leader: node.peerId, role: 'voter' })
  await node.stop()
  expect(await statusOf(node)).toMatchObject({ clusterId: running.clusterId, leader: node.peerId })
  const left = await node.run(['cluster', 'invite'])
  expect(left.stderr).toContain('no node is running on')
  await node.restart()
  expect((await statusOf(node)).clusterId).toBe(running.clusterId)
  expect((await node.run(['cluster', 'leave'])).stderr).toContain('nothing to leave')
}, 60_000)

test('membership: three nodes by invitation, then each way of changing who they are', async () => {
  const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map(spawnAt))) as [
    TestNode,
    TestNode,
    TestNode,
  ]
  const pinned = { b: await sent(b, 'of b'), c: await sent(c, 'of c') }
  const token = await invite(a, '--uses', '2')
  const { clusterId } = await statusOf(a)
  for (const node of [b, c]) {
    const { stdout, stderr } = await node.ok(['cluster', 'join', token])
    expect(stdout).toBe(`joined ${clusterId}\n`)
    expect(stderr).toMatch(/kept at .*raft\.\w+\.1/)
  }
  const voters = Object.fromEntries([a, b, c].map(({ peerId }) => [peerId, 'voter']))
  for (const node of [a, b, c]) {
    const { members, warnings } = await untilRoles(node, voters)
    expect(members.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c'])
    expect(warnings).toEqual([])
  }
  // What each had published is still its own.
  expect((await b.ok(['pin', 'ls'])).stdout).toContain(pinned.b)
  expect((await c.ok(['cat', pinned.c])).stdout).toBe(`of ${c.peerId}`)
  // A joined one that joins again is told that all is well.
  expect((await b.ok(['cluster', 'join', token])).stdout).toBe(`joined ${clusterId}\n`)

  await a.ok(['cluster', 'transfer', 'c'])
  expect((await untilRoles(b, voters)).leader).toBe(c.peerId)

  await a.ok(['cluster', 'demote', 'b'])
  const demoted = await untilRoles(c, { ...voters, [b.peerId]: 'learner' })
  expect(demoted.members.find(({ peerId }) => peerId === b.peerId)?.wish).toBe('learner')
  expect(demoted.warnings[0]?.message).toContain('2 voters')
  const refusal = await a.run(['cluster', 'transfer', 'b'])
  expect(refusal.stderr).toContain('is a learner: only a voter can lead (FAILED_PRECONDITION)')
  await b.ok(['cluster', 'promote', b.peerId.slice(0, 20)])
  await untilRoles(a, voters)

  // The leader leaves: the others go on, and it is alone with what it had.
  const { stdout } = await c.ok(['cluster', 'leave'])
  expect(stdout).toMatch(new RegExp(`^left ${clusterId}; this node is now \\w+, a cluster of one`))
  const alone = await untilRoles(c, { [c.peerId]: 'voter' })
  expect(alone.clusterId).not.toBe(clusterId)
  expect((await c.ok(['cat', pinned.c])).stdout).toBe(`of ${c.peerId}`)
  const two = await untilRoles(b, { [a.peerId]: 'voter', [b.peerId]: 'voter' })
  expect(two.clusterId).toBe(clusterId)

  // One that is sent away learns of it, and disturbs nobody.
  await b.ok(['cluster', 'remove', 'a'])
  await untilRoles(b, { [b.peerId]: 'voter' })
  const gone = await eventually('a knows that it was removed', async () => {
    const status = await statusOf(a)
    return status.role === 'removed' && status
  })
  expect(gone.warnings[0]?.message).toContain(`removed from cluster ${clusterId}`)
  expect((await a.run(['cluster', 'invite'])).stderr).toContain('was removed from cluster')
  expect((await a.run(['diag', 'healthy'])).code).not.toBe(0)
  await a.restart()
  expect((await statusOf(a)).role).toBe('removed')
  const after = await statusOf(b)
  expect(after.leader).toBe(b.peerId)
  // And may come again.
  await a.ok(['cluster', 'join', await invite(b)])
  await untilRoles(b, { [a.peerId]: 'voter', [b.peerId]: 'voter' })
}, 180_000)

test('membership: a token that is wrong, expired, used up or of elsewhere lets nobody in', async () => {
  const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map(spawnAt))) as [
    TestNode,
    TestNode,
    TestNode,
  ]
  const before = await statusOf(b)
  const refused = async (node: TestNode, token: string, what: string, code = 12) => {
    const result = await node.run(['cluster', 'join', token])
    expect(result.stderr).toContain(what)
    expect(result.code).toBe(code)
  }
  const once = await invite(a)
  await refused(b, `${once.slice(0, -3)}zzz`, 'damaged or incomplete (INVALID_ARGUMENT)', 2)
  await refused(b, 'nonsense', 'no invitation token (INVALID_ARGUMENT)', 2)
  const short = await invite(a, '--ttl', '1s')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await refused(b, short, 'this invitation has expired (PERMISSION_DENIED)')
  await c.ok(['cluster', 'join', once])
  await refused(b, once, 'this invitation has been used up (PERMISSION_DENIED)')
  // An invitation to a cluster that its members are no longer in.
  const stale = await invite(b)
  await b.ok(['cluster', 'join', await invite(a)])
  await refused(c, stale, 'not in the cluster of the token (NOT_FOUND)', 4)
  // A member of two can't just go elsewhere.
  const other = await spawnAt('other')
  await refused(
    c,
    await invite(other),
    'fellow members, that it would lose (FAILED_PRECONDITION)',
    1,
  )
  expect((await statusOf(b)).clusterId).not.toBe(before.clusterId)
  for (const node of [a, b, c]) {
    const files = `${node.log}${(await node.ok(['diag'])).stdout}`
    for (const token of [once, short, stale]) expect(files).not.toContain(token.slice(20, 60))
  }
}, 120_000)

test('membership: a stranger may ask to join and nothing else, and not often', async () => {
  const a = await spawnAt('a')
  const { clusterId } = await statusOf(a)
  const stranger = await startHost()
  const client = new ClusterClient({ streams: stranger.host, log: silentLog })
  await client.start()
  try {
    await stranger.host.connect(a.addrs[0]!)
    const call = (method: string, payload: Uint8Array) =>
      client.calls.call(a.peerId, method, { payload }, { timeoutMs: 5_000 })
    for (const method of ['probe', 'standing', 'propose']) {
      await expect(call(method, encodeProbeRequest(clusterId))).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
      })
    }
    const codes = new Set<string>()
    for (let n = 0; n < 20; n++) {
      await call('join', new Uint8Array(0)).catch(({ code }: { code: string }) => codes.add(code))
    }
    expect([...codes]).toEqual(['INVALID_ARGUMENT', 'RESOURCE_EXHAUSTED'])
    expect((await statusOf(a)).members).toHaveLength(1)
  } finally {
    await client.stop()
  }
}, 60_000)

test('membership: two of three are lost for good; the third goes on, and they can come back', async () => {
  const cluster = await TestCluster.start(3)
  const [a, b, c] = cluster.nodes as [TestNode, TestNode, TestNode]
  const { clusterId } = await statusOf(a)
  const pinned = await sent(a, 'kept')
  expect((await a.run(['cluster', 'recover', '--force'])).stderr).toContain('that is a majority')
  await Promise.all([b.kill(), c.kill()])

  const asked = await a.run(['cluster', 'recover'])
  expect(asked.code).toBe(1)
  expect(asked.stderr).toContain('changes that only the others hold are lost')
  expect((await statusOf(a)).clusterId).toBe(clusterId)

  const { stdout } = await a.ok(['cluster', 'recover', '--force', '--json'])
  const recovered = JSON.parse(stdout)
  expect(recovered).toMatchObject({ formerClusterId: clusterId })
  expect(recovered.lost.sort()).toEqual([b.peerId, c.peerId].sort())
  expect(existsSync(join(recovered.keptAside, 'member.json'))).toBe(true)
  const alone = await untilRoles(a, { [a.peerId]: 'voter' })
  expect(alone.clusterId).toBe(recovered.clusterId)
  expect((await a.ok(['pin', 'ls'])).stdout).toContain(pinned)

  // They were not dead: a majority of the old cluster, which is none of this one.
  await Promise.all([b.start(), c.start()])
  const old = await cluster.leader({ asked: [b, c] })
  expect((await statusOf(old)).clusterId).toBe(clusterId)
  expect((await statusOf(a)).leader).toBe(a.peerId)
  expect((await statusOf(a)).members).toHaveLength(1)

  // Of one lineage: they may give up what they share with the recovered one.
  const token = await invite(a, '--uses', '2')
  for (const node of [b, c]) await node.ok(['cluster', 'join', token])
  await untilRoles(a, Object.fromEntries([a, b, c].map(({ peerId }) => [peerId, 'voter'])))
  await a.restart()
  expect((await statusOf(a)).clusterId).toBe(recovered.clusterId)
}, 180_000)

test('membership: members store for each other, others do not; a member that moved is found', async () => {
  const cluster = await TestCluster.start(3)
  const [a, b, c] = cluster.nodes as [TestNode, TestNode, TestNode]
  const path = join(tempDir(), 'copied')
  await writeFile(path, 'two copies')
  const copied = await a.ok(['publish', '--json', '--replicate', '2', path])
  const peers = [b.peerId, c.peerId].sort()
  expect(copied.stdout).toContain('"event":"summary"')
  const stat = JSON.parse(
    (await a.ok(['stat', '--json', JSON.parse(copied.stdout.split('\n')[0]!).cid])).stdout,
  )
  const holders = (stat.copies as { peerId: string }[]).map(({ peerId }) => peerId)
  expect(holders).toEqual(expect.arrayContaining(peers))

  const stranger = await spawnAt('stranger')
  await stranger.ok(['swarm', 'connect', a.addrs[0]!])
  const refused = await stranger.run(['publish', '--replicate', '1', path])
  expect(refused.code).toBe(3)
  expect(refused.stderr).toContain('PERMISSION_DENIED')

  // The same data directory on another port: the others learn of it from the node itself.
  await c.stop()
  const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
  const moved = await spawnNode({ dataDir: c.dataDir, listen })
  expect(moved.peerId).toBe(c.peerId)
  await eventually('its new address is known', async () => {
    const { members } = JSON.parse((await a.ok(['cluster', 'status', '--json'])).stdout)
    const found = members.find(({ peerId }: { peerId: string }) => peerId === c.peerId)
    return found.addrs.includes(listen) && found.appliedIndex !== null
  })
}, 120_000)
