/** The real state machine, with eyes on what goes in and what it comes to. */

import { textOfKey } from '../../src/metadata/keys.js'
import { MetadataMachine } from '../../src/metadata/machine.js'
import type { Entry, NodeId, StateInstall } from '../../src/raft/index.js'
import type { Checks } from './checks.js'

/** FNV-1a. */
function hashOf(bytes: Uint8Array, seed: number): number {
  let h = seed
  for (let at = 0; at < bytes.length; at++) h = Math.imul(h ^ bytes[at]!, 0x01000193)
  return h ^ (h >>> 15)
}

/** Equal for equal states, however they came about; kept up to date key by key. */
class Digest {
  readonly #rows = new Map<string, number>()
  #low = 0
  #high = 0

  set(key: Uint8Array, value: Uint8Array | undefined): void {
    const text = textOfKey(key)
    const before = this.#rows.get(text) ?? 0
    const after = value === undefined ? 0 : hashOf(value, hashOf(key, 0x811c9dc5)) || 1
    if (after === 0) this.#rows.delete(text)
    else this.#rows.set(text, after)
    this.#low = (this.#low + after - before) | 0
    this.#high = (this.#high + Math.imul(after, 0x9e3779b1) - Math.imul(before, 0x9e3779b1)) | 0
  }

  clear(): void {
    this.#rows.clear()
    this.#low = 0
    this.#high = 0
  }

  get text(): string {
    return `${this.#low}.${this.#high}.${this.#rows.size}`
  }
}

const EVERYTHING = { gte: new Uint8Array([0]), lt: new Uint8Array([0xff]) }
const MARK = 'm/state'

export class WatchedMachine extends MetadataMachine {
  checks!: Checks
  id!: NodeId
  readonly #digest = new Digest()

  watch(checks: Checks, id: NodeId): void {
    this.checks = checks
    this.id = id
    this.onApplied((keys) => {
      if (keys === 'all') return
      for (const key of keys) this.#digest.set(key, this.get(key))
    })
  }

  override async open(generation: number): Promise<void> {
    await super.open(generation)
    await this.#afresh()
  }

  override async adopt(install: StateInstall): Promise<void> {
    await super.adopt(install)
    await this.#afresh()
  }

  /** What the disk gave back is what it was everywhere at that index. */
  async #afresh(): Promise<void> {
    this.checks.opened(this.id, this.appliedIndex)
    this.#digest.clear()
    for await (const rows of this.range(EVERYTHING)) {
      for (const [key, value] of rows) if (textOfKey(key) !== MARK) this.#digest.set(key, value)
    }
    this.checks.reached(this.id, this.appliedIndex, 'state', this.#digest.text)
  }

  override async apply(entries: readonly Entry[]): Promise<(Uint8Array | undefined)[]> {
    const { checks, id } = this
    checks.applying(id, entries)
    const results = await super.apply(entries)
    for (const [at, result] of results.entries()) {
      if (result === undefined) continue
      checks.reached(id, entries[at]!.index, 'answer', String(hashOf(result, 1)))
    }
    const last = entries.at(-1)
    if (last !== undefined) checks.reached(id, last.index, 'state', this.#digest.text)
    return results
  }
}
