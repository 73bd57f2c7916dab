/**
 * How many stored manifests and pins refer to each digest.
 *
 * One entry for each digest that is referred to: how many edges come from manifests that are
 * counted, whether it is pinned, and whether it is a manifest whose own edges are counted
 * (`expanded`). A manifest should be expanded exactly while something refers to it; where that is
 * not so there is work, kept in the database. One round does some work and writes its whole effect
 * as one synced batch, so a crash leaves either all of it or none.
 */
import type { AbortOptions } from '../base/index.js'
import { DpsError } from '../base/index.js'
import {
  type ChunkKind,
  cidOf,
  compareDigests,
  type Digest,
  decodeManifest,
  digestKey,
  digestOfKey,
  formatCid,
  manifestChildren,
} from '../content/index.js'
import type { ChunkStore } from './chunk-store.js'
import type { MetaDb } from './meta.js'

/** Work of one round: bounds its batch, and the memory for its manifests. */
const ROUND_ITEMS_MAX = 256
const ROUND_MANIFEST_BYTES_MAX = 8 * 1024 * 1024
const ENTRY_BYTES = 5

const PINNED = 1
const EXPANDED = 2
const MANIFEST = 4

interface Entry {
  edges: number
  pinned: boolean
  expanded: boolean
  manifest: boolean
}

export interface ReferenceCountsInit {
  isPinned(digests: readonly Digest[]): Promise<boolean[]>
  /** Excludes changes of pins while a round runs: it would undo the work that they ask for. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Something refers to it that nothing referred to before. */
  onReferenced(key: string): void
}

interface Round {
  /** The last digest that it looked at. */
  last: Digest
  /** New work that it left. */
  made: Digest[]
  /** Something is referred to less than before. */
  released: boolean
  stuck: DpsError[]
}

export type MetaBatch = ReturnType<typeof batchOf>

export type CountsStore = Pick<ChunkStore, 'get' | 'info'>

export class ReferenceCounts {
  readonly #meta: MetaDb
  readonly #store: CountsStore
  readonly #init: ReferenceCountsInit
  readonly #entries: ReturnType<typeof bytesOf>
  readonly #work: ReturnType<typeof bytesOf>
  /** A manifest was gone before its edges were taken back: they are counted anew from the pins. */
  #leaking = false

  constructor(meta: MetaDb, store: CountsStore, init: ReferenceCountsInit) {
    this.#meta = meta
    this.#store = store
    this.#init = init
    this.#entries = bytesOf(meta, 'refs')
    this.#work = bytesOf(meta, 'refs-work')
  }

  /** Into a batch: a look at a digest whose pin changes with it. */
  askFor(batch: MetaBatch, digest: Digest, kind: ChunkKind): MetaBatch {
    const value = workOf(kind === 'manifest')
    return batch.put(digest, value, { sublevel: this.#work })
  }

  /**
   * Does all work that can be done.
   * @returns why what is left cannot: manifests that are referred to and cannot be read.
   */
  async settle({ signal }: AbortOptions): Promise<DpsError[]> {
    while (true) {
      const stuck: DpsError[] = []
      let after: Digest | undefined
      // Work that a round made where this pass has been already; what is made by changes of pins
      // meanwhile is the next settle's, so that this one ends.
      let behind = false
      let released = false
      while (true) {
        signal?.throwIfAborted()
        const range = after === undefined ? {} : { gt: after }
        const round = await this.#init.alone(async () => {
          const rows = await this.#work.iterator({ ...range, limit: ROUND_ITEMS_MAX }).all()
          return rows.length === 0 ? undefined : this.#round(rows)
        })
        if (round === undefined) break
        stuck.push(...round.stuck)
        after = round.last
        const { last } = round
        behind ||= round.made.some((digest) => compareDigests(digest, last) <= 0)
        released ||= round.released
      }
      // What was stuck may be wanted by nothing any more.
      if (!behind && !(released && stuck.length > 0)) return stuck
    }
  }

  get leaking(): boolean {
    return this.#leaking
  }

  async #round(rows: readonly [Digest, Uint8Array][]): Promise<Round> {
    const entries = new Map<string, Entry>()
    const touched = new Set<string>()
    await this.#load(
      rows.map(([digest]) => digest),
      entries,
    )
    const pinned = await this.#init.isPinned(rows.map(([digest]) => digest))
    for (const [i, [digest, value]] of rows.entries()) {
      const entry = entries.get(digestKey(digest))!
      if (pinned[i] && !entry.pinned) this.#init.onReferenced(digestKey(digest))
      entry.pinned = pinned[i]!
      entry.manifest ||= value[0] === MANIFEST
    }
    const infos = await this.#store.info(rows.map(([digest]) => digest))
    const stuck: DpsError[] = []
    const done: string[] = []
    const deltas = new Map<string, { delta: number; manifest: boolean }>()
    let looked = 0
    let bytes = 0
    for (const [i, [digest]] of rows.entries()) {
      bytes += infos[i]?.sizeBytes ?? 0
      if (looked > 0 && bytes > ROUND_MANIFEST_BYTES_MAX) break
      looked++
      const key = digestKey(digest)
      const entry = entries.get(key)!
      const wanted = isWanted(entry)
      if (wanted !== entry.expanded) {
        const children = await this.#children(digest)
        if (children instanceof DpsError) {
          if (wanted) {
            stuck.push(children)
            continue
          }
          // Nothing says which edges to take back.
          this.#leaking = true
        } else {
          for (const child of children) {
            const childKey = digestKey(child.digest)
            const seen = deltas.get(childKey)
            const manifest = child.kind === 'manifest' || (seen?.manifest ?? false)
            deltas.set(childKey, {
              delta: (seen?.delta ?? 0) + (wanted ? 1 : -1),
              manifest,
            })
          }
        }
        entry.expanded = wanted
      }
      done.push(key)
      touched.add(key)
    }
    await this.#load([...deltas.keys()].map(digestOfKey), entries)
    for (const [key, { delta, manifest }] of deltas) {
      const entry = entries.get(key)!
      if (entry.edges === 0 && delta > 0) this.#init.onReferenced(key)
      entry.edges = Math.max(0, entry.edges + delta)
      entry.manifest ||= manifest
      touched.add(key)
    }
    const made = await this.#write(entries, touched, done)
    const released = [...deltas.values()].some(({ delta }) => delta < 0)
    return { last: rows[looked - 1]![0], made, released, stuck }
  }

  async #write(
    entries: ReadonlyMap<string, Entry>,
    touched: ReadonlySet<string>,
    done: readonly string[],
  ): Promise<Digest[]> {
    const finished = new Set(done)
    const made: Digest[] = []
    const rows: Row[] = []
    for (const key of touched) {
      const entry = entries.get(key)!
      const digest = digestOfKey(key)
      const unused = entry.edges === 0 && !entry.pinned && !entry.expanded
      rows.push(
        unused
          ? { type: 'del', sublevel: this.#entries, key: digest }
          : { type: 'put', sublevel: this.#entries, key: digest, value: encode(entry) },
      )
      // Also of what was finished in this round and changed by another in it.
      if (isWanted(entry) !== entry.expanded) {
        made.push(digest)
        rows.push({ type: 'put', sublevel: this.#work, key: digest, value: workOf(true) })
      } else if (finished.has(key)) {
        rows.push({ type: 'del', sublevel: this.#work, key: digest })
      }
    }
    // Synced: after a power cut, an earlier round must not be missing under a later one.
    if (rows.length > 0) await this.#meta.batch(rows, { sync: true })
    return made
  }

  async #load(digests: readonly Digest[], into: Map<string, Entry>): Promise<void> {
    const missing = digests.filter((digest) => !into.has(digestKey(digest)))
    if (missing.length === 0) return
    const values = await this.#entries.getMany(missing)
    for (const [i, digest] of missing.entries()) into.set(digestKey(digest), decode(values[i]))
  }

  async #children(
    digest: Digest,
  ): Promise<Iterable<{ digest: Digest; kind: ChunkKind }> | DpsError> {
    const name = `manifest ${formatCid(cidOf('manifest', digest))}`
    try {
      const stored = await this.#store.get(digest)
      if (stored === undefined) return new DpsError('DATA_LOSS', `${name} is not stored here`)
      return [...manifestChildren(decodeManifest(stored.bytes))]
    } catch (error) {
      const known = error instanceof DpsError && /DATA_LOSS|INVALID_ARGUMENT/.test(error.code)
      if (!known) throw error
      return new DpsError('DATA_LOSS', `${name} cannot be read`, { cause: error })
    }
  }

  /** Which of a sorted, non-empty run of digests something refers to. */
  async referenced(sorted: readonly Digest[]): Promise<Set<string>> {
    const keys = new Set<string>()
    const range = { gte: sorted[0]!, lte: sorted.at(-1)! }
    for await (const key of this.#entries.keys(range)) keys.add(digestKey(key))
    return keys
  }

  async isReferenced(digest: Digest): Promise<boolean> {
    return (await this.#entries.get(digest)) !== undefined
  }

  /** Forgets every count; the pins' work counts them again. */
  async clear(): Promise<void> {
    await this.#entries.clear()
    await this.#work.clear()
    this.#leaking = false
  }
}

type Bytes = ReturnType<typeof bytesOf>
type Row =
  | { type: 'put'; sublevel: Bytes; key: Digest; value: Uint8Array }
  | { type: 'del'; sublevel: Bytes; key: Digest }

function workOf(manifest: boolean): Uint8Array {
  return Uint8Array.of(manifest ? MANIFEST : 0)
}

function isWanted({ manifest, edges, pinned }: Entry): boolean {
  return manifest && (edges > 0 || pinned)
}

function encode({ edges, pinned, expanded, manifest }: Entry): Uint8Array {
  const out = new Uint8Array(ENTRY_BYTES)
  out[0] = (pinned ? PINNED : 0) | (expanded ? EXPANDED : 0) | (manifest ? MANIFEST : 0)
  new DataView(out.buffer).setUint32(1, edges)
  return out
}

function decode(value: Uint8Array | undefined): Entry {
  if (value === undefined || value.length !== ENTRY_BYTES) {
    return { edges: 0, pinned: false, expanded: false, manifest: false }
  }
  const flags = value[0]!
  return {
    edges: new DataView(value.buffer, value.byteOffset).getUint32(1),
    pinned: (flags & PINNED) !== 0,
    expanded: (flags & EXPANDED) !== 0,
    manifest: (flags & MANIFEST) !== 0,
  }
}

function bytesOf(meta: MetaDb, name: string) {
  return meta.sublevel<Uint8Array, Uint8Array>(name, { keyEncoding: 'view', valueEncoding: 'view' })
}

function batchOf(meta: MetaDb) {
  return meta.batch()
}
