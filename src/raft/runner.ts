import { type AbortOptions, DpsError, type Part } from '../base/index.js'
import type { ConfigurationChange, NodeId } from './core/configuration.js'
import type { ProposeResult, RunnerComponents, RunnerInit, RunnerStatus } from './runner-types.js'

/** One replica at work. */
export class RaftRunner implements Part {
  readonly serviceId = 'raft'
  readonly id: NodeId
  /** Resolves, with the reason, if the replica has to stop for good; else never. */
  readonly failed: Promise<DpsError>

  constructor(_components: RunnerComponents, init: RunnerInit) {
    this.id = init.id
    this.failed = new Promise(() => {})
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  propose(_command: Uint8Array, _options?: AbortOptions): Promise<ProposeResult> {
    return Promise.reject(new DpsError('UNIMPLEMENTED', 'not built yet'))
  }

  proposeChange(_change: ConfigurationChange, _options?: AbortOptions): Promise<{ index: number }> {
    return Promise.reject(new DpsError('UNIMPLEMENTED', 'not built yet'))
  }

  readBarrier(_options?: AbortOptions): Promise<number> {
    return Promise.reject(new DpsError('UNIMPLEMENTED', 'not built yet'))
  }

  transfer(_target: NodeId, _options?: AbortOptions): Promise<void> {
    return Promise.reject(new DpsError('UNIMPLEMENTED', 'not built yet'))
  }

  campaign(): void {}

  status(): RunnerStatus {
    throw new DpsError('UNIMPLEMENTED', 'not built yet')
  }

  /** Called when role, leader, configuration or state changed. @returns removes the listener */
  onChange(_listener: () => void): () => void {
    return () => {}
  }
}
