import type { SnapshotMeta, StateSnapshot } from '../raft/index.js'
import { encodeSnapshotHead, encodeSnapshotTail, type StateMark } from './codec.js'
import { compareKeys, STATE_RANGE } from './keys.js'
import { MARK_KEY } from './mark.js'
import { chainDigest, encodePiece, PiecePacker, START_DIGEST } from './snapshot-pieces.js'
import type { StoreSnapshot } from './state-store.js'

const PAGE_ROWS = 4096

/** Where a piece begins, so that a transfer that broke off need not begin at the first one. */
interface Start {
  /** First key that may be in it. */
  key: Uint8Array
  /** Of all pieces before. */
  digest: Uint8Array
  records: number
}

/** A state of one moment, read from disk while it is sent. Several transfers may read at once. */
export class StoredSnapshot implements StateSnapshot {
  readonly meta: SnapshotMeta
  readonly #mark: StateMark
  readonly #store: StoreSnapshot
  readonly #open: (key: Uint8Array, sealed: Uint8Array) => Uint8Array
  /** By number of the piece, from 1 on; grows as pieces are made. */
  readonly #starts: Start[] = []

  /** @param open checks a value that was read */
  constructor(
    mark: StateMark,
    store: StoreSnapshot,
    open: (key: Uint8Array, sealed: Uint8Array) => Uint8Array,
  ) {
    this.#open = open
    const { index, term, configuration } = mark
    this.meta = { index, term, configuration }
    this.#mark = mark
    this.#store = store
  }

  async *chunks(from = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const head = encodePiece({
      kind: 'head',
      number: 0,
      payload: encodeSnapshotHead(this.#mark),
    })
    if (from === 0) yield head
    if (this.#starts.length === 0) {
      this.#starts.push({
        key: STATE_RANGE.gte,
        digest: chainDigest(START_DIGEST, head),
        records: 0,
      })
    }
    let number = Math.min(Math.max(from, 1), this.#starts.length)
    let { key, digest, records } = this.#starts[number - 1]!
    const packer = new PiecePacker()
    for await (const row of this.#rows(key)) {
      if (!packer.add(row)) {
        records += packer.records
        const piece = packer.seal(number)
        if (number >= from) yield piece
        digest = chainDigest(digest, piece)
        key = row[0]
        number++
        this.#starts[number - 1] ??= { key, digest, records }
        packer.add(row)
      }
    }
    if (!packer.isEmpty) {
      records += packer.records
      const piece = packer.seal(number)
      if (number >= from) yield piece
      digest = chainDigest(digest, piece)
      number++
    }
    if (number >= from) {
      yield encodePiece({ kind: 'tail', number, payload: encodeSnapshotTail({ records, digest }) })
    }
  }

  async *#rows(from: Uint8Array) {
    const cursor = this.#store.cursor({ gte: from, lt: STATE_RANGE.lt })
    try {
      for (;;) {
        const rows = await cursor.next(PAGE_ROWS)
        if (rows.length === 0) return
        for (const [key, sealed] of rows) {
          // The head carries it.
          if (compareKeys(key, MARK_KEY) !== 0) yield [key, this.#open(key, sealed)] as const
        }
      }
    } finally {
      await cursor.close()
    }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
