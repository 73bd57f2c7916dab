/** What the files of the tree of commands share. */
import type { Command } from 'commander'
import type { Handler } from './session.js'

export interface HandlerSpec {
  load(): Promise<Handler>
  /** Runs even where the settings are broken. */
  lenient?: boolean
}

export interface Build {
  program: Command
  act(command: Command, load: () => Promise<Handler>, lenient?: boolean): Command
  leaf(parent: Command, usage: string, doc: string, example: string): Command
  group(name: string, doc: string): Command
}
