/** What was put, printed as it happens and summed up over several calls. */
import { basename } from 'node:path'
import type { PutEvent } from '../gateway/index.js'
import { EXIT_PARTLY } from './errors.js'
import { count, shown } from './format.js'
import type { Session } from './session.js'
import { unfinished } from './unfinished.js'

/** Notices that leave the result what it was meant to be. */
const HARMLESS = ['SKIPPED']

interface Added {
  path: string
  kind: string
  cid: string
  sizeBytes: number
  chunks: number
  newBytes: number
  version: number
  replaced: boolean
}

interface Sums {
  files: number
  directories: number
  symlinks: number
  sizeBytes: number
  newBytes: number
  failed: number
}

const NOTHING: Sums = {
  files: 0,
  directories: 0,
  symlinks: 0,
  sizeBytes: 0,
  newBytes: 0,
  failed: 0,
}

export class PutReport {
  readonly #session: Session
  /** CIDs of files, and nothing else. */
  readonly #quiet: boolean
  readonly #sums: Sums = { ...NOTHING }
  #path = ''
  #partly = false
  /** Something was printed. */
  begun = false

  constructor(session: Session, { quiet }: { quiet: boolean }) {
    this.#session = session
    this.#quiet = quiet
  }

  /** Consumes one call's events; rejects when they end without a summary. */
  async follow(events: AsyncIterable<PutEvent>): Promise<void> {
    let done = false
    for await (const { event } of events) {
      if (event.case === 'summary') {
        done = true
        const { path, files, directories, symlinks, sizeBytes, newBytes, failed } = event.value
        if (this.#path === '') this.#path = path
        this.#add({ files, directories, symlinks, sizeBytes, newBytes, failed })
      } else if (event.case === 'added') {
        this.#tell(event.value)
      } else if (event.case === 'notice') {
        const { code, message } = event.value
        this.#session.note(`note: ${message}`)
        if (!HARMLESS.includes(code)) this.#partly = true
      } else if (event.case === 'progress') {
        const { doneBytes, totalBytes, files } = event.value
        const extra = files > 1 ? count(files, 'file') : ''
        this.#session.progress.update(doneBytes, totalBytes, extra)
      }
    }
    if (!done) throw unfinished()
  }

  /** One that was made by a call of its own. */
  directory(path: string, version: number): void {
    if (this.#path === '') this.#path = path
    const empty = { cid: '', sizeBytes: 0, chunks: 0, newBytes: 0 }
    this.#tell({ ...empty, path, kind: 'directory', version, replaced: false })
    this.#add({ directories: 1 })
  }

  skipped(message: string): void {
    this.#session.note(`note: ${message}`)
  }

  finish(): number {
    const session = this.#session
    session.progress.clear()
    const { failed } = this.#sums
    if (session.json) session.value({ event: 'summary', path: this.#path, ...this.#sums })
    else if (failed > 0) {
      session.note(`${count(failed, 'entry').replace('entrys', 'entries')} could not be put`)
    }
    return this.#partly || failed > 0 ? EXIT_PARTLY : 0
  }

  #add(sums: Partial<Sums>): void {
    for (const [name, value] of Object.entries(sums)) this.#sums[name as keyof Sums] += value
  }

  #tell(added: Added): void {
    this.begun = true
    const session = this.#session
    const { path, kind, cid, sizeBytes, chunks, newBytes, version, replaced } = added
    if (session.json) {
      const known = { path, kind, cid: cid === '' ? null : cid, sizeBytes, chunks, newBytes }
      session.value({ event: 'added', name: basename(path), ...known, version, replaced })
    } else if (this.#quiet) {
      if (cid !== '') session.line(cid)
    } else {
      session.line(
        `added ${cid === '' ? '-' : cid} ${shown(path)}${kind === 'directory' ? '/' : ''}`,
      )
    }
  }
}
