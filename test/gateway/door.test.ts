import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { ApiClient, ApiServer } from '../../src/gateway/index.js'
import { Metrics, silentLog } from '../../src/observability/index.js'
import { auth, bytesOf, fileOf, SOME_CID_TEXT, startApi, TOKEN } from './fakes.js'

/** Plain HTTP with headers that `fetch` would not let a test set. */
function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${url}${path}`, { method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(pieces).toString(),
        }),
      )
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}

const content = `/v1/content/${SOME_CID_TEXT}`
const id = '/dps.api.v1.NodeService/Id'

describe('door: the token', () => {
  test.each([
    ['none', {}],
    ['another', { authorization: 'Bearer wrong' }],
    ['a longer one', { authorization: `Bearer ${TOKEN}x` }],
    ['its start', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['an empty one', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('%s is refused at every route', async (_, headers: Record<string, string>) => {
    const { url } = await startApi({ files: fileOf(bytesOf(10)) })
    for (const [path, method] of [
      [content, 'GET'],
      ['/v1/content', 'POST'],
      [id, 'POST'],
      ['/', 'GET'],
    ] as const) {
      const answer = await ask(url, path, headers, method)
      expect(answer.status, path).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(JSON.parse(answer.text).error).toMatchObject({
        code: 'UNAUTHENTICATED',
        hint: expect.stringContaining('api.json'),
      })
    }
  })

  test('the right one opens', async () => {
    const { url } = await startApi({ files: fileOf(bytesOf(10)) })
    expect((await ask(url, content, auth())).status).toBe(200)
  })

  test('clients are told by code, hint and exit code', async () => {
    const { url } = await startApi()
    const stranger = new ApiClient({ url, token: 'wrong' })
    const expected = { code: 'UNAUTHENTICATED', exitCode: 12, hint: expect.any(String) }
    await expect(stranger.node.id({})).rejects.toMatchObject(expected)
    await expect(stranger.content.pinList({})[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      expected,
    )
    await expect(stranger.download(SOME_CID_TEXT)).rejects.toMatchObject(expected)
    async function* source() {
      yield bytesOf(100)
    }
    await expect(stranger.upload(source()).next()).rejects.toMatchObject(expected)
  })

  test('an empty one is no token', () => {
    const parts = { files: {}, collector: {}, verifier: {}, node: {} } as never
    const components = Object.assign(parts, { log: silentLog, metrics: new Metrics() })
    expect(() => new ApiServer(components, { token: '' })).toThrow(/token is empty/)
  })
})

describe('door: Host', () => {
  test.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:4180', '127.0.0.1:9', '[::1]:80'])(
    '%s is this machine',
    async (host) => {
      const { url } = await startApi({ files: fileOf(bytesOf(10)) })
      expect((await ask(url, content, auth({ host }))).status).toBe(200)
    },
  )

  test.each([
    'evil.example',
    'evil.example:4180',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '192.168.1.5',
    'localhost:80:80',
    'evil@localhost',
    '[::1',
  ])('%j is not, whatever the token', async (host) => {
    const { url } = await startApi({
      files: fileOf(bytesOf(10)),
      node: { ready: () => true },
    })
    for (const path of [content, '/health', '/ready', '/metrics']) {
      const answer = await ask(url, path, auth({ host }))
      expect(answer.status, path).toBe(403)
      expect(JSON.parse(answer.text).error.code).toBe('PERMISSION_DENIED')
    }
  })

  test('further names can be allowed', async () => {
    const { url } = await startApi(
      { files: fileOf(bytesOf(10)) },
      { allowedHosts: ['nas.lan', 'fd00::1'] },
    )
    expect((await ask(url, content, auth({ host: 'nas.lan:80' }))).status).toBe(200)
    expect((await ask(url, content, auth({ host: '[fd00::1]:80' }))).status).toBe(200)
    expect((await ask(url, content, auth({ host: 'lan' }))).status).toBe(403)
  })

  test('listening on every address, every address is this machine, but no name is', async () => {
    const { url } = await startApi({ files: fileOf(bytesOf(10)) }, { host: '0.0.0.0' })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/)
    expect((await ask(url, content, auth({ host: '192.168.1.5:4180' }))).status).toBe(200)
    expect((await ask(url, content, auth({ host: 'evil.example' }))).status).toBe(403)
  })
})

describe('door: Origin', () => {
  test('a web page is refused, with the token and without', async () => {
    const { url } = await startApi({ node: { ready: () => true } })
    for (const origin of ['https://evil.example', 'null', url]) {
      for (const path of [content, id, '/ready', '/metrics']) {
        const answer = await ask(url, path, auth({ origin }))
        expect(answer.status, `${origin} ${path}`).toBe(403)
        expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      }
      const preflight = await ask(url, content, { origin }, 'OPTIONS')
      expect(preflight.status).toBe(403)
    }
  })

  test('one on the list may ask and read, but needs the token', async () => {
    const origin = 'http://localhost:5173'
    const { url } = await startApi({ files: fileOf(bytesOf(10)) }, { allowedOrigins: [origin] })
    const preflight = await ask(url, id, { origin }, 'OPTIONS')
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-origin']).toBe(origin)
    expect(preflight.headers['access-control-allow-headers']).toMatch(/Authorization/)
    const answer = await ask(url, content, auth({ origin }))
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    expect((await ask(url, content, { origin })).status).toBe(401)
    expect((await ask(url, content, auth({ origin: `${origin}.evil` }))).status).toBe(403)
  })
})

describe('door: probes need no token', () => {
  test('health tells what is wrong', async () => {
    let ok = true
    const problems = [{ serviceId: 'store', message: 'disk d1 is full', hint: 'add one' }]
    const { url } = await startApi({
      node: { health: async () => ({ ok, problems: ok ? [] : problems }) },
    })
    const well = await ask(url, '/health')
    expect([well.status, JSON.parse(well.text)]).toEqual([200, { ok: true, problems: [] }])
    ok = false
    const ill = await ask(url, '/health')
    expect([ill.status, JSON.parse(ill.text)]).toEqual([503, { ok: false, problems }])
  })

  test('health that fails is unhealthy', async () => {
    const { url } = await startApi({
      node: {
        health: async () => {
          throw new DpsError('INTERNAL', 'x')
        },
      },
    })
    const answer = await ask(url, '/health')
    expect([answer.status, JSON.parse(answer.text)]).toEqual([500, { ok: false }])
  })

  test('ready follows the node', async () => {
    let ready = false
    const { url } = await startApi({ node: { ready: () => ready } })
    expect((await ask(url, '/ready')).status).toBe(503)
    ready = true
    expect((await ask(url, '/ready')).status).toBe(200)
    expect((await ask(url, '/ready', {}, 'HEAD')).text).toBe('')
    expect((await ask(url, '/ready', {}, 'POST')).status).toBe(405)
  })

  test('metrics count the calls by method and outcome', async () => {
    const { url, client } = await startApi({ files: fileOf(bytesOf(1000)) })
    await expect(client.node.id({})).rejects.toMatchObject({ code: 'UNIMPLEMENTED' })
    for await (const _ of (await client.download(SOME_CID_TEXT)).body);
    const answer = await ask(url, '/metrics')
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
    expect(answer.text).toContain(
      'dps_api_call_seconds_count{method="NodeService/Id",code="UNIMPLEMENTED"} 1',
    )
    expect(answer.text).toContain('dps_api_call_seconds_count{method="Http/download",code="OK"} 1')
    expect(answer.text).toContain('dps_api_content_bytes_total{direction="out"} 1000')
    expect(answer.text).toContain('dps_api_calls_running{method="Http/download"} 0')
  })
})

test('door: what is nowhere is NOT_FOUND, with the token only', async () => {
  const { url } = await startApi()
  expect((await ask(url, '/v2/nothing')).status).toBe(401)
  const answer = await ask(url, '/v2/nothing', auth())
  expect(answer.status).toBe(404)
  expect(JSON.parse(answer.text).error.code).toBe('NOT_FOUND')
})

test('door: a request keeps its id, unless that could break a log line', async () => {
  const ids: unknown[] = []
  const { url, client } = await startApi({
    files: {
      open: async (_, options) => {
        ids.push(options?.requestId)
        throw new DpsError('NOT_FOUND', 'x')
      },
      stat: async (_, options) => {
        ids.push(options?.requestId)
        throw new DpsError('NOT_FOUND', 'x')
      },
    },
  })
  const kept = await ask(url, content, auth({ 'x-request-id': 'my-id.7' }))
  expect(kept.headers['x-request-id']).toBe('my-id.7')
  const replaced = await ask(url, content, auth({ 'x-request-id': 'a b' }))
  expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/)
  const headers = { 'x-request-id': 'rpc-8' }
  await expect(client.content.stat({ cid: SOME_CID_TEXT }, { headers })).rejects.toThrow()
  expect(ids).toEqual(['my-id.7', replaced.headers['x-request-id'], 'rpc-8'])
})
