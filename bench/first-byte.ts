/** First byte of a small file from a known provider, through the API, against a ping round trip. */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { median, percentile, report, startNode, tempPath } from './harness.js'

const FILES = 200

export async function run(): Promise<void> {
  const folder = tempPath('small')
  fs.mkdirSync(folder)
  for (let i = 0; i < FILES; i++) fs.writeFileSync(path.join(folder, `f${i}`), randomBytes(4096))
  const source = await startNode()
  const node = await startNode({ bootstrap: [source.addrs[0]!] })
  await node.client.node.swarmConnect({ addr: source.addrs[0]! })
  const cids: string[] = []
  const { dev, ino } = fs.lstatSync(folder, { bigint: true })
  const sources = [{ path: folder, dev: String(dev), ino: String(ino) }]
  for await (const { event } of source.client.content.publishPaths({ sources, recursive: true })) {
    if (event.case === 'added' && event.value.kind === 'file') cids.push(event.value.cid)
  }
  const pings: number[] = []
  for await (const { rttMs } of node.client.node.ping({ peer: source.peerId, count: 50 })) {
    pings.push(rttMs)
  }
  const first: number[] = []
  for (const cid of cids) {
    const startedAt = performance.now()
    const { body } = await node.client.download(cid)
    for await (const piece of body) {
      if (piece.length > 0) break
    }
    first.push(performance.now() - startedAt)
  }
  await node.destroy()
  await source.destroy()
  report({
    bench: 'first-byte',
    unit: 'ms, p50',
    value: median(first),
    p99: percentile(first, 99),
    baseline: median(pings),
    against: 'ping round trip',
    ratio: median(first) / median(pings),
    target: 'p50 <= 10 ms',
    reached: median(first) <= 10,
  })
}
