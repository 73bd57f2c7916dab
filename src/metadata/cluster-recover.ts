/**
 * Going on after a majority of the voters is lost for good: from what this node has on its disk.
 *
 * Whatever the log here holds is applied, also beyond what this node knows to be committed: the lost
 * ones may have acknowledged it. The cluster goes on under another id, so that members that come
 * back after all, even a majority of them, belong to something else and can't disturb it.
 */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type AbortOptions, type Clock, DpsError, type Timers } from '../base/index.js'
import type { Log } from '../observability/index.js'
import {
  type Configuration,
  configurationOf,
  type Entry,
  LevelLogStore,
  type NodeId,
  nodeIdOf,
  peerOf,
} from '../raft/index.js'
import type { ClusterAsk } from './cluster-calls.js'
import type { Probe } from './cluster-codec.js'
import { hasMajority } from './cluster-plan.js'
import { readCluster } from './cluster-records.js'
import type { Seat } from './cluster-seat.js'
import { encodeEntry, encodeProposal } from './codec.js'
import { type Command, encodeCommand } from './commands.js'
import { LevelStateStore } from './level-state-store.js'
import { MetadataMachine } from './machine.js'
import { type Membership, newClusterId } from './member-dir.js'

const PROBE_TIMEOUT_MS = 3_000

export interface Assessment {
  warnings: string[]
  /** Peer ids of all other members. */
  lost: string[]
}

/**
 * Whether recovering here is right: asks every known member.
 *
 * @throws FAILED_PRECONDITION while there is a leader, while a majority of the voters answers, or
 *   when another one that answers has a more complete log (it is named)
 */
export async function assessRecovery(
  { seat, ask, peerId }: { seat: Seat; ask: ClusterAsk | undefined; peerId: string },
  options: AbortOptions = {},
): Promise<Assessment> {
  const { membership, members } = seat
  const { clusterId, nodeId } = membership
  if (membership.removed) {
    throw new DpsError('FAILED_PRECONDITION', 'this node was removed from its cluster', {
      hint: 'go on alone with: dps-node cluster leave',
    })
  }
  const own = seat.status()
  if (own === undefined) {
    throw new DpsError('UNAVAILABLE', 'the replica of the metadata is not open')
  }
  const { voters, learners } = members.configuration
  const others = [...voters, ...learners].filter((id) => id !== nodeId)
  if (others.length === 0) {
    throw new DpsError('FAILED_PRECONDITION', 'this node is a cluster of one: nothing is lost')
  }
  const probes = new Map<NodeId, Probe>()
  await Promise.all(
    others.map(async (id) => {
      const probe = await ask
        ?.probe(peerOf(id), clusterId, { ...options, timeoutMs: PROBE_TIMEOUT_MS })
        .catch(() => undefined)
      if (probe?.nodeId === id) probes.set(id, probe)
    }),
  )
  options.signal?.throwIfAborted()
  const up = new Set([nodeId, ...probes.keys()])
  if (hasMajority(voters, up)) {
    throw new DpsError(
      'FAILED_PRECONDITION',
      `${voters.filter((id) => up.has(id)).length} of ${voters.length} voters answer: that is a majority`,
      { hint: 'they elect a leader by themselves; see: dps-node cluster status' },
    )
  }
  const mine = { term: own.lastTerm, index: own.lastIndex }
  for (const [id, probe] of probes) {
    const theirs = { term: probe.lastTerm, index: probe.lastIndex }
    const isAhead =
      theirs.term > mine.term || (theirs.term === mine.term && theirs.index > mine.index)
    if (!isAhead) continue
    const name = members.recordOf(id)?.name ?? ''
    const who = name === '' ? peerOf(id) : `${peerOf(id)} (${name})`
    throw new DpsError(
      'FAILED_PRECONDITION',
      `${who} has a more complete log: term ${theirs.term} index ${theirs.index}, here term ${mine.term} index ${mine.index}`,
      { hint: 'recover there, then let this node join it' },
    )
  }
  const lost = others.map(peerOf).filter((other) => other !== peerId)
  return { lost, warnings: warningsOf(own, { voters, up, lost }) }
}

function warningsOf(
  own: { committed: number; lastIndex: number; healing: boolean },
  { voters, up, lost }: { voters: readonly NodeId[]; up: ReadonlySet<NodeId>; lost: string[] },
): string[] {
  const answering = voters.filter((id) => up.has(id)).length
  const warnings = [
    `${answering} of ${voters.length} voters are reachable, this one included; changes that only the others hold are lost`,
    `no longer members: ${lost.join(', ')}; if they run, keep them from being used, then let them join by invitation`,
    'files whose only copies are on lost nodes stay listed and cannot be read until those are back',
  ]
  const unsure = own.lastIndex - own.committed
  if (unsure > 0) {
    warnings.push(`${unsure} changes that may never have been acknowledged will be applied`)
  }
  if (own.healing) {
    warnings.push('the log of this node was damaged: changes that it had acknowledged may be lost')
  }
  return warnings
}

export interface RecoverySource {
  /** The directory `raft/` of the closed replica, and an empty one beside it. */
  from: string
  to: string
  membership: Membership
  lost: readonly string[]
  peerId: string
}

export interface RecoveryParts {
  clock: Pick<Clock, 'now'>
  timers: Timers
  log: Log
}

/**
 * Makes the log and the state of a cluster of one that goes on from another.
 *
 * @returns the membership for them; `from` is not changed
 */
export async function buildRecovered(
  { from, to, membership, lost, peerId }: RecoverySource,
  parts: RecoveryParts,
  options: AbortOptions = {},
): Promise<Membership> {
  const { generation } = await readLog(from, membership.boot)
  const state = `state-${generation}`
  await cp(join(from, state), join(to, state), { recursive: true }).catch((error) => {
    // Nothing was ever applied durably: then the log has it all.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  const machine = await openWhole({ log: from, state: to, boot: membership.boot }, parts, options)
  try {
    const cluster = readCluster(machine)
    if (cluster === undefined) {
      throw new DpsError('DATA_LOSS', 'the state here does not say which cluster it is of', {
        hint: 'recover from another member, or go on alone: dps-node cluster leave',
      })
    }
    const incarnation = cluster.nextIncarnation
    const nodeId = nodeIdOf(peerId, incarnation)
    const clusterId = newClusterId()
    const { index, term, configuration } = machine.mark
    const command: Command = {
      type: 'refoundCluster',
      clusterId,
      formerId: cluster.clusterId,
      peerId,
      incarnation,
      lost,
    }
    await machine.apply(
      entriesTo(configuration, nodeId, { index, term, timeMs: parts.clock.now(), command }),
    )
    await durable(machine)
    const boot = configurationOf([nodeId])
    const { mark } = machine
    const log = new LevelLogStore({ log: parts.log }, { path: join(to, 'log') })
    try {
      await log.open(boot, options)
      const meta = { index: mark.index, term: mark.term, configuration: mark.configuration }
      await log.save({
        hardState: { term: mark.term, vote: undefined, commit: mark.index },
        snapshot: { meta, generation },
        entries: [],
        sync: true,
      })
    } finally {
      await log.close()
    }
    return {
      clusterId,
      nodeId,
      boot,
      mode: cluster.mode,
      members: [],
      removed: false,
      started: true,
    }
  } finally {
    await machine.close()
  }
}

/** What would have been agreed on: one voter instead of all others, then who goes on. */
function entriesTo(
  { voters, learners }: Configuration,
  nodeId: NodeId,
  {
    index,
    term,
    timeMs,
    command,
  }: { index: number; term: number; timeMs: number; command: Command },
): Entry[] {
  const context = new Uint8Array(0)
  const entries: Entry[] = [
    { kind: 'config', index: 0, term, change: { kind: 'addVoter', id: nodeId, context } },
    ...[...voters, ...learners].map(
      (id): Entry => ({ kind: 'config', index: 0, term, change: { kind: 'remove', id, context } }),
    ),
  ]
  const proposal = encodeProposal({ ...encodeCommand(command), session: 0, seq: 0, lowest: 0 })
  entries.push({ kind: 'command', index: 0, term, data: encodeEntry(timeMs, proposal) })
  return entries.map((entry, at) => ({ ...entry, index: index + 1 + at }))
}

/** A machine that has applied all that the log holds, committed or not. The caller closes it. */
export async function openWhole(
  { log, state, boot }: { log: string; state: string; boot: Configuration },
  { timers, log: logger }: Pick<RecoveryParts, 'timers' | 'log'>,
  options: AbortOptions = {},
): Promise<MetadataMachine> {
  const { entries, generation } = await readLog(log, boot)
  const store = new LevelStateStore(state)
  const machine = new MetadataMachine({ store, timers, log: logger }, { boot })
  await machine.open(generation, options)
  try {
    const rest = entries.filter(({ index }) => index > machine.appliedIndex)
    const [first] = rest
    // Behind a gap there is nothing that could be applied.
    if (first !== undefined && first.index === machine.appliedIndex + 1) {
      await machine.apply(rest)
      await durable(machine)
    }
    return machine
  } catch (error) {
    await machine.close()
    throw error
  }
}

async function readLog(path: string, boot: Configuration) {
  const store = new LevelLogStore({}, { path: join(path, 'log') })
  try {
    return await store.open(boot)
  } finally {
    await store.close()
  }
}

/** Resolves when the disk has what is applied. */
function durable(machine: MetadataMachine): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (machine.failure !== undefined) reject(machine.failure)
      else if (machine.durableIndex === machine.appliedIndex) resolve()
    }
    machine.onDurable(look)
    look()
  })
}
