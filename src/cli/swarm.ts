/** `swarm`, `routing`, `ping`: other peers. All need a running node. */
import { DpsError } from '../base/index.js'
import { EXIT_PARTLY } from './errors.js'
import { columns, count, humanTime, shown } from './format.js'
import type { Handler } from './session.js'
import { canonicalCid } from './target.js'

export const swarmPeers: Handler = async (session) => {
  const { client } = await session.running()
  const { peers } = await client.node.swarmPeers({}, { signal: session.signal })
  if (session.json) {
    for (const { peerId, addr, direction, latencyMs, agent, connectedMs } of peers) {
      session.value({ peerId, addr, direction, latencyMs: latencyMs ?? null, agent, connectedMs })
    }
    return
  }
  const rows = peers.map((peer) => [
    peer.peerId,
    peer.addr,
    peer.direction,
    peer.latencyMs === undefined ? '-' : `${peer.latencyMs.toFixed(1)} ms`,
    humanTime(peer.connectedMs),
    shown(peer.agent),
  ])
  for (const line of columns(rows)) session.line(line)
  if (peers.length === 0) session.note('no peers are connected')
}

export const swarmAddrs: Handler = async (session) => {
  const { client } = await session.running()
  const { known } = await client.node.swarmAddrs({}, { signal: session.signal })
  for (const { peerId, addrs } of known) {
    if (session.json) {
      session.value({ peerId, addrs })
    } else {
      session.line(`${peerId} (${addrs.length})`)
      for (const addr of addrs) session.line(`  ${addr}`)
    }
  }
  if (known.length === 0 && !session.json) session.note('no peers are known')
}

export const swarmConnect: Handler = async (session, [addr]) => {
  const { client } = await session.running()
  const { peerId } = await client.node.swarmConnect(
    { addr: String(addr) },
    { signal: session.signal },
  )
  if (session.json) session.value({ event: 'connected', peerId })
  else session.line(`connected ${peerId}`)
}

export const swarmDisconnect: Handler = async (session, [peer]) => {
  const { client } = await session.running()
  const request = { peer: String(peer) }
  const { peerId } = await client.node.swarmDisconnect(request, { signal: session.signal })
  if (session.json) session.value({ event: 'disconnected', peerId })
  else session.line(`disconnected ${peerId}`)
}

const PROVIDERS_DEFAULT = 20

export const findProviders: Handler = async (session, [text], options) => {
  const cid = await canonicalCid(String(text))
  const { client } = await session.running()
  const limit = (options.count as number | undefined) ?? PROVIDERS_DEFAULT
  let found = 0
  const { signal } = session
  for await (const { peerId, addrs } of client.node.findProviders({ cid, limit }, { signal })) {
    found++
    if (session.json) session.value({ peerId, addrs })
    else session.line(peerId)
  }
  if (found === 0) throw new DpsError('NOT_FOUND', `nobody is known to have ${cid}`)
}

export const provide: Handler = async (session, [text]) => {
  const cid = await canonicalCid(String(text))
  const { client } = await session.running()
  const { peers } = await client.node.provide({ cid }, { signal: session.signal })
  if (session.json) session.value({ event: 'provided', cid, peers })
  else session.line(`announced ${cid} to ${count(peers, 'peer')}`)
}

const PINGS_DEFAULT = 5

/** Exit 3 when some round trips failed; UNAVAILABLE when all did. */
export const ping: Handler = async (session, [peer], options) => {
  const { client } = await session.running()
  const wanted = (options.count as number | undefined) ?? PINGS_DEFAULT
  const request = { peer: String(peer), count: wanted }
  const times: number[] = []
  let lastError = ''
  let sent = 0
  for await (const reply of client.node.ping(request, { signal: session.signal })) {
    sent++
    const { peerId, seq, rttMs, error } = reply
    if (error === '') times.push(rttMs)
    else lastError = error
    if (session.json) session.value(error === '' ? { peerId, seq, rttMs } : { peerId, seq, error })
    else if (error === '') session.line(`${peerId}: seq=${seq} time=${rttMs.toFixed(2)} ms`)
    else session.note(`${peerId}: seq=${seq} ${error}`)
  }
  if (times.length === 0) {
    throw new DpsError(
      'UNAVAILABLE',
      `no answer from ${shown(String(peer))}: ${lastError || 'none'}`,
    )
  }
  if (!session.json) {
    const sorted = [...times].sort((a, b) => a - b)
    const average = times.reduce((sum, time) => sum + time, 0) / times.length
    session.line(
      `${sent} sent, ${times.length} answered; ` +
        `min ${sorted[0]!.toFixed(2)}, average ${average.toFixed(2)}, max ${sorted.at(-1)!.toFixed(2)} ms`,
    )
  }
  return times.length < sent ? EXIT_PARTLY : 0
}
