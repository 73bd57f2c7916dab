import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiServer } from '../../src/gateway/index.js'
import { Metrics, silentLog } from '../../src/observability/index.js'
import { auth, bytesOf, fileOf, SOME_CID_TEXT, startApi, type TestApi, TOKEN } from './fakes.js'

const READY = { node: { ready: () => true } }

/** Sends `bytes`, resolves to what came back when the connection closed. */
function exchange(
  api: TestApi,
  bytes: Uint8Array | string,
  { end = false } = {},
): Promise<{ text: string; ms: number }> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const socket = connect(api.server.port, '127.0.0.1')
    let text = ''
    socket.on('data', (piece) => {
      text += piece.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve({ text, ms: performance.now() - startedMs }))
    socket.write(bytes)
    if (end) socket.end()
  })
}

async function expectAlive(api: TestApi): Promise<void> {
  expect((await fetch(`${api.url}/ready`)).status).toBe(200)
}

test('sockets: random bytes harm nobody', async () => {
  const api = await startApi(READY)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const { text } = await exchange(api, bytes, { end: true })
      if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 4\d\d |^\0\0/)
    }),
    { numRuns: 100 },
  )
  await expectAlive(api)
})

test('sockets: random HTTP/2 frames harm nobody, and hold no connection', async () => {
  const api = await startApi(READY, { keepAliveTimeoutMs: 100 })
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const frame = fc
    .tuple(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 5 }),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([type, flags, stream, payload]) =>
      Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]),
    )
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 8 }), async (frames) => {
      await exchange(api, Buffer.concat([preface, ...frames]), { end: true })
    }),
    { numRuns: 60 },
  )
  await expectAlive(api)
})

test('sockets: requests almost right harm nobody', async () => {
  const api = await startApi({ ...READY, files: fileOf(bytesOf(100)) })
  const word = fc.constantFrom(
    'GET',
    'POST',
    'PRI',
    ' ',
    '\r\n',
    '\r\n\r\n',
    '*',
    'HTTP/2.0',
    'HTTP/1.1',
    'HTTP/1.0',
    '/',
    `/v1/content/${SOME_CID_TEXT}`,
    '/v1/content',
    '?',
    '%',
    '/dps.api.v1.NodeService/Id',
    'host: localhost',
    'host:',
    'content-length: 5',
    'content-length: -1',
    'range: bytes=0-1',
    'transfer-encoding: chunked',
    'expect: 100-continue',
    `authorization: Bearer ${TOKEN}`,
    'content-type: application/grpc',
    'content-type: application/json',
    'connection: upgrade',
    'upgrade: h2c',
    'grpc-timeout: x',
    'connect-timeout-ms: -1',
    '\0',
    'é',
    '5\r\nabcde\r\n',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 20 }), async (words) => {
      await exchange(api, Buffer.from(words.join(''), 'latin1'), { end: true })
    }),
    { numRuns: 200 },
  )
  await expectAlive(api)
})

describe('sockets: refused at once', () => {
  test.each([
    ['no Host', 'GET /ready HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['no Host, HTTP/1.0', 'GET /ready HTTP/1.0\r\n\r\n', /^HTTP\/1.1 403 /],
    [
      'an empty Host',
      'GET /ready HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n',
      /^HTTP\/1.1 403 /,
    ],
    [
      'two Hosts, the first foreign',
      'GET /ready HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      /^HTTP\/1.1 40[03] /,
    ],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', /^HTTP\/1.1 400 /],
    ['TLS', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), /^HTTP\/1.1 400 /],
    [
      'a length that is two lengths',
      'POST /v1/content HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /v1/content HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
    [
      'too many headers',
      `GET /ready HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(20_000)}\r\n`,
      /^HTTP\/1.1 431 /,
    ],
    ['a target without end', `GET /${'a'.repeat(100_000)}`, /^HTTP\/1.1 431 /],
  ])('%s', async (_, bytes, expected) => {
    const api = await startApi(READY)
    expect((await exchange(api, bytes)).text).toMatch(expected)
    await expectAlive(api)
  })

  test('foreign authorities over HTTP/2, and tokens that are missing', async () => {
    const api = await startApi({ ...READY, files: fileOf(bytesOf(10)) })
    const session = connectHttp2(api.url)
    const ask = (headers: Record<string, string>) =>
      new Promise<unknown>((resolve, reject) => {
        const stream = session.request({ ':path': `/v1/content/${SOME_CID_TEXT}`, ...headers })
        stream.on('response', (answer) => resolve(answer[':status']))
        stream.on('error', reject)
        stream.resume()
      })
    expect(await ask(auth())).toBe(200)
    expect(await ask({})).toBe(401)
    expect(await ask(auth({ ':authority': 'evil.example' }))).toBe(403)
    expect(await ask(auth({ ':authority': 'localhost', host: 'evil.example' }))).not.toBe(500)
    expect(await ask(auth({ origin: 'https://evil.example' }))).toBe(403)
    session.destroy()
  })

  test.each([
    ['many', 1000, 10],
    ['large', 100, 60_000],
  ])('%s header fields over HTTP/2', async (_, count, length) => {
    const api = await startApi(READY)
    const session = connectHttp2(api.url, {
      maxSendHeaderBlockLength: 100_000_000,
      settings: { maxHeaderListSize: 100_000_000 },
    })
    session.on('error', () => {})
    const fields = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`x-${i}`, 'y'.repeat(length)]),
    )
    const outcome = await new Promise<unknown>((resolve) => {
      const stream = session.request({ ':path': '/ready', ...fields })
      stream.on('response', (answer) => resolve(answer[':status']))
      stream.on('error', () => resolve('reset'))
      stream.on('close', () => resolve('closed'))
    })
    expect(outcome).not.toBe(200)
    session.destroy()
    await expectAlive(api)
  })
})

describe('sockets: slow clients are bounded', () => {
  const init = { headersTimeoutMs: 200, requestTimeoutMs: 200, keepAliveTimeoutMs: 200 }

  test.each([
    ['says nothing', ''],
    ['stops in the method', 'P'],
    ['stops in the preface', 'PRI * HT'],
    ['stops in the headers', 'GET /ready HTTP/1.1\r\nhost: loc'],
    ['stops after the preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['asks nothing after its first request', 'GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    [
      'does not send its message',
      `POST /dps.api.v1.NodeService/Id HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{`,
    ],
  ])('one that %s is hung up on', async (_, bytes) => {
    const api = await startApi(READY, init)
    const { ms } = await exchange(api, bytes)
    expect(ms).toBeLessThan(5000)
    await expectAlive(api)
  })

  test('a drip of header bytes does not keep a connection', async () => {
    const api = await startApi(READY, init)
    const socket = connect(api.server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /ready HTTP/1.1\r\nhost: localhost\r\n')
    const drip = setInterval(() => socket.write('x: y\r\n'), 30)
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(drip)
  })

  test('a drip into the preface does not keep a connection', async () => {
    const api = await startApi(READY, { ...init, headersTimeoutMs: 100 })
    const socket = connect(api.server.port, '127.0.0.1')
    socket.on('error', () => {})
    const preface = 'PRI * HTTP/2.0'
    let at = 0
    const drip = setInterval(() => socket.write(preface[at++] ?? ''), 50)
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(drip)
    expect(at).toBeLessThan(preface.length)
  })

  test('an upload may take its time', async () => {
    const api = await startApi(
      {
        files: {
          async *publishStream(source) {
            let sizeBytes = 0
            for await (const piece of source) sizeBytes += piece.byteLength
            yield {
              type: 'added',
              cid: 'c',
              name: '',
              kind: 'file',
              sizeBytes,
              chunks: 1,
              newBytes: 0,
            }
          },
        },
      },
      init,
    )
    async function* source() {
      yield bytesOf(10)
      await new Promise((resolve) => setTimeout(resolve, 1500))
      yield bytesOf(10)
    }
    for await (const { event } of api.client.upload(source())) {
      expect(event.value).toMatchObject({ sizeBytes: 20 })
    }
  })

  test('connections beyond the limit are closed, and room is made again', async () => {
    const api = await startApi(READY, { connectionsMax: 5 })
    const sockets: Socket[] = []
    let closed = 0
    for (let i = 0; i < 20; i++) {
      const socket = connect(api.server.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.on('close', () => closed++)
      sockets.push(socket)
    }
    await expect.poll(() => closed).toBe(15)
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() =>
        fetch(`${api.url}/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200)
  })
})

describe('sockets: the life of the server', () => {
  test('a taken port is an error that names it', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    await expect(startApi({}, { port })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining(`127.0.0.1:${port}`),
      hint: expect.stringContaining('--api'),
    })
    await new Promise((resolve) => squatter.close(resolve))
  })

  test('an address of another machine is an error', async () => {
    await expect(startApi({}, { host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
    })
  })

  test('it listens on loopback alone unless told otherwise', async () => {
    const { url } = await startApi()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  test('IPv6 has its brackets', async () => {
    const { url, client } = await startApi(
      { node: { id: async () => ({}) as never } },
      { host: '::1' },
    )
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    await client.node.id({})
  })

  test('stop does not wait for idle or silent connections', async () => {
    const api = await startApi(READY, { stopGraceMs: 10_000 })
    await expectAlive(api)
    const silent = connect(api.server.port, '127.0.0.1')
    silent.on('error', () => {})
    await new Promise((resolve) => silent.once('connect', resolve))
    const session = connectHttp2(api.url)
    session.on('error', () => {})
    await new Promise((resolve) => session.once('remoteSettings', resolve))
    const startedMs = performance.now()
    await api.server.stop()
    expect(performance.now() - startedMs).toBeLessThan(3000)
    silent.destroy()
    session.destroy()
  })

  test('stopping what was never started, or twice, is fine', async () => {
    const components = { files: {}, collector: {}, verifier: {}, node: {} } as never
    const server = new ApiServer(
      Object.assign(components, { log: silentLog, metrics: new Metrics() }),
      { token: TOKEN, port: 0 },
    )
    await server.stop()
    const { server: other } = await startApi()
    await other.stop()
    await other.stop()
  })
})
