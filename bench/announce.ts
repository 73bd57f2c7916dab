/**
 * Announce 10,000 roots to a swarm of three processes, against kad-dht's own provide() in a loop,
 * eight at a time. BENCH_ROOTS (or `--roots N`) takes another number.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Level } from 'level'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { Discovery, Host, loadIdentity } from '../src/network/index.js'
import { silentLog } from '../src/observability/index.js'
import { median, note, ROUNDS, report, tempPath } from './harness.js'

const flag = process.argv.indexOf('--roots')
const ROOTS = Number(flag < 0 ? (process.env.BENCH_ROOTS ?? 10_000) : process.argv[flag + 1])
/** The loop is timed over fewer: its rate does not depend on the number, and it takes a minute. */
const LOOP_ROOTS = Math.min(ROOTS, 2000)
const LOOP_CONCURRENCY = 8
const SAMPLES = 20

interface Peer {
  host: Host
  discovery: Discovery
  stop(): Promise<void>
}

async function startPeer(dir: string, bootstrap: string[]): Promise<Peer> {
  fs.mkdirSync(dir, { recursive: true })
  const meta = new Level<string, Uint8Array>(path.join(dir, 'meta'), { valueEncoding: 'view' })
  await meta.open()
  const table = (name: string) => meta.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
  const host = new Host(
    {
      identity: await loadIdentity(path.join(dir, 'identity.key')),
      dhtPath: path.join(dir, 'dht'),
      knownPeers: table('known'),
      log: silentLog,
    },
    { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, version: '0.0.0' },
  )
  const discovery = new Discovery({ host, table: table('provide'), log: silentLog })
  await host.start()
  await discovery.start()
  const stop = async () => {
    await discovery.stop()
    await host.stop()
    await meta.close()
  }
  return { host, discovery, stop }
}

function randomRoot(): CID {
  return CID.createV1(0x50, createDigest(0x12, randomBytes(32)))
}

/** The other processes: answer to a CID a line with the number of its providers. */
export async function serve(dir: string, bootstrap: string): Promise<void> {
  const peer = await startPeer(dir, [bootstrap])
  process.stdout.write(`${peer.host.peerId}\n`)
  for await (const line of createInterface({ input: process.stdin })) {
    let found = 0
    for await (const _ of peer.discovery.findProviders(CID.parse(line))) found++
    process.stdout.write(`${found}\n`)
  }
  await peer.stop()
}

interface Other {
  child: ChildProcess
  ask(line: string): Promise<string>
  end(): Promise<void>
}

async function spawnPeer(bootstrap: string): Promise<Other> {
  const args = JSON.stringify([tempPath('peer'), bootstrap])
  const code = `(await import(${JSON.stringify(import.meta.filename)})).serve(...${args})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { UV_THREADPOOL_SIZE: '16', ...process.env },
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    child,
    ask: async (line) => {
      child.stdin.write(`${line}\n`)
      const answer = await lines.next()
      return String(answer.value)
    },
    end: async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}

async function loop(peer: Peer, roots: CID[]): Promise<void> {
  const { dht } = peer.host.libp2p.services
  const waiting = [...roots]
  const work = async () => {
    for (let cid = waiting.pop(); cid !== undefined; cid = waiting.pop()) {
      for await (const event of dht.provide(cid)) {
        if (event.name === 'QUERY_ERROR') note(`provide: ${event.error.message}`)
      }
    }
  }
  await Promise.all(Array.from({ length: LOOP_CONCURRENCY }, work))
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return count / ((performance.now() - startedAt) / 1000)
}

async function requireFound(other: Other, roots: CID[]): Promise<void> {
  for (let n = 0; n < SAMPLES; n++) {
    const cid = roots[Math.floor((n * roots.length) / SAMPLES)]!
    if ((await other.ask(cid.toString())) !== '1') throw new Error(`${cid} was not announced`)
  }
}

export async function run(): Promise<void> {
  const peer = await startPeer(tempPath('peer'), [])
  const others = [await spawnPeer(peer.host.addrs()[0]!), await spawnPeer(peer.host.addrs()[0]!)]
  const peers = async () => (await peer.discovery.provide([randomRoot()])).peers
  while ((await peers()) < others.length) await new Promise((done) => setTimeout(done, 100))
  const announced: number[] = []
  const looped: number[] = []
  await loop(peer, Array.from({ length: 200 }, randomRoot))
  await peer.discovery.provide(Array.from({ length: 2000 }, randomRoot))
  for (let round = 0; round < ROUNDS; round++) {
    const one = Array.from({ length: LOOP_ROOTS }, randomRoot)
    looped.push(await perSecond(LOOP_ROOTS, () => loop(peer, one)))
    const all = Array.from({ length: ROOTS }, randomRoot)
    announced.push(await perSecond(ROOTS, () => peer.discovery.provide(all)))
    for (const other of others) await requireFound(other, all)
    note(
      `round ${round}: ${announced.at(-1)?.toFixed()} against ${looped.at(-1)?.toFixed()} a second`,
    )
  }
  const value = median(announced)
  const baseline = median(looped)
  report({
    bench: 'announce',
    unit: 'roots/s',
    value,
    baseline,
    against: "kad-dht's provide() in a loop, concurrency 8",
    ratio: value / baseline,
    target: 'ratio >= 5',
    reached: value / baseline >= 5,
    roots: ROOTS,
  })
  for (const other of others) await other.end()
  await peer.stop()
}
