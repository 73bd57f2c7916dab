/** `ls`, `stat`, `pin`, `gc`, `verify`: what is stored. */
import { DpsError } from '../base/index.js'
import type { FetchEvent, Pin } from '../gateway/index.js'
import { statJson, statScreen } from './content-stat.js'
import { EXIT_PARTLY } from './errors.js'
import { count, humanBytes, shown } from './format.js'
import { listPath, statPath } from './namespace-show.js'
import type { Handler, Session } from './session.js'
import { canonicalCid, isClusterPath, parseTarget } from './target.js'
import { unfinished } from './unfinished.js'

export const ls: Handler = async (session, [given], options) => {
  const long = options.long === true
  if (given === undefined) {
    await listPins(session, long)
    return
  }
  if (isClusterPath(String(given))) {
    await listPath(session, String(given), { long, stale: options.stale === true })
    return
  }
  const target = await parseTarget(String(given))
  const { client } = await session.node()
  const request = { cid: target.ref, timeoutMs: session.settings.get.timeoutMs }
  const entries = client.content.list(request, { signal: session.signal })
  for await (const { name, kind, cid, sizeBytes, target } of entries) {
    if (session.json) {
      session.value({ name, kind, cid, sizeBytes, ...(kind === 'symlink' ? { target } : {}) })
      continue
    }
    const mark = kind === 'directory' ? '/' : ''
    const arrow = kind === 'symlink' ? ` -> ${shown(target)}` : ''
    const label = `${cid === '' ? '-' : cid} ${session.bold(shown(name))}${mark}${arrow}`
    session.line(long ? `${longPrefix(kind, sizeBytes)}  ${label}` : label)
  }
}

/** Streams can't be aligned by their longest cell; sizes of up to 8 characters are. */
function longPrefix(kind: string, sizeBytes: number): string {
  return `${kind.padEnd(9)}  ${humanBytes(sizeBytes).padStart(9)}`
}

async function listPins(session: Session, long: boolean): Promise<void> {
  const { client } = await session.node()
  for await (const pin of client.content.pinList({}, { signal: session.signal })) {
    if (session.json) {
      session.value(pinJson(pin))
      continue
    }
    const label = `${pin.cid}${pin.name === '' ? '' : ` ${shown(pin.name)}`}`
    const ends = pin.expiresAt === '' ? '' : `  until ${pin.expiresAt}`
    session.line(long ? `${longPrefix(pin.kind, pin.sizeBytes)}  ${label}${ends}` : label)
  }
}

function pinJson({ cid, name, kind, sizeBytes, createdAt, expiresAt }: Pin) {
  return { name, kind, cid, sizeBytes, createdAt, expiresAt: expiresAt || null }
}

/** Every manifest of a folder is looked at: a million files outlast the API's usual minute. */
const STAT_MS_MAX = 3600 * 1000

export const stat: Handler = async (session, [given], options) => {
  if (isClusterPath(String(given))) {
    await statPath(session, String(given), { stale: options.stale === true })
    return
  }
  const target = await parseTarget(String(given))
  const { client } = await session.node()
  const answer = await client.content.stat(
    { cid: target.ref, timeoutMs: session.settings.get.timeoutMs },
    { signal: session.signal, timeoutMs: STAT_MS_MAX },
  )
  if (session.json) session.value(statJson(answer))
  else statScreen(session, answer)
}

export const pinAdd: Handler = async (session, [given], options) => {
  const cids = await Promise.all((given as string[]).map(canonicalCid))
  const { client } = await session.node()
  for (const cid of cids) {
    const events = client.content.pinAdd(
      {
        cid,
        name: (options.name as string | undefined) ?? '',
        ttlMs: (options.ttl as number | undefined) ?? 0,
        timeoutMs: session.settings.get.timeoutMs,
        progressHz: session.progressHz,
      },
      { signal: session.signal },
    )
    const summary = await followFetch(session, events, `pinning ${cid.slice(0, 12)}…`)
    if (session.json) session.value({ event: 'pinned', ...summary })
    else session.line(`pinned ${cid}`)
  }
}

export interface FetchResult {
  cid: string
  kind: string
  sizeBytes: number
  resumedBytes: number
  peers: string[]
}

/** Shows a fetch's progress; resolves to its summary. */
export async function followFetch(
  session: Session,
  events: AsyncIterable<FetchEvent>,
  label: string,
  onProgress?: (doneBytes: number, totalBytes: number) => void,
): Promise<FetchResult> {
  session.progress.start(label)
  let result: FetchResult | undefined
  for await (const { event } of events) {
    if (event.case === 'progress') {
      const { doneBytes, totalBytes } = event.value
      session.progress.update(doneBytes, totalBytes)
      onProgress?.(doneBytes, totalBytes)
    } else if (event.case === 'notice') {
      session.note(event.value.message)
    } else if (event.case === 'summary') {
      const { cid, kind, sizeBytes, resumedBytes, peers } = event.value
      result = { cid, kind, sizeBytes, resumedBytes, peers }
    }
  }
  session.progress.clear()
  if (result === undefined) throw unfinished()
  return result
}

/** NOT_FOUND (exit 4) for what is not pinned, after the others were unpinned. */
export const pinRemove: Handler = async (session, [given]) => {
  const cids = await Promise.all((given as string[]).map(canonicalCid))
  const { client } = await session.node()
  let failure: unknown
  for (const cid of cids) {
    try {
      await client.content.pinRemove({ cid }, { signal: session.signal })
    } catch (error) {
      failure ??= error
      continue
    }
    if (session.json) session.value({ event: 'unpinned', cid })
    else session.line(`unpinned ${cid}`)
  }
  if (failure !== undefined) throw failure
}

export const pinList: Handler = async (session, [given]) => {
  if (given === undefined) {
    await listPins(session, false)
    return
  }
  const cid = await canonicalCid(String(given))
  const { client } = await session.node()
  for await (const pin of client.content.pinList({}, { signal: session.signal })) {
    if (pin.cid !== cid) continue
    if (session.json) session.value(pinJson(pin))
    else session.line(`${pin.cid}${pin.name === '' ? '' : ` ${shown(pin.name)}`}`)
    return
  }
  throw new DpsError('NOT_FOUND', `${cid} is not pinned`)
}

export const gc: Handler = async (session, _args, options) => {
  const dryRun = options.dryRun === true
  const { client } = await session.node()
  session.progress.start('checking')
  let done = false
  for await (const { event } of client.content.collect({ dryRun }, { signal: session.signal })) {
    if (event.case === 'progress') {
      session.progress.updateCount(event.value.checked, event.value.total, 'chunks')
    } else if (event.case === 'summary') {
      done = true
      const { chunks, bytes, reclaimedBytes } = event.value
      if (session.json) {
        session.value({ event: 'summary', chunks, bytes, reclaimedBytes, dryRun })
      } else {
        const what = `${count(chunks, 'chunk')}, ${humanBytes(bytes)}`
        const back = dryRun ? '' : ` (${humanBytes(reclaimedBytes)} back on the disk)`
        session.line(`${dryRun ? 'would free' : 'freed'} ${what}${back}`)
      }
    }
  }
  if (!done) throw unfinished()
}

/** Exit 3 while damage remains; what `--repair` mended is told and no failure. */
export const verify: Handler = async (session, [given], options) => {
  const cid = given === undefined ? '' : await canonicalCid(String(given))
  const repair = options.repair === true
  const { client } = await session.node({ repair })
  const request = { cid, repair, progressHz: session.progressHz }
  session.progress.start('verifying')
  let remaining: number | undefined
  for await (const { event } of client.content.verify(request, { signal: session.signal })) {
    if (event.case === 'progress') {
      const { checked, total } = event.value
      session.progress.updateCount(checked, total, `chunks, ${humanBytes(event.value.bytes)}`)
    } else if (event.case === 'damaged') {
      const { cid, reason, repaired, files } = event.value
      if (session.json) session.value({ event: 'damaged', cid, reason, repaired, files })
      else
        session.line(
          `damaged ${cid} ${shown(reason)}${repaired ? ' (repaired)' : ''}${needed(files)}`,
        )
    } else if (event.case === 'summary') {
      const { checked, damaged, repaired } = event.value
      remaining = damaged - repaired
      if (session.json) {
        session.value({ event: 'summary', checked, damaged, repaired })
      } else {
        session.line(`${count(checked, 'chunk')} checked, ${damaged} damaged, ${repaired} repaired`)
      }
    }
  }
  if (remaining === undefined) throw unfinished()
  if (remaining > 0 && !repair && !session.json) {
    session.note('hint: fetch what is damaged from other peers with: dps-node verify --repair')
  }
  return remaining > 0 ? EXIT_PARTLY : 0
}

function needed(files: readonly string[]): string {
  return files.length === 0 ? '' : `, needed by ${files.map(shown).join(', ')}`
}
