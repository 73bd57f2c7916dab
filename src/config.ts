/**
 * Settings: defaults + file + environment + flags → one validated object, every error naming its
 * key. One table is the source of everything: parsing, validation, the commented `config.toml`
 * that `init` writes, `config show` and the documentation's table.
 */
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DpsError } from './base/index.js'
import { nearestOf } from './config-shapes.js'
import { BY_KEY, ROWS, type Row, SECTIONS, type Setting, type Settings } from './config-table.js'

export * from './config-shapes.js'
export type { LogLevel, Mode, Setting, Settings } from './config-table.js'
export { settingsTable } from './config-table.js'

/** The setting of that key. Rejects an unknown one with INVALID_ARGUMENT and the nearest known. */
export function settingOf(key: string): Setting {
  const row = BY_KEY.get(key)
  if (row === undefined) throw unknownKey(key, 'setting')
  return row
}

export function envNameOf(key: string): string {
  return `DPS_${key.toUpperCase().replace('.', '_')}`
}

export type Source = 'default' | 'file' | 'env' | 'flag'

export interface LoadOptions {
  /** The data directory. @default DPS_PATH, else ~/.dps */
  dataDir?: string
  /** Values by key, parsed already by the setting's own shape (see {@link parseSetting}). */
  flags?: Readonly<Record<string, unknown>>
  /** @default process.env */
  env?: Readonly<Record<string, string | undefined>>
}

export interface LoadedSettings {
  settings: Settings
  sources: ReadonlyMap<string, Source>
}

/** Absolute path of the data directory that these options and this environment mean. */
export function dataDirOf(options: Pick<LoadOptions, 'dataDir' | 'env'> = {}): string {
  const env = options.env ?? process.env
  const path = options.dataDir ?? (env.DPS_PATH || join(homedir(), '.dps'))
  if (path === '') throw new DpsError('INVALID_ARGUMENT', 'the data directory is an empty path')
  return resolve(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path)
}

export function configPathOf(dataDir: string): string {
  return join(dataDir, 'config.toml')
}

/** Settings of a data directory (which need not exist). INVALID_ARGUMENT names the bad key. */
export async function loadSettings(options: LoadOptions = {}): Promise<Settings> {
  return (await loadSettingsWithSources(options)).settings
}

/** As {@link loadSettings}, telling where each value came from. */
export async function loadSettingsWithSources(options: LoadOptions = {}): Promise<LoadedSettings> {
  const env = options.env ?? process.env
  const dataDir = dataDirOf(options)
  const path = configPathOf(dataDir)
  let file = ''
  try {
    file = await readFile(path, 'utf8')
  } catch (error) {
    if (!isMissing(error)) {
      const message = `${path} can't be read: ${(error as Error).message}`
      throw new DpsError('PERMISSION_DENIED', message, { cause: error })
    }
  }
  const layers = new Layers()
  layers.add('file', await parseConfigFile(file, path))
  layers.add('env', parseEnvironment(env))
  layers.add('flag', flagValues(options))
  return layers.assembled(dataDir)
}

/** Defaults and flags alone: for commands that must run where file or environment are broken. */
export function loadDefaults(options: LoadOptions = {}): LoadedSettings {
  const layers = new Layers()
  layers.add('flag', flagValues(options))
  return layers.assembled(dataDirOf(options))
}

/** Values by key; what is added later wins. */
class Layers {
  readonly #values = new Map<string, unknown>(ROWS.map((row) => [row.key, row.fallback]))
  readonly #sources = new Map<string, Source>(ROWS.map((row) => [row.key, 'default']))

  add(source: Source, values: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of values) {
      this.#values.set(key, value)
      this.#sources.set(key, source)
    }
  }

  assembled(dataDir: string): LoadedSettings {
    return { settings: assemble(dataDir, this.#values), sources: this.#sources }
  }
}

function flagValues(options: LoadOptions): ReadonlyMap<string, unknown> {
  const given = Object.entries(options.flags ?? {}).filter(([, value]) => value !== undefined)
  for (const [key] of given) settingOf(key)
  return new Map(given)
}

function assemble(dataDir: string, values: ReadonlyMap<string, unknown>): Settings {
  const settings: Record<string, unknown> = {
    dataDir,
    version: packageVersion(),
    offline: false,
    repair: false,
  }
  for (const row of ROWS) {
    settings[row.section] ??= {}
    const section = settings[row.section] as Record<string, unknown>
    const value = values.get(row.key)
    section[row.property] = Array.isArray(value) ? [...value] : value
  }
  const result = settings as unknown as Settings
  if (result.node.name === '') result.node.name = hostNameAsName()
  return result
}

function hostNameAsName(): string {
  const name = (hostname().split('.')[0] ?? '').replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 63)
  return name.replace(/^[-_]+/, '') || 'node'
}

/** What to do with a bad value or an unknown key; without it, the first one is thrown. */
export type OnProblem = (problem: DpsError) => void

function fail(problem: DpsError): never {
  throw problem
}

/** Values of a `config.toml` by key. INVALID_ARGUMENT names file, key, value and what is accepted. */
export async function parseConfigFile(
  content: string,
  path: string,
  onProblem: OnProblem = fail,
): Promise<ReadonlyMap<string, unknown>> {
  const values = new Map<string, unknown>()
  if (content.trim() === '') return values
  const { parse } = await import('smol-toml')
  let document: Record<string, unknown>
  try {
    document = parse(content.replace(/^\uFEFF/, ''))
  } catch (error) {
    const { line, column } = error as { line?: number; column?: number }
    const what = (error as Error).message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')
    const where = line === undefined ? path : `${path}:${line}:${column}`
    const message = `${where}: not valid TOML: ${what}`
    onProblem(new DpsError('INVALID_ARGUMENT', message, { cause: error }))
    return values
  }
  for (const [section, table] of Object.entries(document)) {
    if (!SECTIONS.includes(section)) {
      onProblem(unknownKey(section, path))
    } else if (!isTable(table)) {
      const message = `${path}: ${section} must be a section: [${section}]`
      onProblem(new DpsError('INVALID_ARGUMENT', message))
    } else {
      for (const [name, value] of Object.entries(table)) {
        const key = `${section}.${name}`
        const row = BY_KEY.get(key)
        const parsed = row?.shape.fromToml(value)
        if (row === undefined) onProblem(unknownKey(key, path))
        else if (parsed === undefined)
          onProblem(badValue(row, `${key} in ${path}`, tomlText(value)))
        else values.set(key, parsed)
      }
    }
  }
  return values
}

/** Values from `DPS_<SECTION>_<KEY>`. Variables far from any setting are nobody's business. */
export function parseEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  onProblem: OnProblem = fail,
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  const known = new Map(ROWS.map((row) => [envNameOf(row.key), row]))
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith('DPS_') || name === 'DPS_PATH') continue
    const row = known.get(name)
    if (row === undefined) {
      const nearest = nearestOf(name, [...known.keys()])
      const ours = SECTIONS.some((section) => name.startsWith(`DPS_${section.toUpperCase()}_`))
      if (nearest === undefined && !ours) continue
      const hint = nearest === undefined ? KEYS_HINT : `did you mean ${nearest}?`
      const message = `unknown setting ${name} in the environment`
      onProblem(new DpsError('INVALID_ARGUMENT', message, { hint }))
      continue
    }
    const parsed = row.shape.fromText(value)
    if (parsed !== undefined) values.set(row.key, parsed)
    else onProblem(badValue(row, `${name} (${row.key})`, JSON.stringify(value)))
  }
  return values
}

/**
 * A value given as text (flag, `config set`). `origin` is how the person named it (`--listen`).
 * Throws INVALID_ARGUMENT naming it, the value and what is accepted.
 */
export function parseSetting(key: string, value: string, origin = key): unknown {
  const row = settingOf(key)
  const parsed = row.shape.fromText(value)
  if (parsed !== undefined) return parsed
  const { item } = row.shape
  const accepts = item === undefined ? undefined : `${item.accepts}, separated by commas`
  throw badValue(row, origin, JSON.stringify(value), accepts)
}

const KEYS_HINT = 'list all settings with: dps-node config show'

function badValue(
  row: Setting,
  where: string,
  shown: string,
  accepts = row.shape.accepts,
): DpsError {
  return new DpsError('INVALID_ARGUMENT', `bad value for ${where}: ${shown}`, {
    hint: `accepted: ${accepts}`,
  })
}

function unknownKey(key: string, where: string): DpsError {
  const nearest = nearestOf(key, key.includes('.') ? [...BY_KEY.keys()] : SECTIONS)
  const place = where === 'setting' ? '' : ` in ${where}`
  return new DpsError('INVALID_ARGUMENT', `unknown setting ${JSON.stringify(key)}${place}`, {
    hint: nearest === undefined ? KEYS_HINT : `did you mean ${nearest}?`,
  })
}

/** The value of a key inside assembled settings. */
export function settingValue(settings: Settings, key: string): unknown {
  const row = settingOf(key) as Row
  return (settings[row.section] as Record<string, unknown>)[row.property]
}

/** A value as TOML, as `config show` and the default file write it. */
export function formatSetting(key: string, value: unknown): string {
  return settingOf(key).shape.toToml(value)
}

/** The commented `config.toml` that a new data directory gets: every setting at its default. */
export function defaultConfigFile(): string {
  const lines = [
    '# Settings of this dps-node. What is commented out is the default.',
    '# Flags win over the environment (DPS_<SECTION>_<KEY>), which wins over this file.',
    '# Check it with: dps-node config check',
  ]
  let section = ''
  for (const row of ROWS) {
    const [head, name] = row.key.split('.') as [string, string]
    if (head !== section) lines.push('', `[${head}]`)
    else lines.push('')
    section = head
    lines.push(`# ${row.doc}`, `# Accepted: ${row.shape.accepts}.`)
    lines.push(`# ${name} = ${row.shape.toToml(row.fallback)}`)
  }
  return `${lines.join('\n')}\n`
}

/** The documentation's table of settings, in Markdown. */
export function settingsMarkdown(): string {
  const cell = (value: string) => value.replaceAll('|', '\\|')
  const rows = ROWS.map(
    (row) =>
      `| \`${row.key}\` | \`${cell(row.shape.toToml(row.fallback))}\` | ${cell(row.doc)} ` +
      `| ${cell(row.shape.accepts)} | \`${envNameOf(row.key)}\` |`,
  )
  return ['| key | default | meaning | accepted | environment |', '|---|---|---|---|---|', ...rows]
    .join('\n')
    .concat('\n')
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDate(value)
}

function isDate(value: object): boolean {
  return value instanceof Date
}

function tomlText(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

let version: string | undefined

/** The version of this package. Its manifest lies above this file, bundled or not. */
export function packageVersion(): string {
  if (version !== undefined) return version
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory) {
    directory = dirname(directory)
  }
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  version = String((manifest as { version?: unknown }).version ?? '0.0.0')
  return version
}
