/**
 * The rules of the house, over the import graph of `src/`. Files are given as path → text, so
 * that each rule can be shown to catch a violation that exists nowhere on disk.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The closed list of rooms with their floors. A file of `src/` itself is a room of its own. */
export const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  content: 1,
  placement: 1,
  observability: 1,
  store: 2,
  network: 2,
  raft: 3,
  exchange: 3,
  metadata: 4,
  chain: 4,
  files: 5,
  durability: 5,
  gateway: 6,
  mount: 6,
  'node.ts': 7,
  'config.ts': 8,
  'index.ts': 8,
  cli: 9,
}

/** Floor 8 is the one floor with a pair that knows each other: the public API re-exports. */
const ACQUAINTED = new Set(['index.ts > config.ts'])

const LINES_MAX = 500

/** Code that decides without clock, chance, I/O or waiting. */
const PURE = [/^raft\/core\//, /^metadata\/((apply|draft|keys|command)\.ts$|commands\b)/]
/** What pure code may import besides its own neighbours. */
const PURE_IMPORTS = /^(base|content|placement|metadata)\//

export type Rule =
  | 'room'
  | 'floor'
  | 'stranger'
  | 'door'
  | 'own-door'
  | 'door-logic'
  | 'cycle'
  | 'wire'
  | 'console'
  | 'error'
  | 'purity'
  | 'size'

export interface Violation {
  rule: Rule
  file: string
  detail: string
}

/** `src/` as path → text. */
export function sources(): Map<string, string> {
  const root = fileURLToPath(new URL('../../src', import.meta.url))
  const files = new Map<string, string>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const path = join(entry.parentPath, entry.name)
    files.set(
      path
        .slice(root.length + 1)
        .split(sep)
        .join('/'),
      readFileSync(path, 'utf8'),
    )
  }
  return files
}

interface Import {
  specifier: string
  /** Path inside `src/`, or undefined for a package. */
  target: string | undefined
}

/** @param files path inside `src/` (forward slashes) → text; generated `wire/` is included. */
export function checkArchitecture(files: ReadonlyMap<string, string>): Violation[] {
  const violations: Violation[] = []
  const graph = new Map<string, string[]>()
  const add = (rule: Rule, file: string, detail: string) => violations.push({ rule, file, detail })

  for (const [file, text] of files) {
    if (file.startsWith('wire/')) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    const imports = importsOf(source, file, files)
    graph.set(
      file,
      imports.flatMap(({ target }) => (target === undefined ? [] : [target])),
    )
    if (FLOORS[roomOf(file)] === undefined) add('room', file, `no such room: ${roomOf(file)}`)
    for (const { target } of imports) {
      if (target !== undefined) checkImport(file, target, add)
    }
    checkCode(source, file, imports, add)
    const lines = text.split('\n').length - 1
    if (lines > LINES_MAX) add('size', file, `${lines} lines: look for a second noun`)
  }
  for (const cycle of cyclesOf(graph)) add('cycle', cycle[0]!, cycle.join(' > '))
  return violations
}

/** The room of a path inside `src/`: its first folder, or the file itself. */
export function roomOf(file: string): string {
  const slash = file.indexOf('/')
  if (slash !== -1) return file.slice(0, slash)
  // `config-shapes.ts` is the second half of `config.ts`: one room in two files.
  return file.replace(/^(config|node|index)-[a-z-]+\.ts$/, '$1.ts')
}

function importsOf(
  source: ts.SourceFile,
  file: string,
  files: ReadonlyMap<string, string>,
): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Expression | undefined) => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return
    const specifier = node.text
    let target: string | undefined
    if (specifier.startsWith('.')) {
      const path = posix.join(posix.dirname(file), specifier)
      target = files.has(path) ? path : path.replace(/\.js$/, '.ts')
    }
    imports.push({ specifier, target })
  }
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0])
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal)) add(node.argument.literal)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return imports
}

function checkImport(
  file: string,
  target: string,
  add: (rule: Rule, file: string, detail: string) => void,
): void {
  const [from, to] = [roomOf(file), roomOf(target)]
  if (to === 'wire') {
    const allowed =
      /(^|[/-])codec\.ts$/.test(file) || /^network\/(calls?|frames?)[a-z-]*\.ts$/.test(file)
    if (!allowed) add('wire', file, `imports ${target}: only codec.ts and network's calls may`)
    return
  }
  if (from === to) {
    if (from.endsWith('.ts')) return
    if (target === `${to}/index.ts`) add('own-door', file, `imports its own room's index.ts`)
    return
  }
  const [floorFrom, floorTo] = [FLOORS[from], FLOORS[to]]
  if (floorTo === undefined) {
    add('room', file, `imports ${target}, which is in no room`)
    return
  }
  if (floorFrom !== undefined && floorTo > floorFrom) {
    add('floor', file, `floor ${floorFrom} imports ${target} on floor ${floorTo}`)
  }
  if (floorTo === floorFrom && !ACQUAINTED.has(`${from} > ${to}`)) {
    add('stranger', file, `imports ${target}, on its own floor`)
  }
  if (!to.endsWith('.ts') && target !== `${to}/index.ts`) {
    add('door', file, `imports ${target} past its door ${to}/index.ts`)
  }
}

const PLAIN_ERRORS = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'EvalError',
  'URIError',
  'AggregateError',
])

/** Names whose mere use makes code depend on time, chance or the outside. */
const IMPURE_NAMES = new Set([
  'Date',
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'crypto',
  'Promise',
])

function checkCode(
  source: ts.SourceFile,
  file: string,
  imports: readonly Import[],
  add: (rule: Rule, file: string, detail: string) => void,
): void {
  const room = roomOf(file)
  const pure = PURE.some((pattern) => pattern.test(file))
  const isDoor = file === `${room}/index.ts`
  const at = (node: ts.Node) => `line ${source.getLineAndCharacterOfPosition(node.pos).line + 1}`

  if (isDoor) {
    for (const statement of source.statements) {
      if (!ts.isExportDeclaration(statement) && !ts.isImportDeclaration(statement)) {
        add('door-logic', file, `${at(statement)}: a door only re-exports`)
      }
    }
  }
  if (pure) {
    const home = posix.dirname(file)
    for (const { specifier, target } of imports) {
      const near =
        target !== undefined && (target.startsWith(`${home}/`) || PURE_IMPORTS.test(target))
      if (!near) add('purity', file, `imports ${specifier}`)
    }
  }

  const visit = (node: ts.Node) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const owner = node.expression.text
      if (owner === 'console') add('console', file, `${at(node)}: console.${node.name.text}`)
      if (owner === 'process' && ['stdout', 'stderr', 'exit'].includes(node.name.text)) {
        if (room !== 'cli') add('console', file, `${at(node)}: process.${node.name.text}`)
      }
      if (pure && owner === 'Math' && node.name.text === 'random') {
        add('purity', file, `${at(node)}: Math.random`)
      }
    }
    if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      ts.isIdentifier(node.expression)
    ) {
      if (PLAIN_ERRORS.has(node.expression.text) && room !== 'base') {
        add('error', file, `${at(node)}: ${node.expression.text} instead of DpsError`)
      }
    }
    if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ExtendsKeyword) {
      const name = node.types[0]?.expression
      if (name !== undefined && ts.isIdentifier(name) && PLAIN_ERRORS.has(name.text)) {
        if (room !== 'base') add('error', file, `${at(node)}: extends ${name.text}`)
      }
    }
    if (ts.isThrowStatement(node) && ts.isLiteralExpression(node.expression)) {
      add('error', file, `${at(node)}: throws a literal`)
    }
    if (pure) {
      if (ts.isIdentifier(node) && IMPURE_NAMES.has(node.text) && isUse(node)) {
        add('purity', file, `${at(node)}: ${node.text}`)
      }
      if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) {
        add('purity', file, `${at(node)}: async`)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}

/** False for a property's or member's own name: `state.process` uses no global. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) {
    return ts.isPropertyAccessExpression(parent) && parent.expression === node
  }
  const named = parent as Partial<ts.NamedDeclaration>
  return named.name !== node
}

/** One cycle per strongly connected component (Tarjan), as a path that ends where it began. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const cycles: string[][] = []
  const visit = (node: string) => {
    order.set(node, order.size)
    low.set(node, order.get(node)!)
    stack.push(node)
    onStack.add(node)
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue
      if (!order.has(next)) {
        visit(next)
        low.set(node, Math.min(low.get(node)!, low.get(next)!))
      } else if (onStack.has(next)) low.set(node, Math.min(low.get(node)!, order.get(next)!))
    }
    if (low.get(node) !== order.get(node)) return
    const members = stack.splice(stack.indexOf(node))
    for (const member of members) onStack.delete(member)
    const itself = graph.get(node)?.includes(node) ?? false
    if (members.length > 1 || itself) cycles.push(shortestCycle(graph, node, new Set(members)))
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return cycles
}

function shortestCycle(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
  members: ReadonlySet<string>,
): string[] {
  const queue: string[][] = [[start]]
  const seen = new Set<string>()
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const next of graph.get(path.at(-1)!) ?? []) {
      if (next === start) return [...path, start]
      if (!members.has(next) || seen.has(next)) continue
      seen.add(next)
      queue.push([...path, next])
    }
  }
  return [start]
}

/** `from > to` for every pair of rooms of which one imports the other, sorted. */
export function roomEdges(files: ReadonlyMap<string, string>): string[] {
  const edges = new Set<string>()
  for (const [file, text] of files) {
    if (file.startsWith('wire/')) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    for (const { target } of importsOf(source, file, files)) {
      if (target === undefined || roomOf(target) === roomOf(file)) continue
      edges.add(`${roomOf(file)} > ${roomOf(target)}`)
    }
  }
  return [...edges].sort()
}
