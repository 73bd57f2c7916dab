/**
 * Who takes part: voters decide, learners only follow. Changes come one at a time, so that
 * majorities of neighbouring configurations always overlap (dissertation, section 4.1).
 */
import { DpsError } from '../../base/index.js'

/** Peer id plus join incarnation: a node that was wiped comes back under another one. */
export type NodeId = string

export interface Configuration {
  /** Sorted, without duplicates. */
  readonly voters: readonly NodeId[]
  /** Sorted, without duplicates, none of them a voter. */
  readonly learners: readonly NodeId[]
}

export interface ConfigurationChange {
  /** `addVoter` promotes a learner; `addLearner` demotes a voter. */
  kind: 'addVoter' | 'addLearner' | 'remove'
  id: NodeId
  /** For the state machine: name, addresses. Opaque here. */
  context: Uint8Array
}

/** By code units: the same order on every machine. */
function sorted(ids: Iterable<NodeId>): NodeId[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A configuration in canonical order; INVALID_ARGUMENT if it can't decide or contradicts itself. */
export function configurationOf(
  voters: Iterable<NodeId>,
  learners: Iterable<NodeId> = [],
): Configuration {
  const configuration = { voters: sorted(voters), learners: sorted(learners) }
  if (configuration.voters.length === 0) {
    throw new DpsError('INVALID_ARGUMENT', 'a configuration needs a voter')
  }
  const both = configuration.learners.find((id) => configuration.voters.includes(id))
  if (both !== undefined) {
    throw new DpsError('INVALID_ARGUMENT', `${both} is voter and learner at once`)
  }
  return configuration
}

export function isMember(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.learners.includes(id)
}

/**
 * The configuration after a change. Pure: every node computes the same.
 *
 * @returns the same object when nothing changes
 * @throws FAILED_PRECONDITION when the last voter would go
 */
export function changeConfiguration(
  configuration: Configuration,
  { kind, id }: ConfigurationChange,
): Configuration {
  const { voters, learners } = configuration
  if (kind === 'addVoter' && voters.includes(id)) return configuration
  if (kind === 'addLearner' && learners.includes(id)) return configuration
  if (kind === 'remove' && !isMember(configuration, id)) return configuration
  const others = voters.filter((voter) => voter !== id)
  if (kind !== 'addVoter' && others.length === 0) {
    throw new DpsError('FAILED_PRECONDITION', `${id} is the last voter`, {
      hint: 'promote another member first',
    })
  }
  const followers = learners.filter((learner) => learner !== id)
  if (kind === 'addVoter') return configurationOf([...others, id], followers)
  if (kind === 'addLearner') return configurationOf(others, [...followers, id])
  return configurationOf(others, followers)
}
