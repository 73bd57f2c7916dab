/** Where a `get` writes to, and what it refuses to write over. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DpsError } from '../base/index.js'

/** As cp does: a file goes into a folder that is there. */
export async function placeFor(wanted: string, kind: string, name: string): Promise<string> {
  if (kind === 'directory' || !(await isFolder(wanted))) return wanted
  return join(wanted, basename(name))
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** ALREADY_EXISTS where something is that a get would overwrite. An empty folder is nothing. */
export async function refuseOverwrite(path: string, force: boolean, kind?: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return
  const isReallyFolder = stats.isDirectory()
  if (isReallyFolder && kind === undefined) return
  if (isReallyFolder && kind !== 'directory') {
    const message = `${path} is a folder, the content is a file`
    throw new DpsError('ALREADY_EXISTS', message, { hint: 'write to another name with: -o OUT' })
  }
  if (force) {
    if (kind !== 'directory' || isReallyFolder) return
    const message = `${path} is a file, the content is a folder`
    throw new DpsError('ALREADY_EXISTS', message, { hint: 'write to another name with: -o OUT' })
  }
  if (isReallyFolder && (await readdir(path)).length === 0) return
  throw new DpsError('ALREADY_EXISTS', `${path} exists`, {
    hint: 'overwrite it with: --force, or write to another name with: -o OUT',
  })
}

/** The folder that a file or folder is to stand in must be there: a typing error makes no tree. */
export async function refuseNoFolder(path: string): Promise<void> {
  const folder = dirname(path)
  if (await isFolder(folder)) return
  throw new DpsError('NOT_FOUND', `there is no folder ${folder}`, {
    hint: 'make it first, or write to another name with: -o OUT',
    exitCode: 1,
  })
}

export function displayPath(cwd: string, path: string): string {
  return path.startsWith(join(cwd, '/')) ? path.slice(join(cwd, '/').length) : path
}
