/**
 * Random schedules over whole clusters: every interleaving of ticks, deliveries, losses, duplicates,
 * crashes between persisting and sending, proposals, reads, changes, transfers and compactions
 * must keep the safety properties of the Raft paper (figure 3).
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  configurationOf,
  type Entry,
  type Message,
  type RaftStatus,
  type Ready,
} from '../../src/raft/index.js'
import { bytes, Cluster, emptyDisk, type Member, text } from './cluster.js'

/** As `expect`, for checks that run a million times. */
function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

/** What must hold over the whole history of a cluster. */
class Oracle {
  readonly #leaders = new Map<number, string>()
  /** By index: what somebody applied or knew to be committed there. */
  readonly #committed = new Map<number, string>()
  readonly #terms = new Map<string, number>()
  /** Highest index acknowledged as committed before a read was asked. */
  readonly #reads = new Map<string, number>()
  highestCommit = 0
  reads = 0

  static #same(entry: Entry): string {
    const value = entry.kind === 'command' ? text(entry.data) : entry.kind
    return `${entry.term} ${entry.kind === 'config' ? JSON.stringify(entry.change) : value}`
  }

  check(cluster: Cluster): void {
    for (const member of cluster.members.values()) {
      const status = member.raft.status()
      if (status.role === 'leader') {
        const known = this.#leaders.get(status.term) ?? member.id
        must(known === member.id, `election safety in term ${status.term}`)
        this.#leaders.set(status.term, member.id)
      }
      const { term } = member.disk.hardState
      const before = this.#terms.get(member.id) ?? 0
      must(term >= before, 'terms on disk never go back')
      this.#terms.set(member.id, term)
    }
  }

  onReady(member: Member, ready: Ready): void {
    const { committed } = member.raft.status()
    for (const entry of ready.committed) {
      const own = Oracle.#same(entry)
      const known = this.#committed.get(entry.index) ?? own
      must(own === known, `state-machine safety at ${entry.index}`)
      this.#committed.set(entry.index, own)
    }
    this.highestCommit = Math.max(this.highestCommit, committed)
  }

  /** Leader completeness: what was applied anywhere is in the log of every later leader. */
  onLeader(member: Member, disk: readonly Entry[]): void {
    const { firstIndex } = member.raft.status()
    for (const entry of disk) {
      const known = this.#committed.get(entry.index)
      if (entry.index >= firstIndex && known !== undefined) {
        must(Oracle.#same(entry) === known, `leader completeness at ${entry.index}`)
      }
    }
    const last = Math.max(0, ...this.#committed.keys())
    must(member.raft.status().lastIndex >= last, 'a leader has all that was applied')
  }

  asked(context: string): void {
    this.#reads.set(context, this.highestCommit)
  }

  answered(context: string, index: number): void {
    must(index >= (this.#reads.get(context) ?? 0), `read ${context} is not stale`)
    this.reads++
  }

  /** The durability oracle: what an acknowledgement promises is on its sender's disk. */
  onPromise(message: Message, member: Member): void {
    const { hardState, entries, snapshot } = member.disk
    // An older term's promise binds nobody any more.
    if (message.term < hardState.term) return
    if (message.type === 'voteReply' && message.granted && !message.pre) {
      const kept = hardState.term === message.term && hardState.vote === message.to
      must(kept, 'a vote is on disk before it is told')
    }
    if (message.type !== 'appendReply' || message.rejected) return
    const last = entries.at(-1)?.index ?? snapshot.index
    must(Math.max(last, snapshot.index) >= message.index, 'acknowledged is on disk')
  }

  /** Log matching: equal index and term mean equal entries from there down. */
  logs(cluster: Cluster): void {
    const members = [...cluster.members.values()]
    for (const one of members) {
      for (const other of members) {
        if (one.id >= other.id) continue
        const theirs = new Map(other.disk.entries.map((entry) => [entry.index, entry]))
        const common = one.disk.entries.filter(
          ({ index, term }) => theirs.get(index)?.term === term,
        )
        const highest = common.at(-1)?.index ?? 0
        for (const entry of one.disk.entries) {
          const their = theirs.get(entry.index)
          if (entry.index > highest || their === undefined) continue
          must(Oracle.#same(entry) === Oracle.#same(their), `log matching at ${entry.index}`)
        }
      }
    }
  }

  /** When a leader commits, the disks of a majority of its configuration hold it. */
  onCommit(member: Member, cluster: Cluster, before: RaftStatus): void {
    const { committed, role, term, configuration } = member.raft.status()
    if (role !== 'leader' || committed <= before.committed) return
    this.highestCommit = Math.max(this.highestCommit, committed)
    const holds = (id: string) => {
      const { snapshot, entries } = cluster.get(id).disk
      const there = entries.find(({ index }) => index === committed)
      return snapshot.index >= committed || there?.term === term
    }
    // A change that was committed just now was counted with the majority before it.
    const majority = [before.configuration, configuration].some(
      ({ voters }) => voters.filter(holds).length > voters.length / 2,
    )
    // Damage after an acknowledgement takes away what was counted.
    const damaged = [...cluster.members.values()].some(({ disk }) => disk.damaged)
    must(majority || damaged, `${committed} is on a majority's disks`)
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e']

class Run {
  readonly cluster = new Cluster()
  readonly oracle = new Oracle()
  #count = 0
  /** Runs with damaged disks leave the configuration alone. */
  readonly #damages: boolean
  damages = 0
  readonly #writing = new Map<string, Ready>()
  readonly #applying = new Map<string, Entry[]>()
  #seed: number

  constructor(size: number, seed: number) {
    this.#seed = seed
    this.#damages = size >= 3 && seed % 2 === 0
    const configuration = configurationOf(NAMES.slice(0, size))
    const random = { next: () => this.#random() }
    for (const id of NAMES) {
      this.cluster.add(id, emptyDisk(configuration), {
        random,
        electionTicks: 4,
        appendBytesMax: 90,
        inflightMessagesMax: 3,
        inflightBytesMax: 400,
        applyBytesMax: 200,
      })
    }
  }

  /** Mulberry32: the schedule's own randomness, replayed from its seed. */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /**
   * The next piece of a member's work: take a batch and send what needs no disk, or finish the
   * batch that is under way. Messages and proposals come between the two, as with a real disk.
   */
  work(member: Member): void {
    const { raft, id } = member
    const ready = this.#writing.get(id)
    if (ready !== undefined) {
      this.persist(member, ready)
    } else if (raft.hasReady) {
      const taken = raft.ready()
      this.oracle.onReady(member, taken)
      this.cluster.send(taken.appends)
      this.#writing.set(id, taken)
    } else this.apply(member)
  }

  persist(member: Member, ready: Ready): void {
    const { raft, id, disk } = member
    const before = raft.status()
    member.persist(ready)
    for (const message of ready.promises) this.oracle.onPromise(message, member)
    this.cluster.send(ready.promises)
    for (const { context, index } of ready.readStates) this.oracle.answered(context, index)
    this.#writing.delete(id)
    // A snapshot overtakes what waits to be applied.
    const waiting = ready.snapshot === undefined ? (this.#applying.get(id) ?? []) : []
    this.#applying.set(id, [...waiting, ...ready.committed])
    raft.persisted()
    this.oracle.onCommit(member, this.cluster, before)
    if (before.role !== 'leader' && raft.status().role === 'leader') {
      this.oracle.onLeader(member, disk.entries)
    }
  }

  /** Applies a part of what waits. */
  apply(member: Member, part = this.#random()): void {
    const { raft, id } = member
    const waiting = this.#applying.get(id) ?? []
    const count = Math.ceil(waiting.length * part)
    const entries = waiting.splice(0, count)
    const before = raft.status()
    member.apply(entries)
    raft.applied(entries.at(-1)?.index ?? 0)
    this.oracle.onCommit(member, this.cluster, before)
  }

  /** Everything that is due now. */
  drain(member: Member): boolean {
    const busy = member.raft.hasReady || this.#writing.has(member.id)
    this.work(member)
    if (this.#writing.has(member.id)) this.work(member)
    this.apply(member, 1)
    return busy
  }

  /** Power fails, perhaps just after the disk took the batch that was under way. */
  crash(member: Member, written: boolean): void {
    const ready = this.#writing.get(member.id)
    if (ready !== undefined && written) member.persist(ready)
    this.#writing.delete(member.id)
    this.#applying.delete(member.id)
    member.start()
  }

  /** One disk at a time, and at least three voters: more is for an operator to recover. */
  damage({ id, disk, raft }: Member): void {
    const members = [...this.cluster.members.values()]
    const { lastIndex, configuration } = raft.status()
    if (members.some((each) => each.disk.damaged) || configuration.voters.length < 3) return
    const { index } = disk.snapshot
    const member = this.cluster.get(id)
    member.damage(index + 1 + this.#below(lastIndex - index + 1))
    this.crash(member, false)
    this.damages++
  }

  deliver(message: Message): void {
    const member = this.cluster.get(message.to)
    const before = member.raft.status()
    this.cluster.deliver(message)
    this.oracle.onCommit(member, this.cluster, before)
    if (before.role !== 'leader' && member.raft.status().role === 'leader') {
      this.oracle.onLeader(member, [])
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  take(): void {
    const { cluster } = this
    const kind = this.#below(100)
    const what = this.#below(1_000)
    const member = cluster.get(NAMES[this.#below(NAMES.length)]!)
    const { raft } = member
    try {
      if (kind < 30) {
        const at = what % Math.max(1, cluster.network.length)
        const [message] = cluster.network.splice(at, 1)
        if (message !== undefined) this.deliver(message)
        // Most of the time everything flows, or no schedule would get far.
        if (what < 100) for (const each of cluster.members.values()) this.drain(each)
        if (what < 60) for (const each of cluster.network.splice(0)) this.deliver(each)
      } else if (kind < 34) {
        const message = cluster.network[what % Math.max(1, cluster.network.length)]
        if (message !== undefined) this.deliver(message)
      } else if (kind < 37) cluster.network.splice(what % Math.max(1, cluster.network.length), 1)
      else if (kind < 60) this.work(member)
      else if (kind < 62) this.crash(member, what % 2 === 0)
      else if (kind < 64) cluster.send(raft.takeAppends())
      else if (kind < 66) this.apply(member)
      else if (kind < 72) raft.tick()
      else if (kind < 74) for (let at = 0; at < 4; at++) raft.tick()
      else if (kind < 86) raft.propose(bytes(`${this.#count++}`))
      else if (kind < 89) {
        const context = `r${this.#count++}`
        this.oracle.asked(context)
        raft.readIndex(context)
      } else if (kind < 91 && this.#damages) {
        this.damage(member)
      } else if (kind < 91) {
        const id = NAMES[what % NAMES.length]!
        const change = (['addVoter', 'addLearner', 'remove'] as const)[what % 3]!
        raft.proposeConfChange({ kind: change, id, context: bytes('') })
      } else if (kind < 93) raft.transferLeader(NAMES[what % NAMES.length]!)
      else if (kind < 95) {
        const { applied, snapshotIndex } = raft.status()
        const still = applied === member.disk.applied && !this.#writing.has(member.id)
        if (still && applied > snapshotIndex) member.compact(Math.max(snapshotIndex, applied - 3))
      } else if (kind < 97) {
        const id = NAMES[what % NAMES.length]!
        raft.reportSnapshot(id, (['finished', 'failed', 'interrupted'] as const)[what % 3]!)
      } else if (kind < 98) raft.reportUnreachable(NAMES[what % NAMES.length]!)
      else if (kind < 99) {
        // Whom it hurts most is a leader that goes on believing in itself.
        if (what < 400) cluster.isolate(cluster.leaders()[0] ?? member.id)
      } else if (what < 500) cluster.heal()
    } catch (error) {
      if (!(error instanceof DpsError)) throw error
    }
    this.oracle.check(cluster)
  }

  /** Faults stop: the cluster must elect a leader and commit. */
  recover(): void {
    const { cluster } = this
    cluster.heal()
    for (const id of NAMES)
      for (const other of NAMES) cluster.raft(id).reportSnapshot(other, 'failed')
    const settle = () => {
      for (let round = 0; round < 400; round++) {
        let busy = false
        for (const member of cluster.members.values()) {
          busy = this.drain(member) || busy
        }
        for (const message of cluster.network.splice(0)) this.deliver(message)
        this.oracle.check(cluster)
        if (!busy && cluster.network.length === 0) return
      }
      throw new Error('no rest')
    }
    for (let tick = 0; tick < 60; tick++) {
      settle()
      for (const id of NAMES) cluster.raft(id).tick()
    }
    settle()
    const [leader] = cluster
      .leaders()
      .sort((x, y) => cluster.raft(y).status().term - cluster.raft(x).status().term)
    must(leader !== undefined, 'somebody leads')
    const index = cluster.raft(leader!).propose(bytes('last'))[0]!.index
    settle()
    for (let tick = 0; tick < 3; tick++) {
      for (const id of NAMES) cluster.raft(id).tick()
      settle()
    }
    const { configuration } = cluster.raft(leader!).status()
    for (const id of configuration.voters) {
      must(cluster.raft(id).status().applied >= index, `${id} catches up`)
    }
    this.oracle.logs(cluster)
  }
}

test.each([1, 3, 4, 5])(
  'raft: safe and live under random schedules, %i voters',
  (size) => {
    let reads = 0
    let commits = 0
    // Only the length shrinks: a failing schedule is named by its seed.
    const schedule = fc.record({ seed: fc.integer(), steps: fc.integer({ min: 100, max: 3_000 }) })
    fc.assert(
      fc.property(schedule, ({ seed, steps }) => {
        const run = new Run(size, seed)
        for (let at = 0; at < steps; at++) run.take()
        run.oracle.logs(run.cluster)
        run.recover()
        reads += run.oracle.reads
        commits += run.oracle.highestCommit
      }),
      { numRuns: Number(process.env.DPS_RAFT_RUNS ?? 60), interruptAfterTimeLimit: 100_000 },
    )
    // A schedule in which nothing happens proves nothing.
    expect(reads).toBeGreaterThan(10)
    expect(commits).toBeGreaterThan(300)
  },
  120_000,
)
