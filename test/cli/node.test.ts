import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { formatCid } from '../../src/content/index.js'
import type { NodeControl, NodeStatus } from '../../src/gateway/index.js'
import { cidOfBytes } from '../gateway/fakes.js'
import { cli as bare, fakeNode, jsonLines } from './support.js'

const PEER = '12D3KooWGC6TvWhfapngX6wvJHZtMYhFKRKGNhA7tSBKJrjVHFcH'
const ADDR = `/ip4/127.0.0.1/tcp/4101/p2p/${PEER}`
const CID = formatCid(cidOfBytes(Buffer.from('x')))

const STATUS: NodeStatus = {
  peerId: PEER,
  name: 'alpha',
  version: '0.1.0',
  mode: 'hybrid',
  cluster: { id: 'c1', role: 'voter' },
  peers: 1,
  disks: [
    { id: 'd1', path: '/d', usedBytes: 1024, freeBytes: 2048, capacityBytes: 4096, state: 'ok' },
  ],
  content: { files: 1, chunks: 2, bytes: 3 },
  health: { ok: true, problems: [] },
  addrs: [ADDR],
  uptimeMs: 61_000,
  providing: { roots: 4, waiting: 5, nextAt: '' },
  online: true,
  instanceId: 'i1',
}

const ID = {
  peerId: PEER,
  name: 'alpha',
  addrs: [ADDR],
  version: '0.1.0',
  protocols: ['/dps/chunk/1.0.0'],
  instanceId: 'i1',
  nodeVersion: 'v20.20.2',
}

const run = async (node: Partial<NodeControl>, ...argv: string[]) =>
  (await fakeNode({ node })).cli(argv)

describe('status and id', () => {
  test('status --json: the shape that scripts rely on; the leader is null while there is none', async () => {
    const { stdout, code } = await run({ status: async () => STATUS }, 'status', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ...STATUS,
      cluster: { id: 'c1', leader: null, role: 'voter' },
      providing: { roots: 4, waiting: 5, nextAt: null },
    })
  })

  test('status: one screen', async () => {
    const { stdout } = await run({ status: async () => STATUS }, 'status')
    expect(stdout.split('\n')).toEqual([
      `Peer       ${PEER} (alpha)`,
      'Mode       hybrid, up 1m 01s, dps-node 0.1.0',
      'Cluster    c1 (voter), leader none',
      `Address    ${ADDR}`,
      'Peers      1 connected',
      'Disk       /d  1.0 KiB used, 2.0 KiB free of 4.0 KiB',
      'Content    1 file, 2 chunks, 3 B',
      'Announcing 4 roots, 5 waiting',
      'Health     ok',
      '',
    ])
  })

  test('status: a cluster of one, and a node that does not run', async () => {
    const status = { ...STATUS, cluster: { id: '', leader: PEER, role: 'voter' }, online: false }
    const { stdout } = await run({ status: async () => status }, 'status')
    expect(stdout).toContain('Cluster    of one, this node leads\n')
    expect(stdout).not.toContain('Peers')
  })

  test('status: problems are named with what to do', async () => {
    const problems = [{ serviceId: 'store', message: 'disk d1 is full', hint: 'add a disk' }]
    const status = { ...STATUS, health: { ok: false, problems } }
    const { stdout } = await run({ status: async () => status }, 'status')
    expect(stdout).toContain('Health     problems\n  store  disk d1 is full; add a disk\n')
    const healthy = await run({ status: async () => status }, 'diag', 'healthy')
    expect(healthy.code).toBe(1)
    expect(healthy.stderr).toContain('store: disk d1 is full; add a disk (UNAVAILABLE)')
    const fine = await run({ status: async () => STATUS }, 'diag', 'healthy', '--json')
    expect(fine).toMatchObject({ code: 0, stdout: '{"ok":true,"problems":[]}\n' })
  })

  test('id: for people and for programs', async () => {
    const plain = await run({ id: async () => ID }, 'id')
    expect(plain.stdout).toBe(
      `Peer ID    ${PEER}\nName       alpha\nAddress    ${ADDR}\n` +
        'Version    dps-node 0.1.0 (Node.js 20.20.2)\nProtocol   /dps/chunk/1.0.0\n',
    )
    const json = await run({ id: async () => ID }, 'id', '--json')
    expect(JSON.parse(json.stdout)).toEqual(ID)
  })

  test('diag: a bundle with the settings that differ from the defaults', async () => {
    const { dataDir, cli } = await fakeNode({ node: { diagnose: async () => ({ parts: ['x'] }) } })
    await writeFile(join(dataDir, 'config.toml'), '[node]\nzone = "z"\n')
    const { stdout } = await cli(['diag'])
    const { token } = JSON.parse(readFileSync(join(dataDir, 'api.json'), 'utf8'))
    expect(stdout).not.toContain(token)
    expect(JSON.parse(stdout)).toMatchObject({
      running: true,
      settings: { 'node.zone': { value: 'z', source: 'file' } },
      node: { parts: ['x'] },
    })
  })

  test('a token that is no longer right is exit 12', async () => {
    const { dataDir, cli } = await fakeNode({ node: { id: async () => ID } })
    const path = join(dataDir, 'api.json')
    const api = JSON.parse(readFileSync(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...api, token: 'wrong' }))
    const { code, stderr } = await cli(['id'])
    expect(code).toBe(12)
    expect(stderr).toContain('(UNAUTHENTICATED)')
  })
})

describe('stop and start', () => {
  test('stop: returns only when the node has let go of the directory', async () => {
    let stoppedAtMs = 0
    const { dataDir, cli } = await fakeNode({
      node: {
        stop: () => {
          setTimeout(() => rmSync(join(dataDir, 'api.json')), 100)
          setTimeout(() => {
            stoppedAtMs = performance.now()
            rmSync(join(dataDir, 'lock'))
          }, 300)
        },
      },
    })
    await writeFile(join(dataDir, 'lock'), '')
    expect(await cli(['stop'])).toMatchObject({ code: 0, stdout: 'stopped\n' })
    expect(stoppedAtMs).toBeGreaterThan(0)
    expect(performance.now()).toBeGreaterThanOrEqual(stoppedAtMs)
  })

  test('start, init: a directory on which a node runs is exit 11', async () => {
    const { cli } = await fakeNode({})
    for (const argv of [[], ['start'], ['init']]) {
      const { code, stdout, stderr } = await cli(argv)
      expect({ code, stdout }).toEqual({ code: 11, stdout: '' })
      expect(stderr).toMatch(/^error: a node is running on .* \(FAILED_PRECONDITION\)\n/)
    }
  })

  test('a node that is being stopped is told as that, not as an interrupt', async () => {
    const node: Partial<NodeControl> = {
      id: async () => {
        throw new DpsError('CANCELLED', 'cancelled')
      },
    }
    const { code, stderr } = await run(node, 'id')
    expect(code).toBe(1)
    expect(stderr).toContain('error: the node is stopping (UNAVAILABLE)\n')
  })
})

describe('swarm, routing, ping', () => {
  test('swarm: peers and known addresses', async () => {
    const peer = {
      peerId: PEER,
      addr: ADDR,
      direction: 'outbound',
      agent: 'dps',
      connectedMs: 5000,
    }
    const node: Partial<NodeControl> = {
      swarmPeers: async () => [peer, { ...peer, latencyMs: 1.25 }],
      swarmAddrs: async () => [{ peerId: PEER, addrs: [ADDR] }],
    }
    expect((await run(node, 'swarm', 'peers')).stdout).toBe(
      `${PEER}  ${ADDR}  outbound  -       5s  dps\n${PEER}  ${ADDR}  outbound  1.3 ms  5s  dps\n`,
    )
    expect(jsonLines((await run(node, 'swarm', 'peers', '--json')).stdout)).toEqual([
      { ...peer, latencyMs: null },
      { ...peer, latencyMs: 1.25 },
    ])
    expect((await run(node, 'swarm', 'addrs')).stdout).toBe(`${PEER} (1)\n  ${ADDR}\n`)
    const none = await run({ swarmPeers: async () => [] }, 'swarm', 'peers')
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no peers are connected\n' })
  })

  test('swarm: connect and disconnect', async () => {
    const asked: string[] = []
    const node: Partial<NodeControl> = {
      swarmConnect: async (addr) => {
        asked.push(addr)
        return PEER
      },
      swarmDisconnect: async (peer) => {
        asked.push(peer)
        return PEER
      },
    }
    expect((await run(node, 'swarm', 'connect', ADDR)).stdout).toBe(`connected ${PEER}\n`)
    expect((await run(node, 'swarm', 'disconnect', '12D3KooWGC')).stdout).toBe(
      `disconnected ${PEER}\n`,
    )
    expect(asked).toEqual([ADDR, '12D3KooWGC'])
  })

  test('routing: providers as they are found; none is exit 4', async () => {
    const limits: unknown[] = []
    const node: Partial<NodeControl> = {
      async *findProviders(_cid, options) {
        limits.push(options?.limit)
        yield { peerId: PEER, addrs: [ADDR] }
      },
      provide: async () => ({ peers: 2 }),
    }
    expect((await run(node, 'routing', 'findprovs', CID)).stdout).toBe(`${PEER}\n`)
    const json = await run(node, 'routing', 'findprovs', CID, '-n', '3', '--json')
    expect(jsonLines(json.stdout)).toEqual([{ peerId: PEER, addrs: [ADDR] }])
    expect(limits).toEqual([20, 3])
    const none = await run({ async *findProviders() {} }, 'routing', 'findprovs', CID)
    expect(none.code).toBe(4)
    expect((await run(node, 'routing', 'provide', CID)).stdout).toBe(
      `announced ${CID} to 2 peers\n`,
    )
  })

  test('ping: times, and an exit code that tells', async () => {
    const pinging = (...errors: string[]): Partial<NodeControl> => ({
      async *ping() {
        for (const [seq, error] of errors.entries())
          yield { peerId: PEER, seq, rttMs: seq + 1, error }
      },
    })
    expect(await run(pinging('', ''), 'ping', PEER, '-n', '2')).toMatchObject({
      code: 0,
      stdout:
        `${PEER}: seq=0 time=1.00 ms\n${PEER}: seq=1 time=2.00 ms\n` +
        '2 sent, 2 answered; min 1.00, average 1.50, max 2.00 ms\n',
    })
    expect(await run(pinging('', 'timed out'), 'ping', PEER)).toMatchObject({
      code: 3,
      stderr: `${PEER}: seq=1 timed out\n`,
    })
    const none = await run(pinging('timed out'), 'ping', PEER, '--json')
    expect(none.code).toBe(1)
    expect(jsonLines(none.stdout)).toEqual([{ peerId: PEER, seq: 0, error: 'timed out' }])
  })
})

test('bench: every measure has a number and a unit, and leaves nothing behind', async () => {
  const { dataDir, cli } = await fakeNode({ node: { id: async () => ID } })
  const { stdout, code } = await cli(['bench', '--json', '--size', '2MiB'])
  expect(code).toBe(0)
  const measures = jsonLines(stdout)
  expect(measures.map(({ measure }) => measure)).toEqual([
    'hash',
    'disk write',
    'disk read',
    'commit',
    'network',
    'node',
  ])
  for (const { value } of measures) expect(value).toBeGreaterThan(0)
  expect(readdirSync(dataDir).filter((name) => name.startsWith('bench-'))).toEqual([])
})

test('interrupt: before anything was done, still 130', async () => {
  const { dataDir } = await fakeNode({
    node: { id: () => new Promise(() => {}) },
  })
  const result = await bare(['id', '--data-dir', dataDir], {
    onStart: (signal) => setTimeout(() => signal('SIGTERM'), 50),
  })
  expect(result).toMatchObject({ code: 130, stderr: 'error: interrupted (CANCELLED)\n' })
})
