/** How often one address may connect: a bucket of tokens each. */
import type { Clock } from '../base/index.js'

export interface InboundLimiterInit {
  /** Connections per second that one address may open in the long run. @default 10 */
  perSecond?: number
  /** Connections that it may open at once after a quiet time. @default 30 */
  burst?: number
  /** For this machine's own addresses: many nodes and tests share them. @default 1000 */
  loopbackPerSecond?: number
  /** Addresses remembered; the one quiet for longest is forgotten first. @default 4096 */
  addressesMax?: number
}

interface Bucket {
  tokens: number
  atMs: number
}

export class InboundLimiter {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  readonly #loopbackPerSecond: number
  readonly #addressesMax: number
  /** In order of last use: a Map iterates in insertion order, and each use inserts anew. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, init: InboundLimiterInit = {}) {
    this.#clock = clock
    this.#perSecond = init.perSecond ?? 10
    this.#burst = init.burst ?? 30
    this.#loopbackPerSecond = init.loopbackPerSecond ?? 1000
    this.#addressesMax = init.addressesMax ?? 4096
  }

  /** Whether a connection from this IP address is let in; a yes takes a token. */
  admit(address: string): boolean {
    const loopback = isLoopback(address)
    const rate = loopback ? this.#loopbackPerSecond : this.#perSecond
    const burst = loopback ? this.#loopbackPerSecond : this.#burst
    const key = limiterKey(address)
    const now = this.#clock.monotonicMs()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) / 1000) * rate)
    bucket.atMs = now
    const admitted = bucket.tokens >= 1
    if (admitted) bucket.tokens -= 1
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#addressesMax) {
      const oldest = this.#buckets.keys().next()
      if (oldest.done !== true) this.#buckets.delete(oldest.value)
    }
    return admitted
  }
}

const MAPPED_IP4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

function isLoopback(address: string): boolean {
  return address === '::1' || plainIp4(address).startsWith('127.')
}

function plainIp4(address: string): string {
  return MAPPED_IP4.exec(address)?.[1] ?? address
}

/** One IPv6 customer owns a whole /64: counted as one. */
function limiterKey(address: string): string {
  const plain = plainIp4(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = (plain.split('%')[0] ?? plain).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}
