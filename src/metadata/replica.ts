/** One replica of a cluster's metadata, over the files of one directory. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, DpsError, type Part, type Random, type Timers } from '../base/index.js'
import type { Log, Metrics } from '../observability/index.js'
import {
  type Configuration,
  changeConfiguration,
  LevelLogStore,
  type LogContents,
  type NodeId,
  RaftRunner,
  type RunnerInit,
  type Transport,
} from '../raft/index.js'
import { writeFileDurably } from '../store/index.js'
import { LevelStateStore } from './level-state-store.js'
import { MetadataMachine } from './machine.js'
import type { View } from './view.js'

export interface ReplicaComponents {
  /** A new one, for each time that the replica starts. */
  makeTransport(): Transport
  clock: Clock
  timers: Timers
  random: Random
  log: Log
  metrics?: Metrics
}

export interface ReplicaInit extends Omit<RunnerInit, 'id' | 'boot'> {
  /** Holds `log/` and `state-<n>/`. */
  path: string
  clusterId: string
  id: NodeId
  boot: Configuration
}

/** Beside the state: what is in it was found to be damaged. */
const DAMAGED_FILE = 'state-damaged'

/** Log, state, transport and the runner that drives them. Starts once. */
export class Replica implements Part {
  readonly serviceId = 'replica'
  readonly clusterId: string
  readonly #components: ReplicaComponents
  readonly #init: ReplicaInit
  #runner: RaftRunner
  #machine: MetadataMachine

  constructor(components: ReplicaComponents, init: ReplicaInit) {
    this.#components = components
    this.#init = init
    this.clusterId = init.clusterId
    this.#machine = this.#makeMachine()
    this.#runner = this.#makeRunner()
  }

  /** Another one after `start`, if the state had to be given up. */
  get runner(): RaftRunner {
    return this.#runner
  }

  get machine(): MetadataMachine {
    return this.#machine
  }

  get view(): View {
    return this.#machine
  }

  #makeMachine(): MetadataMachine {
    const { timers, log } = this.#components
    const store = new LevelStateStore(this.#init.path)
    return new MetadataMachine({ store, timers, log }, { boot: this.#init.boot })
  }

  #makeLog(): LevelLogStore {
    const path = join(this.#init.path, 'log')
    return new LevelLogStore({ log: this.#components.log }, { path })
  }

  #makeRunner(): RaftRunner {
    const { makeTransport, log, ...components } = this.#components
    const { path: _path, clusterId: _clusterId, ...init } = this.#init
    const transport = makeTransport()
    const machine = this.#machine
    return new RaftRunner(
      { ...components, log: this.#makeLog(), machine, transport, logger: log },
      init,
    )
  }

  /**
   * Opens everything and takes part. A damaged state is put aside and made anew from the log, or from
   * the leader's snapshot; until then this replica doesn't vote.
   *
   * @throws DATA_LOSS when the log can't be trusted, or a damaged state can be had from nobody
   */
  async start(): Promise<void> {
    if (await exists(this.#damagedPath)) await this.#giveUpState()
    try {
      await this.#runner.start()
    } catch (error) {
      if (!this.#machine.isDamaged) throw error
      await this.#giveUpState(error)
      this.#machine = this.#makeMachine()
      this.#runner = this.#makeRunner()
      await this.#runner.start()
    }
    const { runner, machine } = this
    void runner.failed.then(async () => {
      // The next start begins with healing: what is damaged may not be met again at once.
      if (machine.isDamaged) await writeFileDurably(this.#damagedPath, '').catch(() => {})
    })
  }

  async stop(): Promise<void> {
    await this.#runner.stop()
  }

  get #damagedPath(): string {
    return join(this.#init.path, DAMAGED_FILE)
  }

  async #giveUpState(cause?: unknown): Promise<void> {
    const { boot, id, path } = this.#init
    const log = this.#makeLog()
    const contents = await log.open(boot)
    const { snapshot, generation, hardState } = contents
    try {
      if (snapshot.index > 0) {
        if (!configurationIn(contents).voters.some((voter) => voter !== id)) {
          throw new DpsError(
            'DATA_LOSS',
            `the state in ${path} is damaged, and nobody has another`,
            {
              cause,
              hint: 'see "dps-node cluster recover" and docs/recovery.md',
            },
          )
        }
        // As if nothing was ever received, except what was promised: it votes only when it has
        // all of it again.
        await log.save({
          hardState: { ...hardState, commit: 0 },
          entries: [],
          snapshot: { meta: { index: 0, term: 0, configuration: boot }, generation },
          sync: true,
          damaged: true,
        })
      }
    } finally {
      await log.close()
    }
    await new LevelStateStore(path).setAside(generation)
    await rm(this.#damagedPath, { force: true })
    const { log: logger } = this.#components
    logger.warn(
      { component: 'metadata', err: cause },
      'the damaged state is put aside; this replica heals itself',
    )
  }
}

/** The newest that the log knows of, committed or not. */
function configurationIn({ snapshot, entries }: LogContents): Configuration {
  let { configuration } = snapshot
  for (const entry of entries) {
    if (entry.kind !== 'config' || entry.index <= snapshot.index) continue
    configuration = changeConfiguration(configuration, entry.change)
  }
  return configuration
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
