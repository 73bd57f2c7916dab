/** Publishing what the node can't see: the bytes go over the API, folders are made of the parts. */
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DpsError } from '../base/index.js'
import type { ApiClient, PublishEvent } from '../gateway/index.js'
import type { Session } from './session.js'
import type { PathSource } from './sources.js'
import { unfinished } from './unfinished.js'

export interface WireOptions {
  chunkSizeBytes: number
  chunker: string
  onlyHash: boolean
  noPin: boolean
  replicate: number
  ttlMs: number
  name: string
}

interface NewEntry {
  name: string
  kind: string
  cid: string
  sizeBytes: number
  target: string
}

/** The events of one path; a folder's children come before it, as when the node reads it. */
export async function* uploadPath(
  session: Session,
  client: ApiClient,
  source: PathSource,
  options: WireOptions,
): AsyncGenerator<PublishEvent> {
  const name = basename(source.path)
  const upload = new Upload(session, client, options)
  if (source.isDirectory) yield* upload.folder(source.path, name, true)
  else yield* upload.file(source.path, name, true)
}

class Upload {
  readonly #session: Session
  readonly #client: ApiClient
  readonly #options: WireOptions
  #files = 0
  #sizeBytes = 0
  #newBytes = 0

  constructor(session: Session, client: ApiClient, options: WireOptions) {
    this.#session = session
    this.#client = client
    this.#options = options
  }

  /** @param isRoot pinned, copied and named as the person asked; parts wait for their folder. */
  async *file(path: string, name: string, isRoot: boolean): AsyncGenerator<PublishEvent> {
    const { signal, progressHz } = this.#session
    const bytes = createReadStream(path, { highWaterMark: 1024 * 1024 })
    const options = { ...this.#optionsFor(name, isRoot), progressHz, signal }
    const events = this.#client.upload(bytes, options)
    yield* this.#named(events, name, isRoot)
  }

  async *folder(path: string, name: string, isRoot: boolean): AsyncGenerator<PublishEvent> {
    const { signal } = this.#session
    const entries: NewEntry[] = []
    for (const child of await readdir(path)) {
      signal.throwIfAborted()
      yield* this.#child(join(path, child), child, `${name}/${child}`, entries)
    }
    entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    const request = { entries, options: this.#optionsFor(name, isRoot) }
    const events = this.#client.content.publishDirectory(request, { signal })
    yield* this.#named(events, name, isRoot)
  }

  async *#child(
    path: string,
    child: string,
    name: string,
    entries: NewEntry[],
  ): AsyncGenerator<PublishEvent> {
    const stats = await lstat(path)
    if (stats.isSymbolicLink()) {
      const target = await readlink(path)
      entries.push({ name: child, kind: 'symlink', cid: '', sizeBytes: 0, target })
      return
    }
    if (!stats.isDirectory() && !stats.isFile()) {
      this.#session.note(`note: ${path} is neither file, folder nor symlink`)
      return
    }
    const events = stats.isDirectory()
      ? this.folder(path, name, false)
      : this.file(path, name, false)
    let found: NewEntry | undefined
    for await (const event of events) {
      // Of a folder's events the last is its own.
      if (event.event.case === 'added') {
        const { cid, kind, sizeBytes } = event.event.value
        found = { name: child, kind, cid, sizeBytes, target: '' }
      }
      yield event
    }
    if (found === undefined) throw unfinished()
    entries.push(found)
  }

  #optionsFor(name: string, isRoot: boolean): WireOptions {
    const options = this.#options
    if (isRoot) return { ...options, name: options.name === '' ? name : options.name }
    // Parts are held by their folder, once it is there.
    return { ...options, name, noPin: true, replicate: 0, ttlMs: 0 }
  }

  /** Events with the name that the person knows; parts have no summary, the root has them all. */
  async *#named(
    events: AsyncIterable<PublishEvent>,
    name: string,
    isRoot: boolean,
  ): AsyncGenerator<PublishEvent> {
    let added = false
    for await (const event of events) {
      const { event: inner } = event
      if (inner.case === 'added') {
        added = true
        inner.value.name = name
      } else if (inner.case === 'summary') {
        this.#files += inner.value.files
        this.#sizeBytes += inner.value.sizeBytes
        this.#newBytes += inner.value.newBytes
        if (!isRoot) continue
        inner.value.files = this.#files
        inner.value.sizeBytes = this.#sizeBytes
        inner.value.newBytes = this.#newBytes
      }
      yield event
    }
    if (!added) throw new DpsError('UNAVAILABLE', `the node did not say that it has ${name}`)
  }
}
