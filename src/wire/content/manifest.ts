import { decodeMessage, encodeMessage, enumeration, MaxLengthError, message, streamMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Manifest {
  file?: File
  directory?: Directory
}

export namespace Manifest {
  let _codec: Codec<Manifest>

  export const codec = (): Codec<Manifest> => {
    if (_codec == null) {
      _codec = message<Manifest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.directory != null) {
          obj.file = undefined
        }

        if (obj.file != null) {
          obj.directory = undefined
        }

        if (obj.file != null) {
          w.uint32(10)
          File.codec().encode(obj.file, w)
        }

        if (obj.directory != null) {
          w.uint32(18)
          Directory.codec().encode(obj.directory, w)
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
              obj.file = File.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.file
              })
              break
            }
            case 2: {
              obj.directory = Directory.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.directory
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.directory != null) {
          delete obj.file
        }

        if (obj.file != null) {
          delete obj.directory
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * File.codec().stream(reader, reader.uint32(), `${prefix}.file`, {
                limits: opts.limits?.file
              })

              break
            }
            case 2: {
              yield * Directory.codec().stream(reader, reader.uint32(), `${prefix}.directory`, {
                limits: opts.limits?.directory
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

  export interface ManifestFileLevelFieldEvent {
    field: '$.file.level'
    value: number
  }

  export interface ManifestFileOriginalContentSha256FieldEvent {
    field: '$.file.originalContentSha256'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ManifestFileOriginalContentSizeBytesFieldEvent {
    field: '$.file.originalContentSizeBytes'
    value: number
  }

  export interface ManifestFileChunkingFixedStepsFromOffsetFieldEvent {
    field: '$.file.chunking.fixed.steps[].fromOffset'
    value: number
    index: number
  }

  export interface ManifestFileChunkingFixedStepsSizeBytesFieldEvent {
    field: '$.file.chunking.fixed.steps[].sizeBytes'
    value: number
    index: number
  }

  export interface ManifestFileChunkingFastcdcMinBytesFieldEvent {
    field: '$.file.chunking.fastcdc.minBytes'
    value: number
  }

  export interface ManifestFileChunkingFastcdcAvgBytesFieldEvent {
    field: '$.file.chunking.fastcdc.avgBytes'
    value: number
  }

  export interface ManifestFileChunkingFastcdcMaxBytesFieldEvent {
    field: '$.file.chunking.fastcdc.maxBytes'
    value: number
  }

  export interface ManifestFileChunkingFastcdcNormalizationFieldEvent {
    field: '$.file.chunking.fastcdc.normalization'
    value: number
  }

  export interface ManifestFileChunkCountFieldEvent {
    field: '$.file.chunkCount'
    value: number
  }

  export interface ManifestFileCidsFieldEvent {
    field: '$.file.cids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ManifestFileSizesBytesFieldEvent {
    field: '$.file.sizesBytes[]'
    index: number
    value: number
  }

  export interface ManifestDirectoryLevelFieldEvent {
    field: '$.directory.level'
    value: number
  }

  export interface ManifestDirectoryEntriesNameFieldEvent {
    field: '$.directory.entries[].name'
    value: string
    index: number
  }

  export interface ManifestDirectoryEntriesKindFieldEvent {
    field: '$.directory.entries[].kind'
    value: Directory.Kind
    index: number
  }

  export interface ManifestDirectoryEntriesCidFieldEvent {
    field: '$.directory.entries[].cid'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ManifestDirectoryEntriesSizeBytesFieldEvent {
    field: '$.directory.entries[].sizeBytes'
    value: number
    index: number
  }

  export interface ManifestDirectoryEntriesSymlinkTargetFieldEvent {
    field: '$.directory.entries[].symlinkTarget'
    value: string
    index: number
  }

  export interface ManifestDirectoryChildrenCidFieldEvent {
    field: '$.directory.children[].cid'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ManifestDirectoryChildrenSizeBytesFieldEvent {
    field: '$.directory.children[].sizeBytes'
    value: number
    index: number
  }

  export interface ManifestDirectoryChildrenEntryCountFieldEvent {
    field: '$.directory.children[].entryCount'
    value: number
    index: number
  }

  export interface ManifestDirectoryChildrenFirstNameFieldEvent {
    field: '$.directory.children[].firstName'
    value: string
    index: number
  }

  export function encode (obj: Partial<Manifest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Manifest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Manifest>): Manifest {
    return decodeMessage(buf, Manifest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Manifest>): Generator<ManifestFileLevelFieldEvent | ManifestFileOriginalContentSha256FieldEvent | ManifestFileOriginalContentSizeBytesFieldEvent | ManifestFileChunkingFixedStepsFromOffsetFieldEvent | ManifestFileChunkingFixedStepsSizeBytesFieldEvent | ManifestFileChunkingFastcdcMinBytesFieldEvent | ManifestFileChunkingFastcdcAvgBytesFieldEvent | ManifestFileChunkingFastcdcMaxBytesFieldEvent | ManifestFileChunkingFastcdcNormalizationFieldEvent | ManifestFileChunkCountFieldEvent | ManifestFileCidsFieldEvent | ManifestFileSizesBytesFieldEvent | ManifestDirectoryLevelFieldEvent | ManifestDirectoryEntriesNameFieldEvent | ManifestDirectoryEntriesKindFieldEvent | ManifestDirectoryEntriesCidFieldEvent | ManifestDirectoryEntriesSizeBytesFieldEvent | ManifestDirectoryEntriesSymlinkTargetFieldEvent | ManifestDirectoryChildrenCidFieldEvent | ManifestDirectoryChildrenSizeBytesFieldEvent | ManifestDirectoryChildrenEntryCountFieldEvent | ManifestDirectoryChildrenFirstNameFieldEvent> {
    return streamMessage(buf, Manifest.codec(), opts)
  }
}

export interface File {
  level: number
  originalContentSha256?: Uint8Array<ArrayBuffer>
  originalContentSizeBytes: number
  chunking?: Chunking
  chunkCount: number
  cids: Uint8Array<ArrayBuffer>[]
  sizesBytes: number[]
}

export namespace File {
  let _codec: Codec<File>

  export const codec = (): Codec<File> => {
    if (_codec == null) {
      _codec = message<File>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.level != null && obj.level !== 0)) {
          w.uint32(8)
          w.uint32(obj.level)
        }

        if (obj.originalContentSha256 != null) {
          w.uint32(18)
          w.bytes(obj.originalContentSha256)
        }

        if ((obj.originalContentSizeBytes != null && obj.originalContentSizeBytes !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.originalContentSizeBytes)
        }

        if (obj.chunking != null) {
          w.uint32(34)
          Chunking.codec().encode(obj.chunking, w)
        }

        if ((obj.chunkCount != null && obj.chunkCount !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.chunkCount)
        }

        if (obj.cids != null && obj.cids.length > 0) {
          for (const value of obj.cids) {
            w.uint32(50)
            w.bytes(value)
          }
        }

        if (obj.sizesBytes != null && obj.sizesBytes.length > 0) {
          for (const value of obj.sizesBytes) {
            w.uint32(56)
            w.uint64Number(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          level: 0,
          originalContentSizeBytes: 0,
          chunkCount: 0,
          cids: [],
          sizesBytes: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.level = reader.uint32()
              break
            }
            case 2: {
              obj.originalContentSha256 = reader.bytes()
              break
            }
            case 3: {
              obj.originalContentSizeBytes = reader.uint64Number()
              break
            }
            case 4: {
              obj.chunking = Chunking.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.chunking
              })
              break
            }
            case 5: {
              obj.chunkCount = reader.uint64Number()
              break
            }
            case 6: {
              if (opts.limits?.cids != null && obj.cids.length === opts.limits.cids) {
                throw new MaxLengthError('Decode error - repeated field "cids" had too many elements')
              }

              obj.cids.push(reader.bytes())
              break
            }
            case 7: {
              if (opts.limits?.sizesBytes != null && obj.sizesBytes.length === opts.limits.sizesBytes) {
                throw new MaxLengthError('Decode error - repeated field "sizesBytes" had too many elements')
              }

              obj.sizesBytes.push(reader.uint64Number())
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
          cids: 0,
          sizesBytes: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.level`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.originalContentSha256`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.originalContentSizeBytes`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              yield * Chunking.codec().stream(reader, reader.uint32(), `${prefix}.chunking`, {
                limits: opts.limits?.chunking
              })

              break
            }
            case 5: {
              yield {
                field: `${prefix}.chunkCount`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              if (opts.limits?.cids != null && obj.cids === opts.limits.cids) {
                throw new MaxLengthError('Streaming decode error - repeated field "cids" had too many elements')
              }

              yield {
                field: `${prefix}.cids[]`,
                index: obj.cids,
                value: reader.bytes()
              }

              obj.cids++

              break
            }
            case 7: {
              if (opts.limits?.sizesBytes != null && obj.sizesBytes === opts.limits.sizesBytes) {
                throw new MaxLengthError('Streaming decode error - repeated field "sizesBytes" had too many elements')
              }

              yield {
                field: `${prefix}.sizesBytes[]`,
                index: obj.sizesBytes,
                value: reader.uint64Number()
              }

              obj.sizesBytes++

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

  export interface FileLevelFieldEvent {
    field: '$.level'
    value: number
  }

  export interface FileOriginalContentSha256FieldEvent {
    field: '$.originalContentSha256'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FileOriginalContentSizeBytesFieldEvent {
    field: '$.originalContentSizeBytes'
    value: number
  }

  export interface FileChunkingFixedStepsFromOffsetFieldEvent {
    field: '$.chunking.fixed.steps[].fromOffset'
    value: number
    index: number
  }

  export interface FileChunkingFixedStepsSizeBytesFieldEvent {
    field: '$.chunking.fixed.steps[].sizeBytes'
    value: number
    index: number
  }

  export interface FileChunkingFastcdcMinBytesFieldEvent {
    field: '$.chunking.fastcdc.minBytes'
    value: number
  }

  export interface FileChunkingFastcdcAvgBytesFieldEvent {
    field: '$.chunking.fastcdc.avgBytes'
    value: number
  }

  export interface FileChunkingFastcdcMaxBytesFieldEvent {
    field: '$.chunking.fastcdc.maxBytes'
    value: number
  }

  export interface FileChunkingFastcdcNormalizationFieldEvent {
    field: '$.chunking.fastcdc.normalization'
    value: number
  }

  export interface FileChunkCountFieldEvent {
    field: '$.chunkCount'
    value: number
  }

  export interface FileCidsFieldEvent {
    field: '$.cids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface FileSizesBytesFieldEvent {
    field: '$.sizesBytes[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<File>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, File.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<File>): File {
    return decodeMessage(buf, File.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<File>): Generator<FileLevelFieldEvent | FileOriginalContentSha256FieldEvent | FileOriginalContentSizeBytesFieldEvent | FileChunkingFixedStepsFromOffsetFieldEvent | FileChunkingFixedStepsSizeBytesFieldEvent | FileChunkingFastcdcMinBytesFieldEvent | FileChunkingFastcdcAvgBytesFieldEvent | FileChunkingFastcdcMaxBytesFieldEvent | FileChunkingFastcdcNormalizationFieldEvent | FileChunkCountFieldEvent | FileCidsFieldEvent | FileSizesBytesFieldEvent> {
    return streamMessage(buf, File.codec(), opts)
  }
}

export interface Chunking {
  fixed?: FixedChunker
  fastcdc?: FastCdcChunker
}

export namespace Chunking {
  let _codec: Codec<Chunking>

  export const codec = (): Codec<Chunking> => {
    if (_codec == null) {
      _codec = message<Chunking>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.fastcdc != null) {
          obj.fixed = undefined
        }

        if (obj.fixed != null) {
          obj.fastcdc = undefined
        }

        if (obj.fixed != null) {
          w.uint32(10)
          FixedChunker.codec().encode(obj.fixed, w)
        }

        if (obj.fastcdc != null) {
          w.uint32(18)
          FastCdcChunker.codec().encode(obj.fastcdc, w)
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
              obj.fixed = FixedChunker.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.fixed
              })
              break
            }
            case 2: {
              obj.fastcdc = FastCdcChunker.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.fastcdc
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.fastcdc != null) {
          delete obj.fixed
        }

        if (obj.fixed != null) {
          delete obj.fastcdc
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * FixedChunker.codec().stream(reader, reader.uint32(), `${prefix}.fixed`, {
                limits: opts.limits?.fixed
              })

              break
            }
            case 2: {
              yield * FastCdcChunker.codec().stream(reader, reader.uint32(), `${prefix}.fastcdc`, {
                limits: opts.limits?.fastcdc
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

  export interface ChunkingFixedStepsFromOffsetFieldEvent {
    field: '$.fixed.steps[].fromOffset'
    value: number
    index: number
  }

  export interface ChunkingFixedStepsSizeBytesFieldEvent {
    field: '$.fixed.steps[].sizeBytes'
    value: number
    index: number
  }

  export interface ChunkingFastcdcMinBytesFieldEvent {
    field: '$.fastcdc.minBytes'
    value: number
  }

  export interface ChunkingFastcdcAvgBytesFieldEvent {
    field: '$.fastcdc.avgBytes'
    value: number
  }

  export interface ChunkingFastcdcMaxBytesFieldEvent {
    field: '$.fastcdc.maxBytes'
    value: number
  }

  export interface ChunkingFastcdcNormalizationFieldEvent {
    field: '$.fastcdc.normalization'
    value: number
  }

  export function encode (obj: Partial<Chunking>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Chunking.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Chunking>): Chunking {
    return decodeMessage(buf, Chunking.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Chunking>): Generator<ChunkingFixedStepsFromOffsetFieldEvent | ChunkingFixedStepsSizeBytesFieldEvent | ChunkingFastcdcMinBytesFieldEvent | ChunkingFastcdcAvgBytesFieldEvent | ChunkingFastcdcMaxBytesFieldEvent | ChunkingFastcdcNormalizationFieldEvent> {
    return streamMessage(buf, Chunking.codec(), opts)
  }
}

export interface FixedChunker {
  steps: FixedChunker.Step[]
}

export namespace FixedChunker {
  export interface Step {
    fromOffset: number
    sizeBytes: number
  }

  export namespace Step {
    let _codec: Codec<Step>

    export const codec = (): Codec<Step> => {
      if (_codec == null) {
        _codec = message<Step>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.fromOffset != null && obj.fromOffset !== 0)) {
            w.uint32(8)
            w.uint64Number(obj.fromOffset)
          }

          if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
            w.uint32(16)
            w.uint32(obj.sizeBytes)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            fromOffset: 0,
            sizeBytes: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.fromOffset = reader.uint64Number()
                break
              }
              case 2: {
                obj.sizeBytes = reader.uint32()
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
                  field: `${prefix}.fromOffset`,
                  value: reader.uint64Number()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.sizeBytes`,
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

    export interface StepFromOffsetFieldEvent {
      field: '$.fromOffset'
      value: number
    }

    export interface StepSizeBytesFieldEvent {
      field: '$.sizeBytes'
      value: number
    }

    export function encode (obj: Partial<Step>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Step.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Step>): Step {
      return decodeMessage(buf, Step.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Step>): Generator<StepFromOffsetFieldEvent | StepSizeBytesFieldEvent> {
      return streamMessage(buf, Step.codec(), opts)
    }
  }

  let _codec: Codec<FixedChunker>

  export const codec = (): Codec<FixedChunker> => {
    if (_codec == null) {
      _codec = message<FixedChunker>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.steps != null && obj.steps.length > 0) {
          for (const value of obj.steps) {
            w.uint32(10)
            FixedChunker.Step.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          steps: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.steps != null && obj.steps.length === opts.limits.steps) {
                throw new MaxLengthError('Decode error - repeated field "steps" had too many elements')
              }

              obj.steps.push(FixedChunker.Step.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.steps$
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
          steps: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.steps != null && obj.steps === opts.limits.steps) {
                throw new MaxLengthError('Streaming decode error - repeated field "steps" had too many elements')
              }

              for (const evt of FixedChunker.Step.codec().stream(reader, reader.uint32(), `${prefix}.steps[]`, {
                limits: opts.limits?.steps$
              })) {
                yield {
                  ...evt,
                  index: obj.steps
                }
              }

              obj.steps++

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

  export interface FixedChunkerStepsFromOffsetFieldEvent {
    field: '$.steps[].fromOffset'
    value: number
    index: number
  }

  export interface FixedChunkerStepsSizeBytesFieldEvent {
    field: '$.steps[].sizeBytes'
    value: number
    index: number
  }

  export function encode (obj: Partial<FixedChunker>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, FixedChunker.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FixedChunker>): FixedChunker {
    return decodeMessage(buf, FixedChunker.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FixedChunker>): Generator<FixedChunkerStepsFromOffsetFieldEvent | FixedChunkerStepsSizeBytesFieldEvent> {
    return streamMessage(buf, FixedChunker.codec(), opts)
  }
}

export interface FastCdcChunker {
  minBytes: number
  avgBytes: number
  maxBytes: number
  normalization: number
}

export namespace FastCdcChunker {
  let _codec: Codec<FastCdcChunker>

  export const codec = (): Codec<FastCdcChunker> => {
    if (_codec == null) {
      _codec = message<FastCdcChunker>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.minBytes != null && obj.minBytes !== 0)) {
          w.uint32(8)
          w.uint32(obj.minBytes)
        }

        if ((obj.avgBytes != null && obj.avgBytes !== 0)) {
          w.uint32(16)
          w.uint32(obj.avgBytes)
        }

        if ((obj.maxBytes != null && obj.maxBytes !== 0)) {
          w.uint32(24)
          w.uint32(obj.maxBytes)
        }

        if ((obj.normalization != null && obj.normalization !== 0)) {
          w.uint32(32)
          w.uint32(obj.normalization)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          minBytes: 0,
          avgBytes: 0,
          maxBytes: 0,
          normalization: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.minBytes = reader.uint32()
              break
            }
            case 2: {
              obj.avgBytes = reader.uint32()
              break
            }
            case 3: {
              obj.maxBytes = reader.uint32()
              break
            }
            case 4: {
              obj.normalization = reader.uint32()
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
                field: `${prefix}.minBytes`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.avgBytes`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.maxBytes`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.normalization`,
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

  export interface FastCdcChunkerMinBytesFieldEvent {
    field: '$.minBytes'
    value: number
  }

  export interface FastCdcChunkerAvgBytesFieldEvent {
    field: '$.avgBytes'
    value: number
  }

  export interface FastCdcChunkerMaxBytesFieldEvent {
    field: '$.maxBytes'
    value: number
  }

  export interface FastCdcChunkerNormalizationFieldEvent {
    field: '$.normalization'
    value: number
  }

  export function encode (obj: Partial<FastCdcChunker>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, FastCdcChunker.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FastCdcChunker>): FastCdcChunker {
    return decodeMessage(buf, FastCdcChunker.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FastCdcChunker>): Generator<FastCdcChunkerMinBytesFieldEvent | FastCdcChunkerAvgBytesFieldEvent | FastCdcChunkerMaxBytesFieldEvent | FastCdcChunkerNormalizationFieldEvent> {
    return streamMessage(buf, FastCdcChunker.codec(), opts)
  }
}

export interface Directory {
  level: number
  entries: Directory.Entry[]
  children: Directory.Child[]
}

export namespace Directory {
  export enum Kind {
    FILE = 'FILE',
    DIRECTORY = 'DIRECTORY',
    SYMLINK = 'SYMLINK'
  }

  enum __KindValues {
    FILE = 0,
    DIRECTORY = 1,
    SYMLINK = 2
  }

  export namespace Kind {
    export const codec = (): Codec<Kind> => {
      return enumeration<Kind>(__KindValues)
    }
  }

  export interface Entry {
    name: string
    kind: Directory.Kind
    cid?: Uint8Array<ArrayBuffer>
    sizeBytes: number
    symlinkTarget: string
  }

  export namespace Entry {
    let _codec: Codec<Entry>

    export const codec = (): Codec<Entry> => {
      if (_codec == null) {
        _codec = message<Entry>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.name != null && obj.name !== '')) {
            w.uint32(10)
            w.string(obj.name)
          }

          if (obj.kind != null && __KindValues[obj.kind] !== 0) {
            w.uint32(16)
            Directory.Kind.codec().encode(obj.kind, w)
          }

          if (obj.cid != null) {
            w.uint32(26)
            w.bytes(obj.cid)
          }

          if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
            w.uint32(32)
            w.uint64Number(obj.sizeBytes)
          }

          if ((obj.symlinkTarget != null && obj.symlinkTarget !== '')) {
            w.uint32(42)
            w.string(obj.symlinkTarget)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            name: '',
            kind: Kind.FILE,
            sizeBytes: 0,
            symlinkTarget: ''
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.name = reader.string()
                break
              }
              case 2: {
                obj.kind = Directory.Kind.codec().decode(reader)
                break
              }
              case 3: {
                obj.cid = reader.bytes()
                break
              }
              case 4: {
                obj.sizeBytes = reader.uint64Number()
                break
              }
              case 5: {
                obj.symlinkTarget = reader.string()
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
                  field: `${prefix}.name`,
                  value: reader.string()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.kind`,
                  value: Directory.Kind.codec().decode(reader)
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.cid`,
                  value: reader.bytes()
                }
                break
              }
              case 4: {
                yield {
                  field: `${prefix}.sizeBytes`,
                  value: reader.uint64Number()
                }
                break
              }
              case 5: {
                yield {
                  field: `${prefix}.symlinkTarget`,
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

    export interface EntryNameFieldEvent {
      field: '$.name'
      value: string
    }

    export interface EntryKindFieldEvent {
      field: '$.kind'
      value: Directory.Kind
    }

    export interface EntryCidFieldEvent {
      field: '$.cid'
      value: Uint8Array<ArrayBuffer>
    }

    export interface EntrySizeBytesFieldEvent {
      field: '$.sizeBytes'
      value: number
    }

    export interface EntrySymlinkTargetFieldEvent {
      field: '$.symlinkTarget'
      value: string
    }

    export function encode (obj: Partial<Entry>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Entry.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Entry>): Entry {
      return decodeMessage(buf, Entry.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Entry>): Generator<EntryNameFieldEvent | EntryKindFieldEvent | EntryCidFieldEvent | EntrySizeBytesFieldEvent | EntrySymlinkTargetFieldEvent> {
      return streamMessage(buf, Entry.codec(), opts)
    }
  }

  export interface Child {
    cid?: Uint8Array<ArrayBuffer>
    sizeBytes: number
    entryCount: number
    firstName: string
  }

  export namespace Child {
    let _codec: Codec<Child>

    export const codec = (): Codec<Child> => {
      if (_codec == null) {
        _codec = message<Child>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if (obj.cid != null) {
            w.uint32(10)
            w.bytes(obj.cid)
          }

          if ((obj.sizeBytes != null && obj.sizeBytes !== 0)) {
            w.uint32(16)
            w.uint64Number(obj.sizeBytes)
          }

          if ((obj.entryCount != null && obj.entryCount !== 0)) {
            w.uint32(24)
            w.uint64Number(obj.entryCount)
          }

          if ((obj.firstName != null && obj.firstName !== '')) {
            w.uint32(34)
            w.string(obj.firstName)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            sizeBytes: 0,
            entryCount: 0,
            firstName: ''
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.cid = reader.bytes()
                break
              }
              case 2: {
                obj.sizeBytes = reader.uint64Number()
                break
              }
              case 3: {
                obj.entryCount = reader.uint64Number()
                break
              }
              case 4: {
                obj.firstName = reader.string()
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
                  field: `${prefix}.cid`,
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
                  field: `${prefix}.entryCount`,
                  value: reader.uint64Number()
                }
                break
              }
              case 4: {
                yield {
                  field: `${prefix}.firstName`,
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

    export interface ChildCidFieldEvent {
      field: '$.cid'
      value: Uint8Array<ArrayBuffer>
    }

    export interface ChildSizeBytesFieldEvent {
      field: '$.sizeBytes'
      value: number
    }

    export interface ChildEntryCountFieldEvent {
      field: '$.entryCount'
      value: number
    }

    export interface ChildFirstNameFieldEvent {
      field: '$.firstName'
      value: string
    }

    export function encode (obj: Partial<Child>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Child.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Child>): Child {
      return decodeMessage(buf, Child.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Child>): Generator<ChildCidFieldEvent | ChildSizeBytesFieldEvent | ChildEntryCountFieldEvent | ChildFirstNameFieldEvent> {
      return streamMessage(buf, Child.codec(), opts)
    }
  }

  let _codec: Codec<Directory>

  export const codec = (): Codec<Directory> => {
    if (_codec == null) {
      _codec = message<Directory>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.level != null && obj.level !== 0)) {
          w.uint32(8)
          w.uint32(obj.level)
        }

        if (obj.entries != null && obj.entries.length > 0) {
          for (const value of obj.entries) {
            w.uint32(18)
            Directory.Entry.codec().encode(value, w)
          }
        }

        if (obj.children != null && obj.children.length > 0) {
          for (const value of obj.children) {
            w.uint32(26)
            Directory.Child.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          level: 0,
          entries: [],
          children: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.level = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.entries != null && obj.entries.length === opts.limits.entries) {
                throw new MaxLengthError('Decode error - repeated field "entries" had too many elements')
              }

              obj.entries.push(Directory.Entry.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.entries$
              }))
              break
            }
            case 3: {
              if (opts.limits?.children != null && obj.children.length === opts.limits.children) {
                throw new MaxLengthError('Decode error - repeated field "children" had too many elements')
              }

              obj.children.push(Directory.Child.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.children$
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
          entries: 0,
          children: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.level`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.entries != null && obj.entries === opts.limits.entries) {
                throw new MaxLengthError('Streaming decode error - repeated field "entries" had too many elements')
              }

              for (const evt of Directory.Entry.codec().stream(reader, reader.uint32(), `${prefix}.entries[]`, {
                limits: opts.limits?.entries$
              })) {
                yield {
                  ...evt,
                  index: obj.entries
                }
              }

              obj.entries++

              break
            }
            case 3: {
              if (opts.limits?.children != null && obj.children === opts.limits.children) {
                throw new MaxLengthError('Streaming decode error - repeated field "children" had too many elements')
              }

              for (const evt of Directory.Child.codec().stream(reader, reader.uint32(), `${prefix}.children[]`, {
                limits: opts.limits?.children$
              })) {
                yield {
                  ...evt,
                  index: obj.children
                }
              }

              obj.children++

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

  export interface DirectoryLevelFieldEvent {
    field: '$.level'
    value: number
  }

  export interface DirectoryEntriesNameFieldEvent {
    field: '$.entries[].name'
    value: string
    index: number
  }

  export interface DirectoryEntriesKindFieldEvent {
    field: '$.entries[].kind'
    value: Directory.Kind
    index: number
  }

  export interface DirectoryEntriesCidFieldEvent {
    field: '$.entries[].cid'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryEntriesSizeBytesFieldEvent {
    field: '$.entries[].sizeBytes'
    value: number
    index: number
  }

  export interface DirectoryEntriesSymlinkTargetFieldEvent {
    field: '$.entries[].symlinkTarget'
    value: string
    index: number
  }

  export interface DirectoryChildrenCidFieldEvent {
    field: '$.children[].cid'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryChildrenSizeBytesFieldEvent {
    field: '$.children[].sizeBytes'
    value: number
    index: number
  }

  export interface DirectoryChildrenEntryCountFieldEvent {
    field: '$.children[].entryCount'
    value: number
    index: number
  }

  export interface DirectoryChildrenFirstNameFieldEvent {
    field: '$.children[].firstName'
    value: string
    index: number
  }

  export function encode (obj: Partial<Directory>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Directory.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Directory>): Directory {
    return decodeMessage(buf, Directory.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Directory>): Generator<DirectoryLevelFieldEvent | DirectoryEntriesNameFieldEvent | DirectoryEntriesKindFieldEvent | DirectoryEntriesCidFieldEvent | DirectoryEntriesSizeBytesFieldEvent | DirectoryEntriesSymlinkTargetFieldEvent | DirectoryChildrenCidFieldEvent | DirectoryChildrenSizeBytesFieldEvent | DirectoryChildrenEntryCountFieldEvent | DirectoryChildrenFirstNameFieldEvent> {
    return streamMessage(buf, Directory.codec(), opts)
  }
}
