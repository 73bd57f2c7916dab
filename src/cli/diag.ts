/** `diag`: what a bug report needs; `diag healthy`: an exit code for supervisors. */
import { cpus, freemem, release, totalmem } from 'node:os'
import { DpsError } from '../base/index.js'
import { packageVersion, settingsTable, settingValue } from '../config.js'
import { usageError } from './errors.js'
import { shown } from './format.js'
import type { Handler, Session } from './session.js'

export const diag: Handler = async (session, [what]) => {
  if (what === undefined) return await bundle(session)
  if (what === 'healthy') return await healthy(session)
  throw usageError(`unknown command 'diag ${String(what)}'`, 'there are: diag, diag healthy')
}

/** UNAVAILABLE (exit 1) while there are problems, which are named. */
async function healthy(session: Session): Promise<void> {
  const { client } = await session.running()
  const { health } = await client.node.status({}, { signal: session.signal })
  if (health?.ok) {
    if (session.json) session.value({ ok: true, problems: [] })
    else session.line('healthy')
    return
  }
  const problems = (health?.problems ?? []).map(({ serviceId, message, hint }) => {
    return `${serviceId}: ${message}${hint === '' ? '' : `; ${hint}`}`
  })
  throw new DpsError('UNAVAILABLE', `not healthy: ${problems.join('. ') || 'no answer'}`, {
    hint: 'see: dps-node status',
  })
}

/** Neither the identity key nor the API's token is read for it. */
async function bundle(session: Session): Promise<void> {
  const { client, offline } = await session.node()
  const { json } = await client.node.diagnose({}, { signal: session.signal })
  const { settings, sources } = session
  const changed: Record<string, unknown> = {}
  for (const { key } of settingsTable()) {
    const source = sources.get(key)
    if (source !== 'default') changed[key] = { value: settingValue(settings, key), source }
  }
  const report = {
    version: packageVersion(),
    nodeVersion: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    running: !offline,
    settings: changed,
    node: parsed(json),
  }
  if (session.json) session.value(report)
  else session.out.line(JSON.stringify(report, null, 2))
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return { unreadable: shown(json.slice(0, 500)) }
  }
}
