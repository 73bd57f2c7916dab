/**
 * The baseline of the metadata authority: etcd as Debian ships it, three members on loopback, fsync on,
 * and the smallest gRPC client that Node can have: HTTP/2 and hand-made messages, so that the client
 * takes as little of the machine as it can.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http2 from 'node:http2'
import { createServer } from 'node:net'
import { note, tempPath } from './harness.js'

const MEMBERS = ['a', 'b', 'c']
const READY_TIMEOUT_MS = 20_000

export interface Etcd {
  version: string
  /** `http://127.0.0.1:<port>` of the leader. */
  url: string
  stop(): Promise<void>
}

/** Undefined, with a notice, where etcd is not installed. */
export async function startEtcd(): Promise<Etcd | undefined> {
  const { stdout, status } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  if (status !== 0) {
    note('SKIPPED: no baseline, etcd is not installed (Debian: apt-get install etcd-server)')
    return undefined
  }
  const version = /Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown'
  const ports = await Promise.all(MEMBERS.flatMap(() => [freePort(), freePort()]))
  const at = (port: number) => `http://127.0.0.1:${port}`
  const peers = MEMBERS.map((name, i) => `${name}=${at(ports[2 * i + 1]!)}`).join(',')
  const dirs = MEMBERS.map(() => tempPath('etcd'))
  const children = MEMBERS.map((name, i) => {
    const client = at(ports[2 * i]!)
    const peer = at(ports[2 * i + 1]!)
    const args = ['--name', name, '--data-dir', dirs[i]!, '--logger', 'zap', '--log-level', 'error']
    args.push('--listen-client-urls', client, '--advertise-client-urls', client)
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer)
    args.push('--initial-cluster', peers, '--initial-cluster-state', 'new')
    args.push('--quota-backend-bytes', String(4 * 1024 ** 3))
    return spawn('etcd', args, { stdio: 'ignore' })
  })
  const kill = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.on('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    await Promise.all(children.map(ended))
    for (const dir of dirs) fs.rmSync(dir, { recursive: true, force: true })
  }
  try {
    return { version, url: await findLeader(MEMBERS.map((_, i) => at(ports[2 * i]!))), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function findLeader(urls: readonly string[]): Promise<string> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline) {
    for (const url of urls) {
      const client = new EtcdClient(url)
      try {
        if (await client.isLeader()) return url
      } catch {
        // Not listening yet, or no leader is elected.
      } finally {
        client.close()
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`etcd has no leader after ${READY_TIMEOUT_MS} ms`)
}

/** What of etcd's v3 API the benches need. Keys and values of up to 16 KiB. */
export class EtcdClient {
  readonly #session: http2.ClientHttp2Session
  #failure: Error | undefined

  constructor(url: string) {
    this.#session = http2.connect(url)
    this.#session.on('error', (error) => {
      this.#failure = error
    })
  }

  close(): void {
    this.#session.destroy()
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#call('/etcdserverpb.KV/Put', [field(1, Buffer.from(key)), field(2, value)])
  }

  /** Linearizable, as by default. */
  async get(key: string): Promise<Uint8Array> {
    return this.#call('/etcdserverpb.KV/Range', [field(1, Buffer.from(key))])
  }

  async isLeader(): Promise<boolean> {
    const status = await this.#call('/etcdserverpb.Maintenance/Status', [])
    const header = fieldsOf(status).get(1) as Uint8Array
    const leader = fieldsOf(status).get(4)
    return leader !== undefined && leader === fieldsOf(header).get(2)
  }

  #call(path: string, fields: readonly Uint8Array[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      const pieces: Uint8Array[] = []
      let status: unknown
      stream.on('response', (headers) => {
        status = headers['grpc-status']
      })
      stream.on('trailers', (headers) => {
        status = headers['grpc-status']
      })
      stream.on('data', (piece: Uint8Array) => pieces.push(piece))
      stream.on('error', reject)
      stream.on('end', () => {
        if (status === '0') resolve(Buffer.concat(pieces).subarray(5))
        else reject(new Error(`${path}: grpc-status ${status}`))
      })
      stream.end(framed(fields))
    })
  }
}

/** gRPC's frame: not compressed, length, message. */
function framed(fields: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const { byteLength } of fields) length += byteLength
  const frame = Buffer.allocUnsafe(5 + length)
  frame[0] = 0
  frame.writeUInt32BE(length, 1)
  let at = 5
  for (const bytes of fields) {
    frame.set(bytes, at)
    at += bytes.byteLength
  }
  return frame
}

/** A bytes field; its length takes at most two bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const { byteLength } = bytes
  const length = byteLength < 128 ? [byteLength] : [(byteLength & 127) | 128, byteLength >> 7]
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes])
}

/** Varints and bytes by field number; of repeated ones the last. */
function fieldsOf(message: Uint8Array): Map<number, bigint | Uint8Array> {
  const fields = new Map<number, bigint | Uint8Array>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = Number(varint())
    const value = varint()
    if ((tag & 7) === 0) fields.set(tag >> 3, value)
    else {
      fields.set(tag >> 3, message.subarray(at, at + Number(value)))
      at += Number(value)
    }
  }
  return fields
}
