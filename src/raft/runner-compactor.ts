import type { Raft } from './core/raft.js'
import type { SnapshotMeta } from './core/types.js'
import type { StateMachine } from './state-machine.js'

export interface CompactorComponents {
  raft: Raft
  machine: Pick<StateMachine, 'durableIndex'>
  /** What a snapshot that travels stands for: its receiver goes on from there. */
  oldestSent: () => number | undefined
}

export interface CompactorInit {
  keepLogBytes: number
  holdLogBytesMax: number
}

/** A piece of the log that may go: everything up to `through`. */
export interface Compaction {
  meta: SnapshotMeta
  through: number
}

/**
 * Decides how much log is kept. The state machine's own data is the snapshot, so nothing is written
 * for one: the log may forget what that data would still hold after power loss.
 */
export class Compactor {
  readonly #components: CompactorComponents
  readonly #init: CompactorInit
  /** Set until the state machine is durable that far. */
  #planned: SnapshotMeta | undefined
  /** Log size at which to look again: so that a log that can't shrink isn't measured all the time. */
  #nextBytes: number

  constructor(components: CompactorComponents, init: CompactorInit) {
    this.#components = components
    this.#init = init
    this.#nextBytes = 2 * init.keepLogBytes
  }

  /** To be asked after every change of log or state. */
  due(): Compaction | undefined {
    const { raft, machine } = this.#components
    if (this.#planned === undefined) {
      if (raft.logBytes < this.#nextBytes || raft.installing !== undefined) return undefined
      this.#planned = raft.snapshotMeta()
    }
    const meta = this.#planned
    if (machine.durableIndex < meta.index) return undefined
    this.#planned = undefined
    const through = this.#through(meta)
    const gains = through >= raft.firstIndex
    const { keepLogBytes } = this.#init
    // What is kept now doesn't count as growth, whether kept on purpose or for a receiver.
    this.#nextBytes = keepLogBytes + (gains ? keepLogBytes : raft.logBytes)
    return gains ? { meta, through } : undefined
  }

  #through(meta: SnapshotMeta): number {
    const { raft, oldestSent } = this.#components
    const { keepLogBytes, holdLogBytesMax } = this.#init
    const through = Math.min(meta.index, raft.indexBefore(keepLogBytes))
    const held = raft.logBytes < holdLogBytesMax ? oldestSent() : undefined
    return Math.min(through, held ?? through)
  }
}
