/** `mkdir`. Pure. */
import { DpsError } from '../../base/index.js'
import type { EntryChange, MkdirCommand } from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import {
  checkNewPlace,
  directoryAt,
  makeDirectories,
  makeDirectory,
  pathOf,
  spotAt,
} from './namespace-walk.js'

export function applyMkdir(
  draft: NamespaceDraft,
  { place, attributes, parents }: MkdirCommand,
): EntryChange {
  checkNewPlace(place)
  const before = draft.totals().directories
  const directoryId = parents
    ? makeDirectories(draft, place, attributes)
    : make(draft, { place, attributes })
  const version = draft.directory(directoryId)?.version ?? 0
  const replaced = draft.totals().directories === before
  return { version, directoryId, replaced }
}

function make(
  draft: NamespaceDraft,
  { place, attributes }: Pick<MkdirCommand, 'place' | 'attributes'>,
) {
  const exists = () => new DpsError('ALREADY_EXISTS', `${pathOf(draft, place)} exists`)
  if (place.names.length === 0) {
    directoryAt(draft, place)
    throw exists()
  }
  const { directoryId, name, entry } = spotAt(draft, place)
  if (entry !== undefined) throw exists()
  return makeDirectory(draft, directoryId, name, attributes)
}
