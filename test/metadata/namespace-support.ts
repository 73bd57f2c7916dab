/** The namespace's handlers over a plain map, as a replica would run them. */
import { DpsError } from '../../src/base/index.js'
import { cidOf, sha256 } from '../../src/content/index.js'
import type { CommandHandler } from '../../src/metadata/command.js'
import { NAMESPACE_COMMANDS } from '../../src/metadata/commands/namespace.js'
import { Draft } from '../../src/metadata/draft.js'
import type { KeyRange, Row, View } from '../../src/metadata/index.js'
import { textOfKey } from '../../src/metadata/keys.js'
import type {
  FileId,
  NamespaceCommand,
  NamespaceResults,
  Place,
} from '../../src/metadata/namespace-types.js'

type AnyHandler = CommandHandler<{ type: string }, unknown>

const HANDLERS = new Map(
  (NAMESPACE_COMMANDS as readonly unknown[] as readonly AnyHandler[]).map((each) => [
    each.type,
    each,
  ]),
)

export class NamespaceState implements View {
  readonly rows = new Map<string, Row>()
  appliedIndex = 0
  /** Keys that the last command wrote. */
  written: Uint8Array[] = []
  timeMs = 1_700_000_000_000

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.get(textOfKey(key))?.[1]
  }

  async *range({ gte, lt, limit, reverse }: KeyRange): AsyncGenerator<readonly Row[]> {
    const [from, to] = [textOfKey(gte), textOfKey(lt)]
    const names = [...this.rows.keys()].filter((key) => key >= from && key < to).sort()
    if (reverse) names.reverse()
    const rows = names.slice(0, limit).map((name) => this.rows.get(name)!)
    // In short pages, so that readers meet their ends.
    for (let at = 0; at < rows.length; at += 3) yield rows.slice(at, at + 3)
  }

  /** Over the wire and back, as the log has it; a refused command leaves no trace. */
  run<C extends NamespaceCommand>(command: C): NamespaceResults[C['type']] {
    const handler = HANDLERS.get(command.type)!
    this.appliedIndex++
    this.timeMs++
    this.written = []
    const draft = new Draft(this)
    const decoded = handler.decode(handler.encode(command))
    const context = { view: draft, index: this.appliedIndex, timeMs: this.timeMs }
    const result = handler.apply(context, decoded)
    for (const [name, { key, value, fresh }] of draft.writes) {
      if (fresh && this.rows.has(name)) throw new TypeError(`${name} was there before`)
      this.written.push(key)
      if (value === undefined) this.rows.delete(name)
      else this.rows.set(name, [key, value])
    }
    return handler.decodeResult(handler.encodeResult(result)) as NamespaceResults[C['type']]
  }

  /** The code of the error that a command was refused with, or OK. */
  refusal(command: NamespaceCommand): string {
    try {
      this.run(command)
    } catch (error) {
      if (error instanceof DpsError) return error.code
      throw error
    }
    return 'OK'
  }

  keys(prefix: string): string[] {
    return [...this.rows.keys()].filter((key) => key.startsWith(prefix)).sort()
  }
}

export function place(path: string, directoryId = 0): Place {
  return { directoryId, names: path.split('/').filter((name) => name !== '') }
}

export function fileId(text: string): FileId {
  return cidOf('manifest', sha256(new TextEncoder().encode(text))).bytes
}

export const ATTRIBUTES = { mode: 0o644, uid: 1, gid: 2, mtimeNs: 3n }
