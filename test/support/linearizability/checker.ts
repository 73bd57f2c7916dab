/**
 * Is a history linearizable: is there one order of its operations that respects what had returned
 * before what was called, and in which each gives the output that the model says?
 *
 * A depth-first search for that order (Wing & Gong, "Testing and Verifying Concurrent Objects",
 * 1993) that never comes twice to the same set of operations in the same state (Lowe, "Testing for
 * linearizability", 2017). Two shortcuts lose nothing: an operation that fits and leaves the
 * state alone is taken at once, without an alternative; of unknown outcomes with equal inputs only
 * the earliest is tried.
 */
import type { Operation } from './history.js'

/** The sequential object. States are never mutated. */
export interface Model<S, I, O> {
  readonly initial: S
  /**
   * The state after `input` when it gave `output`; undefined when it can't have given that. With
   * `output` undefined (unknown outcome) anything may have been answered.
   */
  step(state: S, input: I, output: O | undefined): S | undefined
  /** Equal for equal states, and only for these. @default String(state) with its type */
  stateKey?(state: S): string
  /** Equal for inputs with equal effect, and only for these. @default JSON */
  inputKey?(input: I): string
}

export interface CheckOptions {
  /** States tried until the search gives up; some 0.5-2 million a second. @default 2,000,000 */
  stepsMax?: number
}

export type Verdict = 'linearizable' | 'violated' | 'undecided'

export interface Check<I, O> {
  /** `undecided` when `stepsMax` was reached. */
  verdict: Verdict
  steps: number
  /** The longest order found: all definite operations when the history is linearizable. */
  order: Operation<I, O>[]
  /** Operations that could not follow the longest order although one of them had to. */
  stuck: Operation<I, O>[]
}

/** Checks one object's history; see {@link checkByKey} for many. */
export function checkHistory<S, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  { stepsMax = 2_000_000 }: CheckOptions = {},
): Check<I, O> {
  return new Search(model, history).run(stepsMax)
}

export interface KeyedCheck<I, O> extends Check<I, O> {
  /** Where it is violated or undecided; undefined when linearizable. */
  key: string | undefined
}

/**
 * Checks each key by itself: linearizability is local, so the whole is linearizable exactly when
 * each object is. A violation of any key wins over an undecided one.
 */
export function checkByKey<S, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  keyOf: (input: I) => string,
  options: CheckOptions = {},
): KeyedCheck<I, O> {
  const byKey = new Map<string, Operation<I, O>[]>()
  for (const operation of history) {
    const key = keyOf(operation.input)
    const operations = byKey.get(key)
    if (operations === undefined) byKey.set(key, [operation])
    else operations.push(operation)
  }
  let steps = 0
  let undecided: KeyedCheck<I, O> | undefined
  for (const [key, operations] of byKey) {
    const check = checkHistory(model, operations, options)
    steps += check.steps
    if (check.verdict === 'violated') return { ...check, key }
    if (check.verdict === 'undecided') undecided ??= { ...check, key }
  }
  if (undecided !== undefined) return undecided
  return { verdict: 'linearizable', steps, order: [], stuck: [], key: undefined }
}

/** For the message of a failed test: what fitted last and what could not follow. */
export function explain<I, O>({ verdict, steps, order, stuck }: Check<I, O>): string {
  const line = ({ client, input, output, calledAt, returnedAt }: Operation<I, O>) =>
    `  ${calledAt}-${returnedAt} client ${client}: ${JSON.stringify(input)} -> ${JSON.stringify(output)}`
  return [
    `${verdict} after ${steps} steps; the longest order has ${order.length} operations and ends with`,
    ...order.slice(-8).map(line),
    'none of these can follow:',
    ...stuck.slice(0, 8).map(line),
  ].join('\n')
}

/** A call or a return of a definite operation, in a doubly linked list in order of time. */
interface Entry {
  /** Position in `#definite`; -1 for the list's two ends. */
  at: number
  isReturn: boolean
  time: number
  previous: Entry
  next: Entry
  /** A call's return. */
  match: Entry
}

/** One operation taken, and where to go on looking when it leads nowhere. */
interface Frame<S> {
  definite: Entry | undefined
  open: number
  stateBefore: S
  /** Taken without an alternative. */
  forced: boolean
}

class Search<S, I, O> {
  readonly #model: Model<S, I, O>
  /** Known outcomes, in order of their calls. */
  readonly #definite: Operation<I, O>[]
  /** Unknown outcomes, in order of their calls. */
  readonly #open: Operation<I, O>[]
  /** For each of `#open` the one before it with an equal input; -1 for the first. */
  readonly #twins: number[]
  readonly #head: Entry
  readonly #taken: Uint8Array
  readonly #openTaken: Uint8Array
  /** Lowest definite operation that is not taken. Invariant: all before it are. */
  #frontier = 0
  /** Highest definite operation that is taken; -1 when none is. */
  #highest = -1
  #remaining: number
  readonly #seen = new Set<string>()
  readonly #stack: Frame<S>[] = []
  #state: S
  #longest: Operation<I, O>[] = []
  #stuck: Operation<I, O>[] = []

  constructor(model: Model<S, I, O>, history: readonly Operation<I, O>[]) {
    this.#model = model
    const sorted = [...history].sort((a, b) => a.calledAt - b.calledAt)
    this.#definite = sorted.filter(({ returnedAt }) => returnedAt !== Number.POSITIVE_INFINITY)
    this.#open = sorted.filter(({ returnedAt }) => returnedAt === Number.POSITIVE_INFINITY)
    this.#twins = twinsOf(this.#open, model.inputKey ?? ((input) => JSON.stringify(input)))
    this.#head = listOf(this.#definite)
    this.#taken = new Uint8Array(this.#definite.length)
    this.#openTaken = new Uint8Array(this.#open.length)
    this.#remaining = this.#definite.length
    this.#state = model.initial
  }

  run(stepsMax: number): Check<I, O> {
    let steps = 0
    let from: Entry | undefined = this.#head.next
    let fromOpen = 0
    while (this.#remaining > 0) {
      if (steps++ > stepsMax) return this.#check('undecided', steps)
      if (this.#advance(from, fromOpen)) {
        from = this.#head.next
        fromOpen = 0
        continue
      }
      if (this.#stack.length >= this.#longest.length) this.#note()
      const frame = this.#back()
      if (frame === undefined) return this.#check('violated', steps)
      from = frame.definite?.next
      fromOpen = frame.definite === undefined ? frame.open + 1 : 0
    }
    this.#note()
    return this.#check('linearizable', steps)
  }

  /** Takes one more operation, looking from these places on. @returns false when none fits */
  #advance(from: Entry | undefined, fromOpen: number): boolean {
    if (from === this.#head.next && this.#takeForced()) return true
    for (let entry = from; entry !== undefined && !entry.isReturn; entry = entry.next) {
      const { input, output } = this.#definite[entry.at]!
      const next = this.#model.step(this.#state, input, output)
      if (next !== undefined && this.#take(entry, -1, next)) return true
    }
    const boundary = this.#firstReturn()
    for (let at = fromOpen; at < this.#open.length; at++) {
      const { input, calledAt } = this.#open[at]!
      if (calledAt > boundary) break
      // Of twins the earliest goes first: where a later one fits, it does too.
      if (this.#openTaken[at] === 1 || this.#openTaken[this.#twins[at]!] === 0) continue
      const next = this.#model.step(this.#state, input, undefined)
      if (next === undefined || this.#isSame(next)) continue
      if (this.#take(undefined, at, next)) return true
    }
    return false
  }

  /** An operation that fits and changes nothing: every order that takes it later can take it now. */
  #takeForced(): boolean {
    for (let entry = this.#head.next; !entry.isReturn; entry = entry.next) {
      const { input, output } = this.#definite[entry.at]!
      const next = this.#model.step(this.#state, input, output)
      if (next === undefined || !this.#isSame(next)) continue
      this.#mark(entry)
      this.#stack.push({ definite: entry, open: -1, stateBefore: this.#state, forced: true })
      return true
    }
    return false
  }

  #firstReturn(): number {
    let entry = this.#head.next
    while (!entry.isReturn) entry = entry.next
    return entry.time
  }

  #isSame(next: S): boolean {
    return next === this.#state || this.#keyOf(next) === this.#keyOf(this.#state)
  }

  #keyOf(state: S): string {
    return this.#model.stateKey?.(state) ?? `${typeof state}${String(state)}`
  }

  /** @returns false when the search has been where this leads */
  #take(definite: Entry | undefined, open: number, next: S): boolean {
    if (definite === undefined) this.#openTaken[open] = 1
    else this.#mark(definite)
    const key = this.#configKey(next)
    if (this.#seen.has(key)) {
      this.#release(definite, open)
      return false
    }
    this.#seen.add(key)
    this.#stack.push({ definite, open, stateBefore: this.#state, forced: false })
    this.#state = next
    return true
  }

  #release(definite: Entry | undefined, open: number): void {
    if (definite === undefined) this.#openTaken[open] = 0
    else this.#unmark(definite)
  }

  #mark(call: Entry): void {
    this.#taken[call.at] = 1
    this.#remaining--
    if (call.at > this.#highest) this.#highest = call.at
    while (this.#taken[this.#frontier] === 1) this.#frontier++
    unlink(call)
    unlink(call.match)
  }

  #unmark(call: Entry): void {
    relink(call.match)
    relink(call)
    this.#taken[call.at] = 0
    this.#remaining++
    if (call.at < this.#frontier) this.#frontier = call.at
    while (this.#highest >= 0 && this.#taken[this.#highest] === 0) this.#highest--
  }

  /** Gives up the last operation for which there is an alternative. */
  #back(): Frame<S> | undefined {
    for (let frame = this.#stack.pop(); frame !== undefined; frame = this.#stack.pop()) {
      this.#state = frame.stateBefore
      this.#release(frame.definite, frame.open)
      if (!frame.forced) return frame
    }
    return undefined
  }

  /** The set of taken operations and the state: equal exactly for equal configurations. */
  #configKey(state: S): string {
    let key = `${this.#frontier}`
    for (let at = this.#frontier; at <= this.#highest; at++) {
      if (this.#taken[at] === 1) key += `,${at}`
    }
    for (let at = 0; at < this.#openTaken.length; at++) {
      if (this.#openTaken[at] === 1) key += `;${at}`
    }
    return `${key}|${this.#keyOf(state)}`
  }

  #note(): void {
    this.#longest = this.#stack.map(({ definite, open }) =>
      definite === undefined ? this.#open[open]! : this.#definite[definite.at]!,
    )
    this.#stuck = []
    for (let entry = this.#head.next; !entry.isReturn && entry.at >= 0; entry = entry.next) {
      this.#stuck.push(this.#definite[entry.at]!)
    }
  }

  #check(verdict: Verdict, steps: number): Check<I, O> {
    return { verdict, steps, order: this.#longest, stuck: this.#stuck }
  }
}

/** @returns the head of a list of calls and returns in order of time, closed by an end that counts as a return */
function listOf<I, O>(definite: readonly Operation<I, O>[]): Entry {
  const entryOf = (at: number, isReturn: boolean, time: number): Entry => {
    const entry = { at, isReturn, time } as Entry
    entry.previous = entry
    entry.next = entry
    entry.match = entry
    return entry
  }
  const entries: Entry[] = []
  for (const [at, { calledAt, returnedAt }] of definite.entries()) {
    const call = entryOf(at, false, calledAt)
    call.match = entryOf(at, true, returnedAt)
    entries.push(call, call.match)
  }
  // A return at the very moment of a call is after it: then the two were concurrent.
  entries.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn))
  const head = entryOf(-1, false, Number.NEGATIVE_INFINITY)
  let last = head
  for (const entry of [...entries, entryOf(-1, true, Number.POSITIVE_INFINITY)]) {
    last.next = entry
    entry.previous = last
    last = entry
  }
  return head
}

function twinsOf<I, O>(open: readonly Operation<I, O>[], keyOf: (input: I) => string): number[] {
  const last = new Map<string, number>()
  return open.map(({ input }, at) => {
    const key = keyOf(input)
    const twin = last.get(key) ?? -1
    last.set(key, at)
    return twin
  })
}

function unlink(entry: Entry): void {
  entry.previous.next = entry.next
  entry.next.previous = entry.previous
}

/** Undoes the last `unlink` that is not undone. */
function relink(entry: Entry): void {
  entry.previous.next = entry
  entry.next.previous = entry
}
