/** `put`: files, symlinks and directories into the namespace, each atomically. Pure. */
import { assert, DpsError } from '../../base/index.js'
import { CID_BYTES } from '../../content/index.js'
import { POLICY_BYTES_MAX } from '../namespace-limits.js'
import type {
  Attributes,
  DirectoryId,
  EntryChange,
  NamespaceResults,
  PutCommand,
  PutItem,
} from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'
import {
  checkExpected,
  checkNewPlace,
  checkTarget,
  directoryAt,
  isDirectory,
  makeDirectories,
  makeDirectory,
  notDirectory,
  spotAt,
  versionOf,
} from './namespace-walk.js'

export function applyPut(
  draft: NamespaceDraft,
  { uploadId, items, closes }: PutCommand,
): NamespaceResults['put'] {
  const upload = uploadId === undefined ? undefined : draft.upload(uploadId)
  if (uploadId !== undefined && upload === undefined) {
    throw new DpsError('FAILED_PRECONDITION', `upload ${uploadId} is over`, {
      hint: 'its lease ran out: put it again',
    })
  }
  const changes = items.map((item) => {
    try {
      return draft.step(() => putItem(draft, item, upload?.holder))
    } catch (error) {
      // Trouble of this replica, not of the item.
      if (!(error instanceof DpsError) || error.code === 'DATA_LOSS') throw error
      const { code, message, hint = '' } = error
      return { code, message, hint }
    }
  })
  if (closes && uploadId !== undefined) draft.setUpload(uploadId, undefined)
  return { items: changes }
}

function putItem(draft: NamespaceDraft, item: PutItem, holder: string | undefined): EntryChange {
  const { place, content, expected, parents = false } = item
  const attributes = { ...item.attributes, mode: item.attributes.mode & 0o7777 }
  checkNewPlace(place)
  if (content.kind === 'directory' && place.names.length === 0) {
    const directoryId = directoryAt(draft, place)
    if (content.restore) restore(draft, directoryId, attributes)
    const version = draft.directory(directoryId)?.version ?? 0
    return { version, directoryId, replaced: true }
  }
  if (parents) {
    const above = { directoryId: place.directoryId, names: place.names.slice(0, -1) }
    makeDirectories(draft, above, { ...attributes, mode: 0o755, mtimeNs: draft.nowNs })
  }
  const { directoryId, name, entry } = spotAt(draft, place)
  checkExpected(draft, place, entry, expected)
  const replaced = entry !== undefined
  if (content.kind === 'directory') {
    if (replaced && entry.kind !== 'directory') throw notDirectory(draft, place)
    const id = entry?.directoryId ?? makeDirectory(draft, directoryId, name, attributes)
    if (replaced && content.restore) restore(draft, id, attributes)
    const version = versionOf(draft, { kind: 'directory', directoryId: id })
    return { version, directoryId: id, replaced }
  }
  if (entry?.kind === 'directory') throw isDirectory(draft, place)
  const common = { attributes, ctimeNs: draft.nowNs, version: draft.version }
  if (content.kind === 'file') {
    const { fileId, sizeBytes, policy } = content
    if (holder === undefined) {
      throw new DpsError('FAILED_PRECONDITION', 'a file is put under no upload')
    }
    if (fileId.length !== CID_BYTES || Buffer.byteLength(policy) > POLICY_BYTES_MAX) {
      throw new DpsError('INVALID_ARGUMENT', 'no file id, or too long a name of a policy')
    }
    // Before the old one goes: it may be the same content.
    draft.refer(fileId, { sizeBytes, policy }, holder)
    draft.setEntry(directoryId, name, { kind: 'file', fileId, sizeBytes, ...common })
  } else {
    checkTarget(content.target)
    draft.setEntry(directoryId, name, { kind: 'symlink', target: content.target, ...common })
  }
  if (entry?.kind === 'file') draft.unrefer(entry.fileId)
  return { version: common.version, replaced }
}

/** What adding entries did to the times of a directory is undone. */
function restore(draft: NamespaceDraft, id: DirectoryId, attributes: Attributes): void {
  const record = draft.directory(id)
  assert(record !== undefined, `directory ${id} has no record`)
  draft.setDirectory(id, { ...record, attributes, ctimeNs: draft.nowNs, version: draft.version })
}
