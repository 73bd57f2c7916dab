import type { Clock, DpsError, Random, Timers } from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import type { Configuration, NodeId } from './core/configuration.js'
import type { RaftInit } from './core/settings.js'
import type { RaftStatus } from './core/status.js'
import type { LogStore } from './log-store.js'
import type { StateMachine } from './state-machine.js'
import type { Transport } from './transport.js'

/** The runner opens and closes the log and the machine, starts and stops the transport. */
export interface RunnerComponents {
  log: LogStore
  machine: StateMachine
  transport: Transport
  clock: Pick<Clock, 'monotonicMs'>
  timers: Timers
  random: Random
  logger: Log
  metrics?: Pick<Metrics, 'histogram' | 'counter'>
}

export interface RunnerInit extends Omit<RaftInit, 'id' | 'start' | 'random'> {
  id: NodeId
  /** The configuration at index 0: the same on every member, also on those that joined later. */
  boot: Configuration
  /** Length of a tick. Elections wait `electionTicks` to twice as many, heartbeats `heartbeatTicks`. */
  tickMs: number
  /** Log kept in memory and on disk for followers that are behind. @default 8 MiB */
  keepLogBytes?: number
  /** The same while a snapshot travels, so that its receiver can go on from it. @default 64 MiB */
  holdLogBytesMax?: number
  /** Committed but not applied yet: beyond it nothing more is accepted. @default 64 MiB */
  applyBacklogBytesMax?: number
  /** A read that no majority confirmed by then is UNAVAILABLE. @default 10,000 */
  readTimeoutMs?: number
  /** Time that a stopping leader takes to hand over. @default one election timeout, at least 500 */
  handOverMs?: number
  /** A leader whose disk owes an answer for so long gives the office to another. @default 10,000 */
  stuckDiskMs?: number
  /** A snapshot that nobody asks for any more is closed. @default 60,000 */
  snapshotIdleMs?: number
}

export type RunnerState = 'new' | 'running' | 'stopping' | 'stopped' | 'failed'

export interface RunnerStatus extends RaftStatus {
  state: RunnerState
  /** Why it failed, in state `failed`: it acknowledges nothing ever after. */
  failure: DpsError | undefined
  /** Since each other member was heard of, milliseconds; not in there: never. */
  heardMs: Map<NodeId, number>
  /** What the state machine would still hold after power loss. */
  durableIndex: number
  timings: RunnerTimings
}

/** Of the last finished ones, milliseconds. */
export interface RunnerTimings {
  /** One batch to the disk. */
  saveMs: number
  /** One batch of committed entries through the state machine. */
  applyMs: number
  /** The latest that a tick was, beyond its time: how long the event loop was busy. Halves each tick. */
  tickLagMs: number
}

export interface ProposeResult {
  index: number
  term: number
  /** What the state machine answered. */
  result: Uint8Array
}
