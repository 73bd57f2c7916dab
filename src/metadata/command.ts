/** What a command of the replicated state machine is made of. */
import type { Draft } from './draft.js'

/** What a handler knows besides its command. The same on every replica. */
export interface ApplyContext {
  /** The state, with this command's own writes. */
  readonly view: Draft
  /** Of the entry in the log: unique and growing, so it serves as a new id or version. */
  readonly index: number
  /** The leader's time when it took the command, milliseconds since the epoch. Never goes back. */
  readonly timeMs: number
}

/**
 * One command. Methods are pure and synchronous: no clock, no chance, nothing outside `context`.
 * Whatever changes what `decode` accepts or `apply` does needs a higher `version`: replicas that don't
 * know it stop, instead of diverging.
 */
export interface CommandHandler<C extends { type: string }, R> {
  readonly type: C['type']
  /** On the wire and in the log. Never given another meaning. */
  readonly tag: number
  /** @default 1 */
  readonly version?: number
  encode(command: C): Uint8Array
  /** @throws INVALID_ARGUMENT; also checks what a gateway would: the bytes may come from any member */
  decode(bytes: Uint8Array): C
  /** A thrown `DpsError` is the command's answer, and nothing is written. Any other error stops the replica. */
  apply(context: ApplyContext, command: C): R
  encodeResult(result: R): Uint8Array
  decodeResult(bytes: Uint8Array): R
}

/** Infers the command and result types from the literal. */
export function defineCommand<C extends { type: string }, R>(
  handler: CommandHandler<C, R>,
): CommandHandler<C, R> {
  return handler
}
