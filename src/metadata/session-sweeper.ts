/** At the leader: expires sessions that nobody uses any more. */
import { type Clock, type Part, type Timers, toDpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import type { Authority } from './authority.js'
import { decodeSession } from './codec.js'
import { SESSION_TTL_MS } from './commands/session-rules.js'
import { PREFIX, rangeOf, readU64 } from './keys.js'

export interface SessionSweeperComponents {
  authority: Pick<Authority, 'status' | 'read' | 'execute'>
  clock: Pick<Clock, 'now'>
  timers: Pick<Timers, 'after'>
  log: Log
}

export interface SessionSweeperInit {
  /** @default a twelfth of a session's time to live */
  intervalMs?: number
}

/** Sessions in one command; what is left comes with the next. */
const BATCH = 64

export class SessionSweeper implements Part {
  readonly serviceId = 'session-sweeper'
  readonly #components: SessionSweeperComponents
  readonly #intervalMs: number
  #cancel: () => void = () => {}
  #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(components: SessionSweeperComponents, init: SessionSweeperInit = {}) {
    this.#components = components
    this.#intervalMs = init.intervalMs ?? SESSION_TTL_MS / 12
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#cancel()
    this.#stopping.abort()
    await this.#running
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return
    this.#cancel = this.#components.timers.after(this.#intervalMs, () => {
      this.#running = this.#sweep().then(() => this.#schedule())
    })
  }

  async #sweep(): Promise<void> {
    const { authority, log } = this.#components
    const { signal } = this.#stopping
    try {
      if (!authority.status().leading) return
      let idle: number[] = []
      for await (const session of this.#idle()) {
        idle.push(session)
        if (idle.length < BATCH) continue
        await authority.execute({ type: 'expireSessions', sessions: idle }, { signal })
        idle = []
      }
      if (idle.length > 0) {
        await authority.execute({ type: 'expireSessions', sessions: idle }, { signal })
      }
    } catch (error) {
      // Whoever leads then tries again.
      if (signal.aborted) return
      log.debug({ component: 'metadata', err: toDpsError(error) }, 'sessions were not swept')
    }
  }

  /** By this node's clock; the command itself decides by the state's time. */
  async *#idle(): AsyncGenerator<number, void, undefined> {
    const view = await this.#components.authority.read({ stale: true })
    const nowMs = this.#components.clock.now()
    const { signal } = this.#stopping
    for await (const rows of view.range(rangeOf(PREFIX.sessions), { signal })) {
      for (const [key, value] of rows) {
        if (nowMs - decodeSession(value).activeMs < SESSION_TTL_MS) continue
        yield readU64(key, PREFIX.sessions.length)
      }
    }
  }
}
