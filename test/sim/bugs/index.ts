/** All deliberate bugs. Each is found by one check; see `bugs.test.ts`, which holds them to it. */
import { ELECTION_BUGS } from './elections.js'
import { REPLICATION_BUGS } from './replication.js'
import { SERVICE_BUGS } from './service.js'

export type { Bug } from './bug.js'
export const BUGS = [...ELECTION_BUGS, ...REPLICATION_BUGS, ...SERVICE_BUGS]
