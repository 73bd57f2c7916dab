/**
 * A second witness of what this replica has promised, beside its database.
 *
 * LevelDB can come up with an older state than it had acknowledged (a lost table, a cut log, a
 * damaged file) without a word. A replica that forgot its vote could vote twice, and one that forgot
 * entries could elect a leader that lacks them. So each new term or vote is written here too, after
 * the database has it, and now and then up to where the log was durable: whoever lags behind this
 * file has lost something, and the vote itself is found here.
 *
 * Two slots of 512 bytes at 0 and 4096, written in turn, so that a torn write leaves the other:
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 4 | `DPSP` |
 * | 4 | 1 | version: 1 |
 * | 5 | 1 | length of the vote, 0 for none |
 * | 6 | 2 | 0 |
 * | 8 | 8 | sequence: the slot with the higher one counts |
 * | 16 | 8 | term |
 * | 24 | 8, 8 | index and term of an entry that is durable and was not replaced since; 0, 0 for none |
 * | 40 | 8 | generation of the state machine's data |
 * | 48 | | vote |
 * | 508 | 4 | CRC-32C of what is before it |
 */
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { DpsError } from '../base/index.js'
import type { NodeId } from './core/configuration.js'
import { nodeIdFrom, readUint64, writeUint64 } from './entry-codec.js'

const SLOT_BYTES = 512
/** Of one slot, so that no sector holds both. */
const SLOT_PITCH_BYTES = 4096
const FILE_BYTES = SLOT_PITCH_BYTES + SLOT_BYTES
const AT_VOTE = 48
const AT_CRC = SLOT_BYTES - 4
const MAGIC = 0x44505350
const VERSION = 1
const VOTE_BYTES_MAX = 255

export interface Promises {
  term: number
  vote: NodeId | undefined
  /** An entry that the log must hold or have given up; index 0: none. */
  kept: { index: number; term: number }
  generation: number
}

export class PromisesFile {
  readonly #path: string
  #file: FileHandle | undefined
  #sequence = 0

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Opens the file, making it when absent.
   *
   * @returns what it holds; undefined when it is new, or no slot is whole
   * @throws FAILED_PRECONDITION when a newer program wrote it
   */
  async open(): Promise<Promises | undefined> {
    const file = await open(this.#path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (file === undefined) return undefined
    this.#file = file
    const bytes = Buffer.alloc(FILE_BYTES)
    await file.read(bytes, 0, FILE_BYTES, 0)
    let newest: Promises | undefined
    for (const at of [0, SLOT_PITCH_BYTES]) {
      const slot = decodePromises(bytes.subarray(at, at + SLOT_BYTES))
      if (slot === undefined || slot.sequence < this.#sequence) continue
      this.#sequence = slot.sequence
      newest = slot.promises
    }
    return newest
  }

  /** Durable when it resolves. One at a time. */
  async write(promises: Promises): Promise<void> {
    this.#file ??= await this.#create()
    this.#sequence++
    const slot = encodePromises(this.#sequence, promises)
    const at = (this.#sequence % 2) * SLOT_PITCH_BYTES
    const { bytesWritten } = await this.#file.write(slot, 0, SLOT_BYTES, at)
    if (bytesWritten < SLOT_BYTES) {
      throw new DpsError('RESOURCE_EXHAUSTED', `${this.#path}: the disk is full`)
    }
    await this.#file.datasync()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** With its whole length at once: later writes need no room, so a full disk can't stop a vote. */
  async #create(): Promise<FileHandle> {
    const file = await open(this.#path, 'w+', 0o600)
    await file.write(Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0)
    await file.sync()
    const directory = await open(dirname(this.#path)).catch(() => undefined)
    await directory?.sync().catch(() => {})
    await directory?.close()
    return file
  }
}

export function encodePromises(sequence: number, promises: Promises): Buffer {
  const { term, vote, kept, generation } = promises
  const slot = Buffer.alloc(SLOT_BYTES)
  const id = Buffer.from(vote ?? '')
  if (id.length > VOTE_BYTES_MAX) {
    throw new DpsError('INVALID_ARGUMENT', `raft: a node id of ${id.length} bytes`)
  }
  slot.writeUInt32BE(MAGIC)
  slot[4] = VERSION
  slot[5] = id.length
  writeUint64(slot, sequence, 8)
  writeUint64(slot, term, 16)
  writeUint64(slot, kept.index, 24)
  writeUint64(slot, kept.term, 32)
  writeUint64(slot, generation, 40)
  slot.set(id, AT_VOTE)
  slot.writeUInt32BE(crc32c(slot.subarray(0, AT_CRC)), AT_CRC)
  return slot
}

/** @returns undefined for a slot that is not whole */
export function decodePromises(slot: Buffer): { sequence: number; promises: Promises } | undefined {
  if (slot.length !== SLOT_BYTES || slot.readUInt32BE() !== MAGIC) return undefined
  if (slot.readUInt32BE(AT_CRC) !== crc32c(slot.subarray(0, AT_CRC))) return undefined
  if (slot[4] !== VERSION) {
    throw new DpsError('FAILED_PRECONDITION', `raft promises of version ${slot[4]}: unknown`, {
      hint: 'use the dps-node version that wrote it, or a newer one',
    })
  }
  const voteBytes = slot[5]!
  try {
    return {
      sequence: readUint64(slot, 8),
      promises: {
        term: readUint64(slot, 16),
        vote:
          voteBytes === 0
            ? undefined
            : nodeIdFrom(slot.toString('utf8', AT_VOTE, AT_VOTE + voteBytes)),
        kept: { index: readUint64(slot, 24), term: readUint64(slot, 32) },
        generation: readUint64(slot, 40),
      },
    }
  } catch {
    return undefined
  }
}
