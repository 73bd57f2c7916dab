/** What a person means by `CID|PATH`: a CID in any spelling, perhaps with names below it. */
import { DpsError } from '../base/index.js'
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

/** INVALID_ARGUMENT where it is neither; UNIMPLEMENTED for paths of a cluster's namespace. */
export async function parseTarget(given: string): Promise<Target> {
  const text = given.replace(/^ipfs:\/\//, '/ipfs/')
  if (text.startsWith('/') && !text.startsWith('/ipfs/')) {
    throw new DpsError('UNIMPLEMENTED', `${shown(given)} is a path in a cluster's namespace`, {
      hint: 'this version names content by CID; cluster paths come with a later one',
    })
  }
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
