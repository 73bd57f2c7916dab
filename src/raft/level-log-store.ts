/** The log of a replica in LevelDB. */
import { type AbortOptions, DpsError } from '../base/index.js'
import type { Log } from '../observability/index.js'
import type { Configuration } from './core/configuration.js'
import type { SnapshotMeta } from './core/types.js'
import type { LogBatch, LogContents, LogStore } from './log-store.js'

export interface LevelLogStoreComponents {
  log?: Log
}

export interface LevelLogStoreInit {
  /** The directory `raft/log/`, made when absent. */
  path: string
}

export class LevelLogStore implements LogStore {
  readonly #path: string

  constructor(_components: LevelLogStoreComponents, { path }: LevelLogStoreInit) {
    this.#path = path
  }

  async open(_boot: Configuration, _options: AbortOptions = {}): Promise<LogContents> {
    throw this.#missing()
  }

  async save(_batch: LogBatch): Promise<void> {
    throw this.#missing()
  }

  async compact(_snapshot: SnapshotMeta, _through: number): Promise<void> {
    throw this.#missing()
  }

  async close(): Promise<void> {}

  #missing(): DpsError {
    return new DpsError('UNIMPLEMENTED', `${this.#path}: no log store yet`)
  }
}
