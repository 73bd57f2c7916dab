/** What a command runs with: settings, output, cancellation, and the API of a node. */
import { DpsError, toDpsError } from '../base/index.js'
import type { Settings, Source } from '../config.js'
import type { ApiClient } from '../gateway/index.js'
import { tilde } from './errors.js'
import { shown } from './format.js'
import type { Io, Output } from './io.js'
import { findRunningNode, hasRepository } from './node-process.js'
import { Progress } from './progress.js'

export type Operand = string | string[] | undefined
export type Options = Readonly<Record<string, unknown>>
/** Runs a command; the number is its exit code, 0 when there is none. */
export type Handler = (
  session: Session,
  args: readonly Operand[],
  options: Options,
  // biome-ignore lint/suspicious/noConfusingVoidType: most handlers just end
) => Promise<number | void>

export interface SessionInit {
  io: Io
  out: Output
  err: Output
  settings: Settings
  sources: ReadonlyMap<string, Source>
  signal: AbortSignal
  colors: { out: boolean; err: boolean }
}

/** A node to talk to. `offline`: it lives in this process, for this command alone. */
export interface Connection {
  client: ApiClient
  offline: boolean
  /** Of the API, without a path. */
  url: string
}

export class Session {
  readonly io: Io
  readonly out: Output
  readonly err: Output
  readonly settings: Settings
  readonly sources: ReadonlyMap<string, Source>
  /** Aborted by Ctrl-C, and when the reader of stdout has gone. */
  readonly signal: AbortSignal
  readonly colors: { out: boolean; err: boolean }
  readonly progress: Progress
  #connection: Connection | undefined
  readonly #closers: (() => Promise<void>)[] = []

  constructor(init: SessionInit) {
    this.io = init.io
    this.out = init.out
    this.err = init.err
    this.settings = init.settings
    this.sources = init.sources
    this.signal = init.signal
    this.colors = init.colors
    this.progress = new Progress(init.err, {
      enabled: init.err.isTTY && init.settings.output.progress && !init.settings.output.json,
      colors: init.colors.err,
    })
  }

  get json(): boolean {
    return this.settings.output.json
  }

  /** Progress events a second to ask the node for; 0: none are shown. */
  get progressHz(): number {
    return this.progress.enabled ? 10 : 0
  }

  /** A result, for people. */
  line(text: string): void {
    this.progress.clear()
    this.out.line(text)
  }

  /** A result, for programs: one value on one line. */
  value(value: unknown): void {
    this.progress.clear()
    this.out.line(JSON.stringify(value))
  }

  /** Something worth knowing that is no result. */
  note(text: string): void {
    this.progress.clear()
    this.err.line(shown(text))
  }

  dim(text: string): string {
    return this.colors.out ? `\x1b[2m${text}\x1b[0m` : text
  }

  bold(text: string): string {
    return this.colors.out ? `\x1b[1m${text}\x1b[0m` : text
  }

  /** The running node. Rejects with UNAVAILABLE when none runs on this data directory. */
  async running(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection
    const found = await findRunningNode(this.settings.dataDir)
    if (found === undefined) throw noNodeError(this.settings.dataDir)
    return await this.#connect(found, false)
  }

  /**
   * The running node, else one inside this process that works on the data directory alone.
   * With `repair`, a chunk database that is too damaged to be opened is rebuilt first.
   */
  async node({ repair = false } = {}): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection
    const { dataDir } = this.settings
    const found = await findRunningNode(dataDir)
    if (found !== undefined) return await this.#connect(found, false)
    if (!(await hasRepository(dataDir))) throw noRepositoryError(dataDir)
    const { createNode } = await import('../node.js')
    const settings: Settings = { ...this.settings, offline: true }
    // The command speaks for itself; of the node inside it only trouble is worth a line.
    if (!['flag', 'env'].includes(this.sources.get('log.level') ?? '')) {
      settings.log = { ...settings.log, level: 'warn' }
    }
    const start = async (repair: boolean) => {
      const node = await createNode({ ...settings, repair })
      this.#closers.push(() => node.stop())
      await node.start()
      return node
    }
    const node = await start(false).catch((error) => {
      if (!repair || toDpsError(error).code !== 'DATA_LOSS') throw error
      this.note('the chunk database is damaged: it is rebuilt from what is readable')
      return start(true)
    })
    return await this.#connect(node.api, true)
  }

  async #connect(api: { url: string; token: string }, offline: boolean): Promise<Connection> {
    const { ApiClient } = await import('../gateway/index.js')
    const client = new ApiClient({ url: api.url, token: api.token })
    this.#closers.push(async () => client.close())
    this.#connection = { client, offline, url: api.url }
    return this.#connection
  }

  /** What a failure means to the person: the node in this process is none to them. */
  explain(thrown: unknown): DpsError {
    const error = toDpsError(thrown)
    const inside = this.#connection?.offline && error.message.startsWith('no node is running on')
    if (inside) return noNodeError(this.settings.dataDir)
    // Not this person cancelled: the node did, because it is being stopped.
    if (error.code === 'CANCELLED' && !this.signal.aborted) {
      return new DpsError('UNAVAILABLE', 'the node is stopping', {
        cause: error,
        hint: 'run it again when it is back: what was done is kept',
      })
    }
    return error
  }

  /** Closes what was opened, the last first. Never rejects with the first error's successors. */
  async close(): Promise<void> {
    this.progress.clear()
    let failure: unknown
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer()
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }
}

export function noNodeError(dataDir: string): DpsError {
  return new DpsError('UNAVAILABLE', `no node is running on ${tilde(dataDir)}`, {
    hint: `start one with: npx dps-node${dataDirFlag(dataDir)}`,
  })
}

export function noRepositoryError(dataDir: string): DpsError {
  return new DpsError('FAILED_PRECONDITION', `no repository at ${tilde(dataDir)}`, {
    hint: `create one with: npx dps-node init${dataDirFlag(dataDir)}`,
    exitCode: 10,
  })
}

/** What a hint must add so that the command it names means the same directory. */
export function dataDirFlag(dataDir: string): string {
  const shortened = tilde(dataDir)
  if (shortened === '~/.dps') return ''
  return ` --data-dir ${/[^\w@%+=:,./~-]/.test(shortened) ? JSON.stringify(dataDir) : shortened}`
}
