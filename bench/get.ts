/**
 * Get from one peer into the node's own store, verified and durable; then from two, capped and
 * uncapped. The baseline is one bare libp2p stream (noise, yamux) of 1 MiB messages between two
 * processes.
 */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import {
  type BenchNode,
  fetchTo,
  GIB,
  MIB,
  median,
  note,
  publish,
  ROUNDS,
  randomFile,
  rate,
  report,
  startNode,
  tempPath,
} from './harness.js'

const SIZE = Number(process.env.BENCH_GET_BYTES ?? 2 * GIB)
/** Capped peers take 20 s a gigabyte: less is enough there. */
const CAPPED_SIZE = 256 * MIB
const CAP = '50MB'

/** MB/s of one bare stream; the other end is this very file in a process of its own. */
async function bareStream(): Promise<number> {
  const code = `(await import(${JSON.stringify(import.meta.filename)})).sink()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let addr = ''
  for await (const piece of child.stdout) {
    addr += piece
    if (addr.includes('\n')) break
  }
  const { bareNode, multiaddr } = await bare()
  const node = await bareNode()
  try {
    const stream = await node.dialProtocol(multiaddr(addr.trim()), '/bare/1')
    const message = Buffer.alloc(MIB, 7)
    const bytes = SIZE / 2
    const done = new Promise<void>((resolve) => {
      stream.addEventListener('message', () => resolve(), { once: true })
    })
    return await rate(bytes, async () => {
      const size = Buffer.alloc(8)
      size.writeDoubleBE(bytes)
      stream.send(size)
      for (let sent = 0; sent < bytes; sent += message.length) {
        if (!stream.send(message)) await drained(stream)
      }
      await done
    })
  } finally {
    child.kill('SIGKILL')
    await node.stop()
  }
}

/** `onDrain()` waits only once in a stream's life. */
function drained(stream: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    stream.addEventListener('drain', () => resolve(), { once: true })
  })
}

/** The receiving process: counts, and answers one byte at the end. */
export async function sink(): Promise<void> {
  const { bareNode } = await bare()
  const node = await bareNode(['/ip4/127.0.0.1/tcp/0'])
  await node.handle('/bare/1', (stream) => {
    let expected = -1
    let got = 0
    stream.addEventListener('message', (event) => {
      let data = event.data
      if (expected < 0) {
        expected = Buffer.from(data.subarray(0, 8)).readDoubleBE()
        data = data.subarray(8)
      }
      got += data.byteLength
      if (got >= expected) stream.send(new Uint8Array(1))
    })
  })
  process.stdout.write(`${node.getMultiaddrs()[0]}\n`)
}

async function bare() {
  await import('../src/network/polyfill.js')
  const { createLibp2p } = await import('libp2p')
  const { tcp } = await import('@libp2p/tcp')
  const { noise } = await import('@chainsafe/libp2p-noise')
  const { yamux } = await import('@chainsafe/libp2p-yamux')
  const { multiaddr } = await import('@multiformats/multiaddr')
  const bareNode = async (listen: string[] = []) => {
    return createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [
        yamux({ streamOptions: { initialStreamWindowSize: MIB, maxStreamWindowSize: 2 * MIB } }),
      ],
      connectionManager: { inboundConnectionThreshold: 1000 },
    })
  }
  return { bareNode, multiaddr }
}

/** Fetches on a node of its own, so that nothing is there before. */
async function freshFetch(sources: BenchNode[], cid: string, bytes: number): Promise<number> {
  const node = await startNode({ bootstrap: sources.map(({ addrs }) => addrs[0]!) })
  try {
    for (const { addrs } of sources) await node.client.node.swarmConnect({ addr: addrs[0]! })
    return await rate(bytes, () => fetchTo(node, cid))
  } finally {
    await node.destroy()
  }
}

/** As `get -o` does: into the store, then out to a file. */
async function freshGetToFile(source: BenchNode, cid: string): Promise<number> {
  const node = await startNode({ bootstrap: [source.addrs[0]!] })
  const target = tempPath('out')
  try {
    await node.client.node.swarmConnect({ addr: source.addrs[0]! })
    return await rate(SIZE, async () => {
      await fetchTo(node, cid)
      const { body } = await node.client.download(cid)
      const out = fs.createWriteStream(target, { highWaterMark: 4 * MIB })
      for await (const piece of body) {
        if (!out.write(piece))
          await new Promise<void>((resolve) => out.once('drain', () => resolve()))
      }
      await new Promise<void>((resolve) => out.end(() => resolve()))
    })
  } finally {
    fs.rmSync(target, { force: true })
    await node.destroy()
  }
}

async function onePeer(): Promise<void> {
  const source = await startNode()
  const cid = await publish(source, randomFile(SIZE))
  const got: number[] = []
  const bareRates: number[] = []
  const files: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    bareRates.push(await bareStream())
    got.push(await freshFetch([source], cid, SIZE))
    files.push(await freshGetToFile(source, cid))
    note(`get ${got.at(-1)} bare ${bareRates.at(-1)} -o ${files.at(-1)}`)
  }
  await source.destroy()
  const ratio = median(got.map((value, i) => value / bareRates[i]!))
  report({
    bench: 'get-2gib',
    unit: 'MB/s',
    value: median(got),
    baseline: median(bareRates),
    against: 'one bare noise+yamux stream of 1 MiB messages',
    ratio,
    toFile: median(files),
    target: '>= 0.45',
    reached: ratio >= 0.45,
  })
}

async function twoPeers(bytes: number, cap: string | undefined, target: number): Promise<void> {
  const env: Record<string, string> = cap === undefined ? {} : { DPS_EXCHANGE_UPLOAD_LIMIT: cap }
  const file = randomFile(bytes)
  // The one peer is a swarm of its own: nobody there knows of the two.
  const lone = await startNode({ env })
  const a = await startNode({ env })
  const b = await startNode({ env, bootstrap: [a.addrs[0]!] })
  const cid = await publish(lone, file)
  await publish(a, file)
  await publish(b, file)
  const one: number[] = []
  const two: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    one.push(await freshFetch([lone], cid, bytes))
    two.push(await freshFetch([a, b], cid, bytes))
    note(`two peers ${cap ?? 'uncapped'}: one ${one.at(-1)} two ${two.at(-1)}`)
  }
  for (const node of [lone, a, b]) await node.destroy()
  fs.rmSync(file)
  const ratio = median(two.map((value, i) => value / one[i]!))
  report({
    bench: cap === undefined ? 'get-two-peers' : 'get-two-peers-capped',
    unit: 'MB/s',
    value: median(two),
    baseline: median(one),
    against: `get from one${cap === undefined ? '' : `, each capped at ${cap}/s`}`,
    ratio,
    target: `>= ${target}`,
    reached: ratio >= target,
  })
}

export async function run(): Promise<void> {
  await onePeer()
  await twoPeers(CAPPED_SIZE, CAP, 1.7)
  await twoPeers(GIB, undefined, 0.9)
}
