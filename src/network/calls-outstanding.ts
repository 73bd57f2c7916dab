/** A call that waits for its answer, at the asking side. */
import { setMaxListeners } from 'node:events'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, toDpsError } from '../base/index.js'
import type { CallHeader } from './calls-codec.js'
import type { CallLink } from './calls-link.js'
import type { Answer } from './calls-types.js'
import type { BodySink } from './frames.js'

export interface OutstandingEvents {
  onReply?(payload: Uint8Array, body: Uint8ArrayList, bodyBytes: number): void
  onPart?(payload: Uint8Array, body: Uint8ArrayList): void
  onEnd?(): void
  onFailed(reason: unknown): void
  /** Parts that the peer may still send; absent for a single reply. */
  partsAllowed?(): number
}

export interface OutstandingInit extends OutstandingEvents {
  method: string
  peerId: string
  timeoutMs: number
  replyBytesMax: number
  signal: AbortSignal | undefined
  replyInto?: Uint8Array | undefined
}

/** Settles exactly once. When it is given up, the server is told. */
export class Outstanding {
  readonly method: string
  /** 0 until it was sent. */
  callId = 0
  link: CallLink | undefined
  settled = false
  /** Where the reply's body goes as it comes; taken away when the call settles. */
  readonly sink: BodySink | undefined
  onSettled: (code: string, elapsedMs: number) => void = () => {}
  readonly #init: OutstandingInit
  readonly #startedMs = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #onAbort: () => void
  #takeBack: (() => boolean) | undefined

  constructor(init: OutstandingInit) {
    this.method = init.method
    this.#init = init
    const { signal, timeoutMs, replyInto } = init
    this.sink = replyInto === undefined ? undefined : { into: replyInto }
    this.#timer = setTimeout(() => {
      const what = `${init.method} at peer ${init.peerId}: no answer in ${timeoutMs} ms`
      this.fail(new DpsError('DEADLINE_EXCEEDED', what))
    }, timeoutMs)
    this.#onAbort = () => this.fail(signal!.reason)
    if (signal?.aborted) queueMicrotask(this.#onAbort)
    else if (signal !== undefined) {
      // One signal for many calls is the usual case, and no leak.
      setMaxListeners(0, signal)
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  remainingMs(): number {
    const spentMs = performance.now() - this.#startedMs
    return Math.max(1, Math.ceil(this.#init.timeoutMs - spentMs))
  }

  sent(link: CallLink, callId: number, takeBack: () => boolean): void {
    this.link = link
    this.callId = callId
    this.#takeBack = takeBack
  }

  /** @throws DpsError INVALID_ARGUMENT when the server may not send this now */
  judge(kind: CallHeader['kind'], bodyBytes: number): void {
    const { replyBytesMax, partsAllowed, method } = this.#init
    const streamed = partsAllowed !== undefined
    if (kind !== 'error' && streamed !== (kind === 'part' || kind === 'end')) {
      throw new DpsError('INVALID_ARGUMENT', `${method}: a ${kind} where none belongs`)
    }
    if (kind === 'part' && partsAllowed!() <= 0) {
      throw new DpsError('INVALID_ARGUMENT', `${method}: more parts than there was credit for`)
    }
    if (bodyBytes > (kind === 'reply' || kind === 'part' ? replyBytesMax : 0)) {
      throw new DpsError(
        'INVALID_ARGUMENT',
        `${method}: a reply of ${bodyBytes} bytes where at most ${replyBytesMax} were asked for`,
      )
    }
  }

  reply(payload: Uint8Array, body: Uint8ArrayList, bodyBytes: number): void {
    if (this.#settle('OK')) this.#init.onReply?.(payload, body, bodyBytes)
  }

  part(payload: Uint8Array, body: Uint8ArrayList): void {
    this.#init.onPart?.(payload, body)
  }

  end(): void {
    if (this.#settle('OK')) this.#init.onEnd?.()
  }

  sendCredit(credit: number): void {
    if (this.settled || this.link === undefined) return
    this.link.send({ kind: 'credit', callId: this.callId, credit })
  }

  /** Gives up, or takes the server's error. */
  fail(reason: unknown, fromServer = false): void {
    const { link, callId } = this
    if (!this.#settle(toDpsError(reason).code)) return
    if (!fromServer && link !== undefined && !link.closed && !this.#takeBack!()) {
      link.send({ kind: 'cancel', callId })
    }
    this.#init.onFailed(reason)
  }

  #settle(code: string): boolean {
    if (this.settled) return false
    this.settled = true
    if (this.sink !== undefined) this.sink.into = undefined
    clearTimeout(this.#timer)
    this.#init.signal?.removeEventListener('abort', this.#onAbort)
    this.onSettled(code, performance.now() - this.#startedMs)
    return true
  }
}

/** The parts of a streamed answer between the network and their consumer. */
export class StreamedAnswer {
  readonly #window: number
  readonly #parts: Answer[] = []
  #allowed: number
  #taken = 0
  #ended = false
  #failed: { reason: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(windowParts: number) {
    this.#window = windowParts
    this.#allowed = windowParts
  }

  partsAllowed(): number {
    return this.#allowed
  }

  onPart(payload: Uint8Array, body: Uint8ArrayList): void {
    this.#allowed--
    this.#parts.push({ payload, body, bodyBytes: body.byteLength })
    this.#wake?.()
  }

  onEnd(): void {
    this.#ended = true
    this.#wake?.()
  }

  onFailed(reason: unknown): void {
    this.#failed = { reason }
    this.#wake?.()
  }

  /** Parts that came before a failure are given first; `undefined` at the end. */
  async next(): Promise<Answer | undefined> {
    for (;;) {
      const part = this.#parts.shift()
      if (part !== undefined) {
        this.#taken++
        return part
      }
      if (this.#failed !== undefined) throw this.#failed.reason
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  /** Credit to send now: in halves of the window, so that not every part costs a frame. */
  takeCredit(): number {
    if (this.#taken * 2 < this.#window) return 0
    const credit = this.#taken
    this.#taken = 0
    this.#allowed += credit
    return credit
  }
}
