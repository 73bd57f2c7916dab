/** Putting what the node can't see: the bytes of each file go over the API. */
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { toDpsError } from '../base/index.js'
import type { ApiClient } from '../gateway/index.js'
import { statEntry } from './namespace-paths.js'
import type { PutReport } from './namespace-report.js'
import type { Session } from './session.js'

export interface UploadTreeInit {
  local: string
  name: string
  /** As given: a directory takes it inside. */
  path: string
  policy: string
  chunkSizeBytes: number
  chunker: string
}

export async function uploadTree(
  session: Session,
  client: ApiClient,
  report: PutReport,
  init: UploadTreeInit,
): Promise<void> {
  const { local, name, path } = init
  const tree = new UploadTree(session, client, report, init)
  const stats = await lstat(local)
  const at = (await tree.isDirectory(path)) ? `${path.replace(/\/+$/, '')}/${name}` : path
  if (stats.isDirectory()) await tree.folder(local, at)
  else await tree.file(local, at, stats)
}

class UploadTree {
  readonly #session: Session
  readonly #client: ApiClient
  readonly #report: PutReport
  readonly #init: UploadTreeInit

  constructor(session: Session, client: ApiClient, report: PutReport, init: UploadTreeInit) {
    this.#session = session
    this.#client = client
    this.#report = report
    this.#init = init
  }

  async isDirectory(path: string): Promise<boolean> {
    const { signal } = this.#session
    try {
      const { kind } = await statEntry(this.#client, path, { stale: false, signal })
      return kind === 'directory'
    } catch (error) {
      if (toDpsError(error).code === 'NOT_FOUND') return false
      throw error
    }
  }

  async file(local: string, path: string, { mode, mtimeMs, uid, gid }: Stats): Promise<void> {
    const { signal, progressHz } = this.#session
    const { policy, chunkSizeBytes, chunker } = this.#init
    const bytes = createReadStream(local, { highWaterMark: 1024 * 1024 })
    const mtimeNs = BigInt(Math.round(mtimeMs * 1000)) * 1000n
    const attributes = { mode: mode & 0o7777, uid, gid, mtimeNs }
    const options = { policy, chunkSizeBytes, chunker, ...attributes, progressHz, signal }
    await this.#report.follow(this.#client.put(bytes, path, options))
  }

  async folder(local: string, path: string): Promise<void> {
    const { signal } = this.#session
    if (!(await this.isDirectory(path))) {
      const { version } = await this.#client.namespace.mkdir({ path }, { signal })
      this.#report.directory(path, version)
    }
    for (const name of await readdir(local)) {
      signal.throwIfAborted()
      const at = join(local, name)
      const stats = await lstat(at)
      if (stats.isDirectory()) await this.folder(at, `${path}/${name}`)
      else if (stats.isFile()) await this.file(at, `${path}/${name}`, stats)
      else this.#report.skipped(`${at} is neither a file nor a folder`)
    }
  }
}
