/** Commands of the namespace and their results: `namespace.proto` ⇄ what handlers take and tell. */
import { DpsError, isErrorCode } from '../base/index.js'
import * as wire from '../wire/metadata/namespace.js'
import { attributesFromWire, plain } from './namespace-codec.js'
import { CLOSE_UPLOADS_MAX, NAMES_MAX, PRUNE_NAMES_MAX, PUT_ITEMS_MAX } from './namespace-limits.js'
import type {
  EntryChange,
  NamespaceCommand,
  NamespaceResults,
  Place,
  PutContent,
  PutFailure,
  PutItem,
} from './namespace-types.js'

type CommandOf<T extends NamespaceCommand['type']> = Extract<NamespaceCommand, { type: T }>

export interface CommandCodec<C, R> {
  encode(command: C): Uint8Array
  decode(bytes: Uint8Array): C
  encodeResult(result: R): Uint8Array
  decodeResult(bytes: Uint8Array): R
}

type Codecs = {
  [T in NamespaceCommand['type']]: CommandCodec<CommandOf<T>, NamespaceResults[T]>
}

const NOTHING = new Uint8Array(0)
const PLACE = { names: NAMES_MAX }

const change = {
  encodeResult: (result: EntryChange) => wire.EntryChange.encode(changeToWire(result)),
  decodeResult: (bytes: Uint8Array): EntryChange =>
    changeFromWire(read('result', () => wire.EntryChange.decode(bytes))),
}

export const NAMESPACE_CODECS: Codecs = {
  put: {
    encode: ({ uploadId, items, closes }) =>
      wire.PutCommand.encode({
        ...(uploadId !== undefined && { uploadId }),
        items: items.map(itemToWire),
        closes,
      }),
    decode: (bytes) => {
      const limits = { items: PUT_ITEMS_MAX, items$: { place: PLACE } }
      const { uploadId, items, closes } = read('put', () =>
        wire.PutCommand.decode(bytes, { limits }),
      )
      const upload = uploadId === undefined ? {} : { uploadId: whole(uploadId) }
      return { type: 'put', ...upload, items: items.map(itemFromWire), closes }
    },
    encodeResult: ({ items }) =>
      wire.PutResult.encode({
        items: items.map((item) =>
          'code' in item ? { ...NO_CHANGE, ...item } : changeToWire(item),
        ),
      }),
    decodeResult: (bytes) => {
      const { items } = read('result', () => wire.PutResult.decode(bytes))
      return { items: items.map(putChangeFromWire) }
    },
  },
  mkdir: {
    encode: ({ place, attributes, parents }) =>
      wire.MkdirCommand.encode({ place: placeToWire(place), attributes, parents }),
    decode: (bytes) => {
      const { place, attributes, parents } = read('mkdir', () =>
        wire.MkdirCommand.decode(bytes, { limits: { place: PLACE } }),
      )
      const made = { place: placeFromWire(place), attributes: attributesFromWire(attributes) }
      return { type: 'mkdir', ...made, parents }
    },
    ...change,
  },
  rename: {
    encode: ({ from, to, into, expectedFrom, expectedTo }) =>
      wire.RenameCommand.encode({
        from: placeToWire(from),
        to: placeToWire(to),
        into,
        ...(expectedFrom !== undefined && { expectedFrom }),
        ...(expectedTo !== undefined && { expectedTo }),
      }),
    decode: (bytes) => {
      const { from, to, into, expectedFrom, expectedTo } = read('rename', () =>
        wire.RenameCommand.decode(bytes, { limits: { from: PLACE, to: PLACE } }),
      )
      return {
        type: 'rename',
        from: placeFromWire(from),
        to: placeFromWire(to),
        into,
        ...(expectedFrom !== undefined && { expectedFrom }),
        ...(expectedTo !== undefined && { expectedTo }),
      }
    },
    ...change,
  },
  remove: {
    encode: ({ place, recursive, expected }) =>
      wire.RemoveCommand.encode({
        place: placeToWire(place),
        recursive,
        ...(expected !== undefined && { expected }),
      }),
    decode: (bytes) => {
      const { place, recursive, expected } = read('remove', () =>
        wire.RemoveCommand.decode(bytes, { limits: { place: PLACE } }),
      )
      const wanted = expected === undefined ? {} : { expected }
      return { type: 'remove', place: placeFromWire(place), recursive, ...wanted }
    },
    encodeResult: () => NOTHING,
    decodeResult: () => ({}),
  },
  prune: {
    encode: ({ directoryId, names }) =>
      wire.PruneCommand.encode({ directoryId, names: [...names] }),
    decode: (bytes) => {
      const { directoryId, names } = read('prune', () =>
        wire.PruneCommand.decode(bytes, { limits: { names: PRUNE_NAMES_MAX } }),
      )
      return { type: 'prune', directoryId: whole(directoryId), names }
    },
    encodeResult: (result) => wire.PruneResult.encode(result),
    decodeResult: (bytes) => {
      const { left } = read('result', () => wire.PruneResult.decode(bytes))
      return { left }
    },
  },
  openUpload: {
    encode: ({ holder, ttlMs }) => wire.OpenUploadCommand.encode({ holder, ttlMs }),
    decode: (bytes) => {
      const { holder, ttlMs } = read('open upload', () => wire.OpenUploadCommand.decode(bytes))
      return { type: 'openUpload', holder, ttlMs: whole(ttlMs) }
    },
    encodeResult: (result) => wire.UploadResult.encode(result),
    decodeResult: (bytes) => {
      const { uploadId, expiresAtMs } = read('result', () => wire.UploadResult.decode(bytes))
      return { uploadId, expiresAtMs }
    },
  },
  renewUpload: {
    encode: ({ uploadId, ttlMs }) => wire.RenewUploadCommand.encode({ uploadId, ttlMs }),
    decode: (bytes) => {
      const { uploadId, ttlMs } = read('renew upload', () => wire.RenewUploadCommand.decode(bytes))
      return { type: 'renewUpload', uploadId: whole(uploadId), ttlMs: whole(ttlMs) }
    },
    encodeResult: ({ expiresAtMs }) => wire.UploadResult.encode({ uploadId: 0, expiresAtMs }),
    decodeResult: (bytes) => {
      const { expiresAtMs } = read('result', () => wire.UploadResult.decode(bytes))
      return { expiresAtMs }
    },
  },
  closeUploads: {
    encode: ({ uploadIds, expiredOnly }) =>
      wire.CloseUploadsCommand.encode({ uploadIds: [...uploadIds], expiredOnly }),
    decode: (bytes) => {
      const { uploadIds, expiredOnly } = read('close uploads', () =>
        wire.CloseUploadsCommand.decode(bytes, { limits: { uploadIds: CLOSE_UPLOADS_MAX } }),
      )
      return { type: 'closeUploads', uploadIds: uploadIds.map(whole), expiredOnly }
    },
    encodeResult: (result) => wire.CloseUploadsResult.encode(result),
    decodeResult: (bytes) => {
      const { closed } = read('result', () => wire.CloseUploadsResult.decode(bytes))
      return { closed }
    },
  },
  setAttributes: {
    encode: ({ type: _, place, ...changes }) =>
      wire.SetAttributesCommand.encode({ place: placeToWire(place), ...changes }),
    decode: (bytes) => {
      const { place, ...changes } = read('set attributes', () =>
        wire.SetAttributesCommand.decode(bytes, { limits: { place: PLACE } }),
      )
      return { type: 'setAttributes', place: placeFromWire(place), ...changes }
    },
    ...change,
  },
}

function itemToWire({
  place,
  content,
  attributes,
  expected,
  parents = false,
}: PutItem): wire.PutItem {
  const file = { sizeBytes: 0, policy: '' }
  const common = {
    place: placeToWire(place),
    attributes,
    parents,
    ...(expected !== undefined && { expected }),
  }
  if (content.kind === 'file') {
    const { fileId, sizeBytes, policy } = content
    return { ...common, fileId: plain(fileId), sizeBytes, policy, restore: false }
  }
  if (content.kind === 'symlink') {
    return { ...common, ...file, target: content.target, restore: false }
  }
  return { ...common, ...file, restore: content.restore ?? false }
}

function itemFromWire(item: wire.PutItem): PutItem {
  const { attributes, expected, parents } = item
  return {
    place: placeFromWire(item.place),
    content: contentFromWire(item),
    attributes: attributesFromWire(attributes),
    ...(expected !== undefined && { expected }),
    parents,
  }
}

function contentFromWire(item: wire.PutItem): PutContent {
  const { fileId, sizeBytes, policy, target, restore } = item
  if (fileId !== undefined && target !== undefined) throw bad('put: a file with a target')
  if (fileId !== undefined) return { kind: 'file', fileId, sizeBytes: whole(sizeBytes), policy }
  return target === undefined ? { kind: 'directory', restore } : { kind: 'symlink', target }
}

function placeToWire({ directoryId, names }: Place): wire.Place {
  return { directoryId, names: [...names] }
}

function placeFromWire(place: wire.Place | undefined): Place {
  if (place === undefined) throw bad('a command without a place')
  return { directoryId: whole(place.directoryId), names: place.names }
}

const NO_CHANGE = { version: 0, replaced: false, names: [], code: '', message: '', hint: '' }

function changeToWire({
  version,
  directoryId,
  replaced,
  names = [],
}: EntryChange): wire.EntryChange {
  return {
    ...NO_CHANGE,
    version,
    ...(directoryId !== undefined && { directoryId }),
    replaced,
    names: [...names],
  }
}

function changeFromWire(change: wire.EntryChange): EntryChange {
  const { version, directoryId, replaced, names } = change
  return {
    version,
    ...(directoryId !== undefined && { directoryId }),
    replaced,
    ...(names.length > 0 && { names }),
  }
}

function putChangeFromWire(change: wire.EntryChange): EntryChange | PutFailure {
  if (change.code === '') return changeFromWire(change)
  const { code, message, hint } = change
  return { code: isErrorCode(code) ? code : 'INTERNAL', message, hint }
}

/** Beyond 2^53 numbers are not exact. */
function whole(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw bad(`${value} is no whole number`)
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
