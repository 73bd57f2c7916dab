/** `ls` and `stat` of paths of the namespace. */

import { toDpsError } from '../base/index.js'
import type { StatPathResponse, StatResponse } from '../gateway/index.js'
import { exact, fileRows, row, statJson } from './content-stat.js'
import { shown } from './format.js'
import { entryJson, isoTime, label, longPrefix, modeText } from './namespace-paths.js'
import type { Session } from './session.js'
import { unfinished } from './unfinished.js'

export async function listPath(
  session: Session,
  path: string,
  { long, stale }: { long: boolean; stale: boolean },
): Promise<void> {
  const { client } = await session.node()
  const { signal } = session
  for await (const { entries } of client.namespace.listPath({ path, stale }, { signal })) {
    const lines = entries.map((entry) => {
      if (session.json) return JSON.stringify(entryJson(entry))
      if (!long) return label(entry)
      const cid = entry.cid === '' ? '' : `${entry.cid} `
      return `${longPrefix(entry)}  ${cid}${label(entry)}`
    })
    // A page at a time: a million lines must not wait in memory for a slow reader.
    if (lines.length > 0) await session.out.writeSlowly(`${lines.join('\n')}\n`)
    if (session.out.closed) return
  }
}

export async function statPath(
  session: Session,
  path: string,
  { stale }: { stale: boolean },
): Promise<void> {
  const { client } = await session.node()
  const { signal, settings } = session
  const answer = await client.namespace.statPath({ path, stale }, { signal })
  const { entry, policy, holders } = answer
  if (entry === undefined) throw unfinished()
  const content =
    entry.kind === 'file'
      ? await client.content
          .stat({ cid: entry.cid, timeoutMs: settings.get.timeoutMs }, { signal })
          .catch((error) => {
            // Its entry is there all the same.
            signal.throwIfAborted()
            session.note(`note: its content is out of reach: ${toDpsError(error).message}`)
            return undefined
          })
      : undefined
  if (!session.json) {
    screen(session, answer, content)
    return
  }
  const { name: _, ...known } = entryJson(entry)
  session.value({
    ...(content === undefined ? NO_CONTENT : statJson(content)),
    ...known,
    ctime: isoTime(entry.ctimeNs),
    ...(entry.kind === 'file' ? { policy, holders } : {}),
  })
}

const NO_CONTENT = { chunks: 0, chunkSizeBytes: 0, sha256: null, copies: [] }

function screen(
  session: Session,
  { entry, policy, holders }: StatPathResponse,
  content: StatResponse | undefined,
): void {
  if (entry === undefined) return
  const tell = (label: string, text: string) => row(session, label, text)
  tell('Path', shown(entry.path))
  tell('Kind', entry.kind)
  if (entry.kind === 'file') {
    tell('CID', entry.cid)
    tell('Size', exact(entry.sizeBytes))
    if (content !== undefined) fileRows(session, content)
    tell('Policy', policy)
    for (const holder of holders) tell('Holder', holder)
    if (content !== undefined) tell('Here', exact(content.localBytes))
  }
  if (entry.kind === 'directory') tell('Entries', entry.entries.toLocaleString('en-US'))
  if (entry.kind === 'symlink') tell('Target', shown(entry.target))
  tell('Mode', modeText(entry.mode))
  tell('Owner', `${entry.uid}:${entry.gid}`)
  tell('Modified', isoTime(entry.mtimeNs))
  tell('Changed', isoTime(entry.ctimeNs))
  tell('Version', String(entry.version))
}
