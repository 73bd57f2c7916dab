import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../src/base/index.js'
import { buildProgram } from '../src/cli/program.js'
import { settingsMarkdown } from '../src/config.js'
import { FLOORS, roomEdges, sources } from './support/architecture.js'
import { constantAt, protoMessages } from './support/definitions.js'
import { ROOT } from './support/processes.js'

const DEFINITIONS = join(ROOT, 'docs', 'architecture', 'definitions')
const MODELS = join(ROOT, 'docs', 'architecture', 'models')

const CONTRACTS = [
  'blockchain_backup',
  'dht_routing',
  'file_storage',
  'metadata_ledgers',
  'node_types',
  'raft_consensus',
  'transport_rpc',
]

type Table = { [key: string]: unknown }

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8')
const definition = (name: string) =>
  parse(read('docs/architecture/definitions', `${name}.toml`)) as Table

/** Every table below this one, with its dotted name. */
function* tables(table: Table, name = ''): Generator<[string, Table]> {
  for (const [key, value] of Object.entries(table)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue
    const path = name === '' ? key : `${name}.${key}`
    yield [path, value as Table]
    yield* tables(value as Table, path)
  }
}

describe('contracts', () => {
  test('contracts: there are the seven, each with an honest status', () => {
    expect(readdirSync(DEFINITIONS).sort()).toEqual(CONTRACTS.map((name) => `${name}.toml`))
    for (const name of CONTRACTS) {
      const { contract, status } = definition(name)
      expect(contract).toBe(name)
      expect(['implemented', 'partial', 'planned']).toContain(status)
      const held = [...tables(definition(name))].filter(([, table]) => table.source ?? table.proto)
      if (status === 'implemented') expect(held.length, name).toBeGreaterThanOrEqual(8)
      if (status === 'planned') expect(held, name).toEqual([])
    }
  })

  const constants = CONTRACTS.flatMap((name) =>
    [...tables(definition(name))].flatMap(([path, table]) =>
      table.source === undefined ? [] : [[`${name}: ${path}`, table] as const],
    ),
  )
  test.each(constants)('contracts: %s is what the code says', (_path, { value, source }) => {
    expect(constantAt(source as string)).toEqual(value)
  })

  test('contracts: no value stands there that nothing checks', () => {
    for (const name of CONTRACTS) {
      for (const [path, table] of tables(definition(name))) {
        if (table.value !== undefined) expect(table.source, `${name}: ${path}`).toBeTypeOf('string')
        if (table.fields !== undefined) expect(table.proto, `${name}: ${path}`).toBeTypeOf('string')
      }
    }
  })

  const messages = CONTRACTS.flatMap((name) =>
    Object.entries((definition(name).messages ?? {}) as Record<string, Table>),
  )
  test.each(messages)('contracts: message %s has these fields', (message, { proto, fields }) => {
    expect(protoMessages(proto as string).get(message)).toEqual(fields)
  })

  test('contracts: every message between peers and in manifests is in one', () => {
    const named = new Set(messages.map(([name]) => name))
    const files = [
      'call/v1/call',
      'content/v1/manifest',
      'exchange/v1/exchange',
      'raft/v1/raft',
      'metadata/v1/metadata',
    ]
    for (const file of files) {
      for (const [name, fields] of protoMessages(`protos/dps/${file}.proto`)) {
        // Messages of one field that only wrap a list are described by what they hold.
        if (Object.keys(fields).length === 1 && !named.has(name)) continue
        expect([...named], file).toContain(name)
      }
    }
  })

  test('contracts: the error table is the code’s', () => {
    expect(definition('transport_rpc').errors).toEqual(ERROR_CODES)
  })

  test('contracts: the log fields are those that log lines carry', () => {
    const log = read('src/observability/log.ts')
    const { identity_fields, log_fields } = definition('transport_rpc') as Record<string, Table>
    for (const name of [
      ...(identity_fields!.names as string[]),
      ...(log_fields!.names as string[]),
    ]) {
      expect(log, name).toContain(name)
    }
  })
})

test('docs: a changed constant is noticed', () => {
  expect(constantAt('src/content/chunking.ts#AUTO_CHUNKING.steps[1].sizeBytes')).toBe(2 ** 20)
  expect(constantAt('src/content/chunking.ts#AUTO_CHUNKING.kind')).toBe('fixed')
  expect(() => constantAt('src/content/chunking.ts#NO_SUCH')).toThrow('no constant NO_SUCH')
  expect(() => constantAt('src/content/chunking.ts#AUTO_CHUNKING.nothing')).toThrow('nothing at')
})

test('docs: each direct dependency has its line, and only those', () => {
  const manifest = JSON.parse(read('package.json'))
  const names = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]
  const lines = read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)
  const described = [...lines].map(([, name, why]) => {
    expect(why!.length, name).toBeGreaterThan(10)
    return name
  })
  expect(described.sort()).toEqual(names.sort())
})

/** Markdown files of the project, from its root. */
function markdown(): string[] {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  const docs = below.filter((path) => path.endsWith('.md')).map((path) => join('docs', path))
  return ['README.md', 'CHANGELOG.md', ...docs]
}

test('docs: links lead somewhere', () => {
  for (const file of markdown()) {
    for (const [, target] of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(ROOT, dirname(file), target!)), `${file}: ${target}`).toBe(true)
    }
  }
})

test('docs: files and folders that are named in code style exist', () => {
  for (const file of markdown()) {
    for (const [, path] of read(file).matchAll(
      /`((?:src|test|scripts|protos|docs|bench|bin|\.ci)\/[\w./-]+)`/g,
    )) {
      expect(existsSync(join(ROOT, path!)), `${file}: ${path}`).toBe(true)
    }
  }
})

test('docs: decisions are numbered without a gap', () => {
  const names = readdirSync(join(ROOT, 'docs', 'decisions')).sort()
  for (const [index, name] of names.entries()) {
    expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`))
    expect(read('docs/decisions', name).startsWith(`# ${index + 1}. `), name).toBe(true)
  }
})

test('docs: the floors are those that the code is held to', () => {
  const rows = [...read('docs/architecture.md').matchAll(/^\| (\d) \| `([\w.]+)\/?` \|/gm)]
  const shown = Object.fromEntries(rows.map(([, floor, room]) => [room, Number(floor)]))
  const { placement, chain, mount, ...present } = FLOORS
  expect([placement, chain, mount], 'rooms of later planes').not.toContain(undefined)
  expect(shown).toEqual(present)
})

test('docs: the four diagrams are there, and name only rooms and protocols that exist', () => {
  expect(readdirSync(MODELS).sort()).toEqual([
    'contract_dependency_map.mmd',
    'distributed_message_flow.mmd',
    'keystore_local_flow.mmd',
    'keystore_remote_flow.mmd',
  ])
  const source = ['src/exchange', 'src/network'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => read(folder, name)),
  )
  for (const name of readdirSync(MODELS)) {
    const text = read('docs/architecture/models', name)
    expect(text, name).toMatch(/^(%%.*\n)*(flowchart|sequenceDiagram)/)
    for (const [protocol] of text.matchAll(/\/dps\/[a-z]+\/\d\.\d\.\d/g)) {
      expect(
        source.some((code) => code.includes(protocol)),
        `${name}: ${protocol}`,
      ).toBe(true)
    }
  }
})

test('docs: the map of dependencies is the code’s import graph', () => {
  const text = read('docs/architecture/models/contract_dependency_map.mmd')
  const shown = [...text.matchAll(/^ {2}(\w+(?:\.ts)?) --> (\w+(?:\.ts)?)$/gm)]
    .map(([, from, to]) => `${from} > ${to}`)
    .sort()
  // Everything stands on base; who touches the log and the wire is checked elsewhere.
  const left = /> (base|observability|wire)$/
  expect(shown).toEqual(roomEdges(sources()).filter((edge) => !left.test(edge)))
})

test('docs: the README’s table of commands is the program’s', () => {
  const program = buildProgram({
    out: { write: () => {}, columns: 80 },
    colors: { out: false, err: false },
    invoke: () => {},
  })
  const real = new Map(
    program.commands.map((command) => [
      command.name(),
      command.commands.map((child) => child.name()).sort(),
    ]),
  )
  const rows = read('README.md').matchAll(/^\| `([^`]+)` \|/gm)
  const shown = new Map(
    [...rows].map(([, cell]) => {
      const [name, below] = cell!.split(' ') as [string, string | undefined]
      // `completion bash|zsh|fish`: words of an argument, not commands.
      const isGroup = (real.get(name)?.length ?? 0) > 0
      return [name, isGroup ? (below?.split('\\|').sort() ?? []) : []]
    }),
  )
  real.delete('help')
  expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(real))
})

test('docs: the table of settings is the program’s', () => {
  expect(read('docs/settings.md')).toContain(settingsMarkdown())
})
