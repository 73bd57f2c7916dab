/**
 * Leases of uploads. A node opens one before it stores the chunks of a put, and what it puts is
 * accepted only while the upload is open: so whoever ends it knows that its commit will never come.
 * Pure.
 */
import { DpsError } from '../../base/index.js'
import { UPLOAD_TTL_MS_MAX } from '../namespace-limits.js'
import type {
  CloseUploadsCommand,
  NamespaceResults,
  OpenUploadCommand,
  RenewUploadCommand,
} from '../namespace-types.js'
import type { NamespaceDraft } from './namespace-draft.js'

const HOLDER_CHARS_MAX = 128

export function applyOpenUpload(
  draft: NamespaceDraft,
  { holder, ttlMs }: OpenUploadCommand,
): NamespaceResults['openUpload'] {
  if (holder === '' || holder.length > HOLDER_CHARS_MAX || holder.includes('/')) {
    throw new DpsError('INVALID_ARGUMENT', 'an upload needs the peer id of its holder')
  }
  const uploadId = draft.version
  const { nowMs } = draft
  const expiresAtMs = nowMs + checkTtl(ttlMs)
  draft.setUpload(uploadId, { holder, startedAtMs: nowMs, expiresAtMs })
  return { uploadId, expiresAtMs }
}

export function applyRenewUpload(
  draft: NamespaceDraft,
  { uploadId, ttlMs }: RenewUploadCommand,
): NamespaceResults['renewUpload'] {
  const upload = draft.upload(uploadId)
  if (upload === undefined) throw new DpsError('NOT_FOUND', `upload ${uploadId} is over`)
  const expiresAtMs = Math.max(upload.expiresAtMs, draft.nowMs + checkTtl(ttlMs))
  draft.setUpload(uploadId, { ...upload, expiresAtMs })
  return { expiresAtMs }
}

export function applyCloseUploads(
  draft: NamespaceDraft,
  { uploadIds, expiredOnly }: CloseUploadsCommand,
): NamespaceResults['closeUploads'] {
  let closed = 0
  for (const id of uploadIds) {
    const upload = draft.upload(id)
    if (upload === undefined || (expiredOnly && upload.expiresAtMs > draft.nowMs)) continue
    draft.setUpload(id, undefined)
    closed++
  }
  return { closed }
}

function checkTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0 && ttlMs <= UPLOAD_TTL_MS_MAX) return ttlMs
  throw new DpsError('INVALID_ARGUMENT', `an upload cannot last ${ttlMs} ms`)
}
