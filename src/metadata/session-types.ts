/** What sessions are made of; `commands/session-rules.ts` says how they work. */

export interface OpenSession {
  type: 'openSession'
}

export interface ExpireSessions {
  type: 'expireSessions'
  /** Candidates; those used since stay. */
  sessions: readonly number[]
}

export interface SessionRecord {
  /** Answers below are forgotten. Invariant: lowest <= highest + 1, highest - lowest < window. */
  lowest: number
  /** Highest number that applied. */
  highest: number
  /** When it was last used, by the leaders' time. */
  activeMs: number
}
