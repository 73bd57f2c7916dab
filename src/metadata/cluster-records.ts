/** Where the cluster's records lie in the replicated state, and how they are read. */
import type { AbortOptions } from '../base/index.js'
import { decodeCluster, decodeInvitation, decodeNode } from './cluster-records-codec.js'
import type { ClusterRecord, InvitationRecord, NodeRecord } from './cluster-types.js'
import { keyOf, rangeOf, textOfKey } from './keys.js'
import type { Getter, View } from './view.js'

const NODES = 'n/'
const INVITATIONS = 'i/'

export const CLUSTER_KEY = keyOf('m/cluster')

export function nodeKey(peerId: string): Uint8Array {
  return keyOf(NODES, peerId)
}

export function invitationKey(id: string): Uint8Array {
  return keyOf(INVITATIONS, id)
}

/** Whether a change of these keys can change who is a member, or how members are reached. */
export function touchesCluster(keys: readonly Uint8Array[]): boolean {
  return keys.some((key) => {
    const text = textOfKey(key)
    return text.startsWith(NODES) || text === 'm/cluster'
  })
}

/** Undefined while the founder's first command is not applied. */
export function readCluster(view: Getter): ClusterRecord | undefined {
  const bytes = view.get(CLUSTER_KEY)
  return bytes === undefined ? undefined : decodeCluster(bytes)
}

export function readNode(view: Getter, peerId: string): NodeRecord | undefined {
  const bytes = view.get(nodeKey(peerId))
  return bytes === undefined ? undefined : decodeNode(peerId, bytes)
}

export function readInvitation(view: Getter, id: string): InvitationRecord | undefined {
  const bytes = view.get(invitationKey(id))
  return bytes === undefined ? undefined : decodeInvitation(id, bytes)
}

/** All nodes, those that were removed too, in order of their peer ids. */
export async function listNodes(view: View, options?: AbortOptions): Promise<NodeRecord[]> {
  const nodes: NodeRecord[] = []
  for await (const page of view.range(rangeOf(NODES), options)) {
    for (const [key, value] of page)
      nodes.push(decodeNode(textOfKey(key).slice(NODES.length), value))
  }
  return nodes
}

export async function listInvitations(
  view: View,
  options?: AbortOptions,
): Promise<InvitationRecord[]> {
  const invitations: InvitationRecord[] = []
  for await (const page of view.range(rangeOf(INVITATIONS), options)) {
    for (const [key, value] of page) {
      invitations.push(decodeInvitation(textOfKey(key).slice(INVITATIONS.length), value))
    }
  }
  return invitations
}
