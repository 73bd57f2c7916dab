/** The proposing side of a session: numbers, and how many may be unanswered. */
import { DpsError } from '../base/index.js'
import { SESSION_TTL_MS, SESSION_WINDOW } from './commands/session-rules.js'

/** Proposals that wait for room in the window: somebody proposes faster than the cluster takes. */
const WAITING_MAX = 16_384

export class ClientSession {
  readonly id: number
  /** When it was opened or last used, by the monotonic clock. */
  usedMs: number
  #next = 1
  /** Lowest unanswered number; the next one when there is none. */
  #lowest = 1
  readonly #open = new Set<number>()
  #waiting: (() => void)[] = []

  constructor(id: number, nowMs: number) {
    this.id = id
    this.usedMs = nowMs
  }

  get lowest(): number {
    return this.#lowest
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * The next number; waits while the window is full.
   *
   * @throws RESOURCE_EXHAUSTED when too many wait already
   */
  take(): number | Promise<number> {
    if (this.#waiting.length === 0 && this.#hasRoom()) return this.#take()
    if (this.#waiting.length >= WAITING_MAX) {
      throw new DpsError('RESOURCE_EXHAUSTED', 'too many proposals wait for their answers', {
        hint: 'retry with back-off',
      })
    }
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#take())))
  }

  /** Answered, or given up: nobody asks for its outcome any more. */
  answered(seq: number): void {
    this.#open.delete(seq)
    // A set's first element would do, but finding it costs as much as was deleted before it.
    while (this.#lowest < this.#next && !this.#open.has(this.#lowest)) this.#lowest++
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#waiting.shift()!()
  }

  #hasRoom(): boolean {
    return this.#next < this.#lowest + SESSION_WINDOW
  }

  #take(): number {
    const seq = this.#next++
    this.#open.add(seq)
    return seq
  }
}

/** The session that this node proposes in; opened when there is none, or it was idle for too long. */
export class CurrentSession {
  readonly #open: () => Promise<number>
  readonly #nowMs: () => number
  #session: ClientSession | undefined
  #opening: Promise<ClientSession> | undefined

  /** @param open has the cluster open one. @returns its id */
  constructor(open: () => Promise<number>, nowMs: () => number) {
    this.#open = open
    this.#nowMs = nowMs
  }

  /** Undefined when one has to be opened first. */
  get ready(): ClientSession | undefined {
    const session = this.#session
    if (session === undefined) return undefined
    // In time before the others forget it. What it still waits for stays with it.
    const isKnown = session.size > 0 || this.#nowMs() - session.usedMs < SESSION_TTL_MS / 2
    return isKnown ? session : undefined
  }

  /** All who wait share one opening. */
  opened(): Promise<ClientSession> {
    const { ready } = this
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#opening === undefined) {
      const opening = this.#openOne()
      this.#opening = opening
      const over = () => {
        if (this.#opening === opening) this.#opening = undefined
      }
      opening.then((session) => {
        if (this.#opening === opening) this.#session = session
        over()
      }, over)
    }
    return this.#opening
  }

  async #openOne(): Promise<ClientSession> {
    return new ClientSession(await this.#open(), this.#nowMs())
  }

  /** The cluster doesn't know this one any more. */
  forget(session: ClientSession): void {
    if (this.#session === session) this.#session = undefined
  }

  /** Another cluster, perhaps: none of its sessions is known yet. */
  reset(): void {
    this.#session = undefined
    this.#opening = undefined
  }
}
