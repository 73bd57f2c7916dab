/**
 * Who should vote: what the leader's worker does next, decided from what it knows. Pure.
 *
 * Membership is wanted in the replicated state (node records) and real in Raft's configuration;
 * each step here brings the second closer to the first, one change at a time. A step that would
 * leave the new configuration without a reachable majority is never taken.
 */
import { type Configuration, type NodeId, nodeIdOf } from '../raft/index.js'
import type { NodeRecord } from './cluster-types.js'

export type MembershipStep =
  | { kind: 'addLearner' | 'promote' | 'demote' | 'remove'; id: NodeId }
  /** Leadership must go elsewhere before its holder can be demoted or removed. */
  | { kind: 'transfer'; target: NodeId }

/** What the leader knows of a member besides its record. */
export interface MemberFacts {
  /** Answered lately. */
  online: boolean
  /** Holds nearly all that is committed, so that as a voter it delays nobody. */
  caughtUp: boolean
}

export interface PlanInput {
  self: NodeId
  configuration: Configuration
  /** All records, `removed` ones too. */
  records: readonly NodeRecord[]
  /** By Raft id, for members of the configuration. */
  facts: ReadonlyMap<NodeId, MemberFacts>
  /** The clock by which `stateSinceMs` was set. */
  nowMs: number
  /** A voter that is offline for so long gives its place to another. */
  replaceAfterMs: number
}

/** Voters by members: two survive no failure, but neither would one of two. */
export function votersWanted(members: number): number {
  if (members <= 2) return members
  return members <= 4 ? 3 : 5
}

/** Whether a majority of `voters` is among `online`. */
export function hasMajority(voters: readonly NodeId[], online: ReadonlySet<NodeId>): boolean {
  return 2 * voters.filter((id) => online.has(id)).length > voters.length
}

interface Candidate {
  id: NodeId
  zone: string
  isVoter: boolean
  isPinned: boolean
  joinedAtMs: number
}

/** The next step, or undefined when all is as it should be, or can't be improved now. */
export function nextStep(input: PlanInput): MembershipStep | undefined {
  const { configuration, records, self } = input
  const { voters } = configuration
  const members = [...voters, ...configuration.learners]
  const staying = new Map<NodeId, NodeRecord>()
  for (const record of records) {
    if (record.state === 'removed' || record.leaving) continue
    staying.set(nodeIdOf(record.peerId, record.incarnation), record)
  }
  const online = new Set(members.filter((id) => id === self || input.facts.get(id)?.online))
  const wanted = votersOf(input, staying)
  const dead = (id: NodeId) => !online.has(id)

  const steps: MembershipStep[] = []
  for (const id of staying.keys()) {
    if (!members.includes(id)) steps.push({ kind: 'addLearner', id })
  }
  // Those that can't answer go first: they only raise the majority that is needed.
  for (const id of members) {
    if (!staying.has(id) && dead(id)) steps.push({ kind: 'remove', id })
  }
  for (const id of voters) {
    if (staying.has(id) && !wanted.has(id) && dead(id)) steps.push({ kind: 'demote', id })
  }
  for (const id of wanted) if (!voters.includes(id)) steps.push({ kind: 'promote', id })
  for (const id of members) if (!staying.has(id) && !dead(id)) steps.push({ kind: 'remove', id })
  for (const id of voters) {
    if (staying.has(id) && !wanted.has(id) && !dead(id)) steps.push({ kind: 'demote', id })
  }
  for (const step of steps) {
    const possible = possibleStep(step, input, { online, wanted })
    if (possible !== undefined) return possible
  }
  return undefined
}

/** The voters that the cluster should have, as far as they can vote now. */
function votersOf(input: PlanInput, staying: ReadonlyMap<NodeId, NodeRecord>): Set<NodeId> {
  const { configuration, facts, nowMs, replaceAfterMs, self } = input
  const alive: Candidate[] = []
  const gone: Candidate[] = []
  for (const [id, record] of staying) {
    const isVoter = configuration.voters.includes(id)
    if (record.wish === 'learner') continue
    const { zone, joinedAtMs } = record
    const isPinned = record.wish === 'voter'
    const candidate: Candidate = { id, zone, joinedAtMs, isVoter, isPinned }
    const { online = false, caughtUp = false } = facts.get(id) ?? {}
    if (isVoter) {
      const { state, stateSinceMs } = record
      const silent = id !== self && state === 'offline' && nowMs - stateSinceMs >= replaceAfterMs
      ;(silent ? gone : alive).push(candidate)
    } else if (configuration.learners.includes(id) && online && caughtUp) {
      alive.push(candidate)
    }
  }
  const count = votersWanted(staying.size)
  const chosen: Candidate[] = alive.filter(({ isPinned }) => isPinned)
  const rest = alive.filter(({ isPinned }) => !isPinned)
  while (chosen.length < count && rest.length > 0) {
    rest.sort((a, b) => preference(a, b, chosen, self))
    chosen.push(rest.shift()!)
  }
  // Better a silent voter than fewer voters: it may come back, and nobody can replace it.
  for (const candidate of gone) if (chosen.length < count) chosen.push(candidate)
  return new Set(chosen.map(({ id }) => id))
}

/** Another zone first; then whoever votes already, so that nothing moves without a reason. */
function preference(a: Candidate, b: Candidate, chosen: readonly Candidate[], self: NodeId) {
  const crowd = ({ zone }: Candidate) => chosen.filter((other) => other.zone === zone).length
  return (
    crowd(a) - crowd(b) ||
    Number(b.id === self) - Number(a.id === self) ||
    Number(b.isVoter) - Number(a.isVoter) ||
    a.joinedAtMs - b.joinedAtMs ||
    (a.id < b.id ? -1 : 1)
  )
}

interface Outlook {
  online: ReadonlySet<NodeId>
  wanted: ReadonlySet<NodeId>
}

/** The step, what must come before it, or undefined when it has to wait. */
function possibleStep(
  step: MembershipStep,
  { configuration, self }: PlanInput,
  { online, wanted }: Outlook,
): MembershipStep | undefined {
  if (step.kind === 'transfer' || step.kind === 'addLearner') return step
  const { voters, learners } = configuration
  const { kind, id } = step
  const after = kind === 'promote' ? [...voters, id] : voters.filter((voter) => voter !== id)
  if (kind === 'remove' && !voters.includes(id)) return learners.includes(id) ? step : undefined
  if (after.length === 0 || !hasMajority(after, online)) return undefined
  if (kind === 'promote' || id !== self) return step
  const heirs = after.filter((voter) => online.has(voter))
  const target = heirs.find((voter) => wanted.has(voter)) ?? heirs[0]
  return target === undefined ? undefined : { kind: 'transfer', target }
}
