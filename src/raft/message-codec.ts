/** `protos/dps/raft/v1/raft.proto` ⇄ what the transport works with. */
import { DpsError, isErrorCode } from '../base/index.js'
import {
  RaftFrame,
  RaftSnapshotBegin,
  RaftSnapshotBeginReply,
  RaftSnapshotFinish,
  RaftSnapshotPiece,
  type RaftHello as WireHello,
  type RaftMessage as WireMessage,
} from '../wire/raft/raft.js'
import type { NodeId } from './core/configuration.js'
import type { Message, MessageBody } from './core/types.js'
import {
  bad,
  configurationFrom,
  decodeEntries,
  encodeEntries,
  MEMBERS_MAX,
  nodeIdFrom,
  reading,
} from './entry-codec.js'
import type { SnapshotMessage } from './transport.js'

export const FRAME_KIND = { hello: 1, message: 2, refusal: 3, ping: 4, pong: 5 } as const

export const MESSAGE_TYPE = {
  vote: 1,
  voteReply: 2,
  append: 3,
  appendReply: 4,
  heartbeat: 5,
  heartbeatReply: 6,
  snapshot: 7,
  timeoutNow: 8,
  transfer: 9,
  readIndex: 10,
  readIndexReply: 11,
  termNotice: 12,
} as const

/** Names of reads; the runner's have a fraction of it. */
export const CONTEXT_CHARS_MAX = 256
export const CLUSTER_ID_CHARS_MAX = 128
const REFUSAL_CHARS_MAX = 512

/** Between whom a stream's messages are, and in which cluster. */
export interface Hello {
  clusterId: string
  from: NodeId
  to: NodeId
}

/** A frame's header; a message's entries are in the frame's body. */
export type Frame =
  | { kind: 'hello'; hello: Hello }
  | { kind: 'message'; message: WireMessage }
  | { kind: 'refusal'; error: DpsError }
  | { kind: 'ping' | 'pong'; number: number }

const BLANK: WireMessage = {
  type: 0,
  term: 0,
  index: 0,
  logTerm: 0,
  prevIndex: 0,
  commit: 0,
  round: 0,
  pre: false,
  transfer: false,
  granted: false,
  rejected: false,
  hintIndex: 0,
  hintTerm: 0,
  lost: false,
  context: '',
  heal: false,
  target: '',
}

export function encodeHello(hello: Hello): Uint8Array {
  return RaftFrame.encode({ kind: FRAME_KIND.hello, hello, number: 0 })
}

export function encodeRefusal({ code, message }: DpsError): Uint8Array {
  const refusal = { code, message: message.slice(0, REFUSAL_CHARS_MAX) }
  return RaftFrame.encode({ kind: FRAME_KIND.refusal, refusal, number: 0 })
}

export function encodePing(kind: 'ping' | 'pong', number: number): Uint8Array {
  return RaftFrame.encode({ kind: FRAME_KIND[kind], number })
}

/** Without sender and receiver: the stream's hello told them. */
export function encodeMessage(message: Message): { header: Uint8Array; body?: Uint8Array } {
  const header = RaftFrame.encode({
    kind: FRAME_KIND.message,
    message: wireOf(message),
    number: 0,
  })
  if (message.type !== 'append' || message.entries.length === 0) return { header }
  return { header, body: encodeEntries(message.entries) }
}

function wireOf(message: Message): WireMessage {
  const { type, term } = message
  const wire: WireMessage = { ...BLANK, type: MESSAGE_TYPE[type], term }
  switch (message.type) {
    case 'vote':
      wire.pre = message.pre
      wire.transfer = message.transfer
      wire.index = message.lastIndex
      wire.logTerm = message.lastTerm
      break
    case 'voteReply':
      wire.pre = message.pre
      wire.granted = message.granted
      break
    case 'append':
      wire.prevIndex = message.prevIndex
      wire.logTerm = message.prevTerm
      wire.commit = message.commit
      break
    case 'appendReply':
      wire.index = message.index
      wire.rejected = message.rejected
      if (message.rejected) {
        wire.hintIndex = message.hintIndex
        wire.hintTerm = message.hintTerm
        wire.lost = message.lost
      }
      break
    case 'heartbeat':
      wire.commit = message.commit
      wire.round = message.round
      break
    case 'heartbeatReply':
      wire.round = message.round
      break
    case 'snapshot': {
      const { index, term: of, configuration } = message.snapshot
      const { voters, learners } = configuration
      wire.snapshot = {
        index,
        term: of,
        configuration: { voters: [...voters], learners: [...learners] },
      }
      break
    }
    case 'transfer':
      wire.target = message.target
      break
    case 'readIndex':
      wire.context = message.context
      wire.heal = message.heal
      break
    case 'readIndexReply':
      wire.context = message.context
      wire.heal = message.heal
      wire.index = message.index
      break
  }
  return wire
}

const MESSAGE_LIMITS = {
  snapshot: { configuration: { voters: MEMBERS_MAX, learners: MEMBERS_MAX } },
}

/** @throws INVALID_ARGUMENT for anything that is no frame of this protocol */
export function decodeFrame(bytes: Uint8Array): Frame {
  const wire = reading('frame', () =>
    RaftFrame.decode(bytes, { limits: { message: MESSAGE_LIMITS } }),
  )
  switch (wire.kind) {
    case FRAME_KIND.message:
      if (wire.message === undefined) throw bad('a message without its message')
      return { kind: 'message', message: wire.message }
    case FRAME_KIND.ping:
      return { kind: 'ping', number: wire.number }
    case FRAME_KIND.pong:
      return { kind: 'pong', number: wire.number }
    case FRAME_KIND.hello:
      return { kind: 'hello', hello: helloFrom(wire.hello) }
    case FRAME_KIND.refusal: {
      const code = wire.refusal?.code
      const text = (wire.refusal?.message ?? '').slice(0, REFUSAL_CHARS_MAX).replace(/\p{C}/gu, ' ')
      const error = new DpsError(isErrorCode(code) ? code : 'INTERNAL', text)
      return { kind: 'refusal', error }
    }
    default:
      throw bad(`a frame of unknown kind ${wire.kind}`)
  }
}

function helloFrom(wire: WireHello | undefined): Hello {
  const clusterId = wire?.clusterId ?? ''
  if (clusterId.length < 1 || clusterId.length > CLUSTER_ID_CHARS_MAX) throw bad('no cluster id')
  return { clusterId, from: nodeIdFrom(wire?.from ?? ''), to: nodeIdFrom(wire?.to ?? '') }
}

/**
 * @param body of an append: its entries, which become views on it
 * @throws INVALID_ARGUMENT for what no member sends
 */
export function messageFrom(wire: WireMessage, body: Uint8Array, { from, to }: Hello): Message {
  const numbers = [wire.term, wire.index, wire.logTerm, wire.prevIndex, wire.commit, wire.round]
  for (const number of [...numbers, wire.hintIndex, wire.hintTerm]) {
    if (!Number.isSafeInteger(number) || number < 0) throw bad(`a number out of range: ${number}`)
  }
  if (body.byteLength > 0 && wire.type !== MESSAGE_TYPE.append) throw bad('a body out of place')
  return { from, to, term: wire.term, ...bodyFrom(wire, body) }
}

function bodyFrom(wire: WireMessage, body: Uint8Array): MessageBody {
  switch (wire.type) {
    case MESSAGE_TYPE.vote: {
      const { pre, transfer, index: lastIndex, logTerm: lastTerm } = wire
      return { type: 'vote', pre, transfer, lastIndex, lastTerm }
    }
    case MESSAGE_TYPE.voteReply:
      return { type: 'voteReply', pre: wire.pre, granted: wire.granted }
    case MESSAGE_TYPE.append: {
      const { prevIndex, logTerm: prevTerm, commit } = wire
      const entries = decodeEntries(body, prevIndex + 1, prevTerm)
      if ((entries.at(-1)?.term ?? 0) > wire.term) throw bad('an entry of a term to come')
      return { type: 'append', prevIndex, prevTerm, entries, commit }
    }
    case MESSAGE_TYPE.appendReply: {
      const { rejected, index, hintIndex, hintTerm, lost } = wire
      if (!rejected) return { type: 'appendReply', rejected, index }
      return { type: 'appendReply', rejected, index, hintIndex, hintTerm, lost }
    }
    case MESSAGE_TYPE.heartbeat:
      return { type: 'heartbeat', commit: wire.commit, round: wire.round }
    case MESSAGE_TYPE.heartbeatReply:
      return { type: 'heartbeatReply', round: wire.round }
    case MESSAGE_TYPE.snapshot:
      return { type: 'snapshot', snapshot: snapshotFrom(wire) }
    case MESSAGE_TYPE.timeoutNow:
      return { type: 'timeoutNow' }
    case MESSAGE_TYPE.transfer:
      return { type: 'transfer', target: nodeIdFrom(wire.target) }
    case MESSAGE_TYPE.readIndex:
      return { type: 'readIndex', context: contextFrom(wire), heal: wire.heal }
    case MESSAGE_TYPE.readIndexReply: {
      const { heal, index } = wire
      return { type: 'readIndexReply', context: contextFrom(wire), heal, index }
    }
    case MESSAGE_TYPE.termNotice:
      return { type: 'termNotice' }
    default:
      throw bad(`a message of unknown type ${wire.type}`)
  }
}

function contextFrom({ context }: WireMessage): string {
  if (context.length < 1 || context.length > CONTEXT_CHARS_MAX) {
    throw bad(`a read's name of ${context.length} characters`)
  }
  return context
}

function snapshotFrom({ snapshot, term: of }: WireMessage) {
  if (snapshot?.configuration === undefined) throw bad('a snapshot without its configuration')
  const { index, term } = snapshot
  if (!Number.isSafeInteger(index) || index < 1 || !Number.isSafeInteger(term) || term < 1) {
    throw bad(`a snapshot at ${index} of term ${term}`)
  }
  if (term > of) throw bad('a snapshot of a term to come')
  return { index, term, configuration: configurationFrom(snapshot.configuration) }
}

export function encodeBegin(clusterId: string, message: SnapshotMessage): Uint8Array {
  const { from, to } = message
  return RaftSnapshotBegin.encode({ hello: { clusterId, from, to }, message: wireOf(message) })
}

/** @throws INVALID_ARGUMENT */
export function decodeBegin(bytes: Uint8Array): { hello: Hello; message: SnapshotMessage } {
  const wire = reading('begin of a snapshot', () =>
    RaftSnapshotBegin.decode(bytes, { limits: { message: MESSAGE_LIMITS } }),
  )
  const hello = helloFrom(wire.hello)
  if (wire.message === undefined) throw bad('the begin of a snapshot without its message')
  const message = messageFrom(wire.message, new Uint8Array(0), hello)
  if (message.type !== 'snapshot') throw bad(`a transfer that begins with a ${message.type}`)
  return { hello, message }
}

/** `transfer` 0: nothing is needed. */
export interface Begun {
  transfer: number
  received: number
}

export function encodeBegun(reply: Begun): Uint8Array {
  return RaftSnapshotBeginReply.encode(reply)
}

export function decodeBegun(bytes: Uint8Array): Begun {
  const { transfer, received } = reading('reply', () => RaftSnapshotBeginReply.decode(bytes))
  return { transfer, received }
}

export interface Piece {
  transfer: number
  number: number
  crc32c: number
}

export function encodePiece(piece: Piece): Uint8Array {
  return RaftSnapshotPiece.encode(piece)
}

export function decodePiece(bytes: Uint8Array): Piece {
  const { transfer, number, crc32c } = reading('piece', () => RaftSnapshotPiece.decode(bytes))
  return { transfer, number, crc32c }
}

export interface Finish {
  transfer: number
  /** Of the whole state. */
  pieces: number
}

export function encodeFinish(finish: Finish): Uint8Array {
  return RaftSnapshotFinish.encode(finish)
}

export function decodeFinish(bytes: Uint8Array): Finish {
  const { transfer, pieces } = reading('finish', () => RaftSnapshotFinish.decode(bytes))
  return { transfer, pieces }
}
