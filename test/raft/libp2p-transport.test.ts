import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { FrameReader, FrameWriter } from '../../src/network/index.js'
import { configurationOf, type Entry, type Message, nodeIdOf } from '../../src/raft/index.js'
import { RAFT_PROTOCOL } from '../../src/raft/libp2p-link.js'
import { decodeFrame, encodeHello, encodeMessage } from '../../src/raft/message-codec.js'
import { startHost } from '../network/host-support.js'
import { commands, plain } from '../support/log-store-suite.js'
import { eventually } from '../support/temp.js'
import {
  CLUSTER,
  connect,
  type Member,
  MemoryInstall,
  snapshotOf,
  startMember,
} from './transport-support.js'

const MIB = 1024 * 1024

function heartbeat(from: Member, to: Member, commit = 0): Message {
  return { type: 'heartbeat', from: from.id, to: to.id, term: 1, commit, round: 0 }
}

function append(from: Member, to: Member, entries: Entry[]): Message {
  const prevIndex = entries[0]!.index - 1
  return {
    type: 'append',
    from: from.id,
    to: to.id,
    term: 1,
    prevIndex,
    prevTerm: prevIndex === 0 ? 0 : 1,
    entries,
    commit: 0,
  }
}

async function connected(...members: Member[]): Promise<void> {
  await eventually('all members are connected', () =>
    members.every(({ transport }) =>
      [...transport.links().values()].every(({ connected }) => connected),
    ),
  )
}

test('transport: messages go both ways, and appends keep their order', async () => {
  const [a, b] = [await startMember(), await startMember()]
  connect(a, b)
  await connected(a, b)
  const sent: Message[] = []
  for (let i = 1; i <= 300; i++) {
    // Large ones and small ones: the small would overtake.
    const data = new Uint8Array(i % 7 === 0 ? 40_000 : 100)
    sent.push(append(a, b, [{ kind: 'command', index: i, term: 1, data }]))
  }
  a.transport.send(sent)
  b.transport.send([heartbeat(b, a, 7)])
  await eventually('all have arrived', () => b.received.length === 300 && a.received.length === 1)
  expect(a.received).toEqual([heartbeat(b, a, 7)])
  const indexes = b.received.map((m) => (m.type === 'append' ? m.prevIndex : -1))
  expect(indexes).toEqual(Array.from({ length: 300 }, (_, i) => i))
})

test('transport: an append arrives as it was sent, and keeps no network buffer', async () => {
  const [a, b] = [await startMember(), await startMember()]
  connect(a, b)
  await connected(a, b)
  const entries: Entry[] = [
    { kind: 'noop', index: 1, term: 1 },
    ...commands(2, 40, 1),
    {
      kind: 'config',
      index: 41,
      term: 1,
      change: { kind: 'remove', id: 'x:1', context: new Uint8Array([1]) },
    },
  ]
  // Many at once, as they then share the network's buffers.
  const many = Array.from({ length: 100 }, () => append(a, b, entries))
  a.transport.send(many)
  await eventually('all have arrived', () => b.received.length === many.length)
  for (const message of b.received) {
    if (message.type !== 'append') throw new Error(`a ${message.type}`)
    expect(message).toMatchObject({ from: a.id, to: b.id })
    expect(plain(message.entries)).toEqual(plain(entries))
    for (const entry of message.entries) {
      if (entry.kind !== 'command') continue
      expect(entry.data.buffer.byteLength).toBeLessThan(2 * 1024)
    }
  }
})

test('transport: Raft has a connection to itself, whoever connects first', async () => {
  const [a, b] = [await startMember(), await startMember()]
  const echo = (stream: { addEventListener(name: 'message', run: () => void): void }) =>
    stream.addEventListener('message', () => {})
  await b.host.host.handle('/dps/test/1.0.0', echo, { maxInboundStreams: 8, maxOutboundStreams: 8 })
  await a.host.host.handle('/dps/test/1.0.0', echo, { maxInboundStreams: 8, maxOutboundStreams: 8 })
  connect(a, b)
  await a.host.host.learn(b.host.host.peerId, [b.host.addr])
  // Beside each other, so that libp2p would make one dial of them.
  const opening = a.host.host.openStream(b.host.host.peerId, '/dps/test/1.0.0')
  await connected(a, b)
  await opening
  await b.host.host.openStream(a.host.host.peerId, '/dps/test/1.0.0')
  for (const { host } of [a, b]) {
    const connections = host.host.libp2p.getConnections()
    for (const { streams } of connections) {
      const ours = new Set(streams.map(({ protocol }) => protocol).filter((p) => /^.dps/.test(p)))
      ours.delete('/dps/kad/1.0.0')
      expect([...ours].length).toBeLessThanOrEqual(1)
    }
    expect(connections.length).toBeGreaterThanOrEqual(2)
  }
})

test('transport: a stranger, another cluster and an earlier life are not heard', async () => {
  const [a, stranger, elsewhere] = [
    await startMember(),
    await startMember(),
    await startMember({ clusterId: 'cluster-2' }),
  ]
  a.transport.setMembers([elsewhere.id])
  stranger.transport.setMembers([a.id])
  elsewhere.transport.setMembers([a.id])
  for (let i = 0; i < 3; i++) {
    stranger.transport.send([heartbeat(stranger, a)])
    elsewhere.transport.send([heartbeat(elsewhere, a)])
    await eventually('both were told', () => {
      return stranger.unreachable.length > i && elsewhere.unreachable.length > i
    })
  }
  const former = { ...a, id: nodeIdOf(a.host.host.peerId, 0) }
  const late = await startMember()
  a.transport.setMembers([late.id])
  late.transport.setMembers([former.id])
  late.transport.send([heartbeat(late, former)])
  await eventually('it was told', () => late.unreachable.length > 0)
  expect(a.received).toEqual([])
  expect(stranger.transport.links().get(a.id)?.connected).toBe(false)
})

test('transport: a member cannot speak for another one, nor before its hello', async () => {
  const a = await startMember({ transport: { isMember: () => true } })
  const [b, c] = [await startMember(), await startHost()]
  await c.host.learn(a.host.host.peerId, [a.host.addr])
  const forged = encodeMessage(heartbeat(b, a))
  const hello = encodeHello({ clusterId: CLUSTER, from: b.id, to: a.id })
  for (const frames of [[{ header: hello }, forged], [forged]]) {
    const { stream } = await c.host.openOwnStream(a.host.host.peerId, RAFT_PROTOCOL)
    const answers: unknown[] = []
    let ended = false
    new FrameReader(stream, {
      headerBytesMax: 65536,
      bodyBytesMax: 0,
      onHeader: (header) => ({ header: decodeFrame(header), body: 'drop' }),
      onFrame: (frame) => void answers.push(frame),
      onEnd: () => {
        ended = true
      },
      onError: () => {
        ended = true
      },
    })
    const writer = new FrameWriter(stream)
    for (const frame of frames) writer.write(frame)
    await eventually('the stream has ended', () => ended)
    if (frames.length === 2) {
      expect(answers).toMatchObject([{ kind: 'refusal', error: { code: 'PERMISSION_DENIED' } }])
    }
  }
  expect(a.received).toEqual([])
})

test('transport: a member that was removed is cut off at once', async () => {
  const [a, b] = [await startMember(), await startMember()]
  connect(a, b)
  await connected(a, b)
  a.transport.setMembers([])
  await eventually('it was told', () => b.unreachable.length > 0)
  b.transport.send([heartbeat(b, a)])
  await eventually('and again', () => b.unreachable.length > 1)
  expect(a.received).toEqual([])
  expect(a.transport.links().size).toBe(0)
})

test('transport: a newcomer hears a leader that only its invitation names, and answers', async () => {
  const leader = await startMember()
  const newcomer = await startMember({ transport: { isMember: (id) => id === leader.id } })
  leader.transport.setMembers([newcomer.id])
  leader.transport.send([heartbeat(leader, newcomer)])
  await eventually('it has arrived', () => newcomer.received.length === 1)
  const { from: to, to: from } = newcomer.received[0]!
  newcomer.transport.send([{ type: 'heartbeatReply', from, to, term: 1, round: 0 }])
  await eventually('the answer has arrived', () => leader.received.length === 1)
})

test('transport: a restarted member is found again', async () => {
  const a = await startMember()
  const b = await startMember()
  connect(a, b)
  await connected(a, b)
  await b.stop()
  await eventually('it is missed', () => a.unreachable.includes(b.id))
  const again = await startMember({ dir: b.host.dir, listen: [b.host.addr.replace(/\/p2p.*/, '')] })
  expect(again.id).toBe(b.id)
  connect(a, again)
  await connected(a, again)
  await eventually('messages pass', () => {
    a.transport.send([heartbeat(a, again)])
    return again.received.length > 0
  })
})

test('transport: a member that does not answer any more is dialled anew', async () => {
  const a = await startMember({ transport: { pingTimeoutMs: 150 } })
  const deaf = await startHost()
  let streams = 0
  await deaf.host.handle(RAFT_PROTOCOL, () => streams++, {
    maxInboundStreams: 8,
    maxOutboundStreams: 8,
    ownConnection: true,
  })
  const id = nodeIdOf(deaf.host.peerId, 1)
  await a.host.host.learn(deaf.host.peerId, [deaf.addr])
  a.transport.setMembers([id])
  await eventually('it was dialled again and again', () => streams >= 5)
  expect(a.unreachable.length).toBeGreaterThanOrEqual(2)
  // Each host has dialled the other for itself, as it does with all peers; given up ones are gone.
  await eventually('no more than three are left', () => {
    return deaf.host.libp2p.getConnections().length <= 3
  })
})

test('transport: what a member does not read is bounded, and the rest is dropped', async () => {
  const queueBytesMax = 4 * MIB
  const a = await startMember({ transport: { queueBytesMax, pingTimeoutMs: 60_000 } })
  const slow = await startHost()
  let opened = false
  await slow.host.handle(
    RAFT_PROTOCOL,
    (stream) => {
      stream.pause()
      opened = true
    },
    { maxInboundStreams: 8, maxOutboundStreams: 8, ownConnection: true },
  )
  const b: Member = { ...a, id: nodeIdOf(slow.host.peerId, 1) }
  await a.host.host.learn(slow.host.peerId, [slow.addr])
  a.transport.setMembers([b.id])
  await eventually('the stream is open', () => opened)
  const data = new Uint8Array(256 * 1024)
  for (let i = 1; i <= 200; i++) {
    a.transport.send([append(a, b, [{ kind: 'command', index: i, term: 1, data }])])
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { queuedBytes } = a.transport.links().get(b.id)!
  expect(queuedBytes).toBeGreaterThan(MIB)
  expect(queuedBytes).toBeLessThanOrEqual(queueBytesMax + 300 * 1024)
  expect(a.unreachable).toContain(b.id)
})

const META = { index: 10, term: 1, configuration: configurationOf(['a:1']) }

function snapshotMessage(from: Member, to: Member) {
  return { type: 'snapshot' as const, from: from.id, to: to.id, term: 2, snapshot: META }
}

async function pair(): Promise<[Member, Member]> {
  const members: [Member, Member] = [await startMember(), await startMember()]
  connect(...members)
  for (const { host } of members) {
    for (const other of members) {
      if (other.host !== host) await host.host.learn(other.host.host.peerId, [other.host.addr])
    }
  }
  return members
}

/** The last one is small, and would overtake. */
const PIECES = [...Array.from({ length: 11 }, () => randomBytes(MIB)), randomBytes(10)]

test('transport: a snapshot arrives whole', async () => {
  const [a, b] = await pair()
  const snapshot = snapshotOf(META, PIECES)
  expect(await a.transport.sendSnapshot(snapshotMessage(a, b), snapshot)).toBe('finished')
  const [{ message, install } = {}] = b.receiver.installs
  expect(message).toEqual(snapshotMessage(a, b))
  expect(install?.finished).toBe(true)
  expect(
    install?.pieces.map((piece) => Buffer.compare(piece, PIECES[install.pieces.indexOf(piece)]!)),
  ).toEqual(PIECES.map(() => 0))
})

test('transport: a small piece does not overtake the large ones before it', async () => {
  const [a, b] = await pair()
  const pieces = [...PIECES.slice(0, 3), randomBytes(10)]
  const sent = a.transport.sendSnapshot(snapshotMessage(a, b), snapshotOf(META, pieces))
  expect(await sent).toBe('finished')
  const [{ install } = {}] = b.receiver.installs
  expect(install?.pieces.map(({ length }) => length)).toEqual([MIB, MIB, MIB, 10])
})

test('transport: a snapshot that broke off goes on where it was', async () => {
  const [a, b] = await pair()
  const install = new MemoryInstall(META)
  b.receiver.install = install
  install.onWrite = (number) => {
    if (number === 5) void b.host.host.disconnect(a.host.host.peerId)
  }
  const first = snapshotOf(META, PIECES)
  expect(await a.transport.sendSnapshot(snapshotMessage(a, b), first)).toBe('interrupted')
  install.onWrite = () => {}
  const second = snapshotOf(META, PIECES)
  const sent = await eventually('it can go on', async () => {
    const outcome = await a.transport.sendSnapshot(snapshotMessage(a, b), second)
    return outcome === 'finished'
  })
  expect(sent).toBe(true)
  expect(second.asked[0]).toBeGreaterThan(0)
  expect(Buffer.compare(Buffer.concat(install.pieces), Buffer.concat(PIECES))).toBe(0)
})

test('transport: a slow receiver holds the sender back', async () => {
  const [a, b] = await pair()
  const install = new MemoryInstall(META)
  b.receiver.install = install
  const snapshot = snapshotOf(META, PIECES)
  let ahead = 0
  install.onWrite = async (number) => {
    ahead = Math.max(ahead, snapshot.asked.length - number)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(await a.transport.sendSnapshot(snapshotMessage(a, b), snapshot)).toBe('finished')
  expect(ahead).toBeLessThanOrEqual(6)
})

test('transport: what is not needed is not sent', async () => {
  const [a, b] = await pair()
  b.receiver.needed = false
  const snapshot = snapshotOf(META, PIECES)
  expect(await a.transport.sendSnapshot(snapshotMessage(a, b), snapshot)).toBe('finished')
  expect(snapshot.asked).toEqual([])
  expect(b.receiver.installs).toEqual([{ message: snapshotMessage(a, b), install: undefined }])
})

test('transport: a receiver that refuses fails the transfer; one that is gone interrupts it', async () => {
  const [a, b] = await pair()
  b.receiver.refusal = new DpsError('DATA_LOSS', 'no')
  const send = () => a.transport.sendSnapshot(snapshotMessage(a, b), snapshotOf(META, PIECES))
  expect(await send()).toBe('failed')
  b.receiver.refusal = new DpsError('UNAVAILABLE', 'later')
  expect(await send()).toBe('interrupted')
  b.receiver.refusal = undefined
  b.transport.setMembers([])
  expect(await send()).toBe('failed')
  await b.stop()
  expect(await send()).toBe('interrupted')
})

test('transport: an abort ends a transfer with its reason', async () => {
  const [a, b] = await pair()
  const controller = new AbortController()
  const install = new MemoryInstall(META)
  b.receiver.install = install
  install.onWrite = (number) => {
    if (number === 3) controller.abort(new DpsError('CANCELLED', 'enough'))
  }
  const { signal } = controller
  const sending = a.transport.sendSnapshot(snapshotMessage(a, b), snapshotOf(META, PIECES), {
    signal,
  })
  await expect(sending).rejects.toThrow('enough')
})
