/** Between the API's messages and the domain. What clients send is checked here. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { DpsError } from '../base/index.js'
import { type DirectoryEntry, formatCid, parseCid } from '../content/index.js'
import type {
  FetchEvent as DomainFetchEvent,
  PublishEvent as DomainPublishEvent,
  PublishOptions as DomainPublishOptions,
  PublishSource,
} from '../files/index.js'
import {
  type CollectEvent,
  CollectEventSchema,
  type Entry,
  EntrySchema,
  type FetchEvent,
  FetchEventSchema,
  type Pin,
  PinSchema,
  type PublishEvent,
  PublishEventSchema,
  type PublishOptions,
  type PublishPathsRequest,
  type VerifyEvent,
  VerifyEventSchema,
} from './contract/codec.js'
import type {
  CollectEvent as DomainCollectEvent,
  VerifyEvent as DomainVerifyEvent,
  PinInfo,
} from './services.js'

export * from './contract/codec.js'

export function publishEventToWire(event: DomainPublishEvent): PublishEvent {
  return create(PublishEventSchema, { event: publishEventCase(event) })
}

function publishEventCase(
  event: DomainPublishEvent,
): MessageInitShape<typeof PublishEventSchema>['event'] {
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

export function fetchEventToWire(event: DomainFetchEvent): FetchEvent {
  switch (event.type) {
    case 'progress':
      return create(FetchEventSchema, { event: { case: 'progress', value: event } })
    case 'summary':
      return create(FetchEventSchema, { event: { case: 'summary', value: event } })
    case 'notice':
      return create(FetchEventSchema, { event: { case: 'notice', value: event } })
  }
}

export function collectEventToWire(event: DomainCollectEvent): CollectEvent {
  switch (event.type) {
    case 'progress':
      return create(CollectEventSchema, { event: { case: 'progress', value: event } })
    case 'summary':
      return create(CollectEventSchema, { event: { case: 'summary', value: event } })
  }
}

export function verifyEventToWire(event: DomainVerifyEvent): VerifyEvent {
  switch (event.type) {
    case 'progress':
      return create(VerifyEventSchema, { event: { case: 'progress', value: event } })
    case 'damaged':
      return create(VerifyEventSchema, { event: { case: 'damaged', value: event } })
    case 'summary':
      return create(VerifyEventSchema, { event: { case: 'summary', value: event } })
  }
}

export function entryToWire(entry: DirectoryEntry): Entry {
  if (entry.kind === 'symlink') {
    return create(EntrySchema, { name: entry.name, kind: entry.kind, target: entry.target })
  }
  const { name, kind, cid, sizeBytes } = entry
  return create(EntrySchema, { name, kind, cid: formatCid(cid), sizeBytes })
}

export function pinToWire({ cid, name, kind, sizeBytes, createdAt, expiresAt }: PinInfo): Pin {
  return create(PinSchema, {
    cid: formatCid(cid),
    name,
    kind,
    sizeBytes,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === undefined ? '' : new Date(expiresAt).toISOString(),
  })
}

/** Names and targets are checked where the directory is made. */
export function entryFromWire(entry: Entry): DirectoryEntry {
  const { name, kind, target } = entry
  switch (kind) {
    case 'symlink':
      return { name, kind, target, sizeBytes: 0 }
    case 'file':
    case 'directory':
      return {
        name,
        kind,
        cid: parseCid(entry.cid),
        sizeBytes: sizeFromWire(entry.sizeBytes, 'size_bytes'),
      }
    default:
      throw new DpsError(
        'INVALID_ARGUMENT',
        `entry ${JSON.stringify(name)}: kind ${JSON.stringify(kind)} is not file, directory or symlink`,
      )
  }
}

export function publishOptionsFromWire(options: PublishOptions | undefined): DomainPublishOptions {
  if (options === undefined) return {}
  const { chunkSizeBytes, chunker, onlyHash, noPin, replicate, name } = options
  const ttlMs = sizeFromWire(options.ttlMs, 'ttl_ms')
  return {
    ...(chunkSizeBytes > 0 && { chunkSizeBytes }),
    ...(chunker !== '' && { chunker: chunkerFromWire(chunker) }),
    onlyHash,
    noPin,
    ...(replicate > 0 && { replicate }),
    ...(ttlMs > 0 && { ttlMs }),
    ...(name !== '' && { name }),
  }
}

export function chunkerFromWire(chunker: string): 'fixed' | 'fastcdc' {
  if (chunker === 'fixed' || chunker === 'fastcdc') return chunker
  throw new DpsError(
    'INVALID_ARGUMENT',
    `chunker ${JSON.stringify(chunker)} is neither fixed nor fastcdc`,
  )
}

export function sourcesFromWire(request: PublishPathsRequest): PublishSource[] {
  if (request.sources.length === 0) {
    throw new DpsError('INVALID_ARGUMENT', 'sources: at least one path is needed')
  }
  return request.sources.map(({ path, dev, ino }) => ({ path, dev, ino }))
}

/** `timeout_ms` of a request: 0 is the default of the service. */
export function timeoutFromWire(timeoutMs: number): { timeoutMs?: number } {
  const checked = sizeFromWire(timeoutMs, 'timeout_ms')
  return checked > 0 ? { timeoutMs: checked } : {}
}

/** Sizes and durations travel as doubles: 53 bits are enough, but NaN and -1 can arrive. */
export function sizeFromWire(value: number, field: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new DpsError('INVALID_ARGUMENT', `${field}: ${value} is no whole number of 0 or more`)
}
