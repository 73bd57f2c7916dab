import type { Write } from './draft.js'
import { textOfKey } from './keys.js'
import type { KeyRange, Row } from './view.js'

/** Room that a write takes besides its bytes. */
const WRITE_OVERHEAD_BYTES = 160

/**
 * What is applied but not durable yet, in two layers: the lower one is on its way to the disk, the
 * upper one gathers what comes meanwhile.
 */
export class Overlay {
  #upper = new Map<string, Write>()
  #lower = new Map<string, Write>()
  #upperBytes = 0
  #lowerBytes = 0

  /** Estimate of the memory that both layers take. */
  get bytes(): number {
    return this.#upperBytes + this.#lowerBytes
  }

  /** Of what no flush has taken yet. */
  get waitingBytes(): number {
    return this.#upperBytes
  }

  /** @returns undefined where the store has to be asked */
  get(key: Uint8Array): Write | undefined {
    const text = textOfKey(key)
    return this.#upper.get(text) ?? this.#lower.get(text)
  }

  add(writes: ReadonlyMap<string, Write>): void {
    for (const [text, write] of writes) {
      const known = this.#upper.get(text)
      if (known !== undefined) this.#upperBytes -= bytesOf(known)
      // Came and went between two flushes: the store never hears of it.
      if (write.value === undefined && known?.fresh) {
        this.#upper.delete(text)
        continue
      }
      const fresh = known === undefined ? write.fresh : known.fresh
      const kept = fresh === write.fresh ? write : { ...write, fresh }
      this.#upper.set(text, kept)
      this.#upperBytes += bytesOf(kept)
    }
  }

  /** Makes the upper layer the lower one. @returns it, for the store */
  take(): Iterable<Write> {
    this.#lower = this.#upper
    this.#lowerBytes = this.#upperBytes
    this.#upper = new Map()
    this.#upperBytes = 0
    return this.#lower.values()
  }

  /** The store has what was taken. */
  written(): void {
    this.#lower = new Map()
    this.#lowerBytes = 0
  }

  clear(): void {
    this.take()
    this.written()
  }

  /** The writes of a range, in order of keys or against it. */
  within({ gte, lt, reverse = false }: Omit<KeyRange, 'limit'>): [string, Write][] {
    const from = textOfKey(gte)
    const to = textOfKey(lt)
    const found = new Map<string, Write>()
    for (const layer of [this.#lower, this.#upper]) {
      for (const [text, write] of layer) if (text >= from && text < to) found.set(text, write)
    }
    const order = reverse ? -1 : 1
    return [...found].sort(([a], [b]) => (a < b ? -order : order))
  }
}

function bytesOf({ key, value }: Write): number {
  return 2 * key.byteLength + (value?.byteLength ?? 0) + WRITE_OVERHEAD_BYTES
}

/**
 * Rows of a store with the writes of an overlay over them. Both as of the same moment, both in the
 * range's order. Takes writes off the front of `writes` as far as these rows speak.
 *
 * @param rows the next ones of the store; none at its end
 */
export function mergeRows(
  rows: readonly Row[],
  writes: [string, Write][],
  reverse: boolean,
): Row[] {
  if (writes.length === 0) return [...rows]
  const merged: Row[] = []
  let at = 0
  const addWrite = () => {
    const { key, value } = writes[at++]![1]
    if (value !== undefined) merged.push([key, value])
  }
  for (const row of rows) {
    const text = textOfKey(row[0])
    while (at < writes.length && isBefore(writes[at]![0], text, reverse)) addWrite()
    if (writes[at]?.[0] === text) addWrite()
    else merged.push(row)
  }
  if (rows.length === 0) while (at < writes.length) addWrite()
  writes.splice(0, at)
  return merged
}

function isBefore(a: string, b: string, reverse: boolean): boolean {
  return reverse ? a > b : a < b
}
