import { connect as connectHttp2 } from 'node:http2'
import { createClient, type Transport } from '@connectrpc/connect'
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node'
import { describe, expect, test } from 'vitest'
import { DpsError, delay } from '../../src/base/index.js'
import { formatCid, parseCid } from '../../src/content/index.js'
import type { FetchEvent, PublishEvent } from '../../src/files/index.js'
import { fromConnectError } from '../../src/gateway/contract/codec.js'
import { ApiClient, ContentService, NodeService } from '../../src/gateway/index.js'
import { createLog } from '../../src/observability/index.js'
import {
  aborted,
  auth,
  collectAll,
  type Deferred,
  deferred,
  type Fakes,
  SOME_CID,
  SOME_CID_TEXT,
  startApi,
  TOKEN,
} from './fakes.js'

const IDENTITY = {
  peerId: '12D3KooW',
  name: 'nas',
  addrs: ['/ip4/127.0.0.1/tcp/4101'],
  version: '0.1.0',
  protocols: ['/dps/chunk/1.0.0'],
  instanceId: 'i1',
  nodeVersion: 'v20',
}

const NOTHING: PublishEvent = { type: 'progress', doneBytes: 0, totalBytes: 0, files: 0 }

const NODE: Fakes['node'] = {
  id: async () => IDENTITY,
  async *findProviders(_cid, { limit = 0 } = {}) {
    for (let i = 0; i < limit; i++) yield { peerId: `peer${i}`, addrs: [`/ip4/10.0.0.${i}`] }
  },
  provide: async () => {
    throw new DpsError('FAILED_PRECONDITION', 'offline ünïcode', { hint: 'go on', exitCode: 10 })
  },
}

const bearer = (next: Parameters<import('@connectrpc/connect').Interceptor>[0]) => {
  return (request: Parameters<typeof next>[0]) => {
    request.header.set('authorization', `Bearer ${TOKEN}`)
    return next(request)
  }
}

const transports: [string, (baseUrl: string) => Transport][] = [
  ['Connect, HTTP/1.1', (baseUrl) => transport(createConnectTransport, baseUrl, '1.1')],
  ['Connect, h2c', (baseUrl) => transport(createConnectTransport, baseUrl, '2')],
  ['Connect with JSON', (baseUrl) => transport(createConnectTransport, baseUrl, '1.1', false)],
  ['gRPC, h2c', (baseUrl) => transport(createGrpcTransport, baseUrl, '2')],
  ['gRPC-Web, HTTP/1.1', (baseUrl) => transport(createGrpcWebTransport, baseUrl, '1.1')],
  ['gRPC-Web, h2c', (baseUrl) => transport(createGrpcWebTransport, baseUrl, '2')],
]

function transport(
  create: (options: never) => Transport,
  baseUrl: string,
  httpVersion: '1.1' | '2',
  useBinaryFormat = true,
): Transport {
  const options = { baseUrl, useBinaryFormat, interceptors: [bearer] }
  return httpVersion === '2'
    ? create({ ...options, httpVersion, idleConnectionTimeoutMs: 500 } as never)
    : create({ ...options, httpVersion } as never)
}

describe.each(transports)('rpc over %s', (_, make) => {
  test('unary calls, streams and errors arrive', async () => {
    const { url } = await startApi({ node: NODE })
    const client = createClient(NodeService, make(url))
    expect(await client.id({})).toMatchObject(IDENTITY)
    const providers = await collectAll(client.findProviders({ cid: SOME_CID_TEXT, limit: 3 }))
    expect(providers.map(({ peerId }) => peerId)).toEqual(['peer0', 'peer1', 'peer2'])
    const failure = await client.provide({ cid: SOME_CID_TEXT }).catch(fromConnectError)
    expect(failure).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: 'offline ünïcode',
      hint: 'go on',
      exitCode: 10,
    })
  })

  test('the handler is cancelled when the client of a unary call leaves', async () => {
    const entered = deferred()
    const left = deferred<unknown>()
    const { url } = await startApi({
      node: {
        id: async ({ signal } = {}) => {
          entered.resolve()
          left.resolve(await aborted(signal))
          throw signal?.reason
        },
      },
    })
    const controller = new AbortController()
    const call = createClient(NodeService, make(url)).id({}, { signal: controller.signal })
    call.catch(() => {})
    await entered.promise
    controller.abort()
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
  })

  test('the handler is cancelled, and its finally runs, when the reader of a stream leaves', async () => {
    const left = deferred<unknown>()
    const cleaned = deferred()
    const { url } = await startApi({
      node: {
        async *ping(peerId, { signal } = {}) {
          try {
            yield { peerId, seq: 0, rttMs: 1, error: '' }
            left.resolve(await aborted(signal))
          } finally {
            cleaned.resolve()
          }
        },
      },
    })
    const controller = new AbortController()
    const { signal } = controller
    const reader = (async () => {
      for await (const { seq } of createClient(NodeService, make(url)).ping(
        { peer: 'x' },
        { signal },
      )) {
        expect(seq).toBe(0)
        controller.abort()
      }
    })()
    await expect(reader).rejects.toThrow()
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
    await cleaned.promise
  })

  test('a deadline of the client ends the handler and is told as DEADLINE_EXCEEDED', async () => {
    const left = deferred<unknown>()
    const { url } = await startApi({
      node: {
        id: async ({ signal } = {}) => {
          left.resolve(await aborted(signal))
          throw signal?.reason
        },
      },
    })
    const call = createClient(NodeService, make(url)).id({}, { timeoutMs: 50 })
    expect(await call.catch(fromConnectError)).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(await left.promise).toMatchObject({
      code: expect.stringMatching(/DEADLINE_EXCEEDED|CANCELLED/),
    })
  })
})

describe('rpc: deadlines', () => {
  test('a unary call without one has the default, even if its handler is deaf', async () => {
    const { client } = await startApi(
      { node: { id: () => new Promise(() => {}) } },
      { unaryTimeoutMs: 50 },
    )
    await expect(client.node.id({})).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  test('a stream has none but the client’s', async () => {
    const { client } = await startApi(
      {
        node: {
          async *ping(peerId, { signal } = {}) {
            await delay(150, signal ? { signal } : {})
            yield { peerId, seq: 0, rttMs: 1, error: '' }
            await aborted(signal)
          },
        },
      },
      { unaryTimeoutMs: 50 },
    )
    const [first] = await collectAll(take(client.node.ping({ peer: 'x' }), 1))
    expect(first?.seq).toBe(0)
    await expect(
      collectAll(client.node.ping({ peer: 'x' }, { timeoutMs: 50 })),
    ).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  test('a client that leaves a stream early cancels the handler', async () => {
    const left = deferred<unknown>()
    const { client } = await startApi({
      node: {
        async *ping(peerId, { signal } = {}) {
          void aborted(signal).then(left.resolve)
          for (let seq = 0; ; seq++) {
            yield { peerId, seq, rttMs: 1, error: '' }
            await delay(1)
          }
        },
      },
    })
    await collectAll(take(client.node.ping({ peer: 'x' }), 2))
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
  })

  test('a reader that stops reading a stream holds its handler back', async () => {
    let sent = 0
    const ended = deferred()
    const { url } = await startApi({
      node: {
        async *findProviders() {
          try {
            for (;;) {
              sent++
              yield { peerId: 'x'.repeat(100_000), addrs: [] }
            }
          } finally {
            ended.resolve()
          }
        },
      },
    })
    const session = connectHttp2(url, { settings: { initialWindowSize: 1_000_000 } })
    const stream = session.request({
      ':method': 'POST',
      ':path': '/dps.api.v1.NodeService/FindProviders',
      'content-type': 'application/connect+json',
      ...auth(),
    })
    const json = Buffer.from(JSON.stringify({ cid: SOME_CID_TEXT }))
    const head = Buffer.alloc(5)
    head.writeUInt32BE(json.byteLength, 1)
    stream.end(Buffer.concat([head, json]))
    stream.pause()
    let before = -1
    await expect
      .poll(
        () => {
          const still = before === sent && sent > 0
          before = sent
          return still
        },
        { interval: 100, timeout: 5000 },
      )
      .toBe(true)
    // A window, and what the writer may hold unsent.
    expect(sent).toBeLessThan(120)
    session.destroy()
    await ended.promise
  })
})

describe('rpc: content methods', () => {
  test('publish options are passed on, zero being absent', async () => {
    const asked: unknown[] = []
    const { client } = await startApi({
      files: {
        async *publishPaths(sources, options) {
          asked.push(sources, options)
          yield NOTHING
        },
      },
    })
    const source = { path: '/tmp/x', dev: '1', ino: '2' }
    await collectAll(
      client.content.publishPaths({
        sources: [source],
        recursive: true,
        options: { chunkSizeBytes: 65536, chunker: 'fastcdc', replicate: 2, ttlMs: 5, name: 'n' },
      }),
    )
    await collectAll(client.content.publishPaths({ sources: [source], options: {} }))
    expect(asked).toEqual([
      [source],
      {
        recursive: true,
        chunkSizeBytes: 65536,
        chunker: 'fastcdc',
        replicate: 2,
        ttlMs: 5,
        name: 'n',
        onlyHash: false,
        noPin: false,
      },
      [source],
      { recursive: false, onlyHash: false, noPin: false },
    ])
  })

  test('every event keeps its fields', async () => {
    const events: PublishEvent[] = [
      { type: 'progress', doneBytes: 2 ** 40, totalBytes: 2 ** 41, files: 3 },
      {
        type: 'added',
        cid: 'c',
        name: 'n',
        kind: 'file',
        sizeBytes: 2 ** 50,
        chunks: 4,
        newBytes: 1,
      },
      { type: 'notice', code: 'SKIPPED', message: 'a socket', path: '/tmp/s' },
      {
        type: 'summary',
        root: 'c',
        files: 1,
        sizeBytes: 7,
        newBytes: 7,
        announced: true,
        copies: [{ peerId: 'p', where: 'w', error: '' }],
        copiesWanted: 2,
      },
    ]
    const { client } = await startApi({
      files: {
        async *publishPaths() {
          yield* events
        },
      },
    })
    const sources = [{ path: '/x' }]
    const got = await collectAll(client.content.publishPaths({ sources, progressHz: 10 }))
    for (const [i, { type, ...fields }] of events.entries()) {
      expect(got[i]?.event).toMatchObject({ case: type, value: fields })
    }
  })

  test('progress comes no more often than asked for, everything else always', async () => {
    const files: Fakes['files'] = {
      async *fetch(): AsyncGenerator<FetchEvent> {
        for (let i = 0; i < 1000; i++) yield { type: 'progress', doneBytes: i, totalBytes: 1000 }
        yield { type: 'notice', code: 'X', message: 'm', path: '' }
      },
    }
    const { client } = await startApi({ files })
    const ask = async (progressHz: number) =>
      (await collectAll(client.content.fetch({ cid: SOME_CID_TEXT, progressHz }))).map(
        ({ event }) => event.case,
      )
    expect(await ask(0)).toEqual(['notice'])
    expect(await ask(1)).toEqual(['progress', 'notice'])
  })

  test('a path below a CID is resolved first', async () => {
    const asked: unknown[] = []
    const { client } = await startApi({
      files: {
        resolve: async (root, path) => {
          asked.push(formatCid(root), path)
          return SOME_CID
        },
        async *list(cid) {
          asked.push(formatCid(cid))
          yield { name: 'a', kind: 'symlink', target: '../b', sizeBytes: 0 }
          yield { name: 'f', kind: 'file', cid, sizeBytes: 5 }
        },
      },
    })
    const cid = `/ipfs/${SOME_CID_TEXT}/a b/c`
    const entries = await collectAll(client.content.list({ cid, timeoutMs: 5 }))
    expect(asked).toEqual([SOME_CID_TEXT, ['a b', 'c'], SOME_CID_TEXT])
    expect(entries).toMatchObject([
      { name: 'a', kind: 'symlink', target: '../b', cid: '' },
      { name: 'f', kind: 'file', cid: SOME_CID_TEXT, sizeBytes: 5 },
    ])
  })

  test('entries of a new directory are checked', async () => {
    const asked: unknown[] = []
    const { client } = await startApi({
      files: {
        async *publishDirectory(entries) {
          asked.push(...entries)
          yield NOTHING
        },
      },
    })
    const publish = (entry: object) =>
      collectAll(client.content.publishDirectory({ entries: [entry] }))
    await publish({ name: 'f', kind: 'file', cid: SOME_CID_TEXT, sizeBytes: 5 })
    await publish({ name: 's', kind: 'symlink', target: 't' })
    expect(asked).toEqual([
      { name: 'f', kind: 'file', cid: parseCid(SOME_CID_TEXT), sizeBytes: 5 },
      { name: 's', kind: 'symlink', target: 't', sizeBytes: 0 },
    ])
    for (const bad of [
      { name: 'f', kind: 'socket', cid: SOME_CID_TEXT },
      { name: 'f', kind: 'file', cid: 'nonsense' },
      { name: 'f', kind: 'file', cid: SOME_CID_TEXT, sizeBytes: -1 },
      { name: 'f', kind: 'file', cid: SOME_CID_TEXT, sizeBytes: Number.NaN },
      { name: 'f', kind: 'file', cid: SOME_CID_TEXT, sizeBytes: 1e300 },
    ]) {
      await expect(publish(bad)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  test('pins are told with times that people read', async () => {
    const { client } = await startApi({
      files: {
        async *pins() {
          const pin = { cid: SOME_CID, name: 'n', kind: 'directory', sizeBytes: 7 }
          yield { ...pin, createdAt: 0 }
          yield { ...pin, createdAt: 1000, expiresAt: 2000 }
        },
      },
    })
    const pin = { cid: SOME_CID_TEXT, name: 'n', kind: 'directory', sizeBytes: 7 }
    expect(await collectAll(client.content.pinList({}))).toMatchObject([
      { ...pin, createdAt: '1970-01-01T00:00:00.000Z', expiresAt: '' },
      { ...pin, createdAt: '1970-01-01T00:00:01.000Z', expiresAt: '1970-01-01T00:00:02.000Z' },
    ])
  })

  test('a bad CID is INVALID_ARGUMENT before any service is asked', async () => {
    const { client } = await startApi()
    const expected = { code: 'INVALID_ARGUMENT', exitCode: 2 }
    const cid = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'
    await expect(client.content.stat({ cid })).rejects.toMatchObject(expected)
    await expect(client.node.provide({ cid })).rejects.toMatchObject(expected)
    await expect(collectAll(client.content.fetch({ cid }))).rejects.toMatchObject(expected)
    await expect(collectAll(client.content.verify({ cid }))).rejects.toMatchObject(expected)
    await expect(
      collectAll(client.content.fetch({ cid: SOME_CID_TEXT, timeoutMs: -1 })),
    ).rejects.toMatchObject(expected)
  })

  test('collect and verify pass their options and events', async () => {
    const asked: unknown[] = []
    const { client } = await startApi({
      collector: {
        async *collect({ dryRun } = {}) {
          asked.push(dryRun)
          yield { type: 'progress', checked: 1, total: 2 }
          yield { type: 'summary', chunks: 1, bytes: 2, reclaimedBytes: 3 }
        },
      },
      verifier: {
        async *verify({ cid, repair } = {}) {
          asked.push(cid && formatCid(cid), repair)
          yield { type: 'damaged', cid: 'c', reason: 'r', repaired: true, files: ['f'] }
          yield { type: 'summary', checked: 1, damaged: 1, repaired: 1 }
        },
      },
    })
    const collected = await collectAll(client.content.collect({ dryRun: true }))
    const verified = await collectAll(client.content.verify({ cid: SOME_CID_TEXT, repair: true }))
    expect(asked).toEqual([true, SOME_CID_TEXT, true])
    expect(collected.at(-1)?.event.value).toMatchObject({ reclaimedBytes: 3 })
    expect(verified[0]?.event).toMatchObject({
      case: 'damaged',
      value: { reason: 'r', repaired: true, files: ['f'] },
    })
  })

  test('a failure in the middle of a stream keeps what came before', async () => {
    const { client } = await startApi({
      files: {
        async *publishPaths() {
          yield { type: 'notice', code: 'X', message: 'm', path: '' }
          throw new DpsError('RESOURCE_EXHAUSTED', 'disk d1 is full', { hint: 'make room' })
        },
      },
    })
    const events = client.content.publishPaths({ sources: [{ path: '/x' }] })
    const iterator = events[Symbol.asyncIterator]()
    expect((await iterator.next()).value.event.case).toBe('notice')
    await expect(iterator.next()).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: 'disk d1 is full',
      hint: 'make room',
    })
  })
})

test('rpc: plain JSON needs nothing but a POST', async () => {
  const { url } = await startApi({ node: NODE })
  const post = (method: string, body: string, headers = {}) =>
    fetch(`${url}/dps.api.v1.NodeService/${method}`, {
      method: 'POST',
      headers: auth({ 'content-type': 'application/json', ...headers }),
      body,
    })
  const answer = await post('Id', '{}')
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(await answer.json()).toEqual(IDENTITY)
  const failure = await post('Provide', JSON.stringify({ cid: SOME_CID_TEXT }))
  expect([failure.status, await failure.json()]).toMatchObject([
    400,
    { code: 'failed_precondition', message: 'offline ünïcode' },
  ])
  expect((await post('Id', '{')).status).toBe(400)
  expect((await post('Nothing', '{}')).status).toBe(404)
  expect((await post('Id', '{}', { 'content-type': 'text/plain' })).status).toBe(415)
  const got = await fetch(`${url}/dps.api.v1.NodeService/Id`, { headers: auth() })
  expect(got.status).toBe(405)
})

test('rpc: a message that is too large is refused', async () => {
  const { client } = await startApi({}, { requestBytesMax: 1000 })
  await expect(client.node.swarmConnect({ addr: 'x'.repeat(2000) })).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  })
})

test('rpc: stop is answered before the node is stopped', async () => {
  const stopped = deferred()
  const { client, server } = await startApi({ node: { stop: stopped.resolve } })
  await client.node.stop({})
  await stopped.promise
  await server.stop()
  const late = new ApiClient({ url: client.url, token: TOKEN })
  await expect(late.node.id({})).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    hint: 'start one with: npx dps-node',
  })
})

test('rpc: running calls learn that the node stops', async () => {
  const left = deferred<unknown>()
  const entered = deferred()
  const { client, server } = await startApi({
    node: {
      id: async ({ signal } = {}) => {
        entered.resolve()
        left.resolve(await aborted(signal))
        throw signal?.reason
      },
    },
  })
  const call = client.node.id({}).catch((error) => error)
  await entered.promise
  const startedMs = performance.now()
  await server.stop()
  expect(performance.now() - startedMs).toBeLessThan(2000)
  expect(await left.promise).toMatchObject({ code: 'UNAVAILABLE' })
  expect(await call).toMatchObject({ code: 'UNAVAILABLE', message: 'the node is stopping' })
})

test('rpc: an abort of the caller leaves as its reason', async () => {
  const { client } = await startApi({ node: { id: () => new Promise(() => {}) } })
  const reason = new DpsError('CANCELLED', 'enough')
  const controller = new AbortController()
  const call = client.node.id({}, { signal: controller.signal })
  controller.abort(reason)
  await expect(call).rejects.toBe(reason)
})

test('rpc: calls are logged at debug, bugs at error', async () => {
  const lines: string[] = []
  const log = await createLog({ level: 'debug', destination: { write: (l) => lines.push(l) } })
  const { client } = await startApi({
    log,
    node: {
      id: async () => IDENTITY,
      status: async () => {
        throw new RangeError('a bug')
      },
    },
  })
  const headers = { 'x-request-id': 'req-1' }
  await client.node.id({}, { headers })
  await expect(client.node.status({}, { headers })).rejects.toMatchObject({ code: 'INTERNAL' })
  const [ok, bug] = lines.map((line) => JSON.parse(line)).filter(({ method }) => method)
  expect(ok).toMatchObject({
    level: 'debug',
    component: 'gateway',
    request_id: 'req-1',
    method: 'NodeService/Id',
    code: 'OK',
  })
  expect(bug).toMatchObject({ level: 'error', method: 'NodeService/Status', code: 'INTERNAL' })
  expect(bug.err.stack).toContain('rpc.test')
})

async function* take<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0
  for await (const item of items) {
    yield item
    if (++taken === count) return
  }
}

test('rpc: both services are served whole', async () => {
  const { url } = await startApi()
  for (const { typeName, methods } of [NodeService, ContentService]) {
    for (const { name } of methods) {
      if (name === 'Stop') continue
      const answer = await fetch(`${url}/${typeName}/${name}`, {
        method: 'POST',
        headers: auth({ 'content-type': 'application/proto' }),
      })
      expect(answer.status, name).not.toBe(404)
      await answer.body?.cancel()
    }
  }
})

describe('the short way of unary calls', () => {
  const ask = (url: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    fetch(`${url}/dps.api.v1.NodeService/SwarmConnect`, {
      method: 'POST',
      headers: { ...auth(), 'content-type': 'application/proto', ...headers },
      body: Buffer.from(body),
    })

  test('what is no message is refused, and so is a deadline that is no number', async () => {
    const { url } = await startApi({ node: { swarmConnect: async () => 'x' } })
    for (const [body, headers] of [
      [new Uint8Array([0x0a, 0xff]), {}],
      [new Uint8Array(), { 'connect-timeout-ms': 'soon' }],
    ] as const) {
      const answer = await ask(url, body, headers)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(((await answer.json()) as { code: string }).code).toBe('invalid_argument')
    }
  })

  test('a message that is too large is refused, announced or not', async () => {
    const { url, client } = await startApi(
      { node: { swarmConnect: async () => 'x' } },
      { requestBytesMax: 1_000 },
    )
    const addr = 'a'.repeat(2_000)
    await expect(client.node.swarmConnect({ addr })).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
    })
    const answer = await fetch(`${url}/dps.api.v1.NodeService/SwarmConnect`, {
      method: 'POST',
      headers: { ...auth(), 'content-type': 'application/proto' },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(addr))
          controller.close()
        },
      }),
      duplex: 'half',
    } as RequestInit)
    expect(((await answer.json()) as { code: string }).code).toBe('resource_exhausted')
  })

  test('a client that asks more at once than the node has connections waits its turn', async () => {
    const id = async () => {
      await delay(5)
      return IDENTITY
    }
    const { client } = await startApi({ node: { id } }, { connectionsMax: 200 })
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const answers = await Promise.all(Array.from({ length: 400 }, () => client.node.id({})))
    expect(answers.every(({ peerId }) => peerId === IDENTITY.peerId)).toBe(true)
    // Warnings are told in a later turn.
    await delay(0)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('a caller that gives up, or waits too long, says so', async () => {
    const calls: Deferred<void>[] = [deferred(), deferred()]
    let count = 0
    const { client } = await startApi({
      node: {
        async id(options) {
          calls[count++]!.resolve()
          throw await aborted(options?.signal)
        },
      },
    })
    await expect(client.node.id({}, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    const controller = new AbortController()
    const reason = new Error('enough')
    const call = client.node.id({}, { signal: controller.signal })
    await calls[1]!.promise
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
  })
})
