import { expect, test } from 'vitest'
import { eventually } from '../support/temp.js'
import { startHost } from './host-support.js'

test('host: two connect, ping, and see each other', async () => {
  const t0 = performance.now()
  const a = await startHost({ name: 'alice' })
  const t1 = performance.now()
  const b = await startHost({ name: 'bob smith' })
  const t2 = performance.now()
  console.log('start', t1 - t0, t2 - t1)
  expect(await b.host.connect(a.addr)).toBe(a.host.peerId)
  expect(await b.host.ping(a.host.peerId)).toBeGreaterThan(0)
  const peer = await eventually('identify', () => a.host.peers().find(({ name }) => name))
  expect(peer).toMatchObject({ peerId: b.host.peerId, direction: 'inbound', name: 'bob smith' })
  expect(peer.agent).toMatch(/^dps-node\/0\.0\.0 /)
})
