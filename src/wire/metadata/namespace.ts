import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Attributes {
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
}

export namespace Attributes {
  let _codec: Codec<Attributes>

  export const codec = (): Codec<Attributes> => {
    if (_codec == null) {
      _codec = message<Attributes>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.mode != null && obj.mode !== 0)) {
          w.uint32(8)
          w.uint32(obj.mode)
        }

        if ((obj.uid != null && obj.uid !== 0)) {
          w.uint32(16)
          w.uint32(obj.uid)
        }

        if ((obj.gid != null && obj.gid !== 0)) {
          w.uint32(24)
          w.uint32(obj.gid)
        }

        if ((obj.mtimeNs != null && obj.mtimeNs !== 0n)) {
          w.uint32(32)
          w.int64(obj.mtimeNs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          mode: 0,
          uid: 0,
          gid: 0,
          mtimeNs: 0n
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.mode = reader.uint32()
              break
            }
            case 2: {
              obj.uid = reader.uint32()
              break
            }
            case 3: {
              obj.gid = reader.uint32()
              break
            }
            case 4: {
              obj.mtimeNs = reader.int64()
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
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.uid`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.gid`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.mtimeNs`,
                value: reader.int64()
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

  export interface AttributesModeFieldEvent {
    field: '$.mode'
    value: number
  }

  export interface AttributesUidFieldEvent {
    field: '$.uid'
    value: number
  }

  export interface AttributesGidFieldEvent {
    field: '$.gid'
    value: number
  }

  export interface AttributesMtimeNsFieldEvent {
    field: '$.mtimeNs'
    value: bigint
  }

  export function encode (obj: Partial<Attributes>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Attributes.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attributes>): Attributes {
    return decodeMessage(buf, Attributes.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attributes>): Generator<AttributesModeFieldEvent | AttributesUidFieldEvent | AttributesGidFieldEvent | AttributesMtimeNsFieldEvent> {
    return streamMessage(buf, Attributes.codec(), opts)
  }
}

export interface EntryRecord {
  fileId?: Uint8Array<ArrayBuffer>
  sizeBytes: number
  target?: string
  directoryId?: number
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  ctimeNs: bigint
  version: number
}

export namespace EntryRecord {
  let _codec: Codec<EntryRecord>

  export const codec = (): Codec<EntryRecord> => {
    if (_codec == null) {
      _codec = message<EntryRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.fileId != null) {
          w.uint32(10)
          w.bytes(obj.fileId)
        }

        if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.sizeBytes)
        }

        if (obj.target != null) {
          w.uint32(26)
          w.string(obj.target)
        }

        if (obj.directoryId != null) {
          w.uint32(32)
          w.uint64Number(obj.directoryId)
        }

        if ((obj.mode != null && obj.mode !== 0)) {
          w.uint32(40)
          w.uint32(obj.mode)
        }

        if ((obj.uid != null && obj.uid !== 0)) {
          w.uint32(48)
          w.uint32(obj.uid)
        }

        if ((obj.gid != null && obj.gid !== 0)) {
          w.uint32(56)
          w.uint32(obj.gid)
        }

        if ((obj.mtimeNs != null && obj.mtimeNs !== 0n)) {
          w.uint32(64)
          w.int64(obj.mtimeNs)
        }

        if ((obj.ctimeNs != null && obj.ctimeNs !== 0n)) {
          w.uint32(72)
          w.int64(obj.ctimeNs)
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(80)
          w.uint64Number(obj.version)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          sizeBytes: 0,
          mode: 0,
          uid: 0,
          gid: 0,
          mtimeNs: 0n,
          ctimeNs: 0n,
          version: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.fileId = reader.bytes()
              break
            }
            case 2: {
              obj.sizeBytes = reader.uint64Number()
              break
            }
            case 3: {
              obj.target = reader.string()
              break
            }
            case 4: {
              obj.directoryId = reader.uint64Number()
              break
            }
            case 5: {
              obj.mode = reader.uint32()
              break
            }
            case 6: {
              obj.uid = reader.uint32()
              break
            }
            case 7: {
              obj.gid = reader.uint32()
              break
            }
            case 8: {
              obj.mtimeNs = reader.int64()
              break
            }
            case 9: {
              obj.ctimeNs = reader.int64()
              break
            }
            case 10: {
              obj.version = reader.uint64Number()
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
                field: `${prefix}.fileId`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.sizeBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.target`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.directoryId`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.mode`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.uid`,
                value: reader.uint32()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.gid`,
                value: reader.uint32()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.mtimeNs`,
                value: reader.int64()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.ctimeNs`,
                value: reader.int64()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.version`,
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

  export interface EntryRecordFileIdFieldEvent {
    field: '$.fileId'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EntryRecordSizeBytesFieldEvent {
    field: '$.sizeBytes'
    value: number
  }

  export interface EntryRecordTargetFieldEvent {
    field: '$.target'
    value: string
  }

  export interface EntryRecordDirectoryIdFieldEvent {
    field: '$.directoryId'
    value: number
  }

  export interface EntryRecordModeFieldEvent {
    field: '$.mode'
    value: number
  }

  export interface EntryRecordUidFieldEvent {
    field: '$.uid'
    value: number
  }

  export interface EntryRecordGidFieldEvent {
    field: '$.gid'
    value: number
  }

  export interface EntryRecordMtimeNsFieldEvent {
    field: '$.mtimeNs'
    value: bigint
  }

  export interface EntryRecordCtimeNsFieldEvent {
    field: '$.ctimeNs'
    value: bigint
  }

  export interface EntryRecordVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export function encode (obj: Partial<EntryRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, EntryRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EntryRecord>): EntryRecord {
    return decodeMessage(buf, EntryRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EntryRecord>): Generator<EntryRecordFileIdFieldEvent | EntryRecordSizeBytesFieldEvent | EntryRecordTargetFieldEvent | EntryRecordDirectoryIdFieldEvent | EntryRecordModeFieldEvent | EntryRecordUidFieldEvent | EntryRecordGidFieldEvent | EntryRecordMtimeNsFieldEvent | EntryRecordCtimeNsFieldEvent | EntryRecordVersionFieldEvent> {
    return streamMessage(buf, EntryRecord.codec(), opts)
  }
}

export interface DirectoryRecord {
  parentId: number
  name: string
  entries: number
  attributes?: Attributes
  ctimeNs: bigint
  version: number
}

export namespace DirectoryRecord {
  let _codec: Codec<DirectoryRecord>

  export const codec = (): Codec<DirectoryRecord> => {
    if (_codec == null) {
      _codec = message<DirectoryRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.parentId != null && obj.parentId !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.parentId)
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(18)
          w.string(obj.name)
        }

        if ((obj.entries != null && obj.entries !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.entries)
        }

        if (obj.attributes != null) {
          w.uint32(34)
          Attributes.codec().encode(obj.attributes, w)
        }

        if ((obj.ctimeNs != null && obj.ctimeNs !== 0n)) {
          w.uint32(40)
          w.int64(obj.ctimeNs)
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.version)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          parentId: 0,
          name: '',
          entries: 0,
          ctimeNs: 0n,
          version: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.parentId = reader.uint64Number()
              break
            }
            case 2: {
              obj.name = reader.string()
              break
            }
            case 3: {
              obj.entries = reader.uint64Number()
              break
            }
            case 4: {
              obj.attributes = Attributes.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.attributes
              })
              break
            }
            case 5: {
              obj.ctimeNs = reader.int64()
              break
            }
            case 6: {
              obj.version = reader.uint64Number()
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
                field: `${prefix}.parentId`,
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
                field: `${prefix}.entries`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield * Attributes.codec().stream(reader, reader.uint32(), `${prefix}.attributes`, {
                limits: opts.limits?.attributes
              })

              break
            }
            case 5: {
              yield {
                field: `${prefix}.ctimeNs`,
                value: reader.int64()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.version`,
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

  export interface DirectoryRecordParentIdFieldEvent {
    field: '$.parentId'
    value: number
  }

  export interface DirectoryRecordNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface DirectoryRecordEntriesFieldEvent {
    field: '$.entries'
    value: number
  }

  export interface DirectoryRecordAttributesModeFieldEvent {
    field: '$.attributes.mode'
    value: number
  }

  export interface DirectoryRecordAttributesUidFieldEvent {
    field: '$.attributes.uid'
    value: number
  }

  export interface DirectoryRecordAttributesGidFieldEvent {
    field: '$.attributes.gid'
    value: number
  }

  export interface DirectoryRecordAttributesMtimeNsFieldEvent {
    field: '$.attributes.mtimeNs'
    value: bigint
  }

  export interface DirectoryRecordCtimeNsFieldEvent {
    field: '$.ctimeNs'
    value: bigint
  }

  export interface DirectoryRecordVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export function encode (obj: Partial<DirectoryRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, DirectoryRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DirectoryRecord>): DirectoryRecord {
    return decodeMessage(buf, DirectoryRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DirectoryRecord>): Generator<DirectoryRecordParentIdFieldEvent | DirectoryRecordNameFieldEvent | DirectoryRecordEntriesFieldEvent | DirectoryRecordAttributesModeFieldEvent | DirectoryRecordAttributesUidFieldEvent | DirectoryRecordAttributesGidFieldEvent | DirectoryRecordAttributesMtimeNsFieldEvent | DirectoryRecordCtimeNsFieldEvent | DirectoryRecordVersionFieldEvent> {
    return streamMessage(buf, DirectoryRecord.codec(), opts)
  }
}

export interface ContentRecord {
  sizeBytes: number
  policy: string
  references: number
  placement: Placement[]
}

export namespace ContentRecord {
  let _codec: Codec<ContentRecord>

  export const codec = (): Codec<ContentRecord> => {
    if (_codec == null) {
      _codec = message<ContentRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.sizeBytes)
        }

        if ((obj.policy != null && obj.policy !== '')) {
          w.uint32(18)
          w.string(obj.policy)
        }

        if ((obj.references != null && obj.references !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.references)
        }

        if (obj.placement != null && obj.placement.length > 0) {
          for (const value of obj.placement) {
            w.uint32(34)
            Placement.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          sizeBytes: 0,
          policy: '',
          references: 0,
          placement: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.sizeBytes = reader.uint64Number()
              break
            }
            case 2: {
              obj.policy = reader.string()
              break
            }
            case 3: {
              obj.references = reader.uint64Number()
              break
            }
            case 4: {
              if (opts.limits?.placement != null && obj.placement.length === opts.limits.placement) {
                throw new MaxLengthError('Decode error - repeated field "placement" had too many elements')
              }

              obj.placement.push(Placement.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.placement$
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
          placement: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.sizeBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.policy`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.references`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              if (opts.limits?.placement != null && obj.placement === opts.limits.placement) {
                throw new MaxLengthError('Streaming decode error - repeated field "placement" had too many elements')
              }

              for (const evt of Placement.codec().stream(reader, reader.uint32(), `${prefix}.placement[]`, {
                limits: opts.limits?.placement$
              })) {
                yield {
                  ...evt,
                  index: obj.placement
                }
              }

              obj.placement++

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

  export interface ContentRecordSizeBytesFieldEvent {
    field: '$.sizeBytes'
    value: number
  }

  export interface ContentRecordPolicyFieldEvent {
    field: '$.policy'
    value: string
  }

  export interface ContentRecordReferencesFieldEvent {
    field: '$.references'
    value: number
  }

  export interface ContentRecordPlacementExtentsFieldEvent {
    field: '$.placement[].extents'
    value: number
    index: number
  }

  export interface ContentRecordPlacementHoldersFieldEvent {
    field: '$.placement[].holders[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<ContentRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ContentRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ContentRecord>): ContentRecord {
    return decodeMessage(buf, ContentRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ContentRecord>): Generator<ContentRecordSizeBytesFieldEvent | ContentRecordPolicyFieldEvent | ContentRecordReferencesFieldEvent | ContentRecordPlacementExtentsFieldEvent | ContentRecordPlacementHoldersFieldEvent> {
    return streamMessage(buf, ContentRecord.codec(), opts)
  }
}

export interface Placement {
  extents: number
  holders: string[]
}

export namespace Placement {
  let _codec: Codec<Placement>

  export const codec = (): Codec<Placement> => {
    if (_codec == null) {
      _codec = message<Placement>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.extents != null && obj.extents !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.extents)
        }

        if (obj.holders != null && obj.holders.length > 0) {
          for (const value of obj.holders) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          extents: 0,
          holders: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.extents = reader.uint64Number()
              break
            }
            case 2: {
              if (opts.limits?.holders != null && obj.holders.length === opts.limits.holders) {
                throw new MaxLengthError('Decode error - repeated field "holders" had too many elements')
              }

              obj.holders.push(reader.string())
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
          holders: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.extents`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              if (opts.limits?.holders != null && obj.holders === opts.limits.holders) {
                throw new MaxLengthError('Streaming decode error - repeated field "holders" had too many elements')
              }

              yield {
                field: `${prefix}.holders[]`,
                index: obj.holders,
                value: reader.string()
              }

              obj.holders++

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

  export interface PlacementExtentsFieldEvent {
    field: '$.extents'
    value: number
  }

  export interface PlacementHoldersFieldEvent {
    field: '$.holders[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<Placement>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Placement.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Placement>): Placement {
    return decodeMessage(buf, Placement.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Placement>): Generator<PlacementExtentsFieldEvent | PlacementHoldersFieldEvent> {
    return streamMessage(buf, Placement.codec(), opts)
  }
}

export interface UploadRecord {
  holder: string
  startedAtMs: number
  expiresAtMs: number
}

export namespace UploadRecord {
  let _codec: Codec<UploadRecord>

  export const codec = (): Codec<UploadRecord> => {
    if (_codec == null) {
      _codec = message<UploadRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.holder != null && obj.holder !== '')) {
          w.uint32(10)
          w.string(obj.holder)
        }

        if ((obj.startedAtMs != null && obj.startedAtMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.startedAtMs)
        }

        if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.expiresAtMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          holder: '',
          startedAtMs: 0,
          expiresAtMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.holder = reader.string()
              break
            }
            case 2: {
              obj.startedAtMs = reader.uint64Number()
              break
            }
            case 3: {
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
                field: `${prefix}.holder`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.startedAtMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
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

  export interface UploadRecordHolderFieldEvent {
    field: '$.holder'
    value: string
  }

  export interface UploadRecordStartedAtMsFieldEvent {
    field: '$.startedAtMs'
    value: number
  }

  export interface UploadRecordExpiresAtMsFieldEvent {
    field: '$.expiresAtMs'
    value: number
  }

  export function encode (obj: Partial<UploadRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, UploadRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UploadRecord>): UploadRecord {
    return decodeMessage(buf, UploadRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UploadRecord>): Generator<UploadRecordHolderFieldEvent | UploadRecordStartedAtMsFieldEvent | UploadRecordExpiresAtMsFieldEvent> {
    return streamMessage(buf, UploadRecord.codec(), opts)
  }
}

export interface NamespaceTotals {
  nextNumber: number
  files: number
  directories: number
  symlinks: number
  contents: number
  sizeBytes: number
}

export namespace NamespaceTotals {
  let _codec: Codec<NamespaceTotals>

  export const codec = (): Codec<NamespaceTotals> => {
    if (_codec == null) {
      _codec = message<NamespaceTotals>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.nextNumber != null && obj.nextNumber !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.nextNumber)
        }

        if ((obj.files != null && obj.files !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.files)
        }

        if ((obj.directories != null && obj.directories !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.directories)
        }

        if ((obj.symlinks != null && obj.symlinks !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.symlinks)
        }

        if ((obj.contents != null && obj.contents !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.contents)
        }

        if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.sizeBytes)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          nextNumber: 0,
          files: 0,
          directories: 0,
          symlinks: 0,
          contents: 0,
          sizeBytes: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.nextNumber = reader.uint64Number()
              break
            }
            case 2: {
              obj.files = reader.uint64Number()
              break
            }
            case 3: {
              obj.directories = reader.uint64Number()
              break
            }
            case 4: {
              obj.symlinks = reader.uint64Number()
              break
            }
            case 5: {
              obj.contents = reader.uint64Number()
              break
            }
            case 6: {
              obj.sizeBytes = reader.uint64Number()
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
                field: `${prefix}.nextNumber`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.files`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.directories`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.symlinks`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.contents`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.sizeBytes`,
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

  export interface NamespaceTotalsNextNumberFieldEvent {
    field: '$.nextNumber'
    value: number
  }

  export interface NamespaceTotalsFilesFieldEvent {
    field: '$.files'
    value: number
  }

  export interface NamespaceTotalsDirectoriesFieldEvent {
    field: '$.directories'
    value: number
  }

  export interface NamespaceTotalsSymlinksFieldEvent {
    field: '$.symlinks'
    value: number
  }

  export interface NamespaceTotalsContentsFieldEvent {
    field: '$.contents'
    value: number
  }

  export interface NamespaceTotalsSizeBytesFieldEvent {
    field: '$.sizeBytes'
    value: number
  }

  export function encode (obj: Partial<NamespaceTotals>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, NamespaceTotals.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NamespaceTotals>): NamespaceTotals {
    return decodeMessage(buf, NamespaceTotals.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<NamespaceTotals>): Generator<NamespaceTotalsNextNumberFieldEvent | NamespaceTotalsFilesFieldEvent | NamespaceTotalsDirectoriesFieldEvent | NamespaceTotalsSymlinksFieldEvent | NamespaceTotalsContentsFieldEvent | NamespaceTotalsSizeBytesFieldEvent> {
    return streamMessage(buf, NamespaceTotals.codec(), opts)
  }
}

export interface Place {
  directoryId: number
  names: string[]
}

export namespace Place {
  let _codec: Codec<Place>

  export const codec = (): Codec<Place> => {
    if (_codec == null) {
      _codec = message<Place>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.directoryId != null && obj.directoryId !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.directoryId)
        }

        if (obj.names != null && obj.names.length > 0) {
          for (const value of obj.names) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          directoryId: 0,
          names: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.directoryId = reader.uint64Number()
              break
            }
            case 2: {
              if (opts.limits?.names != null && obj.names.length === opts.limits.names) {
                throw new MaxLengthError('Decode error - repeated field "names" had too many elements')
              }

              obj.names.push(reader.string())
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
          names: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.directoryId`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              if (opts.limits?.names != null && obj.names === opts.limits.names) {
                throw new MaxLengthError('Streaming decode error - repeated field "names" had too many elements')
              }

              yield {
                field: `${prefix}.names[]`,
                index: obj.names,
                value: reader.string()
              }

              obj.names++

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

  export interface PlaceDirectoryIdFieldEvent {
    field: '$.directoryId'
    value: number
  }

  export interface PlaceNamesFieldEvent {
    field: '$.names[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<Place>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Place.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Place>): Place {
    return decodeMessage(buf, Place.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Place>): Generator<PlaceDirectoryIdFieldEvent | PlaceNamesFieldEvent> {
    return streamMessage(buf, Place.codec(), opts)
  }
}

export interface PutItem {
  place?: Place
  fileId?: Uint8Array<ArrayBuffer>
  sizeBytes: number
  policy: string
  target?: string
  attributes?: Attributes
  expected?: number
  parents: boolean
  restore: boolean
}

export namespace PutItem {
  let _codec: Codec<PutItem>

  export const codec = (): Codec<PutItem> => {
    if (_codec == null) {
      _codec = message<PutItem>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.place != null) {
          w.uint32(10)
          Place.codec().encode(obj.place, w)
        }

        if (obj.fileId != null) {
          w.uint32(18)
          w.bytes(obj.fileId)
        }

        if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.sizeBytes)
        }

        if ((obj.policy != null && obj.policy !== '')) {
          w.uint32(34)
          w.string(obj.policy)
        }

        if (obj.target != null) {
          w.uint32(42)
          w.string(obj.target)
        }

        if (obj.attributes != null) {
          w.uint32(50)
          Attributes.codec().encode(obj.attributes, w)
        }

        if (obj.expected != null) {
          w.uint32(56)
          w.uint64Number(obj.expected)
        }

        if ((obj.parents != null && obj.parents !== false)) {
          w.uint32(64)
          w.bool(obj.parents)
        }

        if ((obj.restore != null && obj.restore !== false)) {
          w.uint32(72)
          w.bool(obj.restore)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          sizeBytes: 0,
          policy: '',
          parents: false,
          restore: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.place = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.place
              })
              break
            }
            case 2: {
              obj.fileId = reader.bytes()
              break
            }
            case 3: {
              obj.sizeBytes = reader.uint64Number()
              break
            }
            case 4: {
              obj.policy = reader.string()
              break
            }
            case 5: {
              obj.target = reader.string()
              break
            }
            case 6: {
              obj.attributes = Attributes.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.attributes
              })
              break
            }
            case 7: {
              obj.expected = reader.uint64Number()
              break
            }
            case 8: {
              obj.parents = reader.bool()
              break
            }
            case 9: {
              obj.restore = reader.bool()
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
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.place`, {
                limits: opts.limits?.place
              })

              break
            }
            case 2: {
              yield {
                field: `${prefix}.fileId`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.sizeBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.policy`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.target`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield * Attributes.codec().stream(reader, reader.uint32(), `${prefix}.attributes`, {
                limits: opts.limits?.attributes
              })

              break
            }
            case 7: {
              yield {
                field: `${prefix}.expected`,
                value: reader.uint64Number()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.parents`,
                value: reader.bool()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.restore`,
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

  export interface PutItemPlaceDirectoryIdFieldEvent {
    field: '$.place.directoryId'
    value: number
  }

  export interface PutItemPlaceNamesFieldEvent {
    field: '$.place.names[]'
    index: number
    value: string
  }

  export interface PutItemFileIdFieldEvent {
    field: '$.fileId'
    value: Uint8Array<ArrayBuffer>
  }

  export interface PutItemSizeBytesFieldEvent {
    field: '$.sizeBytes'
    value: number
  }

  export interface PutItemPolicyFieldEvent {
    field: '$.policy'
    value: string
  }

  export interface PutItemTargetFieldEvent {
    field: '$.target'
    value: string
  }

  export interface PutItemAttributesModeFieldEvent {
    field: '$.attributes.mode'
    value: number
  }

  export interface PutItemAttributesUidFieldEvent {
    field: '$.attributes.uid'
    value: number
  }

  export interface PutItemAttributesGidFieldEvent {
    field: '$.attributes.gid'
    value: number
  }

  export interface PutItemAttributesMtimeNsFieldEvent {
    field: '$.attributes.mtimeNs'
    value: bigint
  }

  export interface PutItemExpectedFieldEvent {
    field: '$.expected'
    value: number
  }

  export interface PutItemParentsFieldEvent {
    field: '$.parents'
    value: boolean
  }

  export interface PutItemRestoreFieldEvent {
    field: '$.restore'
    value: boolean
  }

  export function encode (obj: Partial<PutItem>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PutItem.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutItem>): PutItem {
    return decodeMessage(buf, PutItem.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutItem>): Generator<PutItemPlaceDirectoryIdFieldEvent | PutItemPlaceNamesFieldEvent | PutItemFileIdFieldEvent | PutItemSizeBytesFieldEvent | PutItemPolicyFieldEvent | PutItemTargetFieldEvent | PutItemAttributesModeFieldEvent | PutItemAttributesUidFieldEvent | PutItemAttributesGidFieldEvent | PutItemAttributesMtimeNsFieldEvent | PutItemExpectedFieldEvent | PutItemParentsFieldEvent | PutItemRestoreFieldEvent> {
    return streamMessage(buf, PutItem.codec(), opts)
  }
}

export interface PutCommand {
  uploadId?: number
  items: PutItem[]
  closes: boolean
}

export namespace PutCommand {
  let _codec: Codec<PutCommand>

  export const codec = (): Codec<PutCommand> => {
    if (_codec == null) {
      _codec = message<PutCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.uploadId != null) {
          w.uint32(8)
          w.uint64Number(obj.uploadId)
        }

        if (obj.items != null && obj.items.length > 0) {
          for (const value of obj.items) {
            w.uint32(18)
            PutItem.codec().encode(value, w)
          }
        }

        if ((obj.closes != null && obj.closes !== false)) {
          w.uint32(24)
          w.bool(obj.closes)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          items: [],
          closes: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.uploadId = reader.uint64Number()
              break
            }
            case 2: {
              if (opts.limits?.items != null && obj.items.length === opts.limits.items) {
                throw new MaxLengthError('Decode error - repeated field "items" had too many elements')
              }

              obj.items.push(PutItem.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.items$
              }))
              break
            }
            case 3: {
              obj.closes = reader.bool()
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
          items: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.uploadId`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              if (opts.limits?.items != null && obj.items === opts.limits.items) {
                throw new MaxLengthError('Streaming decode error - repeated field "items" had too many elements')
              }

              for (const evt of PutItem.codec().stream(reader, reader.uint32(), `${prefix}.items[]`, {
                limits: opts.limits?.items$
              })) {
                yield {
                  ...evt,
                  index: obj.items
                }
              }

              obj.items++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.closes`,
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

  export interface PutCommandUploadIdFieldEvent {
    field: '$.uploadId'
    value: number
  }

  export interface PutCommandItemsPlaceDirectoryIdFieldEvent {
    field: '$.items[].place.directoryId'
    value: number
    index: number
  }

  export interface PutCommandItemsPlaceNamesFieldEvent {
    field: '$.items[].place.names[]'
    index: number
    value: string
  }

  export interface PutCommandItemsFileIdFieldEvent {
    field: '$.items[].fileId'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface PutCommandItemsSizeBytesFieldEvent {
    field: '$.items[].sizeBytes'
    value: number
    index: number
  }

  export interface PutCommandItemsPolicyFieldEvent {
    field: '$.items[].policy'
    value: string
    index: number
  }

  export interface PutCommandItemsTargetFieldEvent {
    field: '$.items[].target'
    value: string
    index: number
  }

  export interface PutCommandItemsAttributesModeFieldEvent {
    field: '$.items[].attributes.mode'
    value: number
    index: number
  }

  export interface PutCommandItemsAttributesUidFieldEvent {
    field: '$.items[].attributes.uid'
    value: number
    index: number
  }

  export interface PutCommandItemsAttributesGidFieldEvent {
    field: '$.items[].attributes.gid'
    value: number
    index: number
  }

  export interface PutCommandItemsAttributesMtimeNsFieldEvent {
    field: '$.items[].attributes.mtimeNs'
    value: bigint
    index: number
  }

  export interface PutCommandItemsExpectedFieldEvent {
    field: '$.items[].expected'
    value: number
    index: number
  }

  export interface PutCommandItemsParentsFieldEvent {
    field: '$.items[].parents'
    value: boolean
    index: number
  }

  export interface PutCommandItemsRestoreFieldEvent {
    field: '$.items[].restore'
    value: boolean
    index: number
  }

  export interface PutCommandClosesFieldEvent {
    field: '$.closes'
    value: boolean
  }

  export function encode (obj: Partial<PutCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PutCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutCommand>): PutCommand {
    return decodeMessage(buf, PutCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutCommand>): Generator<PutCommandUploadIdFieldEvent | PutCommandItemsPlaceDirectoryIdFieldEvent | PutCommandItemsPlaceNamesFieldEvent | PutCommandItemsFileIdFieldEvent | PutCommandItemsSizeBytesFieldEvent | PutCommandItemsPolicyFieldEvent | PutCommandItemsTargetFieldEvent | PutCommandItemsAttributesModeFieldEvent | PutCommandItemsAttributesUidFieldEvent | PutCommandItemsAttributesGidFieldEvent | PutCommandItemsAttributesMtimeNsFieldEvent | PutCommandItemsExpectedFieldEvent | PutCommandItemsParentsFieldEvent | PutCommandItemsRestoreFieldEvent | PutCommandClosesFieldEvent> {
    return streamMessage(buf, PutCommand.codec(), opts)
  }
}

export interface MkdirCommand {
  place?: Place
  attributes?: Attributes
  parents: boolean
}

export namespace MkdirCommand {
  let _codec: Codec<MkdirCommand>

  export const codec = (): Codec<MkdirCommand> => {
    if (_codec == null) {
      _codec = message<MkdirCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.place != null) {
          w.uint32(10)
          Place.codec().encode(obj.place, w)
        }

        if (obj.attributes != null) {
          w.uint32(18)
          Attributes.codec().encode(obj.attributes, w)
        }

        if ((obj.parents != null && obj.parents !== false)) {
          w.uint32(24)
          w.bool(obj.parents)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          parents: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.place = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.place
              })
              break
            }
            case 2: {
              obj.attributes = Attributes.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.attributes
              })
              break
            }
            case 3: {
              obj.parents = reader.bool()
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
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.place`, {
                limits: opts.limits?.place
              })

              break
            }
            case 2: {
              yield * Attributes.codec().stream(reader, reader.uint32(), `${prefix}.attributes`, {
                limits: opts.limits?.attributes
              })

              break
            }
            case 3: {
              yield {
                field: `${prefix}.parents`,
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

  export interface MkdirCommandPlaceDirectoryIdFieldEvent {
    field: '$.place.directoryId'
    value: number
  }

  export interface MkdirCommandPlaceNamesFieldEvent {
    field: '$.place.names[]'
    index: number
    value: string
  }

  export interface MkdirCommandAttributesModeFieldEvent {
    field: '$.attributes.mode'
    value: number
  }

  export interface MkdirCommandAttributesUidFieldEvent {
    field: '$.attributes.uid'
    value: number
  }

  export interface MkdirCommandAttributesGidFieldEvent {
    field: '$.attributes.gid'
    value: number
  }

  export interface MkdirCommandAttributesMtimeNsFieldEvent {
    field: '$.attributes.mtimeNs'
    value: bigint
  }

  export interface MkdirCommandParentsFieldEvent {
    field: '$.parents'
    value: boolean
  }

  export function encode (obj: Partial<MkdirCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, MkdirCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MkdirCommand>): MkdirCommand {
    return decodeMessage(buf, MkdirCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MkdirCommand>): Generator<MkdirCommandPlaceDirectoryIdFieldEvent | MkdirCommandPlaceNamesFieldEvent | MkdirCommandAttributesModeFieldEvent | MkdirCommandAttributesUidFieldEvent | MkdirCommandAttributesGidFieldEvent | MkdirCommandAttributesMtimeNsFieldEvent | MkdirCommandParentsFieldEvent> {
    return streamMessage(buf, MkdirCommand.codec(), opts)
  }
}

export interface RenameCommand {
  from?: Place
  to?: Place
  into: boolean
  expectedFrom?: number
  expectedTo?: number
}

export namespace RenameCommand {
  let _codec: Codec<RenameCommand>

  export const codec = (): Codec<RenameCommand> => {
    if (_codec == null) {
      _codec = message<RenameCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.from != null) {
          w.uint32(10)
          Place.codec().encode(obj.from, w)
        }

        if (obj.to != null) {
          w.uint32(18)
          Place.codec().encode(obj.to, w)
        }

        if ((obj.into != null && obj.into !== false)) {
          w.uint32(24)
          w.bool(obj.into)
        }

        if (obj.expectedFrom != null) {
          w.uint32(32)
          w.uint64Number(obj.expectedFrom)
        }

        if (obj.expectedTo != null) {
          w.uint32(40)
          w.uint64Number(obj.expectedTo)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          into: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.from = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.from
              })
              break
            }
            case 2: {
              obj.to = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.to
              })
              break
            }
            case 3: {
              obj.into = reader.bool()
              break
            }
            case 4: {
              obj.expectedFrom = reader.uint64Number()
              break
            }
            case 5: {
              obj.expectedTo = reader.uint64Number()
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
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.from`, {
                limits: opts.limits?.from
              })

              break
            }
            case 2: {
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.to`, {
                limits: opts.limits?.to
              })

              break
            }
            case 3: {
              yield {
                field: `${prefix}.into`,
                value: reader.bool()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.expectedFrom`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.expectedTo`,
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

  export interface RenameCommandFromDirectoryIdFieldEvent {
    field: '$.from.directoryId'
    value: number
  }

  export interface RenameCommandFromNamesFieldEvent {
    field: '$.from.names[]'
    index: number
    value: string
  }

  export interface RenameCommandToDirectoryIdFieldEvent {
    field: '$.to.directoryId'
    value: number
  }

  export interface RenameCommandToNamesFieldEvent {
    field: '$.to.names[]'
    index: number
    value: string
  }

  export interface RenameCommandIntoFieldEvent {
    field: '$.into'
    value: boolean
  }

  export interface RenameCommandExpectedFromFieldEvent {
    field: '$.expectedFrom'
    value: number
  }

  export interface RenameCommandExpectedToFieldEvent {
    field: '$.expectedTo'
    value: number
  }

  export function encode (obj: Partial<RenameCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RenameCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RenameCommand>): RenameCommand {
    return decodeMessage(buf, RenameCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RenameCommand>): Generator<RenameCommandFromDirectoryIdFieldEvent | RenameCommandFromNamesFieldEvent | RenameCommandToDirectoryIdFieldEvent | RenameCommandToNamesFieldEvent | RenameCommandIntoFieldEvent | RenameCommandExpectedFromFieldEvent | RenameCommandExpectedToFieldEvent> {
    return streamMessage(buf, RenameCommand.codec(), opts)
  }
}

export interface RemoveCommand {
  place?: Place
  recursive: boolean
  expected?: number
}

export namespace RemoveCommand {
  let _codec: Codec<RemoveCommand>

  export const codec = (): Codec<RemoveCommand> => {
    if (_codec == null) {
      _codec = message<RemoveCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.place != null) {
          w.uint32(10)
          Place.codec().encode(obj.place, w)
        }

        if ((obj.recursive != null && obj.recursive !== false)) {
          w.uint32(16)
          w.bool(obj.recursive)
        }

        if (obj.expected != null) {
          w.uint32(24)
          w.uint64Number(obj.expected)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          recursive: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.place = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.place
              })
              break
            }
            case 2: {
              obj.recursive = reader.bool()
              break
            }
            case 3: {
              obj.expected = reader.uint64Number()
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
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.place`, {
                limits: opts.limits?.place
              })

              break
            }
            case 2: {
              yield {
                field: `${prefix}.recursive`,
                value: reader.bool()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.expected`,
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

  export interface RemoveCommandPlaceDirectoryIdFieldEvent {
    field: '$.place.directoryId'
    value: number
  }

  export interface RemoveCommandPlaceNamesFieldEvent {
    field: '$.place.names[]'
    index: number
    value: string
  }

  export interface RemoveCommandRecursiveFieldEvent {
    field: '$.recursive'
    value: boolean
  }

  export interface RemoveCommandExpectedFieldEvent {
    field: '$.expected'
    value: number
  }

  export function encode (obj: Partial<RemoveCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RemoveCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RemoveCommand>): RemoveCommand {
    return decodeMessage(buf, RemoveCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RemoveCommand>): Generator<RemoveCommandPlaceDirectoryIdFieldEvent | RemoveCommandPlaceNamesFieldEvent | RemoveCommandRecursiveFieldEvent | RemoveCommandExpectedFieldEvent> {
    return streamMessage(buf, RemoveCommand.codec(), opts)
  }
}

export interface PruneCommand {
  directoryId: number
  names: string[]
}

export namespace PruneCommand {
  let _codec: Codec<PruneCommand>

  export const codec = (): Codec<PruneCommand> => {
    if (_codec == null) {
      _codec = message<PruneCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.directoryId != null && obj.directoryId !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.directoryId)
        }

        if (obj.names != null && obj.names.length > 0) {
          for (const value of obj.names) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          directoryId: 0,
          names: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.directoryId = reader.uint64Number()
              break
            }
            case 2: {
              if (opts.limits?.names != null && obj.names.length === opts.limits.names) {
                throw new MaxLengthError('Decode error - repeated field "names" had too many elements')
              }

              obj.names.push(reader.string())
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
          names: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.directoryId`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              if (opts.limits?.names != null && obj.names === opts.limits.names) {
                throw new MaxLengthError('Streaming decode error - repeated field "names" had too many elements')
              }

              yield {
                field: `${prefix}.names[]`,
                index: obj.names,
                value: reader.string()
              }

              obj.names++

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

  export interface PruneCommandDirectoryIdFieldEvent {
    field: '$.directoryId'
    value: number
  }

  export interface PruneCommandNamesFieldEvent {
    field: '$.names[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<PruneCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PruneCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneCommand>): PruneCommand {
    return decodeMessage(buf, PruneCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneCommand>): Generator<PruneCommandDirectoryIdFieldEvent | PruneCommandNamesFieldEvent> {
    return streamMessage(buf, PruneCommand.codec(), opts)
  }
}

export interface OpenUploadCommand {
  holder: string
  ttlMs: number
}

export namespace OpenUploadCommand {
  let _codec: Codec<OpenUploadCommand>

  export const codec = (): Codec<OpenUploadCommand> => {
    if (_codec == null) {
      _codec = message<OpenUploadCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.holder != null && obj.holder !== '')) {
          w.uint32(10)
          w.string(obj.holder)
        }

        if ((obj.ttlMs != null && obj.ttlMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.ttlMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          holder: '',
          ttlMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.holder = reader.string()
              break
            }
            case 2: {
              obj.ttlMs = reader.uint64Number()
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
                field: `${prefix}.holder`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.ttlMs`,
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

  export interface OpenUploadCommandHolderFieldEvent {
    field: '$.holder'
    value: string
  }

  export interface OpenUploadCommandTtlMsFieldEvent {
    field: '$.ttlMs'
    value: number
  }

  export function encode (obj: Partial<OpenUploadCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, OpenUploadCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OpenUploadCommand>): OpenUploadCommand {
    return decodeMessage(buf, OpenUploadCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OpenUploadCommand>): Generator<OpenUploadCommandHolderFieldEvent | OpenUploadCommandTtlMsFieldEvent> {
    return streamMessage(buf, OpenUploadCommand.codec(), opts)
  }
}

export interface RenewUploadCommand {
  uploadId: number
  ttlMs: number
}

export namespace RenewUploadCommand {
  let _codec: Codec<RenewUploadCommand>

  export const codec = (): Codec<RenewUploadCommand> => {
    if (_codec == null) {
      _codec = message<RenewUploadCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.uploadId != null && obj.uploadId !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.uploadId)
        }

        if ((obj.ttlMs != null && obj.ttlMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.ttlMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          uploadId: 0,
          ttlMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.uploadId = reader.uint64Number()
              break
            }
            case 2: {
              obj.ttlMs = reader.uint64Number()
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
                field: `${prefix}.uploadId`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.ttlMs`,
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

  export interface RenewUploadCommandUploadIdFieldEvent {
    field: '$.uploadId'
    value: number
  }

  export interface RenewUploadCommandTtlMsFieldEvent {
    field: '$.ttlMs'
    value: number
  }

  export function encode (obj: Partial<RenewUploadCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RenewUploadCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RenewUploadCommand>): RenewUploadCommand {
    return decodeMessage(buf, RenewUploadCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RenewUploadCommand>): Generator<RenewUploadCommandUploadIdFieldEvent | RenewUploadCommandTtlMsFieldEvent> {
    return streamMessage(buf, RenewUploadCommand.codec(), opts)
  }
}

export interface CloseUploadsCommand {
  uploadIds: number[]
  expiredOnly: boolean
}

export namespace CloseUploadsCommand {
  let _codec: Codec<CloseUploadsCommand>

  export const codec = (): Codec<CloseUploadsCommand> => {
    if (_codec == null) {
      _codec = message<CloseUploadsCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.uploadIds != null && obj.uploadIds.length > 0) {
          for (const value of obj.uploadIds) {
            w.uint32(8)
            w.uint64Number(value)
          }
        }

        if ((obj.expiredOnly != null && obj.expiredOnly !== false)) {
          w.uint32(16)
          w.bool(obj.expiredOnly)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          uploadIds: [],
          expiredOnly: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.uploadIds != null && obj.uploadIds.length === opts.limits.uploadIds) {
                throw new MaxLengthError('Decode error - repeated field "uploadIds" had too many elements')
              }

              obj.uploadIds.push(reader.uint64Number())
              break
            }
            case 2: {
              obj.expiredOnly = reader.bool()
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
          uploadIds: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.uploadIds != null && obj.uploadIds === opts.limits.uploadIds) {
                throw new MaxLengthError('Streaming decode error - repeated field "uploadIds" had too many elements')
              }

              yield {
                field: `${prefix}.uploadIds[]`,
                index: obj.uploadIds,
                value: reader.uint64Number()
              }

              obj.uploadIds++

              break
            }
            case 2: {
              yield {
                field: `${prefix}.expiredOnly`,
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

  export interface CloseUploadsCommandUploadIdsFieldEvent {
    field: '$.uploadIds[]'
    index: number
    value: number
  }

  export interface CloseUploadsCommandExpiredOnlyFieldEvent {
    field: '$.expiredOnly'
    value: boolean
  }

  export function encode (obj: Partial<CloseUploadsCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, CloseUploadsCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseUploadsCommand>): CloseUploadsCommand {
    return decodeMessage(buf, CloseUploadsCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseUploadsCommand>): Generator<CloseUploadsCommandUploadIdsFieldEvent | CloseUploadsCommandExpiredOnlyFieldEvent> {
    return streamMessage(buf, CloseUploadsCommand.codec(), opts)
  }
}

export interface SetAttributesCommand {
  place?: Place
  mode?: number
  uid?: number
  gid?: number
  mtimeNs?: bigint
  expected?: number
}

export namespace SetAttributesCommand {
  let _codec: Codec<SetAttributesCommand>

  export const codec = (): Codec<SetAttributesCommand> => {
    if (_codec == null) {
      _codec = message<SetAttributesCommand>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.place != null) {
          w.uint32(10)
          Place.codec().encode(obj.place, w)
        }

        if (obj.mode != null) {
          w.uint32(16)
          w.uint32(obj.mode)
        }

        if (obj.uid != null) {
          w.uint32(24)
          w.uint32(obj.uid)
        }

        if (obj.gid != null) {
          w.uint32(32)
          w.uint32(obj.gid)
        }

        if (obj.mtimeNs != null) {
          w.uint32(40)
          w.int64(obj.mtimeNs)
        }

        if (obj.expected != null) {
          w.uint32(48)
          w.uint64Number(obj.expected)
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
              obj.place = Place.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.place
              })
              break
            }
            case 2: {
              obj.mode = reader.uint32()
              break
            }
            case 3: {
              obj.uid = reader.uint32()
              break
            }
            case 4: {
              obj.gid = reader.uint32()
              break
            }
            case 5: {
              obj.mtimeNs = reader.int64()
              break
            }
            case 6: {
              obj.expected = reader.uint64Number()
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
              yield * Place.codec().stream(reader, reader.uint32(), `${prefix}.place`, {
                limits: opts.limits?.place
              })

              break
            }
            case 2: {
              yield {
                field: `${prefix}.mode`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.uid`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.gid`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.mtimeNs`,
                value: reader.int64()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.expected`,
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

  export interface SetAttributesCommandPlaceDirectoryIdFieldEvent {
    field: '$.place.directoryId'
    value: number
  }

  export interface SetAttributesCommandPlaceNamesFieldEvent {
    field: '$.place.names[]'
    index: number
    value: string
  }

  export interface SetAttributesCommandModeFieldEvent {
    field: '$.mode'
    value: number
  }

  export interface SetAttributesCommandUidFieldEvent {
    field: '$.uid'
    value: number
  }

  export interface SetAttributesCommandGidFieldEvent {
    field: '$.gid'
    value: number
  }

  export interface SetAttributesCommandMtimeNsFieldEvent {
    field: '$.mtimeNs'
    value: bigint
  }

  export interface SetAttributesCommandExpectedFieldEvent {
    field: '$.expected'
    value: number
  }

  export function encode (obj: Partial<SetAttributesCommand>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SetAttributesCommand.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetAttributesCommand>): SetAttributesCommand {
    return decodeMessage(buf, SetAttributesCommand.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SetAttributesCommand>): Generator<SetAttributesCommandPlaceDirectoryIdFieldEvent | SetAttributesCommandPlaceNamesFieldEvent | SetAttributesCommandModeFieldEvent | SetAttributesCommandUidFieldEvent | SetAttributesCommandGidFieldEvent | SetAttributesCommandMtimeNsFieldEvent | SetAttributesCommandExpectedFieldEvent> {
    return streamMessage(buf, SetAttributesCommand.codec(), opts)
  }
}

export interface EntryChange {
  version: number
  directoryId?: number
  replaced: boolean
  names: string[]
  code: string
  message: string
  hint: string
}

export namespace EntryChange {
  let _codec: Codec<EntryChange>

  export const codec = (): Codec<EntryChange> => {
    if (_codec == null) {
      _codec = message<EntryChange>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.version)
        }

        if (obj.directoryId != null) {
          w.uint32(16)
          w.uint64Number(obj.directoryId)
        }

        if ((obj.replaced != null && obj.replaced !== false)) {
          w.uint32(24)
          w.bool(obj.replaced)
        }

        if (obj.names != null && obj.names.length > 0) {
          for (const value of obj.names) {
            w.uint32(34)
            w.string(value)
          }
        }

        if ((obj.code != null && obj.code !== '')) {
          w.uint32(42)
          w.string(obj.code)
        }

        if ((obj.message != null && obj.message !== '')) {
          w.uint32(50)
          w.string(obj.message)
        }

        if ((obj.hint != null && obj.hint !== '')) {
          w.uint32(58)
          w.string(obj.hint)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          replaced: false,
          names: [],
          code: '',
          message: '',
          hint: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint64Number()
              break
            }
            case 2: {
              obj.directoryId = reader.uint64Number()
              break
            }
            case 3: {
              obj.replaced = reader.bool()
              break
            }
            case 4: {
              if (opts.limits?.names != null && obj.names.length === opts.limits.names) {
                throw new MaxLengthError('Decode error - repeated field "names" had too many elements')
              }

              obj.names.push(reader.string())
              break
            }
            case 5: {
              obj.code = reader.string()
              break
            }
            case 6: {
              obj.message = reader.string()
              break
            }
            case 7: {
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
        const obj = {
          names: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.version`,
                value: reader.uint64Number()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.directoryId`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.replaced`,
                value: reader.bool()
              }
              break
            }
            case 4: {
              if (opts.limits?.names != null && obj.names === opts.limits.names) {
                throw new MaxLengthError('Streaming decode error - repeated field "names" had too many elements')
              }

              yield {
                field: `${prefix}.names[]`,
                index: obj.names,
                value: reader.string()
              }

              obj.names++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.code`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.message`,
                value: reader.string()
              }
              break
            }
            case 7: {
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

  export interface EntryChangeVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface EntryChangeDirectoryIdFieldEvent {
    field: '$.directoryId'
    value: number
  }

  export interface EntryChangeReplacedFieldEvent {
    field: '$.replaced'
    value: boolean
  }

  export interface EntryChangeNamesFieldEvent {
    field: '$.names[]'
    index: number
    value: string
  }

  export interface EntryChangeCodeFieldEvent {
    field: '$.code'
    value: string
  }

  export interface EntryChangeMessageFieldEvent {
    field: '$.message'
    value: string
  }

  export interface EntryChangeHintFieldEvent {
    field: '$.hint'
    value: string
  }

  export function encode (obj: Partial<EntryChange>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, EntryChange.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EntryChange>): EntryChange {
    return decodeMessage(buf, EntryChange.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<EntryChange>): Generator<EntryChangeVersionFieldEvent | EntryChangeDirectoryIdFieldEvent | EntryChangeReplacedFieldEvent | EntryChangeNamesFieldEvent | EntryChangeCodeFieldEvent | EntryChangeMessageFieldEvent | EntryChangeHintFieldEvent> {
    return streamMessage(buf, EntryChange.codec(), opts)
  }
}

export interface PutResult {
  items: EntryChange[]
}

export namespace PutResult {
  let _codec: Codec<PutResult>

  export const codec = (): Codec<PutResult> => {
    if (_codec == null) {
      _codec = message<PutResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.items != null && obj.items.length > 0) {
          for (const value of obj.items) {
            w.uint32(10)
            EntryChange.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          items: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.items != null && obj.items.length === opts.limits.items) {
                throw new MaxLengthError('Decode error - repeated field "items" had too many elements')
              }

              obj.items.push(EntryChange.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.items$
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
          items: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.items != null && obj.items === opts.limits.items) {
                throw new MaxLengthError('Streaming decode error - repeated field "items" had too many elements')
              }

              for (const evt of EntryChange.codec().stream(reader, reader.uint32(), `${prefix}.items[]`, {
                limits: opts.limits?.items$
              })) {
                yield {
                  ...evt,
                  index: obj.items
                }
              }

              obj.items++

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

  export interface PutResultItemsVersionFieldEvent {
    field: '$.items[].version'
    value: number
    index: number
  }

  export interface PutResultItemsDirectoryIdFieldEvent {
    field: '$.items[].directoryId'
    value: number
    index: number
  }

  export interface PutResultItemsReplacedFieldEvent {
    field: '$.items[].replaced'
    value: boolean
    index: number
  }

  export interface PutResultItemsNamesFieldEvent {
    field: '$.items[].names[]'
    index: number
    value: string
  }

  export interface PutResultItemsCodeFieldEvent {
    field: '$.items[].code'
    value: string
    index: number
  }

  export interface PutResultItemsMessageFieldEvent {
    field: '$.items[].message'
    value: string
    index: number
  }

  export interface PutResultItemsHintFieldEvent {
    field: '$.items[].hint'
    value: string
    index: number
  }

  export function encode (obj: Partial<PutResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PutResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutResult>): PutResult {
    return decodeMessage(buf, PutResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PutResult>): Generator<PutResultItemsVersionFieldEvent | PutResultItemsDirectoryIdFieldEvent | PutResultItemsReplacedFieldEvent | PutResultItemsNamesFieldEvent | PutResultItemsCodeFieldEvent | PutResultItemsMessageFieldEvent | PutResultItemsHintFieldEvent> {
    return streamMessage(buf, PutResult.codec(), opts)
  }
}

export interface PruneResult {
  left: number
}

export namespace PruneResult {
  let _codec: Codec<PruneResult>

  export const codec = (): Codec<PruneResult> => {
    if (_codec == null) {
      _codec = message<PruneResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.left != null && obj.left !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.left)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          left: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.left = reader.uint64Number()
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
                field: `${prefix}.left`,
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

  export interface PruneResultLeftFieldEvent {
    field: '$.left'
    value: number
  }

  export function encode (obj: Partial<PruneResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PruneResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneResult>): PruneResult {
    return decodeMessage(buf, PruneResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PruneResult>): Generator<PruneResultLeftFieldEvent> {
    return streamMessage(buf, PruneResult.codec(), opts)
  }
}

export interface UploadResult {
  uploadId: number
  expiresAtMs: number
}

export namespace UploadResult {
  let _codec: Codec<UploadResult>

  export const codec = (): Codec<UploadResult> => {
    if (_codec == null) {
      _codec = message<UploadResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.uploadId != null && obj.uploadId !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.uploadId)
        }

        if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.expiresAtMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          uploadId: 0,
          expiresAtMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.uploadId = reader.uint64Number()
              break
            }
            case 2: {
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
                field: `${prefix}.uploadId`,
                value: reader.uint64Number()
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

  export interface UploadResultUploadIdFieldEvent {
    field: '$.uploadId'
    value: number
  }

  export interface UploadResultExpiresAtMsFieldEvent {
    field: '$.expiresAtMs'
    value: number
  }

  export function encode (obj: Partial<UploadResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, UploadResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UploadResult>): UploadResult {
    return decodeMessage(buf, UploadResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<UploadResult>): Generator<UploadResultUploadIdFieldEvent | UploadResultExpiresAtMsFieldEvent> {
    return streamMessage(buf, UploadResult.codec(), opts)
  }
}

export interface CloseUploadsResult {
  closed: number
}

export namespace CloseUploadsResult {
  let _codec: Codec<CloseUploadsResult>

  export const codec = (): Codec<CloseUploadsResult> => {
    if (_codec == null) {
      _codec = message<CloseUploadsResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.closed != null && obj.closed !== 0)) {
          w.uint32(8)
          w.uint64Number(obj.closed)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          closed: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.closed = reader.uint64Number()
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
                field: `${prefix}.closed`,
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

  export interface CloseUploadsResultClosedFieldEvent {
    field: '$.closed'
    value: number
  }

  export function encode (obj: Partial<CloseUploadsResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, CloseUploadsResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseUploadsResult>): CloseUploadsResult {
    return decodeMessage(buf, CloseUploadsResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseUploadsResult>): Generator<CloseUploadsResultClosedFieldEvent> {
    return streamMessage(buf, CloseUploadsResult.codec(), opts)
  }
}
