import type { SnapshotOutcome, Transport } from '../raft/index.js'

/** Of a replica without a network: nobody is heard, nobody hears. */
export class NoTransport implements Transport {
  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  send(): void {}

  async sendSnapshot(): Promise<SnapshotOutcome> {
    return 'interrupted'
  }

  setMembers(): void {}
}
