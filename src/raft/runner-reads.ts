import { type DpsError, raceSignal } from '../base/index.js'
import type { ReadState } from './core/types.js'

/** Rounds under way at once; beyond it callers share the next one. */
const ROUNDS_MAX = 4

interface Reader {
  /** Tick at which it gives up. */
  deadline: number
  resolve: (index: number) => void
  reject: (reason: unknown) => void
}

/** Callers who share a confirmation: all of them had called before it was asked for. */
interface Group {
  readers: Reader[]
  /** Any of them may be answered: each was asked after the callers had called. */
  contexts: string[]
  askedAt: number
}

export interface ReadBarriersInit {
  /** Makes contexts unique across members and restarts. */
  nonce: string
  /** An answer that isn't here by then was lost. */
  retryTicks: number
  timeoutTicks: number
  /** Asks for a confirmation. @returns whether it could be asked for now */
  ask: (context: string) => boolean
  /** Index up to which reads see the state. */
  appliedIndex: () => number
  timedOut: () => DpsError
}

/**
 * Linearizable reads: resolved once the state holds everything that was committed when they were
 * asked for. Callers of one moment share a round; what was lost is asked for again.
 */
export class ReadBarriers {
  readonly #init: ReadBarriersInit
  /** Not asked for yet. */
  #waiting: Reader[] = []
  /** Asked for, by each of their contexts. */
  readonly #asked = new Map<string, Group>()
  /** Distinct groups in `#asked`, oldest first. */
  #groups: Group[] = []
  /** Confirmed, but the state isn't there yet. */
  #confirmed: { index: number; readers: Reader[] }[] = []
  #counter = 0
  #now = 0

  constructor(init: ReadBarriersInit) {
    this.#init = init
  }

  /** Whether somebody waits, and may have to be told that it took too long. */
  get pending(): boolean {
    return this.#waiting.length + this.#groups.length + this.#confirmed.length > 0
  }

  /** The index that a read may be served from. */
  wait(signal?: AbortSignal): Promise<number> {
    const { timeoutTicks } = this.#init
    const promise = new Promise<number>((resolve, reject) => {
      this.#waiting.push({ deadline: this.#now + timeoutTicks, resolve, reject })
    })
    return raceSignal(promise, signal)
  }

  /** Asks for those who wait, if there is room for a round. */
  begin(): void {
    if (this.#waiting.length === 0 || this.#groups.length >= ROUNDS_MAX) return
    const group: Group = { readers: this.#waiting, contexts: [], askedAt: this.#now }
    if (!this.#ask(group)) return
    this.#waiting = []
    this.#groups.push(group)
  }

  #ask(group: Group): boolean {
    const context = `${this.#init.nonce}/${++this.#counter}`
    if (!this.#init.ask(context)) return false
    group.askedAt = this.#now
    group.contexts.push(context)
    this.#asked.set(context, group)
    return true
  }

  confirm(reads: readonly ReadState[]): void {
    for (const { context, index } of reads) {
      const group = this.#asked.get(context)
      if (group === undefined) continue
      this.#forget(group)
      this.#confirmed.push({ index, readers: group.readers })
    }
    if (reads.length > 0) this.applied()
  }

  #forget(group: Group): void {
    for (const context of group.contexts) this.#asked.delete(context)
    this.#groups = this.#groups.filter((other) => other !== group)
  }

  /** The state moved. */
  applied(): void {
    if (this.#confirmed.length === 0) return
    const applied = this.#init.appliedIndex()
    const pending = []
    for (const confirmed of this.#confirmed) {
      if (confirmed.index > applied) pending.push(confirmed)
      else for (const { resolve } of confirmed.readers) resolve(confirmed.index)
    }
    this.#confirmed = pending
  }

  /** Another leader: what the old one was asked will not be answered. All ask anew, as one. */
  restart(): void {
    const groups = this.#groups
    for (const group of groups) this.#forget(group)
    this.#waiting = [...groups.flatMap(({ readers }) => readers), ...this.#waiting]
  }

  /** One tick passed: lost answers are asked for again, and who waited too long is told. */
  tick(): void {
    this.#now++
    for (const group of this.#groups) {
      if (this.#now - group.askedAt >= this.#init.retryTicks) this.#ask(group)
      group.readers = this.#patient(group.readers)
      if (group.readers.length === 0) this.#forget(group)
    }
    this.#waiting = this.#patient(this.#waiting)
    for (const confirmed of this.#confirmed) confirmed.readers = this.#patient(confirmed.readers)
  }

  /** Rejects those whose time is over. Readers stand in the order of their deadlines. */
  #patient(readers: Reader[]): Reader[] {
    let late = 0
    while (late < readers.length && readers[late]!.deadline <= this.#now) {
      readers[late++]!.reject(this.#init.timedOut())
    }
    return late === 0 ? readers : readers.slice(late)
  }

  abandon(error: () => DpsError): void {
    this.restart()
    const confirmed = this.#confirmed.flatMap(({ readers }) => readers)
    for (const { reject } of [...this.#waiting, ...confirmed]) reject(error())
    this.#waiting = []
    this.#confirmed = []
  }
}
