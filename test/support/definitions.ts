/**
 * Reads what the contract files under docs/architecture/definitions/ point to: constants in
 * src/ (also those a module keeps to itself) and messages in protos/. Both are read as text, so
 * that a comparison loads no libp2p and needs no export.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './processes.js'

/** The value of `path/file.ts#NAME.property[0].property`, a path from the project's root. */
export function constantAt(reference: string): unknown {
  const [file, path] = reference.split('#') as [string, string | undefined]
  if (path === undefined) throw new Error(`${reference}: no name behind a #`)
  const [name, ...steps] = path.split(/[.[\]]+/).filter((step) => step !== '')
  const found = declarationOf(file, name!)
  let at: { file: string; node: ts.Expression } = found
  for (const step of steps) at = member(at, step, reference)
  return evaluate(at.file, at.node)
}

const parsed = new Map<string, ts.SourceFile>()

function sourceOf(file: string): ts.SourceFile {
  let source = parsed.get(file)
  if (source === undefined) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    parsed.set(file, source)
  }
  return source
}

function declarationOf(file: string, name: string): { file: string; node: ts.Expression } {
  for (const statement of sourceOf(file).statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name: declared, initializer } of statement.declarationList.declarations) {
        if (ts.isIdentifier(declared) && declared.text === name && initializer !== undefined) {
          return { file, node: initializer }
        }
      }
    }
    const elsewhere = importOf(file, statement, name)
    if (elsewhere !== undefined) return elsewhere
  }
  throw new Error(`${file}: no constant ${name}`)
}

/** Follows `import { name } from './other.js'`, through doors. */
function importOf(file: string, statement: ts.Statement, name: string) {
  const isImport = ts.isImportDeclaration(statement)
  if (!isImport && !ts.isExportDeclaration(statement)) return undefined
  const { moduleSpecifier } = statement
  if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return undefined
  if (!moduleSpecifier.text.startsWith('.')) return undefined
  const target = join(dirname(file), moduleSpecifier.text.replace(/\.js$/, '.ts'))
  const names = isImport ? statement.importClause?.namedBindings : statement.exportClause
  if (names !== undefined && (ts.isNamedImports(names) || ts.isNamedExports(names))) {
    const specifier = names.elements.find((element) => element.name.text === name)
    return specifier && declarationOf(target, (specifier.propertyName ?? specifier.name).text)
  }
  if (isImport || names !== undefined || !existsSync(join(ROOT, target))) return undefined
  try {
    return declarationOf(target, name)
  } catch {
    return undefined
  }
}

function member(at: { file: string; node: ts.Expression }, step: string, reference: string) {
  const node = plain(at.node)
  if (ts.isIdentifier(node)) return member(declarationOf(at.file, node.text), step, reference)
  if (ts.isArrayLiteralExpression(node)) {
    const element = node.elements[Number(step)]
    if (element !== undefined) return { file: at.file, node: element }
  }
  if (ts.isObjectLiteralExpression(node)) {
    for (const property of node.properties) {
      if (!ts.isPropertyAssignment(property)) continue
      const { name } = property
      if ((ts.isIdentifier(name) || ts.isStringLiteral(name)) && name.text === step) {
        return { file: at.file, node: property.initializer }
      }
    }
  }
  // `new Map([['a', 1]])` and calls are not read: name a constant instead.
  throw new Error(`${reference}: nothing at ${step}`)
}

/** Without `as const`, `satisfies T` and parentheses. */
function plain(node: ts.Expression): ts.Expression {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return plain(node.expression)
  return ts.isParenthesizedExpression(node) ? plain(node.expression) : node
}

function evaluate(file: string, expression: ts.Expression): unknown {
  const node = plain(expression)
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''))
  if (ts.isStringLiteralLike(node)) return node.text
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false
  if (ts.isIdentifier(node)) {
    const { file: home, node: value } = declarationOf(file, node.text)
    return evaluate(home, value)
  }
  if (ts.isPropertyAccessExpression(node)) {
    const owner = { file, node: node.expression }
    const { file: home, node: value } = member(owner, node.name.text, `${file}: ${node.getText()}`)
    return evaluate(home, value)
  }
  if (ts.isArrayLiteralExpression(node)) return node.elements.map((each) => evaluate(file, each))
  if (ts.isNewExpression(node) && node.expression.getText() === 'Set') {
    return evaluate(file, node.arguments![0]!)
  }
  if (ts.isCallExpression(node) && node.arguments.length === 1) {
    // Shapes of settings: `choice([...])`.
    return evaluate(file, node.arguments[0]!)
  }
  if (ts.isObjectLiteralExpression(node)) {
    return Object.fromEntries(
      node.properties.flatMap((property) =>
        ts.isPropertyAssignment(property)
          ? [[property.name.getText(), evaluate(file, property.initializer)]]
          : [],
      ),
    )
  }
  if (ts.isBinaryExpression(node)) {
    const left = evaluate(file, node.left) as number
    const right = evaluate(file, node.right) as number
    switch (node.operatorToken.kind) {
      case ts.SyntaxKind.PlusToken:
        return left + right
      case ts.SyntaxKind.MinusToken:
        return left - right
      case ts.SyntaxKind.AsteriskToken:
        return left * right
      case ts.SyntaxKind.SlashToken:
        return left / right
      case ts.SyntaxKind.AsteriskAsteriskToken:
        return left ** right
    }
  }
  throw new Error(`${file}: can't read ${node.getText()}`)
}

/** Messages of a .proto, nested ones as `Outer.Inner`: field name → number. */
export function protoMessages(file: string): Map<string, Record<string, number>> {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/\/\/.*$/gm, '')
  const messages = new Map<string, Record<string, number>>()
  const path: (string | undefined)[] = []
  const tokens =
    /\b(?:message|enum)\s+(\w+)\s*\{|\boneof\s+\w+\s*(\{)|(\})|(\w+)\s*=\s*(\d+)\s*(?:\[[^\]]*\])?\s*;/g
  for (const [, opened, oneof, closed, field, number] of text.matchAll(tokens)) {
    if (opened !== undefined) {
      path.push(opened)
      messages.set(path.filter(Boolean).join('.'), {})
    } else if (oneof !== undefined) path.push(undefined)
    else if (closed !== undefined) path.pop()
    else if (field !== undefined) {
      const message = messages.get(path.filter(Boolean).join('.'))
      if (message !== undefined) message[field] = Number(number)
    }
  }
  return messages
}
