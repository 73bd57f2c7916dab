/** A folder from the node to a path: files first, symlinks last and only those that stay inside. */
import { lstat, mkdir, rename, rm, rmdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DpsError } from '../base/index.js'
import type { ApiClient } from '../gateway/index.js'
import { shown } from './format.js'
import { nameProblem } from './names.js'
import type { Session } from './session.js'
import { escapingSymlinks, type SymlinkEntry } from './symlinks.js'
import {
  download,
  exists,
  type FileAttributes,
  localError,
  restoreAttributes,
  temporaryBeside,
} from './write-file.js'

/** A folder that can be read, entry by entry. */
export interface Folder {
  entries(): AsyncIterable<FolderEntry>
  /** One below it, by an entry of its own. */
  folder(entry: FolderEntry): Folder
  attributes?: FileAttributes
}

export interface FolderEntry {
  name: string
  kind: string
  /** Of a file; of a folder that is a content. */
  cid: string
  sizeBytes: number
  target: string
  attributes?: FileAttributes
}

/** A folder that a CID names. */
export function contentFolder(session: Session, client: ApiClient, cid: string): Folder {
  const { settings, signal } = session
  const request = { cid, timeoutMs: settings.get.timeoutMs }
  return {
    entries: () => client.content.list(request, { signal }),
    folder: (entry) => contentFolder(session, client, entry.cid),
  }
}

export interface WriteFolderInit {
  folder: Folder
  sizeBytes: number
  path: string
  /** Merge into what is there, overwriting files of the same name. */
  force: boolean
}

// Small files are all round trips: several at once hide them; the disk sees few writers.
const FILES_AT_ONCE = 8

/** Resolves to what was left out, a line each. A new folder appears whole or not at all. */
export async function writeFolder(
  session: Session,
  client: ApiClient,
  { folder, sizeBytes, path, force }: WriteFolderInit,
): Promise<string[]> {
  const merge = force && (await exists(path))
  const root = merge ? path : temporaryBeside(path)
  const writer = new FolderWriter(session, client, { root, sizeBytes, merge })
  try {
    if (!merge) await mkdir(root)
    await writer.folder(folder, [])
    await writer.finish()
    if (!merge) {
      // An empty folder may stand there; one that filled up meanwhile makes this fail.
      if (await exists(path)) await rmdir(path)
      await rename(root, path)
    }
  } catch (error) {
    await writer.abandon()
    if (!merge) await rm(root, { recursive: true, force: true })
    throw localError(path, error)
  }
  return writer.refused
}

interface FolderWriterInit {
  root: string
  sizeBytes: number
  merge: boolean
}

class FolderWriter {
  /** Entries that were left out, and why. */
  readonly refused: string[] = []
  readonly #session: Session
  readonly #client: ApiClient
  readonly #root: string
  readonly #sizeBytes: number
  readonly #merge: boolean
  readonly #links: SymlinkEntry[] = []
  /** New ones, children before their parents: writing into them changes their times. */
  readonly #folders: { names: readonly string[]; attributes: FileAttributes }[] = []
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined
  #doneBytes = 0
  #files = 0

  constructor(session: Session, client: ApiClient, init: FolderWriterInit) {
    this.#session = session
    this.#client = client
    this.#root = init.root
    this.#sizeBytes = init.sizeBytes
    this.#merge = init.merge
  }

  /** @param names from the root; the folder itself exists. */
  async folder(folder: Folder, names: readonly string[]): Promise<void> {
    for await (const entry of folder.entries()) {
      if (this.#failure !== undefined) throw this.#failure.error
      const path = [...names, entry.name]
      const problem = nameProblem(entry.name)
      if (problem !== undefined) {
        this.#refuse(path, `left out: ${problem}`)
      } else if (entry.kind === 'symlink') {
        this.#links.push({ path, target: entry.target })
      } else if (entry.kind === 'directory') {
        await this.#makeFolder(path)
        await this.folder(folder.folder(entry), path)
      } else {
        await this.#startFile(entry, path)
      }
    }
    const { attributes } = folder
    if (attributes !== undefined && !this.#merge) this.#folders.push({ names, attributes })
  }

  /** Waits for the files, then makes the symlinks. */
  async finish(): Promise<void> {
    await Promise.all(this.#running)
    if (this.#failure !== undefined) throw this.#failure.error
    const escaping = new Set(escapingSymlinks(this.#links))
    for (const link of this.#links) {
      if (escaping.has(link)) {
        this.#refuse(link.path, `left out: the symlink leads out of the folder, to ${link.target}`)
      } else {
        await this.#makeLink(link)
      }
    }
    for (const { names, attributes } of this.#folders) {
      await restoreAttributes(join(this.#root, ...names), attributes)
    }
  }

  /** Waits until nothing is being written any longer. */
  async abandon(): Promise<void> {
    this.#failure ??= { error: new DpsError('CANCELLED', 'abandoned') }
    await Promise.allSettled(this.#running)
  }

  async #makeFolder(names: readonly string[]): Promise<void> {
    const path = join(this.#root, ...names)
    if (!this.#merge) {
      await mkdir(path)
      return
    }
    const stats = await lstat(path).catch(() => undefined)
    // Never through a symlink: it may lead anywhere.
    if (stats?.isDirectory()) return
    if (stats !== undefined) {
      throw new DpsError('ALREADY_EXISTS', `${path} is in the way of a folder`, {
        hint: 'move it away, or write to another name with: -o OUT',
      })
    }
    await mkdir(path)
  }

  async #startFile(entry: FolderEntry, names: readonly string[]): Promise<void> {
    while (this.#running.size >= FILES_AT_ONCE) await Promise.race(this.#running)
    if (this.#failure !== undefined) throw this.#failure.error
    const work = this.#file(entry, join(this.#root, ...names))
      .catch((error) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  async #file({ cid, sizeBytes, attributes }: FolderEntry, path: string): Promise<void> {
    const onBytes = (bytes: number) => {
      this.#doneBytes += bytes
      const files = `${(this.#files + 1).toLocaleString('en-US')} files`
      this.#session.progress.update(this.#doneBytes, this.#sizeBytes, files)
    }
    // A new folder is hidden until it is whole: its files need no names of their own meanwhile.
    const place = this.#merge ? temporaryBeside(path) : path
    try {
      await download(this.#session, this.#client, { cid, sizeBytes, path: place, onBytes })
      if (attributes !== undefined) await restoreAttributes(place, attributes)
      if (this.#merge) await rename(place, path)
    } catch (error) {
      if (this.#merge) await rm(place, { force: true })
      throw localError(path, error)
    }
    this.#files++
  }

  async #makeLink({ path: names, target }: SymlinkEntry): Promise<void> {
    const path = join(this.#root, ...names)
    if (this.#merge) {
      const stats = await lstat(path).catch(() => undefined)
      if (stats?.isDirectory()) {
        this.#refuse(names, 'left out: a folder is in the way of the symlink')
        return
      }
      await rm(path, { force: true })
    }
    try {
      await symlink(target, path)
    } catch (error) {
      // Windows wants a privilege for it.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
      this.#refuse(names, 'left out: this system refuses to make symlinks')
    }
  }

  #refuse(names: readonly string[], why: string): void {
    this.refused.push(`note: ${shown(names.join('/'))} ${why}`)
  }
}
