/** The simulator's randomness: sfc32, replayed from a seed. One stream per concern, so that one more draw in one place doesn't move the others. */
export class Rng {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number, stream = '') {
    let h = 0x811c9dc5 ^ seed
    for (let at = 0; at < stream.length; at++) h = Math.imul(h ^ stream.charCodeAt(at), 0x01000193)
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = h | 0
    this.#d = 1
    // The state needs some rounds until every bit of the seed has reached every word.
    for (let at = 0; at < 12; at++) this.next()
  }

  /** Uniform in [0, 1). */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + t) | 0
    return (t >>> 0) / 2 ** 32
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Exponential with this mean, cut at ten times of it. */
  exponential(mean: number): number {
    return Math.min(10, -Math.log(1 - this.next())) * mean
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  /** By weights that need not add up to anything. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of choices) {
      left -= weight
      if (left < 0) return value
    }
    return choices.at(-1)![1]
  }

  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items]
    for (let at = out.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      ;[out[at], out[other]] = [out[other]!, out[at]!]
    }
    return out
  }
}
