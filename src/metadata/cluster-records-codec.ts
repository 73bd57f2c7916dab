/** Records and commands about the cluster: `protos/dps/metadata/v1/cluster.proto` ⇄ domain. */
import { DpsError } from '../base/index.js'
import {
  AdmitNode,
  AdmitNodeResult,
  ClusterRecord as ClusterRecordWire,
  CreateInvitation,
  CreateInvitationResult,
  DescribeNode,
  ForgetNode,
  FoundCluster,
  InvitationRecord as InvitationRecordWire,
  NodeRecord as NodeRecordWire,
  PruneInvitations,
  RefoundCluster,
  RetireNode,
  SetClusterMode,
  SetNodeState,
  SetNodeWish,
} from '../wire/metadata/cluster.js'
import type {
  ClusterRecord,
  InvitationRecord,
  NodeRecord,
  NodeState,
  RoleWish,
} from './cluster-types.js'

const STATES: Record<NodeState, number> = { online: 1, suspect: 2, offline: 3, removed: 4 }
const WISHES: Record<RoleWish, number> = { auto: 0, voter: 1, learner: 2 }

export const NODE_ADDRS_MAX = 16
export const NODE_ADDR_CHARS_MAX = 256
const NAME_CHARS_MAX = 63
const ID_CHARS_MAX = 128
const HASH_BYTES = 32
/** A recovery of the largest cluster names all others. */
const LOST_MAX = 1024
const FORMER_MAX = 256
export const PRUNE_IDS_MAX = 256
export const INVITATION_USES_MAX = 1000
export const INVITATION_TTL_MS_MAX = 30 * 24 * 3_600_000

/** What a member says of itself. */
export interface Description {
  peerId: string
  name: string
  zone: string
  /** Multiaddrs without the peer id. */
  addrs: readonly string[]
}

export interface NodeLife {
  peerId: string
  incarnation: number
}

export type ClusterCommand =
  | ({ type: 'foundCluster'; clusterId: string; mode: string } & Description & NodeLife)
  | {
      type: 'createInvitation'
      id: string
      secretHash: Uint8Array
      ttlMs: number
      usesMax: number
      createdBy: string
    }
  | ({ type: 'admitNode'; invitationId: string; secretHash: Uint8Array } & Description)
  | ({ type: 'describeNode' } & Description & NodeLife)
  | ({ type: 'observeNode'; state: Exclude<NodeState, 'removed'> } & NodeLife)
  | ({ type: 'wishNode'; wish: RoleWish } & NodeLife)
  | ({ type: 'retireNode' } & NodeLife)
  | ({ type: 'forgetNode' } & NodeLife)
  | ({
      type: 'refoundCluster'
      clusterId: string
      formerId: string
      lost: readonly string[]
    } & NodeLife)
  | { type: 'pruneInvitations'; ids: readonly string[] }
  | { type: 'setClusterMode'; mode: string }

export type ClusterCommandOf<T extends ClusterCommand['type']> = Extract<
  ClusterCommand,
  { type: T }
>

export function encodeNode(node: NodeRecord): Uint8Array {
  const { state, wish, addrs } = node
  return NodeRecordWire.encode({
    ...node,
    addrs: [...addrs],
    state: STATES[state],
    wish: WISHES[wish],
  })
}

export function decodeNode(peerId: string, bytes: Uint8Array): NodeRecord {
  return record(`node ${peerId}`, () => {
    const wire = NodeRecordWire.decode(bytes)
    return { ...wire, peerId, state: stateFrom(wire.state), wish: wishFrom(wire.wish) }
  })
}

export function encodeInvitation(invitation: InvitationRecord): Uint8Array {
  const { secretHash, usedBy } = invitation
  return InvitationRecordWire.encode({
    ...invitation,
    secretHash: plain(secretHash),
    usedBy: [...usedBy],
  })
}

export function decodeInvitation(id: string, bytes: Uint8Array): InvitationRecord {
  return record(`invitation ${id}`, () => ({ id, ...InvitationRecordWire.decode(bytes) }))
}

export function encodeCluster(cluster: ClusterRecord): Uint8Array {
  return ClusterRecordWire.encode({ ...cluster, formerIds: [...cluster.formerIds] })
}

export function decodeCluster(bytes: Uint8Array): ClusterRecord {
  return record('cluster', () => ClusterRecordWire.decode(bytes))
}

type Codec<T extends ClusterCommand['type']> = {
  encode(command: ClusterCommandOf<T>): Uint8Array
  decode(bytes: Uint8Array): ClusterCommandOf<T>
}

/** Bodies of the commands. What comes in may come from any member: everything is checked. */
export const CLUSTER_CODECS: { [T in ClusterCommand['type']]: Codec<T> } = {
  foundCluster: {
    encode: (command) => FoundCluster.encode({ ...command, addrs: [...command.addrs] }),
    decode: (bytes) => {
      const wire = read(() => FoundCluster.decode(bytes, { limits: { addrs: NODE_ADDRS_MAX } }))
      return {
        type: 'foundCluster',
        clusterId: idFrom(wire.clusterId),
        mode: nameFrom('mode', wire.mode),
        ...descriptionFrom(wire),
        ...lifeFrom(wire),
      }
    },
  },
  createInvitation: {
    encode: (command) =>
      CreateInvitation.encode({ ...command, secretHash: plain(command.secretHash) }),
    decode: (bytes) => {
      const wire = read(() => CreateInvitation.decode(bytes))
      if (wire.usesMax < 1 || wire.usesMax > INVITATION_USES_MAX) {
        throw bad(`an invitation for 1 to ${INVITATION_USES_MAX} uses, not ${wire.usesMax}`)
      }
      if (!(wire.ttlMs >= 1 && wire.ttlMs <= INVITATION_TTL_MS_MAX)) {
        throw bad('an invitation for a moment up to 30 days')
      }
      return {
        type: 'createInvitation',
        id: idFrom(wire.id),
        secretHash: hashFrom(wire.secretHash),
        ttlMs: wire.ttlMs,
        usesMax: wire.usesMax,
        createdBy: idFrom(wire.createdBy),
      }
    },
  },
  admitNode: {
    encode: (command) =>
      AdmitNode.encode({
        ...command,
        secretHash: plain(command.secretHash),
        addrs: [...command.addrs],
      }),
    decode: (bytes) => {
      const wire = read(() => AdmitNode.decode(bytes, { limits: { addrs: NODE_ADDRS_MAX } }))
      return {
        type: 'admitNode',
        invitationId: idFrom(wire.invitationId),
        secretHash: hashFrom(wire.secretHash),
        ...descriptionFrom(wire),
      }
    },
  },
  describeNode: {
    encode: (command) => DescribeNode.encode({ ...command, addrs: [...command.addrs] }),
    decode: (bytes) => {
      const wire = read(() => DescribeNode.decode(bytes, { limits: { addrs: NODE_ADDRS_MAX } }))
      return { type: 'describeNode', ...descriptionFrom(wire), ...lifeFrom(wire) }
    },
  },
  observeNode: {
    encode: (command) => SetNodeState.encode({ ...command, state: STATES[command.state] }),
    decode: (bytes) => {
      const wire = read(() => SetNodeState.decode(bytes))
      const state = stateFrom(wire.state)
      if (state === 'removed') throw bad('nobody observes that a node is removed')
      return { type: 'observeNode', state, ...lifeFrom(wire) }
    },
  },
  wishNode: {
    encode: (command) => SetNodeWish.encode({ ...command, wish: WISHES[command.wish] }),
    decode: (bytes) => {
      const wire = read(() => SetNodeWish.decode(bytes))
      return { type: 'wishNode', wish: wishFrom(wire.wish), ...lifeFrom(wire) }
    },
  },
  retireNode: {
    encode: (command) => RetireNode.encode(command),
    decode: (bytes) => ({
      type: 'retireNode',
      ...lifeFrom(read(() => RetireNode.decode(bytes))),
    }),
  },
  forgetNode: {
    encode: (command) => ForgetNode.encode(command),
    decode: (bytes) => ({
      type: 'forgetNode',
      ...lifeFrom(read(() => ForgetNode.decode(bytes))),
    }),
  },
  refoundCluster: {
    encode: (command) => RefoundCluster.encode({ ...command, lost: [...command.lost] }),
    decode: (bytes) => {
      const wire = read(() => RefoundCluster.decode(bytes, { limits: { lost: LOST_MAX } }))
      return {
        type: 'refoundCluster',
        clusterId: idFrom(wire.clusterId),
        formerId: idFrom(wire.formerId),
        lost: wire.lost.map(idFrom),
        ...lifeFrom(wire),
      }
    },
  },
  pruneInvitations: {
    encode: (command) => PruneInvitations.encode({ ids: [...command.ids] }),
    decode: (bytes) => {
      const wire = read(() => PruneInvitations.decode(bytes, { limits: { ids: PRUNE_IDS_MAX } }))
      return { type: 'pruneInvitations', ids: wire.ids.map(idFrom) }
    },
  },
  setClusterMode: {
    encode: (command) => SetClusterMode.encode(command),
    decode: (bytes) => {
      const { mode } = read(() => SetClusterMode.decode(bytes))
      return { type: 'setClusterMode', mode: nameFrom('mode', mode) }
    },
  },
}

export function encodeInvited({ expiresAtMs }: { expiresAtMs: number }): Uint8Array {
  return CreateInvitationResult.encode({ expiresAtMs })
}

export function decodeInvited(bytes: Uint8Array): { expiresAtMs: number } {
  return read(() => CreateInvitationResult.decode(bytes))
}

export function encodeAdmitted({ incarnation }: { incarnation: number }): Uint8Array {
  return AdmitNodeResult.encode({ incarnation })
}

export function decodeAdmitted(bytes: Uint8Array): { incarnation: number } {
  return read(() => AdmitNodeResult.decode(bytes))
}

/** The clusters that one goes on from; the oldest are forgotten. */
export function withFormer(formerIds: readonly string[], id: string): string[] {
  return [...formerIds, id].slice(-FORMER_MAX)
}

function descriptionFrom(wire: Description): Description {
  const { addrs } = wire
  if (addrs.some((addr) => !addr.startsWith('/') || addr.length > NODE_ADDR_CHARS_MAX)) {
    throw bad('an address that is no multiaddr')
  }
  return {
    peerId: idFrom(wire.peerId),
    name: nameFrom('name', wire.name),
    zone: nameFrom('zone', wire.zone),
    addrs,
  }
}

function lifeFrom({ peerId, incarnation }: NodeLife): NodeLife {
  if (!Number.isSafeInteger(incarnation) || incarnation < 1) throw bad('a join without number')
  return { peerId: idFrom(peerId), incarnation }
}

function idFrom(text: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length > ID_CHARS_MAX) throw bad('an id')
  return text
}

function nameFrom(what: string, text: string): string {
  if (!/^[A-Za-z0-9._-]*$/.test(text) || text.length > NAME_CHARS_MAX) throw bad(`a ${what}`)
  return text
}

function hashFrom(hash: Uint8Array): Uint8Array {
  if (hash.byteLength !== HASH_BYTES) throw bad('a hash of another length')
  return new Uint8Array(hash)
}

function stateFrom(state: number): NodeState {
  const found = Object.entries(STATES).find(([, value]) => value === state)
  if (found === undefined) throw bad(`a state ${state}`)
  return found[0] as NodeState
}

function wishFrom(wish: number): RoleWish {
  const found = Object.entries(WISHES).find(([, value]) => value === wish)
  if (found === undefined) throw bad(`a wish ${wish}`)
  return found[0] as RoleWish
}

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

function read<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new DpsError('INVALID_ARGUMENT', 'a cluster command that cannot be decoded', { cause })
  }
}

/** What this replica wrote itself. */
function record<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new DpsError('DATA_LOSS', `the record of ${what} is damaged`, { cause })
  }
}

function bad(message: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `cluster command: ${message}`)
}
