/** `start`: the node, until a signal or `stop` ends it. */
import { DpsError, raceSignal } from '../base/index.js'
import { packageVersion, type Settings } from '../config.js'
import { EXIT_INTERRUPTED, tilde } from './errors.js'
import { ensureDataDir } from './init.js'
import { findRunningNode } from './node-process.js'
import type { Handler, Session } from './session.js'

export const start: Handler = async (session) => {
  const { settings, signal } = session
  refuseLaterModes(settings)
  if ((await findRunningNode(settings.dataDir)) !== undefined) {
    throw new DpsError(
      'FAILED_PRECONDITION',
      `a node is running on ${tilde(settings.dataDir)} already`,
      { exitCode: 11, hint: 'stop it with: dps-node stop, or choose another with: --data-dir DIR' },
    )
  }
  await ensureDataDir(settings)
  const { createNode } = await import('../node.js')
  const node = await createNode(settings)
  try {
    // Not raced: a start that is cut short can't be stopped in order.
    await node.start()
  } catch (error) {
    await node.stop().catch(() => {})
    throw error
  }
  let code = EXIT_INTERRUPTED
  try {
    if (!signal.aborted) {
      announceReady(session, node)
      code = 0
      await raceSignal(node.stopped, signal)
    }
  } catch (error) {
    // A signal is the normal end of a node; any other failure is told by the caller.
    if (!signal.aborted) throw error
  } finally {
    await node.stop()
  }
  return code
}

interface ReadyNode {
  peerId: string
  addrs(): string[]
  api: { url: string }
}

function announceReady(session: Session, node: ReadyNode): void {
  const { peerId } = node
  const addrs = node.addrs()
  if (session.json) {
    session.value({ event: 'ready', peerId, addrs, api: node.api.url })
    return
  }
  session.line(`dps-node ${packageVersion()}`)
  session.line(`Peer ID    ${peerId}`)
  for (const addr of addrs) session.line(`Listening  ${addr}`)
  session.line(`API        ${node.api.url}`)
  const join = joinAddress(addrs)
  if (join !== undefined) session.line(`Join with  npx dps-node --bootstrap ${join}`)
  session.line('Daemon is ready')
}

/** The address that is most likely to work from another machine. */
export function joinAddress(addrs: readonly string[]): string | undefined {
  const rank = (addr: string) => {
    if (/^\/(ip4\/127\.|ip6\/::1\/)/.test(addr)) return 3
    if (/^\/(ip4\/169\.254\.|ip6\/fe80:)/i.test(addr)) return 2
    return addr.startsWith('/ip6/') ? 1 : 0
  }
  return [...addrs].sort((a, b) => rank(a) - rank(b))[0]
}

/** Modes that need what this version does not have are refused, not pretended. */
export function refuseLaterModes({ node: { mode } }: Settings): void {
  if (mode !== 'cluster_only' && mode !== 'cloud') return
  throw new DpsError(
    'FAILED_PRECONDITION',
    `mode ${mode} needs a cluster, which this version does not have yet`,
    { hint: 'use --mode hybrid or --mode local_only' },
  )
}
