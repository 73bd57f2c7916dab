/** Keys of the namespace. Names come last, so that a directory lists in the byte order of its names. */
import { CID_BYTES } from '../content/index.js'
import { keyAfter, keyOf, rangeOf, readU64, textOfKey } from './keys.js'
import type { DirectoryId, FileId } from './namespace-types.js'

const ENTRY_PREFIX_BYTES = 11
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

interface Range {
  gte: Uint8Array
  lt: Uint8Array
}

export const TOTALS_KEY = keyOf('d/next')

export function directoryKey(id: DirectoryId): Uint8Array {
  return keyOf('d/', id)
}

export function entryKey(directory: DirectoryId, name: string): Uint8Array {
  return keyOf('e/', directory, '/', name)
}

/** The entries of a directory, those after a name where one is given. */
export function entryRange(directory: DirectoryId, after = ''): Range {
  const range = rangeOf('e/', directory, '/')
  return after === '' ? range : { ...range, gte: keyAfter(entryKey(directory, after)) }
}

export function entryNameOf(key: Uint8Array): string {
  return decoder.decode(key.subarray(ENTRY_PREFIX_BYTES))
}

export function contentKey(fileId: FileId): Uint8Array {
  return keyOf('c/', fileId)
}

export function holderKey(peerId: string, fileId: FileId): Uint8Array {
  return keyOf('h/', peerId, '/', fileId)
}

/** What one node holds, after a content where one is given. */
export function holderRange(peerId: string, after?: FileId): Range {
  const range = rangeOf('h/', peerId, '/')
  return after === undefined ? range : { ...range, gte: keyAfter(holderKey(peerId, after)) }
}

/** The content that a key of {@link holderKey} names; `undefined` for any other key. */
export function heldBy(peerId: string, key: Uint8Array): FileId | undefined {
  // Peer ids are ASCII. Length first: followers ask this of every key that is written.
  const at = peerId.length + 3
  if (key.length !== at + CID_BYTES) return undefined
  return textOfKey(key.subarray(0, at)) === `h/${peerId}/` ? key.slice(at) : undefined
}

export function uploadKey(id: number): Uint8Array {
  return keyOf('u/', id)
}

export const UPLOAD_RANGE = rangeOf('u/')

export function trashKey(id: DirectoryId): Uint8Array {
  return keyOf('t/', id)
}

export const TRASH_RANGE = rangeOf('t/')

/** The number in a key of {@link uploadKey} or {@link trashKey}. */
export function numberOfKey(key: Uint8Array): number {
  return readU64(key, 2)
}
