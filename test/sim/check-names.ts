/** What is checked; each can be switched off to see what it alone finds. */
export const CHECKS = [
  /** At most one leader in a term. */
  'election-safety',
  /** A node votes for one candidate in a term, over all its lives. */
  'one-vote',
  /** Equal index and term: equal entries, and equal everything before. */
  'log-matching',
  /** A leader holds all that was committed before it. */
  'leader-completeness',
  /** No two nodes commit or apply different entries at one index, or come to different states there. */
  'state-machine-safety',
  /** Terms, votes, commit and applied indexes never go back. */
  'monotonicity',
  /** What a message promises is on its sender's disk. */
  'durable-promise',
  /** What a leader commits, and what a client is told, is on a majority's disks. */
  'durable-majority',
  /** Only what is committed is applied, in order, without gaps. */
  'apply-order',
  /** A configuration takes effect at one index, the same everywhere. */
  'configuration',
  /** A read sees everything that was committed before it was asked. */
  'read-index',
  /** What clients saw has an order in which it makes sense. */
  'linearizability',
  /** A retried command takes effect once. */
  'exactly-once',
  /** Logs, windows and queues keep to their bounds. */
  'memory',
  /** When faults have stopped, everybody catches up and clients are served, soon. */
  'liveness',
  /** A healthy cluster keeps its leader. */
  'calm',
  /** The code's own asserts hold, and nothing fails that has no reason to. */
  'asserts',
] as const

export type CheckName = (typeof CHECKS)[number]
