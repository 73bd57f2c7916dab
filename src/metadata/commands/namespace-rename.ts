/** `rename`: one entry to another name or directory, atomically. Pure. */
import { assert, DpsError } from '../../base/index.js'
import type { EntryChange, NamespaceEntry, RenameCommand } from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import {
  checkExpected,
  checkNames,
  checkNewPlace,
  directoryAt,
  isDirectory,
  isWithin,
  notDirectory,
  notFound,
  pathOf,
  type Spot,
  spotAt,
  versionOf,
} from './namespace-walk.js'

export function applyRename(draft: NamespaceDraft, command: RenameCommand): EntryChange {
  const { from, expectedFrom, expectedTo } = command
  checkNames(from)
  const source = spotAt(draft, from)
  if (source.entry === undefined) throw notFound(draft, from)
  checkExpected(draft, from, source.entry, expectedFrom)
  const { spot: target, place: to } = targetOf(draft, command, source.name)
  checkExpected(draft, to, target.entry, expectedTo)
  const { names } = to
  if (target.directoryId === source.directoryId && target.name === source.name) {
    const version = versionOf(draft, source.entry)
    return { ...idOf(source.entry), version, replaced: true, names }
  }
  if (source.entry.kind === 'directory') {
    if (isWithin(draft, target.directoryId, source.entry.directoryId)) {
      const paths = `${pathOf(draft, from)} to ${pathOf(draft, to)}`
      throw new DpsError('INVALID_ARGUMENT', `a directory cannot move into itself: ${paths}`)
    }
    if (target.entry !== undefined) checkEmpty(draft, to, target.entry)
  } else if (target.entry?.kind === 'directory') {
    throw isDirectory(draft, to)
  }
  const version = move(draft, source, target)
  const replaced = target.entry !== undefined
  return { ...idOf(source.entry), version, replaced, names }
}

function targetOf(draft: NamespaceDraft, { to, into }: RenameCommand, name: string) {
  checkNewPlace(to)
  const inside = { directoryId: to.directoryId, names: [...to.names, name] }
  if (to.names.length === 0 && into) {
    checkNewPlace(inside)
    return { spot: spotAt(draft, inside), place: inside }
  }
  const spot = spotAt(draft, to)
  if (!into || spot.entry?.kind !== 'directory') return { spot, place: to }
  return { spot: spotAt(draft, inside), place: inside }
}

function checkEmpty(
  draft: NamespaceDraft,
  place: RenameCommand['to'],
  entry: NamespaceEntry,
): void {
  if (entry.kind !== 'directory') throw notDirectory(draft, place)
  if (draft.directory(directoryAt(draft, place))?.entries === 0) return
  throw new DpsError('FAILED_PRECONDITION', `${pathOf(draft, place)} is not empty`)
}

function move(draft: NamespaceDraft, source: Spot, target: Spot): number {
  const { entry } = source
  assert(entry !== undefined, 'what is moved exists')
  const { version } = draft
  draft.setEntry(source.directoryId, source.name, undefined)
  const moved = entry.kind === 'directory' ? entry : { ...entry, version, ctimeNs: draft.nowNs }
  draft.setEntry(target.directoryId, target.name, moved)
  if (entry.kind === 'directory') {
    const record = draft.directory(entry.directoryId)
    assert(record !== undefined, `directory ${entry.directoryId} has no record`)
    draft.setDirectory(entry.directoryId, {
      ...record,
      parentId: target.directoryId,
      name: target.name,
      ctimeNs: draft.nowNs,
      version,
    })
  }
  if (target.entry?.kind === 'directory') draft.dropDirectory(target.entry.directoryId)
  if (target.entry?.kind === 'file') draft.unrefer(target.entry.fileId)
  return version
}

function idOf(entry: NamespaceEntry): { directoryId?: number } {
  return entry.kind === 'directory' ? { directoryId: entry.directoryId } : {}
}
