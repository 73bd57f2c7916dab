/** `publish`: paths that the node reads itself, uploads of what only this process can read. */
import type { PublishEvent, PublishOptions } from '../gateway/index.js'
import { EXIT_PARTLY, usageError } from './errors.js'
import { count, shown } from './format.js'
import { type Connection, type Handler, noNodeError, type Session } from './session.js'
import { type PathSource, seesOtherFiles, sourceOf } from './sources.js'
import { unfinished } from './unfinished.js'
import { uploadPath, type WireOptions } from './upload.js'

export const publish: Handler = async (session, [given], options) => {
  const paths = given as string[]
  const recursive = options.recursive === true
  if (paths.filter((path) => path === '-').length > 1)
    throw usageError('"-" (stdin) goes once only')
  const { publish: settings } = session.settings
  if (settings.chunker === 'fastcdc' && settings.chunkSizeBytes !== 0) {
    throw usageError(
      '--chunk-size goes with the fixed chunker alone',
      'fastcdc chooses its own sizes: leave one of the two out',
    )
  }
  const sources: PathSource[] = []
  for (const path of paths) {
    if (path !== '-')
      sources.push(await sourceOf(session.io.cwd, path, { recursive, verb: 'publish' }))
  }
  const connection = await session.node()
  // Before anything is done: copies are made by a node that others can reach.
  if (connection.offline && settings.replicate > 0) throw noNodeError(session.settings.dataDir)
  const wire: WireOptions = {
    chunkSizeBytes: settings.chunkSizeBytes,
    chunker: settings.chunker,
    onlyHash: options.onlyHash === true,
    noPin: !settings.pin,
    replicate: settings.replicate,
    ttlMs: settings.ttlMs,
    name: (options.name as string | undefined) ?? '',
  }
  const report = new Report(session, {
    style: options.quieter === true ? 'root' : options.quiet === true ? 'cids' : 'full',
  })
  session.progress.start(wire.onlyHash ? 'hashing' : 'publishing')
  // Runs of paths go in one call, so that many small files share the waits for the disk.
  let pathsRun: PathSource[] = []
  const publishRun = async () => {
    if (pathsRun.length > 0) {
      await publishPaths(session, connection, pathsRun, { recursive, wire, report })
    }
    pathsRun = []
  }
  for (const path of paths) {
    if (path === '-') {
      await publishRun()
      await report.follow(
        connection.client.upload(session.io.stdin, {
          ...wire,
          progressHz: session.progressHz,
          signal: session.signal,
        }),
      )
    } else {
      pathsRun.push(sources.shift()!)
    }
  }
  await publishRun()
  return report.finish()
}

interface RunOptions {
  recursive: boolean
  wire: WireOptions
  report: Report
}

async function publishPaths(
  session: Session,
  connection: Connection,
  sources: readonly PathSource[],
  { recursive, wire, report }: RunOptions,
): Promise<void> {
  const { client } = connection
  const options: PublishOptionsInit = wire
  const request = {
    sources: sources.map(({ path, dev, ino }) => ({ path, dev, ino })),
    recursive,
    options,
    progressHz: session.progressHz,
  }
  const before = report.added
  try {
    await report.follow(client.content.publishPaths(request, { signal: session.signal }))
    return
  } catch (error) {
    if (report.added > before || connection.offline || !seesOtherFiles(error)) throw error
  }
  // A node in a container, or of another user: it can't read these paths, this process can.
  for (const source of sources) {
    await report.follow(uploadPath(session, client, source, wire))
  }
}

type PublishOptionsInit = Omit<PublishOptions, '$typeName' | '$unknown'>

/** Notices that leave the result what it was meant to be. */
const HARMLESS = ['SKIPPED']

/** Prints what was published, and sums up over several calls. */
class Report {
  added = 0
  readonly #session: Session
  readonly #style: 'full' | 'cids' | 'root'
  #sum = { root: '', files: 0, sizeBytes: 0, newBytes: 0, announced: true }
  #copies: { peerId: string; where: string; error: string }[] = []
  #copiesWanted = 0
  #copiesMissing = false
  #summaries = 0
  #partly = false

  constructor(session: Session, init: { style: 'full' | 'cids' | 'root' }) {
    this.#session = session
    this.#style = init.style
  }

  /** Consumes one call's events; rejects when they end without a summary. */
  async follow(events: AsyncIterable<PublishEvent>): Promise<void> {
    const before = this.#summaries
    for await (const event of events) this.#take(event)
    if (this.#summaries === before) throw unfinished()
  }

  finish(): number {
    const session = this.#session
    const { root, files, sizeBytes, newBytes, announced } = this.#sum
    const copies = this.#copies
    if (session.json) {
      const replicas = this.#copiesWanted > 0 ? { copiesWanted: this.#copiesWanted, copies } : {}
      const totals = { files, sizeBytes, newBytes, announced }
      session.value({ event: 'summary', root, ...totals, ...replicas })
    } else {
      if (this.#style === 'root' && root !== '') session.line(root)
      this.#tellCopies()
    }
    return this.#partly || this.#copiesMissing ? EXIT_PARTLY : 0
  }

  #tellCopies(): void {
    const session = this.#session
    for (const { peerId, where, error } of this.#copies) {
      const place = where === '' ? peerId : `${peerId} (${where})`
      session.note(error === '' ? `copied to ${place}` : `no copy on ${place}: ${error}`)
    }
    if (this.#copies.some(({ error }) => error.endsWith('(PERMISSION_DENIED)'))) {
      session.note('hint: a peer takes copies from the peer ids in its setting exchange.allow')
    }
    if (!this.#copiesMissing) return
    const made = this.#copies.filter(({ error }) => error === '').length
    session.note(
      `only ${made} of ${count(this.#copiesWanted, 'copy').replace('copys', 'copies')} made`,
    )
  }

  #take({ event }: PublishEvent): void {
    const session = this.#session
    switch (event.case) {
      case 'progress': {
        const { doneBytes, totalBytes, files } = event.value
        session.progress.update(doneBytes, totalBytes, files > 1 ? count(files, 'file') : '')
        break
      }
      case 'added': {
        this.added++
        const { cid, name, sizeBytes, chunks, newBytes, kind } = event.value
        if (session.json) {
          session.value({ event: 'added', cid, name, sizeBytes, chunks, newBytes, kind })
        } else if (this.#style === 'full') {
          session.line(`added ${cid} ${shown(name === '' ? '-' : name)}`)
        } else if (this.#style === 'cids') {
          session.line(cid)
        }
        break
      }
      case 'summary': {
        this.#summaries++
        const { root, files, sizeBytes, newBytes, announced, copies, copiesWanted } = event.value
        const sum = this.#sum
        this.#sum = {
          root,
          files: sum.files + files,
          sizeBytes: sum.sizeBytes + sizeBytes,
          newBytes: sum.newBytes + newBytes,
          announced: sum.announced && announced,
        }
        const made = copies.filter(({ error }) => error === '').length
        if (made < copiesWanted) this.#copiesMissing = true
        this.#copiesWanted = Math.max(this.#copiesWanted, copiesWanted)
        this.#copies.push(...copies.map(({ peerId, where, error }) => ({ peerId, where, error })))
        break
      }
      case 'notice': {
        const { code, message } = event.value
        session.note(`note: ${message}`)
        if (!HARMLESS.includes(code)) this.#partly = true
        break
      }
    }
  }
}
