/** Run inside a network namespace: a host with mDNS that says whom it has met, until stdin ends. */
import { join } from 'node:path'
import { Level } from 'level'
import { Host } from '../../src/network/host.js'
import { loadIdentity } from '../../src/network/identity.js'
import { silentLog } from '../../src/observability/index.js'

const [dir = '', listen = ''] = process.argv.slice(2)
const meta = new Level<string, Uint8Array>(join(dir, 'meta'), { valueEncoding: 'view' })
await meta.open()
const host = new Host(
  {
    identity: await loadIdentity(join(dir, 'identity.key')),
    dhtPath: join(dir, 'dht'),
    knownPeers: meta.sublevel<string, Uint8Array>('known', { valueEncoding: 'view' }),
    log: silentLog,
  },
  { listen: [listen], version: '0.0.0', mdns: true, mdnsIntervalMs: 500 },
)
host.onConnect((peerId) => process.stdout.write(`met ${peerId}\n`))
await host.start()
process.stdout.write(`self ${host.peerId}\n`)
process.stdin.resume().once('end', async () => {
  await host.stop()
  await meta.close()
})
