/** Reads, sessions, states, snapshots, the order around the disk. */
import { type Bug, patch } from './bug.js'

const STALE: Bug['also'] = ['linearizability', 'exactly-once']
const LOST: Bug['also'] = [
  'asserts',
  'state-machine-safety',
  'apply-order',
  'linearizability',
  'exactly-once',
  'read-index',
  'liveness',
  'monotonicity',
]

function without(by: Bug['by']): Bug['also'] {
  return LOST?.filter((check) => check !== by)
}

export const SERVICE_BUGS: readonly Bug[] = [
  {
    name: 'reads without a majority',
    story: 'A leader answers reads by itself: one that was deposed does not know it.',
    patches: patch(
      'raft/core/tracker.ts',
      'return this.#agreed((progress) => progress.confirmedRound)',
      'return Number.MAX_SAFE_INTEGER',
    ),
    by: 'read-index',
    also: STALE,
    seeds: 5,
    scenario: 'a leader that was stopped',
  },
  {
    name: 'reads before its own term commits',
    story: 'A new leader answers from a commit index that its predecessor had left behind.',
    patches: patch(
      'raft/core/replication.ts',
      'if (!leadership?.reads.hasWaiting || !hasCommittedInTerm(state)) return',
      'if (!leadership?.reads.hasWaiting) return',
    ),
    by: 'read-index',
    also: STALE,
    seeds: 200,
  },
  {
    name: 'reads do not wait for the state',
    story: 'A confirmed read is served before the index that it needs is applied.',
    patches: patch(
      'raft/runner-reads.ts',
      'if (confirmed.index > applied) pending.push(confirmed)',
      'if (confirmed.index > applied + 1e9) pending.push(confirmed)',
    ),
    by: 'read-index',
    also: STALE,
    seeds: 200,
  },
  {
    name: 'a round confirms reads that came after it',
    story:
      'A read joins the round that is under way: its heartbeats left before the read was asked.',
    patches: patch(
      'raft/core/reads.ts',
      '      if (read.round === 0 || read.round > round) break\n',
      '      if (round === 0 || read.round > round) break\n',
    ),
    by: 'read-index',
    also: [...STALE!, 'liveness'],
    seeds: 300,
  },
  {
    name: 'retries without a session',
    story: 'Every attempt of a command has a number of its own: it applies as often as it is sent.',
    patches: patch(
      'metadata/authority.ts',
      '        deadline.lastError = error\n      }\n      await deadline.race(this.#pause(attempt))\n    }\n  }\n\n  async #attempt(',
      `        deadline.lastError = error
      }
      await deadline.race(this.#pause(attempt))
      proposal = encodeProposal({ ...decodeProposal(proposal), session: 0, seq: 0, lowest: 0 })
    }
  }

  async #attempt(`,
    ),
    by: 'exactly-once',
    also: ['linearizability'],
    seeds: 200,
  },
  {
    name: 'repeated commands apply again',
    story: 'The state does not look whether it has answered already.',
    patches: [
      ...patch(
        'metadata/commands/session-rules.ts',
        'return seq <= highest ? view.get(outcomeKey(session, seq)) : undefined',
        'return undefined',
      ),
      ...patch('metadata/commands/session-rules.ts', 'view.putNew(', 'view.put('),
    ],
    by: 'exactly-once',
    also: ['linearizability'],
    seeds: 200,
  },
  {
    name: 'two commands share a number',
    story:
      'The second of two commands that run at once is taken for the first one, and answered like it.',
    patches: patch(
      'metadata/client-session.ts',
      'const seq = this.#next++',
      'const seq = this.#open.size > 0 ? this.#next - 1 : this.#next++',
    ),
    by: 'linearizability',
    also: ['exactly-once'],
    seeds: 200,
  },
  {
    name: 'applies the last of a batch again',
    story: 'The queue of what is committed forgets how far it was.',
    patches: patch(
      'raft/runner-applier.ts',
      'this.#queue = queue.slice(count)',
      'this.#queue = queue.slice(Math.max(1, count - 1))',
    ),
    by: 'apply-order',
    also: without('apply-order'),
    seeds: 30,
  },
  {
    name: 'sessions are lost in snapshots',
    story: 'A replica that was built from a snapshot applies what others only answer.',
    patches: patch(
      'metadata/snapshot.ts',
      'if (compareKeys(key, MARK_KEY) !== 0) yield',
      'if (compareKeys(key, MARK_KEY) !== 0 && key[0] !== 0x73 && key[0] !== 0x72) yield',
    ),
    by: 'state-machine-safety',
    also: without('state-machine-safety'),
    seeds: 200,
  },
  {
    name: 'a state that depends on its machine',
    story: 'Applying looks at something that only this replica has: the states part.',
    patches: patch(
      'metadata/machine.ts',
      'const timeMs = Math.max(mark.timeMs, leadersMs)',
      'const timeMs = Math.max(mark.timeMs, leadersMs) + (this.#durable.index % 3)',
    ),
    by: 'state-machine-safety',
    also: without('state-machine-safety'),
    seeds: 30,
  },
  {
    name: 'the applied index is ahead of the state',
    story: 'The mark of a batch covers entries whose writes are not in it (etcd#13766).',
    patches: patch(
      'metadata/machine.ts',
      `batch.push({ key: MARK_KEY, value: sealValue(MARK_KEY, encodeMark(mark)) })
    return batch`,
      `batch.pop()
    batch.push({ key: MARK_KEY, value: sealValue(MARK_KEY, encodeMark(mark)) })
    return batch`,
    ),
    by: 'state-machine-safety',
    also: without('state-machine-safety'),
    seeds: 200,
  },
  {
    name: 'what came during a flush is forgotten',
    story: 'The end of a flush clears also what was applied meanwhile.',
    patches: patch('metadata/machine.ts', 'this.#overlay.written()', 'this.#overlay.clear()'),
    by: 'state-machine-safety',
    also: without('state-machine-safety'),
    seeds: 200,
  },
  {
    name: 'the log forgets what is not durable',
    story: 'Compaction looks at what is applied instead of what the state’s disk has.',
    patches: patch(
      'raft/runner-compactor.ts',
      'if (machine.durableIndex < meta.index) return undefined',
      '',
    ),
    by: 'asserts',
    also: without('asserts'),
    seeds: 200,
  },
  {
    name: 'the log never shrinks',
    story: 'Nothing is ever compacted.',
    patches: patch(
      'raft/runner-compactor.ts',
      'return gains ? { meta, through } : undefined',
      'return undefined',
    ),
    by: 'memory',
    seeds: 2,
    scenario: 'a log under load',
  },
  {
    name: 'adopts before the log knows',
    story:
      'The received state takes over before its generation is recorded: a crash between leaves neither.',
    patches: patch(
      'raft/runner-rounds.ts',
      `    this.#savingMs = startMs
    await log.save({`,
      `    this.#savingMs = startMs
    const generation = snapshot && receiver.generation(snapshot)
    if (snapshot !== undefined) await receiver.adopt()
    if (snapshot !== undefined) receiver.generation = () => generation!
    await log.save({`,
    ),
    by: 'asserts',
    also: without('asserts'),
    seeds: 600,
  },
  {
    name: 'a proposal is answered by another one',
    story: 'Whoever waits for an index gets what another leader put there.',
    patches: [
      ...patch(
        'raft/runner-proposals.ts',
        'if (waiting.term === term) waiting.resolve(results[at])',
        'if (waiting.term <= term) waiting.resolve(results[at])',
      ),
      ...patch(
        'raft/runner.ts',
        "this.#proposals.abandonAbove(raft.committed, () => outcomeUnknown('leadership was lost'))",
        '',
      ),
    ],
    by: 'asserts',
    also: without('asserts'),
    seeds: 600,
  },
  {
    name: 'goes on after a failed write',
    story: 'The disk said no, and the replica acknowledges all the same.',
    patches: patch(
      'raft/runner-rounds.ts',
      `    if (ready.mustSync) await this.#save(ready)`,
      `    if (ready.mustSync) await this.#save(ready).catch(() => {})`,
    ),
    by: 'durable-promise',
    also: without('asserts')?.concat(
      'asserts',
      'durable-majority',
      'leader-completeness',
      'log-matching',
      'one-vote',
      'election-safety',
    ),
    seeds: 200,
  },
  {
    name: 'an older hard state wins',
    story: 'The commit index that waits for a batch takes its old term and vote along.',
    patches: patch(
      'raft/runner-rounds.ts',
      'async #save({ hardState = this.#lazy, entries, snapshot, healed }: Ready): Promise<void> {',
      `async #save({ hardState: newest, entries, snapshot, healed }: Ready): Promise<void> {
    const hardState = this.#lazy ?? newest`,
    ),
    by: 'durable-promise',
    also: without('asserts')?.concat(
      'asserts',
      'one-vote',
      'election-safety',
      'leader-completeness',
      'durable-majority',
    ),
    seeds: 200,
  },
  {
    name: 'a broken transfer is never resumed',
    story: 'The leader is not told that a snapshot broke off, and waits for its answer for ever.',
    patches: patch(
      'raft/runner-snapshots.ts',
      "      this.#init.report(to, outcome)\n      return\n    }\n    if (outcome === 'finished') {",
      "      return\n    }\n    if (outcome === 'finished') {",
    ),
    by: 'liveness',
    seeds: 300,
  },
  {
    name: 'the snapshot of another index',
    story: 'The message names the state that was asked for, the bytes are of a newer one.',
    patches: patch(
      'raft/runner-snapshots.ts',
      '{ ...message, snapshot: meta }',
      '{ ...message, snapshot: { ...meta, index: message.snapshot.index, term: message.snapshot.term } }',
    ),
    by: 'liveness',
    also: without('liveness'),
    seeds: 200,
  },
]
