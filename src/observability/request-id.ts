/** A request keeps its id from the client's door across every node that works on it. */
import { randomFillSync } from 'node:crypto'

const REQUEST_ID_BYTES = 8
// Ids come from other programs too and go into log lines and headers: nothing that could break
// out of either.
const REQUEST_ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/

/** The kernel is asked for many ids at once: asking costs more than all else that an id takes. */
const drawn = Buffer.alloc(REQUEST_ID_BYTES * 512)
let used = drawn.length

/** 16 hex digits: unique enough to find a request in a day's logs, short enough to read out. */
export function newRequestId(): string {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  const at = used
  used += REQUEST_ID_BYTES
  return drawn.toString('hex', at, used)
}

/** Whether a foreign id may be kept as it is. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && REQUEST_ID_PATTERN.test(value)
}
