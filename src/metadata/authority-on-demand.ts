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

  override async execute<C extends Command>(
    command: C,
    options?: ExecuteOptions,
  ): Promise<ResultOf<C['type']>> {
    await this.open()
    return super.execute(command, options)
  }

  override async read(options?: ReadOptions): Promise<View> {
    await this.open()
    return super.read(options)
  }
}
