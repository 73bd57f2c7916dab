/**
 * The simulator's own command: one register of text, small enough that a history of millions can be checked.
 * It is added to the table of commands when the simulator is bundled.
 */
import { defineCommand } from '../../src/metadata/command.js'
import { keyOf } from '../../src/metadata/keys.js'

export interface RegisterCommand {
  type: 'simRegister'
  /** `put` replaces, `append` adds. */
  put: boolean
  key: string
  value: string
}

export const SIM_REGISTER = defineCommand<RegisterCommand, { length: number }>({
  type: 'simRegister',
  tag: 900,
  encode: ({ put, key, value }) => Buffer.from(`${put ? '=' : '+'}${key} ${value}`),
  decode: (bytes) => {
    const text = Buffer.from(bytes).toString()
    const space = text.indexOf(' ')
    const [key, value] = [text.slice(1, space), text.slice(space + 1)]
    return { type: 'simRegister', put: text[0] === '=', key, value }
  },
  apply: ({ view }, { put, key, value }) => {
    const at = registerKey(key)
    const before = put ? undefined : view.get(at)
    const after = (before === undefined ? '' : textOf(before)) + value
    view.put(at, Buffer.from(after))
    return { length: after.length }
  },
  encodeResult: ({ length }) => Buffer.from(String(length)),
  decodeResult: (bytes) => ({ length: Number(textOf(bytes)) }),
})

export function registerKey(key: string): Uint8Array {
  return keyOf('z/', key)
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
