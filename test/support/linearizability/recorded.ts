/** Parsers for recorded histories: Jepsen's log of a register, and key-value histories in EDN lines. */
import { HistoryRecorder, type Operation } from './history.js'
import type { KeyValueInput, KeyValueOutput, RegisterInput, RegisterOutput } from './models.js'

const REGISTER_LINE =
  /^INFO\s+jepsen\.util - (\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(nil|:timed-out|\d+|\[\d+ \d+\])$/

/**
 * A Jepsen log of one register. A failed read took no effect; a failed compare-and-set has seen
 * another value; what timed out stays open. Lines of other loggers are skipped.
 *
 * @throws for a line of `jepsen.util` that is none of these
 */
export function parseRegisterLog(text: string): Operation<RegisterInput, RegisterOutput>[] {
  const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
  const underWay = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.includes('jepsen.util - ') || !/:(read|write|cas)\b/.test(line)) continue
    const [, client, event, type, value] = REGISTER_LINE.exec(line.trimEnd()) ?? []
    if (client === undefined || type === undefined || value === undefined) {
      throw new Error(`not a line of a register history: ${line}`)
    }
    if (event === 'invoke') {
      underWay.set(client, recorder.invoke(client, registerInput(type, value)))
      continue
    }
    const id = underWay.get(client)
    if (id === undefined) throw new Error(`client ${client} has nothing under way: ${line}`)
    underWay.delete(client)
    if (event === 'info') continue
    if (type === 'read') {
      if (event === 'fail') recorder.withdraw(id)
      else recorder.complete(id, { type, value: value === 'nil' ? null : value })
    } else if (type === 'cas') recorder.complete(id, { type, done: event === 'ok' })
    else if (event === 'fail') recorder.withdraw(id)
    else recorder.complete(id, { type: 'write' })
  }
  return recorder.operations
}

function registerInput(type: string, value: string): RegisterInput {
  if (type === 'read') return { type }
  if (type === 'write') return { type, value }
  const [from, to] = value.slice(1, -1).split(' ')
  return { type: 'cas', from: from!, to: to! }
}

const KEY_VALUE_LINE =
  /^\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "([^"]*)", :value (nil|"([^"]*)")\}$/

/** Key-value histories: each line a map of `:process :type :f :key :value`. @throws for other lines */
export function parseKeyValueLog(text: string): Operation<KeyValueInput, KeyValueOutput>[] {
  const recorder = new HistoryRecorder<KeyValueInput, KeyValueOutput>()
  const underWay = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const [, client, event, type, key, , value = ''] = KEY_VALUE_LINE.exec(line.trimEnd()) ?? []
    if (client === undefined || key === undefined) {
      throw new Error(`not a line of a key-value history: ${line}`)
    }
    if (event === 'invoke') {
      underWay.set(client, recorder.invoke(client, keyValueInput(type!, key, value)))
      continue
    }
    const id = underWay.get(client)
    if (id === undefined) throw new Error(`client ${client} has nothing under way: ${line}`)
    underWay.delete(client)
    recorder.complete(id, { value })
  }
  return recorder.operations
}

function keyValueInput(type: string, key: string, value: string): KeyValueInput {
  if (type === 'get') return { type, key }
  return { type: type === 'put' ? 'put' : 'append', key, value }
}
