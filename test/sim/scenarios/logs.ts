/** Directed runs: logs that differ, are damaged, grow, or are replaced. */
import type { SnapshotMessage } from '../../../src/raft/index.js'
import type { Host } from '../host.js'
import type { Scenario, Stage } from '../scenario.js'

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

/** A leader that is cut off takes writes that nobody else gets. @returns it */
function oldTail(stage: Stage, entries: number): Host {
  const leader = stage.leader()
  stage.mustWrite(leader)
  stage.recover()
  stage.isolate(leader)
  for (let at = 0; at < entries; at++) {
    leader.runner!.propose(new Uint8Array(20)).catch(() => {})
  }
  stage.until('they are in its log', () => leader.log.last > entries)
  return leader
}

/** Somebody else leads, with a majority. */
function successor(stage: Stage, old: Host): Host {
  const others = stage.others(old)
  return stage.until('another leads', () =>
    others.find(({ id }) => stage.simulation.checks.roleOf(id!)?.role === 'leader'),
  )
}

const longerLog: Scenario = {
  name: 'a longer log of an older term',
  story: 'It must not win against a shorter one of a newer term, which holds what is committed.',
  run(stage) {
    const old = oldTail(stage, 20)
    const next = successor(stage, old)
    stage.mustWrite(next)
    next.crash(true)
    stage.forMs(30)
    stage.heal()
    stage.until('somebody leads', () => {
      if (stage.simulation.leader() !== undefined) return true
      stage.forMs(50)
      if (stage.simulation.leader() === undefined) old.runner!.campaign()
      return false
    })
    next.start()
    stage.recover()
  },
}

const thirdTerm: Scenario = {
  name: 'a tail of two terms ago',
  story:
    'What the third leader sends first is about an index at which the first one wrote something else.',
  run(stage) {
    const old = oldTail(stage, 20)
    const second = successor(stage, old)
    for (let at = 0; at < 5; at++) stage.mustWrite(second)
    const [third] = stage.others(old, second)
    second.runner!.transfer(third!.id!).catch(() => {})
    stage.until(
      'the third leads',
      () => stage.simulation.checks.roleOf(third!.id!)?.role === 'leader',
    )
    stage.mustWrite(third!)
    stage.heal()
    stage.recover()
  },
}

const conflictingTail: Scenario = {
  name: 'a snapshot and a conflicting tail',
  story:
    'The log that gets a snapshot reaches beyond it, with entries that were replaced long ago.',
  plan: { keepLogBytes: 400 },
  run(stage) {
    const old = oldTail(stage, 200)
    const next = successor(stage, old)
    stage.until('the log is compacted', () => {
      stage.mustWrite(next)
      return (next.log.entries[0]?.index ?? 0) > 10
    })
    stage.must(next.log.last < old.log.last, 'asserts', 'the scenario needs a longer tail')
    stage.heal()
    stage.recover()
  },
}

const lateSnapshot: Scenario = {
  name: 'a late snapshot',
  story: 'A snapshot is offered again long after the log went on from it.',
  plan: { keepLogBytes: 400 },
  run(stage) {
    const { network } = stage.simulation
    const leader = stage.leader()
    const [away] = stage.others(leader)
    let offered: SnapshotMessage | undefined
    const onSend = network.onSend
    network.onSend = (from, message) => {
      onSend(from, message)
      if (message.type === 'snapshot') offered ??= message
    }
    stage.isolate(away!)
    for (let at = 0; at < 40; at++) stage.mustWrite(leader)
    stage.heal()
    stage.recover()
    stage.must(offered?.to === away!.id, 'asserts', 'the scenario needs a snapshot')
    for (let at = 0; at < 40; at++) stage.mustWrite(leader)
    stage.recover()
    away!.transport!.offered(offered!).catch((error) => network.onError(error))
    stage.mustWrite(leader)
    stage.recover()
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

export const LOG_SCENARIOS: readonly Scenario[] = [
  figure8,
  longerLog,
  thirdTerm,
  conflictingTail,
  lateSnapshot,
  minority,
  load,
  damagedVoter,
  healing,
]
