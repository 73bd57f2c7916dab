/** Paths of this machine as they are given: what is refused before a node is asked. */
import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DpsError, toDpsError } from '../base/index.js'
import { usageError } from './errors.js'

export interface PathSource {
  /** As given. */
  given: string
  path: string
  dev: string
  ino: string
  isDirectory: boolean
}

export async function sourceOf(
  cwd: string,
  given: string,
  { recursive, verb }: { recursive: boolean; verb: string },
): Promise<PathSource> {
  const path = resolve(cwd, given)
  const stats = await lstat(path, { bigint: true }).catch((error) => {
    const { code } = toDpsError(error)
    const what = code === 'NOT_FOUND' ? 'no such file or folder' : (error as Error).message
    const exitCode = code === 'NOT_FOUND' ? 4 : 1
    throw new DpsError(code, `${given}: ${what}`, { cause: error, exitCode })
  })
  if (stats.isDirectory() && !recursive) {
    throw usageError(`${given} is a folder`, `${verb} it with what is in it: add -r`)
  }
  return {
    given,
    path,
    dev: String(stats.dev),
    ino: String(stats.ino),
    isDirectory: stats.isDirectory(),
  }
}

/** A node in a container, or of another user, can't read what this process can. */
export function seesOtherFiles(error: unknown): boolean {
  const { code } = toDpsError(error)
  return code === 'FAILED_PRECONDITION' || code === 'NOT_FOUND' || code === 'PERMISSION_DENIED'
}
