/** How failures are told: one line, a hint, an exit code; as JSON on request. */
import { homedir } from 'node:os'
import { sep } from 'node:path'
import type { CommanderError } from 'commander'
import { DpsError, toDpsError } from '../base/index.js'
import { shown } from './format.js'

export const EXIT_PARTLY = 3
export const EXIT_INTERRUPTED = 130

export interface ReportStyle {
  json: boolean
  colors: boolean
  /** Adds the stack trace: `--log-level debug`. */
  stack: boolean
}

/** What goes to stderr for a failure, ended by a newline. */
export function reportOf(thrown: unknown, style: ReportStyle): string {
  const error = toDpsError(thrown)
  if (style.json) {
    const { code, message, hint } = error
    const stack = style.stack ? error.stack : undefined
    return `${JSON.stringify({ error: { code, message, hint, stack } })}\n`
  }
  const paint = (text: string, color: number) =>
    style.colors ? `\x1b[${color}m${text}\x1b[0m` : text
  let text = `${paint('error:', 31)} ${shown(error.message)} (${error.code})\n`
  if (error.hint !== undefined && error.hint !== '') {
    text += `${paint('hint:', 33)} ${shown(error.hint)}\n`
  }
  if (style.stack) text += `${stackOf(error)}\n`
  return text
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error)
  const { cause } = error
  return cause instanceof Error && cause !== error ? `${own}\ncaused by: ${stackOf(cause)}` : own
}

/** A failure of usage: exit code 2, with the help that would have prevented it. */
export function usageError(message: string, hint?: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', message, hint === undefined ? {} : { hint })
}

/** Commander's complaint in this program's words. `path`: the command, e.g. `dps-node swarm`. */
export function fromCommander(error: CommanderError, path: string): DpsError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /^\(Did you mean (.*)\?\)$/.exec(rest.join(' ').trim())
  const hint = suggestion === null ? `see: ${path} --help` : `did you mean ${suggestion[1]}?`
  return new DpsError('INVALID_ARGUMENT', first.replace(/\.$/, ''), { hint, cause: error })
}

/** A path as people write it: the home directory is `~`. */
export function tilde(path: string): string {
  const home = homedir()
  if (path === home) return '~'
  return path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path
}
