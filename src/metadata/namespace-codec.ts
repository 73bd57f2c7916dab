/** Records of the namespace: `protos/dps/metadata/v1/namespace.proto` ⇄ what the room works with. */
import { DpsError } from '../base/index.js'
import { CID_BYTES } from '../content/index.js'
import * as wire from '../wire/metadata/namespace.js'
import type {
  Attributes,
  ContentRecord,
  DirectoryRecord,
  NamespaceEntry,
  NamespaceTotals,
  UploadRecord,
} from './namespace-types.js'

export function encodeEntry(entry: NamespaceEntry): Uint8Array {
  if (entry.kind === 'directory') {
    const { directoryId } = entry
    return wire.EntryRecord.encode({ directoryId })
  }
  const { attributes, ctimeNs, version } = entry
  const common = { ...attributes, ctimeNs, version }
  return entry.kind === 'file'
    ? wire.EntryRecord.encode({
        fileId: plain(entry.fileId),
        sizeBytes: entry.sizeBytes,
        ...common,
      })
    : wire.EntryRecord.encode({ target: entry.target, ...common })
}

export function decodeEntry(bytes: Uint8Array): NamespaceEntry {
  const record = read('entry', () => wire.EntryRecord.decode(bytes))
  const { fileId, target, directoryId, mode, uid, gid, mtimeNs, ctimeNs, version } = record
  if (directoryId !== undefined) return { kind: 'directory', directoryId }
  const common = { attributes: { mode, uid, gid, mtimeNs }, ctimeNs, version }
  if (target !== undefined) return { kind: 'symlink', target, ...common }
  if (fileId?.length !== CID_BYTES) throw damaged('entry: no file id')
  return { kind: 'file', fileId, sizeBytes: record.sizeBytes, ...common }
}

export function encodeDirectory(record: DirectoryRecord): Uint8Array {
  return wire.DirectoryRecord.encode(record)
}

export function decodeDirectory(bytes: Uint8Array): DirectoryRecord {
  const record = read('directory', () => wire.DirectoryRecord.decode(bytes))
  const { parentId, name, entries, attributes, ctimeNs, version } = record
  const kept = { parentId, name, entries, ctimeNs, version }
  return { ...kept, attributes: attributesFromWire(attributes) }
}

export function encodeContent(record: ContentRecord): Uint8Array {
  const { sizeBytes, policy, references } = record
  const placement = record.placement.map(({ extents, holders }) => ({
    extents,
    holders: [...holders],
  }))
  return wire.ContentRecord.encode({ sizeBytes, policy, references, placement })
}

export function decodeContent(bytes: Uint8Array): ContentRecord {
  const record = read('content', () => wire.ContentRecord.decode(bytes))
  const { sizeBytes, policy, references, placement } = record
  return { sizeBytes, policy, references, placement }
}

export function encodeUpload(record: UploadRecord): Uint8Array {
  return wire.UploadRecord.encode(record)
}

export function decodeUpload(bytes: Uint8Array): UploadRecord {
  const record = read('upload', () => wire.UploadRecord.decode(bytes))
  const { holder, startedAtMs, expiresAtMs } = record
  return { holder, startedAtMs, expiresAtMs }
}

export function encodeTotals(totals: NamespaceTotals): Uint8Array {
  return wire.NamespaceTotals.encode(totals)
}

export function decodeTotals(bytes: Uint8Array): NamespaceTotals {
  return read('totals', () => wire.NamespaceTotals.decode(bytes))
}

export function attributesFromWire(attributes: wire.Attributes | undefined): Attributes {
  const { mode = 0, uid = 0, gid = 0, mtimeNs = 0n } = attributes ?? {}
  return { mode, uid, gid, mtimeNs }
}

/** Protons keeps what it is given: a view on a larger buffer, or a Buffer, is copied. */
export function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function read<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw damaged(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
}

function damaged(message: string, cause?: unknown): DpsError {
  return new DpsError('DATA_LOSS', `namespace record is damaged: ${message}`, { cause })
}
