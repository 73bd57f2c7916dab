/**
 * Cores on in-memory disks and a network that is a list: each step is taken by hand, so that a
 * test decides what is persisted, sent, delivered and applied when.
 */
import {
  type Configuration,
  configurationOf,
  type Entry,
  type HardState,
  type Message,
  Raft,
  type RaftInit,
  type Ready,
  type SnapshotMeta,
} from '../../src/raft/index.js'

export interface Disk {
  hardState: HardState
  /** What every node started from, and an invitation tells newcomers. */
  boot: Configuration
  snapshot: SnapshotMeta
  entries: Entry[]
  /** Commands that the state machine has applied, in order. Survives crashes, as the real one does. */
  state: string[]
  applied: number
  /** What the state was at each snapshot that somebody may ask for. */
  snapshots: Map<number, string[]>
  /** The mark that damage was found in the log; gone when it has healed. */
  damaged: boolean
}

export type Options = Partial<Omit<RaftInit, 'id' | 'start'>>

export const text = (data: Uint8Array) => new TextDecoder().decode(data)
export const bytes = (data: string) => new TextEncoder().encode(data)

export function emptyDisk(configuration: Configuration): Disk {
  return {
    hardState: { term: 0, vote: undefined, commit: 0 },
    boot: configuration,
    snapshot: { index: 0, term: 0, configuration },
    entries: [],
    state: [],
    applied: 0,
    snapshots: new Map([[0, []]]),
    damaged: false,
  }
}

/** Entries with these terms from index 1 on, each holding its own position. */
export function entriesOf(...terms: number[]): Entry[] {
  return terms.map((term, at) => ({
    kind: 'command',
    index: at + 1,
    term,
    data: bytes(`${at + 1}.${term}`),
  }))
}

export class Member {
  raft!: Raft
  readonly disk: Disk
  readonly id: string
  readonly #options: Options
  readonly #cluster: Cluster
  #starts = 0

  constructor(cluster: Cluster, id: string, disk: Disk, options: Options) {
    this.#cluster = cluster
    this.id = id
    this.disk = disk
    this.#options = options
    this.start()
  }

  /** As after a crash: only what the disk holds is left. */
  start(): void {
    const { hardState, snapshot, entries, applied, damaged } = this.disk
    const healing = damaged ? `heal-${this.id}-${++this.#starts}` : undefined
    this.raft = new Raft({
      id: this.id,
      start: { hardState, snapshot, entries: [...entries], applied, ...(healing && { healing }) },
      random: { next: () => 0 },
      electionTicks: 10,
      heartbeatTicks: 1,
      ...this.#options,
    })
  }

  /** Persist, send, apply: the order of the contract. @returns what was handled, if anything */
  work(): Ready | undefined {
    if (!this.raft.hasReady) return undefined
    const ready = this.raft.ready()
    this.#cluster.send(ready.appends)
    this.persist(ready)
    this.#cluster.send(ready.promises)
    this.apply(ready.committed)
    this.raft.advance()
    return ready
  }

  /** The disk loses its entries from this index on; the state is rebuilt from what is left. */
  damage(from: number): void {
    const { disk } = this
    disk.entries = disk.entries.filter(({ index }) => index < from)
    const last = disk.entries.at(-1)?.index ?? disk.snapshot.index
    disk.hardState = { ...disk.hardState, commit: Math.min(disk.hardState.commit, last) }
    disk.applied = disk.snapshot.index
    disk.state = [...(disk.snapshots.get(disk.applied) ?? [])]
    disk.damaged = true
  }

  persist({ hardState, snapshot, entries, healed }: Ready): void {
    const { disk } = this
    if (healed) disk.damaged = false
    if (hardState !== undefined) disk.hardState = hardState
    if (snapshot !== undefined) {
      disk.snapshot = snapshot
      disk.entries = []
      disk.applied = snapshot.index
      disk.state = [...this.#cluster.stateAt(snapshot.index)]
      disk.snapshots.set(snapshot.index, [...disk.state])
    }
    const first = entries[0]
    if (first === undefined) return
    disk.entries = disk.entries.filter(({ index }) => index < first.index).concat(entries)
  }

  apply(committed: readonly Entry[]): void {
    for (const entry of committed) {
      if (entry.index !== this.disk.applied + 1) {
        throw new Error(`${this.id}: applied ${entry.index} after ${this.disk.applied}`)
      }
      if (entry.kind === 'command') this.disk.state.push(text(entry.data))
      this.disk.applied = entry.index
    }
  }

  /** Snapshot of what is applied; the log keeps what is above `through`. */
  compact(through?: number): void {
    const meta = this.raft.snapshotMeta()
    const { disk } = this
    disk.snapshots.set(meta.index, [...disk.state])
    disk.snapshot = meta
    const upTo = through ?? meta.index
    this.raft.compact(meta, upTo)
    disk.entries = disk.entries.filter(({ index }) => index >= upTo)
  }
}

export class Cluster {
  readonly members = new Map<string, Member>()
  /** Messages under way, oldest first. */
  network: Message[] = []
  /** `from>to` pairs that lose everything. */
  readonly cut = new Set<string>()

  /** Boots voters from one configuration. */
  static of(ids: readonly string[], options: Options = {}, learners: string[] = []): Cluster {
    const cluster = new Cluster()
    const configuration = configurationOf(ids, learners)
    for (const id of [...ids, ...learners]) cluster.add(id, emptyDisk(configuration), options)
    return cluster
  }

  add(id: string, disk: Disk, options: Options = {}): Member {
    const member = new Member(this, id, disk, options)
    this.members.set(id, member)
    return member
  }

  get(id: string): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`no member ${id}`)
    return member
  }

  raft(id: string): Raft {
    return this.get(id).raft
  }

  /** What a snapshot at this index holds: the same on every disk that has one. */
  stateAt(index: number): readonly string[] {
    for (const { disk } of this.members.values()) {
      const state = disk.snapshots.get(index)
      if (state !== undefined) return state
    }
    throw new Error(`nobody has a snapshot at ${index}`)
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (!this.cut.has(`${message.from}>${message.to}`)) this.network.push(message)
    }
  }

  deliver(message: Message): void {
    this.members.get(message.to)?.raft.step(message)
  }

  isolate(id: string): void {
    for (const other of this.members.keys()) {
      this.cut.add(`${id}>${other}`)
      this.cut.add(`${other}>${id}`)
    }
    this.network = this.network.filter(({ from, to }) => from !== id && to !== id)
  }

  heal(): void {
    this.cut.clear()
  }

  /** Works and delivers until nothing is left to do. */
  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      let busy = false
      for (const member of this.members.values()) busy = member.work() !== undefined || busy
      const messages = this.network.splice(0)
      for (const message of messages) this.deliver(message)
      if (!busy && messages.length === 0) return
    }
    throw new Error('the cluster does not come to rest')
  }

  /** Ticks everybody, letting messages through between ticks. */
  tick(times: number, ids: Iterable<string> = this.members.keys()): void {
    const ticking = [...ids]
    for (let at = 0; at < times; at++) {
      for (const id of ticking) this.raft(id).tick()
      this.settle()
    }
  }

  elect(id: string): void {
    this.raft(id).campaign()
    this.settle()
  }

  leaders(): string[] {
    return [...this.members.values()]
      .filter(({ raft }) => raft.status().role === 'leader')
      .map(({ id }) => id)
  }
}
