/** Bytes that parts of a manifest take in its encoding, known before they are encoded. */
import { CID_BYTES } from './cid.js'
import {
  type DirectoryChild,
  type DirectoryEntry,
  type DirectoryNode,
  MANIFEST_BYTES_MAX,
  MANIFEST_CHILDREN_MAX,
} from './manifest.js'

// Room for a directory node's fields other than its items.
/** Items of one directory node. */
export const DIRECTORY_ITEMS_BYTES_MAX = MANIFEST_BYTES_MAX - 1024

/** Whether a directory node of that many items and bytes of items has room for one more. */
export function hasRoom(items: number, bytes: number, itemBytes: number): boolean {
  return items < MANIFEST_CHILDREN_MAX && bytes + itemBytes <= DIRECTORY_ITEMS_BYTES_MAX
}

/** Bytes that the items of a directory node take in its encoding. */
export function itemsBytes(node: DirectoryNode): number {
  let bytes = 0
  if (node.type === 'directory-leaf') for (const entry of node.entries) bytes += entryBytes(entry)
  else for (const child of node.children) bytes += childBytes(child)
  return bytes
}

/** Bytes that an entry takes in a leaf. */
export function entryBytes(entry: DirectoryEntry): number {
  const name = delimited(Buffer.byteLength(entry.name))
  if (entry.kind === 'symlink') {
    return delimited(name + 2 + delimited(Buffer.byteLength(entry.target)))
  }
  const kind = entry.kind === 'file' ? 0 : 2
  return delimited(name + kind + delimited(CID_BYTES) + number(entry.sizeBytes))
}

/** Bytes that a child takes in an inner node. */
export function childBytes(child: DirectoryChild): number {
  const name = delimited(Buffer.byteLength(child.firstName))
  return delimited(delimited(CID_BYTES) + number(child.sizeBytes) + number(child.entries) + name)
}

/** A field of so many bytes: tag, length, bytes. */
export function delimited(bytes: number): number {
  return 1 + varintBytes(bytes) + bytes
}

/** A numeric field: nothing when it is the default. */
function number(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value)
}

/** Bytes of a number in protobuf. */
export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** @returns where the number ends. */
export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128
  out[at++] = rest
  return at
}
