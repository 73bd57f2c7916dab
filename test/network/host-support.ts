/** Real libp2p hosts on loopback, with their own directories; ended with the test. */
import { join } from 'node:path'
import { Level } from 'level'
import { Discovery, type DiscoveryInit } from '../../src/network/discovery.js'
import { Host, type HostInit } from '../../src/network/host.js'
import { loadIdentity } from '../../src/network/identity.js'
import type { Table } from '../../src/network/table.js'
import { silentLog } from '../../src/observability/index.js'
import { cleanUp, tempDir } from '../support/temp.js'

export interface TestHost {
  host: Host
  discovery: Discovery
  /** Keep it to start the same host again. */
  dir: string
  addr: string
  known: Table
  stop(): Promise<void>
}

export interface TestHostInit extends Partial<HostInit> {
  dir?: string
  discovery?: DiscoveryInit
  log?: typeof silentLog
  clock?: { now(): number; monotonicMs(): number }
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
  const host = new Host(
    {
      identity: await loadIdentity(join(dir, 'identity.key')),
      dhtPath: join(dir, 'dht'),
      knownPeers: tables.known,
      log,
    },
    {
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      redial: { minMs: 50, maxMs: 400 },
      ...init,
    },
  )
  const discovery = new Discovery(
    { host, table: tables.provide, log, ...(init.clock ? { clock: init.clock } : {}) },
    init.discovery,
  )
  let stopped = false
  const stop = async () => {
    if (stopped) return
    stopped = true
    await discovery.stop()
    await host.stop()
    await tables.close()
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
