import { DpsError } from '../base/index.js'
import type { RaftStart } from './core/settings.js'
import type { LogContents, LogStore } from './log-store.js'
import type { StateMachine } from './state-machine.js'

export interface StartComponents {
  log: Pick<LogStore, 'save'>
  machine: Pick<StateMachine, 'appliedIndex' | 'snapshot'>
}

/**
 * What a replica may start from, given what its disk still holds.
 *
 * @param nonce unique to this start: names the healing
 * @throws DATA_LOSS when log and state contradict each other, which no crash can cause
 */
export async function raftStart(
  { log, machine }: StartComponents,
  contents: LogContents,
  nonce: string,
): Promise<RaftStart> {
  const { hardState, snapshot, entries, damaged, generation } = contents
  const applied = machine.appliedIndex
  const last = Math.max(entries.at(-1)?.index ?? 0, snapshot.index)
  if (applied < snapshot.index) {
    throw lost(`the state ends at ${applied}, before the log's snapshot at ${snapshot.index}`)
  }
  const healing = damaged ? { healing: `heal/${nonce}` } : {}
  if (applied <= last) {
    const commit = Math.min(hardState.commit, last)
    if (commit < hardState.commit && !damaged) {
      throw lost(`the log ends at ${last}, before its commit index ${hardState.commit}`)
    }
    return { hardState: { ...hardState, commit }, snapshot, entries, applied, ...healing }
  }
  if (!damaged) throw lost(`the log ends at ${last}, before what was applied at ${applied}`)
  // What was applied was committed: the state itself stands for the entries that damage took away.
  const state = await machine.snapshot()
  const { meta } = state
  await state.close()
  await log.save({ entries: [], snapshot: { meta, generation }, sync: true })
  const commit = meta.index
  return { hardState: { ...hardState, commit }, snapshot: meta, entries: [], applied, ...healing }
}

function lost(what: string): DpsError {
  return new DpsError('DATA_LOSS', `raft: ${what}`, {
    hint: 'this replica can not be trusted: remove the member and let it join again',
  })
}
