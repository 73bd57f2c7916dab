import { assert } from '../../base/index.js'

/** Appends on their way to one follower, bounded in number and bytes. */
export class Inflights {
  /** Last index and size of each append, ascending; `#head` are already answered. */
  #sent: { index: number; bytes: number }[] = []
  #head = 0
  /** Invariant: the sum over what is not answered. */
  #bytes = 0
  readonly #messagesMax: number
  readonly #bytesMax: number

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax
    this.#bytesMax = bytesMax
  }

  get count(): number {
    return this.#sent.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.count >= this.#messagesMax || this.#bytes >= this.#bytesMax
  }

  add(index: number, bytes: number): void {
    assert(!this.full, 'the window has room')
    assert((this.#sent.at(-1)?.index ?? 0) < index, 'appends are sent in order')
    this.#sent.push({ index, bytes })
    this.#bytes += bytes
  }

  /** An acknowledgement up to `index` answers every append that ends there or before. */
  free(index: number): void {
    while (this.#head < this.#sent.length && this.#sent[this.#head]!.index <= index) {
      this.#bytes -= this.#sent[this.#head++]!.bytes
    }
    // Half of it is history: keeps the list within twice the window.
    if (this.#head > this.#sent.length / 2) {
      this.#sent = this.#sent.slice(this.#head)
      this.#head = 0
    }
  }

  clear(): void {
    this.#sent = []
    this.#head = 0
    this.#bytes = 0
  }
}
