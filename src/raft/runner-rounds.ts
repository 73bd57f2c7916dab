import type { Clock, Timers } from '../base/index.js'
import type { Raft } from './core/raft.js'
import type { Entry, HardState, Message, Ready } from './core/types.js'
import type { LogStore } from './log-store.js'
import { Applier } from './runner-applier.js'
import type { Compactor } from './runner-compactor.js'
import type { SnapshotReceiver } from './runner-install.js'
import type { RunnerMetrics } from './runner-metrics.js'
import type { ReadBarriers } from './runner-reads.js'
import type { SnapshotSender } from './runner-snapshots.js'
import type { StateMachine } from './state-machine.js'
import type { SnapshotMessage, Transport } from './transport.js'

export interface RoundsComponents {
  raft: Raft
  log: Pick<LogStore, 'save' | 'compact'>
  machine: Pick<StateMachine, 'apply'>
  transport: Pick<Transport, 'send'>
  reads: ReadBarriers
  sender: Pick<SnapshotSender, 'send'>
  receiver: Pick<SnapshotReceiver, 'generation' | 'adopt'>
  compactor: Pick<Compactor, 'due'>
  clock: Pick<Clock, 'monotonicMs'>
  timers: Pick<Timers, 'turn'>
  metrics: RunnerMetrics
}

export interface RoundsInit {
  applyBacklogBytesMax: number
  /** After each step that may have changed role, leader or configuration. */
  observe: () => void
  /** Raft knows of these already. */
  applied: (entries: readonly Entry[], results: readonly (Uint8Array | undefined)[]) => void
  /** Another state replaced the own one. */
  adopted: (index: number) => void
  /** Nothing is promised any more. */
  failed: (error: unknown) => void
}

/**
 * The order around the core: send, persist, promise, apply. One batch is on its way to the disk at
 * a time; what comes meanwhile goes with the next one, so the disk sets how much is grouped.
 */
export class Rounds {
  readonly #components: RoundsComponents
  readonly #init: RoundsInit
  readonly #applier: Applier
  #woken = false
  #stopped = false
  /** A batch is on its way to the disk. */
  #writing = false
  #work: Promise<void> = Promise.resolve()
  /** A commit index is only a hint: it goes to the disk with the next batch that has to. */
  #lazy: HardState | undefined
  /** Monotonic time since which a batch, or a call of the state machine, is under way. */
  #savingMs: number | undefined
  #applyingMs: number | undefined
  #saveMs = 0
  #applyMs = 0

  constructor(components: RoundsComponents, init: RoundsInit) {
    this.#components = components
    this.#init = init
    const { machine, raft, reads, clock, metrics } = components
    const apply = async (entries: readonly Entry[]) => {
      const startMs = clock.monotonicMs()
      this.#applyingMs = startMs
      const results = await machine.apply(entries)
      this.#applyingMs = undefined
      this.#applyMs = clock.monotonicMs() - startMs
      metrics.applied(this.#applyMs, entries.length)
      return results
    }
    this.#applier = new Applier(
      { apply },
      {
        applied: (entries, results) => {
          raft.applied(entries.at(-1)!.index)
          init.applied(entries, results)
          reads.applied()
          init.observe()
          this.wake()
        },
        failed: init.failed,
      },
    )
  }

  get saveMs(): number {
    return this.#saveMs
  }

  get applyMs(): number {
    return this.#applyMs
  }

  /** For how long the disk owes an answer, milliseconds. */
  get owedMs(): number {
    const nowMs = this.#components.clock.monotonicMs()
    return nowMs - Math.min(this.#savingMs ?? nowMs, this.#applyingMs ?? nowMs)
  }

  /** More is committed than can be applied: nothing new should be taken in. */
  get backlogged(): boolean {
    return this.#applier.backlogBytes > this.#init.applyBacklogBytesMax
  }

  /**
   * Something was stepped, proposed or asked. Worked on once the others of this turn have had their say:
   * a hundred callers, each with a socket of his own, then share an append and a batch.
   */
  wake(): void {
    if (this.#woken || this.#stopped) return
    this.#woken = true
    this.#components.timers.turn(() => this.#round())
  }

  /** Takes no more work. */
  stop(): void {
    this.#stopped = true
  }

  /** After `stop`: resolves when nothing is written or applied any more. */
  async idle(): Promise<void> {
    await this.#work
    await this.#applier.idle()
  }

  #round(): void {
    this.#woken = false
    if (this.#stopped) return
    if (!this.#writing) {
      this.#writing = true
      this.#work = this.#write()
      return
    }
    try {
      this.#advanceBesideDisk()
    } catch (error) {
      this.#init.failed(error)
    }
  }

  /** What needs no disk: the leader's appends, confirmed reads, and what the log has already. */
  #advanceBesideDisk(): void {
    const { raft, reads } = this.#components
    reads.begin()
    this.#send(raft.takeAppends())
    reads.confirm(raft.takeReadStates())
    this.#apply()
    this.#init.observe()
  }

  async #write(): Promise<void> {
    const { raft, log, compactor } = this.#components
    try {
      while (!this.#stopped) {
        this.#advanceBesideDisk()
        const compaction = compactor.due()
        if (compaction !== undefined) {
          const { meta, through } = compaction
          await log.compact(meta, through)
          raft.compact(meta, through)
        } else if (raft.hasReady) await this.#persist(raft.ready())
        else break
      }
    } catch (error) {
      this.#init.failed(error)
    } finally {
      this.#writing = false
    }
  }

  async #persist(ready: Ready): Promise<void> {
    const { raft, reads } = this.#components
    this.#send(ready.appends)
    reads.confirm(ready.readStates)
    if (ready.mustSync) await this.#save(ready)
    else this.#lazy = ready.hardState ?? this.#lazy
    if (this.#stopped) return
    this.#send(ready.promises)
    raft.persisted()
    this.#applier.push(ready.committed)
    this.#init.observe()
  }

  async #save({ hardState = this.#lazy, entries, snapshot, healed }: Ready): Promise<void> {
    const { log, clock, receiver, metrics } = this.#components
    // Entries that were handed out belong to the state that is about to go.
    if (snapshot !== undefined) await this.#applier.idle()
    const startMs = clock.monotonicMs()
    this.#savingMs = startMs
    await log.save({
      ...(hardState && { hardState }),
      ...(snapshot && {
        snapshot: { meta: snapshot, generation: receiver.generation(snapshot) },
      }),
      entries,
      healed,
      sync: true,
    })
    this.#savingMs = undefined
    this.#saveMs = clock.monotonicMs() - startMs
    metrics.saved(this.#saveMs)
    this.#lazy = undefined
    if (snapshot === undefined || this.#stopped) return
    await receiver.adopt()
    this.#init.adopted(snapshot.index)
  }

  #apply(): void {
    const { raft } = this.#components
    while (!this.backlogged) {
      const committed = raft.takeCommitted()
      if (committed.length === 0) return
      this.#applier.push(committed)
    }
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0) return
    const { transport, sender } = this.#components
    const snapshots = messages.filter((message) => message.type === 'snapshot')
    if (snapshots.length === 0) {
      transport.send(messages)
      return
    }
    transport.send(messages.filter(({ type }) => type !== 'snapshot'))
    for (const message of snapshots) sender.send(message as SnapshotMessage)
  }
}
