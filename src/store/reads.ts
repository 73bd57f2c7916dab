/** Reading records: a bounded number at once, checked against their CRC. */
import { crc32c } from '@node-rs/crc32'
import type { Digest } from '../content/index.js'
import type { Databases } from './databases.js'
import type { Location } from './keys.js'
import { levelCode, levelMessage } from './level-db.js'

/** Enough to keep the disk and two cores busy, few enough to bound memory: 8 x 4 MiB at most. */
const READS_MAX = 8

export interface Damaged {
  at: Location
  reason: string
}

export type Read = { at: Location; bytes: Uint8Array } | Damaged

export class Reads {
  readonly #databases: Databases
  readonly #locate: (digest: Digest) => Promise<Location | undefined>
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** @param locate asked again when a record is not where it was: a reclaim may have moved it. */
  constructor(databases: Databases, locate: (digest: Digest) => Promise<Location | undefined>) {
    this.#databases = databases
    this.#locate = locate
  }

  /** `undefined` when the chunk was freed meanwhile. */
  async read(digest: Digest, at: Location): Promise<Read | undefined> {
    let place = at
    while (true) {
      const read = await this.#readAt(digest, place)
      if ('bytes' in read) return read
      const now = await this.#locate(digest)
      if (now === undefined) return undefined
      if (now.sequence === place.sequence) return read
      place = now
    }
  }

  /** Why a record is not what it should be; `undefined` when it is. */
  async check(digest: Digest, at: Location): Promise<string | undefined> {
    const read = await this.read(digest, at)
    if (read === undefined) return 'it was freed'
    return 'bytes' in read ? undefined : read.reason
  }

  async #readAt(digest: Digest, at: Location): Promise<Read> {
    if (this.#running >= READS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      const bytes = await this.#databases.log.read(digest, at)
      if (bytes === undefined) return { at, reason: 'its record is missing' }
      if (bytes.length !== at.sizeBytes) {
        return { at, reason: `its record has ${bytes.length} bytes instead of ${at.sizeBytes}` }
      }
      if (crc32c(bytes) !== at.dataCrc) return { at, reason: 'its bytes fail their CRC' }
      return { at, bytes }
    } catch (error) {
      const code = levelCode(error)
      if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') throw error
      return { at, reason: `its table cannot be read: ${levelMessage(error)}` }
    } finally {
      // The place goes to the next in line, or is free.
      const next = this.#waiting.shift()
      if (next !== undefined) next()
      else this.#running--
    }
  }
}
