/** From places to directories and entries, over a draft or the state itself. Pure. */
import { assert, DpsError } from '../../base/index.js'
import { NAME_BYTES_MAX, NAMES_MAX, RESERVED_NAMES, TARGET_BYTES_MAX } from '../namespace-limits.js'
import {
  type Attributes,
  type DirectoryId,
  type Expected,
  type NamespaceEntry,
  type Place,
  ROOT_DIRECTORY,
} from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import { DETACHED, type NamespaceTree } from './namespace-records.js'

const LONE_SURROGATE = /\p{Surrogate}/u

/** Where an entry is, or would be. */
export interface Spot {
  directoryId: DirectoryId
  name: string
  entry: NamespaceEntry | undefined
}

/** @throws INVALID_ARGUMENT for a name that no entry can have. */
export function checkNames(place: Place): void {
  if (place.names.length > NAMES_MAX) {
    throw new DpsError('INVALID_ARGUMENT', `a path of ${place.names.length} names is too long`)
  }
  for (const name of place.names) {
    const problem = nameProblem(name)
    if (problem !== undefined) {
      throw new DpsError('INVALID_ARGUMENT', `name ${quoted(name)}: ${problem}`)
    }
  }
}

/** @throws INVALID_ARGUMENT where nothing can be made. */
export function checkNewPlace(place: Place): void {
  checkNames(place)
  const [top] = place.names
  if (place.directoryId !== ROOT_DIRECTORY || !RESERVED_NAMES.includes(top ?? '')) return
  throw new DpsError('INVALID_ARGUMENT', `the top-level name '${top}' is reserved`, {
    hint: 'choose another name',
  })
}

export function checkTarget(target: string): void {
  const problem =
    target === ''
      ? 'it is empty'
      : target.includes('\0')
        ? 'it holds a NUL'
        : textProblem(target, TARGET_BYTES_MAX)
  if (problem === undefined) return
  throw new DpsError('INVALID_ARGUMENT', `symlink target ${quoted(target)}: ${problem}`)
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it points elsewhere'
  if (name.includes('/')) return 'it holds a "/"'
  if (name.includes('\0')) return 'it holds a NUL'
  return textProblem(name, NAME_BYTES_MAX)
}

function textProblem(text: string, bytesMax: number): string | undefined {
  if (LONE_SURROGATE.test(text)) return 'it is not Unicode text'
  if (text.length * 3 <= bytesMax) return undefined
  return Buffer.byteLength(text) > bytesMax ? `it is longer than ${bytesMax} bytes` : undefined
}

/** The directory that a place names. @throws NOT_FOUND, FAILED_PRECONDITION for another entry */
export function directoryAt(tree: NamespaceTree, place: Place): DirectoryId {
  checkAttached(tree, place.directoryId)
  let id = place.directoryId
  for (const [depth, name] of place.names.entries()) {
    const entry = tree.entry(id, name)
    if (entry === undefined) throw notFound(tree, place, depth + 1)
    if (entry.kind !== 'directory') throw notDirectory(tree, place, depth + 1)
    id = entry.directoryId
  }
  return id
}

/**
 * The spot of an entry: its directory must exist.
 * @throws INVALID_ARGUMENT for the root, NOT_FOUND and FAILED_PRECONDITION on the way
 */
export function spotAt(tree: NamespaceTree, place: Place): Spot {
  const name = place.names.at(-1)
  if (name === undefined) throw new DpsError('INVALID_ARGUMENT', rootProblem(tree, place))
  const parent = { directoryId: place.directoryId, names: place.names.slice(0, -1) }
  const directoryId = directoryAt(tree, parent)
  return { directoryId, name, entry: tree.entry(directoryId, name) }
}

function rootProblem(tree: NamespaceTree, place: Place): string {
  return `${pathOf(tree, place)} cannot be moved, removed or replaced`
}

/** Makes the directories of a place that are missing, with these attributes. */
export function makeDirectories(
  draft: NamespaceDraft,
  place: Place,
  attributes: Attributes,
): DirectoryId {
  checkAttached(draft, place.directoryId)
  let id = place.directoryId
  for (const [depth, name] of place.names.entries()) {
    const entry = draft.entry(id, name)
    if (entry === undefined) id = makeDirectory(draft, id, name, attributes)
    else if (entry.kind === 'directory') id = entry.directoryId
    else throw notDirectory(draft, place, depth + 1)
  }
  return id
}

export function makeDirectory(
  draft: NamespaceDraft,
  parentId: DirectoryId,
  name: string,
  attributes: Attributes,
): DirectoryId {
  const directoryId = draft.addDirectory({ parentId, name, attributes })
  draft.setEntry(parentId, name, { kind: 'directory', directoryId })
  return directoryId
}

/** A directory that was removed, or is below one that was, takes part in nothing. */
export function checkAttached(tree: NamespaceTree, id: DirectoryId): void {
  for (let at = id; at !== ROOT_DIRECTORY; ) {
    const record = at === DETACHED ? undefined : tree.directory(at)
    if (record === undefined) throw new DpsError('NOT_FOUND', 'the directory was removed')
    at = record.parentId
  }
}

/** Whether `id` is `ancestor` or below it. */
export function isWithin(tree: NamespaceTree, id: DirectoryId, ancestor: DirectoryId): boolean {
  for (let at = id; ; ) {
    if (at === ancestor) return true
    if (at === ROOT_DIRECTORY) return false
    const record = tree.directory(at)
    assert(record !== undefined, `directory ${at} has no record`)
    at = record.parentId
  }
}

export function versionOf(tree: NamespaceTree, entry: NamespaceEntry | undefined): number {
  if (entry === undefined) return 0
  if (entry.kind !== 'directory') return entry.version
  return tree.directory(entry.directoryId)?.version ?? 0
}

/** @throws ABORTED when something else is there, ALREADY_EXISTS when nothing should be. */
export function checkExpected(
  tree: NamespaceTree,
  place: Place,
  entry: NamespaceEntry | undefined,
  expected: Expected,
): void {
  if (expected === undefined) return
  const version = versionOf(tree, entry)
  if (version === expected) return
  const path = pathOf(tree, place)
  if (expected === 0) throw new DpsError('ALREADY_EXISTS', `${path} exists`)
  const now = version === 0 ? 'it is gone' : `it is at version ${version}`
  throw new DpsError('ABORTED', `${path} is not at version ${expected} any longer: ${now}`, {
    hint: 'look at it again, then decide',
  })
}

export function notFound(tree: NamespaceTree, place: Place, depth = place.names.length): DpsError {
  return new DpsError('NOT_FOUND', `${pathOf(tree, place, depth)} does not exist`)
}

export function notDirectory(
  tree: NamespaceTree,
  place: Place,
  depth = place.names.length,
): DpsError {
  return new DpsError('FAILED_PRECONDITION', `${pathOf(tree, place, depth)} is not a directory`)
}

export function isDirectory(tree: NamespaceTree, place: Place): DpsError {
  return new DpsError('FAILED_PRECONDITION', `${pathOf(tree, place)} is a directory`)
}

/** As people write it, up to a depth. */
export function pathOf(tree: NamespaceTree, place: Place, depth = place.names.length): string {
  const names = place.names.slice(0, depth)
  for (let at = place.directoryId; at !== ROOT_DIRECTORY && at !== DETACHED; ) {
    const record = tree.directory(at)
    if (record === undefined) break
    names.unshift(record.name)
    at = record.parentId
  }
  return `/${names.join('/')}`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
