import { DpsError } from '../../base/index.js'
import type { NodeId } from './configuration.js'

/** Only the leader can do this; `leader` is where to go, if known. Nothing was appended. */
export class NotLeaderError extends DpsError {
  readonly leader: NodeId | undefined

  constructor(leader: NodeId | undefined) {
    super(
      'UNAVAILABLE',
      leader === undefined ? 'no leader is known' : `the leader is ${leader}`,
      leader === undefined
        ? { hint: 'an election is under way, or a majority is unreachable' }
        : {},
    )
    this.leader = leader
  }
}
