import { DpsError } from '../base/index.js'
import type { SnapshotMeta, StateInstall } from '../raft/index.js'
import { decodeSnapshotHead, decodeSnapshotTail, encodeMark, type StateMark } from './codec.js'
import { compareKeys } from './keys.js'
import { checkSchema, MARK_KEY } from './mark.js'
import { broken, chainDigest, decodePiece, recordsOf, START_DIGEST } from './snapshot-pieces.js'
import type { StateGeneration, StoreWrite } from './state-store.js'
import { sealValue } from './values.js'

/** A state that is being received. What is written is durable piece by piece. */
export class GenerationInstall implements StateInstall {
  readonly meta: SnapshotMeta
  readonly store: StateGeneration
  readonly #onAbort: () => Promise<void>
  #received = 0
  #mark: StateMark | undefined
  #digest = START_DIGEST
  #records = 0
  #lastKey: Uint8Array | undefined
  #whole = false
  #finished = false
  #finishing: Promise<void> | undefined
  #writing = false

  /** @param onAbort closes and deletes the generation */
  constructor(meta: SnapshotMeta, store: StateGeneration, onAbort: () => Promise<void>) {
    this.meta = meta
    this.store = store
    this.#onAbort = onAbort
  }

  get generation(): number {
    return this.store.generation
  }

  get received(): number {
    return this.#received
  }

  /** Set when it is finished. */
  get mark(): StateMark | undefined {
    return this.#finished ? this.#mark : undefined
  }

  /**
   * Two transfers of one state may meet here: each gets on with what the other left to do.
   *
   * @throws DATA_LOSS for a piece that is damaged or of another state; ABORTED for one that is not the
   *   next; it was not written, and the next one may be the right one. UNIMPLEMENTED for a newer
   *   program's state
   */
  async write(chunk: Uint8Array): Promise<void> {
    const { kind, number, payload } = decodePiece(chunk)
    if (this.#writing || number !== this.#received || this.#whole) {
      throw new DpsError('ABORTED', `snapshot: piece ${number} is not the next`, {
        hint: `go on at piece ${this.#received}`,
      })
    }
    if ((kind === 'head') !== (number === 0)) throw broken('its head is not at its beginning')
    this.#writing = true
    try {
      if (kind === 'head') this.#takeHead(payload)
      else if (kind === 'records') await this.#takeRecords(payload)
      else this.#takeTail(payload)
    } finally {
      this.#writing = false
    }
    this.#digest = chainDigest(this.#digest, chunk)
    this.#received++
  }

  finish(): Promise<void> {
    this.#finishing ??= this.#finish().catch((error) => {
      this.#finishing = undefined
      throw error
    })
    return this.#finishing
  }

  async #finish(): Promise<void> {
    if (!this.#whole) throw broken(`it ends after ${this.#received} pieces`)
    // Its presence says that the state is whole.
    const value = sealValue(MARK_KEY, encodeMark(this.#mark!))
    await this.store.write([{ key: MARK_KEY, value }])
    this.#finished = true
  }

  /** Harmless for one that was adopted. */
  abort(): Promise<void> {
    return this.#onAbort()
  }

  #takeHead(payload: Uint8Array): void {
    const mark = decodeSnapshotHead(payload)
    checkSchema(mark)
    const { index, term } = this.meta
    if (mark.index !== index || mark.term !== term) {
      throw broken(`of index ${mark.index}, term ${mark.term} instead of ${index}, ${term}`)
    }
    this.#mark = mark
  }

  async #takeRecords(payload: Uint8Array): Promise<void> {
    const writes: StoreWrite[] = []
    let last = this.#lastKey
    for (const [key, value] of recordsOf(payload)) {
      if (last !== undefined && compareKeys(last, key) >= 0)
        throw broken('its keys are not in order')
      if (compareKeys(key, MARK_KEY) === 0) throw broken('a second mark')
      writes.push({ key, value: sealValue(key, value) })
      last = key
    }
    await this.store.write(writes)
    this.#lastKey = last?.slice()
    this.#records += writes.length
  }

  #takeTail(payload: Uint8Array): void {
    const { records, digest } = decodeSnapshotTail(payload)
    if (records !== this.#records || compareKeys(digest, this.#digest) !== 0) {
      throw new DpsError('DATA_LOSS', 'snapshot: its pieces do not add up to what was sent')
    }
    this.#whole = true
  }
}
