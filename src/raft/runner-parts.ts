/** What a started runner consists of, put together; nothing is decided here. */
import { DpsError } from '../base/index.js'
import type { NodeId } from './core/configuration.js'
import type { Raft, SnapshotOutcome } from './core/raft.js'
import { Compactor } from './runner-compactor.js'
import { SnapshotReceiver } from './runner-install.js'
import type { RunnerMetrics } from './runner-metrics.js'
import { ReadBarriers } from './runner-reads.js'
import { Rounds, type RoundsInit } from './runner-rounds.js'
import { SnapshotSender } from './runner-snapshots.js'
import { Ticker } from './runner-ticker.js'
import type { RunnerComponents, RunnerInit } from './runner-types.js'

const MIB = 2 ** 20
const KEEP_LOG_BYTES = 8 * MIB
const HOLD_LOG_BYTES_MAX = 64 * MIB
const APPLY_BACKLOG_BYTES_MAX = 64 * MIB
const READ_TIMEOUT_MS = 10_000
const SNAPSHOT_IDLE_MS = 60_000

export interface Parts {
  raft: Raft
  rounds: Rounds
  reads: ReadBarriers
  sender: SnapshotSender
  receiver: SnapshotReceiver
  ticker: Ticker
}

/** `RunnerComponents`, with what it counts in its place. */
export interface PartsComponents extends Omit<RunnerComponents, 'metrics'> {
  metrics: RunnerMetrics
}

export interface PartsInit extends Omit<RoundsInit, 'applyBacklogBytesMax'> {
  /** Unique across members and restarts. */
  nonce: string
  report: (id: NodeId, outcome: SnapshotOutcome) => void
  tick: () => void
}

export function partsOf(
  raft: Raft,
  components: PartsComponents,
  init: RunnerInit,
  { nonce, report, tick, ...handlers }: PartsInit,
): Parts {
  const { log, machine, transport, clock, timers, random, logger, metrics } = components
  const reads = new ReadBarriers({
    nonce,
    // Heartbeats repeat a leader's round, so only what was asked of one gets lost for good.
    retryTicks: 3 * init.heartbeatTicks,
    timeoutTicks: Math.ceil((init.readTimeoutMs ?? READ_TIMEOUT_MS) / init.tickMs),
    ask: (context) => askForRead(raft, context),
    appliedIndex: () => machine.appliedIndex,
    timedOut: () =>
      new DpsError('UNAVAILABLE', 'no majority confirmed the read in time', {
        hint: 'an election is under way, or a majority is unreachable',
      }),
  })
  const sender = new SnapshotSender(
    { machine, transport, timers, random, logger },
    { idleMs: init.snapshotIdleMs ?? SNAPSHOT_IDLE_MS, report },
  )
  const receiver = new SnapshotReceiver({ machine, raft }, () => rounds.wake())
  const compactor = new Compactor(
    { raft, machine, oldestSent: () => sender.oldestIndex },
    {
      keepLogBytes: init.keepLogBytes ?? KEEP_LOG_BYTES,
      holdLogBytesMax: init.holdLogBytesMax ?? HOLD_LOG_BYTES_MAX,
    },
  )
  const rounds = new Rounds(
    { raft, log, machine, transport, reads, sender, receiver, compactor, clock, timers, metrics },
    { applyBacklogBytesMax: init.applyBacklogBytesMax ?? APPLY_BACKLOG_BYTES_MAX, ...handlers },
  )
  const { tickMs, heartbeatTicks: catchUpTicks } = init
  const ticker = new Ticker(
    { clock, timers },
    { tickMs, catchUpTicks, tick, needed: () => !leadsAlone(raft) || reads.pending },
  )
  return { raft, rounds, reads, sender, receiver, ticker }
}

/** Nobody to hear of, and nobody to be heard by. */
function leadsAlone({ role, configuration: { voters, learners } }: Raft): boolean {
  return role === 'leader' && voters.length === 1 && learners.length === 0
}

function askForRead(raft: Raft, context: string): boolean {
  if (raft.leader === undefined) return false
  try {
    raft.readIndex(context)
    return true
  } catch (error) {
    // Too many at once: they are asked for again.
    if (error instanceof DpsError) return false
    throw error
  }
}
