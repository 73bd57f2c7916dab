/** What a node tells of itself in libp2p's identify: program, version, its own name. */

const NAME_TOKEN = ' name/'
const NAME_CHARS_MAX = 64

/** `dps-node/0.1.0 node/20.20.2 name/alice`; the name is percent-encoded. */
export function agentOf(version: string, name: string | undefined): string {
  const agent = `dps-node/${version} node/${process.versions.node}`
  return name === undefined || name === '' ? agent : agent + NAME_TOKEN + encodeURIComponent(name)
}

/** The name in an agent string, made safe to show; `undefined` when there is none. */
export function nameOfAgent(agent: string | undefined): string | undefined {
  if (agent === undefined || !agent.startsWith('dps-node/')) return undefined
  const at = agent.indexOf(NAME_TOKEN)
  if (at < 0) return undefined
  try {
    const name = decodeURIComponent(agent.slice(at + NAME_TOKEN.length).split(' ')[0] ?? '')
    // A foreign text on its way to a terminal: no control characters.
    const shown = name.replace(/\p{C}/gu, '').slice(0, NAME_CHARS_MAX)
    return shown === '' ? undefined : shown
  } catch {
    return undefined
  }
}
