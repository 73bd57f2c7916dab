/**
 * `remove` and `prune`. Pure. A directory with entries is detached whole by one small command; its
 * entries, which nobody can reach any longer, are pruned by bounded commands that follow.
 */
import { DpsError } from '../../base/index.js'
import type { NamespaceResults, PruneCommand, RemoveCommand } from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import { checkExpected, checkNames, notFound, pathOf, spotAt } from './namespace-walk.js'

export function applyRemove(
  draft: NamespaceDraft,
  { place, recursive, expected }: RemoveCommand,
): NamespaceResults['remove'] {
  checkNames(place)
  const { directoryId, name, entry } = spotAt(draft, place)
  if (entry === undefined) throw notFound(draft, place)
  checkExpected(draft, place, entry, expected)
  if (entry.kind === 'directory') {
    const isEmpty = draft.directory(entry.directoryId)?.entries === 0
    if (!isEmpty && !recursive) {
      throw new DpsError('FAILED_PRECONDITION', `${pathOf(draft, place)} is not empty`, {
        hint: 'remove it with all that is in it: dps-node rm -r',
      })
    }
    draft.setEntry(directoryId, name, undefined)
    if (isEmpty) draft.dropDirectory(entry.directoryId)
    else draft.detach(entry.directoryId)
  } else {
    draft.setEntry(directoryId, name, undefined)
    if (entry.kind === 'file') draft.unrefer(entry.fileId)
  }
  return {}
}

export function applyPrune(
  draft: NamespaceDraft,
  { directoryId, names }: PruneCommand,
): NamespaceResults['prune'] {
  // A leader before this one may have pruned it: that is what was wanted.
  if (!draft.isDetached(directoryId)) return { left: 0 }
  for (const name of names) {
    const entry = draft.entry(directoryId, name)
    if (entry === undefined) continue
    draft.setEntry(directoryId, name, undefined)
    if (entry.kind === 'file') draft.unrefer(entry.fileId)
    if (entry.kind === 'directory') draft.detach(entry.directoryId)
  }
  const left = draft.directory(directoryId)?.entries ?? 0
  if (left === 0) draft.dropDetached(directoryId)
  return { left }
}
