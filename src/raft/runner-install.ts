import { type AbortOptions, assert, DpsError } from '../base/index.js'
import type { Raft } from './core/raft.js'
import type { SnapshotMeta } from './core/types.js'
import type { StateInstall, StateMachine } from './state-machine.js'
import type { SnapshotMessage } from './transport.js'

/** An install that Raft has accepted and whose batch isn't on disk yet. */
interface Adopting {
  install: StateInstall
  done: () => void
  failed: (reason: unknown) => void
}

export interface SnapshotReceiverComponents {
  machine: Pick<StateMachine, 'install' | 'adopt' | 'appliedIndex'>
  raft: Raft
}

/** A follower's side of a transfer: from the first piece to the state that replaced its own. */
export class SnapshotReceiver {
  readonly #components: SnapshotReceiverComponents
  /** Tells the runner that Raft has work. */
  readonly #wake: () => void
  #adopting: Adopting | undefined
  #closed: DpsError | undefined

  constructor(components: SnapshotReceiverComponents, wake: () => void) {
    this.#components = components
    this.#wake = wake
  }

  /** @returns undefined when all of it is known here. See `Receiver.installing` */
  async installing(
    message: SnapshotMessage,
    options?: AbortOptions,
  ): Promise<StateInstall | undefined> {
    const { raft, machine } = this.#components
    if (this.#closed !== undefined) throw this.#closed
    // Old news: stepping it answers the sender.
    if (message.term < raft.term || message.snapshot.index <= raft.committed) return undefined
    if (this.#adopting !== undefined) {
      throw new DpsError('UNAVAILABLE', 'another snapshot is being installed: try again')
    }
    return machine.install(message.snapshot, options)
  }

  /** See `Receiver.installed`. */
  async installed(message: SnapshotMessage, install: StateInstall | undefined): Promise<void> {
    const { raft } = this.#components
    await install?.finish()
    if (this.#closed !== undefined) throw this.#closed
    if (this.#adopting !== undefined) {
      throw new DpsError('UNAVAILABLE', 'another snapshot is being installed: try again')
    }
    const { index } = message.snapshot
    assert(install === undefined || install.meta.index === index, 'the install is of this message')
    // Without its bytes the message may be stepped only where it can't replace anything.
    const safe = install !== undefined || message.term < raft.term || index <= raft.committed
    if (!safe) throw new DpsError('ABORTED', 'the snapshot is needed after all: send it again')
    raft.step(message)
    this.#wake()
    if (install === undefined) return
    if (raft.installing?.index !== index) return install.abort()
    return new Promise<void>((resolve, reject) => {
      this.#adopting = { install, done: resolve, failed: reject }
    })
  }

  /** The generation that the batch with this snapshot records. */
  generation(meta: SnapshotMeta): number {
    assert(this.#adopting?.install.meta.index === meta.index, 'what is restored was received')
    return this.#adopting.install.generation
  }

  /** The batch is on disk: the new state replaces the old one. */
  async adopt(): Promise<void> {
    const { machine } = this.#components
    const adopting = this.#adopting
    assert(adopting !== undefined, 'a snapshot was accepted')
    const { install } = adopting
    await machine.adopt(install)
    assert(machine.appliedIndex === install.meta.index, 'the adopted state is the snapshot')
    this.#adopting = undefined
    adopting.done()
  }

  close(reason: DpsError): void {
    this.#closed = reason
    this.#adopting?.failed(reason)
    this.#adopting = undefined
  }
}
