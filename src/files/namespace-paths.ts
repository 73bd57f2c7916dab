/** Cluster paths, as people write them. */
import { DpsError } from '../base/index.js'
import { cidOfBytes } from '../content/index.js'
import {
  type EntryInfo,
  namesOfPath,
  type Place,
  ROOT_DIRECTORY,
  statEntry,
  type View,
} from '../metadata/index.js'
import type { PathInfo } from './namespace-types.js'

/** @throws INVALID_ARGUMENT unless the path begins with a slash */
export function placeOf(path: string): Place {
  return { directoryId: ROOT_DIRECTORY, names: namesOfPath(path) }
}

export function joinPath(directory: string, name: string): string {
  return directory === '/' || directory === '' ? `/${name}` : `${directory}/${name}`
}

/** A path without what says nothing: `/a//b/` is `/a/b`. */
export function plainPath(path: string): string {
  return `/${namesOfPath(path).join('/')}`
}

export function pathInfo(path: string, info: EntryInfo): PathInfo {
  const { name, kind, attributes, ctimeNs, version, sizeBytes, fileId, target, entries } = info
  return {
    path,
    name,
    kind,
    attributes,
    ctimeNs,
    version,
    sizeBytes,
    ...(fileId !== undefined && { cid: cidOfBytes(fileId) }),
    ...(target !== undefined && { target }),
    ...(entries !== undefined && { entries }),
  }
}

/** Where a new entry goes: the directory that takes it, and its name there. */
export interface Destination {
  place: Place
  path: string
}

/**
 * As `cp` has it: a path that names a directory, or ends with a slash, takes what is put into it
 * under its own name; any other path is the new name itself.
 *
 * @throws NOT_FOUND, FAILED_PRECONDITION when there is no directory to put it in
 */
export function destinationOf(view: View, path: string, name: string): Destination {
  const names = namesOfPath(path)
  const inside = path.endsWith('/')
  const there = inside ? existing(view, names) : lookUp(view, names)
  if (there?.kind === 'directory') {
    if (name === '') {
      throw new DpsError('FAILED_PRECONDITION', `${plainPath(path)} is a directory`, {
        hint: 'name the file too',
      })
    }
    return destination(there, joinPath(plainPath(path), name), name)
  }
  if (inside) throw new DpsError('FAILED_PRECONDITION', `${plainPath(path)} is not a directory`)
  const parent = existing(view, names.slice(0, -1))
  if (parent.kind !== 'directory') {
    const above = `/${names.slice(0, -1).join('/')}`
    throw new DpsError('FAILED_PRECONDITION', `${above} is not a directory`)
  }
  return destination(parent, plainPath(path), names.at(-1) ?? '')
}

function destination({ directoryId }: EntryInfo, path: string, name: string): Destination {
  return { place: { directoryId: directoryId ?? ROOT_DIRECTORY, names: [name] }, path }
}

function existing(view: View, names: readonly string[]): EntryInfo {
  const found = lookUp(view, names)
  if (found !== undefined) return found
  const path = `/${names.join('/')}`
  throw new DpsError('NOT_FOUND', `${path} does not exist`, {
    hint: `make it first, with: dps-node mkdir -p ${path}`,
  })
}

/** What is there, or undefined; anything but a missing entry is thrown. */
function lookUp(view: View, names: readonly string[]): EntryInfo | undefined {
  try {
    return statEntry(view, { directoryId: ROOT_DIRECTORY, names })
  } catch (error) {
    if (error instanceof DpsError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
