/**
 * What clients saw: operations with the moments of their call and return. A moment is the position
 * of the event in the history, so two events are never simultaneous.
 */

export interface Operation<I, O> {
  client: number | string
  input: I
  /** Undefined when the outcome is unknown. */
  output: O | undefined
  calledAt: number
  /** Infinity when the outcome is unknown: it may take effect at any later moment, or never. */
  returnedAt: number
}

/** Collects a history while it happens. Times come from the order of the calls to it. */
export class HistoryRecorder<I, O> {
  readonly #operations = new Map<number, Operation<I, O>>()
  #now = 0

  /** @returns the operation's number, for its one later outcome */
  invoke(client: number | string, input: I): number {
    const id = this.#now++
    this.#operations.set(id, {
      client,
      input,
      output: undefined,
      calledAt: id,
      returnedAt: Number.POSITIVE_INFINITY,
    })
    return id
  }

  complete(id: number, output: O): void {
    const operation = this.#operations.get(id)
    if (operation === undefined) throw new Error(`no operation ${id} is under way`)
    operation.output = output
    operation.returnedAt = this.#now++
  }

  /** It took no effect for certain: reads that failed, commands refused before they were proposed. */
  withdraw(id: number): void {
    this.#operations.delete(id)
  }

  /** In the order of their calls. Those without an outcome yet are of unknown outcome. */
  get operations(): Operation<I, O>[] {
    return [...this.#operations.values()].map((operation) => ({ ...operation }))
  }
}
