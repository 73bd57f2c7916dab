/** Logs, commits, configurations. */
import { type Bug, patch } from './bug.js'

const DIVERGENCE = [
  'asserts',
  'state-machine-safety',
  'leader-completeness',
  'log-matching',
  'apply-order',
  'monotonicity',
  'read-index',
  'linearizability',
  'exactly-once',
  'liveness',
  'durable-majority',
  'durable-promise',
] as const

function others(by: Bug['by']): Bug['also'] {
  return DIVERGENCE.filter((check) => check !== by)
}

export const REPLICATION_BUGS: readonly Bug[] = [
  {
    name: 'commits an earlier term by counting',
    story: 'Figure 8 of the Raft paper: a majority holds it, and it is still replaced.',
    patches: patch(
      'raft/core/replication.ts',
      'if (agreed <= before || !log.matches(agreed, state.term)) return',
      'if (agreed <= before) return',
    ),
    by: 'leader-completeness',
    also: others('leader-completeness'),
    seeds: 5,
    scenario: 'figure 8',
  },
  {
    name: 'acknowledges before the disk',
    story: 'Answers leave before the batch is durable.',
    patches: patch(
      'raft/runner-rounds.ts',
      `    if (ready.mustSync) await this.#save(ready)`,
      `    this.#send(ready.promises.splice(0))
    if (ready.mustSync) await this.#save(ready)`,
    ),
    by: 'durable-promise',
    also: others('durable-promise')?.concat('one-vote', 'election-safety'),
    seeds: 30,
  },
  {
    name: 'writes without sync',
    story: 'The batch is in the kernel’s memory only.',
    patches: patch(
      'raft/runner-rounds.ts',
      `      entries,
      healed,
      sync: true,`,
      `      entries,
      healed,
      sync: false,`,
    ),
    by: 'durable-promise',
    also: others('durable-promise')?.concat('one-vote', 'election-safety'),
    seeds: 200,
  },
  {
    name: 'the leader counts what its disk has not got',
    story: 'Its own log counts as soon as it is in memory.',
    patches: patch(
      'raft/core/replication.ts',
      'const agreed = tracker.agreedMatch()',
      `tracker.progress.get(state.id)!.match = log.last
  const agreed = tracker.agreedMatch()`,
    ),
    by: 'durable-majority',
    also: others('durable-majority'),
    seeds: 200,
  },
  {
    name: 'applies past the commit index',
    story: 'Whatever is in the log is applied.',
    patches: [
      ...patch(
        'raft/core/log.ts',
        'return this.#take(bytesMax, this.#committed)',
        'return this.#take(bytesMax, this.last)',
      ),
      ...patch(
        'raft/core/log.ts',
        'return !this.#installing && this.#applying < this.#committed',
        'return !this.#installing && this.#applying < this.last',
      ),
    ],
    by: 'asserts',
    also: others('asserts'),
    seeds: 200,
  },
  {
    name: 'heartbeats carry the whole commit index',
    story: 'A follower commits what its log holds there, whatever that is.',
    patches: patch(
      'raft/core/replication.ts',
      'const commit = Math.min(progress.match, log.committed)',
      'const commit = log.committed',
    ),
    by: 'asserts',
    also: others('asserts'),
    seeds: 200,
  },
  {
    name: 'appends fit anywhere',
    story: 'The term before an append is not compared.',
    patches: patch(
      'raft/core/log.ts',
      'if (!this.matches(prevIndex, prevTerm)) return undefined',
      'if (this.term(prevIndex) === undefined) return undefined',
    ),
    by: 'log-matching',
    also: others('log-matching'),
    seeds: 3,
    scenario: 'a tail of two terms ago',
  },
  {
    name: 'a late append cuts off newer entries',
    story: 'Every append replaces the tail, also a short one that was overtaken.',
    patches: patch(
      'raft/core/log.ts',
      'return prevIndex + entries.length\n',
      `const end = prevIndex + entries.length
    if (end < this.last && end >= this.#committed) this.#truncate(end + 1)
    return end
`,
    ),
    by: 'asserts',
    also: others('asserts'),
    seeds: 200,
  },
  {
    name: 'learners count',
    story: 'A majority of all members instead of the voters.',
    patches: patch(
      'raft/core/tracker.ts',
      `const values = this.configuration.voters.map((id) => {`,
      `const values = [...this.configuration.voters, ...this.configuration.learners].map((id) => {`,
    ),
    by: 'durable-majority',
    also: others('durable-majority'),
    seeds: 200,
  },
  {
    name: 'counts with the old majority',
    story: 'A change of members takes effect, but the leader goes on counting as before.',
    patches: [
      {
        file: 'raft/core/tracker.ts',
        find: `  get quorum(): number {
    return Math.floor(this.configuration.voters.length / 2) + 1`,
        replace: `  #quorum = 0
  get quorum(): number {
    if (this.progress.size === 0 || this.#quorum === 0) {
      this.#quorum = Math.floor(this.configuration.voters.length / 2) + 1
    }
    return Math.min(this.#quorum, this.configuration.voters.length)`,
      },
    ],
    by: 'durable-majority',
    also: others('durable-majority')?.concat('election-safety'),
    seeds: 300,
  },
  {
    name: 'two changes at once',
    story:
      'A second change of members is taken while the first is not in effect: majorities need not overlap.',
    patches: patch(
      'raft/core/leader.ts',
      'if (!settled || leadership.pendingConfiguration > state.log.applied) {',
      'if (!settled) {',
    ),
    by: 'asserts',
    also: others('asserts')?.concat('election-safety', 'configuration'),
    seeds: 2,
    scenario: 'one change at a time',
  },
  {
    name: 'a change counts before it is applied',
    story: 'The leader counts with a configuration that is only proposed.',
    patches: patch(
      'raft/core/leader.ts',
      'leadership.pendingConfiguration = index\n',
      `leadership.pendingConfiguration = index
  state.tracker.change(change, true, index)
`,
    ),
    by: 'configuration',
    also: others('configuration')?.concat('election-safety'),
    seeds: 200,
  },
  {
    name: 'a removed leader stays',
    story: 'It leads a cluster that it is no member of.',
    patches: patch(
      'raft/core/leader.ts',
      'if (!state.tracker.isVoter(state.id)) {',
      'if (!state.tracker.isVoter(state.id) && state.term < 0) {',
    ),
    by: 'liveness',
    also: others('liveness')?.concat('calm'),
    seeds: 3,
    scenario: 'a leader removes itself',
  },
  {
    name: 'no entry of its own at term start',
    story: 'What earlier terms left behind waits for somebody to write, and so do reads.',
    patches: patch(
      'raft/core/leader.ts',
      "append(state, [{ kind: 'noop', index: log.last + 1, term: state.term }])",
      '',
    ),
    by: 'liveness',
    seeds: 3,
    scenario: 'a new leader without writes',
  },
  {
    name: 'a snapshot over a newer log',
    story: 'A late snapshot takes back what was committed since.',
    patches: patch(
      'raft/core/follower.ts',
      'if (snapshot.index > log.committed) {',
      'if (snapshot.index > 0) {',
    ),
    by: 'asserts',
    also: others('asserts'),
    seeds: 3,
    scenario: 'a late snapshot',
  },
  {
    name: 'a snapshot keeps a conflicting tail',
    story: 'Entries behind it stay although they are of another history (hashicorp/raft#704).',
    patches: patch(
      'raft/core/follower.ts',
      'if (log.matches(snapshot.index, snapshot.term)) {',
      'if (log.last >= snapshot.index) {',
    ),
    by: 'state-machine-safety',
    also: others('state-machine-safety'),
    seeds: 3,
    scenario: 'a snapshot and a conflicting tail',
  },
  {
    name: 'a full window never opens',
    story: 'Acknowledgements do not free what is in flight.',
    patches: patch('raft/core/leader.ts', '} else progress.inflights.free(index)', '}'),
    by: 'liveness',
    also: ['calm'],
    seeds: 200,
  },
  {
    name: 'room for proposals is never given back',
    story: 'Committed entries go on counting as uncommitted, until nothing is taken any more.',
    patches: patch('raft/core/replication.ts', 'leadership.uncommittedBytes -= bytes\n', ''),
    by: 'liveness',
    also: ['memory'],
    seeds: 2,
    scenario: 'a log under load',
  },
  {
    name: 'proposals without bound',
    story: 'A leader without a majority takes everything into memory.',
    patches: patch(
      'raft/core/leader.ts',
      'if (uncommittedBytes > 0 && uncommittedBytes + bytes > uncommittedBytesMax) {',
      'if (uncommittedBytes > 0 && bytes > uncommittedBytesMax) {',
    ),
    by: 'memory',
    seeds: 5,
    scenario: 'writes without a majority',
  },
  {
    name: 'healed by its own word',
    story: 'A damaged log votes again before it holds what it had acknowledged.',
    patches: patch(
      'raft/core/follower.ts',
      'return target !== undefined && state.log.committed >= target',
      'return target !== undefined || state.leader !== undefined',
    ),
    by: 'asserts',
    also: others('asserts'),
    seeds: 200,
  },
  {
    name: 'a healing log asks without pause',
    story:
      'Each question brings heartbeats, which bring questions. (This one was real: the simulator found it.)',
    patches: [
      ...patch(
        'raft/core/follower.ts',
        'if (healing !== undefined && !healing.asked) {',
        'if (healing !== undefined) {',
      ),
      ...patch('raft/core/leader.ts', 'if (heal && reads.has(context)) return true\n', ''),
    ],
    by: 'memory',
    seeds: 2,
    scenario: 'healing without a majority',
  },
  {
    name: 'a transfer that never ends',
    story: 'The target is gone, and proposals wait for it for ever.',
    patches: patch(
      'raft/core/leader.ts',
      '    leadership.transferee = undefined\n  }\n  if (state.heartbeatElapsed',
      '  }\n  if (state.heartbeatElapsed',
    ),
    by: 'liveness',
    seeds: 3,
    scenario: 'a transfer to nobody',
  },
]
