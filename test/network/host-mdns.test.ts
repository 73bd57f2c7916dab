import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { cleanUp, eventually, tempDir } from '../support/temp.js'

// mDNS goes to whoever is on the network: only namespaces of our own may see it.
const isRoot = process.getuid?.() === 0
const hasNamespaces =
  isRoot && process.platform === 'linux' && spawnSync('ip', ['netns', 'list']).status === 0
if (!hasNamespaces) console.warn('SKIPPED: mDNS needs root and `ip netns` for its own network')

const name = `dps${process.pid}`

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

/** Two namespaces with one cable between them: 10.77.0.1 and 10.77.0.2. */
function twoMachines(): void {
  for (const side of ['a', 'b']) {
    ip('netns', 'add', `${name}${side}`)
    cleanUp(() => void spawnSync('ip', ['netns', 'del', `${name}${side}`]))
  }
  ip('link', 'add', 'va', 'netns', `${name}a`, 'type', 'veth', 'peer', 'va', 'netns', `${name}b`)
  for (const [n, side] of ['a', 'b'].entries()) {
    const inside = ['-n', `${name}${side}`]
    ip(...inside, 'addr', 'add', `10.77.0.${n + 1}/24`, 'dev', 'va')
    ip(...inside, 'link', 'set', 'va', 'up')
    ip(...inside, 'link', 'set', 'lo', 'up')
    ip(...inside, 'route', 'add', '224.0.0.0/4', 'dev', 'va')
  }
}

async function bundlePeer(): Promise<string> {
  // Inside the project, so that node finds the packages.
  const outfile = join(import.meta.dirname, '../../dist/test/host-mdns-peer.mjs')
  mkdirSync(join(outfile, '..'), { recursive: true })
  await build({
    entryPoints: [join(import.meta.dirname, 'host-mdns-peer.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'error',
  })
  return outfile
}

function startIn(side: string, script: string, listen: string): { lines: string[] } {
  const args = ['netns', 'exec', `${name}${side}`, process.execPath, script, tempDir(), listen]
  const child: ChildProcess = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  cleanUp(async () => {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined
    child.stdin?.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  })
  const lines: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  return { lines }
}

test.skipIf(!hasNamespaces)(
  'mdns: two hosts on one network find and connect to each other',
  async () => {
    twoMachines()
    const script = await bundlePeer()
    const peers = [
      startIn('a', script, '/ip4/10.77.0.1/tcp/4101'),
      startIn('b', script, '/ip4/10.77.0.2/tcp/4101'),
    ]
    await eventually('both have met', () =>
      peers.every(({ lines }) => lines.some((line) => line.startsWith('met '))),
    )
    const told = (index: number, word: string) =>
      peers[index]?.lines.find((line) => line.startsWith(word))?.slice(word.length)
    expect(told(0, 'met ')).toBe(told(1, 'self '))
    expect(told(1, 'met ')).toBe(told(0, 'self '))
  },
)
