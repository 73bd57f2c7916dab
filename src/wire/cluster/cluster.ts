import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface JoinToken {
  clusterId: string
  invitationId: string
  secret: Uint8Array<ArrayBuffer>
  addrs: string[]
  expiresAtMs: number
}

export namespace JoinToken {
  let _codec: Codec<JoinToken>

  export const codec = (): Codec<JoinToken> => {
    if (_codec == null) {
      _codec = message<JoinToken>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.invitationId != null && obj.invitationId !== '')) {
          w.uint32(18)
          w.string(obj.invitationId)
        }

        if ((obj.secret != null && obj.secret.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.secret)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(34)
            w.string(value)
          }
        }

        if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.expiresAtMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          invitationId: '',
          secret: uint8ArrayAlloc(0),
          addrs: [],
          expiresAtMs: 0
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
              obj.invitationId = reader.string()
              break
            }
            case 3: {
              obj.secret = reader.bytes()
              break
            }
            case 4: {
              if (opts.limits?.addrs != null && obj.addrs.length === opts.limits.addrs) {
                throw new MaxLengthError('Decode error - repeated field "addrs" had too many elements')
              }

              obj.addrs.push(reader.string())
              break
            }
            case 5: {
              obj.expiresAtMs = reader.uint64Number()
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
          addrs: 0
        }

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
                field: `${prefix}.invitationId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.secret`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              if (opts.limits?.addrs != null && obj.addrs === opts.limits.addrs) {
                throw new MaxLengthError('Streaming decode error - repeated field "addrs" had too many elements')
              }

              yield {
                field: `${prefix}.addrs[]`,
                index: obj.addrs,
                value: reader.string()
              }

              obj.addrs++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.expiresAtMs`,
                value: reader.uint64Number()
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

  export interface JoinTokenClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface JoinTokenInvitationIdFieldEvent {
    field: '$.invitationId'
    value: string
  }

  export interface JoinTokenSecretFieldEvent {
    field: '$.secret'
    value: Uint8Array<ArrayBuffer>
  }

  export interface JoinTokenAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export interface JoinTokenExpiresAtMsFieldEvent {
    field: '$.expiresAtMs'
    value: number
  }

  export function encode (obj: Partial<JoinToken>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, JoinToken.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinToken>): JoinToken {
    return decodeMessage(buf, JoinToken.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinToken>): Generator<JoinTokenClusterIdFieldEvent | JoinTokenInvitationIdFieldEvent | JoinTokenSecretFieldEvent | JoinTokenAddrsFieldEvent | JoinTokenExpiresAtMsFieldEvent> {
    return streamMessage(buf, JoinToken.codec(), opts)
  }
}

export interface JoinRequest {
  clusterId: string
  invitationId: string
  secret: Uint8Array<ArrayBuffer>
  name: string
  zone: string
  addrs: string[]
  fromClusterId: string
  bound: boolean
}

export namespace JoinRequest {
  let _codec: Codec<JoinRequest>

  export const codec = (): Codec<JoinRequest> => {
    if (_codec == null) {
      _codec = message<JoinRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.invitationId != null && obj.invitationId !== '')) {
          w.uint32(18)
          w.string(obj.invitationId)
        }

        if ((obj.secret != null && obj.secret.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.secret)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(34)
          w.string(obj.name)
        }

        if ((obj.zone != null && obj.zone !== '')) {
          w.uint32(42)
          w.string(obj.zone)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(50)
            w.string(value)
          }
        }

        if ((obj.fromClusterId != null && obj.fromClusterId !== '')) {
          w.uint32(58)
          w.string(obj.fromClusterId)
        }

        if ((obj.bound != null && obj.bound !== false)) {
          w.uint32(64)
          w.bool(obj.bound)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          invitationId: '',
          secret: uint8ArrayAlloc(0),
          name: '',
          zone: '',
          addrs: [],
          fromClusterId: '',
          bound: false
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
              obj.invitationId = reader.string()
              break
            }
            case 3: {
              obj.secret = reader.bytes()
              break
            }
            case 4: {
              obj.name = reader.string()
              break
            }
            case 5: {
              obj.zone = reader.string()
              break
            }
            case 6: {
              if (opts.limits?.addrs != null && obj.addrs.length === opts.limits.addrs) {
                throw new MaxLengthError('Decode error - repeated field "addrs" had too many elements')
              }

              obj.addrs.push(reader.string())
              break
            }
            case 7: {
              obj.fromClusterId = reader.string()
              break
            }
            case 8: {
              obj.bound = reader.bool()
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
          addrs: 0
        }

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
                field: `${prefix}.invitationId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.secret`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.zone`,
                value: reader.string()
              }
              break
            }
            case 6: {
              if (opts.limits?.addrs != null && obj.addrs === opts.limits.addrs) {
                throw new MaxLengthError('Streaming decode error - repeated field "addrs" had too many elements')
              }

              yield {
                field: `${prefix}.addrs[]`,
                index: obj.addrs,
                value: reader.string()
              }

              obj.addrs++

              break
            }
            case 7: {
              yield {
                field: `${prefix}.fromClusterId`,
                value: reader.string()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.bound`,
                value: reader.bool()
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

  export interface JoinRequestClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface JoinRequestInvitationIdFieldEvent {
    field: '$.invitationId'
    value: string
  }

  export interface JoinRequestSecretFieldEvent {
    field: '$.secret'
    value: Uint8Array<ArrayBuffer>
  }

  export interface JoinRequestNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface JoinRequestZoneFieldEvent {
    field: '$.zone'
    value: string
  }

  export interface JoinRequestAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export interface JoinRequestFromClusterIdFieldEvent {
    field: '$.fromClusterId'
    value: string
  }

  export interface JoinRequestBoundFieldEvent {
    field: '$.bound'
    value: boolean
  }

  export function encode (obj: Partial<JoinRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, JoinRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinRequest>): JoinRequest {
    return decodeMessage(buf, JoinRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinRequest>): Generator<JoinRequestClusterIdFieldEvent | JoinRequestInvitationIdFieldEvent | JoinRequestSecretFieldEvent | JoinRequestNameFieldEvent | JoinRequestZoneFieldEvent | JoinRequestAddrsFieldEvent | JoinRequestFromClusterIdFieldEvent | JoinRequestBoundFieldEvent> {
    return streamMessage(buf, JoinRequest.codec(), opts)
  }
}

export interface JoinReply {
  clusterId: string
  nodeId: string
  bootVoters: string[]
  members: MemberAddress[]
  mode: string
}

export namespace JoinReply {
  let _codec: Codec<JoinReply>

  export const codec = (): Codec<JoinReply> => {
    if (_codec == null) {
      _codec = message<JoinReply>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.nodeId != null && obj.nodeId !== '')) {
          w.uint32(18)
          w.string(obj.nodeId)
        }

        if (obj.bootVoters != null && obj.bootVoters.length > 0) {
          for (const value of obj.bootVoters) {
            w.uint32(26)
            w.string(value)
          }
        }

        if (obj.members != null && obj.members.length > 0) {
          for (const value of obj.members) {
            w.uint32(34)
            MemberAddress.codec().encode(value, w)
          }
        }

        if ((obj.mode != null && obj.mode !== '')) {
          w.uint32(42)
          w.string(obj.mode)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          nodeId: '',
          bootVoters: [],
          members: [],
          mode: ''
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
              obj.nodeId = reader.string()
              break
            }
            case 3: {
              if (opts.limits?.bootVoters != null && obj.bootVoters.length === opts.limits.bootVoters) {
                throw new MaxLengthError('Decode error - repeated field "bootVoters" had too many elements')
              }

              obj.bootVoters.push(reader.string())
              break
            }
            case 4: {
              if (opts.limits?.members != null && obj.members.length === opts.limits.members) {
                throw new MaxLengthError('Decode error - repeated field "members" had too many elements')
              }

              obj.members.push(MemberAddress.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.members$
              }))
              break
            }
            case 5: {
              obj.mode = reader.string()
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
          bootVoters: 0,
          members: 0
        }

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
                field: `${prefix}.nodeId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              if (opts.limits?.bootVoters != null && obj.bootVoters === opts.limits.bootVoters) {
                throw new MaxLengthError('Streaming decode error - repeated field "bootVoters" had too many elements')
              }

              yield {
                field: `${prefix}.bootVoters[]`,
                index: obj.bootVoters,
                value: reader.string()
              }

              obj.bootVoters++

              break
            }
            case 4: {
              if (opts.limits?.members != null && obj.members === opts.limits.members) {
                throw new MaxLengthError('Streaming decode error - repeated field "members" had too many elements')
              }

              for (const evt of MemberAddress.codec().stream(reader, reader.uint32(), `${prefix}.members[]`, {
                limits: opts.limits?.members$
              })) {
                yield {
                  ...evt,
                  index: obj.members
                }
              }

              obj.members++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.mode`,
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

  export interface JoinReplyClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface JoinReplyNodeIdFieldEvent {
    field: '$.nodeId'
    value: string
  }

  export interface JoinReplyBootVotersFieldEvent {
    field: '$.bootVoters[]'
    index: number
    value: string
  }

  export interface JoinReplyMembersNodeIdFieldEvent {
    field: '$.members[].nodeId'
    value: string
    index: number
  }

  export interface JoinReplyMembersAddrsFieldEvent {
    field: '$.members[].addrs[]'
    index: number
    value: string
  }

  export interface JoinReplyModeFieldEvent {
    field: '$.mode'
    value: string
  }

  export function encode (obj: Partial<JoinReply>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, JoinReply.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinReply>): JoinReply {
    return decodeMessage(buf, JoinReply.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<JoinReply>): Generator<JoinReplyClusterIdFieldEvent | JoinReplyNodeIdFieldEvent | JoinReplyBootVotersFieldEvent | JoinReplyMembersNodeIdFieldEvent | JoinReplyMembersAddrsFieldEvent | JoinReplyModeFieldEvent> {
    return streamMessage(buf, JoinReply.codec(), opts)
  }
}

export interface MemberAddress {
  nodeId: string
  addrs: string[]
}

export namespace MemberAddress {
  let _codec: Codec<MemberAddress>

  export const codec = (): Codec<MemberAddress> => {
    if (_codec == null) {
      _codec = message<MemberAddress>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.nodeId != null && obj.nodeId !== '')) {
          w.uint32(10)
          w.string(obj.nodeId)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          nodeId: '',
          addrs: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.nodeId = reader.string()
              break
            }
            case 2: {
              if (opts.limits?.addrs != null && obj.addrs.length === opts.limits.addrs) {
                throw new MaxLengthError('Decode error - repeated field "addrs" had too many elements')
              }

              obj.addrs.push(reader.string())
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
          addrs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.nodeId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              if (opts.limits?.addrs != null && obj.addrs === opts.limits.addrs) {
                throw new MaxLengthError('Streaming decode error - repeated field "addrs" had too many elements')
              }

              yield {
                field: `${prefix}.addrs[]`,
                index: obj.addrs,
                value: reader.string()
              }

              obj.addrs++

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

  export interface MemberAddressNodeIdFieldEvent {
    field: '$.nodeId'
    value: string
  }

  export interface MemberAddressAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<MemberAddress>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, MemberAddress.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberAddress>): MemberAddress {
    return decodeMessage(buf, MemberAddress.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberAddress>): Generator<MemberAddressNodeIdFieldEvent | MemberAddressAddrsFieldEvent> {
    return streamMessage(buf, MemberAddress.codec(), opts)
  }
}

export interface ProbeRequest {
  clusterId: string
}

export namespace ProbeRequest {
  let _codec: Codec<ProbeRequest>

  export const codec = (): Codec<ProbeRequest> => {
    if (_codec == null) {
      _codec = message<ProbeRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.clusterId = reader.string()
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

  export interface ProbeRequestClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export function encode (obj: Partial<ProbeRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ProbeRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProbeRequest>): ProbeRequest {
    return decodeMessage(buf, ProbeRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProbeRequest>): Generator<ProbeRequestClusterIdFieldEvent> {
    return streamMessage(buf, ProbeRequest.codec(), opts)
  }
}

export interface ProbeReply {
  clusterId: string
  nodeId: string
  role: string
  leader: string
  term: number
  lastIndex: number
  lastTerm: number
  commitIndex: number
  appliedIndex: number
  heard: Heard[]
  failed: boolean
}

export namespace ProbeReply {
  let _codec: Codec<ProbeReply>

  export const codec = (): Codec<ProbeReply> => {
    if (_codec == null) {
      _codec = message<ProbeReply>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.nodeId != null && obj.nodeId !== '')) {
          w.uint32(18)
          w.string(obj.nodeId)
        }

        if ((obj.role != null && obj.role !== '')) {
          w.uint32(26)
          w.string(obj.role)
        }

        if ((obj.leader != null && obj.leader !== '')) {
          w.uint32(34)
          w.string(obj.leader)
        }

        if ((obj.term != null && obj.term !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.term)
        }

        if ((obj.lastIndex != null && obj.lastIndex !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.lastIndex)
        }

        if ((obj.lastTerm != null && obj.lastTerm !== 0)) {
          w.uint32(56)
          w.uint64Number(obj.lastTerm)
        }

        if ((obj.commitIndex != null && obj.commitIndex !== 0)) {
          w.uint32(64)
          w.uint64Number(obj.commitIndex)
        }

        if ((obj.appliedIndex != null && obj.appliedIndex !== 0)) {
          w.uint32(72)
          w.uint64Number(obj.appliedIndex)
        }

        if (obj.heard != null && obj.heard.length > 0) {
          for (const value of obj.heard) {
            w.uint32(82)
            Heard.codec().encode(value, w)
          }
        }

        if ((obj.failed != null && obj.failed !== false)) {
          w.uint32(88)
          w.bool(obj.failed)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          nodeId: '',
          role: '',
          leader: '',
          term: 0,
          lastIndex: 0,
          lastTerm: 0,
          commitIndex: 0,
          appliedIndex: 0,
          heard: [],
          failed: false
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
              obj.nodeId = reader.string()
              break
            }
            case 3: {
              obj.role = reader.string()
              break
            }
            case 4: {
              obj.leader = reader.string()
              break
            }
            case 5: {
              obj.term = reader.uint64Number()
              break
            }
            case 6: {
              obj.lastIndex = reader.uint64Number()
              break
            }
            case 7: {
              obj.lastTerm = reader.uint64Number()
              break
            }
            case 8: {
              obj.commitIndex = reader.uint64Number()
              break
            }
            case 9: {
              obj.appliedIndex = reader.uint64Number()
              break
            }
            case 10: {
              if (opts.limits?.heard != null && obj.heard.length === opts.limits.heard) {
                throw new MaxLengthError('Decode error - repeated field "heard" had too many elements')
              }

              obj.heard.push(Heard.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.heard$
              }))
              break
            }
            case 11: {
              obj.failed = reader.bool()
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
          heard: 0
        }

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
                field: `${prefix}.nodeId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.role`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.leader`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.term`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.lastIndex`,
                value: reader.uint64Number()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.lastTerm`,
                value: reader.uint64Number()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.commitIndex`,
                value: reader.uint64Number()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.appliedIndex`,
                value: reader.uint64Number()
              }
              break
            }
            case 10: {
              if (opts.limits?.heard != null && obj.heard === opts.limits.heard) {
                throw new MaxLengthError('Streaming decode error - repeated field "heard" had too many elements')
              }

              for (const evt of Heard.codec().stream(reader, reader.uint32(), `${prefix}.heard[]`, {
                limits: opts.limits?.heard$
              })) {
                yield {
                  ...evt,
                  index: obj.heard
                }
              }

              obj.heard++

              break
            }
            case 11: {
              yield {
                field: `${prefix}.failed`,
                value: reader.bool()
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

  export interface ProbeReplyClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface ProbeReplyNodeIdFieldEvent {
    field: '$.nodeId'
    value: string
  }

  export interface ProbeReplyRoleFieldEvent {
    field: '$.role'
    value: string
  }

  export interface ProbeReplyLeaderFieldEvent {
    field: '$.leader'
    value: string
  }

  export interface ProbeReplyTermFieldEvent {
    field: '$.term'
    value: number
  }

  export interface ProbeReplyLastIndexFieldEvent {
    field: '$.lastIndex'
    value: number
  }

  export interface ProbeReplyLastTermFieldEvent {
    field: '$.lastTerm'
    value: number
  }

  export interface ProbeReplyCommitIndexFieldEvent {
    field: '$.commitIndex'
    value: number
  }

  export interface ProbeReplyAppliedIndexFieldEvent {
    field: '$.appliedIndex'
    value: number
  }

  export interface ProbeReplyHeardNodeIdFieldEvent {
    field: '$.heard[].nodeId'
    value: string
    index: number
  }

  export interface ProbeReplyHeardAgoMsFieldEvent {
    field: '$.heard[].agoMs'
    value: number
    index: number
  }

  export interface ProbeReplyHeardMatchIndexFieldEvent {
    field: '$.heard[].matchIndex'
    value: number
    index: number
  }

  export interface ProbeReplyFailedFieldEvent {
    field: '$.failed'
    value: boolean
  }

  export function encode (obj: Partial<ProbeReply>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ProbeReply.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProbeReply>): ProbeReply {
    return decodeMessage(buf, ProbeReply.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProbeReply>): Generator<ProbeReplyClusterIdFieldEvent | ProbeReplyNodeIdFieldEvent | ProbeReplyRoleFieldEvent | ProbeReplyLeaderFieldEvent | ProbeReplyTermFieldEvent | ProbeReplyLastIndexFieldEvent | ProbeReplyLastTermFieldEvent | ProbeReplyCommitIndexFieldEvent | ProbeReplyAppliedIndexFieldEvent | ProbeReplyHeardNodeIdFieldEvent | ProbeReplyHeardAgoMsFieldEvent | ProbeReplyHeardMatchIndexFieldEvent | ProbeReplyFailedFieldEvent> {
    return streamMessage(buf, ProbeReply.codec(), opts)
  }
}

export interface Heard {
  nodeId: string
  agoMs: number
  matchIndex: number
}

export namespace Heard {
  let _codec: Codec<Heard>

  export const codec = (): Codec<Heard> => {
    if (_codec == null) {
      _codec = message<Heard>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.nodeId != null && obj.nodeId !== '')) {
          w.uint32(10)
          w.string(obj.nodeId)
        }

        if ((obj.agoMs != null && obj.agoMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.agoMs)
        }

        if ((obj.matchIndex != null && obj.matchIndex !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.matchIndex)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          nodeId: '',
          agoMs: 0,
          matchIndex: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.nodeId = reader.string()
              break
            }
            case 2: {
              obj.agoMs = reader.uint64Number()
              break
            }
            case 3: {
              obj.matchIndex = reader.uint64Number()
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
                field: `${prefix}.nodeId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.agoMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.matchIndex`,
                value: reader.uint64Number()
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

  export interface HeardNodeIdFieldEvent {
    field: '$.nodeId'
    value: string
  }

  export interface HeardAgoMsFieldEvent {
    field: '$.agoMs'
    value: number
  }

  export interface HeardMatchIndexFieldEvent {
    field: '$.matchIndex'
    value: number
  }

  export function encode (obj: Partial<Heard>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Heard.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Heard>): Heard {
    return decodeMessage(buf, Heard.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Heard>): Generator<HeardNodeIdFieldEvent | HeardAgoMsFieldEvent | HeardMatchIndexFieldEvent> {
    return streamMessage(buf, Heard.codec(), opts)
  }
}

export interface StandingRequest {
  clusterId: string
  nodeId: string
}

export namespace StandingRequest {
  let _codec: Codec<StandingRequest>

  export const codec = (): Codec<StandingRequest> => {
    if (_codec == null) {
      _codec = message<StandingRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.nodeId != null && obj.nodeId !== '')) {
          w.uint32(18)
          w.string(obj.nodeId)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          nodeId: ''
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
              obj.nodeId = reader.string()
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
                field: `${prefix}.nodeId`,
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

  export interface StandingRequestClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface StandingRequestNodeIdFieldEvent {
    field: '$.nodeId'
    value: string
  }

  export function encode (obj: Partial<StandingRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, StandingRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandingRequest>): StandingRequest {
    return decodeMessage(buf, StandingRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandingRequest>): Generator<StandingRequestClusterIdFieldEvent | StandingRequestNodeIdFieldEvent> {
    return streamMessage(buf, StandingRequest.codec(), opts)
  }
}

export interface StandingReply {
  member: boolean
  members: MemberAddress[]
}

export namespace StandingReply {
  let _codec: Codec<StandingReply>

  export const codec = (): Codec<StandingReply> => {
    if (_codec == null) {
      _codec = message<StandingReply>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.member != null && obj.member !== false)) {
          w.uint32(8)
          w.bool(obj.member)
        }

        if (obj.members != null && obj.members.length > 0) {
          for (const value of obj.members) {
            w.uint32(18)
            MemberAddress.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          member: false,
          members: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.member = reader.bool()
              break
            }
            case 2: {
              if (opts.limits?.members != null && obj.members.length === opts.limits.members) {
                throw new MaxLengthError('Decode error - repeated field "members" had too many elements')
              }

              obj.members.push(MemberAddress.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.members$
              }))
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
          members: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.member`,
                value: reader.bool()
              }
              break
            }
            case 2: {
              if (opts.limits?.members != null && obj.members === opts.limits.members) {
                throw new MaxLengthError('Streaming decode error - repeated field "members" had too many elements')
              }

              for (const evt of MemberAddress.codec().stream(reader, reader.uint32(), `${prefix}.members[]`, {
                limits: opts.limits?.members$
              })) {
                yield {
                  ...evt,
                  index: obj.members
                }
              }

              obj.members++

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

  export interface StandingReplyMemberFieldEvent {
    field: '$.member'
    value: boolean
  }

  export interface StandingReplyMembersNodeIdFieldEvent {
    field: '$.members[].nodeId'
    value: string
    index: number
  }

  export interface StandingReplyMembersAddrsFieldEvent {
    field: '$.members[].addrs[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<StandingReply>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, StandingReply.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandingReply>): StandingReply {
    return decodeMessage(buf, StandingReply.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StandingReply>): Generator<StandingReplyMemberFieldEvent | StandingReplyMembersNodeIdFieldEvent | StandingReplyMembersAddrsFieldEvent> {
    return streamMessage(buf, StandingReply.codec(), opts)
  }
}
