/** Entries of the namespace, as commands ask for and show them. */
import { DpsError } from '../base/index.js'
import type { ApiClient, PathEntry } from '../gateway/index.js'
import { humanBytes, shown } from './format.js'
import { unfinished } from './unfinished.js'

/** @throws NOT_FOUND */
export async function statEntry(
  client: ApiClient,
  path: string,
  { stale, signal }: { stale: boolean; signal: AbortSignal },
): Promise<PathEntry> {
  const { entry } = await client.namespace.statPath({ path, stale }, { signal })
  if (entry === undefined) throw unfinished()
  return entry
}

export function isSymlink({ path, target }: Pick<PathEntry, 'path' | 'target'>): DpsError {
  const message = `${path} is a symlink to '${target}'`
  return new DpsError('FAILED_PRECONDITION', message, {
    hint: 'symlinks are stored, never followed: name its target',
  })
}

export function isoTime(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString()
}

export function entryJson(entry: PathEntry): Record<string, unknown> {
  const { name, path, kind, cid, sizeBytes, mode, uid, gid, mtimeNs, version } = entry
  return {
    name,
    kind,
    cid: cid === '' ? null : cid,
    sizeBytes,
    path,
    mode: modeText(mode),
    uid,
    gid,
    mtime: isoTime(mtimeNs),
    version,
    ...(kind === 'symlink' ? { target: entry.target } : {}),
    ...(kind === 'directory' ? { entries: entry.entries } : {}),
  }
}

/** `0644`, as chmod takes it. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

const TYPES: Readonly<Record<string, string>> = { directory: 'd', symlink: 'l' }

/** As `ls -l` has it: type, permissions, size, time. */
export function longPrefix({ kind, mode, sizeBytes, mtimeNs }: PathEntry): string {
  const bits = 'rwxrwxrwx'
  const permissions = [...bits].map((bit, i) => ((mode >> (8 - i)) & 1 ? bit : '-')).join('')
  const size = kind === 'file' ? humanBytes(sizeBytes) : ''
  const time = isoTime(mtimeNs).slice(0, 16).replace('T', ' ')
  return `${TYPES[kind] ?? '-'}${permissions}  ${size.padStart(9)}  ${time}`
}

export function label({ name, path, kind, target }: PathEntry): string {
  const mark = kind === 'directory' ? '/' : ''
  const arrow = kind === 'symlink' ? ` -> ${shown(target)}` : ''
  return `${shown(name === '' ? path : name)}${mark}${arrow}`
}
