/**
 * Where libp2p keeps peers and provider records: LevelDB, with two changes. Both are soft state
 * that the swarm gives back, so a write may be some milliseconds late and go with its neighbours;
 * and a provider record must not outlive what is known of its peer.
 */
import { rename } from 'node:fs/promises'
import { NotFoundError } from '@libp2p/interface'
import { LevelDatastore } from 'datastore-level'
import { Level } from 'level'
import { type AbortOptions, DpsError } from '../base/index.js'

type Key = Parameters<LevelDatastore['put']>[0]
type Query = Parameters<LevelDatastore['query']>[0]
type Batch = ReturnType<LevelDatastore['batch']>
interface Pair {
  key: Key
  value: Uint8Array
}

/** kad-dht's layout: `/dht/provider/<multihash in base32>/<peer id>` → varint of milliseconds. */
const PROVIDER_PREFIX = '/dht/provider/'
/** How long a record counts after it was made (kad-dht's PROVIDERS_VALIDITY). */
export const PROVIDER_VALIDITY_MS = 48 * 3_600_000

/** A write waits at most so long, or until so many wait. */
const FLUSH_AFTER_MS = 20
const PENDING_MAX = 1024
/** Writes before other work gets its turn: some milliseconds of what leads to them. */
const WRITES_PER_TURN = 16

export class HostStore extends LevelDatastore {
  /** `null` deletes. Newest value by key; reads look here first. */
  #pending = new Map<string, Uint8Array | null>()
  /** What is being written right now. */
  #writing = new Map<string, Uint8Array | null>()
  #flushed: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: unknown
  /** Writes since the event loop last came around, and that moment's next coming. */
  #writesThisTurn = 0
  #nextTurn: Promise<void> | undefined
  #self = ''
  #reachable: ((peerId: string) => Promise<boolean>) | undefined

  /**
   * Gives the records' filter its peers; until then every record is shown.
   * @param reachable whether addresses of the peer are known; may restore them from elsewhere
   */
  usePeers(self: string, reachable: (peerId: string) => Promise<boolean>): void {
    this.#self = self
    this.#reachable = reachable
  }

  override async put(key: Key, value: Uint8Array, options?: AbortOptions): Promise<Key> {
    await this.#set(key.toString(), value, options)
    return key
  }

  override async delete(key: Key, options?: AbortOptions): Promise<void> {
    await this.#set(key.toString(), null, options)
  }

  override async get(key: Key, options?: AbortOptions): Promise<Uint8Array> {
    const waiting = this.#waiting(key.toString())
    if (waiting instanceof Uint8Array) return waiting
    if (waiting === null) throw new NotFoundError()
    return super.get(key, options)
  }

  override async has(key: Key, options?: AbortOptions): Promise<boolean> {
    const waiting = this.#waiting(key.toString())
    return waiting === undefined ? super.has(key, options) : waiting !== null
  }

  override batch(): Batch {
    const ops: [string, Uint8Array | null][] = []
    return {
      put: (key, value) => void ops.push([key.toString(), value]),
      delete: (key) => void ops.push([key.toString(), null]),
      commit: async (options) => {
        for (const [key, value] of ops) await this.#set(key, value, options)
      },
    }
  }

  // Declared as a generator of pairs by the base class; `yield*` keeps filters and orders there.
  override async *query(query: Query, options?: AbortOptions): AsyncGenerator<Pair> {
    if (query.prefix === undefined || this.#anyWaiting(query.prefix)) await this.flush()
    const pairs = super.query(query, options)
    if (`${query.prefix}/` === PROVIDER_PREFIX) yield* this.#foreign(pairs)
    else if (isOneContent(query.prefix)) yield* this.#usable(pairs)
    else yield* pairs
  }

  override async *queryKeys(
    query: Parameters<LevelDatastore['queryKeys']>[0],
    options?: AbortOptions,
  ): AsyncGenerator<Key> {
    await this.flush()
    yield* super.queryKeys(query, options)
  }

  /** Records that this peer provides what `keys` name, as kad-dht would write them. */
  async putProvider(multihashTexts: Iterable<string>, peerId: string, atMs: number): Promise<void> {
    const value = varint(atMs)
    for (const text of multihashTexts) {
      await this.#set(`${PROVIDER_PREFIX}${text}/${peerId}`, value)
    }
  }

  async deleteProvider(multihashTexts: Iterable<string>, peerId: string): Promise<void> {
    for (const text of multihashTexts) await this.#set(`${PROVIDER_PREFIX}${text}/${peerId}`, null)
  }

  override async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      // libp2p has timers that outlive its stop.
      this.#failure ??= new DpsError('CANCELLED', 'the store is closed')
      clearTimeout(this.#timer)
      await super.close()
    }
  }

  /** Resolves when every write before this call is in LevelDB. */
  async flush(): Promise<void> {
    while (this.#flushed !== undefined || this.#pending.size > 0) {
      this.#flushed ??= this.#write().finally(() => {
        this.#flushed = undefined
      })
      await this.#flushed
    }
  }

  async #set(key: string, value: Uint8Array | null, options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    this.#pending.set(key, value)
    if (this.#pending.size >= PENDING_MAX) return this.flush()
    this.#timer ??= setTimeout(() => {
      // The failure is kept and thrown to the next writer.
      this.flush().catch(() => {})
    }, FLUSH_AFTER_MS)
    this.#nextTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#writesThisTurn = 0
        this.#nextTurn = undefined
        resolve()
      })
    })
    this.#writesThisTurn += 1
    // A write takes no time here, so a peer that sends thousands of records in one piece would
    // keep the whole process busy with them, one after the other.
    if (this.#writesThisTurn > WRITES_PER_TURN) await this.#nextTurn
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#pending
    this.#pending = new Map()
    const ops = [...this.#writing].map(([key, value]) =>
      value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    )
    try {
      await this.db.batch(ops)
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#writing = new Map()
    }
  }

  #waiting(key: string): Uint8Array | null | undefined {
    const newest = this.#pending.get(key)
    return newest === undefined ? this.#writing.get(key) : newest
  }

  #anyWaiting(prefix: string): boolean {
    for (const map of [this.#pending, this.#writing]) {
      for (const key of map.keys()) if (key.startsWith(prefix)) return true
    }
    return false
  }

  /**
   * kad-dht looks up the addresses of every provider and fails the whole answer when one has
   * left the peer store: such a record is withheld, as is one that has expired.
   */
  async *#usable(pairs: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Pair> {
    for await (const pair of pairs) {
      if (isExpired(pair.value)) continue
      if (this.#reachable === undefined || (await this.#reachable(peerOf(pair.key)))) yield pair
    }
  }

  /**
   * kad-dht's hourly round over all records expires those of others, which is wanted, and would
   * provide again what it takes for ours, one by one: only Discovery knows what still is.
   */
  async *#foreign(pairs: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Pair> {
    for await (const pair of pairs) {
      if (peerOf(pair.key) !== this.#self) yield pair
      else if (isExpired(pair.value)) await this.#set(pair.key.toString(), null)
    }
  }
}

function peerOf(key: Key): string {
  return key.toString().split('/').at(-1) ?? ''
}

function isExpired(value: Uint8Array): boolean {
  return readVarint(value) < Date.now() - PROVIDER_VALIDITY_MS
}

/** Opens the store; a damaged one is moved aside, as the swarm gives its content back. */
export async function openHostStore(
  path: string,
  onDamage: (movedTo: string, error: unknown) => void,
): Promise<HostStore> {
  try {
    return await openLevel(path)
  } catch (error) {
    const { code, message } = levelCauseOf(error)
    if (code === 'LEVEL_LOCKED') {
      throw new DpsError('FAILED_PRECONDITION', `${path} is in use by another process`, {
        cause: error,
        exitCode: 11,
      })
    }
    // A file that the database names and that is gone counts as damage too.
    if (code !== 'LEVEL_CORRUPTION' && !/No such file/.test(message)) {
      throw new DpsError('INTERNAL', `cannot open ${path}`, { cause: error })
    }
    const movedTo = `${path}.damaged-${Date.now()}`
    await rename(path, movedTo)
    onDamage(movedTo, error)
    return openLevel(path)
  }
}

async function openLevel(path: string): Promise<HostStore> {
  // Opened here, as LevelDatastore would keep only the text of an error.
  const db = new Level<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await db.open({ compression: false })
  const store = new HostStore(db)
  await store.open()
  return store
}

function levelCauseOf(thrown: unknown): { code: string; message: string } {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  if (!(cause instanceof Error)) return { code: '', message: String(thrown) }
  return { code: (cause as NodeJS.ErrnoException).code ?? '', message: cause.message }
}

function isOneContent(prefix: string | undefined): boolean {
  if (prefix === undefined || !prefix.startsWith(PROVIDER_PREFIX)) return false
  const rest = prefix.slice(PROVIDER_PREFIX.length)
  return rest !== '' && !rest.includes('/')
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

function readVarint(bytes: Uint8Array): number {
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) break
  }
  return value
}
