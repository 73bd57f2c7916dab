/** A namespace over one replica in memory, a memory store and real references. */
import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { AbortOptions } from '../../src/base/index.js'
import { raceSignal } from '../../src/base/index.js'
import { HashPool } from '../../src/content/index.js'
import { Collector } from '../../src/durability/index.js'
import { FilesService, Holdings, Namespace, offlineNetwork } from '../../src/files/index.js'
import type { View } from '../../src/metadata/index.js'
import type { NamespaceCommand, NamespaceResults } from '../../src/metadata/namespace-types.js'
import { silentLog } from '../../src/observability/index.js'
import { MemoryChunkStore, openMeta, References } from '../../src/store/index.js'
import { NamespaceState } from '../metadata/namespace-support.js'
import { tempFolder } from './support.js'

export const SELF = 'me'

type AppliedListener = (keys: readonly Uint8Array[] | 'all') => void

/** Commands are applied at once; a test can hold reads up, and make commands fail. */
export class SoloAuthority {
  readonly state: NamespaceState
  readonly commands: NamespaceCommand[] = []
  readonly #listeners = new Set<AppliedListener>()
  /** Reads wait for it: no majority answers. */
  quorum: () => Promise<unknown> = () => Promise.resolve()
  /** Throws instead of the command, before or after it was applied. */
  failure: (command: NamespaceCommand) => { error: Error; applied: boolean } | undefined = () =>
    undefined

  constructor(state = new NamespaceState()) {
    this.state = state
  }

  async execute<C extends NamespaceCommand>(
    command: C,
    { signal }: AbortOptions = {},
  ): Promise<NamespaceResults[C['type']]> {
    await raceSignal(this.quorum(), signal)
    const failure = this.failure(command)
    if (failure?.applied === false) throw failure.error
    this.commands.push(command)
    const result = this.state.run(command)
    for (const listener of this.#listeners) listener(this.state.written)
    if (failure !== undefined) throw failure.error
    return result
  }

  async read({ signal }: AbortOptions = {}): Promise<View> {
    await raceSignal(this.quorum(), signal)
    return this.state
  }

  onApplied(listener: AppliedListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** As after a snapshot: anything may have changed. */
  replaced(): void {
    for (const listener of this.#listeners) listener('all')
  }
}

export interface Process {
  namespace: Namespace
  files: FilesService
  holdings: Holdings
  references: References
  collector: Collector
  announced: string[]
  stop(): Promise<void>
}

/** What outlives a process: the disk, the small facts, the cluster's state. */
export class NamespaceWorld {
  readonly store = new MemoryChunkStore()
  readonly authority: SoloAuthority
  importing = false
  readonly #meta: string

  static async create(authority = new SoloAuthority()): Promise<NamespaceWorld> {
    return new NamespaceWorld(path.join(await tempFolder(), 'meta'), authority)
  }

  private constructor(meta: string, authority: SoloAuthority) {
    this.#meta = meta
    this.authority = authority
  }

  async start(): Promise<Process> {
    const { store, authority } = this
    const meta = await openMeta(this.#meta)
    const references = new References({ meta, store })
    await references.start()
    const hashes = new HashPool()
    const announced: string[] = []
    const network = {
      ...offlineNetwork('~/.dps'),
      announceLater: (cids: readonly unknown[]) => void announced.push(...cids.map(String)),
    }
    const holdings = new Holdings(
      { authority, references, network, log: silentLog, importing: () => this.importing } as never,
      { peerId: SELF },
    )
    const files = new FilesService({ store, references, hashes, network, peerId: SELF })
    const namespace = new Namespace({
      ...{ authority: authority as never, holdings, files, store, references, network, hashes },
      peerId: SELF,
    })
    const collector = new Collector({
      store,
      references,
      settled: (options) => holdings.settled(options),
    })
    let stopped = false
    const stop = async () => {
      if (stopped) return
      stopped = true
      await collector.stop()
      await namespace.stop()
      await files.stop()
      await holdings.stop()
      await references.stop()
      await hashes.close()
      await meta.close()
    }
    onTestFinished(stop)
    await holdings.start()
    return { namespace, files, holdings, references, collector, announced, stop }
  }
}

/** Chunks and manifests that a collection frees. */
export async function collected({ collector }: Process): Promise<number> {
  for await (const event of collector.collect()) if (event.type === 'summary') return event.chunks
  return -1
}

/** A service's methods by themselves, for those who call them on another object. */
export function bound<T extends object>(service: T): T {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(service))
  const methods = names.filter((name) => name !== 'constructor')
  const bind = (name: string) => (Reflect.get(service, name) as () => unknown).bind(service)
  return Object.fromEntries(methods.map((name) => [name, bind(name)])) as T
}
