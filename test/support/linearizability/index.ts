/**
 * Histories of what clients saw, and whether they are linearizable.
 *
 * @example
 * const history = new HistoryRecorder<RegisterInput, RegisterOutput>()
 * const id = history.invoke('client-1', { type: 'write', value: 'a' })
 * history.complete(id, { type: 'write' })   // or withdraw(id); neither: the outcome is unknown
 * const check = checkHistory(registerModel, history.operations)
 * expect(check.verdict, explain(check)).toBe('linearizable')
 */
export {
  type Check,
  type CheckOptions,
  checkByKey,
  checkHistory,
  explain,
  type KeyedCheck,
  type Model,
  type Verdict,
} from './checker.js'
export { HistoryRecorder, type Operation } from './history.js'
export {
  type KeyValueInput,
  type KeyValueOutput,
  keyValueModel,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from './models.js'
export { parseKeyValueLog, parseRegisterLog } from './recorded.js'
