/** `protos/dps/metadata/v1/metadata.proto` ⇄ what the room works with. */
import { DpsError, type ErrorCode, isErrorCode } from '../base/index.js'
import { configurationOf, type SnapshotMeta } from '../raft/index.js'
import {
  Expired,
  ExpireSessions,
  OpenedSession,
  ProposeRequest,
  SnapshotHead,
  SnapshotTail,
  StateMark as WireMark,
  Outcome as WireOutcome,
  Proposal as WireProposal,
  SessionRecord as WireSession,
} from '../wire/metadata/metadata.js'
import type { SessionRecord } from './commands/session-rules.js'
import type { ExpireSessions as ExpireSessionsCommand } from './commands/sessions.js'
import { readU64, writeU64 } from './keys.js'

const ENTRY_FORMAT = 1
const ENTRY_HEAD_BYTES = 9
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
  return WireProposal.encode({ session, seq, lowest, command: tag, version, body: plain(body) })
}

/** @throws INVALID_ARGUMENT */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const { command, body, ...rest } = read('proposal', () => WireProposal.decode(bytes))
  const { session, seq, lowest, version } = rest
  for (const value of [session, seq, lowest]) {
    if (!Number.isSafeInteger(value)) throw bad('proposal: a number beyond 2^53')
  }
  if (session !== 0 && (seq < 1 || lowest < 1 || lowest > seq)) {
    throw bad(`proposal: ${seq} with ${lowest} as its session's lowest unanswered`)
  }
  if (command < 1 || version < 1) throw bad('proposal: no command')
  return { ...rest, tag: command, body }
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
  const timeMs = readU64(data, 1)
  if (!Number.isSafeInteger(timeMs)) throw bad('log entry: a time beyond 2^53')
  return { timeMs, proposal: decodeProposal(data.subarray(ENTRY_HEAD_BYTES)) }
}

const STATUSES = ['done', 'refused', 'unknownSession', 'forgotten', 'tooManyOpen'] as const
const NOTHING = new Uint8Array(0)

export function encodeOutcome(outcome: Outcome): Uint8Array {
  const status = STATUSES.indexOf(outcome.status)
  if (outcome.status === 'done')
    return WireOutcome.encode({ status, result: plain(outcome.result) })
  if (outcome.status !== 'refused') return WireOutcome.encode({ status, result: NOTHING })
  const { code, message, hint } = outcome
  return WireOutcome.encode({ status, result: NOTHING, refusal: { code, message, hint } })
}

export function decodeOutcome(bytes: Uint8Array): Outcome {
  const wire = read('outcome', () => WireOutcome.decode(bytes))
  const status = STATUSES[wire.status]
  if (status === undefined) throw bad(`outcome: unknown status ${wire.status}`)
  if (status === 'done') return { status, result: wire.result }
  if (status !== 'refused') return { status }
  if (wire.refusal === undefined) throw bad('outcome: refused without a reason')
  const { code, message, hint } = wire.refusal
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

export function encodeSession(record: SessionRecord): Uint8Array {
  return WireSession.encode(record)
}

export function decodeSession(bytes: Uint8Array): SessionRecord {
  const { lowest, highest, activeMs } = read('session', () => WireSession.decode(bytes))
  return { lowest, highest, activeMs }
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
