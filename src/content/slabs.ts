/** Fixed-size buffers on shared memory, so that workers read bytes in place. */
import { type AbortOptions, DpsError } from '../base/index.js'

export interface Slab {
  /** `slabBytes` long, on a SharedArrayBuffer; holds what its last user left. */
  readonly buffer: Uint8Array
  /** Gives the slab to the next that waits. Again is harmless. */
  release(): void
}

export interface SlabPoolInit {
  slabBytes: number
  /** Slabs that exist at most. Made when first needed. */
  slabs: number
}

export class SlabPool {
  readonly #slabBytes: number
  readonly #slabs: number
  readonly #free: Uint8Array[] = []
  readonly #waiting = new Set<{ give(buffer: Uint8Array): void; fail(error: unknown): void }>()
  #made = 0
  #closed = false

  constructor({ slabBytes, slabs }: SlabPoolInit) {
    this.#slabBytes = slabBytes
    this.#slabs = slabs
  }

  /** Waits, in order of arrival, until a slab is free: the pool's size is the back-pressure. */
  acquire(options: AbortOptions = {}): Promise<Slab> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closed) return Promise.reject(closed())
    const buffer = this.#free.pop() ?? this.#make()
    if (buffer !== undefined) return Promise.resolve(this.#lend(buffer))
    return new Promise((resolve, reject) => {
      const onAbort = () => waiter.fail(signal!.reason)
      const done = () => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter = {
        give: (given: Uint8Array) => {
          done()
          resolve(this.#lend(given))
        },
        fail: (error: unknown) => {
          done()
          reject(error)
        },
      }
      this.#waiting.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Those that wait get CANCELLED; slabs still lent stay valid for whoever has them. */
  close(): void {
    this.#closed = true
    this.#free.length = 0
    for (const waiter of [...this.#waiting]) waiter.fail(closed())
  }

  #make(): Uint8Array | undefined {
    if (this.#made === this.#slabs) return undefined
    this.#made++
    return new Uint8Array(new SharedArrayBuffer(this.#slabBytes))
  }

  #lend(buffer: Uint8Array): Slab {
    let lent = true
    return {
      buffer,
      release: () => {
        if (!lent) return
        lent = false
        const [next] = this.#waiting
        if (next !== undefined) next.give(buffer)
        else if (!this.#closed) this.#free.push(buffer)
      },
    }
  }
}

function closed(): DpsError {
  return new DpsError('CANCELLED', 'the slab pool is closed')
}
