import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface RaftFrame {
  kind: number
  hello?: RaftHello
  message?: RaftMessage
  refusal?: RaftRefusal
  number: number
}

export namespace RaftFrame {
  let _codec: Codec<RaftFrame>

  export const codec = (): Codec<RaftFrame> => {
    if (_codec == null) {
      _codec = message<RaftFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(8)
          w.uint32(obj.kind)
        }

        if (obj.hello != null) {
          w.uint32(18)
          RaftHello.codec().encode(obj.hello, w)
        }

        if (obj.message != null) {
          w.uint32(26)
          RaftMessage.codec().encode(obj.message, w)
        }

        if (obj.refusal != null) {
          w.uint32(34)
          RaftRefusal.codec().encode(obj.refusal, w)
        }

        if ((obj.number != null && obj.number !== 0)) {
          w.uint32(40)
          w.uint32(obj.number)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          kind: 0,
          number: 0
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
              obj.hello = RaftHello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 3: {
              obj.message = RaftMessage.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.message
              })
              break
            }
            case 4: {
              obj.refusal = RaftRefusal.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refusal
              })
              break
            }
            case 5: {
              obj.number = reader.uint32()
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
              yield * RaftHello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 3: {
              yield * RaftMessage.codec().stream(reader, reader.uint32(), `${prefix}.message`, {
                limits: opts.limits?.message
              })

              break
            }
            case 4: {
              yield * RaftRefusal.codec().stream(reader, reader.uint32(), `${prefix}.refusal`, {
                limits: opts.limits?.refusal
              })

              break
            }
            case 5: {
              yield {
                field: `${prefix}.number`,
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

  export interface RaftFrameKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface RaftFrameHelloClusterIdFieldEvent {
    field: '$.hello.clusterId'
    value: string
  }

  export interface RaftFrameHelloFromFieldEvent {
    field: '$.hello.from'
    value: string
  }

  export interface RaftFrameHelloToFieldEvent {
    field: '$.hello.to'
    value: string
  }

  export interface RaftFrameMessageTypeFieldEvent {
    field: '$.message.type'
    value: number
  }

  export interface RaftFrameMessageTermFieldEvent {
    field: '$.message.term'
    value: number
  }

  export interface RaftFrameMessageIndexFieldEvent {
    field: '$.message.index'
    value: number
  }

  export interface RaftFrameMessageLogTermFieldEvent {
    field: '$.message.logTerm'
    value: number
  }

  export interface RaftFrameMessagePrevIndexFieldEvent {
    field: '$.message.prevIndex'
    value: number
  }

  export interface RaftFrameMessageCommitFieldEvent {
    field: '$.message.commit'
    value: number
  }

  export interface RaftFrameMessageRoundFieldEvent {
    field: '$.message.round'
    value: number
  }

  export interface RaftFrameMessagePreFieldEvent {
    field: '$.message.pre'
    value: boolean
  }

  export interface RaftFrameMessageTransferFieldEvent {
    field: '$.message.transfer'
    value: boolean
  }

  export interface RaftFrameMessageGrantedFieldEvent {
    field: '$.message.granted'
    value: boolean
  }

  export interface RaftFrameMessageRejectedFieldEvent {
    field: '$.message.rejected'
    value: boolean
  }

  export interface RaftFrameMessageHintIndexFieldEvent {
    field: '$.message.hintIndex'
    value: number
  }

  export interface RaftFrameMessageHintTermFieldEvent {
    field: '$.message.hintTerm'
    value: number
  }

  export interface RaftFrameMessageLostFieldEvent {
    field: '$.message.lost'
    value: boolean
  }

  export interface RaftFrameMessageContextFieldEvent {
    field: '$.message.context'
    value: string
  }

  export interface RaftFrameMessageHealFieldEvent {
    field: '$.message.heal'
    value: boolean
  }

  export interface RaftFrameMessageTargetFieldEvent {
    field: '$.message.target'
    value: string
  }

  export interface RaftFrameMessageSnapshotIndexFieldEvent {
    field: '$.message.snapshot.index'
    value: number
  }

  export interface RaftFrameMessageSnapshotTermFieldEvent {
    field: '$.message.snapshot.term'
    value: number
  }

  export interface RaftFrameMessageSnapshotConfigurationVotersFieldEvent {
    field: '$.message.snapshot.configuration.voters[]'
    index: number
    value: string
  }

  export interface RaftFrameMessageSnapshotConfigurationLearnersFieldEvent {
    field: '$.message.snapshot.configuration.learners[]'
    index: number
    value: string
  }

  export interface RaftFrameRefusalCodeFieldEvent {
    field: '$.refusal.code'
    value: string
  }

  export interface RaftFrameRefusalMessageFieldEvent {
    field: '$.refusal.message'
    value: string
  }

  export interface RaftFrameNumberFieldEvent {
    field: '$.number'
    value: number
  }

  export function encode (obj: Partial<RaftFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftFrame>): RaftFrame {
    return decodeMessage(buf, RaftFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftFrame>): Generator<RaftFrameKindFieldEvent | RaftFrameHelloClusterIdFieldEvent | RaftFrameHelloFromFieldEvent | RaftFrameHelloToFieldEvent | RaftFrameMessageTypeFieldEvent | RaftFrameMessageTermFieldEvent | RaftFrameMessageIndexFieldEvent | RaftFrameMessageLogTermFieldEvent | RaftFrameMessagePrevIndexFieldEvent | RaftFrameMessageCommitFieldEvent | RaftFrameMessageRoundFieldEvent | RaftFrameMessagePreFieldEvent | RaftFrameMessageTransferFieldEvent | RaftFrameMessageGrantedFieldEvent | RaftFrameMessageRejectedFieldEvent | RaftFrameMessageHintIndexFieldEvent | RaftFrameMessageHintTermFieldEvent | RaftFrameMessageLostFieldEvent | RaftFrameMessageContextFieldEvent | RaftFrameMessageHealFieldEvent | RaftFrameMessageTargetFieldEvent | RaftFrameMessageSnapshotIndexFieldEvent | RaftFrameMessageSnapshotTermFieldEvent | RaftFrameMessageSnapshotConfigurationVotersFieldEvent | RaftFrameMessageSnapshotConfigurationLearnersFieldEvent | RaftFrameRefusalCodeFieldEvent | RaftFrameRefusalMessageFieldEvent | RaftFrameNumberFieldEvent> {
    return streamMessage(buf, RaftFrame.codec(), opts)
  }
}

export interface RaftHello {
  clusterId: string
  from: string
  to: string
}

export namespace RaftHello {
  let _codec: Codec<RaftHello>

  export const codec = (): Codec<RaftHello> => {
    if (_codec == null) {
      _codec = message<RaftHello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.from != null && obj.from !== '')) {
          w.uint32(18)
          w.string(obj.from)
        }

        if ((obj.to != null && obj.to !== '')) {
          w.uint32(26)
          w.string(obj.to)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          from: '',
          to: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.clusterId = reader.string()
              break
            }
            case 2: {
              obj.from = reader.string()
              break
            }
            case 3: {
              obj.to = reader.string()
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
                field: `${prefix}.clusterId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.from`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.to`,
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

  export interface RaftHelloClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface RaftHelloFromFieldEvent {
    field: '$.from'
    value: string
  }

  export interface RaftHelloToFieldEvent {
    field: '$.to'
    value: string
  }

  export function encode (obj: Partial<RaftHello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftHello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftHello>): RaftHello {
    return decodeMessage(buf, RaftHello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftHello>): Generator<RaftHelloClusterIdFieldEvent | RaftHelloFromFieldEvent | RaftHelloToFieldEvent> {
    return streamMessage(buf, RaftHello.codec(), opts)
  }
}

export interface RaftRefusal {
  code: string
  message: string
}

export namespace RaftRefusal {
  let _codec: Codec<RaftRefusal>

  export const codec = (): Codec<RaftRefusal> => {
    if (_codec == null) {
      _codec = message<RaftRefusal>((obj, w, opts = {}) => {
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

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          code: '',
          message: ''
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

  export interface RaftRefusalCodeFieldEvent {
    field: '$.code'
    value: string
  }

  export interface RaftRefusalMessageFieldEvent {
    field: '$.message'
    value: string
  }

  export function encode (obj: Partial<RaftRefusal>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftRefusal.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftRefusal>): RaftRefusal {
    return decodeMessage(buf, RaftRefusal.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftRefusal>): Generator<RaftRefusalCodeFieldEvent | RaftRefusalMessageFieldEvent> {
    return streamMessage(buf, RaftRefusal.codec(), opts)
  }
}

export interface RaftMessage {
  type: number
  term: number
  index: number
  logTerm: number
  prevIndex: number
  commit: number
  round: number
  pre: boolean
  transfer: boolean
  granted: boolean
  rejected: boolean
  hintIndex: number
  hintTerm: number
  lost: boolean
  context: string
  heal: boolean
  target: string
  snapshot?: RaftSnapshotMeta
}

export namespace RaftMessage {
  let _codec: Codec<RaftMessage>

  export const codec = (): Codec<RaftMessage> => {
    if (_codec == null) {
      _codec = message<RaftMessage>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.type != null && obj.type !== 0)) {
          w.uint32(8)
          w.uint32(obj.type)
        }

        if ((obj.term != null && obj.term !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.term)
        }

        if ((obj.index != null && obj.index !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.index)
        }

        if ((obj.logTerm != null && obj.logTerm !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.logTerm)
        }

        if ((obj.prevIndex != null && obj.prevIndex !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.prevIndex)
        }

        if ((obj.commit != null && obj.commit !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.commit)
        }

        if ((obj.round != null && obj.round !== 0)) {
          w.uint32(56)
          w.uint64Number(obj.round)
        }

        if ((obj.pre != null && obj.pre !== false)) {
          w.uint32(64)
          w.bool(obj.pre)
        }

        if ((obj.transfer != null && obj.transfer !== false)) {
          w.uint32(72)
          w.bool(obj.transfer)
        }

        if ((obj.granted != null && obj.granted !== false)) {
          w.uint32(80)
          w.bool(obj.granted)
        }

        if ((obj.rejected != null && obj.rejected !== false)) {
          w.uint32(88)
          w.bool(obj.rejected)
        }

        if ((obj.hintIndex != null && obj.hintIndex !== 0)) {
          w.uint32(96)
          w.uint64Number(obj.hintIndex)
        }

        if ((obj.hintTerm != null && obj.hintTerm !== 0)) {
          w.uint32(104)
          w.uint64Number(obj.hintTerm)
        }

        if ((obj.lost != null && obj.lost !== false)) {
          w.uint32(112)
          w.bool(obj.lost)
        }

        if ((obj.context != null && obj.context !== '')) {
          w.uint32(122)
          w.string(obj.context)
        }

        if ((obj.heal != null && obj.heal !== false)) {
          w.uint32(128)
          w.bool(obj.heal)
        }

        if ((obj.target != null && obj.target !== '')) {
          w.uint32(138)
          w.string(obj.target)
        }

        if (obj.snapshot != null) {
          w.uint32(146)
          RaftSnapshotMeta.codec().encode(obj.snapshot, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
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
          target: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.type = reader.uint32()
              break
            }
            case 2: {
              obj.term = reader.uint64Number()
              break
            }
            case 3: {
              obj.index = reader.uint64Number()
              break
            }
            case 4: {
              obj.logTerm = reader.uint64Number()
              break
            }
            case 5: {
              obj.prevIndex = reader.uint64Number()
              break
            }
            case 6: {
              obj.commit = reader.uint64Number()
              break
            }
            case 7: {
              obj.round = reader.uint64Number()
              break
            }
            case 8: {
              obj.pre = reader.bool()
              break
            }
            case 9: {
              obj.transfer = reader.bool()
              break
            }
            case 10: {
              obj.granted = reader.bool()
              break
            }
            case 11: {
              obj.rejected = reader.bool()
              break
            }
            case 12: {
              obj.hintIndex = reader.uint64Number()
              break
            }
            case 13: {
              obj.hintTerm = reader.uint64Number()
              break
            }
            case 14: {
              obj.lost = reader.bool()
              break
            }
            case 15: {
              obj.context = reader.string()
              break
            }
            case 16: {
              obj.heal = reader.bool()
              break
            }
            case 17: {
              obj.target = reader.string()
              break
            }
            case 18: {
              obj.snapshot = RaftSnapshotMeta.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.snapshot
              })
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
                field: `${prefix}.type`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.term`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.index`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.logTerm`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.prevIndex`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.commit`,
                value: reader.uint64Number()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.round`,
                value: reader.uint64Number()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.pre`,
                value: reader.bool()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.transfer`,
                value: reader.bool()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.granted`,
                value: reader.bool()
              }
              break
            }
            case 11: {
              yield {
                field: `${prefix}.rejected`,
                value: reader.bool()
              }
              break
            }
            case 12: {
              yield {
                field: `${prefix}.hintIndex`,
                value: reader.uint64Number()
              }
              break
            }
            case 13: {
              yield {
                field: `${prefix}.hintTerm`,
                value: reader.uint64Number()
              }
              break
            }
            case 14: {
              yield {
                field: `${prefix}.lost`,
                value: reader.bool()
              }
              break
            }
            case 15: {
              yield {
                field: `${prefix}.context`,
                value: reader.string()
              }
              break
            }
            case 16: {
              yield {
                field: `${prefix}.heal`,
                value: reader.bool()
              }
              break
            }
            case 17: {
              yield {
                field: `${prefix}.target`,
                value: reader.string()
              }
              break
            }
            case 18: {
              yield * RaftSnapshotMeta.codec().stream(reader, reader.uint32(), `${prefix}.snapshot`, {
                limits: opts.limits?.snapshot
              })

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

  export interface RaftMessageTypeFieldEvent {
    field: '$.type'
    value: number
  }

  export interface RaftMessageTermFieldEvent {
    field: '$.term'
    value: number
  }

  export interface RaftMessageIndexFieldEvent {
    field: '$.index'
    value: number
  }

  export interface RaftMessageLogTermFieldEvent {
    field: '$.logTerm'
    value: number
  }

  export interface RaftMessagePrevIndexFieldEvent {
    field: '$.prevIndex'
    value: number
  }

  export interface RaftMessageCommitFieldEvent {
    field: '$.commit'
    value: number
  }

  export interface RaftMessageRoundFieldEvent {
    field: '$.round'
    value: number
  }

  export interface RaftMessagePreFieldEvent {
    field: '$.pre'
    value: boolean
  }

  export interface RaftMessageTransferFieldEvent {
    field: '$.transfer'
    value: boolean
  }

  export interface RaftMessageGrantedFieldEvent {
    field: '$.granted'
    value: boolean
  }

  export interface RaftMessageRejectedFieldEvent {
    field: '$.rejected'
    value: boolean
  }

  export interface RaftMessageHintIndexFieldEvent {
    field: '$.hintIndex'
    value: number
  }

  export interface RaftMessageHintTermFieldEvent {
    field: '$.hintTerm'
    value: number
  }

  export interface RaftMessageLostFieldEvent {
    field: '$.lost'
    value: boolean
  }

  export interface RaftMessageContextFieldEvent {
    field: '$.context'
    value: string
  }

  export interface RaftMessageHealFieldEvent {
    field: '$.heal'
    value: boolean
  }

  export interface RaftMessageTargetFieldEvent {
    field: '$.target'
    value: string
  }

  export interface RaftMessageSnapshotIndexFieldEvent {
    field: '$.snapshot.index'
    value: number
  }

  export interface RaftMessageSnapshotTermFieldEvent {
    field: '$.snapshot.term'
    value: number
  }

  export interface RaftMessageSnapshotConfigurationVotersFieldEvent {
    field: '$.snapshot.configuration.voters[]'
    index: number
    value: string
  }

  export interface RaftMessageSnapshotConfigurationLearnersFieldEvent {
    field: '$.snapshot.configuration.learners[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<RaftMessage>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftMessage.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftMessage>): RaftMessage {
    return decodeMessage(buf, RaftMessage.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftMessage>): Generator<RaftMessageTypeFieldEvent | RaftMessageTermFieldEvent | RaftMessageIndexFieldEvent | RaftMessageLogTermFieldEvent | RaftMessagePrevIndexFieldEvent | RaftMessageCommitFieldEvent | RaftMessageRoundFieldEvent | RaftMessagePreFieldEvent | RaftMessageTransferFieldEvent | RaftMessageGrantedFieldEvent | RaftMessageRejectedFieldEvent | RaftMessageHintIndexFieldEvent | RaftMessageHintTermFieldEvent | RaftMessageLostFieldEvent | RaftMessageContextFieldEvent | RaftMessageHealFieldEvent | RaftMessageTargetFieldEvent | RaftMessageSnapshotIndexFieldEvent | RaftMessageSnapshotTermFieldEvent | RaftMessageSnapshotConfigurationVotersFieldEvent | RaftMessageSnapshotConfigurationLearnersFieldEvent> {
    return streamMessage(buf, RaftMessage.codec(), opts)
  }
}

export interface RaftConfiguration {
  voters: string[]
  learners: string[]
}

export namespace RaftConfiguration {
  let _codec: Codec<RaftConfiguration>

  export const codec = (): Codec<RaftConfiguration> => {
    if (_codec == null) {
      _codec = message<RaftConfiguration>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.voters != null && obj.voters.length > 0) {
          for (const value of obj.voters) {
            w.uint32(10)
            w.string(value)
          }
        }

        if (obj.learners != null && obj.learners.length > 0) {
          for (const value of obj.learners) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          voters: [],
          learners: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.voters != null && obj.voters.length === opts.limits.voters) {
                throw new MaxLengthError('Decode error - repeated field "voters" had too many elements')
              }

              obj.voters.push(reader.string())
              break
            }
            case 2: {
              if (opts.limits?.learners != null && obj.learners.length === opts.limits.learners) {
                throw new MaxLengthError('Decode error - repeated field "learners" had too many elements')
              }

              obj.learners.push(reader.string())
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
        const obj = {
          voters: 0,
          learners: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.voters != null && obj.voters === opts.limits.voters) {
                throw new MaxLengthError('Streaming decode error - repeated field "voters" had too many elements')
              }

              yield {
                field: `${prefix}.voters[]`,
                index: obj.voters,
                value: reader.string()
              }

              obj.voters++

              break
            }
            case 2: {
              if (opts.limits?.learners != null && obj.learners === opts.limits.learners) {
                throw new MaxLengthError('Streaming decode error - repeated field "learners" had too many elements')
              }

              yield {
                field: `${prefix}.learners[]`,
                index: obj.learners,
                value: reader.string()
              }

              obj.learners++

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

  export interface RaftConfigurationVotersFieldEvent {
    field: '$.voters[]'
    index: number
    value: string
  }

  export interface RaftConfigurationLearnersFieldEvent {
    field: '$.learners[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<RaftConfiguration>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftConfiguration.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftConfiguration>): RaftConfiguration {
    return decodeMessage(buf, RaftConfiguration.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftConfiguration>): Generator<RaftConfigurationVotersFieldEvent | RaftConfigurationLearnersFieldEvent> {
    return streamMessage(buf, RaftConfiguration.codec(), opts)
  }
}

export interface RaftSnapshotMeta {
  index: number
  term: number
  configuration?: RaftConfiguration
}

export namespace RaftSnapshotMeta {
  let _codec: Codec<RaftSnapshotMeta>

  export const codec = (): Codec<RaftSnapshotMeta> => {
    if (_codec == null) {
      _codec = message<RaftSnapshotMeta>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.index != null && obj.index !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.index)
        }

        if ((obj.term != null && obj.term !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.term)
        }

        if (obj.configuration != null) {
          w.uint32(26)
          RaftConfiguration.codec().encode(obj.configuration, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          index: 0,
          term: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.index = reader.uint64Number()
              break
            }
            case 2: {
              obj.term = reader.uint64Number()
              break
            }
            case 3: {
              obj.configuration = RaftConfiguration.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.configuration
              })
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
                field: `${prefix}.index`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.term`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield * RaftConfiguration.codec().stream(reader, reader.uint32(), `${prefix}.configuration`, {
                limits: opts.limits?.configuration
              })

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

  export interface RaftSnapshotMetaIndexFieldEvent {
    field: '$.index'
    value: number
  }

  export interface RaftSnapshotMetaTermFieldEvent {
    field: '$.term'
    value: number
  }

  export interface RaftSnapshotMetaConfigurationVotersFieldEvent {
    field: '$.configuration.voters[]'
    index: number
    value: string
  }

  export interface RaftSnapshotMetaConfigurationLearnersFieldEvent {
    field: '$.configuration.learners[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<RaftSnapshotMeta>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftSnapshotMeta.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotMeta>): RaftSnapshotMeta {
    return decodeMessage(buf, RaftSnapshotMeta.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotMeta>): Generator<RaftSnapshotMetaIndexFieldEvent | RaftSnapshotMetaTermFieldEvent | RaftSnapshotMetaConfigurationVotersFieldEvent | RaftSnapshotMetaConfigurationLearnersFieldEvent> {
    return streamMessage(buf, RaftSnapshotMeta.codec(), opts)
  }
}

export interface RaftConfigurationChange {
  kind: number
  id: string
  context: Uint8Array<ArrayBuffer>
}

export namespace RaftConfigurationChange {
  let _codec: Codec<RaftConfigurationChange>

  export const codec = (): Codec<RaftConfigurationChange> => {
    if (_codec == null) {
      _codec = message<RaftConfigurationChange>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(8)
          w.uint32(obj.kind)
        }

        if ((obj.id != null && obj.id !== '')) {
          w.uint32(18)
          w.string(obj.id)
        }

        if ((obj.context != null && obj.context.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.context)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          kind: 0,
          id: '',
          context: uint8ArrayAlloc(0)
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
              obj.id = reader.string()
              break
            }
            case 3: {
              obj.context = reader.bytes()
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
                field: `${prefix}.id`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.context`,
                value: reader.bytes()
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

  export interface RaftConfigurationChangeKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface RaftConfigurationChangeIdFieldEvent {
    field: '$.id'
    value: string
  }

  export interface RaftConfigurationChangeContextFieldEvent {
    field: '$.context'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<RaftConfigurationChange>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftConfigurationChange.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftConfigurationChange>): RaftConfigurationChange {
    return decodeMessage(buf, RaftConfigurationChange.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftConfigurationChange>): Generator<RaftConfigurationChangeKindFieldEvent | RaftConfigurationChangeIdFieldEvent | RaftConfigurationChangeContextFieldEvent> {
    return streamMessage(buf, RaftConfigurationChange.codec(), opts)
  }
}

export interface RaftSnapshotBegin {
  hello?: RaftHello
  message?: RaftMessage
}

export namespace RaftSnapshotBegin {
  let _codec: Codec<RaftSnapshotBegin>

  export const codec = (): Codec<RaftSnapshotBegin> => {
    if (_codec == null) {
      _codec = message<RaftSnapshotBegin>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.hello != null) {
          w.uint32(10)
          RaftHello.codec().encode(obj.hello, w)
        }

        if (obj.message != null) {
          w.uint32(18)
          RaftMessage.codec().encode(obj.message, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.hello = RaftHello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.message = RaftMessage.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.message
              })
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
              yield * RaftHello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * RaftMessage.codec().stream(reader, reader.uint32(), `${prefix}.message`, {
                limits: opts.limits?.message
              })

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

  export interface RaftSnapshotBeginHelloClusterIdFieldEvent {
    field: '$.hello.clusterId'
    value: string
  }

  export interface RaftSnapshotBeginHelloFromFieldEvent {
    field: '$.hello.from'
    value: string
  }

  export interface RaftSnapshotBeginHelloToFieldEvent {
    field: '$.hello.to'
    value: string
  }

  export interface RaftSnapshotBeginMessageTypeFieldEvent {
    field: '$.message.type'
    value: number
  }

  export interface RaftSnapshotBeginMessageTermFieldEvent {
    field: '$.message.term'
    value: number
  }

  export interface RaftSnapshotBeginMessageIndexFieldEvent {
    field: '$.message.index'
    value: number
  }

  export interface RaftSnapshotBeginMessageLogTermFieldEvent {
    field: '$.message.logTerm'
    value: number
  }

  export interface RaftSnapshotBeginMessagePrevIndexFieldEvent {
    field: '$.message.prevIndex'
    value: number
  }

  export interface RaftSnapshotBeginMessageCommitFieldEvent {
    field: '$.message.commit'
    value: number
  }

  export interface RaftSnapshotBeginMessageRoundFieldEvent {
    field: '$.message.round'
    value: number
  }

  export interface RaftSnapshotBeginMessagePreFieldEvent {
    field: '$.message.pre'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageTransferFieldEvent {
    field: '$.message.transfer'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageGrantedFieldEvent {
    field: '$.message.granted'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageRejectedFieldEvent {
    field: '$.message.rejected'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageHintIndexFieldEvent {
    field: '$.message.hintIndex'
    value: number
  }

  export interface RaftSnapshotBeginMessageHintTermFieldEvent {
    field: '$.message.hintTerm'
    value: number
  }

  export interface RaftSnapshotBeginMessageLostFieldEvent {
    field: '$.message.lost'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageContextFieldEvent {
    field: '$.message.context'
    value: string
  }

  export interface RaftSnapshotBeginMessageHealFieldEvent {
    field: '$.message.heal'
    value: boolean
  }

  export interface RaftSnapshotBeginMessageTargetFieldEvent {
    field: '$.message.target'
    value: string
  }

  export interface RaftSnapshotBeginMessageSnapshotIndexFieldEvent {
    field: '$.message.snapshot.index'
    value: number
  }

  export interface RaftSnapshotBeginMessageSnapshotTermFieldEvent {
    field: '$.message.snapshot.term'
    value: number
  }

  export interface RaftSnapshotBeginMessageSnapshotConfigurationVotersFieldEvent {
    field: '$.message.snapshot.configuration.voters[]'
    index: number
    value: string
  }

  export interface RaftSnapshotBeginMessageSnapshotConfigurationLearnersFieldEvent {
    field: '$.message.snapshot.configuration.learners[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<RaftSnapshotBegin>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftSnapshotBegin.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotBegin>): RaftSnapshotBegin {
    return decodeMessage(buf, RaftSnapshotBegin.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotBegin>): Generator<RaftSnapshotBeginHelloClusterIdFieldEvent | RaftSnapshotBeginHelloFromFieldEvent | RaftSnapshotBeginHelloToFieldEvent | RaftSnapshotBeginMessageTypeFieldEvent | RaftSnapshotBeginMessageTermFieldEvent | RaftSnapshotBeginMessageIndexFieldEvent | RaftSnapshotBeginMessageLogTermFieldEvent | RaftSnapshotBeginMessagePrevIndexFieldEvent | RaftSnapshotBeginMessageCommitFieldEvent | RaftSnapshotBeginMessageRoundFieldEvent | RaftSnapshotBeginMessagePreFieldEvent | RaftSnapshotBeginMessageTransferFieldEvent | RaftSnapshotBeginMessageGrantedFieldEvent | RaftSnapshotBeginMessageRejectedFieldEvent | RaftSnapshotBeginMessageHintIndexFieldEvent | RaftSnapshotBeginMessageHintTermFieldEvent | RaftSnapshotBeginMessageLostFieldEvent | RaftSnapshotBeginMessageContextFieldEvent | RaftSnapshotBeginMessageHealFieldEvent | RaftSnapshotBeginMessageTargetFieldEvent | RaftSnapshotBeginMessageSnapshotIndexFieldEvent | RaftSnapshotBeginMessageSnapshotTermFieldEvent | RaftSnapshotBeginMessageSnapshotConfigurationVotersFieldEvent | RaftSnapshotBeginMessageSnapshotConfigurationLearnersFieldEvent> {
    return streamMessage(buf, RaftSnapshotBegin.codec(), opts)
  }
}

export interface RaftSnapshotBeginReply {
  transfer: number
  received: number
}

export namespace RaftSnapshotBeginReply {
  let _codec: Codec<RaftSnapshotBeginReply>

  export const codec = (): Codec<RaftSnapshotBeginReply> => {
    if (_codec == null) {
      _codec = message<RaftSnapshotBeginReply>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.transfer != null && obj.transfer !== 0)) {
          w.uint32(8)
          w.uint32(obj.transfer)
        }

        if ((obj.received != null && obj.received !== 0)) {
          w.uint32(16)
          w.uint32(obj.received)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          transfer: 0,
          received: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.transfer = reader.uint32()
              break
            }
            case 2: {
              obj.received = reader.uint32()
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
                field: `${prefix}.transfer`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.received`,
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

  export interface RaftSnapshotBeginReplyTransferFieldEvent {
    field: '$.transfer'
    value: number
  }

  export interface RaftSnapshotBeginReplyReceivedFieldEvent {
    field: '$.received'
    value: number
  }

  export function encode (obj: Partial<RaftSnapshotBeginReply>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftSnapshotBeginReply.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotBeginReply>): RaftSnapshotBeginReply {
    return decodeMessage(buf, RaftSnapshotBeginReply.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotBeginReply>): Generator<RaftSnapshotBeginReplyTransferFieldEvent | RaftSnapshotBeginReplyReceivedFieldEvent> {
    return streamMessage(buf, RaftSnapshotBeginReply.codec(), opts)
  }
}

export interface RaftSnapshotPiece {
  transfer: number
  number: number
  crc32c: number
}

export namespace RaftSnapshotPiece {
  let _codec: Codec<RaftSnapshotPiece>

  export const codec = (): Codec<RaftSnapshotPiece> => {
    if (_codec == null) {
      _codec = message<RaftSnapshotPiece>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.transfer != null && obj.transfer !== 0)) {
          w.uint32(8)
          w.uint32(obj.transfer)
        }

        if ((obj.number != null && obj.number !== 0)) {
          w.uint32(16)
          w.uint32(obj.number)
        }

        if ((obj.crc32c != null && obj.crc32c !== 0)) {
          w.uint32(24)
          w.uint32(obj.crc32c)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          transfer: 0,
          number: 0,
          crc32c: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.transfer = reader.uint32()
              break
            }
            case 2: {
              obj.number = reader.uint32()
              break
            }
            case 3: {
              obj.crc32c = reader.uint32()
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
                field: `${prefix}.transfer`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.number`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.crc32c`,
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

  export interface RaftSnapshotPieceTransferFieldEvent {
    field: '$.transfer'
    value: number
  }

  export interface RaftSnapshotPieceNumberFieldEvent {
    field: '$.number'
    value: number
  }

  export interface RaftSnapshotPieceCrc32cFieldEvent {
    field: '$.crc32c'
    value: number
  }

  export function encode (obj: Partial<RaftSnapshotPiece>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftSnapshotPiece.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotPiece>): RaftSnapshotPiece {
    return decodeMessage(buf, RaftSnapshotPiece.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotPiece>): Generator<RaftSnapshotPieceTransferFieldEvent | RaftSnapshotPieceNumberFieldEvent | RaftSnapshotPieceCrc32cFieldEvent> {
    return streamMessage(buf, RaftSnapshotPiece.codec(), opts)
  }
}

export interface RaftSnapshotFinish {
  transfer: number
  pieces: number
}

export namespace RaftSnapshotFinish {
  let _codec: Codec<RaftSnapshotFinish>

  export const codec = (): Codec<RaftSnapshotFinish> => {
    if (_codec == null) {
      _codec = message<RaftSnapshotFinish>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.transfer != null && obj.transfer !== 0)) {
          w.uint32(8)
          w.uint32(obj.transfer)
        }

        if ((obj.pieces != null && obj.pieces !== 0)) {
          w.uint32(16)
          w.uint32(obj.pieces)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          transfer: 0,
          pieces: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.transfer = reader.uint32()
              break
            }
            case 2: {
              obj.pieces = reader.uint32()
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
                field: `${prefix}.transfer`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.pieces`,
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

  export interface RaftSnapshotFinishTransferFieldEvent {
    field: '$.transfer'
    value: number
  }

  export interface RaftSnapshotFinishPiecesFieldEvent {
    field: '$.pieces'
    value: number
  }

  export function encode (obj: Partial<RaftSnapshotFinish>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RaftSnapshotFinish.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotFinish>): RaftSnapshotFinish {
    return decodeMessage(buf, RaftSnapshotFinish.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RaftSnapshotFinish>): Generator<RaftSnapshotFinishTransferFieldEvent | RaftSnapshotFinishPiecesFieldEvent> {
    return streamMessage(buf, RaftSnapshotFinish.codec(), opts)
  }
}
