import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface NodeRecord {
  incarnation: number
  name: string
  zone: string
  addrs: string[]
  state: number
  stateSinceMs: number
  joinedAtMs: number
  wish: number
  leaving: boolean
}

export namespace NodeRecord {
  let _codec: Codec<NodeRecord>

  export const codec = (): Codec<NodeRecord> => {
    if (_codec == null) {
      _codec = message<NodeRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.incarnation)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(18)
          w.string(obj.name)
        }

        if ((obj.zone != null && obj.zone !== '')) {
          w.uint32(26)
          w.string(obj.zone)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(34)
            w.string(value)
          }
        }

        if ((obj.state != null && obj.state !== 0)) {
          w.uint32(40)
          w.uint32(obj.state)
        }

        if ((obj.stateSinceMs != null && obj.stateSinceMs !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.stateSinceMs)
        }

        if ((obj.joinedAtMs != null && obj.joinedAtMs !== 0)) {
          w.uint32(56)
          w.uint64Number(obj.joinedAtMs)
        }

        if ((obj.wish != null && obj.wish !== 0)) {
          w.uint32(64)
          w.uint32(obj.wish)
        }

        if ((obj.leaving != null && obj.leaving !== false)) {
          w.uint32(72)
          w.bool(obj.leaving)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          incarnation: 0,
          name: '',
          zone: '',
          addrs: [],
          state: 0,
          stateSinceMs: 0,
          joinedAtMs: 0,
          wish: 0,
          leaving: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 2: {
              obj.name = reader.string()
              break
            }
            case 3: {
              obj.zone = reader.string()
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
              obj.state = reader.uint32()
              break
            }
            case 6: {
              obj.stateSinceMs = reader.uint64Number()
              break
            }
            case 7: {
              obj.joinedAtMs = reader.uint64Number()
              break
            }
            case 8: {
              obj.wish = reader.uint32()
              break
            }
            case 9: {
              obj.leaving = reader.bool()
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
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.zone`,
                value: reader.string()
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
                field: `${prefix}.state`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.stateSinceMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.joinedAtMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.wish`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.leaving`,
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

  export interface NodeRecordIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface NodeRecordNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface NodeRecordZoneFieldEvent {
    field: '$.zone'
    value: string
  }

  export interface NodeRecordAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export interface NodeRecordStateFieldEvent {
    field: '$.state'
    value: number
  }

  export interface NodeRecordStateSinceMsFieldEvent {
    field: '$.stateSinceMs'
    value: number
  }

  export interface NodeRecordJoinedAtMsFieldEvent {
    field: '$.joinedAtMs'
    value: number
  }

  export interface NodeRecordWishFieldEvent {
    field: '$.wish'
    value: number
  }

  export interface NodeRecordLeavingFieldEvent {
    field: '$.leaving'
    value: boolean
  }

  export function encode (obj: Partial<NodeRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, NodeRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NodeRecord>): NodeRecord {
    return decodeMessage(buf, NodeRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NodeRecord>): Generator<NodeRecordIncarnationFieldEvent | NodeRecordNameFieldEvent | NodeRecordZoneFieldEvent | NodeRecordAddrsFieldEvent | NodeRecordStateFieldEvent | NodeRecordStateSinceMsFieldEvent | NodeRecordJoinedAtMsFieldEvent | NodeRecordWishFieldEvent | NodeRecordLeavingFieldEvent> {
    return streamMessage(buf, NodeRecord.codec(), opts)
  }
}

export interface InvitationRecord {
  secretHash: Uint8Array<ArrayBuffer>
  expiresAtMs: number
  usesMax: number
  usedBy: string[]
  createdBy: string
}

export namespace InvitationRecord {
  let _codec: Codec<InvitationRecord>

  export const codec = (): Codec<InvitationRecord> => {
    if (_codec == null) {
      _codec = message<InvitationRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.secretHash != null && obj.secretHash.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.secretHash)
        }

        if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.expiresAtMs)
        }

        if ((obj.usesMax != null && obj.usesMax !== 0)) {
          w.uint32(24)
          w.uint32(obj.usesMax)
        }

        if (obj.usedBy != null && obj.usedBy.length > 0) {
          for (const value of obj.usedBy) {
            w.uint32(34)
            w.string(value)
          }
        }

        if ((obj.createdBy != null && obj.createdBy !== '')) {
          w.uint32(42)
          w.string(obj.createdBy)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          secretHash: uint8ArrayAlloc(0),
          expiresAtMs: 0,
          usesMax: 0,
          usedBy: [],
          createdBy: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.secretHash = reader.bytes()
              break
            }
            case 2: {
              obj.expiresAtMs = reader.uint64Number()
              break
            }
            case 3: {
              obj.usesMax = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.usedBy != null && obj.usedBy.length === opts.limits.usedBy) {
                throw new MaxLengthError('Decode error - repeated field "usedBy" had too many elements')
              }

              obj.usedBy.push(reader.string())
              break
            }
            case 5: {
              obj.createdBy = reader.string()
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
          usedBy: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.secretHash`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.expiresAtMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.usesMax`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              if (opts.limits?.usedBy != null && obj.usedBy === opts.limits.usedBy) {
                throw new MaxLengthError('Streaming decode error - repeated field "usedBy" had too many elements')
              }

              yield {
                field: `${prefix}.usedBy[]`,
                index: obj.usedBy,
                value: reader.string()
              }

              obj.usedBy++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.createdBy`,
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

  export interface InvitationRecordSecretHashFieldEvent {
    field: '$.secretHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface InvitationRecordExpiresAtMsFieldEvent {
    field: '$.expiresAtMs'
    value: number
  }

  export interface InvitationRecordUsesMaxFieldEvent {
    field: '$.usesMax'
    value: number
  }

  export interface InvitationRecordUsedByFieldEvent {
    field: '$.usedBy[]'
    index: number
    value: string
  }

  export interface InvitationRecordCreatedByFieldEvent {
    field: '$.createdBy'
    value: string
  }

  export function encode (obj: Partial<InvitationRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, InvitationRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InvitationRecord>): InvitationRecord {
    return decodeMessage(buf, InvitationRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InvitationRecord>): Generator<InvitationRecordSecretHashFieldEvent | InvitationRecordExpiresAtMsFieldEvent | InvitationRecordUsesMaxFieldEvent | InvitationRecordUsedByFieldEvent | InvitationRecordCreatedByFieldEvent> {
    return streamMessage(buf, InvitationRecord.codec(), opts)
  }
}

export interface ClusterRecord {
  clusterId: string
  mode: string
  createdAtMs: number
  formerIds: string[]
  nextIncarnation: number
}

export namespace ClusterRecord {
  let _codec: Codec<ClusterRecord>

  export const codec = (): Codec<ClusterRecord> => {
    if (_codec == null) {
      _codec = message<ClusterRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.mode != null && obj.mode !== '')) {
          w.uint32(18)
          w.string(obj.mode)
        }

        if ((obj.createdAtMs != null && obj.createdAtMs !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.createdAtMs)
        }

        if (obj.formerIds != null && obj.formerIds.length > 0) {
          for (const value of obj.formerIds) {
            w.uint32(34)
            w.string(value)
          }
        }

        if ((obj.nextIncarnation != null && obj.nextIncarnation !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.nextIncarnation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          mode: '',
          createdAtMs: 0,
          formerIds: [],
          nextIncarnation: 0
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
              obj.mode = reader.string()
              break
            }
            case 3: {
              obj.createdAtMs = reader.uint64Number()
              break
            }
            case 4: {
              if (opts.limits?.formerIds != null && obj.formerIds.length === opts.limits.formerIds) {
                throw new MaxLengthError('Decode error - repeated field "formerIds" had too many elements')
              }

              obj.formerIds.push(reader.string())
              break
            }
            case 5: {
              obj.nextIncarnation = reader.uint64Number()
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
          formerIds: 0
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
                field: `${prefix}.mode`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.createdAtMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              if (opts.limits?.formerIds != null && obj.formerIds === opts.limits.formerIds) {
                throw new MaxLengthError('Streaming decode error - repeated field "formerIds" had too many elements')
              }

              yield {
                field: `${prefix}.formerIds[]`,
                index: obj.formerIds,
                value: reader.string()
              }

              obj.formerIds++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.nextIncarnation`,
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

  export interface ClusterRecordClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface ClusterRecordModeFieldEvent {
    field: '$.mode'
    value: string
  }

  export interface ClusterRecordCreatedAtMsFieldEvent {
    field: '$.createdAtMs'
    value: number
  }

  export interface ClusterRecordFormerIdsFieldEvent {
    field: '$.formerIds[]'
    index: number
    value: string
  }

  export interface ClusterRecordNextIncarnationFieldEvent {
    field: '$.nextIncarnation'
    value: number
  }

  export function encode (obj: Partial<ClusterRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ClusterRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClusterRecord>): ClusterRecord {
    return decodeMessage(buf, ClusterRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClusterRecord>): Generator<ClusterRecordClusterIdFieldEvent | ClusterRecordModeFieldEvent | ClusterRecordCreatedAtMsFieldEvent | ClusterRecordFormerIdsFieldEvent | ClusterRecordNextIncarnationFieldEvent> {
    return streamMessage(buf, ClusterRecord.codec(), opts)
  }
}

export interface FoundCluster {
  clusterId: string
  mode: string
  peerId: string
  incarnation: number
  name: string
  zone: string
  addrs: string[]
}

export namespace FoundCluster {
  let _codec: Codec<FoundCluster>

  export const codec = (): Codec<FoundCluster> => {
    if (_codec == null) {
      _codec = message<FoundCluster>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.mode != null && obj.mode !== '')) {
          w.uint32(18)
          w.string(obj.mode)
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(26)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.incarnation)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(42)
          w.string(obj.name)
        }

        if ((obj.zone != null && obj.zone !== '')) {
          w.uint32(50)
          w.string(obj.zone)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(58)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          mode: '',
          peerId: '',
          incarnation: 0,
          name: '',
          zone: '',
          addrs: []
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
              obj.mode = reader.string()
              break
            }
            case 3: {
              obj.peerId = reader.string()
              break
            }
            case 4: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 5: {
              obj.name = reader.string()
              break
            }
            case 6: {
              obj.zone = reader.string()
              break
            }
            case 7: {
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
                field: `${prefix}.clusterId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.mode`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.zone`,
                value: reader.string()
              }
              break
            }
            case 7: {
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

  export interface FoundClusterClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface FoundClusterModeFieldEvent {
    field: '$.mode'
    value: string
  }

  export interface FoundClusterPeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface FoundClusterIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface FoundClusterNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface FoundClusterZoneFieldEvent {
    field: '$.zone'
    value: string
  }

  export interface FoundClusterAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<FoundCluster>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, FoundCluster.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FoundCluster>): FoundCluster {
    return decodeMessage(buf, FoundCluster.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FoundCluster>): Generator<FoundClusterClusterIdFieldEvent | FoundClusterModeFieldEvent | FoundClusterPeerIdFieldEvent | FoundClusterIncarnationFieldEvent | FoundClusterNameFieldEvent | FoundClusterZoneFieldEvent | FoundClusterAddrsFieldEvent> {
    return streamMessage(buf, FoundCluster.codec(), opts)
  }
}

export interface CreateInvitation {
  id: string
  secretHash: Uint8Array<ArrayBuffer>
  ttlMs: number
  usesMax: number
  createdBy: string
}

export namespace CreateInvitation {
  let _codec: Codec<CreateInvitation>

  export const codec = (): Codec<CreateInvitation> => {
    if (_codec == null) {
      _codec = message<CreateInvitation>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id !== '')) {
          w.uint32(10)
          w.string(obj.id)
        }

        if ((obj.secretHash != null && obj.secretHash.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.secretHash)
        }

        if ((obj.ttlMs != null && obj.ttlMs !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.ttlMs)
        }

        if ((obj.usesMax != null && obj.usesMax !== 0)) {
          w.uint32(32)
          w.uint32(obj.usesMax)
        }

        if ((obj.createdBy != null && obj.createdBy !== '')) {
          w.uint32(42)
          w.string(obj.createdBy)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: '',
          secretHash: uint8ArrayAlloc(0),
          ttlMs: 0,
          usesMax: 0,
          createdBy: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.string()
              break
            }
            case 2: {
              obj.secretHash = reader.bytes()
              break
            }
            case 3: {
              obj.ttlMs = reader.uint64Number()
              break
            }
            case 4: {
              obj.usesMax = reader.uint32()
              break
            }
            case 5: {
              obj.createdBy = reader.string()
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
                field: `${prefix}.id`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.secretHash`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.ttlMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.usesMax`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.createdBy`,
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

  export interface CreateInvitationIdFieldEvent {
    field: '$.id'
    value: string
  }

  export interface CreateInvitationSecretHashFieldEvent {
    field: '$.secretHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface CreateInvitationTtlMsFieldEvent {
    field: '$.ttlMs'
    value: number
  }

  export interface CreateInvitationUsesMaxFieldEvent {
    field: '$.usesMax'
    value: number
  }

  export interface CreateInvitationCreatedByFieldEvent {
    field: '$.createdBy'
    value: string
  }

  export function encode (obj: Partial<CreateInvitation>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, CreateInvitation.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CreateInvitation>): CreateInvitation {
    return decodeMessage(buf, CreateInvitation.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CreateInvitation>): Generator<CreateInvitationIdFieldEvent | CreateInvitationSecretHashFieldEvent | CreateInvitationTtlMsFieldEvent | CreateInvitationUsesMaxFieldEvent | CreateInvitationCreatedByFieldEvent> {
    return streamMessage(buf, CreateInvitation.codec(), opts)
  }
}

export interface CreateInvitationResult {
  expiresAtMs: number
}

export namespace CreateInvitationResult {
  let _codec: Codec<CreateInvitationResult>

  export const codec = (): Codec<CreateInvitationResult> => {
    if (_codec == null) {
      _codec = message<CreateInvitationResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.expiresAtMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          expiresAtMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
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
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
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

  export interface CreateInvitationResultExpiresAtMsFieldEvent {
    field: '$.expiresAtMs'
    value: number
  }

  export function encode (obj: Partial<CreateInvitationResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, CreateInvitationResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CreateInvitationResult>): CreateInvitationResult {
    return decodeMessage(buf, CreateInvitationResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CreateInvitationResult>): Generator<CreateInvitationResultExpiresAtMsFieldEvent> {
    return streamMessage(buf, CreateInvitationResult.codec(), opts)
  }
}

export interface AdmitNode {
  invitationId: string
  secretHash: Uint8Array<ArrayBuffer>
  peerId: string
  name: string
  zone: string
  addrs: string[]
}

export namespace AdmitNode {
  let _codec: Codec<AdmitNode>

  export const codec = (): Codec<AdmitNode> => {
    if (_codec == null) {
      _codec = message<AdmitNode>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.invitationId != null && obj.invitationId !== '')) {
          w.uint32(10)
          w.string(obj.invitationId)
        }

        if ((obj.secretHash != null && obj.secretHash.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.secretHash)
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(26)
          w.string(obj.peerId)
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

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          invitationId: '',
          secretHash: uint8ArrayAlloc(0),
          peerId: '',
          name: '',
          zone: '',
          addrs: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.invitationId = reader.string()
              break
            }
            case 2: {
              obj.secretHash = reader.bytes()
              break
            }
            case 3: {
              obj.peerId = reader.string()
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
                field: `${prefix}.invitationId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.secretHash`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.peerId`,
                value: reader.string()
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

  export interface AdmitNodeInvitationIdFieldEvent {
    field: '$.invitationId'
    value: string
  }

  export interface AdmitNodeSecretHashFieldEvent {
    field: '$.secretHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AdmitNodePeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface AdmitNodeNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface AdmitNodeZoneFieldEvent {
    field: '$.zone'
    value: string
  }

  export interface AdmitNodeAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<AdmitNode>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmitNode.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmitNode>): AdmitNode {
    return decodeMessage(buf, AdmitNode.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmitNode>): Generator<AdmitNodeInvitationIdFieldEvent | AdmitNodeSecretHashFieldEvent | AdmitNodePeerIdFieldEvent | AdmitNodeNameFieldEvent | AdmitNodeZoneFieldEvent | AdmitNodeAddrsFieldEvent> {
    return streamMessage(buf, AdmitNode.codec(), opts)
  }
}

export interface AdmitNodeResult {
  incarnation: number
}

export namespace AdmitNodeResult {
  let _codec: Codec<AdmitNodeResult>

  export const codec = (): Codec<AdmitNodeResult> => {
    if (_codec == null) {
      _codec = message<AdmitNodeResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.incarnation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          incarnation: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.incarnation = reader.uint64Number()
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
                field: `${prefix}.incarnation`,
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

  export interface AdmitNodeResultIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export function encode (obj: Partial<AdmitNodeResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AdmitNodeResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmitNodeResult>): AdmitNodeResult {
    return decodeMessage(buf, AdmitNodeResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AdmitNodeResult>): Generator<AdmitNodeResultIncarnationFieldEvent> {
    return streamMessage(buf, AdmitNodeResult.codec(), opts)
  }
}

export interface DescribeNode {
  peerId: string
  incarnation: number
  name: string
  zone: string
  addrs: string[]
}

export namespace DescribeNode {
  let _codec: Codec<DescribeNode>

  export const codec = (): Codec<DescribeNode> => {
    if (_codec == null) {
      _codec = message<DescribeNode>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.incarnation)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(26)
          w.string(obj.name)
        }

        if ((obj.zone != null && obj.zone !== '')) {
          w.uint32(34)
          w.string(obj.zone)
        }

        if (obj.addrs != null && obj.addrs.length > 0) {
          for (const value of obj.addrs) {
            w.uint32(42)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          incarnation: 0,
          name: '',
          zone: '',
          addrs: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 3: {
              obj.name = reader.string()
              break
            }
            case 4: {
              obj.zone = reader.string()
              break
            }
            case 5: {
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
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.zone`,
                value: reader.string()
              }
              break
            }
            case 5: {
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

  export interface DescribeNodePeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface DescribeNodeIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface DescribeNodeNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface DescribeNodeZoneFieldEvent {
    field: '$.zone'
    value: string
  }

  export interface DescribeNodeAddrsFieldEvent {
    field: '$.addrs[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<DescribeNode>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, DescribeNode.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DescribeNode>): DescribeNode {
    return decodeMessage(buf, DescribeNode.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DescribeNode>): Generator<DescribeNodePeerIdFieldEvent | DescribeNodeIncarnationFieldEvent | DescribeNodeNameFieldEvent | DescribeNodeZoneFieldEvent | DescribeNodeAddrsFieldEvent> {
    return streamMessage(buf, DescribeNode.codec(), opts)
  }
}

export interface SetNodeState {
  peerId: string
  incarnation: number
  state: number
}

export namespace SetNodeState {
  let _codec: Codec<SetNodeState>

  export const codec = (): Codec<SetNodeState> => {
    if (_codec == null) {
      _codec = message<SetNodeState>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.incarnation)
        }

        if ((obj.state != null && obj.state !== 0)) {
          w.uint32(24)
          w.uint32(obj.state)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          incarnation: 0,
          state: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 3: {
              obj.state = reader.uint32()
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
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.state`,
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

  export interface SetNodeStatePeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface SetNodeStateIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface SetNodeStateStateFieldEvent {
    field: '$.state'
    value: number
  }

  export function encode (obj: Partial<SetNodeState>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SetNodeState.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetNodeState>): SetNodeState {
    return decodeMessage(buf, SetNodeState.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetNodeState>): Generator<SetNodeStatePeerIdFieldEvent | SetNodeStateIncarnationFieldEvent | SetNodeStateStateFieldEvent> {
    return streamMessage(buf, SetNodeState.codec(), opts)
  }
}

export interface SetNodeWish {
  peerId: string
  incarnation: number
  wish: number
}

export namespace SetNodeWish {
  let _codec: Codec<SetNodeWish>

  export const codec = (): Codec<SetNodeWish> => {
    if (_codec == null) {
      _codec = message<SetNodeWish>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.incarnation)
        }

        if ((obj.wish != null && obj.wish !== 0)) {
          w.uint32(24)
          w.uint32(obj.wish)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          incarnation: 0,
          wish: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 3: {
              obj.wish = reader.uint32()
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
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.wish`,
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

  export interface SetNodeWishPeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface SetNodeWishIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface SetNodeWishWishFieldEvent {
    field: '$.wish'
    value: number
  }

  export function encode (obj: Partial<SetNodeWish>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SetNodeWish.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetNodeWish>): SetNodeWish {
    return decodeMessage(buf, SetNodeWish.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetNodeWish>): Generator<SetNodeWishPeerIdFieldEvent | SetNodeWishIncarnationFieldEvent | SetNodeWishWishFieldEvent> {
    return streamMessage(buf, SetNodeWish.codec(), opts)
  }
}

export interface RetireNode {
  peerId: string
  incarnation: number
}

export namespace RetireNode {
  let _codec: Codec<RetireNode>

  export const codec = (): Codec<RetireNode> => {
    if (_codec == null) {
      _codec = message<RetireNode>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.incarnation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          incarnation: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.incarnation = reader.uint64Number()
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
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.incarnation`,
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

  export interface RetireNodePeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface RetireNodeIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export function encode (obj: Partial<RetireNode>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RetireNode.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RetireNode>): RetireNode {
    return decodeMessage(buf, RetireNode.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RetireNode>): Generator<RetireNodePeerIdFieldEvent | RetireNodeIncarnationFieldEvent> {
    return streamMessage(buf, RetireNode.codec(), opts)
  }
}

export interface ForgetNode {
  peerId: string
  incarnation: number
}

export namespace ForgetNode {
  let _codec: Codec<ForgetNode>

  export const codec = (): Codec<ForgetNode> => {
    if (_codec == null) {
      _codec = message<ForgetNode>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.incarnation)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          incarnation: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.incarnation = reader.uint64Number()
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
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.incarnation`,
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

  export interface ForgetNodePeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface ForgetNodeIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export function encode (obj: Partial<ForgetNode>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ForgetNode.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ForgetNode>): ForgetNode {
    return decodeMessage(buf, ForgetNode.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ForgetNode>): Generator<ForgetNodePeerIdFieldEvent | ForgetNodeIncarnationFieldEvent> {
    return streamMessage(buf, ForgetNode.codec(), opts)
  }
}

export interface RefoundCluster {
  clusterId: string
  formerId: string
  peerId: string
  incarnation: number
  lost: string[]
}

export namespace RefoundCluster {
  let _codec: Codec<RefoundCluster>

  export const codec = (): Codec<RefoundCluster> => {
    if (_codec == null) {
      _codec = message<RefoundCluster>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.clusterId != null && obj.clusterId !== '')) {
          w.uint32(10)
          w.string(obj.clusterId)
        }

        if ((obj.formerId != null && obj.formerId !== '')) {
          w.uint32(18)
          w.string(obj.formerId)
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(26)
          w.string(obj.peerId)
        }

        if ((obj.incarnation != null && obj.incarnation !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.incarnation)
        }

        if (obj.lost != null && obj.lost.length > 0) {
          for (const value of obj.lost) {
            w.uint32(42)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          clusterId: '',
          formerId: '',
          peerId: '',
          incarnation: 0,
          lost: []
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
              obj.formerId = reader.string()
              break
            }
            case 3: {
              obj.peerId = reader.string()
              break
            }
            case 4: {
              obj.incarnation = reader.uint64Number()
              break
            }
            case 5: {
              if (opts.limits?.lost != null && obj.lost.length === opts.limits.lost) {
                throw new MaxLengthError('Decode error - repeated field "lost" had too many elements')
              }

              obj.lost.push(reader.string())
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
          lost: 0
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
                field: `${prefix}.formerId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.incarnation`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              if (opts.limits?.lost != null && obj.lost === opts.limits.lost) {
                throw new MaxLengthError('Streaming decode error - repeated field "lost" had too many elements')
              }

              yield {
                field: `${prefix}.lost[]`,
                index: obj.lost,
                value: reader.string()
              }

              obj.lost++

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

  export interface RefoundClusterClusterIdFieldEvent {
    field: '$.clusterId'
    value: string
  }

  export interface RefoundClusterFormerIdFieldEvent {
    field: '$.formerId'
    value: string
  }

  export interface RefoundClusterPeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface RefoundClusterIncarnationFieldEvent {
    field: '$.incarnation'
    value: number
  }

  export interface RefoundClusterLostFieldEvent {
    field: '$.lost[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<RefoundCluster>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RefoundCluster.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RefoundCluster>): RefoundCluster {
    return decodeMessage(buf, RefoundCluster.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RefoundCluster>): Generator<RefoundClusterClusterIdFieldEvent | RefoundClusterFormerIdFieldEvent | RefoundClusterPeerIdFieldEvent | RefoundClusterIncarnationFieldEvent | RefoundClusterLostFieldEvent> {
    return streamMessage(buf, RefoundCluster.codec(), opts)
  }
}

export interface SetClusterMode {
  mode: string
}

export namespace SetClusterMode {
  let _codec: Codec<SetClusterMode>

  export const codec = (): Codec<SetClusterMode> => {
    if (_codec == null) {
      _codec = message<SetClusterMode>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.mode != null && obj.mode !== '')) {
          w.uint32(10)
          w.string(obj.mode)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          mode: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
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
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
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

  export interface SetClusterModeModeFieldEvent {
    field: '$.mode'
    value: string
  }

  export function encode (obj: Partial<SetClusterMode>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SetClusterMode.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetClusterMode>): SetClusterMode {
    return decodeMessage(buf, SetClusterMode.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetClusterMode>): Generator<SetClusterModeModeFieldEvent> {
    return streamMessage(buf, SetClusterMode.codec(), opts)
  }
}

export interface PruneInvitations {
  ids: string[]
}

export namespace PruneInvitations {
  let _codec: Codec<PruneInvitations>

  export const codec = (): Codec<PruneInvitations> => {
    if (_codec == null) {
      _codec = message<PruneInvitations>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.ids != null && obj.ids.length > 0) {
          for (const value of obj.ids) {
            w.uint32(10)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          ids: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ids != null && obj.ids.length === opts.limits.ids) {
                throw new MaxLengthError('Decode error - repeated field "ids" had too many elements')
              }

              obj.ids.push(reader.string())
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
          ids: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.ids != null && obj.ids === opts.limits.ids) {
                throw new MaxLengthError('Streaming decode error - repeated field "ids" had too many elements')
              }

              yield {
                field: `${prefix}.ids[]`,
                index: obj.ids,
                value: reader.string()
              }

              obj.ids++

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

  export interface PruneInvitationsIdsFieldEvent {
    field: '$.ids[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<PruneInvitations>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PruneInvitations.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneInvitations>): PruneInvitations {
    return decodeMessage(buf, PruneInvitations.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneInvitations>): Generator<PruneInvitationsIdsFieldEvent> {
    return streamMessage(buf, PruneInvitations.codec(), opts)
  }
}
