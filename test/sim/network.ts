/**
 * What lies between machines. Links lose, delay, double and reorder; partitions cut them, in one direction or
 * both. Calls (snapshot pieces, forwarded commands) travel on the same links.
 */
import { AssertionError, assert, DpsError } from '../../src/base/index.js'
import type { Message } from '../../src/raft/index.js'
import { decodeFrame, encodeMessage, messageFrom } from '../../src/raft/message-codec.js'
import type { SimProcess } from './process.js'
import type { Rng } from './random.js'
import type { World } from './world.js'

export interface LinkFault {
  /** Mean one-way delay. */
  delayMs: number
  /** Of messages, one by one. */
  drop: number
  duplicate: number
  /** Mean time between two pieces of a snapshot, beyond the delay. @default 0 */
  pieceMs?: number
  /** Messages are encoded and decoded on their way. @default false */
  wire?: boolean
  /** Every message takes just the mean. @default false */
  exact?: boolean
  /** Messages that are held back for up to ten delays; others overtake them. */
  reorder: number
}

/** An end of the network: one machine with whichever process it runs now. */
export interface Endpoint {
  readonly name: string
  readonly process: SimProcess | undefined
  /** Hands a message to the process that runs. */
  deliver(message: Message): void
  /** The connection to another machine broke. */
  disconnected(from: Endpoint): void
}

export interface CallOptions {
  signal?: AbortSignal
  timeoutMs?: number
  /** The connection is to this process: its successor knows nothing of it. */
  only?: SimProcess
}

/** What an own frame may hold of messages for one member; behind it a real queue drops. */
const QUEUE_MAX = 2_000

export class Network {
  readonly #world: World
  readonly #random: Rng
  readonly fault: LinkFault
  /** `from>to`: nothing gets through. */
  readonly #cut = new Set<string>()
  /** When what was last sent on a link arrives: a stream keeps its order. */
  readonly #arrivalUs = new Map<string, number>()
  readonly #queued = new Map<string, number>()
  readonly #endpoints = new Map<string, Endpoint>()
  sent = 0
  dropped = 0
  /** Transfers that went through. */
  snapshots = 0
  /** Called for each message that leaves, before anything can happen to it. */
  onSend: (from: Endpoint, message: Message) => void = () => {}

  /** Told of what a handler threw: broken invariants are nobody's business to hide. */
  onError(error: unknown): void {
    if (error instanceof AssertionError) this.#world.onError(error)
  }

  constructor(world: World, random: Rng, fault: LinkFault) {
    this.#world = world
    this.#random = random
    this.fault = fault
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.name, endpoint)
  }

  get(name: string): Endpoint | undefined {
    return this.#endpoints.get(name)
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`)
  }

  /** Breaks connections too: both ends hear of it, sooner or later. */
  cut(from: string, to: string): void {
    if (this.isCut(from, to)) return
    this.#cut.add(`${from}>${to}`)
    const [a, b] = [this.get(from), this.get(to)]
    if (a === undefined || b === undefined) return
    this.#world.at(this.#random.exponential(200_000), () => a.disconnected(b))
    this.#world.at(this.#random.exponential(200_000), () => b.disconnected(a))
  }

  heal(): void {
    this.#cut.clear()
  }

  healLink(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`)
  }

  get isWhole(): boolean {
    return this.#cut.size === 0
  }

  /** A machine went down: its neighbours' connections break, unless it died without a word. */
  lost(endpoint: Endpoint): void {
    if (this.#random.chance(0.3)) return
    for (const other of this.#endpoints.values()) {
      if (other === endpoint) continue
      this.#world.at(this.#random.exponential(20_000), () => other.disconnected(endpoint))
    }
  }

  #delayUs(): number {
    const { delayMs, reorder, exact } = this.fault
    const mean = delayMs * 1_000
    if (exact) return mean
    const held = this.#random.chance(reorder) ? this.#random.exponential(10 * mean) : 0
    return mean * 0.3 + this.#random.exponential(mean * 0.7) + held
  }

  /** A transfer gets on at its own pace. */
  async pieceDelay(): Promise<void> {
    const { pieceMs = 0 } = this.fault
    if (pieceMs > 0) await this.#world.sleep(this.#random.exponential(pieceMs * 1_000))
  }

  /** Messages to one machine that left together. */
  send(from: Endpoint, toName: string, messages: readonly Message[]): void {
    const to = this.get(toName)
    for (const message of messages) {
      this.sent++
      this.onSend(from, message)
    }
    if (to === undefined) return
    const { drop, duplicate, reorder } = this.fault
    const random = this.#random
    const link = `${from.name}>${toName}`
    const together: Message[] = []
    for (const message of messages) {
      if ((this.#queued.get(link) ?? 0) + together.length >= QUEUE_MAX || random.chance(drop)) {
        this.dropped++
      } else if (random.chance(duplicate)) {
        together.push(message)
        this.#transport(link, to, [message], true)
      } else if (random.chance(reorder)) this.#transport(link, to, [message], true)
      else together.push(message)
    }
    if (together.length > 0) this.#transport(link, to, together, false)
  }

  #transport(link: string, to: Endpoint, messages: readonly Message[], loose: boolean): void {
    const { nowUs } = this.#world
    let atUs = nowUs + this.#delayUs()
    if (!loose) {
      atUs = Math.max(atUs, this.#arrivalUs.get(link) ?? 0)
      this.#arrivalUs.set(link, atUs)
    }
    this.#queued.set(link, (this.#queued.get(link) ?? 0) + messages.length)
    this.#world.at(atUs - nowUs, () => {
      this.#queued.set(link, this.#queued.get(link)! - messages.length)
      if (this.#cut.has(link) || to.process === undefined) {
        this.dropped += messages.length
        return
      }
      to.process.input(() => {
        for (const message of messages) to.deliver(this.fault.wire ? overTheWire(message) : message)
      })
    })
  }

  /**
   * Asks another machine. The handler runs in the process that is there; its answer travels back.
   *
   * @throws UNAVAILABLE when the connection broke before the answer came: the outcome is unknown
   */
  call<T>(
    from: Endpoint,
    toName: string,
    handler: () => Promise<T>,
    { signal, timeoutMs, only }: CallOptions = {},
  ): Promise<T> {
    const caller = from.process
    return new Promise<T>((resolve, reject) => {
      let settled = false
      const settle = (run: () => void) => {
        if (settled) return
        settled = true
        if (caller?.alive) caller.input(run)
      }
      const broken = () => {
        const error = new DpsError('UNAVAILABLE', `the connection to ${toName} broke`)
        settle(() => reject(error))
      }
      const lose = () => this.#world.at(20_000 + this.#random.exponential(300_000), broken)
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      signal?.addEventListener('abort', () => settle(() => reject(signal.reason)))
      if (timeoutMs !== undefined) this.#world.at(timeoutMs * 1_000, broken)
      const target = this.get(toName)
      if (target === undefined || !this.#passes(from.name, toName)) {
        lose()
        return
      }
      this.#world.at(this.#delayUs(), () => {
        const there = target.process
        if (there === undefined || (only !== undefined && only !== there)) {
          lose()
          return
        }
        // Whoever dies with a call never answers it.
        const watch = () => {
          if (settled) return
          // Who is silent for so long counts as gone, although it may still read the question.
          if (there.alive && !there.paused) this.#world.at(500_000, watch)
          else broken()
        }
        this.#world.at(500_000, watch)
        const answer = (run: () => void) => {
          if (!there.alive) return
          if (!this.#passes(toName, from.name)) lose()
          else this.#world.at(this.#delayUs(), () => settle(run))
        }
        there.input(() => {
          handler().then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(error)),
          )
        })
      })
    })
  }

  #passes(from: string, to: string): boolean {
    return !this.isCut(from, to) && !this.#random.chance(this.fault.drop)
  }
}

/** What arrives of it: the same, in other objects. */
function overTheWire(message: Message): Message {
  const { header, body = new Uint8Array(0) } = encodeMessage(message)
  const frame = decodeFrame(header)
  assert(frame.kind === 'message', 'a message arrives as one')
  const { from, to } = message
  return messageFrom(frame.message, body, { from, to, clusterId: 'sim' })
}
