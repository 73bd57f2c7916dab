/** The sequential objects that histories are checked against. */
import type { Model } from './checker.js'

export type RegisterInput =
  | { type: 'read' }
  | { type: 'write'; value: string }
  /** Writes `to` if the register holds `from`; null is a register that was never written. */
  | { type: 'cas'; from: string | null; to: string }

export type RegisterOutput =
  /** `value` null: nothing was ever written. */
  | { type: 'read'; value: string | null }
  | { type: 'write' }
  /** `done` false: it has seen another value than `from`. */
  | { type: 'cas'; done: boolean }

/** One register. With {@link checkByKey}: one of many, and the key stands beside the input. */
export const registerModel: Model<string | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    if (output !== undefined && output.type !== input.type) {
      throw new Error(`a ${input.type} can't be answered as a ${output.type}`)
    }
    if (input.type === 'write') return input.value
    if (input.type === 'read') {
      return output?.type !== 'read' || output.value === state ? state : undefined
    }
    const done = input.from === state
    if (output?.type === 'cas' && output.done !== done) return undefined
    return done ? input.to : state
  },
  stateKey: (state) => (state === null ? '' : `=${state}`),
}

export type KeyValueInput = { key: string } & (
  | { type: 'get' }
  | { type: 'put'; value: string }
  | { type: 'append'; value: string }
)

/** What a `get` returned; the others return nothing. */
export type KeyValueOutput = { value: string }

/** A string per key, empty at first, to be checked with {@link checkByKey}. */
export const keyValueModel: Model<string, KeyValueInput, KeyValueOutput> = {
  initial: '',
  step(state, input, output) {
    if (input.type === 'append') return state + input.value
    if (input.type === 'put') return input.value
    return output === undefined || output.value === state ? state : undefined
  },
}
