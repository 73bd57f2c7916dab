/** `put`, `mkdir`, `mv` and `rm`: changes of the namespace. */
import { basename } from 'node:path'
import { DpsError, toDpsError } from '../base/index.js'
import { usageError } from './errors.js'
import { shown } from './format.js'
import { PutReport } from './namespace-report.js'
import { uploadTree } from './namespace-upload.js'
import type { Handler } from './session.js'
import { sourceOf } from './sources.js'
import { isClusterPath } from './target.js'

/** Names that a node takes where the person gave none. */
const ROOT = '/'

export const put: Handler = async (session, [source, target], options) => {
  const given = String(source)
  const path = target === undefined ? ROOT : clusterPath(String(target))
  const recursive = options.recursive === true
  const { chunkSizeBytes, chunker } = session.settings.publish
  const wire = { policy: (options.policy as string | undefined) ?? '', chunkSizeBytes, chunker }
  const report = new PutReport(session, { quiet: options.quiet === true })
  const { signal, progressHz } = session
  if (given === '-') {
    if (target === undefined || path.endsWith('/')) {
      throw usageError('what comes from stdin needs a name', 'give one: dps-node put - /notes.txt')
    }
    const { client } = await session.node()
    session.progress.start('putting')
    await report.follow(client.put(session.io.stdin, path, { ...wire, progressHz, signal }))
    return report.finish()
  }
  const local = await sourceOf(session.io.cwd, given, { recursive, verb: 'put' })
  const { client, offline } = await session.node()
  session.progress.start('putting')
  const { path: at, dev, ino } = local
  const request = { source: { path: at, dev, ino }, path, recursive, ...wire, progressHz }
  try {
    await report.follow(client.namespace.putPath(request, { signal }))
  } catch (error) {
    const { code, message, hint } = toDpsError(error)
    if (report.begun || hint !== UPLOAD_INSTEAD) throw error
    // In this process there is no other way to read it.
    if (offline) throw new DpsError(code, message)
    // A node in a container, or of another user: it can't read the path, this process can.
    await uploadTree(session, client, report, { local: at, name: basename(at), path, ...wire })
  }
  return report.finish()
}

/** What the node says of a path that it can't read. */
const UPLOAD_INSTEAD = 'upload its bytes instead'

/** Directories that exist are an error, unless `-p`. */
export const mkdir: Handler = async (session, [given], options) => {
  const paths = (given as string[]).map(clusterPath)
  const parents = options.parents === true
  const { client } = await session.node()
  const { signal } = session
  for (const path of paths) {
    const made = await client.namespace.mkdir({ path, parents }, { signal }).catch((error) => {
      throw error instanceof DpsError && error.code === 'NOT_FOUND' && !parents
        ? new DpsError(error.code, error.message, { hint: 'make its parents too: add -p' })
        : error
    })
    if (session.json) {
      const { version, created } = made
      session.value({ event: 'made', path: made.path, version, created })
    } else if (made.created) {
      session.line(`made ${shown(made.path)}/`)
    }
  }
}

export const move: Handler = async (session, [from, to]) => {
  const paths = { from: clusterPath(String(from)), to: clusterPath(String(to)) }
  const { client } = await session.node()
  const moved = await client.namespace.move(paths, { signal: session.signal })
  if (session.json) {
    const { path, version, replaced } = moved
    session.value({ event: 'moved', from: paths.from, path, version, replaced })
  } else {
    session.line(`moved ${shown(paths.from)} to ${shown(moved.path)}`)
  }
}

export const remove: Handler = async (session, [given], options) => {
  const paths = (given as string[]).map(clusterPath)
  const recursive = options.recursive === true
  const { client } = await session.node()
  for (const path of paths) {
    await client.namespace.removePath({ path, recursive }, { signal: session.signal })
    if (session.json) session.value({ event: 'removed', path })
    else session.line(`removed ${shown(path)}`)
  }
}

function clusterPath(given: string): string {
  if (isClusterPath(given)) return given
  throw usageError(`${shown(given)} is no path of the cluster`, "cluster paths start with '/'")
}
