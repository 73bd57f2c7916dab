/**
 * The metadata authority: what a cluster agrees on.
 *
 * Goals: one table of commands that change the state, each a pure function that every replica
 * computes alike; a retried command applies once; reads that are linearizable unless asked
 * otherwise; any member takes any command.
 * Non-goals: how agreement is reached (see raft), where the bytes of files are (see files).
 *
 * @example
 * const { session } = await authority.execute({ type: 'openSession' })
 * const view = await authority.read()
 * const value = view.get(keyOf('m/', 'cluster'))
 * for await (const rows of view.range({ ...rangeOf('e/', folder), limit: 1000 })) show(rows)
 */
export type { ApplyContext, CommandHandler } from './command.js'
export { defineCommand } from './command.js'
export type { Command, CommandOf, CommandType, ResultOf } from './commands.js'
export { keyAfter, keyOf, prefixEnd, rangeOf, readU64 } from './keys.js'
export type { Getter, KeyRange, Row, View } from './view.js'
