import { DpsError } from '../base/index.js'
import { Authority, type ExecuteOptions, type ReadOptions } from './authority.js'
import type { Command, ResultOf } from './commands.js'
import type { View } from './view.js'

/**
 * An authority whose replica is opened by the first that asks: most commands that work on a data
 * directory without a running node ask nothing of it.
 */
export class AuthorityOnDemand extends Authority {
  /** Set after construction: what opens the replica stands on this authority. */
  open: () => Promise<void> = async () => {}
  /** How many other members there are: without a network none of them can be asked. */
  others: () => number = () => 0

  override async execute<C extends Command>(
    command: C,
    options?: ExecuteOptions,
  ): Promise<ResultOf<C['type']>> {
    await this.open()
    this.#checkAlone()
    return super.execute(command, options)
  }

  override async read(options?: ReadOptions): Promise<View> {
    await this.open()
    if (options?.stale !== true) this.#checkAlone()
    return super.read(options)
  }

  /** Better said at once than after a minute of asking nobody. */
  #checkAlone(): void {
    const members = this.others() + 1
    if (members === 1) return
    throw new DpsError('UNAVAILABLE', `the cluster has ${members} members: a node must run here`, {
      hint: 'start it with: npx dps-node; what this directory knows shows with: --stale',
    })
  }
}
