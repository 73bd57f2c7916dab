import { DpsError } from '../base/index.js'

/** A stream that ends without its last event was cut. */
export function unfinished(): DpsError {
  return new DpsError('UNAVAILABLE', 'the node ended the call before it was done', {
    hint: 'run it again: what was done is kept',
  })
}
