/** Opening and expiring sessions. A session's id is the index of the entry that opened it. */
import {
  decodeExpired,
  decodeExpireSessions,
  decodeOpenedSession,
  decodeSession,
  encodeExpired,
  encodeExpireSessions,
  encodeOpenedSession,
  encodeSession,
} from '../codec.js'
import { defineCommand } from '../command.js'
import type { ExpireSessions, OpenSession } from '../session-types.js'
import { outcomeKey, SESSION_TTL_MS, sessionKey } from './session-rules.js'

const openSession = defineCommand<OpenSession, { session: number }>({
  type: 'openSession',
  tag: 1,
  encode: () => new Uint8Array(0),
  decode: () => ({ type: 'openSession' }),
  // Proposed twice it leaves a session that nobody uses, and that expires.
  apply: ({ view, index, timeMs }) => {
    view.put(sessionKey(index), encodeSession({ lowest: 1, highest: 0, activeMs: timeMs }))
    return { session: index }
  },
  encodeResult: encodeOpenedSession,
  decodeResult: decodeOpenedSession,
})

/** Keys that one command removes at most, or applying it would hold up everything behind it. */
export const EXPIRE_KEYS_MAX = 4 * 4096

const expireSessions = defineCommand<ExpireSessions, { count: number }>({
  type: 'expireSessions',
  tag: 2,
  encode: encodeExpireSessions,
  decode: decodeExpireSessions,
  apply: ({ view, timeMs }, { sessions }) => {
    let count = 0
    let keys = 0
    for (const session of sessions) {
      const found = view.get(sessionKey(session))
      if (found === undefined) continue
      const { lowest, highest, activeMs } = decodeSession(found)
      if (timeMs - activeMs < SESSION_TTL_MS) continue
      keys += highest - lowest + 2
      if (keys > EXPIRE_KEYS_MAX) break
      for (let seq = lowest; seq <= highest; seq++) view.delete(outcomeKey(session, seq))
      view.delete(sessionKey(session))
      count++
    }
    return { count }
  },
  encodeResult: encodeExpired,
  decodeResult: decodeExpired,
})

export const SESSION_COMMANDS = [openSession, expireSessions] as const
