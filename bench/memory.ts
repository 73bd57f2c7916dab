/** Peak anonymous memory: publishing 8 GiB against 1 GiB; serving and getting 1 GiB. */
import fs from 'node:fs'
import {
  fetchTo,
  GIB,
  MIB,
  median,
  note,
  peakRssAnon,
  publish,
  randomFile,
  report,
  startNode,
} from './harness.js'

const MB = 1e6
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)

async function publishing(bytes: number): Promise<number> {
  const file = randomFile(bytes)
  const node = await startNode()
  const [peak] = await peakRssAnon([node.pid], () => publish(node, file))
  await node.destroy()
  fs.rmSync(file)
  return peak!
}

async function getting(): Promise<{ serving: number; fetching: number }> {
  const file = randomFile(GIB)
  const source = await startNode()
  const cid = await publish(source, file)
  // A node that has just published is no measure of one that serves.
  await source.stop()
  const server = await startNode({ dataDir: source.dataDir })
  const node = await startNode({ bootstrap: [server.addrs[0]!] })
  await node.client.node.swarmConnect({ addr: server.addrs[0]! })
  const [serving, fetching] = await peakRssAnon([server.pid, node.pid], () => fetchTo(node, cid))
  await node.destroy()
  await server.destroy()
  fs.rmSync(file)
  return { serving: serving!, fetching: fetching! }
}

export async function run(): Promise<void> {
  const small: number[] = []
  const large: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    small.push(await publishing(GIB))
    large.push(await publishing(8 * GIB))
    note(`publish: 1 GiB ${small.at(-1)! / MIB} MiB, 8 GiB ${large.at(-1)! / MIB} MiB`)
  }
  const ratio = median(large.map((value, i) => value / small[i]!))
  const value = median(large) / MB
  report({
    bench: 'memory-publish-8gib',
    unit: 'MB RssAnon, peak',
    value,
    baseline: median(small) / MB,
    against: 'publishing 1 GiB',
    ratio,
    target: '<= 1.15x and <= 350 MB',
    reached: ratio <= 1.15 && value <= 350,
  })
  const serving: number[] = []
  const fetching: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const peaks = await getting()
    serving.push(peaks.serving)
    fetching.push(peaks.fetching)
    note(`get: serving ${peaks.serving / MIB} MiB, fetching ${peaks.fetching / MIB} MiB`)
  }
  for (const [side, peaks] of Object.entries({ serving, fetching })) {
    report({
      bench: `memory-get-1gib-${side}`,
      unit: 'MB RssAnon, peak',
      value: median(peaks) / MB,
      target: '<= 300 MB',
      reached: median(peaks) / MB <= 300,
    })
  }
}
