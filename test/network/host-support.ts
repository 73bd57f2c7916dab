/** Real libp2p hosts on loopback, with their own directories; ended with the test. */
import { join } from 'node:path'
import { Level } from 'level'
import type { CID } from 'multiformats/cid'
import {
  Discovery,
  type DiscoveryComponents,
  type DiscoveryInit,
  type Provider,
} from '../../src/network/discovery.js'
import { Host } from '../../src/network/host.js'
import type { HostInit } from '../../src/network/host-init.js'
import { loadIdentity } from '../../src/network/identity.js'
import type { Table } from '../../src/network/table.js'
import { type Log, silentLog } from '../../src/observability/index.js'
import { cleanUp, tempDir } from '../support/temp.js'

export interface TestHost {
  host: Host
  discovery: Discovery
  /** Given to another start, the same host comes back. */
  dir: string
  addr: string
  known: Table
  stop(): Promise<void>
}

export interface TestHostInit extends Partial<HostInit> {
  dir?: string
  discovery?: DiscoveryInit
  holds?: DiscoveryComponents['holds']
  log?: Log
}

export async function openTables(dir: string) {
  const meta = new Level<string, Uint8Array>(join(dir, 'meta'), { valueEncoding: 'view' })
  await meta.open()
  const table = (name: string): Table =>
    meta.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
  return { known: table('known-peers'), provide: table('provide'), close: () => meta.close() }
}

/** Started, listening on loopback; redials fast. */
export async function startHost(init: TestHostInit = {}): Promise<TestHost> {
  const dir = init.dir ?? tempDir()
  const tables = await openTables(dir)
  const log = init.log ?? silentLog
  const identity = await loadIdentity(join(dir, 'identity.key'))
  const host = new Host(
    { identity, dhtPath: join(dir, 'dht'), knownPeers: tables.known, log },
    {
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      redial: { minMs: 50, maxMs: 400 },
      ...init,
    },
  )
  const discovery = new Discovery(
    { host, table: tables.provide, log, ...(init.holds && { holds: init.holds }) },
    init.discovery,
  )
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      await discovery.stop()
      await host.stop()
      await tables.close()
    })()
    return stopped
  }
  cleanUp(stop)
  try {
    await host.start()
    await discovery.start()
  } catch (error) {
    await stop()
    throw error
  }
  return { host, discovery, dir, addr: host.addrs()[0] ?? '', known: tables.known, stop }
}

/** The port of a multiaddr, to start again on it. */
export function portOf(addr: string): number {
  return Number(/\/tcp\/(\d+)/.exec(addr)?.[1])
}

export async function providersOf(at: TestHost, cid: CID, timeoutMs = 5000): Promise<Provider[]> {
  const found: Provider[] = []
  for await (const provider of at.discovery.findProviders(cid, { timeoutMs })) found.push(provider)
  return found
}

/** What a log was told, by level. */
export function recordingLog(): { log: Log; lines: { level: string; message: string }[] } {
  const lines: { level: string; message: string }[] = []
  const fn =
    (level: string) =>
    (...args: unknown[]) =>
      void lines.push({ level, message: String(args.at(-1)) })
  const log: Log = {
    trace: fn('trace'),
    debug: fn('debug'),
    info: fn('info'),
    warn: fn('warn'),
    error: fn('error'),
    fatal: fn('fatal'),
    child: () => log,
    isLevelEnabled: (level) => level !== 'trace',
  }
  return { log, lines }
}
