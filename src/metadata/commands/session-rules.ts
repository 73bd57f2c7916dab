/** Which command of a session is new, and which was answered before (dissertation, section 6.3). */
import { decodeSession, encodeOutcome, encodeSession, type Proposal } from '../codec.js'
import type { Draft } from '../draft.js'
import { keyOf, PREFIX } from '../keys.js'

/** Unanswered commands of one session: bounds what is remembered of it. */
export const SESSION_WINDOW = 4096

/** A session that nothing was heard of for so long is forgotten. Far longer than anybody retries. */
export const SESSION_TTL_MS = 3_600_000

export function sessionKey(session: number): Uint8Array {
  return keyOf(PREFIX.sessions, session)
}

export function outcomeKey(session: number, seq: number): Uint8Array {
  return keyOf(PREFIX.outcomes, session, seq)
}

/**
 * Marks the session as used and forgets what its owner has received.
 *
 * @returns the answer, when the command must not be applied (again)
 */
export function claim(view: Draft, proposal: Proposal, timeMs: number): Uint8Array | undefined {
  const { session, seq } = proposal
  if (session === 0) return undefined
  const key = sessionKey(session)
  const found = view.get(key)
  if (found === undefined) return encodeOutcome({ status: 'unknownSession' })
  const record = decodeSession(found)
  const { highest } = record
  const lowest = Math.max(record.lowest, Math.min(proposal.lowest, seq))
  if (seq >= lowest + SESSION_WINDOW) return encodeOutcome({ status: 'tooManyOpen' })
  for (let gone = record.lowest; gone < lowest && gone <= highest; gone++) {
    view.delete(outcomeKey(session, gone))
  }
  const used = { lowest, highest: Math.max(highest, seq, lowest - 1), activeMs: timeMs }
  if (seq < record.lowest) {
    view.put(key, encodeSession({ ...record, activeMs: timeMs }))
    return encodeOutcome({ status: 'forgotten' })
  }
  view.put(key, encodeSession(used))
  // Numbers come out of order when one was retried: those in between may still be new.
  return seq <= highest ? view.get(outcomeKey(session, seq)) : undefined
}

export function remember(view: Draft, { session, seq }: Proposal, outcome: Uint8Array): void {
  view.putNew(outcomeKey(session, seq), outcome)
}
