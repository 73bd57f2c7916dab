/** `/dps/cluster/1.0.0` and invitation tokens: `protos/dps/cluster/v1` ⇄ what the room works with. */
import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { DpsError } from '../base/index.js'
import type { NodeId } from '../raft/index.js'
import {
  JoinReply,
  JoinRequest,
  JoinToken,
  ProbeReply,
  ProbeRequest,
  StandingReply,
  StandingRequest,
} from '../wire/cluster/cluster.js'

export const SECRET_BYTES = 32
export const MEMBER_ADDRS_MAX = 16
export const MEMBER_ADDR_CHARS_MAX = 256
/** Far above any cluster, so that a peer can't fill the memory of who asks it. */
export const MEMBERS_MAX = 1024
const NAME_CHARS_MAX = 63
const ID_CHARS_MAX = 192
/** A token's addresses: more would only make it longer to copy. */
export const TOKEN_ADDRS_MAX = 8
/** So that a text can be recognised as a token, and a newer form told from this one. */
const TOKEN_PREFIX = 'dpsjoin1'
const TOKEN_CHARS_MAX = 8192
const CHECK_BYTES = 4

export interface Token {
  clusterId: string
  invitationId: string
  secret: Uint8Array
  /** Multiaddrs with peer ids. */
  addrs: readonly string[]
  expiresAtMs: number
}

export function encodeToken(token: Token): string {
  const { clusterId, invitationId, secret, addrs, expiresAtMs } = token
  const body = JoinToken.encode({
    clusterId,
    invitationId,
    secret: plain(secret),
    addrs: addrs.slice(0, TOKEN_ADDRS_MAX),
    expiresAtMs,
  })
  const bytes = Buffer.concat([body, checkOf(body)])
  return TOKEN_PREFIX + base58btc.encode(bytes).slice(1)
}

/** @throws INVALID_ARGUMENT for what is no token, or was not copied whole. Never repeats it. */
export function decodeToken(text: string): Token {
  const hint = 'copy the whole line that `dps-node cluster invite` printed'
  const trimmed = text.trim()
  if (!trimmed.startsWith(TOKEN_PREFIX) || trimmed.length > TOKEN_CHARS_MAX) {
    throw new DpsError('INVALID_ARGUMENT', 'this is no invitation token', { hint })
  }
  try {
    const bytes = base58btc.decode(`z${trimmed.slice(TOKEN_PREFIX.length)}`)
    const body = bytes.subarray(0, -CHECK_BYTES)
    if (!checkOf(body).equals(bytes.subarray(-CHECK_BYTES))) throw bad('its checksum is wrong')
    const wire = JoinToken.decode(body, { limits: { addrs: TOKEN_ADDRS_MAX } })
    return {
      clusterId: idFrom(wire.clusterId),
      invitationId: idFrom(wire.invitationId),
      secret: secretFrom(wire.secret),
      addrs: addrsFrom(wire.addrs),
      expiresAtMs: wire.expiresAtMs,
    }
  } catch {
    // Without the cause: what it quotes may hold the secret.
    throw new DpsError('INVALID_ARGUMENT', 'this invitation token is damaged or incomplete', {
      hint,
    })
  }
}

function checkOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, CHECK_BYTES)
}

export interface JoinAsk {
  clusterId: string
  invitationId: string
  secret: Uint8Array
  name: string
  zone: string
  /** Multiaddrs without the peer id. */
  addrs: readonly string[]
  /** Where the newcomer is a member until now. */
  fromClusterId: string
  /** It has other members there, or files that it doesn't bring along. */
  bound: boolean
}

export function encodeJoinRequest(ask: JoinAsk): Uint8Array {
  return JoinRequest.encode({ ...ask, secret: plain(ask.secret), addrs: someAddrs(ask.addrs) })
}

export function decodeJoinRequest(bytes: Uint8Array): JoinAsk {
  return read('join request', () => {
    const wire = JoinRequest.decode(bytes, { limits: { addrs: MEMBER_ADDRS_MAX } })
    return {
      clusterId: idFrom(wire.clusterId),
      invitationId: idFrom(wire.invitationId),
      secret: secretFrom(wire.secret),
      name: nameFrom(wire.name),
      zone: nameFrom(wire.zone),
      addrs: addrsFrom(wire.addrs),
      fromClusterId: idFrom(wire.fromClusterId),
      bound: wire.bound,
    }
  })
}

export interface MemberAddress {
  nodeId: NodeId
  /** Multiaddrs without the peer id. */
  addrs: readonly string[]
}

export interface Admission {
  clusterId: string
  nodeId: NodeId
  bootVoters: readonly NodeId[]
  members: readonly MemberAddress[]
  mode: string
}

export function encodeAdmission(admission: Admission): Uint8Array {
  const { bootVoters, members } = admission
  return JoinReply.encode({
    ...admission,
    bootVoters: [...bootVoters],
    members: addressesToWire(members),
  })
}

export function decodeAdmission(bytes: Uint8Array): Admission {
  return read('join reply', () => {
    const wire = JoinReply.decode(bytes, {
      limits: { bootVoters: MEMBERS_MAX, members: MEMBERS_MAX, members$: ADDRS_LIMIT },
    })
    if (wire.bootVoters.length === 0) throw bad('no boot configuration')
    return {
      clusterId: idFrom(wire.clusterId),
      nodeId: nodeIdFrom(wire.nodeId),
      bootVoters: wire.bootVoters.map(nodeIdFrom),
      members: wire.members.map(addressFrom),
      mode: nameFrom(wire.mode),
    }
  })
}

export interface Probe {
  clusterId: string
  nodeId: NodeId
  role: string
  leader: NodeId | undefined
  term: number
  lastIndex: number
  lastTerm: number
  commitIndex: number
  appliedIndex: number
  heard: readonly HeardOf[]
  failed: boolean
}

export interface HeardOf {
  nodeId: NodeId
  agoMs: number
  matchIndex: number
}

export function encodeProbeRequest(clusterId: string): Uint8Array {
  return ProbeRequest.encode({ clusterId })
}

export function decodeProbeRequest(bytes: Uint8Array): { clusterId: string } {
  return read('probe request', () => ({ clusterId: idFrom(ProbeRequest.decode(bytes).clusterId) }))
}

export function encodeProbe(probe: Probe): Uint8Array {
  return ProbeReply.encode({ ...probe, leader: probe.leader ?? '', heard: [...probe.heard] })
}

export function decodeProbe(bytes: Uint8Array): Probe {
  return read('probe reply', () => {
    const wire = ProbeReply.decode(bytes, { limits: { heard: MEMBERS_MAX } })
    return {
      ...wire,
      clusterId: idFrom(wire.clusterId),
      nodeId: nodeIdFrom(wire.nodeId),
      role: nameFrom(wire.role),
      leader: wire.leader === '' ? undefined : nodeIdFrom(wire.leader),
      heard: wire.heard.map((heard) => ({ ...heard, nodeId: nodeIdFrom(heard.nodeId) })),
    }
  })
}

export function encodeStandingRequest(clusterId: string, nodeId: NodeId): Uint8Array {
  return StandingRequest.encode({ clusterId, nodeId })
}

export function decodeStandingRequest(bytes: Uint8Array): { clusterId: string; nodeId: NodeId } {
  return read('standing request', () => {
    const { clusterId, nodeId } = StandingRequest.decode(bytes)
    return { clusterId: idFrom(clusterId), nodeId: nodeIdFrom(nodeId) }
  })
}

export interface Standing {
  member: boolean
  members: readonly MemberAddress[]
}

export function encodeStanding({ member, members }: Standing): Uint8Array {
  return StandingReply.encode({ member, members: addressesToWire(members) })
}

export function decodeStanding(bytes: Uint8Array): Standing {
  return read('standing reply', () => {
    const wire = StandingReply.decode(bytes, {
      limits: { members: MEMBERS_MAX, members$: ADDRS_LIMIT },
    })
    return { member: wire.member, members: wire.members.map(addressFrom) }
  })
}

const ADDRS_LIMIT = { addrs: MEMBER_ADDRS_MAX }

function addressesToWire(members: readonly MemberAddress[]) {
  return members
    .slice(0, MEMBERS_MAX)
    .map(({ nodeId, addrs }) => ({ nodeId, addrs: someAddrs(addrs) }))
}

function addressFrom({ nodeId, addrs }: { nodeId: string; addrs: string[] }): MemberAddress {
  return { nodeId: nodeIdFrom(nodeId), addrs: addrsFrom(addrs) }
}

function someAddrs(addrs: readonly string[]): string[] {
  return addrs.filter((addr) => addr.length <= MEMBER_ADDR_CHARS_MAX).slice(0, MEMBER_ADDRS_MAX)
}

function addrsFrom(addrs: readonly string[]): string[] {
  if (addrs.some((addr) => !addr.startsWith('/') || addr.length > MEMBER_ADDR_CHARS_MAX)) {
    throw bad('an address that is no multiaddr')
  }
  return [...addrs]
}

function idFrom(text: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length > ID_CHARS_MAX) throw bad('an id')
  return text
}

function nodeIdFrom(text: string): NodeId {
  if (!/^[A-Za-z0-9]+:[A-Za-z0-9]+$/.test(text) || text.length > ID_CHARS_MAX) {
    throw bad('a member without id')
  }
  return text
}

function nameFrom(text: string): string {
  if (!/^[A-Za-z0-9._-]*$/.test(text) || text.length > NAME_CHARS_MAX) throw bad('a name')
  return text
}

function secretFrom(secret: Uint8Array): Uint8Array {
  if (secret.byteLength !== SECRET_BYTES) throw bad('a secret of another length')
  return new Uint8Array(secret)
}

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

function read<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof DpsError) {
      throw new DpsError('INVALID_ARGUMENT', `${what}: ${cause.message}`)
    }
    throw new DpsError('INVALID_ARGUMENT', `${what}: it cannot be decoded`, { cause })
  }
}

function bad(message: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', message)
}
