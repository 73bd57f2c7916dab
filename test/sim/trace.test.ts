import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { bytes, Cluster } from '../raft/cluster.js'
import { Rng } from './random.js'
import { type TraceEvent, type TraceMessage, traceLine } from './trace.js'
import { traceCores } from './trace-cores.js'

function traced(run: () => void): TraceEvent[] {
  const events: TraceEvent[] = []
  const stop = traceCores((event) => events.push(event))
  try {
    run()
  } finally {
    stop()
  }
  return events
}

/** `name node`, and of a message its route, type and what it is about. */
function short({ name, nid, msg, prop }: TraceEvent): string {
  if (msg !== undefined) return `${name} ${msg.from}>${msg.to} ${msg.type} ${msg.index}`
  const change = prop?.cc.changes?.map(({ action, nid }) => `${action} ${nid}`)
  return [name, nid, ...(change ?? prop?.cc.newconf ?? [])].join(' ')
}

test('one voter elects itself and commits, told as etcd tells it', () => {
  const events = traced(() => {
    const cluster = Cluster.of(['a'])
    cluster.elect('a')
    cluster.raft('a').propose(bytes('x'))
    cluster.settle()
  })
  expect(events.map(short)).toEqual([
    'InitState a',
    'BecomeCandidate a',
    'SendRequestVoteResponse a>a MsgVoteResp 0',
    'Ready a',
    'ReceiveRequestVoteResponse a>a MsgVoteResp 0',
    'BecomeLeader a',
    'Replicate a',
    'SendAppendEntriesResponse a>a MsgAppResp 2',
    'Ready a',
    'ReceiveAppendEntriesResponse a>a MsgAppResp 2',
    'Commit a',
    'Ready a',
    'Replicate a',
    'SendAppendEntriesResponse a>a MsgAppResp 3',
    'Ready a',
    'ReceiveAppendEntriesResponse a>a MsgAppResp 3',
    'Commit a',
    'Ready a',
  ])
})

test('an event has the fields of etcd, in its order and its numbers', () => {
  const events = traced(() => {
    const cluster = Cluster.of(['a', 'b'])
    cluster.elect('a')
  })
  const line = (name: string, msg: Partial<TraceMessage>) => {
    const found = events.find(
      (event) => event.name === name && (msg.from === undefined || event.msg?.from === msg.from),
    )
    return JSON.stringify(found)
  }
  expect(line('InitState', {})).toBe(
    '{"name":"InitState","nid":"a","state":{"term":1,"vote":"0","commit":1},"role":"StateFollower",' +
      '"log":1,"conf":[["a","b"],[]]}',
  )
  expect(line('SendRequestVoteRequest', { from: 'a' })).toBe(
    '{"name":"SendRequestVoteRequest","nid":"a","state":{"term":2,"vote":"a","commit":1},' +
      '"role":"StateCandidate","log":1,"conf":[["a","b"],[]],"msg":{"type":"MsgVote","term":2,' +
      '"from":"a","to":"b","entries":0,"logTerm":1,"index":1,"commit":0,"vote":"0","reject":false,' +
      '"rejectHint":0}}',
  )
  expect(line('ReceiveAppendEntriesRequest', { from: 'a' })).toBe(
    '{"name":"ReceiveAppendEntriesRequest","nid":"b","state":{"term":2,"vote":"a","commit":1},' +
      '"role":"StateFollower","log":1,"conf":[["a","b"],[]],"msg":{"type":"MsgApp","term":2,' +
      '"from":"a","to":"b","entries":1,"logTerm":1,"index":1,"commit":1,"vote":"0","reject":false,' +
      '"rejectHint":0}}',
  )
  expect(line('ReceiveAppendEntriesResponse', { from: 'b' })).toBe(
    '{"name":"ReceiveAppendEntriesResponse","nid":"a","state":{"term":2,"vote":"a","commit":1},' +
      '"role":"StateLeader","log":2,"conf":[["a","b"],[]],"msg":{"type":"MsgAppResp","term":2,' +
      '"from":"b","to":"a","entries":0,"logTerm":0,"index":2,"commit":0,"vote":"0","reject":false,' +
      '"rejectHint":0}}',
  )
})

test('membership changes tell what is asked for and what takes effect', () => {
  const events = traced(() => {
    const cluster = Cluster.of(['a', 'b'])
    cluster.elect('a')
    const change = (kind: 'addVoter' | 'addLearner' | 'remove', id: string) => {
      cluster.raft('a').proposeConfChange({ kind, id, context: new Uint8Array() })
      cluster.settle()
    }
    change('addLearner', 'c')
    change('remove', 'b')
  })
  expect(events.filter(({ prop }) => prop !== undefined).map(short)).toEqual([
    'ChangeConf a AddLearner c',
    'ApplyConfChange a a b',
    'ApplyConfChange b a b',
    'ChangeConf a RemoveServer b',
    'ApplyConfChange a a',
    'ApplyConfChange b a',
  ])
})

test('lines sort as text in the order in which things happened', () => {
  const [event] = traced(() => Cluster.of(['a']))
  const lines = [0, 7, 999_999, 1_000_000, 12_000_000_000].map((nowUs, order) =>
    traceLine(event!, nowUs, order),
  )
  lines.push(traceLine(event!, 12_000_000_000, 10))
  expect([...lines].sort()).toEqual(lines)
  const { level, msg, tag, event: read } = JSON.parse(lines[0]!)
  expect({ level, msg, tag, read }).toEqual({
    level: 'debug',
    msg: 'trace',
    tag: 'trace',
    read: event,
  })
})

/** A random schedule of three cores over a network that loses, reorders and parts. */
function randomRun(seed: number): Cluster {
  const rng = new Rng(seed, 'trace')
  const pick = <T>(values: readonly T[]): T => values[Math.floor(rng.next() * values.length)]!
  const ids = ['a', 'b', 'c']
  const cluster = Cluster.of(ids, { random: rng, heartbeatTicks: 3 })
  for (let step = 0; step < 3_000; step++) {
    const luck = rng.next()
    const id = pick(ids)
    const member = cluster.get(id)
    if (luck < 0.25) member.raft.tick()
    else if (luck < 0.55) {
      const at = Math.floor(rng.next() * cluster.network.length)
      const [message] = cluster.network.splice(at, 1)
      if (message !== undefined && rng.next() > 0.05) cluster.deliver(message)
    } else if (luck < 0.65) cluster.send(member.raft.takeAppends())
    else if (luck < 0.9) member.work()
    else if (luck < 0.95) proposeIfLeading(cluster, id, step)
    else if (luck < 0.96) cluster.cut.add(`${id}>${pick(ids)}`)
    else if (luck < 0.975) cluster.heal()
  }
  return cluster
}

function proposeIfLeading(cluster: Cluster, id: string, step: number): void {
  try {
    cluster.raft(id).propose(bytes(`${step}`))
  } catch (error) {
    if (!(error instanceof DpsError)) throw error
  }
}

test('what is received was sent, and left with a Ready of its sender', () => {
  for (const seed of [1, 2, 3]) {
    const events = traced(() => randomRun(seed))
    const pending = new Map<string, string[]>()
    const left = new Map<string, number>()
    for (const { name, nid, msg } of events) {
      const text = JSON.stringify(msg)
      if (name.startsWith('Send')) pending.set(nid, [...(pending.get(nid) ?? []), text])
      else if (name === 'Ready') {
        for (const sent of pending.get(nid) ?? []) left.set(sent, (left.get(sent) ?? 0) + 1)
        pending.delete(nid)
      } else if (name.startsWith('Receive')) {
        const copies = left.get(text) ?? 0
        expect(copies, `seed ${seed}: ${text}`).toBeGreaterThan(0)
        left.set(text, copies - 1)
      }
    }
    expect(events.filter(({ name }) => name === 'Commit').length).toBeGreaterThan(10)
  }
})

test('a traced run is the same run', () => {
  const outcome = (cluster: Cluster) =>
    [...cluster.members.values()].map(({ raft, disk }) => [raft.status(), disk.state])
  const plain = outcome(randomRun(4))
  let watched: unknown
  const events = traced(() => {
    watched = outcome(randomRun(4))
  })
  expect(watched).toEqual(plain)
  expect(events.length).toBeGreaterThan(500)
})
