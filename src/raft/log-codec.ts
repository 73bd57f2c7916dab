/**
 * What stands in the database `raft/log/`, integers big-endian:
 *
 * | key | value |
 * |---|---|
 * | `e` ‖ u64 index of the first | u8 version, u64 term of the entry before, u64 commit, entries |
 * | `h` | u8 version, u8 flags (1: damaged), u64 term, u64 commit, vote (a node id, or nothing) |
 * | `s` | u8 version, u64 index, u64 term, u64 generation, u64 first index kept, `RaftConfiguration` |
 *
 * Each value ends with the CRC-32C of key and value, so that a value under another's key is noticed
 * too. The keys of entries only grow, and come before the two that are written again and again:
 * so the tables of LevelDB hardly overlap. The commit index is known as the highest one that stands
 * anywhere: so a batch of entries that changes neither term nor vote is a single record.
 */
import { crc32c } from '@node-rs/crc32'
import { DpsError } from '../base/index.js'
import type { Configuration } from './core/configuration.js'
import type { Entry, HardState, SnapshotMeta } from './core/types.js'
import {
  decodeConfiguration,
  decodeEntries,
  encodeConfiguration,
  nodeIdFrom,
  readUint64,
  sizeOfEntries,
  writeEntries,
  writeUint64,
} from './entry-codec.js'

export const LOG_VERSION = 1

const ENTRIES_PREFIX = 0x65
const ENTRIES_KEY_BYTES = 9
const CRC_BYTES = 4
const PACK_HEADER_BYTES = 17
const FLAG_DAMAGED = 1

export const HARD_STATE_KEY = Buffer.from('h')
export const SNAPSHOT_KEY = Buffer.from('s')

/** Some consecutive entries under one key. */
export interface Pack {
  /** Term of the entry before the first one: what it continues. */
  prevTerm: number
  /** What was known to be committed when it was written: entries of this log or before. */
  commit: number
  entries: Entry[]
}

export interface StoredHardState extends HardState {
  damaged: boolean
}

export interface StoredSnapshot {
  meta: SnapshotMeta
  /** Of the state machine's data. */
  generation: number
  /** Entries below are given up, whether or not they are deleted yet. */
  first: number
}

export function packKey(first: number): Buffer {
  const key = Buffer.allocUnsafe(ENTRIES_KEY_BYTES)
  key[0] = ENTRIES_PREFIX
  writeUint64(key, first, 1)
  return key
}

/** Index of the first entry under this key; undefined when it isn't a key of entries. */
export function firstOfPackKey(key: Uint8Array): number | undefined {
  if (key.length !== ENTRIES_KEY_BYTES || key[0] !== ENTRIES_PREFIX) return undefined
  const view = new DataView(key.buffer, key.byteOffset + 1, 8)
  const first = view.getUint32(0) * 2 ** 32 + view.getUint32(4)
  return Number.isSafeInteger(first) && first > 0 ? first : undefined
}

export function encodePack(key: Uint8Array, { prevTerm, commit, entries }: Pack): Uint8Array {
  const value = Buffer.allocUnsafe(PACK_HEADER_BYTES + sizeOfEntries(entries) + CRC_BYTES)
  value[0] = LOG_VERSION
  writeUint64(value, prevTerm, 1)
  writeUint64(value, commit, 9)
  writeEntries(value, PACK_HEADER_BYTES, entries)
  return sealed(key, value)
}

/** @throws DATA_LOSS on damage, FAILED_PRECONDITION for an undamaged one of a newer version */
export function decodePack(key: Uint8Array, value: Uint8Array): Pack {
  const body = opened(key, value, PACK_HEADER_BYTES)
  const first = firstOfPackKey(key)
  if (first === undefined) throw damaged('no key of entries')
  return parsed(() => {
    const prevTerm = readUint64(body, 1)
    const commit = readUint64(body, 9)
    const entries = decodeEntries(body.subarray(PACK_HEADER_BYTES), first, prevTerm)
    if (entries.length === 0) throw damaged('no entries')
    return { prevTerm, commit, entries }
  })
}

export function encodeHardState({ term, vote, commit, damaged }: StoredHardState): Uint8Array {
  const id = Buffer.from(vote ?? '')
  const value = Buffer.allocUnsafe(18 + id.length + CRC_BYTES)
  value[0] = LOG_VERSION
  value[1] = damaged ? FLAG_DAMAGED : 0
  writeUint64(value, term, 2)
  writeUint64(value, commit, 10)
  value.set(id, 18)
  return sealed(HARD_STATE_KEY, value)
}

/** @throws as `decodePack` */
export function decodeHardState(value: Uint8Array): StoredHardState {
  const body = opened(HARD_STATE_KEY, value, 18)
  const flags = body[1]!
  if (flags > FLAG_DAMAGED) throw newer(`flags ${flags}`)
  return parsed(() => ({
    term: readUint64(body, 2),
    commit: readUint64(body, 10),
    vote: body.length === 18 ? undefined : nodeIdFrom(body.toString('utf8', 18)),
    damaged: flags === FLAG_DAMAGED,
  }))
}

export function encodeSnapshot({ meta, generation, first }: StoredSnapshot): Uint8Array {
  const configuration = encodeConfiguration(meta.configuration)
  const value = Buffer.allocUnsafe(33 + configuration.byteLength + CRC_BYTES)
  value[0] = LOG_VERSION
  writeUint64(value, meta.index, 1)
  writeUint64(value, meta.term, 9)
  writeUint64(value, generation, 17)
  writeUint64(value, first, 25)
  value.set(configuration, 33)
  return sealed(SNAPSHOT_KEY, value)
}

/** @throws as `decodePack` */
export function decodeSnapshot(value: Uint8Array): StoredSnapshot {
  const body = opened(SNAPSHOT_KEY, value, 33)
  return parsed(() => {
    const configuration: Configuration = decodeConfiguration(body.subarray(33))
    const meta = { index: readUint64(body, 1), term: readUint64(body, 9), configuration }
    return { meta, generation: readUint64(body, 17), first: readUint64(body, 25) }
  })
}

function sealed(key: Uint8Array, value: Buffer): Uint8Array {
  const end = value.length - CRC_BYTES
  value.writeUInt32BE(crcOf(key, value.subarray(0, end)), end)
  return value
}

/** The value without its CRC, which is right. */
function opened(key: Uint8Array, value: Uint8Array, bytesMin: number): Buffer {
  const end = value.length - CRC_BYTES
  if (end < bytesMin) throw damaged('it is too short')
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const body = buffer.subarray(0, end)
  if (buffer.readUInt32BE(end) !== crcOf(key, body)) throw damaged('its bytes fail their CRC')
  if (body[0] !== LOG_VERSION) throw newer(`version ${body[0]}`)
  return body
}

function crcOf(key: Uint8Array, body: Uint8Array): number {
  return crc32c(body, crc32c(key))
}

/** A right CRC over something that makes no sense is damage from before it was computed. */
function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error))
  }
}

function damaged(why: string): DpsError {
  return new DpsError('DATA_LOSS', `raft log: a damaged record: ${why}`)
}

function newer(what: string): DpsError {
  return new DpsError('FAILED_PRECONDITION', `raft log: a record of ${what}: unknown`, {
    hint: 'use the dps-node version that wrote it, or a newer one',
  })
}
