/** Who may have it: peers that are connected anyway are asked first, the DHT at the same time. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, childController } from '../base/index.js'
import type { ChunkClient } from '../exchange/index.js'
import type { Discovery, Host, Provider } from '../network/index.js'

/** A question costs both sides little, a lookup in the DHT some round trips on new streams. */
const ASKED_MAX = 8
const ASK_TIMEOUT_MS = 2_000

export interface ProvidersComponents {
  host: Pick<Host, 'peers'>
  discovery: Pick<Discovery, 'findProviders'>
  client: Pick<ChunkClient, 'has'>
}

/** Each peer once, as they are found. Ends when the DHT has nothing more and all have answered. */
export async function* providersOf(
  cid: CID,
  { host, discovery, client }: ProvidersComponents,
  options: AbortOptions & { requestId?: string } = {},
): AsyncGenerator<Provider> {
  const { requestId } = options
  const controller = childController(options.signal)
  const { signal } = controller
  const seen = new Set<string>()
  const found: Provider[] = []
  let wake: (() => void) | undefined
  const add = (provider: Provider) => {
    if (seen.has(provider.peerId)) return
    seen.add(provider.peerId)
    found.push(provider)
    wake?.()
  }
  const ask = async ({ peerId, addr }: { peerId: string; addr: string }) => {
    const call = {
      signal,
      timeoutMs: ASK_TIMEOUT_MS,
      ...(requestId !== undefined && { requestId }),
    }
    const [has] = await client.has(peerId, [cid], call)
    if (has) add({ peerId, addrs: [addr] })
  }
  const look = async () => {
    for await (const provider of discovery.findProviders(cid, { signal })) add(provider)
  }
  // Nearest first: the answer that comes first is the one that counts.
  const near = [...host.peers()].sort((a, b) => (a.latencyMs ?? 1e9) - (b.latencyMs ?? 1e9))
  let failure: { error: unknown } | undefined
  let running = 1
  const settle = () => {
    running--
    wake?.()
  }
  look().then(settle, (error) => {
    failure = { error }
    settle()
  })
  for (const peer of near.slice(0, ASKED_MAX)) {
    running++
    // A peer that does not speak the protocol, or not now, has nothing for us.
    ask(peer).then(settle, settle)
  }
  try {
    while (true) {
      yield* found.splice(0)
      if (found.length > 0) continue
      if (running === 0) break
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = undefined
    }
    if (failure !== undefined && seen.size === 0) throw failure.error
  } finally {
    controller.abort(new DOMException('enough providers', 'AbortError'))
    controller.dispose()
  }
}
