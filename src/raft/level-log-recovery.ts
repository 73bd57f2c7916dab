/**
 * What a replica may trust of what it finds on its disk. Pure.
 *
 * An entry is trusted when its record is whole and an unbroken chain (indexes, and each record's
 * term of the entry before it: index and term name an entry) joins it to the snapshot. Damage below
 * the snapshot costs nothing; above it the log ends there, and the replica is `damaged`.
 */
import { DpsError } from '../base/index.js'
import type { Configuration } from './core/configuration.js'
import type { Entry, SnapshotMeta } from './core/types.js'
import type { Pack, StoredHardState, StoredSnapshot } from './log-codec.js'
import type { Promises } from './promises-file.js'

export interface FoundPack {
  first: number
  bytes: number
  /** Undefined when its record is damaged. */
  pack: Pack | undefined
}

export interface Found {
  /** By index. */
  packs: FoundPack[]
  hardState: StoredHardState | 'missing' | 'damaged'
  snapshot: StoredSnapshot | 'missing' | 'damaged'
  promises: Promises | undefined
  /** Damage that was noticed while looking, for a person. */
  damage: string[]
}

export interface Trusted {
  hardState: StoredHardState
  snapshot: StoredSnapshot
  packs: FoundPack[]
  entries: Entry[]
  /** Why `hardState.damaged` is set now; empty when nothing was lost this time. */
  losses: string[]
}

/**
 * @returns undefined for a place where nothing was ever promised
 * @throws DATA_LOSS when neither database nor promises know the vote
 */
export function trustedOf(found: Found, boot: Configuration): Trusted | undefined {
  const { packs, promises, damage } = found
  const empty = packs.length === 0 && found.hardState === 'missing' && found.snapshot === 'missing'
  if (empty && promises === undefined && damage.length === 0) return undefined
  const losses = [...damage]
  const { term, vote, damaged, ...hardState } = hardStateOf(found, losses)
  const snapshot = snapshotOf(found, boot, losses)
  const base = snapshot.meta
  const run = trustedRun(packs, snapshot, losses)
  const entries = run.flatMap(({ pack }) => pack!.entries)
  const last = entries.at(-1) ?? base
  const commit = run.reduce((max, { pack }) => Math.max(max, pack!.commit), hardState.commit)
  if (last.term > term) {
    throw lost(`it voted in term ${last.term} or later, and knows only of term ${term}`)
  }
  if (commit > last.index) losses.push(`entries ${last.index + 1} to ${commit}, once committed`)
  if (promises !== undefined) checkKept(promises.kept, base, entries, losses)
  return {
    hardState: {
      term,
      vote,
      commit: Math.max(base.index, Math.min(commit, last.index)),
      damaged: damaged || losses.length > 0,
    },
    snapshot,
    packs: run,
    entries,
    losses,
  }
}

/** The newer of the two witnesses; the promises are written last, so they are never ahead. */
function hardStateOf({ hardState, promises }: Found, losses: string[]): StoredHardState {
  if (typeof hardState === 'string') {
    if (promises === undefined) throw lost(`its hard state is ${hardState}`)
    losses.push(`the hard state is ${hardState}`)
    return { term: promises.term, vote: promises.vote, commit: 0, damaged: true }
  }
  if (promises === undefined) return hardState
  const { term, vote } = promises
  if (term === hardState.term && vote !== undefined && vote !== hardState.vote) {
    if (hardState.vote !== undefined) throw lost(`two votes in term ${term}`)
  } else if (term <= hardState.term) return hardState
  losses.push(`the hard state is of term ${hardState.term}, older than what was promised`)
  return { ...hardState, term, vote, damaged: true }
}

function snapshotOf({ snapshot, promises }: Found, boot: Configuration, losses: string[]) {
  if (typeof snapshot !== 'string') {
    const generation = promises?.generation ?? 0
    if (generation <= snapshot.generation) return snapshot
    losses.push(`the snapshot is of generation ${snapshot.generation}, not ${generation}`)
    return { ...snapshot, generation }
  }
  losses.push(`the snapshot's record is ${snapshot}`)
  const meta: SnapshotMeta = { index: 0, term: 0, configuration: boot }
  return { meta, generation: promises?.generation ?? 0, first: 1 }
}

function trustedRun(
  packs: readonly FoundPack[],
  { meta, first: firstKept }: StoredSnapshot,
  losses: string[],
): FoundPack[] {
  let run: FoundPack[] = []
  let last: { index: number; term: number } | undefined
  for (const found of packs) {
    const { first, pack } = found
    if (first < firstKept) continue
    const continues = last !== undefined && first === last.index + 1 && pack?.prevTerm === last.term
    if (!continues) {
      if (last !== undefined && last.index >= meta.index && run[0]!.first <= meta.index + 1) {
        losses.push(`entries from ${last.index + 1} on`)
        break
      }
      // Nothing before this is needed: the snapshot has it.
      run = []
      last = undefined
    }
    if (pack === undefined) continue
    run.push(found)
    last = pack.entries.at(-1)!
  }
  if (last === undefined || last.index < meta.index) {
    // What the last record held, and how far it went, nobody knows.
    const end = packs.at(-1)
    if (end !== undefined && end.pack === undefined) {
      losses.push(`entries from ${meta.index + 1} on`)
    }
    return []
  }
  if (termAt(run, meta.index) === meta.term) return run
  losses.push(`entries from ${meta.index + 1} on: they don't continue the snapshot`)
  return []
}

/** Term at an index of an unbroken run, or right before it. */
function termAt(run: readonly FoundPack[], index: number): number | undefined {
  const [start] = run
  if (start?.first === index + 1) return start.pack!.prevTerm
  const holder = run.findLast(({ first }) => first <= index)
  return holder === undefined ? undefined : holder.pack!.entries[index - holder.first]?.term
}

function checkKept(
  kept: Promises['kept'],
  base: SnapshotMeta,
  entries: readonly Entry[],
  losses: string[],
): void {
  if (kept.index <= base.index) return
  const found = entries[kept.index - (entries[0]?.index ?? 0)]
  if (found?.index === kept.index && found.term === kept.term) return
  losses.push(`entry ${kept.index}, which was durable`)
}

function lost(why: string): DpsError {
  return new DpsError('DATA_LOSS', `this replica can't be trusted with its vote: ${why}`, {
    hint: 'the node has to leave its cluster and join it anew',
  })
}
