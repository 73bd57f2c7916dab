/** `get` and `cat`: content to files, folders and stdout. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DpsError } from '../base/index.js'
import type { Download } from '../gateway/index.js'
import { followFetch } from './content.js'
import { EXIT_PARTLY, usageError } from './errors.js'
import { humanBytes, shown } from './format.js'
import { nameProblem } from './names.js'
import type { Handler, Session } from './session.js'
import { parseTarget } from './target.js'
import { writeFile } from './write-file.js'
import { writeFolder } from './write-folder.js'

const JSON_PROGRESS_HZ = 4

export const get: Handler = async (session, [given], options) => {
  const target = await parseTarget(String(given))
  const force = options.force === true
  const output = options.output as string | undefined
  if (output === '') throw usageError('the output has an empty name')
  const { client } = await session.node()
  const { signal, settings } = session
  const name = target.names.at(-1) ?? target.cid
  if (output === undefined && nameProblem(name) !== undefined) {
    throw usageError(`${shown(name)} is no file name here`, 'give one with: -o OUT')
  }
  const wanted = resolve(session.io.cwd, output ?? name)
  // Refused before anything is fetched; what is there may change meanwhile, so checked again.
  if (output !== '-') {
    await refuseOverwrite(wanted, force)
    await refuseNoFolder(wanted)
  }
  const events = client.content.fetch(
    {
      cid: target.ref,
      timeoutMs: settings.get.timeoutMs,
      progressHz: session.json ? JSON_PROGRESS_HZ : session.progressHz,
    },
    { signal },
  )
  const onProgress = session.json
    ? (doneBytes: number, totalBytes: number) =>
        session.value({ event: 'progress', doneBytes, totalBytes })
    : undefined
  const result = await followFetch(session, events, 'fetching', onProgress)
  const { cid, kind, sizeBytes, resumedBytes, peers } = result
  if (output === '-') {
    if (kind === 'directory') throw usageError(`${cid} is a folder`, 'give a folder: -o OUT')
    await toStdout(session, client.download(cid, downloadOptions(session)))
    return 0
  }
  const path = await placeFor(wanted, kind, name)
  await refuseOverwrite(path, force, kind)
  session.progress.start('writing')
  let refused: string[] = []
  if (kind === 'directory') {
    refused = await writeFolder(session, client, { cid, sizeBytes, path, force })
  } else {
    await writeFile(session, client, { cid, sizeBytes, path, force })
  }
  session.progress.clear()
  for (const line of refused) session.note(line)
  if (session.json)
    session.value({ event: 'summary', cid, path, sizeBytes, resumedBytes, peers, kind })
  else session.line(`saved ${shown(displayPath(session.io.cwd, path))} (${humanBytes(sizeBytes)})`)
  return refused.length > 0 ? EXIT_PARTLY : 0
}

function downloadOptions({ settings, signal }: Session) {
  return { timeoutMs: settings.get.timeoutMs, signal }
}

/** As cp does: a file goes into a folder that is there. */
async function placeFor(wanted: string, kind: string, name: string): Promise<string> {
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
async function refuseOverwrite(path: string, force: boolean, kind?: string): Promise<void> {
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
async function refuseNoFolder(path: string): Promise<void> {
  const folder = dirname(path)
  if (await isFolder(folder)) return
  throw new DpsError('NOT_FOUND', `there is no folder ${folder}`, {
    hint: 'make it first, or write to another name with: -o OUT',
    exitCode: 1,
  })
}

function displayPath(cwd: string, path: string): string {
  return path.startsWith(join(cwd, '/')) ? path.slice(join(cwd, '/').length) : path
}

export const cat: Handler = async (session, [given], options) => {
  const target = await parseTarget(String(given))
  const { client } = await session.node()
  const offset = (options.offset as number | undefined) ?? 0
  const length = options.length as number | undefined
  if (length === 0) return
  const range = { offset, path: target.names, ...(length === undefined ? {} : { length }) }
  await toStdout(session, client.download(target.cid, { ...downloadOptions(session), ...range }))
}

async function toStdout(session: Session, download: Promise<Download>): Promise<void> {
  const { body } = await download
  session.progress.clear()
  for await (const piece of body) {
    await session.out.writeSlowly(piece)
    if (session.out.closed) return
  }
}
