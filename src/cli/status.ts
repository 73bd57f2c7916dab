/** `status`, `id`, `stop`: what the node is, and its end. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { DpsError, delay } from '../base/index.js'
import type { StatusResponse } from '../gateway/index.js'
import { tilde } from './errors.js'
import { columns, count, humanBytes, humanTime, shown } from './format.js'
import { findRunningNode, isAlive, readApiFile } from './node-process.js'
import { type Handler, noNodeError, type Session } from './session.js'

const STOP_POLL_MS = 25
// Longer than the node's own bound for its parts' stops.
const STOP_WAIT_MS = 120_000

export const id: Handler = async (session) => {
  const { client } = await session.node()
  const { signal } = session
  const { peerId, name, addrs, version, protocols, instanceId, nodeVersion } = await client.node.id(
    {},
    { signal },
  )
  if (session.json) {
    session.value({ peerId, name, addrs, version, protocols, instanceId, nodeVersion })
    return
  }
  session.line(`Peer ID    ${peerId}`)
  session.line(`Name       ${shown(name)}`)
  for (const addr of addrs) session.line(`Address    ${addr}`)
  session.line(`Version    dps-node ${version} (Node.js ${nodeVersion.replace(/^v/, '')})`)
  for (const protocol of protocols) session.line(`Protocol   ${protocol}`)
}

export const status: Handler = async (session) => {
  const { client } = await session.node()
  const answer = await client.node.status({}, { signal: session.signal })
  if (session.json) session.value(statusJson(answer))
  else statusScreen(session, answer)
}

function statusJson(answer: StatusResponse): Record<string, unknown> {
  const { peerId, name, version, mode, cluster, peers, addrs, online, uptimeMs } = answer
  return {
    peerId,
    name,
    version,
    mode,
    online,
    addrs,
    uptimeMs,
    cluster: {
      id: cluster?.id ?? '',
      leader: cluster?.leader ?? null,
      role: cluster?.role ?? '',
    },
    peers,
    disks: answer.disks.map(({ id, path, usedBytes, freeBytes, capacityBytes, state }) => ({
      id,
      path,
      usedBytes,
      freeBytes,
      capacityBytes,
      state,
    })),
    content: {
      files: answer.content?.files ?? 0,
      chunks: answer.content?.chunks ?? 0,
      bytes: answer.content?.bytes ?? 0,
    },
    providing: {
      roots: answer.providing?.roots ?? 0,
      waiting: answer.providing?.waiting ?? 0,
      nextAt: answer.providing?.nextAt || null,
    },
    health: {
      ok: answer.health?.ok ?? false,
      problems: (answer.health?.problems ?? []).map(({ serviceId, message, hint }) => ({
        serviceId,
        message,
        hint,
      })),
    },
    instanceId: answer.instanceId,
  }
}

function statusScreen(session: Session, answer: StatusResponse): void {
  const { content, providing, health, cluster } = answer
  const row = (label: string, text: string) => session.line(`${label.padEnd(11)}${text}`)
  row('Peer', `${answer.peerId}${answer.name === '' ? '' : ` (${shown(answer.name)})`}`)
  const state = answer.online ? `up ${humanTime(answer.uptimeMs)}` : 'not running'
  row('Mode', `${answer.mode}, ${state}, dps-node ${answer.version}`)
  row('Cluster', clusterLine(answer.peerId, cluster))
  for (const addr of answer.addrs) row('Address', addr)
  if (answer.online) row('Peers', `${answer.peers.toLocaleString('en-US')} connected`)
  for (const disk of answer.disks) {
    const space = `${humanBytes(disk.usedBytes)} used, ${humanBytes(disk.freeBytes)} free`
    const marks = disk.state === '' || disk.state === 'ok' ? '' : `  ${disk.state}`
    row('Disk', `${tilde(disk.path)}  ${space} of ${humanBytes(disk.capacityBytes)}${marks}`)
  }
  if (content !== undefined) {
    const { files, chunks, bytes } = content
    row('Content', `${count(files, 'file')}, ${count(chunks, 'chunk')}, ${humanBytes(bytes)}`)
  }
  if (providing !== undefined && answer.online) {
    const left = providing.waiting.toLocaleString('en-US')
    const waiting = providing.waiting > 0 ? `, ${left} waiting` : ''
    row('Announcing', `${count(providing.roots, 'root')}${waiting}`)
  }
  if (health?.ok) {
    row('Health', session.colors.out ? '\x1b[32mok\x1b[0m' : 'ok')
    return
  }
  row('Health', session.colors.out ? '\x1b[31mproblems\x1b[0m' : 'problems')
  const problems = (health?.problems ?? []).map(({ serviceId, message, hint }) => [
    `  ${shown(serviceId)}`,
    shown(hint === '' ? message : `${message}; ${hint}`),
  ])
  for (const line of columns(problems)) session.line(line)
}

function clusterLine(peerId: string, cluster: StatusResponse['cluster']): string {
  const leader = cluster?.leader ?? ''
  const led = leader === peerId ? 'this node leads' : `leader ${leader === '' ? 'none' : leader}`
  // Every peer is in exactly one cluster; it has an id once there is somebody else to tell it from.
  if (cluster === undefined || cluster.id === '') return `of one, ${led}`
  return `${cluster.id} (${cluster.role}), ${led}`
}

export const stop: Handler = async (session) => {
  const { dataDir } = session.settings
  const { signal } = session
  const found = await findRunningNode(dataDir)
  if (found === undefined) throw noNodeError(dataDir)
  const { client } = await session.running()
  await client.node.stop({}, { signal })
  const deadline = performance.now() + STOP_WAIT_MS
  while (!(await isDown(dataDir, found))) {
    if (performance.now() > deadline) {
      throw new DpsError('DEADLINE_EXCEEDED', `the node (process ${found.pid}) does not end`, {
        hint: `end it with: kill ${found.pid}`,
      })
    }
    await delay(STOP_POLL_MS, { signal })
  }
  if (session.json) session.value({ event: 'stopped' })
  else session.line('stopped')
}

/** Down is: its process has ended, or it has let go of the data directory. */
async function isDown(
  dataDir: string,
  node: { pid: number; instanceId: string },
): Promise<boolean> {
  if (!isAlive(node.pid)) return true
  const now = await readApiFile(dataDir)
  if (now !== undefined) return now.instanceId !== node.instanceId
  try {
    await access(join(dataDir, 'lock'))
    return false
  } catch {
    return true
  }
}
