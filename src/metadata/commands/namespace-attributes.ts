/** `setAttributes`: chmod, chown and utimes in one. Pure. */
import { assert } from '../../base/index.js'
import {
  type Attributes,
  type EntryChange,
  type NamespaceEntry,
  ROOT_DIRECTORY,
  type SetAttributesCommand,
} from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import {
  checkAttached,
  checkExpected,
  checkNames,
  notFound,
  spotAt,
  versionOf,
} from './namespace-walk.js'

export function applySetAttributes(
  draft: NamespaceDraft,
  command: SetAttributesCommand,
): EntryChange {
  const { place, expected } = command
  checkNames(place)
  checkAttached(draft, place.directoryId)
  if (place.names.length === 0) {
    const self: NamespaceEntry = { kind: 'directory', directoryId: place.directoryId }
    // The root is at version 0 until it is first changed, which means "nothing there" elsewhere.
    if (place.directoryId !== ROOT_DIRECTORY || expected !== 0) {
      checkExpected(draft, place, self, expected)
    }
    const version = changeDirectory(draft, place.directoryId, command)
    const { directoryId } = place
    return { version, directoryId, replaced: true }
  }
  const { directoryId, name, entry } = spotAt(draft, place)
  if (entry === undefined) throw notFound(draft, place)
  checkExpected(draft, place, entry, expected)
  if (entry.kind === 'directory') {
    changeDirectory(draft, entry.directoryId, command)
  } else {
    const { attributes } = entry
    draft.changeEntry(directoryId, name, {
      ...entry,
      attributes: changed(attributes, command),
      ctimeNs: draft.nowNs,
      version: draft.version,
    })
  }
  const version = versionOf(draft, draft.entry(directoryId, name))
  return { version, replaced: true }
}

function changeDirectory(draft: NamespaceDraft, id: number, command: SetAttributesCommand): number {
  const record = draft.directory(id)
  assert(record !== undefined, `directory ${id} has no record`)
  const { version } = draft
  const attributes = changed(record.attributes, command)
  draft.setDirectory(id, { ...record, attributes, ctimeNs: draft.nowNs, version })
  return version
}

function changed(before: Attributes, command: SetAttributesCommand): Attributes {
  const { mode = before.mode, uid = before.uid, gid = before.gid } = command
  return { mode: mode & 0o7777, uid, gid, mtimeNs: command.mtimeNs ?? before.mtimeNs }
}
