/** `config show|get|set|check`. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DpsError } from '../base/index.js'
import {
  configPathOf,
  defaultConfigFile,
  formatSetting,
  loadSettingsWithSources,
  parseConfigFile,
  parseEnvironment,
  parseSetting,
  settingOf,
  settingsTable,
  settingValue,
} from '../config.js'
import { setInToml } from './config-file.js'
import { reportOf, tilde } from './errors.js'
import { hasRepository } from './node-process.js'
import { type Handler, noRepositoryError } from './session.js'
import { refuseLaterModes } from './start.js'

export const configShow: Handler = async (session) => {
  const { settings, sources } = session
  if (session.json) {
    const all: Record<string, Record<string, unknown>> = {}
    for (const { key } of settingsTable()) {
      const [section, name] = key.split('.') as [string, string]
      all[section] ??= {}
      all[section][name] = jsonValue(key, settingValue(settings, key))
    }
    session.value({ dataDir: settings.dataDir, ...all })
    return
  }
  session.line(`# ${configPathOf(settings.dataDir)}`)
  let section = ''
  for (const { key } of settingsTable()) {
    const [head, name] = key.split('.') as [string, string]
    if (head !== section) session.line(`\n[${head}]`)
    section = head
    const source = sources.get(key) ?? 'default'
    const mark = source === 'default' ? '' : `  # ${SOURCE_WORDS[source]}`
    session.line(`${name} = ${formatSetting(key, settingValue(settings, key))}${session.dim(mark)}`)
  }
}

const SOURCE_WORDS = { default: 'default', file: 'this file', env: 'environment', flag: 'flag' }

export const configGet: Handler = async (session, [key]) => {
  const { settings } = session
  const name = String(key)
  settingOf(name)
  const value = jsonValue(name, settingValue(settings, name))
  if (session.json) session.value(value)
  else if (Array.isArray(value)) for (const item of value) session.line(String(item))
  else session.line(String(value))
}

export const configSet: Handler = async (session, [key, text]) => {
  const { dataDir } = session.settings
  const name = String(key)
  const value = parseSetting(name, String(text))
  if (!(await hasRepository(dataDir))) throw noRepositoryError(dataDir)
  const path = configPathOf(dataDir)
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return defaultConfigFile()
    throw error
  })
  const after = setInToml(before, name, formatSetting(name, value))
  const values = await parseConfigFile(after, path)
  const written = values.get(name)
  if (JSON.stringify(written) !== JSON.stringify(value)) {
    throw new DpsError('INTERNAL', `${path}: ${name} can't be set without changing other lines`, {
      hint: 'edit the file by hand, then: dps-node config check',
    })
  }
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await writeFile(temporary, after, { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  if (session.json) session.value({ key: name, value: jsonValue(name, value) })
  else session.note('a running node takes it at its next start')
}

/** Names every problem, not only the first; exit code 2 when there is any. */
export const configCheck: Handler = async (session) => {
  const { dataDir } = session.settings
  if (!(await hasRepository(dataDir))) throw noRepositoryError(dataDir)
  const path = configPathOf(dataDir)
  const file = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const problems: DpsError[] = []
  const collect = (problem: DpsError) => problems.push(problem)
  await parseConfigFile(file, path, collect)
  parseEnvironment(session.io.env, collect)
  const last = problems.pop()
  for (const problem of problems) {
    session.err.write(
      reportOf(problem, { json: session.json, colors: session.colors.err, stack: false }),
    )
  }
  if (last !== undefined) throw last
  const { settings } = await loadSettingsWithSources({ dataDir, env: session.io.env })
  refuseLaterModes(settings)
  if (session.json) session.value({ ok: true, path })
  else session.line(`${tilde(path)} is valid`)
}

/** Numbers, booleans and words as they are; sizes and durations as TOML has them (`"1GiB"`). */
function jsonValue(key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  const toml = formatSetting(key, value)
  return toml.startsWith('"') ? (JSON.parse(toml) as string) : value
}
