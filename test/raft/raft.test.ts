import { expect, test } from 'vitest'
import { type Entry, type Message, NotLeaderError } from '../../src/raft/index.js'
import { bytes, Cluster, emptyDisk } from './cluster.js'

/** Three nodes of which `a` leads, at rest. */
function led(options = {}): Cluster {
  const cluster = Cluster.of(['a', 'b', 'c'], options)
  cluster.elect('a')
  return cluster
}

const types = (messages: { type: string; to: string }[]) =>
  messages.map(({ type, to }) => `${type} ${to}`)

test('raft: three nodes elect, replicate and apply the same', () => {
  const cluster = led()
  expect(cluster.leaders()).toEqual(['a'])
  expect(cluster.raft('a').propose(bytes('x'))).toEqual([{ index: 2, term: 1 }])
  cluster.settle()
  for (const { disk } of cluster.members.values()) expect(disk.state).toEqual(['x'])
})

test('raft: what promises more than a term that is on disk never leaves before the disk', () => {
  const cluster = Cluster.of(['a', 'b', 'c'])
  const seen = { early: new Set<string>(), promises: new Set<string>() }
  for (const member of cluster.members.values()) {
    const ready = member.raft.ready.bind(member.raft)
    member.raft.ready = () => {
      const taken = ready()
      for (const { type, term } of taken.appends) {
        seen.early.add(type)
        expect(term).toBeLessThanOrEqual(member.disk.hardState.term)
      }
      for (const { type } of taken.promises) seen.promises.add(type)
      return taken
    }
  }
  cluster.elect('a')
  cluster.isolate('c')
  cluster.raft('a').propose(bytes('x'))
  cluster.settle()
  cluster.get('a').compact()
  cluster.heal()
  cluster.raft('b').readIndex('r')
  cluster.tick(2)
  cluster.raft('b').transferLeader('c')
  cluster.settle()
  expect([...seen.early].sort()).toEqual([
    'append',
    'heartbeat',
    'heartbeatReply',
    'readIndex',
    'readIndexReply',
    'snapshot',
    'timeoutNow',
    'transfer',
  ])
  expect([...seen.promises].sort()).toEqual(['appendReply', 'termNotice', 'vote', 'voteReply'])
})

test('raft: an answer of a term that is not on disk yet waits for it', () => {
  const { raft } = Cluster.of(['a', 'b', 'c']).get('b')
  raft.step({ type: 'heartbeat', commit: 0, round: 0, from: 'a', to: 'b', term: 3 })
  const ready = raft.ready()
  expect(types(ready.appends)).toEqual([])
  expect(types(ready.promises)).toEqual(['heartbeatReply a'])
  raft.persisted()
  raft.step({ type: 'heartbeat', commit: 0, round: 0, from: 'a', to: 'b', term: 3 })
  expect(types(raft.takeAppends())).toEqual(['heartbeatReply a'])
})

test('raft: a commit index may wait for company, but not for long', () => {
  const cluster = Cluster.of(['a', 'b', 'c'], { announceTicks: 2, heartbeatTicks: 8 })
  cluster.elect('a')
  const sent: Message[] = []
  const propose = () => {
    cluster.raft('a').propose(bytes('x'))
    const send = cluster.send.bind(cluster)
    cluster.send = (messages) => {
      sent.push(...messages)
      send(messages)
    }
    cluster.settle()
    cluster.send = send
    const empty = sent.splice(0).filter((each) => each.type === 'append' && !each.entries.length)
    return empty.length
  }
  const known = () => cluster.raft('b').status().committed
  expect(propose()).toBe(0)
  expect(propose()).toBe(0)
  expect(known()).toBe(2)
  cluster.tick(1)
  expect(known()).toBe(2)
  cluster.tick(1)
  expect(known()).toBe(3)
  expect(propose()).toBe(0)
  cluster.tick(5)
  expect(known()).toBe(4)
  // After some quiet the next one is told at once.
  expect(propose()).toBe(2)
  expect(known()).toBe(5)
})

test('raft: a candidate’s own vote and a leader’s own log count only when they are on disk', () => {
  const cluster = Cluster.of(['a'])
  const { raft } = cluster.get('a')
  raft.campaign()
  expect(raft.ready()).toMatchObject({ hardState: { term: 1, vote: 'a' }, mustSync: true })
  expect(raft.status().role).toBe('candidate')
  raft.persisted()
  expect(raft.status().role).toBe('leader')
  raft.ready()
  // Proposed while the batch is on its way: not part of what it makes durable.
  raft.propose(bytes('later'))
  expect(raft.status()).toMatchObject({ committed: 0, lastIndex: 2 })
  raft.persisted()
  expect(raft.status()).toMatchObject({ committed: 1, stable: 1, lastIndex: 2 })
})

test('raft: what comes while a batch is on its way leaves with the next one, together', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  raft.propose(bytes('x'))
  expect(types(raft.ready().appends)).toEqual(['append b', 'append c'])
  raft.propose(bytes('y'))
  raft.propose(bytes('z'))
  // The own disk gets them with the next batch: until then nobody needs them.
  expect(raft.takeAppends()).toEqual([])
  expect(() => raft.ready()).toThrow('one batch at a time')
  raft.advance()
  const next = raft.ready()
  expect(next.entries).toHaveLength(2)
  expect(next.appends).toMatchObject([{ entries: next.entries }, { entries: next.entries }])
  raft.propose(bytes('w'))
  raft.transferLeader('b')
  expect(raft.takeAppends()).toMatchObject([
    { entries: [{ index: 5 }] },
    { entries: [{ index: 5 }] },
  ])
})

test('raft: acknowledgements that leave together are one', () => {
  const { raft } = Cluster.of(['a', 'b', 'c']).get('b')
  const append = (index: number, prevTerm: number) =>
    raft.step({
      type: 'append',
      prevIndex: index - 1,
      prevTerm,
      entries: [{ kind: 'noop', index, term: 1 }],
      commit: 0,
      from: 'a',
      to: 'b',
      term: 1,
    })
  append(1, 0)
  append(2, 1)
  append(9, 1)
  append(3, 1)
  const replies = raft.ready().promises.map((message) => 'index' in message && message.index)
  expect(replies).toEqual([2, 8, 3])
})

test('raft: a commit index alone needs no sync; a term, a vote, entries and changes do', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  raft.propose(bytes('x'))
  expect(raft.ready().mustSync).toBe(true)
  raft.advance()
  cluster.get('b').raft.tick()
  raft.step({ type: 'appendReply', rejected: false, index: 2, from: 'b', to: 'a', term: 1 })
  expect(raft.ready()).toMatchObject({ hardState: { commit: 2 }, entries: [], mustSync: false })
  raft.advance()
  raft.proposeConfChange({ kind: 'addLearner', id: 'd', context: bytes('') })
  raft.ready()
  raft.advance()
  raft.step({ type: 'appendReply', rejected: false, index: 3, from: 'b', to: 'a', term: 1 })
  expect(raft.ready()).toMatchObject({ entries: [], mustSync: true })
})

test('raft: beside a batch only what the own log has may be applied, and no configuration', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  const acknowledge = (index: number) => {
    raft.step({ type: 'appendReply', rejected: false, index, from: 'b', to: 'a', term: 1 })
  }
  const indexes = (entries: readonly Entry[]) => entries.map(({ index }) => index)
  raft.propose(bytes('x'))
  raft.ready()
  acknowledge(2)
  // Committed by the others' disks; the own one might still lose it.
  expect(raft.takeCommitted()).toEqual([])
  raft.persisted()
  raft.propose(bytes('y'))
  raft.proposeConfChange({ kind: 'addLearner', id: 'd', context: bytes('') })
  raft.propose(bytes('z'))
  expect(indexes(raft.ready().committed)).toEqual([2])
  raft.persisted()
  raft.applied(2)
  acknowledge(5)
  expect(indexes(raft.takeCommitted())).toEqual([3])
  expect(raft.takeCommitted()).toEqual([])
  raft.applied(3)
  const ready = raft.ready()
  expect(ready).toMatchObject({ mustSync: true, hardState: { commit: 5 } })
  expect(indexes(ready.committed)).toEqual([4, 5])
  raft.propose(bytes('after'))
  // In order: what the batch hands out comes first.
  expect(raft.takeCommitted()).toEqual([])
  raft.persisted()
  raft.applied(5)
  expect(raft.configuration.learners).toEqual(['d'])
})

test('raft: a read is confirmed while a batch is on its way', () => {
  const cluster = Cluster.of(['a'])
  cluster.elect('a')
  const { raft } = cluster.get('a')
  raft.propose(bytes('x'))
  raft.ready()
  raft.readIndex('r1')
  expect(raft.takeAppends()).toEqual([])
  expect(raft.takeReadStates()).toEqual([{ context: 'r1', index: 1 }])
  raft.persisted()
  expect(raft.ready().readStates).toEqual([])
})

test('raft: how far to compact is told by the bytes that are to stay', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  raft.propose(bytes('12345678'), bytes('12345678'), bytes('12345678'))
  cluster.settle()
  const each = raft.logBytes - 32
  expect(each).toBe(3 * 40)
  expect(raft.indexBefore(0)).toBe(4)
  expect(raft.indexBefore(79)).toBe(3)
  expect(raft.indexBefore(80)).toBe(2)
  expect(raft.indexBefore(1_000)).toBe(0)
  cluster.get('a').compact(3)
  expect(raft.indexBefore(1_000)).toBe(3)
})

test('raft: a configuration takes effect when it is applied, not when it is committed', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  raft.proposeConfChange({ kind: 'remove', id: 'c', context: bytes('') })
  cluster.network.push(...raft.ready().appends)
  raft.persisted()
  for (const message of cluster.network.splice(0)) cluster.deliver(message)
  cluster.get('b').work()
  for (const message of cluster.network.splice(0)) cluster.deliver(message)
  expect(raft.status()).toMatchObject({ committed: 2, configuration: { voters: ['a', 'b', 'c'] } })
  expect(raft.ready().committed).toHaveLength(1)
  raft.persisted()
  raft.applied(2)
  expect(raft.configuration.voters).toEqual(['a', 'b'])
})

test('raft: nobody campaigns over a committed change that it has not applied', () => {
  const cluster = led()
  const { raft } = cluster.get('b')
  cluster.raft('a').proposeConfChange({ kind: 'addVoter', id: 'd', context: bytes('') })
  cluster.get('a').work()
  for (const message of cluster.network.splice(0)) cluster.deliver(message)
  raft.step({ type: 'heartbeat', commit: 2, round: 0, from: 'a', to: 'b', term: 1 })
  raft.campaign()
  expect(raft.status().role).toBe('follower')
  raft.ready()
  raft.advance()
  raft.campaign()
  expect(raft.status().role).toBe('preCandidate')
})

test('raft: an append proves no more than it carries', () => {
  // Index 3 is another leader's; the commit index must not reach it.
  const cluster = Cluster.of(['a', 'b', 'c'])
  const { raft } = cluster.get('b')
  const entry = (index: number, term: number) => ({ kind: 'noop' as const, index, term })
  const head = { type: 'append' as const, to: 'b' }
  const tail = [entry(1, 1), entry(2, 1), entry(3, 1)]
  raft.step({ ...head, from: 'c', term: 1, prevIndex: 0, prevTerm: 0, entries: tail, commit: 0 })
  raft.step({ ...head, from: 'a', term: 2, prevIndex: 1, prevTerm: 1, entries: [], commit: 3 })
  expect(raft.status()).toMatchObject({ committed: 1, lastIndex: 3 })
  const more = [entry(2, 1)]
  raft.step({ ...head, from: 'a', term: 2, prevIndex: 1, prevTerm: 1, entries: more, commit: 3 })
  expect(raft.status()).toMatchObject({ committed: 2, lastIndex: 3 })
})

test('raft: a newcomer takes a snapshot that does not know it yet', () => {
  const cluster = led()
  cluster.raft('a').propose(bytes('x'))
  cluster.settle()
  cluster.get('a').compact()
  cluster.raft('a').proposeConfChange({ kind: 'addLearner', id: 'd', context: bytes('') })
  cluster.add('d', emptyDisk(cluster.get('a').disk.boot))
  cluster.settle()
  expect(cluster.get('d').disk).toMatchObject({ state: ['x'], snapshot: { index: 2 } })
  expect(cluster.raft('d').configuration.learners).toEqual(['d'])
})

test('raft: a restart finds the configuration that was applied', () => {
  const cluster = led()
  cluster.raft('a').proposeConfChange({ kind: 'remove', id: 'c', context: bytes('') })
  cluster.settle()
  cluster.get('a').start()
  expect(cluster.raft('a').configuration.voters).toEqual(['a', 'b'])
  cluster.get('a').compact()
  cluster.get('a').start()
  expect(cluster.raft('a').status()).toMatchObject({ snapshotIndex: 2, committed: 2 })
  expect(cluster.raft('a').configuration.voters).toEqual(['a', 'b'])
})

test('raft: who is not the leader says who is, and appends nothing', () => {
  const cluster = led()
  const propose = () => cluster.raft('b').propose(bytes('x'))
  expect(propose).toThrow(NotLeaderError)
  expect(propose).toThrow('the leader is a')
  cluster.get('b').start()
  expect(propose).toThrow('no leader is known')
  expect(() => cluster.raft('b').readIndex('r')).toThrow(NotLeaderError)
  expect(() => cluster.raft('b').transferLeader('c')).toThrow(NotLeaderError)
  expect(cluster.raft('b').status().lastIndex).toBe(1)
})

test('raft: proposals are taken all or none', () => {
  const raft = led({ entryBytesMax: 4 }).raft('a')
  expect(() => raft.propose(bytes('ok'), bytes('large'))).toThrow('too large: 5 B of at most 4 B')
  expect(raft.status().lastIndex).toBe(1)
})

test('raft: what waits to be committed is counted exactly', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  expect(raft.status().uncommittedBytes).toBe(0)
  raft.propose(bytes('12345'), bytes('1'))
  expect(raft.status().uncommittedBytes).toBe(6 + 2 * 32)
  cluster.settle()
  expect(raft.status().uncommittedBytes).toBe(0)
})

test('raft: a lost connection makes a follower probed again', () => {
  const cluster = led()
  const { raft } = cluster.get('a')
  cluster.cut.add('a>b')
  raft.propose(bytes('x'))
  cluster.settle()
  cluster.heal()
  raft.reportUnreachable('b')
  expect(raft.status().members.get('b')).toMatchObject({ state: 'probe', match: 1, next: 2 })
  cluster.settle()
  expect(cluster.get('b').disk.state).toEqual(['x'])
})

test('raft: two leaders in one term are noticed', () => {
  const cluster = led()
  const other = { type: 'heartbeat' as const, commit: 0, round: 0, from: 'c', term: 1 }
  expect(() => cluster.raft('b').step({ ...other, to: 'b' })).toThrow('one leader in term 1')
  expect(() => cluster.raft('a').step({ ...other, to: 'a' })).toThrow('one leader in term 1')
})

test('raft: a message for somebody else is a fault of the transport', () => {
  const cluster = led()
  const message = { type: 'termNotice' as const, from: 'c', to: 'b', term: 9 }
  expect(() => cluster.raft('a').step(message)).toThrow('a message to b reached a')
})

test('raft: a start that would forget is refused', () => {
  const cluster = led()
  const { disk } = cluster.get('a')
  disk.entries = []
  expect(() => cluster.get('a').start()).toThrow('what was committed is in the log')
  disk.hardState = { term: 0, vote: undefined, commit: 0 }
  disk.applied = 0
  disk.entries = [{ kind: 'noop', index: 1, term: 1 }]
  expect(() => cluster.get('a').start()).toThrow('newer than the hard state')
})

test('raft: each wait for an election is drawn anew', () => {
  const draws = [0, 0.99, 0.5]
  const cluster = Cluster.of(['a', 'b', 'c'], { random: { next: () => draws.shift() ?? 0 } })
  // b and c took the second and third draw: a waits 10 ticks, b 19, c 15.
  const waits = ['a', 'b', 'c'].map((id) => {
    const { raft } = cluster.get(id)
    for (let ticks = 1; ; ticks++) {
      raft.tick()
      if (raft.status().role === 'preCandidate') return ticks
    }
  })
  expect(waits).toEqual([10, 19, 15])
})

test('raft: a change that a new leader took over counts until it is applied', () => {
  const cluster = led({ random: { next: () => 0.5 } })
  const change = { kind: 'addLearner' as const, id: 'd', context: bytes('') }
  cluster.raft('a').proposeConfChange(change)
  cluster.get('a').work()
  for (const message of cluster.network.splice(0)) cluster.deliver(message)
  cluster.get('b').work()
  cluster.isolate('a')
  // c no longer hears its leader, and doesn't campaign yet.
  for (let at = 0; at < 10; at++) cluster.raft('c').tick()
  const b = cluster.get('b')
  b.raft.campaign()
  for (let round = 0; round < 6; round++) {
    const ready = b.raft.ready()
    cluster.send(ready.appends)
    b.persist(ready)
    cluster.send(ready.promises)
    b.raft.persisted()
    for (const message of cluster.network.splice(0)) cluster.deliver(message)
    cluster.get('c').work()
    for (const message of cluster.network.splice(0)) cluster.deliver(message)
  }
  expect(b.raft.status()).toMatchObject({ role: 'leader', term: 2, committed: 3, applied: 1 })
  const again = { ...change, id: 'e' }
  expect(() => b.raft.proposeConfChange(again)).toThrow('another configuration change')
  b.raft.applied(3)
  expect(b.raft.proposeConfChange(again)).toEqual({ index: 4, term: 2 })
})
