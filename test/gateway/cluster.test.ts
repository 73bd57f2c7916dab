import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { ClusterControl } from '../../src/gateway/index.js'
import { startApi, TOKEN } from './fakes.js'

const STATUS: Awaited<ReturnType<ClusterControl['status']>> = {
  clusterId: 'c1',
  mode: 'hybrid',
  peerId: 'p1',
  nodeId: 'p1:1',
  role: 'voter',
  leader: undefined,
  term: 3,
  commitIndex: 2 ** 40,
  appliedIndex: 7,
  members: [
    {
      peerId: 'p1',
      nodeId: 'p1:1',
      name: 'nas',
      zone: 'z1',
      addrs: ['/ip4/127.0.0.1/tcp/4101'],
      role: 'voter',
      state: 'online',
      wish: 'auto',
      appliedIndex: undefined,
      lastHeardMs: 12,
    },
  ],
  warnings: [{ message: 'no leader', hint: 'wait', problem: true }],
}

test('cluster API: a status without a leader and without knowledge of a lag has neither', async () => {
  const { client } = await startApi({ cluster: { status: async () => STATUS } })
  const answer = await client.cluster.clusterStatus({})
  expect(answer.leader).toBeUndefined()
  expect(answer.members[0]?.appliedIndex).toBeUndefined()
  expect(answer).toMatchObject({
    clusterId: 'c1',
    term: 3,
    commitIndex: 2 ** 40,
    members: [{ peerId: 'p1', role: 'voter', lastHeardMs: 12, zone: 'z1' }],
    warnings: [{ message: 'no leader', hint: 'wait' }],
  })
})

test('cluster API: the defaults of an invitation are the cluster’s, not the wire’s zeros', async () => {
  const asked: unknown[] = []
  const { client } = await startApi({
    cluster: {
      invite: async (options) => {
        asked.push(options)
        return { token: 'dpsjoin1x', expiresAtMs: 1_800_000_000_000, uses: 1 }
      },
    },
  })
  const answer = await client.cluster.invite({})
  expect(answer).toMatchObject({ token: 'dpsjoin1x', expires: '2027-01-15T08:00:00.000Z', uses: 1 })
  await client.cluster.invite({ ttlMs: 60_000, uses: 3 })
  expect(asked).toEqual([{}, { ttlMs: 60_000, uses: 3 }])
  await expect(client.cluster.invite({ ttlMs: -1 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})

test('cluster API: joining carries the path to import under only where one was given', async () => {
  const asked: unknown[] = []
  const { client } = await startApi({
    cluster: {
      join: async (token, { importUnder }) => {
        asked.push([token, importUnder])
        return { clusterId: 'c2', caughtUp: true, imported: 4, keptAside: '/x/raft.c1.1' }
      },
    },
  })
  expect(await client.cluster.join({ token: 't' })).toMatchObject({ imported: 4, caughtUp: true })
  await client.cluster.join({ token: 't', importUnder: '/home' })
  expect(asked).toEqual([
    ['t', undefined],
    ['t', '/home'],
  ])
})

test('cluster API: an error keeps its code and its hint', async () => {
  const { client } = await startApi({
    cluster: {
      remove: async () => {
        throw new DpsError('FAILED_PRECONDITION', 'p1 is the last voter', { hint: 'promote first' })
      },
    },
  })
  await expect(client.cluster.remove({ peer: 'p1' })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'p1 is the last voter',
    hint: 'promote first',
  })
})

test('cluster API: nobody asks without the token of the node', async () => {
  const { url } = await startApi({ cluster: { status: async () => STATUS } })
  const ask = (token: string) =>
    fetch(`${url}/dps.api.v1.ClusterService/ClusterStatus`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{}',
    })
  expect((await ask('wrong')).status).toBe(401)
  expect(await (await ask(TOKEN)).json()).toMatchObject({ clusterId: 'c1', role: 'voter' })
})
