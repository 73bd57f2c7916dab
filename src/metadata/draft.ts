import { DpsError } from '../base/index.js'
import { showKey, textOfKey } from './keys.js'
import type { Getter } from './view.js'

/** Key and value together: a record has to fit into a piece of a snapshot and a log entry. */
export const RECORD_BYTES_MAX = 2 ** 19

/** A change of one key. */
export interface Write {
  readonly key: Uint8Array
  /** Undefined: the key is removed. */
  readonly value: Uint8Array | undefined
  /** The key was not there before: removing it again leaves no trace to write. */
  readonly fresh: boolean
}

/** A state with writes on top that nobody else sees yet. Keys and values are kept, not copied. */
export class Draft implements Getter {
  readonly #base: Getter
  /** By the key's text; in order of their first write. */
  readonly writes = new Map<string, Write>()

  constructor(base: Getter) {
    this.#base = base
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.writes.size > 0) {
      const write = this.writes.get(textOfKey(key))
      if (write !== undefined) return write.value
    }
    return this.#base.get(key)
  }

  /** @throws INVALID_ARGUMENT when the record is too large */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#write(key, value, false)
  }

  /** As `put`, for a key that is surely not there: cheaper for what soon goes again. */
  putNew(key: Uint8Array, value: Uint8Array): void {
    this.#write(key, value, true)
  }

  delete(key: Uint8Array): void {
    this.#write(key, undefined, false)
  }

  #write(key: Uint8Array, value: Uint8Array | undefined, isNew: boolean): void {
    if (key.byteLength + (value?.byteLength ?? 0) > RECORD_BYTES_MAX) {
      throw new DpsError('INVALID_ARGUMENT', `too large a record: ${showKey(key).slice(0, 64)}`)
    }
    const text = textOfKey(key)
    const fresh = this.writes.get(text)?.fresh ?? isNew
    this.writes.set(text, { key, value, fresh })
  }
}
