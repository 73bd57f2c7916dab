import { decodeMessage, encodeMessage, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface FrameHeader {
  kind: number
  callId: number
  method: string
  timeoutMs: number
  requestId: string
  traceId: string
  payload: Uint8Array<ArrayBuffer>
  error?: CallError
  credit: number
}

export namespace FrameHeader {
  let _codec: Codec<FrameHeader>

  export const codec = (): Codec<FrameHeader> => {
    if (_codec == null) {
      _codec = message<FrameHeader>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(8)
          w.uint32(obj.kind)
        }

        if ((obj.callId != null && obj.callId !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.callId)
        }

        if ((obj.method != null && obj.method !== '')) {
          w.uint32(26)
          w.string(obj.method)
        }

        if ((obj.timeoutMs != null && obj.timeoutMs !== 0)) {
          w.uint32(32)
          w.uint32(obj.timeoutMs)
        }

        if ((obj.requestId != null && obj.requestId !== '')) {
          w.uint32(42)
          w.string(obj.requestId)
        }

        if ((obj.traceId != null && obj.traceId !== '')) {
          w.uint32(50)
          w.string(obj.traceId)
        }

        if ((obj.payload != null && obj.payload.byteLength > 0)) {
          w.uint32(58)
          w.bytes(obj.payload)
        }

        if (obj.error != null) {
          w.uint32(66)
          CallError.codec().encode(obj.error, w)
        }

        if ((obj.credit != null && obj.credit !== 0)) {
          w.uint32(72)
          w.uint32(obj.credit)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          kind: 0,
          callId: 0,
          method: '',
          timeoutMs: 0,
          requestId: '',
          traceId: '',
          payload: uint8ArrayAlloc(0),
          credit: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.kind = reader.uint32()
              break
            }
            case 2: {
              obj.callId = reader.uint64Number()
              break
            }
            case 3: {
              obj.method = reader.string()
              break
            }
            case 4: {
              obj.timeoutMs = reader.uint32()
              break
            }
            case 5: {
              obj.requestId = reader.string()
              break
            }
            case 6: {
              obj.traceId = reader.string()
              break
            }
            case 7: {
              obj.payload = reader.bytes()
              break
            }
            case 8: {
              obj.error = CallError.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.error
              })
              break
            }
            case 9: {
              obj.credit = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.kind`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.callId`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.method`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.timeoutMs`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.requestId`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.traceId`,
                value: reader.string()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.payload`,
                value: reader.bytes()
              }
              break
            }
            case 8: {
              yield * CallError.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                limits: opts.limits?.error
              })

              break
            }
            case 9: {
              yield {
                field: `${prefix}.credit`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FrameHeaderKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface FrameHeaderCallIdFieldEvent {
    field: '$.callId'
    value: number
  }

  export interface FrameHeaderMethodFieldEvent {
    field: '$.method'
    value: string
  }

  export interface FrameHeaderTimeoutMsFieldEvent {
    field: '$.timeoutMs'
    value: number
  }

  export interface FrameHeaderRequestIdFieldEvent {
    field: '$.requestId'
    value: string
  }

  export interface FrameHeaderTraceIdFieldEvent {
    field: '$.traceId'
    value: string
  }

  export interface FrameHeaderPayloadFieldEvent {
    field: '$.payload'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameHeaderErrorCodeFieldEvent {
    field: '$.error.code'
    value: string
  }

  export interface FrameHeaderErrorMessageFieldEvent {
    field: '$.error.message'
    value: string
  }

  export interface FrameHeaderErrorHintFieldEvent {
    field: '$.error.hint'
    value: string
  }

  export interface FrameHeaderCreditFieldEvent {
    field: '$.credit'
    value: number
  }

  export function encode (obj: Partial<FrameHeader>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, FrameHeader.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FrameHeader>): FrameHeader {
    return decodeMessage(buf, FrameHeader.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FrameHeader>): Generator<FrameHeaderKindFieldEvent | FrameHeaderCallIdFieldEvent | FrameHeaderMethodFieldEvent | FrameHeaderTimeoutMsFieldEvent | FrameHeaderRequestIdFieldEvent | FrameHeaderTraceIdFieldEvent | FrameHeaderPayloadFieldEvent | FrameHeaderErrorCodeFieldEvent | FrameHeaderErrorMessageFieldEvent | FrameHeaderErrorHintFieldEvent | FrameHeaderCreditFieldEvent> {
    return streamMessage(buf, FrameHeader.codec(), opts)
  }
}

export interface CallError {
  code: string
  message: string
  hint: string
}

export namespace CallError {
  let _codec: Codec<CallError>

  export const codec = (): Codec<CallError> => {
    if (_codec == null) {
      _codec = message<CallError>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.code != null && obj.code !== '')) {
          w.uint32(10)
          w.string(obj.code)
        }

        if ((obj.message != null && obj.message !== '')) {
          w.uint32(18)
          w.string(obj.message)
        }

        if ((obj.hint != null && obj.hint !== '')) {
          w.uint32(26)
          w.string(obj.hint)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          code: '',
          message: '',
          hint: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.code = reader.string()
              break
            }
            case 2: {
              obj.message = reader.string()
              break
            }
            case 3: {
              obj.hint = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.code`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.message`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.hint`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface CallErrorCodeFieldEvent {
    field: '$.code'
    value: string
  }

  export interface CallErrorMessageFieldEvent {
    field: '$.message'
    value: string
  }

  export interface CallErrorHintFieldEvent {
    field: '$.hint'
    value: string
  }

  export function encode (obj: Partial<CallError>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, CallError.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CallError>): CallError {
    return decodeMessage(buf, CallError.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CallError>): Generator<CallErrorCodeFieldEvent | CallErrorMessageFieldEvent | CallErrorHintFieldEvent> {
    return streamMessage(buf, CallError.codec(), opts)
  }
}
