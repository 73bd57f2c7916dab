/** The table of all commands that can change the replicated state. */
import { DpsError } from '../base/index.js'
import type { CommandHandler } from './command.js'
import { CLUSTER_COMMANDS } from './commands/cluster.js'
import { NAMESPACE_COMMANDS } from './commands/namespace.js'
import { SESSION_COMMANDS } from './commands/sessions.js'

/** Each subject brings its own; the numbers are shared out in metadata.proto. */
export const COMMANDS = [...SESSION_COMMANDS, ...CLUSTER_COMMANDS, ...NAMESPACE_COMMANDS] as const

type Handlers = (typeof COMMANDS)[number]
type HandlerOf<T extends CommandType> = Extract<Handlers, { readonly type: T }>

export type Command = Handlers extends infer H
  ? H extends CommandHandler<infer C, infer _R>
    ? C
    : never
  : never
export type CommandType = Handlers['type']
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>
/** What a command answers when it was done. */
export type ResultOf<T extends CommandType> = ReturnType<HandlerOf<T>['apply']>

type AnyHandler = CommandHandler<{ type: string }, unknown>

const byType = new Map<string, AnyHandler>()
const byTag = new Map<number, AnyHandler>()
for (const handler of COMMANDS as readonly AnyHandler[]) {
  byType.set(handler.type, handler)
  byTag.set(handler.tag, handler)
}

/** A command as it travels. */
export interface WireCommand {
  tag: number
  version: number
  body: Uint8Array
}

export function encodeCommand(command: Command): WireCommand {
  const { tag, version = 1, encode } = byType.get(command.type)!
  return { tag, version, body: encode(command) }
}

/** @throws UNIMPLEMENTED for what a newer program made */
export function handlerOf({ tag, version }: Pick<WireCommand, 'tag' | 'version'>): AnyHandler {
  const handler = byTag.get(tag)
  if (handler === undefined || version > (handler.version ?? 1)) {
    throw new DpsError('UNIMPLEMENTED', `unknown command ${tag} (version ${version})`, {
      hint: 'another member runs a newer dps-node: update this one',
    })
  }
  return handler
}

export function decodeResult<T extends CommandType>(type: T, bytes: Uint8Array): ResultOf<T> {
  return byType.get(type)!.decodeResult(bytes) as ResultOf<T>
}
