/**
 * Durable proposals and linearizable reads of three members, against three of etcd.
 *
 * Through the API from a process of its own, as etcd is asked by its client; and made inside the
 * leader's process, against the same figures of etcd. The namespace has no plain key and value: a
 * proposal sets the time of one of 1,000 folders, whose name makes the entry in the log 256 bytes
 * long; etcd puts 256 bytes under one of 1,000 keys. Both change one record. A read is a `stat`.
 */
import { ApiClient } from '../src/gateway/client.js'
import { type Etcd, EtcdClient, startEtcd } from './etcd.js'
import { type BenchNode, median, note, ROUNDS, report, startNode } from './harness.js'
import { inProcess, type Load, load } from './load.js'
import { type BenchMember, FOLDERS, folderName, startMembers } from './members.js'

export { serveMember } from './members.js'

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3)
const VALUE_BYTES = 256
const AGAINST = 'etcd, 3 members, Node gRPC client'
const READY_TIMEOUT_MS = 30_000

/** Exported functions run in a client's process. */
export async function etcdPuts(url: string, concurrency: number, seconds: number): Promise<Load> {
  const client = new EtcdClient(url)
  const value = Buffer.alloc(VALUE_BYTES, 7)
  return load(concurrency, seconds, (count) => client.put(`key-${count % FOLDERS}`, value))
}

export async function etcdGets(url: string, concurrency: number, seconds: number): Promise<Load> {
  const client = new EtcdClient(url)
  return load(concurrency, seconds, (count) => client.get(`key-${count % FOLDERS}`))
}

interface Api {
  url: string
  token: string
}

export async function prepare(api: Api): Promise<boolean> {
  const { namespace } = new ApiClient(api)
  for (let at = 0; at < FOLDERS; at++) {
    await namespace.mkdir({ path: `/${folderName(at)}`, parents: true })
  }
  return true
}

export async function apiPuts(api: Api, concurrency: number, seconds: number): Promise<Load> {
  const { namespace } = new ApiClient(api)
  return load(concurrency, seconds, (count) =>
    namespace.setAttributes({ path: `/${folderName(count)}`, mtimeNs: BigInt(count) }),
  )
}

export async function apiGets(api: Api, concurrency: number, seconds: number): Promise<Load> {
  const { namespace } = new ApiClient(api)
  return load(concurrency, seconds, (count) =>
    namespace.statPath({ path: `/${folderName(count)}` }),
  )
}

type Measured = 'etcdPuts' | 'etcdGets' | 'apiPuts' | 'apiGets'

function ask(what: Measured, target: string | Api, concurrency: number, seconds = SECONDS) {
  return inProcess<Load>(import.meta.filename, what, target, concurrency, seconds)
}

/** Loads of both sides in turns, so that a busy moment of the machine meets both. */
class Comparison {
  readonly ours: Load[] = []
  readonly theirs: Load[] = []

  async round(name: string, ours: () => Promise<Load>, theirs?: () => Promise<Load>) {
    if (theirs !== undefined) this.theirs.push(await theirs())
    this.ours.push(await ours())
    const shown = (loads: Load[]) => {
      const last = loads.at(-1)
      return last && `${last.perSecond.toFixed()}/s p99 ${last.p99Ms.toFixed(1)} ms`
    }
    note(`${name}: ${shown(this.ours)}; etcd ${shown(this.theirs) ?? 'not installed'}`)
  }

  report(bench: string, ratioMin: number, p99RatioMax?: number, further = {}): void {
    const of = (loads: Load[], key: keyof Load) => median(loads.map((one) => one[key]))
    const value = of(this.ours, 'perSecond')
    const common = { bench, unit: '1/s', value, p99Ms: of(this.ours, 'p99Ms'), ...further }
    const target = `ratio >= ${ratioMin}${p99RatioMax ? `, p99 ratio <= ${p99RatioMax}` : ''}`
    if (this.theirs.length === 0) {
      report({ ...common, target, against: 'etcd is not installed', reached: false })
      return
    }
    const baseline = of(this.theirs, 'perSecond')
    const ratio = median(this.ours.map((one, at) => one.perSecond / this.theirs[at]!.perSecond))
    const p99Ratio = median(this.ours.map((one, at) => one.p99Ms / this.theirs[at]!.p99Ms))
    report({
      ...common,
      baseline,
      baselineP99Ms: of(this.theirs, 'p99Ms'),
      against: AGAINST,
      ratio,
      p99Ratio,
      target,
      reached: ratio >= ratioMin && p99Ratio <= (p99RatioMax ?? Number.POSITIVE_INFINITY),
    })
  }
}

export interface BenchCluster {
  leader: BenchNode
  followers: BenchNode[]
  destroy(): Promise<void>
}

/** Three nodes that have joined and vote. */
export async function startCluster(env: Record<string, string> = {}): Promise<BenchCluster> {
  const nodes = [await startNode({ env }), await startNode({ env }), await startNode({ env })]
  const [first, ...others] = nodes as [BenchNode, ...BenchNode[]]
  const { token } = await first.client.cluster.invite({ uses: others.length })
  for (const node of others) await node.client.cluster.join({ token })
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const { leader, members } = await first.client.cluster.clusterStatus({})
    const voters = members.filter(({ role }) => role === 'voter')
    const leading = nodes.find(({ peerId }) => peerId === leader)
    if (leading !== undefined && voters.length === nodes.length) {
      const followers = nodes.filter((node) => node !== leading)
      const destroy = async () => {
        for (const node of nodes) await node.destroy()
      }
      return { leader: leading, followers, destroy }
    }
    if (performance.now() > deadline) throw new Error('the members do not all vote')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function throughApi(etcd: Etcd | undefined): Promise<void> {
  const cluster = await startCluster()
  const { api } = cluster.leader
  const against = (what: Measured, concurrency: number) =>
    etcd && (() => ask(what, etcd.url, concurrency))
  const one = new Comparison()
  const many = new Comparison()
  const reads = new Comparison()
  await inProcess(import.meta.filename, 'prepare', api)
  await ask('apiPuts', api, 100, 1)
  for (let round = 0; round < ROUNDS; round++) {
    await one.round('API, 1', () => ask('apiPuts', api, 1), against('etcdPuts', 1))
    await many.round('API, 100', () => ask('apiPuts', api, 100), against('etcdPuts', 100))
    await reads.round('reads, 100', () => ask('apiGets', api, 100), against('etcdGets', 100))
  }
  one.report('raft-api-proposals-1', 0.8)
  many.report('raft-api-proposals-100', 1, 1)
  reads.report('raft-api-reads-100', 1)
  await cluster.destroy()
}

const INSIDE = [
  { concurrency: 1, ratioMin: 1 },
  { concurrency: 100, ratioMin: 2 },
  { concurrency: 1000, ratioMin: 3 },
]

async function inside(etcd: Etcd | undefined): Promise<void> {
  const { leader, stop } = await startMembers(import.meta.filename)
  const comparisons = INSIDE.map((measure) => ({ ...measure, loads: new Comparison() }))
  await leader.ask({ ask: 'prepare' })
  await leader.propose(100, 1)
  for (let round = 0; round < ROUNDS; round++) {
    for (const { concurrency, loads } of comparisons) await one(leader, concurrency, loads, etcd)
  }
  for (const { concurrency, ratioMin, loads } of comparisons) {
    loads.report(`raft-inside-proposals-${concurrency}`, ratioMin)
  }
  await stop()
}

function one(
  leader: BenchMember,
  concurrency: number,
  loads: Comparison,
  etcd: Etcd | undefined,
): Promise<void> {
  return loads.round(
    `inside, ${concurrency}`,
    () => leader.propose(concurrency, SECONDS),
    etcd && (() => ask('etcdPuts', etcd.url, concurrency)),
  )
}

export async function run(): Promise<void> {
  const etcd = await startEtcd()
  if (etcd !== undefined) note(`etcd ${etcd.version}`)
  await throughApi(etcd)
  await inside(etcd)
  await etcd?.stop()
  process.exit(0)
}
