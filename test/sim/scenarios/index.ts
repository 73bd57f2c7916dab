/** All directed runs. */
import type { Scenario } from '../scenario.js'
import { ELECTION_SCENARIOS } from './elections.js'
import { LOG_SCENARIOS } from './logs.js'
import { MEMBER_SCENARIOS } from './members.js'

export const SCENARIOS: readonly Scenario[] = [
  ...ELECTION_SCENARIOS,
  ...LOG_SCENARIOS,
  ...MEMBER_SCENARIOS,
]
