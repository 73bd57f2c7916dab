import { backoffMs, type Random, type Timers } from '../base/index.js'
import type { Log } from '../observability/index.js'
import type { NodeId } from './core/configuration.js'
import type { SnapshotOutcome } from './core/raft.js'
import type { StateMachine, StateSnapshot } from './state-machine.js'
import type { SnapshotMessage, Transport } from './transport.js'

const BACKOFF_BASE_MS = 100
const BACKOFF_MAX_MS = 2_000

export interface SnapshotSenderComponents {
  machine: Pick<StateMachine, 'snapshot'>
  transport: Pick<Transport, 'sendSnapshot'>
  timers: Timers
  random: Random
  logger: Log
}

export interface SnapshotSenderInit {
  /** A broken transfer that isn't asked to go on for so long is given up. */
  idleMs: number
  /** Called once for each `send` that wasn't aborted. */
  report: (id: NodeId, outcome: SnapshotOutcome) => void
}

/** One member's transfer, over all its interruptions. */
interface Transfer {
  readonly message: SnapshotMessage
  readonly controller: AbortController
  /** Kept open between interruptions: only the same state can be resumed. */
  snapshot: StateSnapshot | undefined
  /** Cancels what is planned: giving up, or a late report. */
  cancel: () => void
}

/** A leader's transfers of its state to members that are too far behind, one for each of them. */
export class SnapshotSender {
  readonly #components: SnapshotSenderComponents
  readonly #init: SnapshotSenderInit
  readonly #transfers = new Map<NodeId, Transfer>()
  /** Failures in a row. */
  readonly #failures = new Map<NodeId, number>()

  constructor(components: SnapshotSenderComponents, init: SnapshotSenderInit) {
    this.#components = components
    this.#init = init
  }

  /** The log behind here is what receivers will ask for next. Undefined when nothing travels. */
  get oldestIndex(): number | undefined {
    let oldest: number | undefined
    for (const { snapshot, message } of this.#transfers.values()) {
      const { index } = snapshot?.meta ?? message.snapshot
      oldest = Math.min(oldest ?? index, index)
    }
    return oldest
  }

  /** Starts or resumes a member's transfer. Raft asks again only after the last one was reported. */
  send(message: SnapshotMessage): void {
    const { to } = message
    const known = this.#transfers.get(to)
    const resumed = known !== undefined && known.message.snapshot.index === message.snapshot.index
    if (known !== undefined && !resumed) this.#drop(to, known)
    known?.cancel()
    const transfer: Transfer = {
      message,
      controller: new AbortController(),
      snapshot: resumed ? known.snapshot : undefined,
      cancel: () => {},
    }
    this.#transfers.set(to, transfer)
    void this.#run(transfer)
  }

  async #run(transfer: Transfer): Promise<void> {
    const { message, controller } = transfer
    const { machine, transport, logger } = this.#components
    const { signal } = controller
    const { to } = message
    let outcome: SnapshotOutcome = 'failed'
    try {
      transfer.snapshot ??= await machine.snapshot({ signal })
      const { snapshot } = transfer
      const { meta } = snapshot
      if (signal.aborted) void this.#close(transfer)
      else if (meta.index >= message.snapshot.index) {
        // The state may be newer than what Raft asked for: it is that one which the receiver gets.
        outcome = await transport.sendSnapshot({ ...message, snapshot: meta }, snapshot, { signal })
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ peer: to, err: error }, 'a snapshot could not be sent')
    }
    if (signal.aborted) return
    if (outcome !== 'finished') logger.info({ peer: to, outcome }, 'a snapshot did not arrive')
    this.#settle(transfer, outcome)
  }

  #settle(transfer: Transfer, outcome: SnapshotOutcome): void {
    const { to } = transfer.message
    const { timers, random } = this.#components
    if (outcome === 'interrupted') {
      transfer.cancel = timers.after(this.#init.idleMs, () => {
        this.#drop(to, transfer)
        this.#init.report(to, 'failed')
      })
      this.#init.report(to, outcome)
      return
    }
    if (outcome === 'finished') {
      this.#failures.delete(to)
      this.#drop(to, transfer)
      this.#init.report(to, outcome)
      return
    }
    const failures = this.#failures.get(to) ?? 0
    this.#failures.set(to, failures + 1)
    void this.#close(transfer)
    // A receiver that refuses, say for want of space, isn't asked with every heartbeat.
    transfer.cancel = timers.after(
      backoffMs(failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS, random),
      () => {
        this.#drop(to, transfer)
        this.#init.report(to, outcome)
      },
    )
  }

  #drop(to: NodeId, transfer: Transfer): void {
    transfer.cancel()
    transfer.controller.abort()
    if (this.#transfers.get(to) === transfer) this.#transfers.delete(to)
    void this.#close(transfer)
  }

  async #close(transfer: Transfer): Promise<void> {
    const { snapshot } = transfer
    transfer.snapshot = undefined
    try {
      await snapshot?.close()
    } catch (error) {
      this.#components.logger.warn({ err: error }, 'a snapshot could not be closed')
    }
  }

  /** The leadership is over: nothing of it is reported any more. */
  abort(): void {
    for (const [to, transfer] of this.#transfers) this.#drop(to, transfer)
    this.#failures.clear()
  }
}
