import type { Metrics } from '../observability/index.js'

/** What a runner counts. Without a registry it counts into nothing. */
export interface RunnerMetrics {
  saved(ms: number): void
  applied(ms: number, entries: number): void
  leaderChanged(): void
}

/** From a fast SSD's write to a stalled disk's. */
const DISK_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

const NOTHING: RunnerMetrics = { saved: () => {}, applied: () => {}, leaderChanged: () => {} }

export function runnerMetrics(
  metrics: Pick<Metrics, 'histogram' | 'counter'> | undefined,
): RunnerMetrics {
  if (metrics === undefined) return NOTHING
  const save = metrics.histogram({
    name: 'dps_raft_save_seconds',
    help: 'Time until a batch of the log was on disk.',
    buckets: DISK_SECONDS,
  })
  const apply = metrics.histogram({
    name: 'dps_raft_apply_seconds',
    help: 'Time until a batch of committed entries was applied.',
    buckets: DISK_SECONDS,
  })
  const entries = metrics.counter({
    name: 'dps_raft_applied_entries_total',
    help: 'Entries that were applied.',
  })
  const leaders = metrics.counter({
    name: 'dps_raft_leader_changes_total',
    help: 'Times that this replica learned of another leader, or of none.',
  })
  return {
    saved: (ms) => save.observe(ms / 1000),
    applied: (ms, count) => {
      apply.observe(ms / 1000)
      entries.inc(count)
    },
    leaderChanged: () => leaders.inc(),
  }
}
