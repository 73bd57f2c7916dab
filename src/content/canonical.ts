/**
 * Whether protobuf bytes are the ones that an encoder writes which knows one way only: fields in
 * the order of their numbers, nothing unknown, nothing twice, shortest numbers, no defaults.
 *
 * Decoding and encoding again would tell as well, but takes 5 ms for a full manifest, or 20 ms of
 * garbage collection for a wide directory. This reads each byte once and makes no objects.
 */
import { isUtf8 } from 'node:buffer'
import { DpsError } from '../base/index.js'
import { STEPS_MAX } from './chunking.js'
import { MANIFEST_CHILDREN_MAX } from './manifest.js'

export interface Field {
  type: 'uint32' | 'uint64' | 'bytes' | 'text' | Schema
  /** How often it may occur. @default once, as a singular field */
  times?: number
  /** Whether it may be there with the default as its value. Repeated fields may. */
  optional?: true
}

export interface Schema {
  /** By field number. */
  fields: Record<number, Field>
  /** All fields are one oneof. */
  oneof?: true
}

const UINT32_MAX = 2 ** 32 - 1
const VARINT = 0
const DELIMITED = 2

/** @throws INVALID_ARGUMENT */
export function checkCanonical(bytes: Uint8Array, schema: Schema): void {
  const scan = new Scan(bytes)
  scan.message(schema, bytes.length)
}

class Scan {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  message(schema: Schema, end: number): void {
    let before = 0
    let times = 0
    while (this.#at < end) {
      const tag = this.#varint(end)
      const number = Math.floor(tag / 8)
      const field = schema.fields[number]
      if (field === undefined) throw notCanonical(`field ${number} is unknown`)
      times = number === before ? times + 1 : 1
      if (number < before || (schema.oneof && before !== 0)) {
        throw notCanonical(`field ${number} after field ${before}`)
      }
      if (times > (field.times ?? 1)) throw notCanonical(`field ${number} is there too often`)
      before = number
      this.#value(number, field, tag % 8, end)
    }
  }

  #value(number: number, field: Field, wire: number, end: number): void {
    const { type } = field
    const isNumber = type === 'uint32' || type === 'uint64'
    if (wire !== (isNumber ? VARINT : DELIMITED))
      throw notCanonical(`field ${number}: its wire type`)
    const mayBeDefault = field.optional === true || field.times !== undefined
    const value = this.#varint(end)
    if (isNumber) {
      if (value === 0 && !mayBeDefault) throw notCanonical(`field ${number} says its default`)
      if (type === 'uint32' && value > UINT32_MAX) throw notCanonical(`field ${number}: ${value}`)
      return
    }
    const next = this.#at + value
    if (next > end) throw notCanonical(`field ${number} goes on past the end`)
    if (typeof type === 'object') {
      this.message(type, next)
      return
    }
    if (type === 'text') {
      if (value === 0 && !mayBeDefault) throw notCanonical(`field ${number} says its default`)
      if (!isUtf8(this.#bytes.subarray(this.#at, next)))
        throw notCanonical(`field ${number}: no UTF-8`)
    }
    this.#at = next
  }

  #varint(end: number): number {
    let value = 0
    let scale = 1
    for (;;) {
      if (this.#at === end) throw notCanonical('a number goes on past the end')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw notCanonical('a padded number')
        if (value > Number.MAX_SAFE_INTEGER) throw notCanonical('a number above 2^53 - 1')
        return value
      }
      scale *= 128
      if (scale > Number.MAX_SAFE_INTEGER) throw notCanonical('a number above 2^53 - 1')
    }
  }
}

function notCanonical(why: string): DpsError {
  return new DpsError('INVALID_ARGUMENT', `the encoding is not canonical: ${why}`)
}

const CHUNKING: Schema = {
  oneof: true,
  fields: {
    1: {
      type: {
        fields: {
          1: {
            type: { fields: { 1: { type: 'uint64' }, 2: { type: 'uint32' } } },
            times: STEPS_MAX,
          },
        },
      },
    },
    2: {
      type: {
        fields: {
          1: { type: 'uint32' },
          2: { type: 'uint32' },
          3: { type: 'uint32' },
          4: { type: 'uint32' },
        },
      },
    },
  },
}

/** `manifest.proto`, as far as {@link checkCanonical} needs it. A test holds it to the generated code. */
export const MANIFEST_SCHEMA: Schema = {
  oneof: true,
  fields: {
    1: {
      type: {
        fields: {
          1: { type: 'uint32' },
          2: { type: 'bytes', optional: true },
          3: { type: 'uint64' },
          4: { type: CHUNKING },
          5: { type: 'uint64' },
          6: { type: 'bytes', times: MANIFEST_CHILDREN_MAX },
          7: { type: 'uint64', times: MANIFEST_CHILDREN_MAX },
        },
      },
    },
    2: {
      type: {
        fields: {
          1: { type: 'uint32' },
          2: {
            type: {
              fields: {
                1: { type: 'text' },
                2: { type: 'uint32' },
                3: { type: 'bytes', optional: true },
                4: { type: 'uint64' },
                5: { type: 'text' },
              },
            },
            times: MANIFEST_CHILDREN_MAX,
          },
          3: {
            type: {
              fields: {
                1: { type: 'bytes', optional: true },
                2: { type: 'uint64' },
                3: { type: 'uint64' },
                4: { type: 'text' },
              },
            },
            times: MANIFEST_CHILDREN_MAX,
          },
        },
      },
    },
  },
}
