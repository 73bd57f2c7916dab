import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { ClusterControl } from '../../src/gateway/index.js'
import { cli, fakeNode, jsonLines, tempDir } from './support.js'

type Status = Awaited<ReturnType<ClusterControl['status']>>

const member = (peerId: string, extra: Partial<Status['members'][number]> = {}) => ({
  peerId,
  nodeId: `${peerId}:1`,
  name: '',
  zone: '',
  addrs: [],
  role: 'voter' as const,
  state: 'online' as const,
  wish: 'auto' as const,
  appliedIndex: 20,
  lastHeardMs: 40,
  ...extra,
})

const STATUS: Status = {
  clusterId: 'c1',
  mode: 'hybrid',
  peerId: 'peerB',
  nodeId: 'peerB:2',
  role: 'voter',
  leader: 'peerA',
  term: 3,
  commitIndex: 20,
  appliedIndex: 19,
  members: [
    member('peerA', { name: 'nas' }),
    member('peerB', { appliedIndex: 19, lastHeardMs: 0 }),
    member('peerC', {
      role: 'learner',
      state: 'offline',
      appliedIndex: undefined,
      lastHeardMs: undefined,
    }),
  ],
  warnings: [{ message: '2 voters', hint: 'invite a third', problem: false }],
}

describe('cluster status', () => {
  test('cluster status: one screen with roles, lag and warnings', async () => {
    const node = await fakeNode({ cluster: { status: async () => STATUS } })
    const { code, stdout } = await node.cli(['cluster', 'status'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'Cluster    c1 (hybrid)',
        'Leader     peerA (nas)',
        'Term       3',
        'Committed  20',
        'Applied    19 here, as voter',
        'Members    3',
        '    peerA  nas  leader   online   up to date   heard 0s ago',
        '  * peerB  -    voter    online   1 behind     heard 0s ago',
        '    peerC  -    learner  offline  lag unknown',
        'Warning    2 voters',
        '           invite a third',
        '',
      ].join('\n'),
    )
  })

  test('cluster status --json: the names that scripts rely on', async () => {
    const node = await fakeNode({
      cluster: { status: async () => ({ ...STATUS, leader: undefined }) },
    })
    const { stdout } = await node.cli(['cluster', 'status', '--json'])
    const [value] = jsonLines(stdout)
    expect(value).toMatchObject({
      clusterId: 'c1',
      leader: null,
      term: 3,
      commitIndex: 20,
      appliedIndex: 19,
      members: [
        { peerId: 'peerA', name: 'nas', role: 'voter', state: 'online', appliedIndex: 20 },
        { peerId: 'peerB', appliedIndex: 19 },
        { peerId: 'peerC', role: 'learner', state: 'offline', appliedIndex: null },
      ],
    })
  })

  test('cluster status: names of members can not steer the terminal', async () => {
    const members = [member('peerA', { name: '\x1b[2J' })]
    const node = await fakeNode({ cluster: { status: async () => ({ ...STATUS, members }) } })
    expect((await node.cli(['cluster', 'status'])).stdout).not.toContain('\x1b')
  })
})

test('cluster invite: the token alone on stdout, what it means on stderr', async () => {
  const asked: unknown[] = []
  const node = await fakeNode({
    cluster: {
      invite: async (options) => {
        asked.push(options)
        return { token: 'dpsjoin1abc', expiresAtMs: Date.UTC(2027, 0, 1), uses: 2 }
      },
    },
  })
  const plain = await node.cli(['cluster', 'invite', '--ttl', '10m', '--uses', '2'])
  expect(plain).toMatchObject({ code: 0, stdout: 'dpsjoin1abc\n' })
  expect(plain.stderr).toContain('2 nodes join until 2027-01-01T00:00:00.000Z')
  expect(asked).toEqual([{ ttlMs: 600_000, uses: 2 }])
  const { stdout } = await node.cli(['cluster', 'invite', '--json'])
  expect(jsonLines(stdout)).toEqual([
    { token: 'dpsjoin1abc', expires: '2027-01-01T00:00:00.000Z', uses: 2 },
  ])
})

test('cluster join: says what it joined, what was kept, and when it is not caught up', async () => {
  const node = await fakeNode({
    cluster: {
      join: async (_token, { importUnder }) => ({
        clusterId: 'c9',
        caughtUp: importUnder !== undefined,
        imported: importUnder === undefined ? 0 : 3,
        keptAside: '/data/raft.c1.1',
      }),
    },
  })
  const plain = await node.cli(['cluster', 'join', 'dpsjoin1x'])
  expect(plain).toMatchObject({ code: 0, stdout: 'joined c9\n' })
  expect(plain.stderr).toContain('/data/raft.c1.1')
  expect(plain.stderr).toContain('still catching up')
  const imported = await node.cli(['cluster', 'join', 'dpsjoin1x', '--import-under', '/home'])
  expect(imported.stderr).toContain('3 files are at /home')
  const { stdout } = await node.cli(['cluster', 'join', 'dpsjoin1x', '--json'])
  expect(jsonLines(stdout)).toEqual([
    {
      event: 'joined',
      clusterId: 'c9',
      caughtUp: false,
      imported: 0,
      keptAside: '/data/raft.c1.1',
    },
  ])
})

test.each([
  ['promote', 'promoted', 'voter', 'promoted peerA\n'],
  ['demote', 'demoted', 'learner', 'demoted peerA\n'],
  ['remove', 'removed', '', 'removed peerA\n'],
  ['transfer', 'transferred', 'voter', 'peerA leads\n'],
] as const)(
  'cluster %s: passes the name on and says what was done',
  async (verb, event, role, line) => {
    const change = async (peer: string) => {
      expect(peer).toBe('nas')
      return { peerId: 'peerA', role, onlyCopies: event === 'removed' ? 2 : 0 }
    }
    const node = await fakeNode({ cluster: { [verb]: change } })
    expect(await node.cli(['cluster', verb, 'nas'])).toMatchObject({ code: 0, stdout: line })
    const { stdout } = await node.cli(['cluster', verb, 'nas', '--json'])
    const copies = event === 'removed' ? { onlyCopies: 2 } : {}
    expect(jsonLines(stdout)).toEqual([{ event, peerId: 'peerA', role, ...copies }])
  },
)

test('cluster leave: the old and the new cluster', async () => {
  const left = { clusterId: 'c2', leftClusterId: 'c1', keptAside: '/data/raft.c1.1', onlyCopies: 1 }
  const node = await fakeNode({ cluster: { leave: async () => left } })
  const { stdout, stderr } = await node.cli(['cluster', 'leave'])
  expect(stderr).toContain('the only copies of 1 file are on that node')
  expect(stdout).toBe('left c1; this node is now c2, a cluster of one\n')
  expect(jsonLines((await node.cli(['cluster', 'leave', '--json'])).stdout)).toEqual([
    { event: 'left', ...left },
  ])
})

describe('cluster recover', () => {
  const outcome = {
    clusterId: 'c2',
    formerClusterId: 'c1',
    keptAside: '/data/raft.c1.1',
    lost: ['peerA', 'peerC'],
    warnings: ['changes that only the others hold are lost'],
  }

  test('cluster recover: without --force it warns, changes nothing and says so', async () => {
    const asked: boolean[] = []
    const recover: ClusterControl['recover'] = async ({ force }) => {
      asked.push(force)
      return { ...outcome, clusterId: 'c1', keptAside: '' }
    }
    const node = await fakeNode({ cluster: { recover } })
    const { code, stdout, stderr } = await node.cli(['cluster', 'recover'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('warning: changes that only the others hold are lost')
    expect(stderr).toContain('nothing was changed (FAILED_PRECONDITION)')
    expect(stderr).toContain('cluster recover --force')
    expect(asked).toEqual([false])
  })

  test('cluster recover --force: tells who is lost, where the old state is, and what to do', async () => {
    const node = await fakeNode({ cluster: { recover: async () => outcome } })
    const { code, stdout, stderr } = await node.cli(['cluster', 'recover', '--force'])
    expect(code).toBe(0)
    expect(stdout).toContain('recovered c1 as c2')
    expect(stdout).toContain('no longer a member: peerC')
    expect(stderr).toContain('/data/raft.c1.1')
    expect(stderr).toContain('cluster invite')
    const json = await node.cli(['cluster', 'recover', '--force', '--json'])
    expect(jsonLines(json.stdout)).toEqual([{ event: 'recovered', ...outcome }])
  })
})

test('cluster: who is not authorised sees exit 12, and the hint', async () => {
  const node = await fakeNode({
    cluster: {
      join: async () => {
        throw new DpsError('PERMISSION_DENIED', 'this invitation has expired', {
          hint: 'ask again',
        })
      },
    },
  })
  const { code, stderr } = await node.cli(['cluster', 'join', 'dpsjoin1x'])
  expect(code).toBe(12)
  expect(stderr).toBe('error: this invitation has expired (PERMISSION_DENIED)\nhint: ask again\n')
})

test('cluster: what needs a running node says so', async () => {
  const dataDir = await tempDir()
  for (const args of [['invite'], ['join', 'x'], ['leave'], ['recover'], ['remove', 'nas']]) {
    const { code, stderr } = await cli(['cluster', ...args, '--data-dir', dataDir])
    expect(code).toBe(1)
    expect(stderr).toContain('no node is running on')
  }
})

test('cluster: a mistyped command names the nearest one', async () => {
  const { code, stderr } = await cli(['cluster', 'invit'])
  expect(code).toBe(2)
  expect(stderr).toContain('did you mean: dps-node cluster invite')
})
