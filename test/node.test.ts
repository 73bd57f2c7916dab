import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSettings } from '../src/config.js'
import { cidOf, formatCid } from '../src/content/index.js'
import type { Discovery } from '../src/network/index.js'
import { createNode } from '../src/node.js'
import { Control } from '../src/node-control.js'
import { MemoryChunkStore } from '../src/store/index.js'
import { cleanUp, tempDir } from './support/temp.js'

/** Without a network: what is tested here is the order of its parts. */
async function settings(dataDir = tempDir()) {
  const flags = { 'node.mode': 'local_only', 'api.listen': '127.0.0.1:0', 'log.level': 'error' }
  return loadSettings({ dataDir, flags, env: {} })
}

async function newNode(dataDir?: string) {
  const node = await createNode(await settings(dataDir))
  cleanUp(() => node.stop())
  return node
}

describe('node: start and stop', () => {
  test('a stop during the start leaves nothing behind that runs', async () => {
    const dataDir = tempDir()
    const node = await newNode(dataDir)
    const starting = node.start()
    await node.stop()
    await starting
    expect(existsSync(join(dataDir, 'lock'))).toBe(false)
    expect(existsSync(join(dataDir, 'api.json'))).toBe(false)
    const next = await newNode(dataDir)
    await next.start()
    expect(existsSync(join(dataDir, 'api.json'))).toBe(true)
  })

  test('a node is started once', async () => {
    const node = await newNode()
    await node.start()
    await expect(node.start()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
    await node.stop()
    await node.stop()
    await node.stopped
    await expect(node.start()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
  })

  test('a start that fails lets go of the data directory', async () => {
    const first = await newNode()
    await first.start()
    const dataDir = tempDir()
    const taken = { 'node.mode': 'local_only', 'api.listen': new URL(first.api.url).host }
    const node = await createNode(await loadSettings({ dataDir, flags: taken, env: {} }))
    await expect(node.start()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
    await node.stop()
    await (await newNode(dataDir)).start()
  })
})

test('node: /metrics tells of the store too', async () => {
  const node = await newNode()
  await node.start()
  const text = await (await fetch(`${node.api.url}/metrics`)).text()
  for (const name of ['dps_store_chunks', 'dps_store_used_bytes', 'process_open_fds']) {
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'))
  }
})

test('node: what is not stored here is not announced', async () => {
  const store = new MemoryChunkStore()
  const digest = new Uint8Array(32).fill(7)
  const announced: string[] = []
  const discovery: Partial<Discovery> = {
    provide: async (cids) => {
      for (const cid of cids) announced.push(formatCid(cid))
      return { peers: 1 }
    },
  }
  const control = new Control(
    {
      host: undefined,
      discovery: discovery as Discovery,
      store: Object.assign(store, { problem: () => undefined }),
      references: { async *pins() {} },
      cluster: {
        open: async () => {},
        brief: () => ({ id: 'c1', leader: 'p', role: 'voter', mode: 'hybrid' }),
        problems: () => [],
      },
      askToStop: () => {},
    },
    { settings: await settings(), instanceId: 'i', peerId: 'p', diskPath: '/' },
  )
  const cid = cidOf('chunk', digest)
  await expect(control.provide(cid)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(announced).toEqual([])
  await store.put([{ digest, kind: 'chunk', bytes: new Uint8Array(1) }])
  await expect(control.provide(cid)).resolves.toEqual({ peers: 1 })
  expect(announced).toEqual([formatCid(cid)])
})
