/** A folder of the namespace to a folder here. */
import type { ApiClient } from '../gateway/index.js'
import { EXIT_PARTLY } from './errors.js'
import { humanBytes, shown } from './format.js'
import { displayPath, refuseOverwrite } from './get-place.js'
import type { Session } from './session.js'
import type { FileAttributes } from './write-file.js'
import { type Folder, writeFolder } from './write-folder.js'

export interface PathFolder {
  kind: 'directory'
  path: string
  name: string
  stale: boolean
}

export async function getFolder(
  session: Session,
  client: ApiClient,
  { path: from, stale }: PathFolder,
  { wanted: path, force }: { wanted: string; force: boolean },
): Promise<number> {
  await refuseOverwrite(path, force, 'directory')
  session.progress.start('writing')
  const total = { sizeBytes: 0 }
  const folder = pathFolder(session, client, { path: from, stale, total })
  const refused = await writeFolder(session, client, { folder, sizeBytes: 0, path, force })
  session.progress.clear()
  for (const line of refused) session.note(line)
  const { sizeBytes } = total
  if (session.json) {
    const kind = 'directory'
    const none = { cid: null, resumedBytes: 0, peers: [] }
    session.value({ event: 'summary', ...none, path, sizeBytes, kind })
  } else {
    session.line(`saved ${shown(displayPath(session.io.cwd, path))} (${humanBytes(sizeBytes)})`)
  }
  return refused.length > 0 ? EXIT_PARTLY : 0
}

interface PathFolderInit {
  path: string
  stale: boolean
  /** Sums up the files that were listed. */
  total: { sizeBytes: number }
  attributes?: FileAttributes
}

function pathFolder(session: Session, client: ApiClient, init: PathFolderInit): Folder {
  const { path, stale, total, attributes } = init
  const { signal } = session
  return {
    ...(attributes !== undefined && { attributes }),
    async *entries() {
      for await (const { entries } of client.namespace.listPath({ path, stale }, { signal })) {
        for (const { name, kind, cid, sizeBytes, target, mode, mtimeNs } of entries) {
          total.sizeBytes += sizeBytes
          yield { name, kind, cid, sizeBytes, target, attributes: { mode, mtimeNs } }
        }
      }
    },
    folder: (entry) => {
      const below = path === '/' ? `/${entry.name}` : `${path}/${entry.name}`
      const kept = entry.attributes === undefined ? {} : { attributes: entry.attributes }
      return pathFolder(session, client, { path: below, stale, total, ...kept })
    },
  }
}
