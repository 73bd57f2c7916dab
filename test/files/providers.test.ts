import type { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { type AbortOptions, delay } from '../../src/base/index.js'
import { cidOf, sha256 } from '../../src/content/index.js'
import { type ProvidersComponents, providersOf } from '../../src/files/providers.js'

const cid = cidOf('manifest', sha256(new Uint8Array(1)))

function components(init: {
  has: Record<string, boolean | 'error' | 'never'>
  dht: string[]
  dhtFails?: boolean
}): ProvidersComponents & { aborted: string[] } {
  const aborted: string[] = []
  return {
    aborted,
    host: {
      peers: () =>
        Object.keys(init.has).map((peerId) => ({ peerId, addr: `/a/${peerId}` })) as ReturnType<
          ProvidersComponents['host']['peers']
        >,
    },
    client: {
      has: async (peer: string, _: readonly CID[], { signal }: AbortOptions = {}) => {
        const answer = init.has[peer]
        if (answer === 'error') throw new Error('gone')
        if (answer === 'never') {
          await delay(60_000, { ...(signal && { signal }) }).catch((error) => {
            aborted.push(peer)
            throw error
          })
        }
        return [answer === true]
      },
    },
    discovery: {
      findProviders: async function* () {
        for (const peerId of init.dht) yield { peerId, addrs: [] }
        if (init.dhtFails) throw new Error('no DHT')
      } as ProvidersComponents['discovery']['findProviders'],
    },
  }
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
