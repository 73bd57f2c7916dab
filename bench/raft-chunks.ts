/** Proposals while 100 MB/s of chunks flow durably from the leader to a follower, against without. */
import { ApiClient } from '../src/gateway/client.js'
import {
  type BenchNode,
  fetchTo,
  median,
  note,
  publish,
  ROUNDS,
  randomFile,
  report,
  unpinAndCollect,
} from './harness.js'
import { inProcess, type Load, load } from './load.js'
import { folderName } from './members.js'
import { prepare, startCluster } from './raft.js'

const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const CHUNKS_MB_PER_SECOND = 100
const CONCURRENCY = 100

export async function proposals(
  api: { url: string; token: string },
  seconds: number,
): Promise<Load> {
  const { namespace } = new ApiClient(api)
  return load(CONCURRENCY, seconds, (count) =>
    namespace.setAttributes({ path: `/${folderName(count)}`, mtimeNs: BigInt(count) }),
  )
}

const measure = ({ api }: BenchNode) =>
  inProcess<Load>(import.meta.filename, 'proposals', api, SECONDS)

export async function run(): Promise<void> {
  const cluster = await startCluster({
    DPS_EXCHANGE_UPLOAD_LIMIT: `${CHUNKS_MB_PER_SECOND}MB`,
  })
  const { leader, followers } = cluster
  const follower = followers[0]!
  const termOf = async () => (await leader.client.cluster.clusterStatus({})).term
  const term = await termOf()
  // More than flows in the time: what is left is given up.
  const file = randomFile((SECONDS + 2) * CHUNKS_MB_PER_SECOND * 1e6)
  const cid = await publish(leader, file)
  await prepare(leader.api)
  await measure(leader)
  const alone: Load[] = []
  const busy: Load[] = []
  const flowed: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await measure(leader))
    const bytesBefore = await storedBytes(follower)
    const startedAt = performance.now()
    const fetching = fetchTo(follower, cid).catch(() => {})
    // Until the first chunks are there.
    await new Promise((resolve) => setTimeout(resolve, 500))
    busy.push(await measure(leader))
    const seconds = (performance.now() - startedAt) / 1000
    flowed.push(((await storedBytes(follower)) - bytesBefore) / 1e6 / seconds)
    await fetching
    await unpinAndCollect(follower, cid)
    const [one, other] = [alone.at(-1)!, busy.at(-1)!]
    note(
      `alone ${one.perSecond.toFixed()}/s p99 ${one.p99Ms.toFixed()} ms; beside ` +
        `${flowed.at(-1)!.toFixed()} MB/s ${other.perSecond.toFixed()}/s p99 ${other.p99Ms.toFixed()} ms`,
    )
  }
  const ratio = median(busy.map(({ perSecond }, at) => perSecond / alone[at]!.perSecond))
  const elections = (await termOf()) - term
  report({
    bench: 'raft-beside-chunks',
    unit: '1/s',
    value: median(busy.map(({ perSecond }) => perSecond)),
    p99Ms: median(busy.map(({ p99Ms }) => p99Ms)),
    baseline: median(alone.map(({ perSecond }) => perSecond)),
    baselineP99Ms: median(alone.map(({ p99Ms }) => p99Ms)),
    against: 'without chunks',
    ratio,
    chunksMbPerSecond: median(flowed),
    elections,
    target: 'ratio >= 0.3, no election',
    reached: ratio >= 0.3 && elections === 0,
  })
  await cluster.destroy()
  process.exit(0)
}

async function storedBytes(node: BenchNode): Promise<number> {
  const { disks } = await node.client.node.status({})
  return disks.reduce((sum, { usedBytes }) => sum + usedBytes, 0)
}
