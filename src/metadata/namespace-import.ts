/** A namespace brought along into another cluster. */
import { type AbortOptions, DpsError } from '../base/index.js'
import type { Authority } from './authority.js'
import { PUT_ITEMS_MAX } from './namespace-limits.js'
import { contentOf, type EntryInfo, isHeldBy, listEntries, statEntry } from './namespace-reads.js'
import { type Place, type PutContent, type PutItem, ROOT_DIRECTORY } from './namespace-types.js'
import type { View } from './view.js'

const UPLOAD_TTL_MS = 24 * 3600 * 1000

/** What importing asks of the authority that it imports into. */
export type ImportTarget = Pick<Authority, 'execute' | 'read'>

/** Whether there is anything to bring along, or to lose. */
export function holdsFiles(view: View): boolean {
  return (statEntry(view, { directoryId: ROOT_DIRECTORY, names: [] }).entries ?? 0) > 0
}

/** The names of a cluster path. @throws INVALID_ARGUMENT unless it begins with a slash */
export function namesOfPath(path: string): string[] {
  if (path.startsWith('/')) return path.split('/').filter((name) => name !== '')
  throw new DpsError('INVALID_ARGUMENT', `'${path}' is no path of the cluster`, {
    hint: "cluster paths start with '/'",
  })
}

/**
 * Copies a tree of names. May be repeated after it was cut short: what is there already stays.
 *
 * @param from the namespace as it was.
 * @param under the path of the directory that takes it; made where it is missing.
 * @param holder peer id of the node whose disk has the contents.
 * @throws ALREADY_EXISTS where something else stands in the way, FAILED_PRECONDITION for a content
 *   that the holder does not have.
 */
export async function importNamespace(
  from: View,
  into: ImportTarget,
  under: string,
  holder: string,
  options: AbortOptions = {},
): Promise<{ files: number }> {
  const names = namesOfPath(under)
  const { uploadId } = await into.execute(
    { type: 'openUpload', holder, ttlMs: UPLOAD_TTL_MS },
    options,
  )
  const close = { type: 'closeUploads' as const, uploadIds: [uploadId], expiredOnly: false }
  try {
    return await copy(from, into, { names, uploadId, holder }, options)
  } finally {
    // Where it fails it runs out by itself.
    await into.execute(close, options).catch(() => {})
  }
}

interface CopyInit {
  /** Of the directory that takes it. */
  names: readonly string[]
  uploadId: number
  holder: string
}

async function copy(
  from: View,
  into: ImportTarget,
  { names, uploadId, holder }: CopyInit,
  options: AbortOptions,
): Promise<{ files: number }> {
  const root = statEntry(from, { directoryId: ROOT_DIRECTORY, names: [] })
  let items: PutItem[] = []
  let files = 0
  const flush = async () => {
    const batch = items
    items = []
    const result = await into.execute(
      { type: 'put', uploadId, items: batch, closes: false },
      options,
    )
    for (const [i, outcome] of result.items.entries()) {
      if (!('code' in outcome)) continue
      if (outcome.code === 'ALREADY_EXISTS' && (await isThere(into, batch[i]!, options))) continue
      throw new DpsError(outcome.code, outcome.message, { hint: outcome.hint })
    }
  }
  if (names.length > 0) {
    const { attributes } = root
    const place = { directoryId: ROOT_DIRECTORY, names }
    await into.execute({ type: 'mkdir', place, attributes, parents: true }, options)
  }
  for await (const { path, info } of walk(from, root, names, options)) {
    items.push(itemOf(from, info, { directoryId: ROOT_DIRECTORY, names: path }, holder))
    if (info.kind === 'file') files++
    if (items.length === PUT_ITEMS_MAX) await flush()
  }
  await flush()
  return { files }
}

/** Directories before what is in them. */
async function* walk(
  from: View,
  directory: EntryInfo,
  path: readonly string[],
  options: AbortOptions,
): AsyncGenerator<{ path: string[]; info: EntryInfo }> {
  for await (const page of listEntries(from, directory.directoryId ?? ROOT_DIRECTORY, options)) {
    for (const info of page) {
      const below = [...path, info.name]
      yield { path: below, info }
      if (info.kind === 'directory') yield* walk(from, info, below, options)
    }
  }
}

function itemOf(from: View, info: EntryInfo, place: Place, holder: string): PutItem {
  const { attributes, kind } = info
  const common = { place, attributes, ...(kind !== 'directory' && { expected: 0 }) }
  return { ...common, content: putContentOf(from, info, place, holder) }
}

function putContentOf(from: View, info: EntryInfo, place: Place, holder: string): PutContent {
  const { kind, fileId, sizeBytes, target = '' } = info
  if (kind === 'directory') return { kind }
  if (kind === 'symlink' || fileId === undefined) return { kind: 'symlink', target }
  if (!isHeldBy(from, holder, fileId)) {
    const path = `/${place.names.join('/')}`
    throw new DpsError('FAILED_PRECONDITION', `the content of ${path} is not kept by this node`)
  }
  return { kind, fileId, sizeBytes, policy: contentOf(from, fileId)?.policy ?? '' }
}

async function isThere(into: ImportTarget, item: PutItem, options: AbortOptions): Promise<boolean> {
  const { content, place } = item
  const there = statEntry(await into.read(options), place)
  if (content.kind === 'symlink') return there.target === content.target
  const { fileId } = there
  return (
    content.kind === 'file' && fileId !== undefined && Buffer.compare(fileId, content.fileId) === 0
  )
}
