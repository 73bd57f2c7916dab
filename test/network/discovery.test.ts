import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { expect, test } from 'vitest'
import { eventually } from '../support/temp.js'
import { startHost } from './host-support.js'

const cidOf = async (text: string) =>
  CID.createV1(0x50, await sha256.digest(new TextEncoder().encode(text)))

test('discovery: announced to one peer, found by a third', async () => {
  const a = await startHost()
  const b = await startHost({ bootstrap: [a.addr] })
  const c = await startHost({ bootstrap: [a.addr] })
  const cids = await Promise.all(Array.from({ length: 2000 }, (_, i) => cidOf(`root ${i}`)))
  await eventually('connections', () => a.host.peers().length === 2)
  const t0 = performance.now()
  const { peers } = await b.discovery.provide(cids)
  console.log('provide', performance.now() - t0, peers)
  const found = []
  for await (const p of c.discovery.findProviders(cids[77]!)) found.push(p)
  expect(found.map((p) => p.peerId)).toEqual([b.host.peerId])
})
