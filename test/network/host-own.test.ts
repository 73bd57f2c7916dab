import type { Connection, Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { DpsLibp2p } from '../../src/network/host-libp2p.js'
import { OwnConnections } from '../../src/network/host-own.js'

const PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const RAFT = '/dps/raft/1.0.0'
const CHUNK = '/dps/chunk/1.0.0'
const signal = new AbortController().signal

interface FakeConnection extends Connection {
  status: 'open' | 'closed'
  streams: Stream[]
}

function fakeConnection(): FakeConnection {
  const connection = {
    status: 'open',
    streams: [] as Stream[],
    newStream: async (protocol: string) => {
      const stream = {
        protocol,
        abort: () => {
          connection.streams = connection.streams.filter((each) => each !== stream)
        },
      } as unknown as Stream
      connection.streams.push(stream)
      return stream
    },
    close: async () => {
      connection.status = 'closed'
    },
  }
  return connection as unknown as FakeConnection
}

/** `dialled` are handed out in order, as libp2p hands out a dial that was under way. */
function world(...dialled: FakeConnection[]) {
  const open: FakeConnection[] = []
  const forced: unknown[] = []
  const dial = async (_target: unknown, { force }: { force?: boolean } = {}) => {
    forced.push(force)
    const next = dialled.shift()
    if (next === undefined) throw new DpsError('UNAVAILABLE', 'nobody there')
    if (!open.includes(next)) open.push(next)
    return next
  }
  const libp2p = { dial, peerStore: { merge: async () => {} } } as unknown as DpsLibp2p
  const own = new OwnConnections({ connectionsOf: () => open, libp2p: () => libp2p })
  const shared = () => own.openShared(PEER, CHUNK, (force) => libp2p.dial([], { force }), signal)
  return { own, open, forced, shared, raft: () => own.openOwn(PEER, RAFT, [], signal) }
}

const protocols = (connection: FakeConnection) => connection.streams.map(({ protocol }) => protocol)

test('own connections: others dial anew when there is only one that is kept apart', async () => {
  const [first, second] = [fakeConnection(), fakeConnection()]
  const { raft, shared, forced } = world(first, second)
  await raft()
  await shared()
  await shared()
  expect(protocols(first)).toEqual([RAFT])
  expect(protocols(second)).toEqual([CHUNK, CHUNK])
  expect(forced).toEqual([true, true])
})

test('own connections: a dial that was joined is used by one side only', async () => {
  const [first, second] = [fakeConnection(), fakeConnection()]
  const one = world(first, first, second)
  await one.raft()
  await one.shared()
  expect([protocols(first), protocols(second)]).toEqual([[RAFT], [CHUNK]])
  const [third, fourth] = [fakeConnection(), fakeConnection()]
  const two = world(third, third, fourth)
  await two.shared()
  await two.raft()
  expect([protocols(third), protocols(fourth)]).toEqual([[CHUNK], [RAFT]])
})

test('own connections: an inbound one is used back, unless others use it', async () => {
  const [free, used] = [fakeConnection(), fakeConnection()]
  const { own, open, raft, shared } = world()
  open.push(used)
  await shared()
  expect(own.claim(used)).toBe(false)
  open.push(free)
  expect(own.claim(free)).toBe(true)
  await raft()
  expect(protocols(free)).toEqual([RAFT])
})

test('own connections: what is cut goes with its connection, unless somebody else needs that', async () => {
  const [lone, crowded] = [fakeConnection(), fakeConnection()]
  const { raft, open } = world(lone, crowded)
  const error = new DpsError('UNAVAILABLE', 'dead')
  const first = await raft()
  first.cut(error)
  expect(lone.status).toBe('closed')
  open.splice(0)
  const second = await raft()
  await crowded.newStream(CHUNK)
  await crowded.newStream('/ipfs/id/1.0.0')
  second.cut(error)
  expect(crowded.status).toBe('open')
  expect(protocols(crowded)).toEqual([CHUNK, '/ipfs/id/1.0.0'])
  // It belongs to the others from here on.
  await expect(raft()).rejects.toThrow('nobody there')
})
