/** Putting files and folders under paths: store, commit, keep. */
import { basename, resolve as resolvePath } from 'node:path'
import { DpsError, toDpsError } from '../base/index.js'
import type { Authority } from '../metadata/index.js'
import { type EventQueue, type Running, tell } from './events.js'
import { chunkingOf } from './ingest-path.js'
import { destinationOf } from './namespace-paths.js'
import { DEFAULT_POLICY, policyOf } from './namespace-policies.js'
import { PutRun, type PutRunComponents } from './namespace-put-run.js'
import type { PutEvent, PutOptions } from './namespace-types.js'
import { checkSource, totalBytes } from './paths.js'
import { StreamReader } from './reader.js'
import type { PublishSource } from './types.js'

export interface PutterComponents extends PutRunComponents {
  authority: Pick<Authority, 'execute' | 'read'>
  running: Running
}

/** What a put does between its first look at the namespace and its end. */
type Work = (begin: (totalBytes: number) => Promise<PutRun>, signal: AbortSignal) => Promise<string>

export class Putter {
  readonly #components: PutterComponents

  constructor(components: PutterComponents) {
    this.#components = components
  }

  /** Puts what the node can see itself. */
  path(
    source: PublishSource,
    path: string,
    options: PutOptions & { recursive?: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<PutEvent> {
    return this.#put(options, signal, async (begin, signal) => {
      const { path: local, stats } = await this.#see(source, options.recursive)
      const name = options.name ?? basename(resolvePath(local))
      const at = destinationOf(await this.#components.authority.read({ signal }), path, name)
      const run = await begin(await totalBytes([{ stats }], signal))
      if (stats.isDirectory()) await run.folder(local, stats, at)
      else await run.onlyFile(local, stats, at)
      return at.path
    })
  }

  /** What this node can't read, another process of the machine perhaps can. */
  async #see(source: PublishSource, recursive = false) {
    try {
      return await checkSource(source, recursive, 'put')
    } catch (error) {
      const { code, message } = toDpsError(error)
      if (!['NOT_FOUND', 'PERMISSION_DENIED', 'FAILED_PRECONDITION'].includes(code)) throw error
      const options = { cause: error, hint: 'upload its bytes instead' }
      throw new DpsError(code, message, options)
    }
  }

  /** Puts bytes of unknown length. Nothing is put when the source throws. */
  stream(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: PutOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<PutEvent> {
    return this.#put(options, signal, async (begin, signal) => {
      const reader = new StreamReader(source)
      try {
        const view = await this.#components.authority.read({ signal })
        const at = destinationOf(view, path, options.name ?? '')
        const run = await begin(0)
        await run.onlyStream(reader, at)
        return at.path
      } finally {
        await reader.close()
      }
    })
  }

  #put(options: PutOptions, signal: AbortSignal | undefined, work: Work): AsyncGenerator<PutEvent> {
    return tell<PutEvent>(
      (push, signal) => this.#run(options, push, signal, work),
      signal,
      this.#components.running,
    )
  }

  async #run(
    options: PutOptions,
    push: EventQueue<PutEvent>['push'],
    signal: AbortSignal,
    work: Work,
  ): Promise<void> {
    const chunking = chunkingOf(options)
    const { announce } = policyOf(options.policy ?? DEFAULT_POLICY)
    let run: PutRun | undefined
    try {
      const path = await work(async (totalBytes) => {
        const init = { options, chunking, announce, push, signal, totalBytes }
        run = await PutRun.begin(this.#components, init)
        return run
      }, signal)
      await run?.end(path)
    } catch (error) {
      run?.abandon()
      throw error
    }
  }
}
