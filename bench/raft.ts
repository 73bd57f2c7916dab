/** Durable proposals and linearizable reads of three members through the API, against etcd. */
import { EtcdClient, startEtcd } from './etcd.js'
import { note } from './harness.js'
import { inProcess, type Load, load } from './load.js'

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3)
const VALUE_BYTES = 256

/** The client's own process. */
export async function etcdPuts(url: string, concurrency: number): Promise<Load> {
  const client = new EtcdClient(url)
  const value = Buffer.alloc(VALUE_BYTES, 7)
  const run = Math.random().toString(36).slice(2, 10)
  return load(concurrency, SECONDS, (count) => client.put(`${run}/${count}`, value))
}

export async function etcdGets(url: string, concurrency: number): Promise<Load> {
  const client = new EtcdClient(url)
  await client.put('read', Buffer.alloc(VALUE_BYTES, 7))
  return load(concurrency, SECONDS, () => client.get('read'))
}

export async function run(): Promise<void> {
  const etcd = await startEtcd()
  if (etcd === undefined) return
  note(`etcd ${etcd.version}`)
  for (const concurrency of [1, 100]) {
    note(JSON.stringify(await inProcess(import.meta.filename, 'etcdPuts', etcd.url, concurrency)))
  }
  note(JSON.stringify(await inProcess(import.meta.filename, 'etcdGets', etcd.url, 100)))
  await etcd.stop()
}
