/** What a person means by `CID|PATH`: a CID in any spelling, perhaps with names below it. */
import { usageError } from './errors.js'
import { shown } from './format.js'

export interface Target {
  /** Canonical. */
  cid: string
  /** Names below it; empty: the CID itself. */
  names: string[]
  /** Both, as the node's calls take it: `<cid>/a/b`. */
  ref: string
}

/** Whether it names an entry of the namespace; `/ipfs/<cid>` names a content. */
export function isClusterPath(given: string): boolean {
  return given.startsWith('/') && !given.startsWith('/ipfs/')
}

/** INVALID_ARGUMENT where it is neither; also for paths of the namespace, which are asked for first. */
export async function parseTarget(given: string): Promise<Target> {
  const text = given.replace(/^ipfs:\/\//, '/ipfs/')
  const [root = '', ...names] = text.replace(/^\/ipfs\//, '').split('/')
  // "cid/" and "cid//a" are how shells complete and people type.
  const path = names.filter((name) => name !== '')
  if (path.some((name) => name === '.' || name === '..')) {
    throw usageError(`${shown(given)}: "." and ".." are no names in content`)
  }
  const cid = await canonicalCid(root)
  return { cid, names: path, ref: [cid, ...path].join('/') }
}

export async function canonicalCid(text: string): Promise<string> {
  const { formatCid, parseCid } = await import('../content/index.js')
  return formatCid(parseCid(text))
}
