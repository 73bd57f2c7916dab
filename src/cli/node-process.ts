/** Finding the node that runs on a data directory: its `api.json`, and whether it answers. */
import { access, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'

export interface RunningNode {
  url: string
  token: string
  pid: number
  instanceId: string
}

// Loopback answers in microseconds; a machine that swaps may take a while.
const PROBE_MS = 2_000

/** The node running on `dataDir`; undefined when none is, also when a crash left its file behind. */
export async function findRunningNode(dataDir: string): Promise<RunningNode | undefined> {
  const found = await readApiFile(dataDir)
  if (found === undefined || !isAlive(found.pid)) return undefined
  return (await answers(found.url)) ? found : undefined
}

export async function readApiFile(dataDir: string): Promise<RunningNode | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(dataDir, 'api.json'), 'utf8'))
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const { url, token, pid, instanceId } = parsed as Record<string, unknown>
    if (typeof url !== 'string' || typeof token !== 'string') return undefined
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined
    return { url, token, pid, instanceId: String(instanceId ?? '') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else's node: saying "none is running" would send the person astray.
    if (code === 'EACCES' || code === 'EPERM') throw error
    return undefined
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether something listens there: a process id may have been given to another program. */
function answers(url: string): Promise<boolean> {
  let target: URL
  try {
    target = new URL(url)
  } catch {
    return Promise.resolve(false)
  }
  return new Promise((resolve) => {
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
    const socket = connect({ host, port: Number(target.port || 80) })
    const finish = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(PROBE_MS, () => finish(false))
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })
}

export async function hasRepository(dataDir: string): Promise<boolean> {
  try {
    await access(join(dataDir, 'version.json'))
    return true
  } catch {
    return false
  }
}
