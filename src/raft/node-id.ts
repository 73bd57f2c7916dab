import { DpsError } from '../base/index.js'
import type { NodeId } from './core/configuration.js'

/**
 * A member's Raft id: its key, and which of its lives in this cluster. A node that was wiped
 * has forgotten its votes, so it must never speak under the id that gave them.
 *
 * @param incarnation unique among the joins of this peer
 */
export function nodeIdOf(peerId: string, incarnation: number | string): NodeId {
  return `${peerId}:${incarnation}`
}

/** @throws INVALID_ARGUMENT for an id without an incarnation */
export function peerOf(id: NodeId): string {
  const colon = id.lastIndexOf(':')
  if (colon < 1 || colon === id.length - 1) {
    throw new DpsError('INVALID_ARGUMENT', `not a member's id: ${id}`)
  }
  return id.slice(0, colon)
}
