/** Who may have it: peers that are connected anyway are asked first, then the DHT. */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, childController, DpsError, delay } from '../base/index.js'
import { compareDigests, digestOf, kindOf, sha256 } from '../content/index.js'
import type { ChunkClient, FoundProvider, Reputation } from '../exchange/index.js'
import type { Discovery, Host } from '../network/index.js'

/** A question costs both sides little, a lookup in the DHT some round trips on new streams. */
const ASKED_MAX = 8
const ASK_TIMEOUT_MS = 2_000
/** So many of the asked, the nearest, answer with the manifest itself: one round trip less. */
const GIVING_MAX = 3
/** A manifest that is longer is not worth sending several times. */
const GIVEN_BYTES_MAX = 16 * 1024
/** A lookup in the DHT costs more than a small file: it waits for those who are at hand. */
const LOOK_AFTER_MS = 50

export interface ProvidersComponents {
  host: Pick<Host, 'peers'>
  discovery: Pick<Discovery, 'findProviders'>
  client: Pick<ChunkClient, 'has' | 'retrieve'>
  /** Who lied before is not asked. */
  reputation: Pick<Reputation, 'trusted' | 'report'>
}

/**
 * Each peer once, as they are found. Ends when the DHT has nothing more and all have answered.
 * The DHT is not asked before somebody wants more than the connected peers gave.
 */
export async function* providersOf(
  cid: CID,
  { host, discovery, client, reputation }: ProvidersComponents,
  options: AbortOptions & { requestId?: string } = {},
): AsyncGenerator<FoundProvider> {
  const { requestId } = options
  const controller = childController(options.signal)
  const { signal } = controller
  const seen = new Set<string>()
  const found: FoundProvider[] = []
  let wake: (() => void) | undefined
  const add = (provider: FoundProvider) => {
    if (seen.has(provider.peerId)) return
    seen.add(provider.peerId)
    found.push(provider)
    wake?.()
  }
  const call = {
    signal,
    timeoutMs: ASK_TIMEOUT_MS,
    ...(requestId !== undefined && { requestId }),
  }
  const ask = async ({ peerId, addr }: { peerId: string; addr: string }) => {
    const [has] = await client.has(peerId, [cid], call)
    if (has) add({ peerId, addrs: [addr] })
  }
  const askToGive = async ({ peerId, addr }: { peerId: string; addr: string }) => {
    try {
      const root = await client.retrieve(peerId, cid, GIVEN_BYTES_MAX, call)
      // Here and not by who asked: nobody may be waiting for it any more, and a lie is one all the same.
      if (compareDigests(sha256(root.subarray()), digestOf(cid)) === 0) {
        add({ peerId, addrs: [addr], root })
      } else reputation.report(peerId, 'lied')
    } catch (error) {
      // It has it, and it is longer.
      const longer = error instanceof DpsError && error.code === 'RESOURCE_EXHAUSTED'
      if (longer) add({ peerId, addrs: [addr] })
    }
  }
  const look = async () => {
    for await (const provider of discovery.findProviders(cid, { signal })) add(provider)
  }
  // Nearest first: the answer that comes first is the one that counts.
  const near = host
    .peers()
    .filter(({ peerId }) => reputation.trusted(peerId))
    .sort((a, b) => (a.latencyMs ?? 1e9) - (b.latencyMs ?? 1e9))
  let failure: { error: unknown } | undefined
  let running = 0
  const settle = () => {
    running--
    wake?.()
  }
  let looking = false
  const startLooking = () => {
    if (looking || signal.aborted) return
    looking = true
    running++
    look().then(settle, (error) => {
      failure = { error }
      settle()
    })
  }
  for (const [i, peer] of near.slice(0, ASKED_MAX).entries()) {
    running++
    const gives = i < GIVING_MAX && kindOf(cid) === 'manifest'
    // A peer that does not speak the protocol, or not now, has nothing for us.
    ;(gives ? askToGive(peer) : ask(peer)).then(settle, settle)
  }
  delay(LOOK_AFTER_MS, { signal }).then(
    () => {
      // Those who have found enough for now say so by not asking for more.
      if (seen.size === 0) startLooking()
    },
    () => {},
  )
  try {
    while (true) {
      yield* found.splice(0)
      if (found.length > 0) continue
      if (seen.size > 0 || running === 0) startLooking()
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
