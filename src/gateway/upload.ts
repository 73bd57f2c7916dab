/** One upload under way: the body is pumped while the answer comes in. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { DpsError } from '../base/index.js'

// One write on its way to the node while the next is read from the source.
const UNSENT_BYTES_MAX = 4 * 1024 * 1024

export class Upload {
  readonly #message: ClientRequest
  readonly #response: Promise<IncomingMessage>
  readonly #iterator: AsyncIterator<Uint8Array>
  #unsentBytes = 0
  #wake: (() => void) | undefined
  /** Set when nobody wants more of the source. */
  #over = false
  #sourceError: unknown

  constructor(message: ClientRequest, source: AsyncIterable<Uint8Array>) {
    this.#message = message
    this.#response = new Promise((resolve, reject) => {
      message.once('response', resolve)
      message.on('error', reject)
      message.once('close', () => {
        reject(new DpsError('UNAVAILABLE', 'the node closed the connection'))
        this.#finish()
      })
    })
    // The generator that reads it may be left before it asks.
    this.#response.catch(() => {})
    this.#iterator = source[Symbol.asyncIterator]()
    void this.#pump()
  }

  /** What the source threw, if it did: the cause of everything else. */
  get sourceError(): unknown {
    return this.#sourceError
  }

  response(): Promise<IncomingMessage> {
    return this.#response
  }

  /** Cuts the upload off unless it is complete, and lets go of the source. */
  async close(): Promise<void> {
    this.#finish()
    if (!this.#message.writableFinished) this.#message.destroy()
    // A source that waits (a terminal) may never answer: it is told, not waited for.
    this.#iterator.return?.()?.catch(() => {})
  }

  #finish(): void {
    this.#over = true
    this.#wake?.()
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next()
        if (this.#over) return
        if (done) break
        await this.#write(value)
        if (this.#over) return
      }
      this.#message.end()
    } catch (error) {
      if (this.#over) return
      this.#sourceError = error
      // Without the end of the body: the node publishes nothing.
      this.#message.destroy()
    }
  }

  #write(piece: Uint8Array): Promise<void> | undefined {
    const { byteLength } = piece
    this.#unsentBytes += byteLength
    this.#message.write(piece, () => {
      this.#unsentBytes -= byteLength
      if (this.#unsentBytes < UNSENT_BYTES_MAX) this.#wake?.()
    })
    if (this.#unsentBytes < UNSENT_BYTES_MAX) return undefined
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
