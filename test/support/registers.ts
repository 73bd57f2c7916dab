/**
 * Registers in the namespace of a cluster, and clients that read, write and compare-and-set them
 * and record what they saw. A register is a folder's modification time: each write gives it one
 * that no other write gives, and a compare-and-set asks for the version of the entry.
 */
import { DpsError } from '../../src/base/index.js'
import type { ApiClient } from '../../src/gateway/index.js'
import {
  checkByKey,
  explain,
  HistoryRecorder,
  type KeyedCheck,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from './linearizability/index.js'

type Input = RegisterInput & { key: string }

export interface RegistersInit {
  /** Somebody to ask, another one each time. Undefined: nobody runs, wait. */
  pick: () => ApiClient | undefined
  keys?: number
  /** Until a call counts as unanswered. @default 5000 */
  timeoutMs?: number
}

/** Times of a call that came back well, `performance.now()`. */
export interface Answered {
  type: RegisterInput['type']
  calledAtMs: number
  returnedAtMs: number
}

export class Registers {
  readonly #init: Required<RegistersInit>
  readonly #recorder = new HistoryRecorder<Input, RegisterOutput>()
  /** The version that the entry had with each value. */
  readonly #versions = new Map<string, number>()
  readonly answered: Answered[] = []
  /** Writes whose outcome nobody knows. */
  unknown = 0
  #values = 0

  constructor(init: RegistersInit) {
    this.#init = { keys: 4, timeoutMs: 5_000, ...init }
  }

  get keys(): string[] {
    return Array.from({ length: this.#init.keys }, (_, at) => `/register-${at}`)
  }

  /** Makes the registers, each with a first value. */
  async create(client: ApiClient): Promise<void> {
    for (const path of this.keys) {
      await client.namespace.mkdir({ path })
      await this.write(client, path)
    }
  }

  /** Clients that go on until `signal` aborts, each with one call under way. */
  async run(clients: number, signal: AbortSignal, pauseMs = 2): Promise<void> {
    const go = async (client: number) => {
      while (!signal.aborted) {
        const api = this.#init.pick()
        if (api !== undefined) await this.#step(api, client)
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, at) => go(at)))
  }

  async #step(api: ApiClient, client: number): Promise<void> {
    const keys = this.keys
    const key = keys[Math.floor(Math.random() * keys.length)]!
    const luck = Math.random()
    if (luck < 0.5) await this.read(api, key, client)
    else if (luck < 0.8) await this.write(api, key, client)
    else await this.#compareAndSet(api, key, client)
  }

  /** @returns the value; undefined when the call failed */
  async read(api: ApiClient, key: string, client = -1): Promise<string | undefined> {
    const id = this.#recorder.invoke(client, { key, type: 'read' })
    const calledAtMs = performance.now()
    try {
      const { entry } = await api.namespace.statPath({ path: key }, this.#options)
      const value = String(entry!.mtimeNs)
      this.#versions.set(value, entry!.version)
      this.#recorder.complete(id, { type: 'read', value })
      this.#note('read', calledAtMs)
      return value
    } catch (error) {
      this.#failed(id, error, true)
      return undefined
    }
  }

  /** @returns the value written; undefined when the outcome is unknown, or it was refused */
  async write(api: ApiClient, key: string, client = -1): Promise<string | undefined> {
    const value = this.#newValue()
    const id = this.#recorder.invoke(client, { key, type: 'write', value })
    const calledAtMs = performance.now()
    try {
      const mtimeNs = BigInt(value)
      const { version } = await api.namespace.setAttributes({ path: key, mtimeNs }, this.#options)
      this.#versions.set(value, version)
      this.#recorder.complete(id, { type: 'write' })
      this.#note('write', calledAtMs)
      return value
    } catch (error) {
      this.#failed(id, error, false)
      return undefined
    }
  }

  async #compareAndSet(api: ApiClient, key: string, client: number): Promise<void> {
    const from = await this.read(api, key, client)
    const version = from === undefined ? undefined : this.#versions.get(from)
    if (from === undefined || version === undefined) return
    const to = this.#newValue()
    const id = this.#recorder.invoke(client, { key, type: 'cas', from, to })
    const calledAtMs = performance.now()
    try {
      const request = { path: key, mtimeNs: BigInt(to), version }
      const answer = await api.namespace.setAttributes(request, this.#options)
      this.#versions.set(to, answer.version)
      this.#recorder.complete(id, { type: 'cas', done: true })
      this.#note('cas', calledAtMs)
    } catch (error) {
      if (error instanceof DpsError && error.code === 'ABORTED') {
        this.#recorder.complete(id, { type: 'cas', done: false })
      } else this.#failed(id, error, false)
    }
  }

  get #options() {
    return { timeoutMs: this.#init.timeoutMs }
  }

  #newValue(): string {
    return String(1_000_000_000 + this.#values++)
  }

  #note(type: RegisterInput['type'], calledAtMs: number): void {
    this.answered.push({ type, calledAtMs, returnedAtMs: performance.now() })
  }

  #failed(id: number, error: unknown, isRead: boolean): void {
    const { code } = error as DpsError
    if (!(error instanceof DpsError) || !EXPECTED.has(code)) throw error
    // Nobody was there to take it.
    const refused = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'
    if (isRead || refused) this.#recorder.withdraw(id)
    else this.unknown++
  }

  /** Of everything that was done so far. */
  check(): KeyedCheck<Input, RegisterOutput> {
    const { operations } = this.#recorder
    return checkByKey<string | null, Input, RegisterOutput>(
      registerModel,
      operations,
      ({ key }) => key,
    )
  }

  /** Throws with an explanation unless what the clients saw is linearizable. */
  verify(): void {
    const check = this.check()
    if (check.verdict !== 'linearizable') throw new Error(`${check.key}: ${explain(check)}`)
  }
}

/** What a cluster that lost its leader, or is too busy, may say. */
const EXPECTED: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
])
