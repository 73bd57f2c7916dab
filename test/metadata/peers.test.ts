import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { ProposeTarget } from '../../src/metadata/codec.js'
import { ClusterClient, ClusterServer } from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import { nodeIdOf } from '../../src/raft/index.js'
import { bareNodes } from '../network/calls-support.js'
import { cleanUp } from '../support/temp.js'

interface Seen {
  target: ProposeTarget
  bytes: number
}

async function pair(answer: () => Promise<Uint8Array>, allowed = () => true) {
  const [here, there] = await bareNodes(2)
  const seen: Seen[] = []
  const server = new ClusterServer(
    {
      streams: there!.streams,
      log: silentLog,
      receiver: {
        receiveProposal: (target, proposal) => {
          seen.push({ target, bytes: proposal.byteLength })
          return answer()
        },
      },
    },
    {
      handlers: { probe: async ({ payload }) => ({ payload }) },
      admit: () => {
        if (!allowed()) throw new DpsError('PERMISSION_DENIED', 'not a member')
      },
    },
  )
  const client = new ClusterClient({ streams: here!.streams, log: silentLog })
  for (const part of [server, client]) {
    await part.start()
    cleanUp(() => part.stop())
  }
  const target = { clusterId: 'test', to: nodeIdOf(there!.peerId, 1) }
  return { client, target, seen, peerId: there!.peerId }
}

test('peers: proposals and outcomes of any allowed size come through as they are', async () => {
  const outcome = new Uint8Array(300_000).fill(7)
  const { client, target, seen } = await pair(async () => outcome)
  for (const bytes of [1, 100_000, 2 ** 20]) {
    const answered = await client.propose(target, new Uint8Array(bytes), { timeoutMs: 5_000 })
    expect(Buffer.from(answered).equals(outcome)).toBe(true)
    expect(answered.constructor).toBe(Uint8Array)
  }
  expect(seen).toEqual([1, 100_000, 2 ** 20].map((bytes) => ({ target, bytes })))
})

test('peers: what the leader refuses with comes back with its code', async () => {
  const { client, target } = await pair(async () => {
    throw new DpsError('RESOURCE_EXHAUSTED', 'too many proposals')
  })
  await expect(
    client.propose(target, new Uint8Array(1), { timeoutMs: 5_000 }),
  ).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: 'too many proposals' })
})

test('peers: an empty proposal is refused before anybody sees it', async () => {
  const { client, target, seen } = await pair(async () => new Uint8Array(1))
  await expect(
    client.propose(target, new Uint8Array(0), { timeoutMs: 5_000 }),
  ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(seen).toEqual([])
})

test('peers: a stranger is refused, and nothing of it is looked at', async () => {
  const { client, target, seen, peerId } = await pair(
    async () => new Uint8Array(1),
    () => false,
  )
  const refused = { code: 'PERMISSION_DENIED' }
  await expect(
    client.propose(target, new Uint8Array(1), { timeoutMs: 5_000 }),
  ).rejects.toMatchObject(refused)
  await expect(client.calls.call(peerId, 'probe')).rejects.toMatchObject(refused)
  expect(seen).toEqual([])
})

test('peers: further methods stand beside', async () => {
  const { client, peerId } = await pair(async () => new Uint8Array(1))
  const payload = new Uint8Array([1, 2, 3])
  const answer = await client.calls.call(peerId, 'probe', { payload })
  expect(Buffer.from(answer.payload).equals(payload)).toBe(true)
})
