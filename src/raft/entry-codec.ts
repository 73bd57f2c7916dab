/**
 * Entries as they stand in appends and in the log: one after the other, integers big-endian.
 *
 * | bytes | |
 * |---|---|
 * | 1 | kind: 1 command, 2 noop, 3 config |
 * | 8 | term |
 * | 4 | length of the data |
 * | | data: a command's bytes, a `RaftConfigurationChange`, or nothing |
 *
 * The first one's index is told apart; the others follow it without gaps.
 */
import { DpsError } from '../base/index.js'
import {
  RaftConfigurationChange,
  RaftConfiguration as WireConfiguration,
} from '../wire/raft/raft.js'
import {
  type Configuration,
  type ConfigurationChange,
  configurationOf,
} from './core/configuration.js'
import type { Entry } from './core/types.js'

export const ENTRY_HEADER_BYTES = 13
export const NODE_ID_CHARS_MAX = 256
/** Far above any cluster, so that a broken length can't make us build millions of names. */
export const MEMBERS_MAX = 1024

const COMMAND = 1
const NOOP = 2
const CONFIG = 3
const CHANGES = ['addVoter', 'addLearner', 'remove'] as const
const EMPTY = new Uint8Array(0)
const TWO_32 = 2 ** 32

/** Bytes of `encodeEntries`, with what it needs of configuration entries. */
export function sizeOfEntries(entries: readonly Entry[]): number {
  let bytes = 0
  for (const entry of entries) bytes += ENTRY_HEADER_BYTES + dataBytesOf(entry)
  return bytes
}

function dataBytesOf(entry: Entry): number {
  if (entry.kind === 'command') return entry.data.byteLength
  return entry.kind === 'noop' ? 0 : encodeChange(entry.change).byteLength
}

/** Writes them into `out` from `at` on. @returns the position behind the last one */
export function writeEntries(out: Buffer, at: number, entries: readonly Entry[]): number {
  for (const entry of entries) {
    const data =
      entry.kind === 'command'
        ? entry.data
        : entry.kind === 'noop'
          ? EMPTY
          : encodeChange(entry.change)
    out[at] = entry.kind === 'command' ? COMMAND : entry.kind === 'noop' ? NOOP : CONFIG
    writeUint64(out, entry.term, at + 1)
    out.writeUInt32BE(data.byteLength, at + 9)
    out.set(data, at + ENTRY_HEADER_BYTES)
    at += ENTRY_HEADER_BYTES + data.byteLength
  }
  return at
}

export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  if (entries.length === 0) return EMPTY
  const out = Buffer.allocUnsafe(sizeOfEntries(entries))
  writeEntries(out, 0, entries)
  return out
}

/**
 * @param first index of the first entry
 * @param prevTerm term of the entry before it: terms never fall along a log
 * @returns commands are views on `bytes`
 * @throws INVALID_ARGUMENT for anything that no leader could have written
 */
export function decodeEntries(bytes: Uint8Array, first: number, prevTerm: number): Entry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: Entry[] = []
  let term = prevTerm
  for (let at = 0; at < buffer.length; ) {
    if (at + ENTRY_HEADER_BYTES > buffer.length) throw bad('it ends inside an entry')
    const next = readUint64(buffer, at + 1)
    if (next < 1 || next < term) throw bad(`term ${next} after ${term}`)
    term = next
    const from = at + ENTRY_HEADER_BYTES
    const to = from + buffer.readUInt32BE(at + 9)
    if (to > buffer.length) throw bad('it ends inside an entry')
    const index = first + entries.length
    if (!Number.isSafeInteger(index)) throw bad(`no index: ${index}`)
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)
    entries.push(entryOf(buffer[at]!, index, term, data))
    at = to
  }
  return entries
}

function entryOf(kind: number, index: number, term: number, data: Uint8Array): Entry {
  if (kind === COMMAND) return { kind: 'command', index, term, data }
  if (kind === CONFIG) return { kind: 'config', index, term, change: decodeChange(data) }
  if (kind !== NOOP) throw bad(`kind ${kind} is unknown`)
  if (data.byteLength > 0) throw bad('a noop with data')
  return { kind: 'noop', index, term }
}

function encodeChange({ kind, id, context }: ConfigurationChange): Uint8Array {
  return RaftConfigurationChange.encode({
    kind: CHANGES.indexOf(kind) + 1,
    id,
    context: context as Uint8Array<ArrayBuffer>,
  })
}

function decodeChange(bytes: Uint8Array): ConfigurationChange {
  const wire = reading('configuration change', () => RaftConfigurationChange.decode(bytes))
  const kind = CHANGES[wire.kind - 1]
  if (kind === undefined) throw bad(`configuration change ${wire.kind} is unknown`)
  return { kind, id: nodeIdFrom(wire.id), context: new Uint8Array(wire.context) }
}

export function encodeConfiguration({ voters, learners }: Configuration): Uint8Array {
  return WireConfiguration.encode({ voters: [...voters], learners: [...learners] })
}

/** @throws INVALID_ARGUMENT for one that couldn't decide anything */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const limits = { voters: MEMBERS_MAX, learners: MEMBERS_MAX }
  return configurationFrom(
    reading('configuration', () => WireConfiguration.decode(bytes, { limits })),
  )
}

export function configurationFrom({ voters, learners }: WireConfiguration): Configuration {
  return configurationOf(voters.map(nodeIdFrom), learners.map(nodeIdFrom))
}

export function nodeIdFrom(id: string): string {
  if (id.length < 1 || id.length > NODE_ID_CHARS_MAX || !/^[\x21-\x7e]+$/.test(id)) {
    throw bad(`a node id of ${id.length} characters`)
  }
  return id
}

/** What a decoder throws by itself names a position, not a meaning. */
export function reading<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `raft: this is no ${what}`, { cause })
  }
}

export function bad(what: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `raft: ${what}`)
}

/** Of a safe integer: twice as fast as through a BigInt. */
export function writeUint64(out: Buffer, value: number, at: number): void {
  out.writeUInt32BE(Math.floor(value / TWO_32), at)
  out.writeUInt32BE(value % TWO_32, at + 4)
}

/** @throws INVALID_ARGUMENT above 2^53 - 1 */
export function readUint64(from: Buffer, at: number): number {
  const value = from.readUInt32BE(at) * TWO_32 + from.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) throw bad('a number beyond 2^53')
  return value
}
