/** What `stat` tells of a content. */
import type { StatResponse } from '../gateway/index.js'
import { humanBytes, shown } from './format.js'
import type { Session } from './session.js'

export function row(session: Session, label: string, text: string): void {
  session.line(`${label.padEnd(12)}${text}`)
}

export function exact(bytes: number): string {
  return bytes < 1024 ? humanBytes(bytes) : `${humanBytes(bytes)} (${bytes} bytes)`
}

export function statJson(answer: StatResponse): Record<string, unknown> {
  const { cid, kind, sizeBytes, chunks, chunkSizeBytes, sha256, chunking, entries } = answer
  return {
    cid,
    kind,
    sizeBytes,
    chunks,
    chunkSizeBytes,
    sha256: sha256 || null,
    copies: answer.copies.map(({ peerId, where }) => ({ peerId, where })),
    chunking,
    localBytes: answer.localBytes,
    pinned: answer.pinned || null,
    ...(kind === 'directory' ? { entries } : {}),
  }
}

export function statScreen(session: Session, answer: StatResponse): void {
  row(session, 'CID', answer.cid)
  row(session, 'Kind', answer.kind)
  row(session, 'Size', exact(answer.sizeBytes))
  if (answer.kind === 'directory') {
    row(session, 'Entries', answer.entries.toLocaleString('en-US'))
  } else {
    fileRows(session, answer)
  }
  row(session, 'Here', exact(answer.localBytes))
  row(session, 'Pinned', answer.pinned === '' ? 'no' : answer.pinned)
  if (answer.copies.length === 0) row(session, 'Copies', 'none known')
  for (const { peerId, where } of answer.copies) row(session, 'Copy', `${peerId}  ${shown(where)}`)
}

export function fileRows(session: Session, answer: StatResponse): void {
  row(session, 'Chunks', answer.chunks.toLocaleString('en-US'))
  row(session, 'Chunk size', exact(answer.chunkSizeBytes))
  if (answer.chunking !== '') row(session, 'Chunking', answer.chunking)
  if (answer.sha256 !== '') row(session, 'SHA-256', answer.sha256)
}
