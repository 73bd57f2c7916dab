/** The helper that the other integration tests stand on, and the smallest life of a node. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, runCli, spawnNode } from '../support/processes.js'
import { tempDir } from '../support/temp.js'

test('node: starts on free ports, publishes, reads back, stops, starts again', async () => {
  const node = await spawnNode()
  expect(node.peerId).toMatch(/^12D3KooW/)
  expect(node.addrs[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
  expect(node.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(node.token.length).toBeGreaterThan(20)
  if (process.platform === 'linux') expect(node.rss()).toBeGreaterThan(1024 * 1024)

  const file = join(tempDir(), 'file')
  writeFileSync(file, 'some bytes')
  const published = await node.ok(['publish', '--json', file])
  const [added] = jsonLines<{ event: string; cid: string }>(published.stdout)
  expect(added!.event).toBe('added')
  expect((await node.ok(['cat', added!.cid])).stdout).toBe('some bytes')

  const { peerId } = node
  await node.restart()
  expect(node.peerId).toBe(peerId)
  expect((await node.ok(['cat', added!.cid])).stdout).toBe('some bytes')

  await node.stop()
  expect(node.running).toBe(false)
  expect(existsSync(join(node.dataDir, 'api.json'))).toBe(false)
  expect((await node.ok(['cat', added!.cid])).stdout).toBe('some bytes')
})

test('node: two find each other through a bootstrap address', async () => {
  const a = await spawnNode()
  const b = await spawnNode({ bootstrap: a.addrs })
  await b.connectedTo(a)
  await a.connectedTo(b)
})

test('node: a failed command tells its code and both streams apart', async () => {
  const result = await runCli(['cat', 'nonsense', '--data-dir', join(tempDir(), 'none')])
  expect(result.code).not.toBe(0)
  expect(result.stdout).toBe('')
  expect(result.stderr).toMatch(/^error: /)
})
