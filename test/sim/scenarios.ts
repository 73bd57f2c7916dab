/** The directed runs; see facts about Raft implementations that went wrong in docs/simulator.md. */
import type { Host } from './host.js'
import type { Scenario, Stage } from './scenario.js'

/** Stops the leader's connections one way, and shows that the others go on without it. */
const deafLeader: Scenario = {
  name: 'deaf leader',
  story: 'The leader is heard, but hears nobody: it must go, or nothing is ever committed again.',
  run(stage) {
    const leader = stage.leader()
    for (const other of stage.others(leader)) stage.cut(other, leader, false)
    const [other] = stage.others(leader)
    stage.mustWrite(other!, 4_000)
    stage.heal()
    stage.recover()
  },
}

const deafFollower: Scenario = {
  name: 'deaf follower',
  story:
    'A follower hears nobody and is heard: its campaigns must not cost the others their leader.',
  run(stage) {
    const leader = stage.leader()
    const [deaf] = stage.others(leader)
    const calm = stage.sameLeader()
    for (const other of stage.others(deaf!)) stage.cut(other, deaf!, false)
    stage.forMs(5_000)
    calm()
    stage.mustWrite(leader)
    stage.heal()
    stage.forMs(2_000)
    calm()
    stage.recover()
  },
}

const partialPartition: Scenario = {
  name: 'partial partition',
  story: 'One follower has lost the leader but reaches the other one, which has not.',
  run(stage) {
    const leader = stage.leader()
    const [lonely, other] = stage.others(leader)
    const calm = stage.sameLeader()
    stage.cut(leader, lonely!)
    stage.forMs(5_000)
    calm()
    stage.mustWrite(other!)
    stage.heal()
    stage.forMs(2_000)
    calm()
    stage.recover()
  },
}

const star: Scenario = {
  name: 'one in the middle',
  story: 'Only one of five reaches a majority: it must become the leader, whoever led before.',
  plan: { voters: 5 },
  run(stage) {
    const leader = stage.leader()
    const [middle, ...rest] = stage.others(leader)
    for (const a of [leader, ...rest]) {
      for (const b of [leader, ...rest]) if (a.name < b.name) stage.cut(a, b)
    }
    stage.until('the one in the middle leads', () => stage.simulation.leader() === middle, {
      withinMs: 5_000,
    })
    stage.mustWrite(middle!)
    stage.heal()
    stage.recover()
  },
}

const higherTerm: Scenario = {
  name: 'return with a higher term',
  story: 'A node comes back with a term that nobody else has entered: it must find back in.',
  run(stage) {
    const leader = stage.leader()
    const { checks } = stage.simulation
    const [target] = stage.others(leader)
    // A transfer makes it campaign without asking; at that very moment it is cut off.
    leader.runner!.transfer(target!.id!).catch(() => {})
    stage.until('it campaigns', () => checks.roleOf(target!.id!)?.role === 'candidate')
    stage.isolate(target!)
    stage.forMs(1_500)
    stage.heal()
    stage.recover(3_000)
    stage.mustWrite(target!)
  },
}

const returningFollower: Scenario = {
  name: 'return to a calm cluster',
  story: 'A node that was cut off for long comes back: nobody is elected because of it.',
  run(stage) {
    const leader = stage.leader()
    const [away] = stage.others(leader)
    const calm = stage.sameLeader()
    stage.isolate(away!)
    stage.mustWrite(leader)
    stage.forMs(5_000)
    stage.heal()
    stage.forMs(3_000)
    calm()
    stage.recover()
  },
}

const noRandomness: Scenario = {
  name: 'all at once',
  story: 'Four nodes start at one moment with equal clocks: chance must break the tie.',
  plan: {
    voters: 4,
    link: { delayMs: 0.3, drop: 0, duplicate: 0, reorder: 0, exact: true },
    disk: { syncMs: 1, hiccupEvery: 0, exact: true },
  },
  run(stage) {
    stage.until('somebody leads', () => stage.simulation.leader(), { withinMs: 15_000 })
    stage.recover()
  },
}

const inheritedLog: Scenario = {
  name: 'a new leader without writes',
  story:
    'A read at a new leader is answered although nobody writes, and sees what the old one had committed.',
  run(stage) {
    const leader = stage.leader()
    stage.mustWrite(leader)
    leader.crash(true)
    const [other] = stage.others(leader)
    stage.until('another leads', () => stage.simulation.leader(), { withinMs: 3_000 })
    stage.mustRead(other!)
    leader.start()
    stage.recover()
  },
}

/** Proposes a change at the leader until it is in effect. */
function change(stage: Stage, kind: 'addVoter' | 'addLearner' | 'remove', id: string): void {
  const { simulation } = stage
  let state: 'asking' | 'done' | 'failed' = 'failed'
  stage.until(`${kind} ${id}`, () => {
    const leader = simulation.leader()
    if (state === 'failed' && leader !== undefined) {
      state = 'asking'
      leader.runner!.proposeChange({ kind, id, context: new Uint8Array(0) }).then(
        () => {
          state = 'done'
        },
        () => {
          state = 'failed'
        },
      )
    }
    return state === 'done'
  })
}

const removedLeader: Scenario = {
  name: 'a leader removes itself',
  story:
    'It commits its own removal, goes, and another takes over; what is left of it disturbs nobody.',
  plan: { voters: 4 },
  run(stage) {
    const leader = stage.leader()
    change(stage, 'remove', leader.id!)
    const rest = stage.others(leader)
    const next = stage.until('another leads', () => {
      const now = stage.simulation.leader()
      return now !== leader && now
    })
    stage.mustWrite(next)
    const { term } = next.runner!.status()
    stage.forMs(4_000)
    stage.must(stage.simulation.leader() === next, 'calm', `${next.id} was disturbed`)
    stage.must(next.runner!.status().term === term, 'calm', 'a removed node raised the term')
    for (const host of rest) stage.mustRead(host)
  },
}

const removedFollower: Scenario = {
  name: 'a removed follower goes on',
  story: 'It never hears of its removal, and campaigns: nobody listens.',
  plan: { voters: 4 },
  run(stage) {
    const leader = stage.leader()
    const [gone] = stage.others(leader)
    stage.isolate(gone!)
    change(stage, 'remove', gone!.id!)
    stage.forMs(1_000)
    stage.heal()
    const { term } = leader.runner!.status()
    stage.forMs(5_000)
    stage.must(stage.simulation.leader() === leader, 'calm', `${leader.id} was disturbed`)
    stage.must(leader.runner!.status().term === term, 'calm', 'a removed node raised the term')
    stage.mustWrite(leader)
  },
}

const figure8: Scenario = {
  name: 'figure 8',
  story: 'An entry of an earlier term is on a majority and must not count as committed yet.',
  plan: { voters: 5, appendBytesMax: 40, inflightMessagesMax: 1 },
  run(stage) {
    const { simulation } = stage
    const among = (hosts: readonly Host[]) => () => {
      const leader = simulation.leader()
      return leader !== undefined && hosts.includes(leader) && leader
    }
    const s1 = stage.leader()
    const [s2, ...far] = stage.others(s1) as [Host, Host, Host, Host]
    stage.mustWrite(s1)
    stage.recover()
    // (a) S1 appends an entry that only S2 gets.
    for (const host of far) stage.cut(s1, host)
    const index = s1.log.last + 1
    stage.write(s1)
    stage.until('S2 has it', () => s2.log.last === index)
    const old = s2.log.lastTerm
    // (b) S1 dies; one of the others is elected without S2, and writes what nobody else gets.
    s1.crash(true)
    for (const host of far) stage.cut(s2, host)
    const s5 = stage.until('another leads', among(far))
    const [s3, s4] = far.filter((host) => host !== s5) as [Host, Host]
    for (const host of [s1, s2, s3, s4]) stage.cut(s5, host)
    stage.until('it has written', () => s5.log.last >= index && s5.log.lastTerm > old)
    s5.crash(true)
    // Nothing of it is under way any more.
    stage.forMs(30)
    // (c) S1 comes back; it or S2 is elected by S3, which gets the old entry but not the next one.
    stage.heal()
    for (const host of [s1, s2, s3]) stage.cut(s4, host)
    s1.start()
    const again = stage.until('one that has it leads', among([s1, s2]))
    stage.until('S3 has the old entry', () => s3.log.termAt(index) === old)
    stage.must(s3.log.last === index, 'asserts', 'the scenario needs small appends')
    stage.cut(again, s3, false)
    stage.forMs(30)
    // (d) It dies; S5 has a newer term at that index, and may replace it.
    again.crash(true)
    stage.heal()
    const [other] = [s1, s2].filter((host) => host !== again)
    stage.isolate(other!)
    s5.start()
    stage.until('S5 leads', among([s5]), { withinMs: 5_000 })
    stage.heal()
    again.start()
    stage.recover()
  },
}

const stoppedLeader: Scenario = {
  name: 'a leader that was stopped',
  story:
    'It wakes up while another leads, and is asked at once: it must not answer from its old state.',
  run(stage) {
    const leader = stage.leader()
    stage.mustWrite(leader)
    leader.process!.pause()
    const others = stage.others(leader)
    const next = stage.until('another leads', () =>
      others.find(({ id }) => stage.simulation.checks.roleOf(id!)?.role === 'leader'),
    )
    stage.mustWrite(next)
    for (const other of others) stage.cut(other, leader)
    leader.process!.resume()
    const read = stage.read(leader)
    stage.forMs(100)
    stage.heal()
    stage.until('the read is answered', () => read.done, { withinMs: 4_000 })
    stage.recover()
  },
}

const busyLoops: Scenario = {
  name: 'busy event loops',
  story:
    'A loop that stalled finds heartbeats and answers waiting: nobody campaigns, nobody steps down.',
  run(stage) {
    const leader = stage.leader()
    const calm = stage.sameLeader()
    const { checks } = stage.simulation
    const before = checks.campaigns
    for (let at = 0; at < 30; at++) {
      const host = stage.hosts[at % stage.hosts.length]!
      host.process!.pause()
      // The others may not hear a leader for an election timeout; a follower is missed by nobody.
      stage.forMs(host === leader ? 150 : 500)
      host.process!.resume()
      stage.forMs(100)
    }
    calm()
    stage.must(checks.campaigns === before, 'calm', 'somebody campaigned')
  },
}

const lateTick: Scenario = {
  name: 'one late tick',
  story:
    'The timer of the last tick fires first, and the heartbeat that makes it wrong waits in the socket.',
  plan: {
    tickMs: 200,
    electionTicks: 3,
    heartbeatTicks: 1,
    // Without it a heartbeat that is a little late would be enough.
    link: { delayMs: 1, drop: 0, duplicate: 0, reorder: 0, exact: true },
  },
  run(stage) {
    const leader = stage.leader()
    const calm = stage.sameLeader()
    const { checks } = stage.simulation
    const before = checks.campaigns
    for (let at = 0; at < 60; at++) {
      const [host] = stage.others(leader)
      host!.process!.pause()
      stage.forMs(210)
      host!.process!.resume()
      stage.forMs(287)
    }
    calm()
    stage.must(checks.campaigns === before, 'calm', 'somebody campaigned')
  },
}

const minority: Scenario = {
  name: 'writes without a majority',
  story: 'A leader that nobody answers takes some writes and then no more, until somebody does.',
  plan: { clients: 4, thinkMs: 1, uncommittedBytesMax: 2_000, electionTicks: 200 },
  run(stage) {
    const { simulation } = stage
    const leader = stage.until('somebody leads', () => simulation.leader(), { withinMs: 12_000 })
    for (const other of stage.others(leader)) stage.cut(other, leader, false)
    let taken = 0
    for (let at = 0; at < 400; at++) {
      leader.runner!.propose(new Uint8Array(100)).catch(() => taken++)
      stage.forMs(1)
    }
    stage.must(taken > 0, 'memory', 'nothing was refused')
    stage.must(leader.log.last < 100, 'memory', `${leader.log.last} entries were taken`)
  },
}

const load: Scenario = {
  name: 'a log under load',
  story: 'Thousands of writes pass; the log stays as short as it is told to be.',
  plan: { clients: 4, thinkMs: 1, keepLogBytes: 400, holdLogBytesMax: 2_000 },
  run(stage) {
    const { simulation } = stage
    stage.leader()
    simulation.clients.start()
    for (let at = 0; at < 40; at++) {
      stage.forMs(100)
      for (const host of stage.hosts) {
        const { logBytes } = host.runner!.status()
        stage.must(logBytes < 20_000, 'memory', `${host.id} keeps ${logBytes} bytes of log`)
      }
    }
    simulation.clients.finish()
    stage.recover()
  },
}

const nobodyThere: Scenario = {
  name: 'a transfer to nobody',
  story: 'The target of a transfer is gone: the leader gives up waiting, and takes writes again.',
  run(stage) {
    const leader = stage.leader()
    const [target] = stage.others(leader)
    stage.isolate(target!)
    leader.runner!.transfer(target!.id!).catch(() => {})
    stage.mustWrite(leader)
    stage.heal()
    stage.recover()
  },
}

const damagedVoter: Scenario = {
  name: 'a damaged log decides',
  story:
    'Of three, two had an entry; one of them lost it to damage. It must not help the third into office.',
  run(stage) {
    const leader = stage.leader()
    const [damaged, without] = stage.others(leader)
    stage.mustWrite(leader)
    stage.recover()
    stage.isolate(without!)
    const index = leader.log.last + 1
    stage.mustWrite(leader)
    damaged!.crash(true)
    leader.crash(true)
    damaged!.log.damage(index)
    stage.heal()
    damaged!.start()
    stage.forMs(3_000)
    leader.start()
    stage.recover()
    stage.mustRead(without!)
  },
}

const healing: Scenario = {
  name: 'healing without a majority',
  story:
    'One of three is away, one lost its log: they wait for each other without a storm of messages.',
  run(stage) {
    const leader = stage.leader()
    const [away, damaged] = stage.others(leader)
    for (let at = 0; at < 3; at++) stage.mustWrite(leader)
    stage.recover()
    damaged!.crash(true)
    damaged!.log.damage(2)
    stage.isolate(away!)
    damaged!.start()
    const { network } = stage.simulation
    const before = network.sent
    stage.forMs(2_000)
    const sent = network.sent - before
    // Heartbeats, their answers and a question for each of a hundred ticks, to two members.
    stage.must(sent < 2_000, 'memory', `${sent} messages in two seconds of waiting`)
    stage.heal()
    stage.recover()
  },
}

const joining: Scenario = {
  name: 'a newcomer by snapshot',
  story:
    'A cluster whose log is compacted takes in a learner, promotes it, and goes on with it alone.',
  plan: { voters: 1, spares: 1, keepLogBytes: 400 },
  run(stage) {
    const [first, second] = stage.hosts as [Host, Host]
    stage.until('it leads', () => stage.simulation.leader())
    for (let at = 0; at < 30; at++) stage.mustWrite(first)
    stage.forMs(500)
    const id = `${second.name}:2`
    change(stage, 'addLearner', id)
    second.found(id, stage.simulation.boot)
    second.start()
    stage.recover()
    change(stage, 'addVoter', id)
    stage.mustWrite(second)
    change(stage, 'remove', first.id!)
    stage.until('the newcomer leads', () => stage.simulation.leader() === second)
    stage.mustRead(second)
  },
}

const handOver: Scenario = {
  name: 'leadership moves under load',
  story: 'The leadership goes round; every write is answered, and applied once.',
  plan: { clients: 3, thinkMs: 10 },
  run(stage) {
    const { simulation } = stage
    stage.leader()
    simulation.clients.start()
    for (let at = 0; at < 6; at++) {
      const target = stage.hosts[at % stage.hosts.length]!
      const leader = stage.leader()
      leader.runner!.transfer(target.id!).catch(() => {})
      stage.until(`${target.id} leads`, () => simulation.leader() === target, { withinMs: 2_000 })
      stage.forMs(200)
    }
    simulation.clients.finish()
    stage.recover()
  },
}

export const SCENARIOS: readonly Scenario[] = [
  deafLeader,
  deafFollower,
  partialPartition,
  star,
  higherTerm,
  returningFollower,
  noRandomness,
  inheritedLog,
  removedLeader,
  removedFollower,
  figure8,
  stoppedLeader,
  busyLoops,
  lateTick,
  minority,
  load,
  nobodyThere,
  damagedVoter,
  healing,
  joining,
  handOver,
]
