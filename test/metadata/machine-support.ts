/** Log entries and machines for tests. */
import { systemTimers } from '../../src/base/index.js'
import { encodeEntry, encodeProposal } from '../../src/metadata/codec.js'
import { type Command, encodeCommand } from '../../src/metadata/commands.js'
import { type MachineInit, MetadataMachine, type StateStore } from '../../src/metadata/index.js'
import { silentLog } from '../../src/observability/index.js'
import { configurationOf, type Entry } from '../../src/raft/index.js'

export const BOOT = configurationOf(['m1:1', 'm2:1'])
export const TIME_MS = 1_800_000_000_000

export interface InSession {
  session: number
  seq: number
  lowest?: number
}

/** A command as it stands in the log. */
export function entryOf(
  index: number,
  command: Command,
  { session, seq, lowest = seq }: InSession = { session: 0, seq: 0, lowest: 0 },
  { term = 1, timeMs = TIME_MS } = {},
): Entry {
  const proposal = encodeProposal({ ...encodeCommand(command), session, seq, lowest })
  return { kind: 'command', index, term, data: encodeEntry(timeMs, proposal) }
}

export function machineOn(
  store: StateStore,
  init: Partial<MachineInit> = {},
  timers = systemTimers,
): MetadataMachine {
  return new MetadataMachine({ store, timers, log: silentLog }, { boot: BOOT, ...init })
}

export const open = { type: 'openSession' } as const
