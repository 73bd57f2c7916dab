/**
 * Three members without gateways, each in a process of its own: libp2p, log and state on disk, the
 * authority. They boot from one configuration, so that no time goes into joining.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Level } from 'level'
import { systemClock, systemRandom, systemTimers } from '../src/base/index.js'
import {
  Authority,
  ClusterClient,
  ClusterServer,
  type Command,
  Replica,
  ROOT_DIRECTORY,
} from '../src/metadata/index.js'
import { Host, loadIdentity } from '../src/network/index.js'
import { silentLog } from '../src/observability/index.js'
import { configurationOf, Libp2pTransport, nodeIdOf } from '../src/raft/index.js'
import { tempPath } from './harness.js'
import { type Load, load } from './load.js'

const CLUSTER = 'bench'
const READY_TIMEOUT_MS = 20_000
/** Elections of 1 to 2 seconds: as the node's default. */
const TICKS = { tickMs: 50, heartbeatTicks: 3, electionTicks: 20 }

/** Makes the entry of a change in the log 256 bytes long, as a proposal of the speed table. */
const NAME_BYTES = 196
/** Folders that proposals change, in turns. */
export const FOLDERS = 1000

export function folderName(at: number): string {
  return `folder-${at % FOLDERS}`.padEnd(NAME_BYTES, '.')
}

/** Sets the time of one folder: like a put of one key, it changes one record. */
function changeOf(count: number): Command {
  const place = { directoryId: ROOT_DIRECTORY, names: [folderName(count)] }
  return { type: 'setAttributes', place, mtimeNs: BigInt(count) }
}

function folderOf(at: number): Command {
  return {
    type: 'mkdir',
    place: { directoryId: ROOT_DIRECTORY, names: [folderName(at)] },
    attributes: { mode: 0o755, uid: 1000, gid: 1000, mtimeNs: 0n },
    parents: true,
  }
}

/** Of one command: its entry in the log stays within a MiB. */
const FILL_ITEMS = 1000
const NOTHING = new Uint8Array(0)

/** Entries of the root directory, their names in order. */
export function fillOf(from: number, count: number): Command {
  const attributes = { mode: 0o644, uid: 1000, gid: 1000, mtimeNs: 1_700_000_000_000_000_000n }
  const items = Array.from({ length: count }, (_, at) => ({
    place: {
      directoryId: ROOT_DIRECTORY,
      names: [`file-${String(from + at).padStart(9, '0')}.jpg`],
    },
    content: { kind: 'symlink' as const, target: `../elsewhere/file-${from + at}.jpg` },
    attributes,
  }))
  return { type: 'put', items, closes: false }
}

interface Address {
  peerId: string
  addrs: string[]
}

/** Asked for over stdin, a line each; answered with a line each. */
type Question =
  /** The first `voters` of them are the configuration that all boot from. */
  | { ask: 'start'; members: Address[]; voters: number }
  | { ask: 'leads' }
  | { ask: 'prepare' }
  | { ask: 'propose'; concurrency: number; seconds: number }
  | { ask: 'read'; concurrency: number; seconds: number }
  | { ask: 'fill'; entries: number }
  | { ask: 'add'; peerId: string }
  | { ask: 'applied' }

/** A member's process, from its first to its last line. */
export async function serveMember(dir: string): Promise<void> {
  fs.mkdirSync(dir, { recursive: true })
  const meta = new Level<string, Uint8Array>(path.join(dir, 'meta'), { valueEncoding: 'view' })
  await meta.open()
  const host = new Host(
    {
      identity: await loadIdentity(path.join(dir, 'identity.key')),
      dhtPath: path.join(dir, 'dht'),
      knownPeers: meta.sublevel<string, Uint8Array>('known', { valueEncoding: 'view' }),
      log: silentLog,
    },
    { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], version: '0.0.0' },
  )
  await host.start()
  const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
  say({ peerId: host.peerId, addrs: host.addrs() })
  const parts = { clock: systemClock, timers: systemTimers, random: systemRandom, log: silentLog }
  const client = new ClusterClient({ streams: host, log: silentLog })
  const authority = new Authority({ ...parts, peers: client })
  let replica: Replica | undefined
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line) as Question
    switch (question.ask) {
      case 'start': {
        const { members, voters } = question
        for (const { peerId, addrs } of members) {
          if (peerId !== host.peerId) await host.learn(peerId, addrs)
        }
        replica = replicaOf(dir, host, members.slice(0, voters), parts)
        const server = new ClusterServer(
          { streams: host, log: silentLog, receiver: authority },
          { handlers: {}, admit: () => {} },
        )
        await client.start()
        await authority.start()
        await server.start()
        await replica.start()
        authority.replaceReplica(replica)
        say(true)
        break
      }
      case 'leads':
        say(authority.status().leading)
        break
      case 'prepare':
        for (let at = 0; at < FOLDERS; at++) await authority.execute(folderOf(at))
        say(true)
        break
      case 'propose': {
        const call = (count: number) => authority.execute(changeOf(count))
        say(await load(question.concurrency, question.seconds, call))
        break
      }
      case 'read':
        say(await load(question.concurrency, question.seconds, () => authority.read()))
        break
      case 'fill':
        for (let from = 0; from < question.entries; from += FILL_ITEMS) {
          const count = Math.min(FILL_ITEMS, question.entries - from)
          await authority.execute(fillOf(from, count))
        }
        say(true)
        break
      case 'add': {
        const id = nodeIdOf(question.peerId, 0)
        await replica!.runner.proposeChange({ kind: 'addLearner', id, context: NOTHING })
        say(true)
        break
      }
      case 'applied':
        say(authority.status().appliedIndex)
        break
    }
  }
}

function replicaOf(
  dir: string,
  host: Host,
  members: readonly Address[],
  parts: ConstructorParameters<typeof Authority>[0] extends infer P ? Omit<P, 'peers'> : never,
): Replica {
  const id = nodeIdOf(host.peerId, 0)
  const boot = configurationOf(members.map(({ peerId }) => nodeIdOf(peerId, 0)))
  return new Replica(
    {
      ...parts,
      makeTransport: () =>
        new Libp2pTransport(
          { streams: host, log: silentLog },
          { id, clusterId: CLUSTER, addresses: () => [], isMember: () => true },
        ),
    },
    { path: path.join(dir, 'raft'), clusterId: CLUSTER, id, boot, ...TICKS },
  )
}

export class BenchMember {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>
  address: Address = { peerId: '', addrs: [] }

  private constructor(file: string) {
    const code = `(await import(${JSON.stringify(file)})).serveMember(${JSON.stringify(tempPath('member'))})`
    this.child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { UV_THREADPOOL_SIZE: '16', ...process.env },
    })
    process.on('exit', () => this.child.kill('SIGKILL'))
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]()
  }

  static async spawn(file: string): Promise<BenchMember> {
    const member = new BenchMember(file)
    member.address = await member.#answer()
    return member
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('a member ended')
    return JSON.parse(value) as T
  }

  ask<T>(question: Question): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(question)}\n`)
    return this.#answer<T>()
  }

  propose(concurrency: number, seconds: number): Promise<Load> {
    return this.ask({ ask: 'propose', concurrency, seconds })
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }
}

/**
 * @param file the bundle that exports `serveMember`
 * @param spare further members, which run but are not in the configuration
 */
export async function startMembers(
  file: string,
  { voters = 3, spare = 0 } = {},
): Promise<{
  leader: BenchMember
  followers: BenchMember[]
  spare: BenchMember[]
  stop(): Promise<void>
}> {
  const count = voters + spare
  const all = await Promise.all(Array.from({ length: count }, () => BenchMember.spawn(file)))
  const members = all.map(({ address }) => address)
  await Promise.all(all.map((member) => member.ask({ ask: 'start', members, voters })))
  const stop = async () => {
    await Promise.all(all.map((member) => member.stop()))
  }
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadline) {
    for (const leader of all.slice(0, voters)) {
      if (await leader.ask<boolean>({ ask: 'leads' })) {
        const followers = all.slice(0, voters).filter((member) => member !== leader)
        return { leader, followers, spare: all.slice(voters), stop }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await stop()
  throw new Error(`no member leads after ${READY_TIMEOUT_MS} ms`)
}
