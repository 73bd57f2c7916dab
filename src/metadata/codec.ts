/** `protos/dps/metadata/v1/metadata.proto` ⇄ what the room works with. */
import { DpsError, type ErrorCode, isErrorCode } from '../base/index.js'
import { configurationOf, type SnapshotMeta } from '../raft/index.js'
import {
  Expired,
  ExpireSessions,
  OpenedSession,
  ProposeRequest,
  Refusal,
  SnapshotHead,
  SnapshotTail,
  StateMark as WireMark,
} from '../wire/metadata/metadata.js'
import { readU64, writeU64 } from './keys.js'
import type { ExpireSessions as ExpireSessionsCommand, SessionRecord } from './session-types.js'

const ENTRY_FORMAT = 1
const ENTRY_HEAD_BYTES = 9
const PROPOSAL_HEAD_BYTES = 28
const SESSION_BYTES = 24
const EXPIRE_SESSIONS_MAX = 1024
const MEMBERS_MAX = 10_000
const PROPOSE_ID_CHARS_MAX = 256

export interface Proposal {
  /** 0: none; the command may apply more than once. */
  session: number
  seq: number
  lowest: number
  tag: number
  version: number
  body: Uint8Array
}

export type Outcome =
  | { status: 'done'; result: Uint8Array }
  | { status: 'refused'; code: ErrorCode; message: string; hint: string }
  | { status: 'unknownSession' }
  /** Answered, and the proposer had said that it has the answer. */
  | { status: 'forgotten' }
  | { status: 'tooManyOpen' }

/** Where a state stands. */
export interface StateMark extends SnapshotMeta {
  schema: number
  timeMs: number
}

export function encodeProposal(proposal: Proposal): Uint8Array {
  const { session, seq, lowest, tag, version, body } = proposal
  const bytes = new Uint8Array(PROPOSAL_HEAD_BYTES + body.byteLength)
  writeU64(bytes, 0, session)
  writeU64(bytes, 8, seq)
  writeU64(bytes, 16, lowest)
  writeU16(bytes, 24, tag)
  writeU16(bytes, 26, version)
  bytes.set(body, PROPOSAL_HEAD_BYTES)
  return bytes
}

/** The body is a view. @throws INVALID_ARGUMENT */
export function decodeProposal(bytes: Uint8Array): Proposal {
  if (bytes.byteLength < PROPOSAL_HEAD_BYTES) throw bad('proposal: too short')
  const session = exactU64('proposal', bytes, 0)
  const seq = exactU64('proposal', bytes, 8)
  const lowest = exactU64('proposal', bytes, 16)
  if (session === 0 ? seq + lowest > 0 : lowest < 1 || lowest > seq) {
    throw bad(`proposal: ${seq} in session ${session}, unanswered from ${lowest}`)
  }
  const tag = readU16(bytes, 24)
  const version = readU16(bytes, 26)
  if (tag === 0 || version === 0) throw bad('proposal: no command')
  return { session, seq, lowest, tag, version, body: bytes.subarray(PROPOSAL_HEAD_BYTES) }
}

/** The data of a log entry. */
export function encodeEntry(timeMs: number, proposal: Uint8Array): Uint8Array {
  const data = new Uint8Array(ENTRY_HEAD_BYTES + proposal.byteLength)
  data[0] = ENTRY_FORMAT
  writeU64(data, 1, timeMs)
  data.set(proposal, ENTRY_HEAD_BYTES)
  return data
}

/** @throws UNIMPLEMENTED for a newer format, INVALID_ARGUMENT for what is none */
export function decodeEntry(data: Uint8Array): { timeMs: number; proposal: Proposal } {
  const format = data[0]
  if (format !== ENTRY_FORMAT) {
    throw new DpsError('UNIMPLEMENTED', `unknown format ${format} of a log entry`, {
      hint: 'another member runs a newer dps-node: update this one',
    })
  }
  if (data.byteLength < ENTRY_HEAD_BYTES) throw bad('log entry: too short')
  const timeMs = exactU64('log entry', data, 1)
  return { timeMs, proposal: decodeProposal(data.subarray(ENTRY_HEAD_BYTES)) }
}

const STATUSES = ['done', 'refused', 'unknownSession', 'forgotten', 'tooManyOpen'] as const

export function encodeOutcome(outcome: Outcome): Uint8Array {
  const body = bodyOf(outcome)
  const bytes = new Uint8Array(1 + body.byteLength)
  bytes[0] = STATUSES.indexOf(outcome.status)
  bytes.set(body, 1)
  return bytes
}

function bodyOf(outcome: Outcome): Uint8Array {
  if (outcome.status === 'done') return outcome.result
  if (outcome.status !== 'refused') return NOTHING
  const { code, message, hint } = outcome
  return Refusal.encode({ code, message, hint })
}

const NOTHING = new Uint8Array(0)

/** @throws INVALID_ARGUMENT */
export function decodeOutcome(bytes: Uint8Array): Outcome {
  const status = STATUSES[bytes[0] ?? -1]
  const body = bytes.subarray(1)
  if (status === undefined) throw bad(`outcome: unknown status ${bytes[0]}`)
  if (status === 'done') return { status, result: body }
  if (status !== 'refused') return { status }
  const { code, message, hint } = read('refusal', () => Refusal.decode(body))
  return { status, code: isErrorCode(code) ? code : 'INTERNAL', message, hint }
}

export function encodeOpenedSession({ session }: { session: number }): Uint8Array {
  return OpenedSession.encode({ session })
}

export function decodeOpenedSession(bytes: Uint8Array): { session: number } {
  const { session } = read('opened session', () => OpenedSession.decode(bytes))
  return { session }
}

export function encodeExpireSessions({ sessions }: ExpireSessionsCommand): Uint8Array {
  return ExpireSessions.encode({ sessions: [...sessions] })
}

export function decodeExpireSessions(bytes: Uint8Array): ExpireSessionsCommand {
  const { sessions } = read('expire sessions', () =>
    ExpireSessions.decode(bytes, { limits: { sessions: EXPIRE_SESSIONS_MAX } }),
  )
  if (!sessions.every(Number.isSafeInteger)) throw bad('expire sessions: an id beyond 2^53')
  return { type: 'expireSessions', sessions }
}

export function encodeExpired({ count }: { count: number }): Uint8Array {
  return Expired.encode({ count })
}

export function decodeExpired(bytes: Uint8Array): { count: number } {
  const { count } = read('expired', () => Expired.decode(bytes))
  return { count }
}

export function encodeSession({ lowest, highest, activeMs }: SessionRecord): Uint8Array {
  const bytes = new Uint8Array(SESSION_BYTES)
  writeU64(bytes, 0, lowest)
  writeU64(bytes, 8, highest)
  writeU64(bytes, 16, activeMs)
  return bytes
}

/** @throws INVALID_ARGUMENT */
export function decodeSession(bytes: Uint8Array): SessionRecord {
  if (bytes.byteLength !== SESSION_BYTES) throw bad(`session: ${bytes.byteLength} bytes`)
  const lowest = exactU64('session', bytes, 0)
  const highest = exactU64('session', bytes, 8)
  return { lowest, highest, activeMs: exactU64('session', bytes, 16) }
}

export function encodeMark({ configuration, ...rest }: StateMark): Uint8Array {
  return WireMark.encode(markToWire({ configuration, ...rest }))
}

export function decodeMark(bytes: Uint8Array): StateMark {
  return markFromWire(read('state mark', () => WireMark.decode(bytes, MARK_LIMITS)))
}

const MARK_LIMITS = { limits: { voters: MEMBERS_MAX, learners: MEMBERS_MAX } }

function markToWire({ schema, index, term, timeMs, configuration }: StateMark): WireMark {
  const { voters, learners } = configuration
  return { schema, index, term, timeMs, voters: [...voters], learners: [...learners] }
}

function markFromWire({ schema, index, term, timeMs, voters, learners }: WireMark): StateMark {
  for (const value of [schema, index, term, timeMs]) {
    if (!Number.isSafeInteger(value)) throw bad('state mark: a number beyond 2^53')
  }
  return { schema, index, term, timeMs, configuration: configurationOf(voters, learners) }
}

export function encodeSnapshotHead(mark: StateMark): Uint8Array {
  return SnapshotHead.encode({ mark: markToWire(mark) })
}

export function decodeSnapshotHead(bytes: Uint8Array): StateMark {
  const { mark } = read('snapshot head', () =>
    SnapshotHead.decode(bytes, { limits: { mark: MARK_LIMITS.limits } }),
  )
  if (mark === undefined) throw bad('snapshot head: no mark')
  return markFromWire(mark)
}

export interface SnapshotTotals {
  records: number
  /** 32 bytes. */
  digest: Uint8Array
}

export function encodeSnapshotTail({ records, digest }: SnapshotTotals): Uint8Array {
  return SnapshotTail.encode({ records, digest: plain(digest) })
}

export function decodeSnapshotTail(bytes: Uint8Array): SnapshotTotals {
  const { records, digest } = read('snapshot tail', () => SnapshotTail.decode(bytes))
  return { records, digest }
}

/** For whom a forwarded proposal is. */
export interface ProposeTarget {
  clusterId: string
  /** The member's Raft id. */
  to: string
}

export function encodeProposeRequest(target: ProposeTarget): Uint8Array {
  return ProposeRequest.encode(target)
}

export function decodeProposeRequest(bytes: Uint8Array): ProposeTarget {
  const { clusterId, to } = read('propose', () => ProposeRequest.decode(bytes))
  if (clusterId.length > PROPOSE_ID_CHARS_MAX || to.length > PROPOSE_ID_CHARS_MAX) {
    throw bad('propose: an id that is too long')
  }
  return { clusterId, to }
}

function exactU64(what: string, bytes: Uint8Array, at: number): number {
  const value = readU64(bytes, at)
  if (!Number.isSafeInteger(value)) throw bad(`${what}: a number beyond 2^53`)
  return value
}

function writeU16(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 8
  into[at + 1] = value
}

function readU16(from: Uint8Array, at: number): number {
  return (from[at]! << 8) | from[at + 1]!
}

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

function read<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', `${what}: it cannot be decoded`, { cause })
  }
}

function bad(message: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', message)
}
