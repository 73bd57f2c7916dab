/** Directed runs: who leads, and who must not. */
import type { Scenario } from '../scenario.js'

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
  story: 'A heartbeat waits in the socket of a busy loop, beside the tick that would be the last.',
  run(stage) {
    const leader = stage.leader()
    const [host] = stage.others(leader)
    const calm = stage.sameLeader()
    const { checks } = stage.simulation
    const core = checks.coreOf(host!.id!)
    const before = checks.campaigns
    for (let at = 0; at < 5; at++) {
      stage.forMs(500)
      stage.cut(leader, host!, false)
      const last = () => core.electionElapsed === core.timeoutTicks - 1
      stage.until('it loses patience', last, { withinMs: 1_000, check: 'asserts' })
      stage.heal()
      // As long as a tick: the next heartbeat and the next tick are both due when it goes on.
      host!.process!.pause()
      stage.forMs(25)
      host!.process!.resume()
    }
    stage.forMs(100)
    calm()
    stage.must(checks.campaigns === before, 'calm', 'somebody campaigned')
  },
}

export const ELECTION_SCENARIOS: readonly Scenario[] = [
  deafLeader,
  deafFollower,
  partialPartition,
  star,
  higherTerm,
  returningFollower,
  noRandomness,
  inheritedLog,
  stoppedLeader,
  busyLoops,
  lateTick,
]
