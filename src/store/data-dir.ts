/** A node's data directory: its layout, its version, and one process at a time. */
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DpsError, toDpsError } from '../base/index.js'
import { makeRoomToOpen } from './disk-space.js'
import { LockFile } from './lock-file.js'
import { writeFileDurably } from './write-file.js'

export const DATA_FORMAT = 1
const EXIT_NO_REPOSITORY = 10

export interface DataDirPaths {
  root: string
  config: string
  version: string
  lock: string
  identity: string
  /** While a node runs: its API's address and token, for the owner alone. */
  api: string
  disk: string
  meta: string
  dht: string
  /** This node's replica of its cluster's metadata. */
  raft: string
}

export class DataDir {
  readonly paths: DataDirPaths
  readonly #lock: LockFile

  private constructor(paths: DataDirPaths, lock: LockFile) {
    this.paths = paths
    this.#lock = lock
  }

  static pathsOf(path: string): DataDirPaths {
    const root = resolve(path)
    return {
      root,
      config: join(root, 'config.toml'),
      version: join(root, 'version.json'),
      lock: join(root, 'lock'),
      identity: join(root, 'identity.key'),
      api: join(root, 'api.json'),
      disk: join(root, 'disk'),
      meta: join(root, 'meta'),
      dht: join(root, 'dht'),
      raft: join(root, 'raft'),
    }
  }

  /** Whether there is a data directory, of whatever version. */
  static async exists(path: string): Promise<boolean> {
    return stat(DataDir.pathsOf(path).version).then(
      () => true,
      () => false,
    )
  }

  /**
   * Takes the directory for this process until {@link close}.
   *
   * @throws FAILED_PRECONDITION when there is none (exit 10), when another process has it
   *   (exit 11), and when a newer program wrote it; DATA_LOSS when its version is unreadable.
   */
  static async open(path: string, { create }: { create: boolean }): Promise<DataDir> {
    const paths = DataDir.pathsOf(path)
    if (!(await DataDir.exists(path))) {
      if (!create) {
        throw new DpsError('FAILED_PRECONDITION', `no repository at ${paths.root}`, {
          exitCode: EXIT_NO_REPOSITORY,
          hint: 'create one with: dps-node init',
        })
      }
      // Without its version, what is there is no fresh directory but a damaged one.
      if (await stat(paths.disk).catch(() => undefined)) {
        throw new DpsError('DATA_LOSS', `${paths.version} is missing beside existing data`, {
          hint: `restore it: {"format":${DATA_FORMAT}}`,
        })
      }
      await mkdir(paths.root, { recursive: true, mode: 0o700 })
      await chmod(paths.root, 0o700)
    }
    const lock = await takeLock(paths)
    try {
      await makeRoomToOpen(paths.disk)
      await checkVersion(paths, create)
    } catch (error) {
      await lock.release()
      throw error
    }
    return new DataDir(paths, lock)
  }

  async close(): Promise<void> {
    await this.#lock.release()
  }
}

/** A full disk has no room for the lock either, but perhaps a ballast to throw off. */
async function takeLock(paths: DataDirPaths): Promise<LockFile> {
  try {
    return await LockFile.take(paths.lock, paths.root)
  } catch (error) {
    if (toDpsError(error).code !== 'RESOURCE_EXHAUSTED') throw error
    if (await makeRoomToOpen(paths.disk)) return await LockFile.take(paths.lock, paths.root)
    throw new DpsError('RESOURCE_EXHAUSTED', `disk of ${paths.root} is full`, {
      cause: error,
      hint: 'free space on that disk, then try again',
    })
  }
}

async function checkVersion({ version }: DataDirPaths, create: boolean): Promise<void> {
  const text = await readFile(version, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && create) return undefined
    throw error
  })
  if (text === undefined) {
    await writeFileDurably(version, `${JSON.stringify({ format: DATA_FORMAT })}\n`)
    return
  }
  const format = formatOf(text)
  if (format === undefined) {
    throw new DpsError('DATA_LOSS', `${version} is damaged`, {
      hint: `restore it: {"format":${DATA_FORMAT}}`,
    })
  }
  if (format > DATA_FORMAT) {
    throw new DpsError(
      'FAILED_PRECONDITION',
      `${version}: format ${format} is newer than ${DATA_FORMAT}, the newest known here`,
      { hint: 'use the dps-node version that wrote it, or a newer one' },
    )
  }
}

/** Of a marker file's JSON; `undefined` when it is unreadable. */
export function formatOf(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown }
    return Number.isSafeInteger(format) ? (format as number) : undefined
  } catch {
    return undefined
  }
}
