import { DpsError } from '../base/index.js'
import type { Configuration } from '../raft/index.js'
import type { StateMark } from './codec.js'
import { keyOf, PREFIX } from './keys.js'

/**
 * The state's shape as this program writes it. It grows when an older program could not go on with
 * a state that this one has written to.
 */
export const SCHEMA_VERSION = 1

export const MARK_KEY: Uint8Array = keyOf(PREFIX.meta, 'state')

/** The mark of a state to which nothing was applied. */
export function bootMark(configuration: Configuration): StateMark {
  return { schema: SCHEMA_VERSION, index: 0, term: 0, timeMs: 0, configuration }
}

/** @throws UNIMPLEMENTED when a newer program wrote the state */
export function checkSchema({ schema, index }: StateMark): void {
  if (schema <= SCHEMA_VERSION) return
  throw new DpsError(
    'UNIMPLEMENTED',
    `the state at index ${index} has schema ${schema}; the newest known here is ${SCHEMA_VERSION}`,
    { hint: 'another member runs a newer dps-node: update this one' },
  )
}
