/** Reads what is stored and checks it: records by their CRC, bytes by their digest. */
import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import { DpsError } from '../base/index.js'
import {
  type ChunkKind,
  cidOf,
  type Digest,
  decodeManifest,
  digestKey,
  digestOf,
  formatCid,
  kindOf,
  manifestChildren,
  verifyChunk,
} from '../content/index.js'
import type { ChunkStore, Pin, References } from '../store/index.js'

export type VerifyEvent =
  | { type: 'progress'; checked: number; total: number; bytes: number }
  | { type: 'damaged'; cid: string; reason: string; repaired: boolean; files: string[] }
  | { type: 'summary'; checked: number; damaged: number; repaired: number }

export interface VerifierComponents {
  store: Pick<ChunkStore, 'get' | 'has' | 'list' | 'stats' | 'damaged' | 'quarantine' | 'barrier'>
  references: Pick<References, 'pins'>
  /**
   * Fetches one chunk or manifest from peers and stores it; rejects when nobody has it.
   * `root` is what it is a part of: mostly roots are announced, not what lies below them.
   */
  refetch?(cid: CID, options: AbortOptions & { root: CID }): Promise<void>
}

export interface VerifyOptions extends AbortOptions {
  /** Only what this CID leads to. Without it, everything stored, and whatever pins lead to. */
  cid?: CID
  /** Fetch what is damaged from peers. */
  repair?: boolean
}

/** Chunks read and hashed at once. */
const READ_AHEAD = 4
const PROGRESS_EVERY_MS = 100
/** Names listed with a damage. */
const FILES_MAX = 10
/** Roots whose providers are asked for what is damaged; each may cost the whole patience. */
const ROOTS_MAX = 3

interface Ref {
  digest: Digest
  kind: ChunkKind
}

export class Verifier {
  readonly #components: VerifierComponents

  constructor(components: VerifierComponents) {
    this.#components = components
  }

  /** Every damage is told once; what can't be repaired is out of the index from then on. */
  async *verify(options: VerifyOptions = {}): AsyncGenerator<VerifyEvent> {
    const run = new VerifyRun(this.#components, options)
    if (options.cid !== undefined) yield* run.tree(options.cid)
    else yield* run.everything()
    yield { type: 'summary', ...run.totals }
  }
}

class VerifyRun {
  readonly totals = { checked: 0, damaged: 0, repaired: 0 }
  readonly #components: VerifierComponents
  readonly #repair: boolean
  readonly #options: AbortOptions
  readonly #told = new Set<string>()
  /** Manifests that a walk needed, with what had been wrong. */
  readonly #repairedOnTheWay = new Map<string, string>()
  #bytes = 0
  #toldAtMs = performance.now()
  /** What was asked to be verified; absent for everything. */
  readonly #root: CID | undefined

  constructor(components: VerifierComponents, { cid, repair, signal }: VerifyOptions) {
    this.#components = components
    this.#root = cid
    this.#repair = repair ?? false
    this.#options = signal === undefined ? {} : { signal }
  }

  async *everything(): AsyncGenerator<VerifyEvent> {
    const { store, references } = this.#components
    const total = (await store.stats(this.#options)).chunks
    // Those found before, by reads: a verify tells them until they are stored again.
    const known = store.damaged(this.#options)
    for await (const { digest, kind, reason } of known)
      yield* this.#damaged({ digest, kind }, reason)
    yield* this.#each(store.list(this.#options), () => total)
    // A chunk that is gone whole is in no index: only what leads to it can miss it.
    for await (const { cid } of references.pins(this.#options)) yield* this.#missing(cid)
  }

  async *tree(cid: CID): AsyncGenerator<VerifyEvent> {
    let found = 0
    const walk = async function* (run: VerifyRun): AsyncGenerator<Ref> {
      for await (const ref of run.#walk(cid)) {
        found++
        yield ref
      }
    }
    yield* this.#each(walk(this), () => found)
  }

  /** Everything below a root, each digest once; below an unreadable manifest there is nothing. */
  async *#walk(cid: CID, seen = new Set<string>()): AsyncGenerator<Ref> {
    const stack: Ref[] = [{ digest: digestOf(cid), kind: kindOf(cid) }]
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      this.#options.signal?.throwIfAborted()
      const key = digestKey(ref.digest)
      if (seen.has(key)) continue
      seen.add(key)
      if (ref.kind === 'manifest') stack.push(...(await this.#children(ref.digest, cid)))
      yield ref
    }
  }

  async #children(digest: Digest, root: CID): Promise<Ref[]> {
    const ref: Ref = { digest, kind: 'manifest' }
    const reason = await this.#check(ref)
    if (reason !== undefined) {
      // Repaired right here, so that the walk goes on below it; told when its turn comes.
      if (!this.#repair || !(await this.#refetch(ref, [root]))) return []
      this.#repairedOnTheWay.set(digestKey(digest), reason)
    }
    const bytes = await this.#read(digest)
    try {
      // The last first off the stack: in order of the content.
      return bytes ? [...manifestChildren(decodeManifest(bytes))].reverse() : []
    } catch {
      return []
    }
  }

  async *#each(refs: AsyncIterable<Ref>, total: () => number): AsyncGenerator<VerifyEvent> {
    const running: { ref: Ref; reason: Promise<string | undefined> }[] = []
    const finish = async function* (run: VerifyRun): AsyncGenerator<VerifyEvent> {
      const { ref, reason } = running.shift()!
      const found = await reason
      run.totals.checked++
      if (found !== undefined) yield* run.#damaged(ref, found)
      else yield* run.#progress(total())
    }
    try {
      for await (const ref of refs) {
        const reason = this.#check(ref)
        reason.catch(() => {})
        running.push({ ref, reason })
        if (running.length >= READ_AHEAD) yield* finish(this)
      }
      while (running.length > 0) yield* finish(this)
    } finally {
      await Promise.allSettled(running.map(({ reason }) => reason))
    }
    yield { type: 'progress', checked: this.totals.checked, total: total(), bytes: this.#bytes }
  }

  *#progress(total: number): Generator<VerifyEvent> {
    const now = performance.now()
    if (now - this.#toldAtMs < PROGRESS_EVERY_MS) return
    this.#toldAtMs = now
    yield { type: 'progress', checked: this.totals.checked, total, bytes: this.#bytes }
  }

  /** Why a chunk is not what its name says; `undefined` when it is. */
  async #check({ digest }: Ref): Promise<string | undefined> {
    const before = this.#repairedOnTheWay.get(digestKey(digest))
    if (before !== undefined) return before
    try {
      const bytes = await this.#read(digest)
      return bytes === undefined ? 'it is not stored here' : undefined
    } catch (error) {
      if (!(error instanceof DpsError) || error.code !== 'DATA_LOSS') throw error
      return error.message
    }
  }

  /** @throws DATA_LOSS for what was damaged, which is quarantined then. */
  async #read(digest: Digest): Promise<Uint8Array | undefined> {
    const { store } = this.#components
    const stored = await store.get(digest, this.#options)
    if (stored === undefined) return undefined
    this.#bytes += stored.bytes.length
    try {
      verifyChunk(digest, stored.bytes)
    } catch (error) {
      await store.quarantine(digest, 'its bytes do not match their digest', this.#options)
      throw error
    }
    return stored.bytes
  }

  async *#damaged(ref: Ref, reason: string): AsyncGenerator<VerifyEvent> {
    const key = digestKey(ref.digest)
    if (this.#told.has(key)) return
    this.#told.add(key)
    const cid = cidOf(ref.kind, ref.digest)
    const pins = await this.#pinsOf(ref.digest)
    const files = pins.map((pin) => pin.name || formatCid(pin.cid))
    const roots = [...(this.#root === undefined ? [] : [this.#root]), ...pins.map((pin) => pin.cid)]
    const already = this.#repairedOnTheWay.has(key)
    const repaired = already || (this.#repair && (await this.#refetch(ref, roots)))
    this.totals.damaged++
    if (repaired) this.totals.repaired++
    yield { type: 'damaged', cid: formatCid(cid), reason, repaired, files }
  }

  async #refetch({ digest, kind }: Ref, roots: readonly CID[]): Promise<boolean> {
    const { refetch, store } = this.#components
    if (refetch === undefined) return false
    const cid = cidOf(kind, digest)
    for (const root of roots.length === 0 ? [cid] : roots.slice(0, ROOTS_MAX)) {
      try {
        await refetch(cid, { ...this.#options, root })
        await store.barrier(this.#options)
        if ((await this.#read(digest)) !== undefined) return true
      } catch {
        this.#options.signal?.throwIfAborted()
      }
    }
    return false
  }

  async *#missing(root: CID): AsyncGenerator<VerifyEvent> {
    let batch: Ref[] = []
    const look = async function* (run: VerifyRun): AsyncGenerator<VerifyEvent> {
      const digests = batch.map(({ digest }) => digest)
      const here = await run.#components.store.has(digests, run.#options)
      for (const [i, ref] of batch.entries()) {
        const before = run.#repairedOnTheWay.get(digestKey(ref.digest))
        if (before !== undefined) yield* run.#damaged(ref, before)
        else if (!here[i]) yield* run.#damaged(ref, 'it is not stored here')
      }
      batch = []
    }
    for await (const ref of this.#walk(root)) {
      batch.push(ref)
      if (batch.length >= 512) yield* look(this)
    }
    if (batch.length > 0) yield* look(this)
  }

  /** Pins that lead to it. A walk for each damage: damage is rare. */
  async #pinsOf(digest: Digest): Promise<Pin[]> {
    const pins: Pin[] = []
    for await (const pin of this.#components.references.pins(this.#options)) {
      if (pins.length >= FILES_MAX) break
      if (await this.#leadsTo(pin, digest)) pins.push(pin)
    }
    return pins
  }

  async #leadsTo({ cid }: Pin, digest: Digest): Promise<boolean> {
    const wanted = digestKey(digest)
    const seen = new Set<string>()
    const stack: Ref[] = [{ digest: digestOf(cid), kind: kindOf(cid) }]
    for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
      const key = digestKey(ref.digest)
      if (key === wanted) return true
      if (seen.has(key) || ref.kind !== 'manifest') continue
      seen.add(key)
      const stored = await this.#components.store
        .get(ref.digest, this.#options)
        .catch(() => undefined)
      if (stored === undefined) continue
      try {
        stack.push(...manifestChildren(decodeManifest(stored.bytes)))
      } catch {}
    }
    return false
  }
}
