/** Single lookups, made together: each look into the index wakes a thread, which costs 80 µs. */
import type { Digest } from '../content/index.js'
import type { Location } from './keys.js'

type Places = (Location | undefined)[]

export class Lookups {
  readonly #findAll: (digests: readonly Digest[]) => Promise<Places>
  #next: { digests: Digest[]; found: Promise<Places> } | undefined

  constructor(findAll: (digests: readonly Digest[]) => Promise<Places>) {
    this.#findAll = findAll
  }

  /** Calls of one turn of the event loop's queues share one look. */
  async find(digest: Digest): Promise<Location | undefined> {
    this.#next ??= this.#begin()
    const { digests, found } = this.#next
    const at = digests.push(digest) - 1
    return (await found)[at]
  }

  #begin(): { digests: Digest[]; found: Promise<Places> } {
    const digests: Digest[] = []
    const found = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      this.#next = undefined
      return this.#findAll(digests)
    })
    return { digests, found }
  }
}
