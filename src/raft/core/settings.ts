import { DpsError, type Random } from '../../base/index.js'
import type { NodeId } from './configuration.js'
import type { Entry, HardState, SnapshotMeta } from './types.js'

/** What the disk held at start. */
export interface RaftStart {
  hardState: HardState
  /** The newest snapshot. Index 0 and term 0: the boot configuration, the same on every node. */
  snapshot: SnapshotMeta
  /** All entries on disk, in order, reaching at least to the snapshot's index (or empty). */
  entries: Entry[]
  /** What the state machine's own record says it has applied; at least the snapshot's index. */
  applied: number
  /**
   * Set when damage was found in the log, though not in the hard state: this node has forgotten
   * entries that it acknowledged, so it neither votes nor leads until it holds all that its leader
   * held after this start. A value never used before, so that an old answer can't end it.
   */
  healing?: string
}

export interface RaftInit {
  id: NodeId
  start: RaftStart
  /** Where election timeouts come from. */
  random: Pick<Random, 'next'>
  /** Ticks without a leader before an election; each wait is drawn from [n, 2n). */
  electionTicks: number
  /** Ticks between heartbeats. Well below `electionTicks`, or lost ones cost the leadership. */
  heartbeatTicks: number
  /** Largest command. A larger one would stall heartbeats behind it. @default 1 MiB */
  entryBytesMax?: number
  /** Entries in one append; a larger single entry still travels, alone. @default 1 MiB */
  appendBytesMax?: number
  /** Appends sent to one follower and not yet answered. @default 256 */
  inflightMessagesMax?: number
  /** The same in bytes: what a follower's queue may hold. @default 8 MiB */
  inflightBytesMax?: number
  /** Proposed but not committed: beyond it proposals are refused. @default 64 MiB */
  uncommittedBytesMax?: number
  /** Committed entries handed out in one `ready`, so that applying can't block long. @default 4 MiB */
  applyBytesMax?: number
  /** Reads waiting for their round at the leader. @default 65536 */
  readsMax?: number
  /**
   * Ticks between messages that bring nothing but a newer commit index: it usually travels with the
   * next append, and heartbeats have it too. @default 0: at once, always
   */
  announceTicks?: number
}

export type Settings = Required<Omit<RaftInit, 'id' | 'start' | 'random'>>

const MIB = 2 ** 20

const DEFAULTS = {
  entryBytesMax: MIB,
  appendBytesMax: MIB,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * MIB,
  uncommittedBytesMax: 64 * MIB,
  applyBytesMax: 4 * MIB,
  readsMax: 65_536,
  announceTicks: 0,
}

/** @throws INVALID_ARGUMENT naming the setting that can't work */
export function settingsOf(init: RaftInit): Settings {
  const settings: Settings = {
    electionTicks: init.electionTicks,
    heartbeatTicks: init.heartbeatTicks,
    entryBytesMax: init.entryBytesMax ?? DEFAULTS.entryBytesMax,
    appendBytesMax: init.appendBytesMax ?? DEFAULTS.appendBytesMax,
    inflightMessagesMax: init.inflightMessagesMax ?? DEFAULTS.inflightMessagesMax,
    inflightBytesMax: init.inflightBytesMax ?? DEFAULTS.inflightBytesMax,
    uncommittedBytesMax: init.uncommittedBytesMax ?? DEFAULTS.uncommittedBytesMax,
    applyBytesMax: init.applyBytesMax ?? DEFAULTS.applyBytesMax,
    readsMax: init.readsMax ?? DEFAULTS.readsMax,
    announceTicks: init.announceTicks ?? DEFAULTS.announceTicks,
  }
  for (const [name, value] of Object.entries(settings)) {
    if (name === 'announceTicks' && value === 0) continue
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new DpsError('INVALID_ARGUMENT', `raft: ${name} must be a positive integer: ${value}`)
    }
  }
  if (settings.electionTicks <= settings.heartbeatTicks) {
    throw new DpsError('INVALID_ARGUMENT', 'raft: electionTicks must exceed heartbeatTicks')
  }
  return settings
}
