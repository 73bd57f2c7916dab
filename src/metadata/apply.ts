/** One entry of the log onto the state: what is written, and what is answered. */
import { DpsError } from '../base/index.js'
import { encodeOutcome, type Outcome, type Proposal } from './codec.js'
import { claim, remember } from './commands/session-rules.js'
import { handlerOf } from './commands.js'
import { Draft, type Write } from './draft.js'
import type { Getter } from './view.js'

export interface Envelope {
  /** Of the log entry. */
  index: number
  /** The leader's, and not before that of any entry applied so far. */
  timeMs: number
  proposal: Proposal
}

export interface Applied {
  /** By the key's text; see `Draft`. */
  writes: Map<string, Write>
  /** An encoded `Outcome`. */
  result: Uint8Array
}

/**
 * Pure: equal states and envelopes give equal writes and results, on every replica and at every
 * time. A command that applied under its session before is answered from the session's memory.
 *
 * @throws UNIMPLEMENTED for a command of a newer program: this replica must stop
 */
export function apply(view: Getter, envelope: Envelope): Applied {
  const { index, timeMs, proposal } = envelope
  // Even a repeated one: whoever can't apply it must not go on.
  const handler = handlerOf(proposal)
  const draft = new Draft(view)
  const earlier = claim(draft, proposal, timeMs)
  if (earlier !== undefined) return { writes: draft.writes, result: earlier }
  try {
    const command = handler.decode(proposal.body)
    const result = handler.apply({ view: draft, index, timeMs }, command)
    return answer(draft, proposal, { status: 'done', result: handler.encodeResult(result) })
  } catch (error) {
    if (!(error instanceof DpsError) || STOPS.has(error.code)) throw error
    // Nothing that the handler wrote stays, only that its session was used.
    const unchanged = new Draft(view)
    claim(unchanged, proposal, timeMs)
    const { code, message, hint = '' } = error
    return answer(unchanged, proposal, { status: 'refused', code, message, hint })
  }
}

function answer(draft: Draft, proposal: Proposal, outcome: Outcome): Applied {
  const result = encodeOutcome(outcome)
  if (proposal.session !== 0) remember(draft, proposal, result)
  return { writes: draft.writes, result }
}

/** Trouble of this replica alone: others would answer differently. */
const STOPS: ReadonlySet<string> = new Set(['DATA_LOSS', 'INTERNAL', 'UNAVAILABLE'])
