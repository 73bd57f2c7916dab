/** The namespace between the API's messages and the domain. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { formatCid } from '../content/index.js'
import type { PutEvent as DomainPutEvent, PathInfo, PutOptions } from '../files/index.js'
import {
  chunkerFromWire,
  type PathEntry,
  PathEntrySchema,
  type PutEvent,
  PutEventSchema,
  type PutPathRequest,
  sizeFromWire,
} from './codec.js'

export function putEventToWire(event: DomainPutEvent): PutEvent {
  return create(PutEventSchema, { event: putEventCase(event) })
}

function putEventCase(event: DomainPutEvent): MessageInitShape<typeof PutEventSchema>['event'] {
  switch (event.type) {
    case 'progress':
      return { case: 'progress', value: event }
    case 'added':
      return { case: 'added', value: event }
    case 'summary':
      return { case: 'summary', value: event }
    case 'notice':
      return { case: 'notice', value: event }
  }
}

export function putOptionsFromWire(request: PutPathRequest): PutOptions & { recursive: boolean } {
  const { recursive, policy, chunkSizeBytes, chunker } = request
  return {
    recursive,
    ...(policy !== '' && { policy }),
    ...(chunkSizeBytes > 0 && { chunkSizeBytes }),
    ...(chunker !== '' && { chunker: chunkerFromWire(chunker) }),
    ...versionFromWire(request.version),
  }
}

/** Absent: whatever is there. */
export function versionFromWire(version: number | undefined): { version?: number } {
  return version === undefined ? {} : { version: sizeFromWire(version, 'version') }
}

export function pathEntryToWire(info: PathInfo): PathEntry {
  const { path, name, kind, sizeBytes, cid, target = '', attributes, entries = 0 } = info
  const { ctimeNs, version } = info
  const known = { path, name, kind, sizeBytes, target, entries, ctimeNs, version }
  return create(PathEntrySchema, {
    ...known,
    ...attributes,
    cid: cid === undefined ? '' : formatCid(cid),
  })
}
