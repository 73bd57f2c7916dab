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
  /** The one that the state machine receives now. Invariant: no other one is ever adopted. */
  #begun: StateInstall | undefined
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
    const { machine } = this.#components
    if (this.#closed !== undefined) throw this.#closed
    if (this.#isKnown(message)) return undefined
    if (this.#adopting !== undefined) throw busy()
    const { snapshot } = message
    // The state machine gives up what it has of another one, however far that is.
    if (this.#begun?.meta.index !== snapshot.index) this.#begun = undefined
    const install = await machine.install(snapshot, options)
    this.#begun = install
    return install
  }

  /** Stepping it can replace nothing: it is old news, or answers who is behind. */
  #isKnown({ term, snapshot }: SnapshotMessage): boolean {
    const { raft } = this.#components
    return term < raft.term || snapshot.index <= raft.committed
  }

  /** See `Receiver.installed`. */
  async installed(message: SnapshotMessage, install: StateInstall | undefined): Promise<void> {
    const { raft } = this.#components
    const { index } = message.snapshot
    if (!this.#isKnown(message)) {
      assert(install === undefined || install.meta.index === index, 'it is of this message')
      await install?.finish()
      if (this.#closed !== undefined) throw this.#closed
    }
    if (this.#isKnown(message)) {
      raft.step(message)
      this.#wake()
      const needless = index <= raft.committed && this.#adopting?.install !== install
      if (needless) await install?.abort()
      return
    }
    if (install === undefined || install !== this.#begun) {
      throw new DpsError('ABORTED', 'the snapshot is not there (any more): send it again')
    }
    if (this.#adopting !== undefined) throw busy()
    this.#begun = undefined
    raft.step(message)
    this.#wake()
    // The log turned out to hold all of it.
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

function busy(): DpsError {
  return new DpsError('UNAVAILABLE', 'another snapshot is being installed: try again')
}
