/** Local paths as publishing sees them: what is refused, what is skipped, what went wrong. */
import type { BigIntStats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { DpsError, toDpsError } from '../base/index.js'
import type { PublishSource } from './types.js'

/** The source as the node sees it; refuses what its caller did not mean. */
export async function checkSource(
  source: PublishSource,
  recursive = false,
  verb = 'publish',
): Promise<{ path: string; stats: BigIntStats }> {
  const { path } = source
  const stats = await lstat(path, { bigint: true }).catch((error) => {
    throw pathError(path, error)
  })
  if (source.dev !== '' && (String(stats.dev) !== source.dev || String(stats.ino) !== source.ino)) {
    throw new DpsError('FAILED_PRECONDITION', `the node sees another file at ${path}`, {
      hint: 'upload its bytes instead',
    })
  }
  if (stats.isSymbolicLink()) {
    throw new DpsError('INVALID_ARGUMENT', `${path} is a symlink`, {
      hint: 'symlinks are stored inside folders, never followed: name its target',
    })
  }
  if (stats.isDirectory() && !recursive) {
    throw new DpsError('INVALID_ARGUMENT', `${path} is a folder`, {
      hint: `add -r to ${verb} it`,
    })
  }
  if (!stats.isDirectory() && !stats.isFile()) {
    throw new DpsError('INVALID_ARGUMENT', `${path} is neither a file nor a folder`, {
      hint: `pipe it in: … | dps-node ${verb} -`,
    })
  }
  return { path, stats }
}

/** For the progress bar: 0 (unknown) where counting would be a walk of its own. */
export async function totalBytes(
  opened: readonly { stats: BigIntStats }[],
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted()
  let total = 0
  for (const { stats } of opened) {
    if (stats.isDirectory()) return 0
    total += Number(stats.size)
  }
  return total
}

/** Names in byte order, as manifests want them. */
export async function sortedNames(
  path: string,
  notice: (notice: [string, string, string]) => void,
): Promise<string[]> {
  const raw = await readdir(path, { encoding: 'buffer' }).catch((error) => {
    throw pathError(path, error)
  })
  const names: string[] = []
  for (const bytes of raw.sort(Buffer.compare)) {
    const name = utf8(bytes)
    if (name !== undefined) names.push(name)
    else notice(['SKIPPED', `${path} holds a name that is not UTF-8: ${bytes.toString()}`, path])
  }
  return names
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** A local file's failure is a failed command (exit 1), whatever its code means elsewhere. */
export function pathError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const { code, message } = toDpsError(error)
  return new DpsError(code, message.includes(path) ? message : `${path}: ${message}`, {
    cause: error,
    exitCode: code === 'NOT_FOUND' ? 4 : 1,
  })
}
