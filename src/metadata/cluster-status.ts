/** What `cluster status` shows, put together from what this node and its leader know. */
import type { AbortOptions } from '../base/index.js'
import { type NodeId, nodeIdOf, peerOf } from '../raft/index.js'
import type { ClusterAsk } from './cluster-calls.js'
import type { Probe } from './cluster-codec.js'
import { hasMajority } from './cluster-plan.js'
import type { Seat } from './cluster-seat.js'
import type { ClusterMember, ClusterStatus, ClusterWarning, MemberRole } from './cluster-types.js'

/** A member that doesn't answer must not hold up the screen of the others. */
const PROBE_TIMEOUT_MS = 1_000
/** Elections take less. */
const LEADERLESS_MS = 5_000

export interface StatusInput {
  seat: Seat
  peerId: string
  /** Of the cluster, or what this node came with. */
  mode: string
  /** This node's own answer, as it gives it to others; undefined without a replica. */
  own: Probe | undefined
  /** Undefined where there is no network. */
  ask: ClusterAsk | undefined
}

export async function clusterStatus(
  { seat, peerId, mode, own, ask }: StatusInput,
  options: AbortOptions = {},
): Promise<ClusterStatus> {
  const { membership, members } = seat
  const { clusterId, nodeId, removed } = membership
  const probes = new Map<string, Probe>()
  if (own !== undefined) probes.set(peerId, own)
  if (ask !== undefined) {
    await Promise.all(
      members.others().map(async (other) => {
        const probe = await ask
          .probe(other, clusterId, { ...options, timeoutMs: PROBE_TIMEOUT_MS })
          .catch(() => undefined)
        if (probe !== undefined) probes.set(other, probe)
      }),
    )
    options.signal?.throwIfAborted()
  }
  const leaderId = leaderOf(own, probes)
  const led = leaderId === undefined ? undefined : probes.get(peerOf(leaderId))
  const shown = shownMembers(seat, probes, led)
  return {
    clusterId,
    mode,
    peerId,
    nodeId,
    role: removed ? 'removed' : roleOf(seat, nodeId),
    leader: leaderId === undefined ? undefined : peerOf(leaderId),
    term: own?.term ?? 0,
    commitIndex: Math.max(own?.commitIndex ?? 0, led?.commitIndex ?? 0),
    appliedIndex: own?.appliedIndex ?? 0,
    members: shown,
    warnings: [...warningsOf(seat), ...silentOnes(shown)],
  }
}

/** A deposed leader may not know it yet: the one of the highest term counts. */
function leaderOf(own: Probe | undefined, probes: ReadonlyMap<string, Probe>): NodeId | undefined {
  let best: Probe | undefined
  for (const probe of probes.values()) {
    if (probe.role === 'leader' && probe.term > (best?.term ?? 0)) best = probe
  }
  if (best !== undefined && best.term >= (own?.term ?? 0)) return best.nodeId
  return own?.leader
}

function shownMembers(
  seat: Seat,
  probes: ReadonlyMap<string, Probe>,
  led: Probe | undefined,
): ClusterMember[] {
  const { configuration, records } = seat.members
  const ids = [...configuration.voters, ...configuration.learners]
  const heard = new Map(led?.heard.map((each) => [each.nodeId, each]))
  const shown = ids.map((nodeId): ClusterMember => {
    const peerId = peerOf(nodeId)
    const record = seat.members.recordOf(nodeId)
    const probe = probes.get(peerId)
    const of = heard.get(nodeId)
    return {
      peerId,
      nodeId,
      name: record?.name ?? '',
      zone: record?.zone ?? '',
      addrs: seat.members.addressesOf(nodeId),
      role: roleOf(seat, nodeId),
      // Without a record it is on its way out, or the record has not come here yet.
      state: record === undefined ? 'joining' : record.leaving ? 'leaving' : record.state,
      wish: record?.wish ?? 'auto',
      appliedIndex: probe?.nodeId === nodeId ? probe.appliedIndex : of?.matchIndex,
      lastHeardMs: of?.agoMs,
    }
  })
  // Admitted, and not yet in the configuration.
  for (const record of records) {
    const nodeId = nodeIdOf(record.peerId, record.incarnation)
    if (record.state === 'removed' || ids.includes(nodeId)) continue
    const { peerId, name, zone, addrs, wish } = record
    const known = { peerId, nodeId, name, zone, addrs, wish }
    const state = record.leaving ? 'leaving' : 'joining'
    shown.push({
      ...known,
      role: 'learner',
      state,
      appliedIndex: undefined,
      lastHeardMs: undefined,
    })
  }
  return shown.sort((a, b) => (a.peerId < b.peerId ? -1 : 1))
}

export function roleOf(seat: Seat, nodeId: NodeId): MemberRole {
  return seat.members.configuration.voters.includes(nodeId) ? 'voter' : 'learner'
}

/** What is wrong as far as this node knows by itself; cheap. */
export function warningsOf(seat: Seat): ClusterWarning[] {
  const { membership, members } = seat
  if (membership.removed) {
    return [
      {
        message: `this node was removed from cluster ${membership.clusterId}`,
        hint: 'join again with an invitation, or go on alone: dps-node cluster leave',
        problem: true,
      },
    ]
  }
  const status = seat.status()
  const warnings: ClusterWarning[] = []
  if (status === undefined) return warnings
  if (status.state === 'failed') {
    const { message, hint } = status.failure ?? { message: 'it stopped', hint: undefined }
    warnings.push({
      message: `the replica of the metadata has stopped: ${message}`,
      hint: hint ?? 'restart the node',
      problem: true,
    })
  }
  if (status.healing) {
    warnings.push({
      message: 'the log of this node was damaged: it does not vote until it has caught up',
      hint: '',
      problem: true,
    })
  }
  const { voters } = members.configuration
  if (seat.leaderlessMs > LEADERLESS_MS) {
    warnings.push({
      message: 'no leader: the metadata can be read with --stale, and not be changed',
      hint: 'bring back a majority of the voters, or: dps-node cluster recover',
      problem: true,
    })
  }
  if (voters.length === 2) {
    warnings.push({
      message: '2 voters: if either fails, the other can change nothing',
      hint:
        members.configuration.learners.length > 0
          ? 'make a learner a voter: dps-node cluster promote PEER'
          : 'invite a third node: dps-node cluster invite',
      problem: false,
    })
  }
  if (membership.pendingImport !== undefined) {
    warnings.push({
      message: `files of this node are still being brought to ${membership.pendingImport.under}`,
      hint: '',
      problem: false,
    })
  }
  return warnings
}

function silentOnes(members: readonly ClusterMember[]): ClusterWarning[] {
  const voters = members.filter(({ role }) => role === 'voter')
  const up = new Set(voters.filter(({ state }) => state === 'online').map(({ nodeId }) => nodeId))
  const down = voters.filter(({ nodeId }) => !up.has(nodeId))
  if (down.length === 0 || voters.length === 1) return []
  const ids = voters.map(({ nodeId }) => nodeId)
  // One less would be no majority.
  const [first] = up
  const spare = new Set([...up].filter((nodeId) => nodeId !== first))
  if (hasMajority(ids, spare)) return []
  return [
    {
      message: `${down.length} of ${voters.length} voters are not online: no further failure is survived`,
      hint: 'bring them back, or remove them: dps-node cluster remove PEER',
      problem: false,
    },
  ]
}
