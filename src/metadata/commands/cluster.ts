/** Founding a cluster, inviting to it, coming, being described, going. Numbers 20 to 49. */
import { DpsError } from '../../base/index.js'
import {
  CLUSTER_KEY,
  invitationKey,
  nodeKey,
  readCluster,
  readInvitation,
  readNode,
} from '../cluster-records.js'
import {
  CLUSTER_CODECS,
  type ClusterCommandOf,
  decodeAdmitted,
  decodeInvited,
  encodeAdmitted,
  encodeCluster,
  encodeInvitation,
  encodeInvited,
  encodeNode,
  type NodeLife,
  withFormer,
} from '../cluster-records-codec.js'
import type { ClusterRecord, NodeRecord } from '../cluster-types.js'
import { type ApplyContext, defineCommand } from '../command.js'
import type { Getter } from '../view.js'

const NOTHING = { encodeResult: () => new Uint8Array(0), decodeResult: () => ({}) }
const ASK_AGAIN = 'ask a member for a new one: dps-node cluster invite'

/** Again for the same cluster is harmless: whoever leads first, or again, proposes it. */
const foundCluster = defineCommand<ClusterCommandOf<'foundCluster'>, object>({
  type: 'foundCluster',
  tag: 20,
  ...CLUSTER_CODECS.foundCluster,
  apply: ({ view, timeMs }, command) => {
    const { clusterId, mode, peerId, incarnation, name, zone, addrs } = command
    const found = readCluster(view)
    if (found !== undefined) {
      if (found.clusterId === clusterId) return {}
      throw new DpsError('FAILED_PRECONDITION', `this is cluster ${found.clusterId} already`)
    }
    put(view, {
      clusterId,
      mode,
      createdAtMs: timeMs,
      formerIds: [],
      nextIncarnation: incarnation + 1,
    })
    putNode(view, newNode({ peerId, incarnation, name, zone, addrs }, timeMs))
    return {}
  },
  ...NOTHING,
})

const createInvitation = defineCommand<
  ClusterCommandOf<'createInvitation'>,
  { expiresAtMs: number }
>({
  type: 'createInvitation',
  tag: 21,
  ...CLUSTER_CODECS.createInvitation,
  apply: ({ view, timeMs }, { id, secretHash, ttlMs, usesMax, createdBy }) => {
    clusterOf(view)
    if (readInvitation(view, id) !== undefined) {
      throw new DpsError('ALREADY_EXISTS', `invitation ${id} exists already`)
    }
    const expiresAtMs = timeMs + ttlMs
    const invitation = { id, secretHash, expiresAtMs, usesMax, usedBy: [], createdBy }
    view.put(invitationKey(id), encodeInvitation(invitation))
    return { expiresAtMs }
  },
  encodeResult: encodeInvited,
  decodeResult: decodeInvited,
})

/**
 * A newcomer gets an incarnation of its own each time: an answer that was lost must not let two
 * lives of a node speak under one id. What an earlier life of it was in this cluster ends here.
 */
const admitNode = defineCommand<ClusterCommandOf<'admitNode'>, { incarnation: number }>({
  type: 'admitNode',
  tag: 22,
  ...CLUSTER_CODECS.admitNode,
  apply: ({ view, timeMs }, { invitationId, secretHash, ...described }) => {
    const cluster = clusterOf(view)
    const invitation = readInvitation(view, invitationId)
    // One answer for both, so that nobody learns which ids exist.
    if (invitation === undefined || !isSame(invitation.secretHash, secretHash)) {
      throw refused('this invitation is not known here')
    }
    if (timeMs >= invitation.expiresAtMs) throw refused('this invitation has expired')
    const { peerId } = described
    const { usedBy } = invitation
    if (!usedBy.includes(peerId)) {
      if (usedBy.length >= invitation.usesMax) throw refused('this invitation has been used up')
      const used = { ...invitation, usedBy: [...usedBy, peerId] }
      view.put(invitationKey(invitationId), encodeInvitation(used))
    }
    const incarnation = cluster.nextIncarnation
    put(view, { ...cluster, nextIncarnation: incarnation + 1 })
    putNode(view, newNode({ ...described, incarnation }, timeMs))
    return { incarnation }
  },
  encodeResult: encodeAdmitted,
  decodeResult: decodeAdmitted,
})

const describeNode = defineCommand<ClusterCommandOf<'describeNode'>, object>({
  type: 'describeNode',
  tag: 23,
  ...CLUSTER_CODECS.describeNode,
  apply: ({ view }, { name, zone, addrs, ...life }) => {
    putNode(view, { ...memberOf(view, life), name, zone, addrs })
    return {}
  },
  ...NOTHING,
})

const observeNode = defineCommand<ClusterCommandOf<'observeNode'>, object>({
  type: 'observeNode',
  tag: 24,
  ...CLUSTER_CODECS.observeNode,
  apply: ({ view, timeMs }, { state, ...life }) => {
    const node = memberOf(view, life)
    if (node.state !== state) putNode(view, { ...node, state, stateSinceMs: timeMs })
    return {}
  },
  ...NOTHING,
})

const wishNode = defineCommand<ClusterCommandOf<'wishNode'>, object>({
  type: 'wishNode',
  tag: 25,
  ...CLUSTER_CODECS.wishNode,
  apply: ({ view }, { wish, ...life }) => {
    // Whoever is to have a role is to stay.
    putNode(view, { ...memberOf(view, life), wish, leaving: false })
    return {}
  },
  ...NOTHING,
})

const retireNode = defineCommand<ClusterCommandOf<'retireNode'>, object>({
  type: 'retireNode',
  tag: 26,
  ...CLUSTER_CODECS.retireNode,
  apply: ({ view }, life) => {
    putNode(view, { ...memberOf(view, life), leaving: true })
    return {}
  },
  ...NOTHING,
})

const forgetNode = defineCommand<ClusterCommandOf<'forgetNode'>, object>({
  type: 'forgetNode',
  tag: 27,
  ...CLUSTER_CODECS.forgetNode,
  apply: ({ view, timeMs }, life) => {
    const node = memberOf(view, life)
    if (!node.leaving) {
      throw new DpsError('FAILED_PRECONDITION', `node ${life.peerId} is not on its way out`)
    }
    putNode(view, { ...node, state: 'removed', stateSinceMs: timeMs })
    return {}
  },
  ...NOTHING,
})

/** As `foundCluster`: the first command of a cluster that goes on from another one's state. */
const refoundCluster = defineCommand<ClusterCommandOf<'refoundCluster'>, object>({
  type: 'refoundCluster',
  tag: 28,
  ...CLUSTER_CODECS.refoundCluster,
  apply: ({ view, timeMs }, { clusterId, formerId, peerId, incarnation, lost }) => {
    const cluster = clusterOf(view)
    if (cluster.clusterId === clusterId) return {}
    if (cluster.clusterId !== formerId) {
      throw new DpsError('FAILED_PRECONDITION', `this is cluster ${cluster.clusterId}`)
    }
    put(view, {
      ...cluster,
      clusterId,
      formerIds: withFormer(cluster.formerIds, formerId),
      nextIncarnation: Math.max(cluster.nextIncarnation, incarnation + 1),
    })
    for (const id of lost) {
      const node = readNode(view, id)
      if (node === undefined || node.state === 'removed') continue
      putNode(view, { ...node, state: 'removed', stateSinceMs: timeMs })
    }
    const node = readNode(view, peerId)
    if (node === undefined) {
      throw new DpsError('FAILED_PRECONDITION', `node ${peerId} was no member of ${formerId}`)
    }
    putNode(view, {
      ...node,
      incarnation,
      state: 'online',
      stateSinceMs: timeMs,
      wish: 'auto',
      leaving: false,
    })
    return {}
  },
  ...NOTHING,
})

/** Forgets invitations that nobody can use any more; one that can still be used stays. */
const pruneInvitations = defineCommand<ClusterCommandOf<'pruneInvitations'>, object>({
  type: 'pruneInvitations',
  tag: 29,
  ...CLUSTER_CODECS.pruneInvitations,
  apply: ({ view, timeMs }, { ids }) => {
    for (const id of ids) {
      const invitation = readInvitation(view, id)
      if (invitation !== undefined && timeMs >= invitation.expiresAtMs) {
        view.delete(invitationKey(id))
      }
    }
    return {}
  },
  ...NOTHING,
})

const setClusterMode = defineCommand<ClusterCommandOf<'setClusterMode'>, object>({
  type: 'setClusterMode',
  tag: 30,
  ...CLUSTER_CODECS.setClusterMode,
  apply: ({ view }, { mode }) => {
    put(view, { ...clusterOf(view), mode })
    return {}
  },
  ...NOTHING,
})

export const CLUSTER_COMMANDS = [
  foundCluster,
  createInvitation,
  admitNode,
  describeNode,
  observeNode,
  wishNode,
  retireNode,
  forgetNode,
  refoundCluster,
  pruneInvitations,
  setClusterMode,
] as const

function clusterOf(view: Getter): ClusterRecord {
  const cluster = readCluster(view)
  if (cluster !== undefined) return cluster
  throw new DpsError('FAILED_PRECONDITION', 'this cluster has not been founded yet')
}

/** @throws NOT_FOUND unless this life of the node is a member */
function memberOf(view: Getter, { peerId, incarnation }: NodeLife): NodeRecord {
  const node = readNode(view, peerId)
  if (node === undefined || node.state === 'removed' || node.incarnation !== incarnation) {
    throw new DpsError('NOT_FOUND', `node ${peerId} (join ${incarnation}) is no member`)
  }
  return node
}

function newNode(
  described: NodeLife & Pick<NodeRecord, 'name' | 'zone' | 'addrs'>,
  timeMs: number,
): NodeRecord {
  return {
    ...described,
    state: 'online',
    stateSinceMs: timeMs,
    joinedAtMs: timeMs,
    wish: 'auto',
    leaving: false,
  }
}

function put(view: ApplyContext['view'], cluster: ClusterRecord): void {
  view.put(CLUSTER_KEY, encodeCluster(cluster))
}

function putNode(view: ApplyContext['view'], node: NodeRecord): void {
  view.put(nodeKey(node.peerId), encodeNode(node))
}

/** Looks at every byte, so that the time taken tells nothing of where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.byteLength ^ b.byteLength
  for (let index = 0; index < a.byteLength; index++) difference |= a[index]! ^ (b[index] ?? 0)
  return difference === 0
}

function refused(message: string): DpsError {
  return new DpsError('PERMISSION_DENIED', message, { hint: ASK_AGAIN })
}
