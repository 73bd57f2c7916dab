/** Directed runs: members come and go, the leadership moves. */
import type { Host } from '../host.js'
import type { Scenario, Stage } from '../scenario.js'

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

const oneChange: Scenario = {
  name: 'one change at a time',
  story: 'A second change of members is refused until the first is in effect.',
  plan: { voters: 5 },
  run(stage) {
    const leader = stage.leader()
    const { runner, id } = leader
    stage.mustWrite(leader)
    const others = stage.hosts.filter((host) => host.id !== id)
    const context = new Uint8Array(0)
    let refused = 0
    for (const other of others.slice(0, 2)) {
      const change = { kind: 'remove', id: other.id!, context } as const
      runner!.proposeChange(change).catch(() => refused++)
    }
    stage.forMs(1_000)
    stage.must(refused === 1, 'configuration', `${refused} of two changes were refused`)
    stage.mustWrite(others[3]!)
  },
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

export const MEMBER_SCENARIOS: readonly Scenario[] = [
  oneChange,
  removedLeader,
  removedFollower,
  joining,
  handOver,
  nobodyThere,
]
