/** Frame headers of calls: `protos/dps/call/v1/call.proto` ⇄ what the plumbing works with. */
import { DpsError, isErrorCode } from '../base/index.js'
import { isRequestId } from '../observability/index.js'
import { FrameHeader } from '../wire/call/call.js'

export const KIND = {
  request: 1,
  reply: 2,
  part: 3,
  end: 4,
  error: 5,
  cancel: 6,
  credit: 7,
} as const

// Longer texts are cut: an error is for a person's line, and a peer must not fill our logs.
export const ERROR_MESSAGE_CHARS_MAX = 1024
export const ERROR_HINT_CHARS_MAX = 512
export const METHOD_CHARS_MAX = 64
export const TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000
export const CREDIT_PARTS_MAX = 1024

export type CallHeader =
  | RequestHeader
  | { kind: 'reply' | 'part'; callId: number; payload: Uint8Array }
  | { kind: 'end' | 'cancel'; callId: number }
  | { kind: 'error'; callId: number; error: DpsError }
  | { kind: 'credit'; callId: number; credit: number }

export interface RequestHeader {
  kind: 'request'
  callId: number
  method: string
  timeoutMs: number
  /** Empty when the caller gave none, or none that may stand in a log. */
  requestId: string
  traceId: string
  payload: Uint8Array
  /** Parts that may be sent before more credit comes; 0: the reply is one frame. */
  credit: number
}

const BLANK: FrameHeader = {
  kind: 0,
  callId: 0,
  method: '',
  timeoutMs: 0,
  requestId: '',
  traceId: '',
  payload: new Uint8Array(0),
  credit: 0,
}

export function encodeCallHeader(header: CallHeader): Uint8Array {
  switch (header.kind) {
    case 'request':
      return FrameHeader.encode({
        ...header,
        kind: KIND.request,
        payload: header.payload as Uint8Array<ArrayBuffer>,
      })
    case 'reply':
    case 'part': {
      const payload = header.payload as Uint8Array<ArrayBuffer>
      return FrameHeader.encode({
        ...BLANK,
        kind: KIND[header.kind],
        callId: header.callId,
        payload,
      })
    }
    case 'error': {
      const { code, message, hint } = header.error
      return FrameHeader.encode({
        ...BLANK,
        kind: KIND.error,
        callId: header.callId,
        error: {
          code,
          message: message.slice(0, ERROR_MESSAGE_CHARS_MAX),
          hint: (hint ?? '').slice(0, ERROR_HINT_CHARS_MAX),
        },
      })
    }
    case 'credit':
      return FrameHeader.encode({
        ...BLANK,
        kind: KIND.credit,
        callId: header.callId,
        credit: header.credit,
      })
    default:
      return FrameHeader.encode({ ...BLANK, kind: KIND[header.kind], callId: header.callId })
  }
}

/** @throws DpsError INVALID_ARGUMENT for anything that is not a header of a call */
export function decodeCallHeader(bytes: Uint8Array): CallHeader {
  let wire: FrameHeader
  try {
    wire = FrameHeader.decode(bytes)
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', 'call: the header is no protobuf message', { cause })
  }
  const { callId } = wire
  if (callId < 1 || !Number.isSafeInteger(callId)) throw bad('a call without an id')
  switch (wire.kind) {
    case KIND.request:
      return request(wire)
    case KIND.reply:
      return { kind: 'reply', callId, payload: wire.payload }
    case KIND.part:
      return { kind: 'part', callId, payload: wire.payload }
    case KIND.end:
      return { kind: 'end', callId }
    case KIND.cancel:
      return { kind: 'cancel', callId }
    case KIND.error:
      return { kind: 'error', callId, error: remoteError(wire) }
    case KIND.credit:
      if (wire.credit < 1 || wire.credit > CREDIT_PARTS_MAX) throw bad('credit out of range')
      return { kind: 'credit', callId, credit: wire.credit }
    default:
      throw bad(`a frame of unknown kind ${wire.kind}`)
  }
}

function request(wire: FrameHeader): RequestHeader {
  if (wire.method.length === 0 || wire.method.length > METHOD_CHARS_MAX) {
    throw bad(`a method name of ${wire.method.length} characters`)
  }
  if (wire.timeoutMs < 1) throw bad('a request without a deadline')
  if (wire.credit > CREDIT_PARTS_MAX) throw bad('credit out of range')
  return {
    kind: 'request',
    callId: wire.callId,
    method: wire.method,
    timeoutMs: Math.min(wire.timeoutMs, TIMEOUT_MS_MAX),
    requestId: isRequestId(wire.requestId) ? wire.requestId : '',
    traceId: isRequestId(wire.traceId) ? wire.traceId : '',
    payload: wire.payload,
    credit: wire.credit,
  }
}

function remoteError({ error }: FrameHeader): DpsError {
  const code = error !== undefined && isErrorCode(error.code) ? error.code : 'INTERNAL'
  const message = clean(error?.message ?? '', ERROR_MESSAGE_CHARS_MAX)
  const hint = clean(error?.hint ?? '', ERROR_HINT_CHARS_MAX)
  return new DpsError(
    code,
    message === '' ? 'the peer gave no reason' : message,
    hint === '' ? {} : { hint },
  )
}

/** A peer's words may end up on somebody's terminal: no control characters, bounded. */
function clean(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(/\p{C}/gu, ' ')
}

function bad(what: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `call: ${what}`)
}
