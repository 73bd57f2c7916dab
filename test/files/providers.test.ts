import { Uint8ArrayList } from 'uint8arraylist'
import { expect, test } from 'vitest'
import { type AbortOptions, DpsError, delay } from '../../src/base/index.js'
import { cidOf, sha256 } from '../../src/content/index.js'
import { type ProvidersComponents, providersOf } from '../../src/files/providers.js'

const content = new Uint8Array(1)
const cid = cidOf('manifest', sha256(content))

function components(init: {
  has: Record<string, boolean | 'error' | 'never'>
  dht: string[]
  dhtFails?: boolean
  root?: Uint8Array
  liar?: string
}): ProvidersComponents & { aborted: string[]; lookups: number; reported: string[] } {
  const aborted: string[] = []
  const root = init.root ?? content
  const answer = async (peer: string, { signal }: AbortOptions = {}): Promise<boolean> => {
    const has = init.has[peer]
    if (has === 'error') throw new Error('gone')
    if (has === 'never') {
      await delay(60_000, { ...(signal && { signal }) }).catch((error) => {
        aborted.push(peer)
        throw error
      })
    }
    return has === true
  }
  const parts: ReturnType<typeof components> = {
    aborted,
    lookups: 0,
    reported: [],
    host: {
      peers: () =>
        Object.keys(init.has).map((peerId) => ({ peerId, addr: `/a/${peerId}` })) as ReturnType<
          ProvidersComponents['host']['peers']
        >,
    },
    reputation: {
      trusted: (peer) => peer !== init.liar,
      report: (peer) => parts.reported.push(peer),
    },
    client: {
      has: async (peer, _, options) => [await answer(peer, options)],
      retrieve: async (peer, _, sizeMaxBytes, options) => {
        if (!(await answer(peer, options))) throw new DpsError('NOT_FOUND', 'not here')
        if (root.length > sizeMaxBytes) throw new DpsError('RESOURCE_EXHAUSTED', 'longer')
        return new Uint8ArrayList(root)
      },
    },
    discovery: {
      findProviders: async function* () {
        parts.lookups++
        for (const peerId of init.dht) yield { peerId, addrs: [] }
        if (init.dhtFails) throw new Error('no DHT')
      } as ProvidersComponents['discovery']['findProviders'],
    },
  }
  return parts
}

async function all(parts: ProvidersComponents): Promise<string[]> {
  const ids: string[] = []
  for await (const { peerId } of providersOf(cid, parts)) ids.push(peerId)
  return ids.sort()
}

test('providers: connected peers that have it and the DHT’s come, each once', async () => {
  const parts = components({ has: { a: true, b: false, c: 'error' }, dht: ['a', 'd'] })
  expect(await all(parts)).toEqual(['a', 'd'])
})

test('providers: who lied before is not asked again', async () => {
  expect(await all(components({ has: { a: true, b: true }, dht: [], liar: 'a' }))).toEqual(['b'])
})

test('providers: who needs one gets it at once, and the rest is cancelled', async () => {
  const parts = components({ has: { slow: 'never', quick: true }, dht: [] })
  for await (const { peerId } of providersOf(cid, parts)) {
    expect(peerId).toBe('quick')
    break
  }
  await expect.poll(() => parts.aborted).toEqual(['slow'])
})

test('providers: a DHT that fails is told only where nobody else was found', async () => {
  expect(await all(components({ has: { a: true }, dht: [], dhtFails: true }))).toEqual(['a'])
  await expect(all(components({ has: { a: false }, dht: [], dhtFails: true }))).rejects.toThrow(
    'DHT',
  )
})

test('providers: the nearest answer with a short manifest itself, a long one stays where it is', async () => {
  const given = async (root: Uint8Array) => {
    const parts = components({ has: { a: true }, dht: [], root })
    for await (const provider of providersOf(cid, parts)) return provider
    return undefined
  }
  expect((await given(content))?.root?.subarray()).toEqual(content)
  expect(await given(new Uint8Array(20_000))).toEqual({ peerId: 'a', addrs: ['/a/a'] })
})

test('providers: the DHT is asked when a connected peer’s answer was not enough', async () => {
  const parts = components({ has: { a: true }, dht: ['d'] })
  const providers = providersOf(cid, parts)
  expect((await providers.next()).value?.peerId).toBe('a')
  expect(parts.lookups).toBe(0)
  expect((await providers.next()).value?.peerId).toBe('d')
})

test('providers: other bytes than the manifest’s are a lie, though nobody waits for them', async () => {
  const parts = components({ has: { a: true }, dht: ['d'], root: new Uint8Array([7]) })
  expect(await all(parts)).toEqual(['d'])
  expect(parts.reported).toEqual(['a'])
})
