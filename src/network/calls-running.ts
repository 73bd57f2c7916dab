/** A request being worked on, at the answering side. */
import type { Uint8ArrayList } from 'uint8arraylist'
import { DpsError, toDpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import { CREDIT_PARTS_MAX, type RequestHeader } from './calls-codec.js'
import type { CallLink } from './calls-link.js'
import type { Handler, Reply } from './calls-types.js'

export interface RunningCallInit {
  log: Log
  /** The call no longer holds anything here. Called exactly once. */
  onDone(code: string): void
}

/**
 * Runs a handler and sends what it answers. Done when the handler has settled and its last frame
 * was handed to the connection, or dropped: until then the request counts as in flight, so that a
 * caller that doesn't read its replies runs out of requests.
 */
export class RunningCall {
  readonly #link: CallLink
  readonly #header: RequestHeader
  readonly #init: RunningCallInit
  readonly #controller = new AbortController()
  readonly #beganMs = performance.now()
  readonly #deadlineMs: number
  readonly #timer: NodeJS.Timeout
  #started = false
  #done = false
  #credit: number
  #wake: (() => void) | undefined
  #takeBack: (() => boolean) | undefined

  constructor(link: CallLink, header: RequestHeader, init: RunningCallInit) {
    this.#link = link
    this.#header = header
    this.#init = init
    this.#credit = header.credit
    this.#deadlineMs = performance.now() + header.timeoutMs
    this.#timer = setTimeout(
      () => this.cancel(new DpsError('DEADLINE_EXCEEDED', 'the caller waits no longer')),
      header.timeoutMs,
    )
    this.#timer.unref()
  }

  /** Answers an error without running anything. */
  refuse(reason: unknown): void {
    this.#started = true
    this.#sendError(reason)
  }

  run(handler: Handler, body: Uint8ArrayList): void {
    if (this.#started || this.#done) return
    this.#started = true
    const { method, payload, requestId, traceId } = this.#header
    const { signal } = this.#controller
    const deadlineMs = this.#deadlineMs
    const peer = this.#link.peer
    try {
      const answer = handler({
        peer,
        method,
        payload,
        body,
        signal,
        requestId,
        traceId,
        deadlineMs,
      })
      if (Symbol.asyncIterator in answer) {
        this.#sendParts(answer).catch((error) => this.#sendError(error))
      } else {
        answer.then(
          (reply) => this.#sendReply(reply),
          (error) => this.#sendError(error),
        )
      }
    } catch (error) {
      this.#sendError(error)
    }
  }

  addCredit(parts: number): void {
    this.#credit = Math.min(this.#credit + parts, CREDIT_PARTS_MAX)
    this.#wake?.()
  }

  /** Tells the handler; nothing more is sent. */
  cancel(reason: DpsError): void {
    if (this.#done || this.#controller.signal.aborted) return
    this.#controller.abort(reason)
    this.#wake?.()
    // A reply that waits for its turn on the stream need not be sent any more.
    this.#takeBack?.()
    // A request whose body never came has no handler to wait for.
    if (!this.#started) this.#finish(reason.code)
  }

  #sendReply(reply: Reply): void {
    const { callId, credit } = this.#header
    if (credit > 0) {
      this.#sendError(new DpsError('INTERNAL', 'the method answers once'))
      return
    }
    if (this.#abandoned(reply)) return
    const header = { kind: 'reply' as const, callId, payload: reply.payload }
    this.#takeBack = this.#link.send(header, reply.body, (sent) => {
      reply.onReleased?.()
      this.#finish(sent ? 'OK' : 'CANCELLED')
    })
  }

  async #sendParts(answer: AsyncIterable<Reply>): Promise<void> {
    const { callId, method } = this.#header
    const { signal } = this.#controller
    if (this.#header.credit === 0) {
      throw new DpsError('INVALID_ARGUMENT', `${method} answers in parts; ask with credit`)
    }
    for await (const part of answer) {
      while (this.#credit === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
      if (signal.aborted) {
        part.onReleased?.()
        throw signal.reason
      }
      this.#credit--
      // The next part is asked for when this one has left: calls on one stream take turns.
      await new Promise<void>((resolve) => {
        const header = { kind: 'part' as const, callId, payload: part.payload }
        this.#takeBack = this.#link.send(header, part.body, () => {
          part.onReleased?.()
          resolve()
        })
      })
    }
    if (this.#abandoned()) return
    this.#link.send({ kind: 'end', callId }, undefined, () => this.#finish('OK'))
  }

  #sendError(thrown: unknown): void {
    const { callId } = this.#header
    const error = thrown instanceof DpsError ? thrown : toDpsError(thrown)
    const scope = this.#scope()
    if (error.code === 'INTERNAL') {
      this.#init.log.error({ component: 'calls', ...scope, err: thrown }, 'a call failed')
    } else {
      this.#init.log.debug({ component: 'calls', ...scope, err: thrown }, 'a call was refused')
    }
    if (this.#abandoned()) return
    // What broke here is for our log, not for the peer.
    const told = error.code === 'INTERNAL' ? new DpsError('INTERNAL', 'internal error') : error
    this.#link.send({ kind: 'error', callId, error: told }, undefined, () =>
      this.#finish(error.code),
    )
  }

  #scope() {
    const { requestId, traceId, method } = this.#header
    return { peer: this.#link.peer, request_id: requestId, trace_id: traceId, method }
  }

  /** Nobody waits for an answer any more. */
  #abandoned(reply?: Reply): boolean {
    const { signal } = this.#controller
    if (!signal.aborted && !this.#link.closed) return false
    reply?.onReleased?.()
    this.#finish(signal.aborted ? toDpsError(signal.reason).code : 'UNAVAILABLE')
    return true
  }

  #finish(code: string): void {
    if (this.#done) return
    this.#done = true
    clearTimeout(this.#timer)
    const { log } = this.#init
    // Asked first: this is once for every chunk.
    if (log.isLevelEnabled('debug')) {
      const duration_ms = Math.round(performance.now() - this.#beganMs)
      log.debug({ component: 'calls', ...this.#scope(), code, duration_ms }, 'a call was answered')
    }
    this.#init.onDone(code)
  }
}
