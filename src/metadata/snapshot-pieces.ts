/**
 * A state as a stream of pieces, each at most 1 MiB and checked by itself:
 *
 *   u32 CRC-32C of the rest | u8 kind | u32 number | payload
 *
 * Piece 0 is the head (a `SnapshotHead`), then come records in order of keys (u32 key length, u32
 * value length, key, value; packed as full as they fit), at last the tail (a `SnapshotTail`), with
 * the chained hash of all pieces before. So equal states give equal pieces wherever they are made.
 */
import { createHash } from 'node:crypto'
import { crc32c } from '@node-rs/crc32'
import { DpsError } from '../base/index.js'
import { RECORD_BYTES_MAX } from './draft.js'
import { readU32, writeU32 } from './keys.js'
import type { Row } from './view.js'

export const PIECE_BYTES_MAX = 2 ** 20
const HEAD_BYTES = 9
const RECORD_HEAD_BYTES = 8

export const PIECE_KINDS = ['head', 'records', 'tail'] as const
export type PieceKind = (typeof PIECE_KINDS)[number]

export interface Piece {
  kind: PieceKind
  number: number
  payload: Uint8Array
}

export const START_DIGEST: Uint8Array = new Uint8Array(32)

/** The hash of the stream with one more piece. */
export function chainDigest(before: Uint8Array, piece: Uint8Array): Uint8Array {
  return createHash('sha256').update(before).update(piece).digest()
}

export function encodePiece({ kind, number, payload }: Piece): Uint8Array {
  const piece = new Uint8Array(HEAD_BYTES + payload.byteLength)
  piece.set(payload, HEAD_BYTES)
  return sealPiece(piece, kind, number)
}

function sealPiece(piece: Uint8Array, kind: PieceKind, number: number): Uint8Array {
  piece[4] = PIECE_KINDS.indexOf(kind)
  writeU32(piece, 5, number)
  writeU32(piece, 0, crc32c(piece.subarray(4)))
  return piece
}

/** @throws DATA_LOSS for what arrived damaged */
export function decodePiece(piece: Uint8Array): Piece {
  if (piece.byteLength < HEAD_BYTES || piece.byteLength > PIECE_BYTES_MAX) {
    throw broken(`a piece of ${piece.byteLength} bytes`)
  }
  if (readU32(piece, 0) !== crc32c(piece.subarray(4))) throw broken('a piece is damaged')
  const kind = PIECE_KINDS[piece[4]!]
  if (kind === undefined) throw broken(`a piece of unknown kind ${piece[4]}`)
  return { kind, number: readU32(piece, 5), payload: piece.subarray(HEAD_BYTES) }
}

/** Gathers records until the next one doesn't fit. */
export class PiecePacker {
  #bytes = new Uint8Array(PIECE_BYTES_MAX)
  #at = HEAD_BYTES
  records = 0

  get isEmpty(): boolean {
    return this.records === 0
  }

  /** @returns false when it doesn't fit: seal first */
  add([key, value]: Row): boolean {
    const size = RECORD_HEAD_BYTES + key.byteLength + value.byteLength
    if (this.#at + size > PIECE_BYTES_MAX) return false
    writeU32(this.#bytes, this.#at, key.byteLength)
    writeU32(this.#bytes, this.#at + 4, value.byteLength)
    this.#bytes.set(key, this.#at + RECORD_HEAD_BYTES)
    this.#bytes.set(value, this.#at + RECORD_HEAD_BYTES + key.byteLength)
    this.#at += size
    this.records++
    return true
  }

  /** The piece; the packer is empty again. */
  seal(number: number): Uint8Array {
    const piece = sealPiece(this.#bytes.subarray(0, this.#at), 'records', number)
    this.#bytes = new Uint8Array(PIECE_BYTES_MAX)
    this.#at = HEAD_BYTES
    this.records = 0
    return piece
  }
}

/** Views on the payload. @throws DATA_LOSS */
export function* recordsOf(payload: Uint8Array): Generator<Row> {
  let at = 0
  while (at < payload.byteLength) {
    if (at + RECORD_HEAD_BYTES > payload.byteLength) throw broken('a record is cut off')
    const keyBytes = readU32(payload, at)
    const valueBytes = readU32(payload, at + 4)
    at += RECORD_HEAD_BYTES
    const end = at + keyBytes + valueBytes
    if (end > payload.byteLength || keyBytes + valueBytes > RECORD_BYTES_MAX) {
      throw broken('a record is cut off')
    }
    yield [payload.subarray(at, at + keyBytes), payload.subarray(at + keyBytes, end)]
    at = end
  }
}

export function broken(what: string): DpsError {
  return new DpsError('DATA_LOSS', `snapshot: ${what}`)
}
