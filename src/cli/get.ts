/** `get` and `cat`: content to files, folders and stdout. */
import { resolve } from 'node:path'
import type { ApiClient, Download } from '../gateway/index.js'
import { followFetch } from './content.js'
import { EXIT_PARTLY, usageError } from './errors.js'
import { humanBytes, shown } from './format.js'
import { displayPath, placeFor, refuseNoFolder, refuseOverwrite } from './get-place.js'
import { nameProblem } from './names.js'
import { getFolder, type PathFolder } from './namespace-get.js'
import { isSymlink, statEntry } from './namespace-paths.js'
import type { Handler, Session } from './session.js'
import { isClusterPath, parseTarget, type Target } from './target.js'
import { type FileAttributes, writeFile } from './write-file.js'
import { contentFolder, writeFolder } from './write-folder.js'

const JSON_PROGRESS_HZ = 4

export const get: Handler = async (session, [given], options) => {
  const target = await targetOf(String(given))
  const force = options.force === true
  const output = options.output as string | undefined
  if (output === '') throw usageError('the output has an empty name')
  const { client } = await session.node()
  const { signal, settings } = session
  const source = await sourceOf(client, target, { stale: options.stale === true, signal })
  const { name } = source
  if (output === undefined && nameProblem(name) !== undefined) {
    throw usageError(`${shown(name)} is no file name here`, 'give one with: -o OUT')
  }
  const wanted = resolve(session.io.cwd, output ?? name)
  // Refused before anything is fetched; what is there may change meanwhile, so checked again.
  if (output !== '-') {
    await refuseOverwrite(wanted, force)
    await refuseNoFolder(wanted)
  }
  if (source.kind === 'directory') {
    if (output === '-') throw usageError(`${source.path} is a folder`, 'give a folder: -o OUT')
    return getFolder(session, client, source, { wanted, force })
  }
  const events = client.content.fetch(
    {
      cid: source.ref,
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
    const folder = contentFolder(session, client, cid)
    refused = await writeFolder(session, client, { folder, sizeBytes, path, force })
  } else {
    const { attributes } = source
    const kept = attributes === undefined ? {} : { attributes }
    await writeFile(session, client, { cid, sizeBytes, path, force, ...kept })
  }
  session.progress.clear()
  for (const line of refused) session.note(line)
  if (session.json)
    session.value({ event: 'summary', cid, path, sizeBytes, resumedBytes, peers, kind })
  else session.line(`saved ${shown(displayPath(session.io.cwd, path))} (${humanBytes(sizeBytes)})`)
  return refused.length > 0 ? EXIT_PARTLY : 0
}

interface Source {
  /** As the node's calls take it: `<cid>/a/b`. */
  ref: string
  name: string
  /** A file's, where the namespace knows them. */
  attributes?: FileAttributes
}

/** What is no path of the namespace is a CID, and is checked before a node is asked. */
async function targetOf(given: string): Promise<Target | string> {
  return isClusterPath(given) ? given : parseTarget(given)
}

/** Of the namespace: a file is had by its content, a folder by its path. */
async function sourceOf(
  client: ApiClient,
  target: Target | string,
  { stale, signal }: { stale: boolean; signal: AbortSignal },
): Promise<(Source & { kind?: undefined }) | PathFolder> {
  if (typeof target !== 'string') {
    const { ref, names, cid } = target
    return { ref, name: names.at(-1) ?? cid }
  }
  const { kind, path, name, cid, mode, mtimeNs, ...entry } = await statEntry(client, target, {
    stale,
    signal,
  })
  if (kind === 'directory') return { kind, path, name, stale }
  if (kind === 'symlink') throw isSymlink({ path, target: entry.target })
  return { ref: cid, name, attributes: { mode, mtimeNs } }
}

function downloadOptions({ settings, signal }: Session) {
  return { timeoutMs: settings.get.timeoutMs, signal }
}

export const cat: Handler = async (session, [given], options) => {
  const target = await targetOf(String(given))
  const { client } = await session.node()
  const offset = (options.offset as number | undefined) ?? 0
  const length = options.length as number | undefined
  const range = { ...downloadOptions(session), offset, ...(length === undefined ? {} : { length }) }
  if (typeof target === 'string') {
    const stale = options.stale === true
    await toStdout(session, client.downloadPath(target, { ...range, stale }))
    return
  }
  if (length === 0) return
  await toStdout(session, client.download(target.cid, { ...range, path: target.names }))
}

async function toStdout(session: Session, download: Promise<Download>): Promise<void> {
  const { body } = await download
  session.progress.clear()
  for await (const piece of body) {
    await session.out.writeSlowly(piece)
    if (session.out.closed) return
  }
}
