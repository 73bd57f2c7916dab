/**
 * What `npm pack` ships, and that it runs with nothing beside it but its external packages. The
 * installation by npm itself is tried by scripts/try-package.mjs, which needs the registry.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { beforeAll, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from './support/processes.js'
import { tempDir } from './support/temp.js'

interface LockEntry {
  version?: string
  integrity?: string
  link?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const lock: Record<string, LockEntry> = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
).packages

const dependencies = Object.keys(manifest.dependencies)

beforeAll(() => ensureBuilt())

/** What a file imports, requires or re-exports from packages; type positions count. */
function packagesOf(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found: string[] = []
  const visit = (node: ts.Node) => {
    let named: ts.Node | undefined
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) named = node.moduleSpecifier
    else if (ts.isImportTypeNode(node))
      named = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
    else if (ts.isCallExpression(node)) {
      const { expression } = node
      const loads =
        expression.kind === ts.SyntaxKind.ImportKeyword ||
        (ts.isIdentifier(expression) && expression.text === 'require')
      if (loads) named = node.arguments[0]
    }
    if (named !== undefined && ts.isStringLiteralLike(named)) {
      const specifier = named.text
      const own = /^[./]|^node:/.test(specifier) || builtinModules.includes(specifier)
      if (!own) found.push(/^(@[^/]+\/)?[^/]+/.exec(specifier)![0])
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Package names that files with this ending below a folder import, with one file for each. */
function importedPackages(folder: string, ending: string): Map<string, string> {
  const found = new Map<string, string>()
  if (!existsSync(join(ROOT, folder))) return found
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(ending)) continue
    const path = join(entry.parentPath, entry.name)
    for (const name of packagesOf(path)) found.set(name, path)
  }
  return found
}

test('package: every import from npm is a declared dependency, and every one is used', () => {
  const imported = importedPackages('src', '.ts')
  expect([...imported.keys()].filter((name) => !dependencies.includes(name))).toEqual([])
  expect(dependencies.filter((name) => !imported.has(name))).toEqual([])
})

test('package: development tools are used by tests, scripts or configuration', () => {
  const files = ['scripts', 'test', 'bench'].flatMap((folder) => [
    ...importedPackages(folder, '.ts').keys(),
    ...importedPackages(folder, '.mjs').keys(),
  ])
  const commands = `${JSON.stringify(manifest.scripts)}${readFileSync(join(ROOT, 'scripts/protos.mjs'), 'utf8')}`
  const configured = readFileSync(join(ROOT, 'protos/buf.gen.yaml'), 'utf8')
  const byCommand: Record<string, string> = {
    '@biomejs/biome': 'biome',
    '@bufbuild/buf': 'buf',
    '@bufbuild/protoc-gen-es': 'protoc-gen-es',
    protons: 'protons',
    typescript: 'tsc',
    vitest: 'vitest',
  }
  for (const name of Object.keys(manifest.devDependencies)) {
    if (name === '@types/node') continue
    const command = byCommand[name]
    const used =
      files.includes(name) ||
      (command !== undefined && (commands.includes(command) || configured.includes(command)))
    expect(used, name).toBe(true)
  }
})

test('package: the lock file names every platform, with a hash for each package', () => {
  for (const [path, entry] of Object.entries(lock)) {
    if (path === '') continue
    expect(entry.version, path).toBeTruthy()
    expect(entry.integrity, path).toMatch(/^sha512-/)
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      expect(
        places.some((place) => lock[place] !== undefined),
        `${name}, which ${path} wants on its platform`,
      ).toBe(true)
    }
  }
  const root = lock['']!
  expect(root.dependencies).toEqual(manifest.dependencies)
})

test('package: it ships the program, the schema and the licences, and no sources or tests', () => {
  const pack = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const files: string[] = JSON.parse(pack.stdout)[0].files.map(
    (file: { path: string }) => file.path,
  )
  for (const path of [
    'bin/dps-node.cjs',
    'dist/main.js',
    'dist/index.js',
    'dist/THIRD-PARTY-LICENSES',
    'protos/dps/api/v1/api.proto',
    'README.md',
    'CHANGELOG.md',
    'LICENSE-MIT',
    'LICENSE-APACHE',
    'package.json',
  ]) {
    expect(files).toContain(path)
  }
  const strange = files.filter(
    (path) => !/^(bin|dist|protos)\/|^[A-Z-]+(\.md)?$|^package\.json$/.test(path),
  )
  expect(strange).toEqual([])
})

test('package: the bundle imports only Node and the external packages', () => {
  const imported = importedPackages('dist', '.js')
  const external = ['level', 'classic-level', '@node-rs/crc32']
  const names = [...imported.keys()].filter((name) => !external.includes(name))
  // What bundled packages require only in places that never run here.
  expect(names.filter((name) => lock[`node_modules/${name}`] !== undefined)).toEqual([])
})

/** The package as installed, with only what the bundle leaves outside, and what those need. */
function installAlone(): string {
  const folder = tempDir('dps-alone-')
  const home = join(folder, 'node_modules', 'dps-node')
  for (const name of ['bin', 'dist', 'package.json']) {
    mkdirSync(home, { recursive: true })
    cpSync(join(ROOT, name), join(home, name), { recursive: true })
  }
  const queue = ['level', '@node-rs/crc32']
  const linked = new Set<string>()
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const source = join(ROOT, 'node_modules', name)
    if (linked.has(name) || !existsSync(source)) continue
    linked.add(name)
    const target = join(folder, 'node_modules', name)
    mkdirSync(dirname(target), { recursive: true })
    symlinkSync(source, target)
    const entry = lock[`node_modules/${name}`]
    queue.push(...Object.keys({ ...entry?.dependencies, ...entry?.optionalDependencies }))
  }
  return home
}

test('package: it runs with nothing installed beside it but its external packages', () => {
  const home = installAlone()
  const run = (args: string[], input?: string) =>
    spawnSync(
      process.execPath,
      ['--preserve-symlinks', join(home, 'bin', 'dps-node.cjs'), ...args],
      {
        cwd: home,
        encoding: 'utf8',
        input,
        env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' },
      },
    )
  const help = run(['--help'])
  expect(help.stderr).toBe('')
  expect(help.stdout).toMatch(/usage/i)
  const data = join(home, 'data')
  expect(run(['init', '--data-dir', data]).status).toBe(0)
  const published = run(['publish', '-Q', '-', '--data-dir', data], 'hello')
  expect(published.status, published.stderr).toBe(0)
  const read = run(['cat', published.stdout.trim(), '--data-dir', data])
  expect(read.stdout, read.stderr).toBe('hello')
})
