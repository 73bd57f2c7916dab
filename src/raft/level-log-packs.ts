/** The records of a log: how entries are cut into them, and where each begins. */
import { type Entry, entryBytes } from './core/types.js'
import type { Pack } from './log-codec.js'

/** A record is read and written whole: larger ones would make replaced suffixes dear. */
const PACK_BYTES_MAX = 256 * 1024
/** Places given up before the table is made smaller. */
const SLACK = 1024

/** Where each record begins, and its bytes: in memory, in order. */

export class PackTable {
  #firsts: number[] = []
  #bytes: number[] = []
  /** Records before this position are gone. */
  #head = 0
  #liveBytes = 0

  /** Bytes of all records. */
  get bytes(): number {
    return this.#liveBytes
  }

  get first(): number | undefined {
    return this.#firsts[this.#head]
  }

  push(first: number, bytes: number): void {
    this.#firsts.push(first)
    this.#bytes.push(bytes)
    this.#liveBytes += bytes
  }

  /** The record in which an index would be: the last one that begins at or before it. */
  holderOf(index: number): number | undefined {
    let low = this.#head
    let high = this.#firsts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#firsts[middle]! <= index) low = middle + 1
      else high = middle
    }
    return low > this.#head ? this.#firsts[low - 1] : undefined
  }

  /** Takes away the records that begin at `from` or later. @returns where they began */
  truncate(from: number): number[] {
    const taken: number[] = []
    while (this.#firsts.length > this.#head && this.#firsts.at(-1)! >= from) {
      taken.push(this.#firsts.pop()!)
      this.#liveBytes -= this.#bytes.pop()!
    }
    return taken
  }

  /** Takes away the records that begin before `first`. @returns where they began, ascending */
  give(first: number): { firsts: number[]; bytes: number } {
    const from = this.#head
    let bytes = 0
    while (this.#head < this.#firsts.length && this.#firsts[this.#head]! < first) {
      bytes += this.#bytes[this.#head]!
      this.#head++
    }
    const firsts = this.#firsts.slice(from, this.#head)
    this.#liveBytes -= bytes
    if (this.#head > SLACK && this.#head * 2 > this.#firsts.length) {
      this.#firsts = this.#firsts.slice(this.#head)
      this.#bytes = this.#bytes.slice(this.#head)
      this.#head = 0
    }
    return { firsts, bytes }
  }
}

/** Cuts entries into records, none far above 256 KiB unless an entry is. */
export function packsOf(prevTerm: number, commit: number, entries: readonly Entry[]): Pack[] {
  const packs: Pack[] = []
  let pack: Pack = { prevTerm, commit, entries: [] }
  let bytes = 0
  for (const entry of entries) {
    if (bytes >= PACK_BYTES_MAX) {
      packs.push(pack)
      pack = { prevTerm: pack.entries.at(-1)!.term, commit, entries: [] }
      bytes = 0
    }
    pack.entries.push(entry)
    bytes += entryBytes(entry)
  }
  packs.push(pack)
  return packs
}
