import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { base32 } from 'multiformats/bases/base32'
import { describe, expect, test } from 'vitest'
import { DpsError, delay } from '../../src/base/index.js'
import {
  aborted,
  auth,
  bytesOf,
  collectAll,
  collectBytes,
  contentOf,
  deferred,
  type Fakes,
  fileOf,
  SOME_CID,
  SOME_CID_TEXT,
  startApi,
  type TestApi,
} from './fakes.js'

const BYTES = bytesOf(300_000)
const path = `/v1/content/${SOME_CID_TEXT}`

function get(api: TestApi, headers: Record<string, string> = {}, at = path, method = 'GET') {
  return fetch(`${api.url}${at}`, { method, headers: auth(headers) })
}

async function bodyOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer())
}

describe('download: ranges', () => {
  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=10-', 10, 299_990],
    ['bytes=299999-', 299_999, 1],
    ['bytes=-5', 299_995, 5],
    ['bytes=-400000', 0, 300_000],
    ['bytes=100-999999', 100, 299_900],
    ['bytes=0-0', 0, 1],
  ])('%s', async (range, offset, length) => {
    const api = await startApi({ files: fileOf(BYTES) })
    const response = await get(api, { range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(
      `bytes ${offset}-${offset + length - 1}/300000`,
    )
    expect(response.headers.get('content-length')).toBe(String(length))
    expect((await bodyOf(response)).equals(BYTES.subarray(offset, offset + length))).toBe(true)
  })

  test.each(['bytes=300000-', 'bytes=300000-300001', 'bytes=-0', 'bytes=999999999999-'])(
    '%s can not be satisfied',
    async (range) => {
      const api = await startApi({ files: fileOf(BYTES) })
      const response = await get(api, { range })
      expect(response.status).toBe(416)
      expect(response.headers.get('content-range')).toBe('bytes */300000')
      expect(await response.text()).toBe('')
    },
  )

  test.each(['bytes=9-1', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,5-6', 'bytes'])(
    '%s is ignored',
    async (range) => {
      const api = await startApi({ files: fileOf(BYTES) })
      const response = await get(api, { range })
      expect(response.status).toBe(200)
      expect((await bodyOf(response)).byteLength).toBe(300_000)
    },
  )

  test('only the wanted bytes are read', async () => {
    const asked: unknown[] = []
    const api = await startApi({
      files: contentOf(2 ** 45, async function* (options) {
        asked.push(options?.offset, options?.length)
        yield BYTES.subarray(0, 10)
      }),
    })
    const response = await get(api, { range: `bytes=${2 ** 44}-${2 ** 44 + 9}` })
    expect((await bodyOf(response)).byteLength).toBe(10)
    expect(asked).toEqual([2 ** 44, 10])
  })

  test('If-Range honours the range only for the same content', async () => {
    const api = await startApi({ files: fileOf(BYTES) })
    const range = 'bytes=0-9'
    const same = await get(api, { range, 'if-range': `"${SOME_CID_TEXT}"` })
    const other = await get(api, { range, 'if-range': '"other"' })
    expect([same.status, other.status]).toEqual([206, 200])
    await bodyOf(other)
  })
})

describe('download: headers', () => {
  test('whatever the bytes are, a browser runs nothing', async () => {
    const page = Buffer.from('<script>alert(1)</script>')
    const api = await startApi({ files: fileOf(page) })
    const { headers } = await get(api)
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'")
    expect(headers.get('content-disposition')).toMatch(/^attachment; /)
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })

  test('a file name can not break out of its header', async () => {
    const api = await startApi({ files: fileOf(BYTES) })
    const name = 'a"b\r\nset-cookie: x\\ ü%é.txt'
    const { headers } = await get(api, {}, `${path}?filename=${encodeURIComponent(name)}`)
    expect(headers.get('set-cookie')).toBeNull()
    const disposition = headers.get('content-disposition')!
    expect(disposition).toContain('filename="a_b__set-cookie: x_ ___.txt"')
    const exact = /filename\*=UTF-8''(\S+)$/.exec(disposition)![1]!
    expect(decodeURIComponent(exact)).toBe(name)
  })

  test('HEAD tells the size and reads nothing', async () => {
    const api = await startApi({
      // biome-ignore lint/correctness/useYield: it must not be asked
      files: contentOf(7_000_000_000, async function* () {
        throw new DpsError('INTERNAL', 'read')
      }),
    })
    const response = await get(api, {}, path, 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe('7000000000')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    const ranged = await get(api, { range: 'bytes=0-4' }, path, 'HEAD')
    expect(ranged.headers.get('content-length')).toBe('5')
  })

  test('what the client has is not sent again', async () => {
    const api = await startApi({ files: fileOf(BYTES) })
    const first = await get(api)
    await bodyOf(first)
    const etag = first.headers.get('etag')!
    expect(etag).toBe(`"${SOME_CID_TEXT}"`)
    for (const tag of [etag, `"x", W/${etag}`, '*']) {
      const again = await get(api, { 'if-none-match': tag })
      expect(again.status, tag).toBe(304)
      expect(again.headers.get('etag')).toBe(etag)
    }
    const other = await get(api, { 'if-none-match': '"x"' })
    expect(other.status).toBe(200)
    await bodyOf(other)
  })

  test('any spelling of a CID has the same entity tag', async () => {
    const api = await startApi({ files: fileOf(BYTES) })
    const response = await get(api, {}, `/v1/content/${SOME_CID.toString(base32)}`)
    expect(response.headers.get('etag')).toBe(`"${SOME_CID_TEXT}"`)
    await bodyOf(response)
  })
})

describe('download: names below a directory', () => {
  test('are resolved, decoded', async () => {
    const asked: unknown[] = []
    const api = await startApi({
      files: {
        ...fileOf(BYTES),
        resolve: async (_root, names) => {
          asked.push(names)
          return SOME_CID
        },
      },
    })
    const response = await get(api, {}, `${path}/a%20b/%C3%BC%2Fx/`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-disposition')).toContain(`filename="_/x"`)
    await bodyOf(response)
    const { body } = await api.client.download(SOME_CID_TEXT, { path: ['d', 'ü/x'] })
    await collectBytes(body)
    expect(asked).toEqual([
      ['a b', 'ü/x'],
      ['d', 'ü/x'],
    ])
  })

  test.each(['/%2e%2e/x', '/a//b', '/%zz', '/%00', '/..%2f/%2e'])(
    '%s is refused',
    async (names) => {
      const api = await startApi({ files: { ...fileOf(BYTES), resolve: async () => SOME_CID } })
      const answer = await rawGet(api, `${path}${names}`)
      expect(answer).toMatch(/^HTTP\/1.1 400 /)
      expect(answer).toContain('INVALID_ARGUMENT')
    },
  )

  test('a directory itself has no bytes', async () => {
    const api = await startApi({
      files: {
        open: async (cid) => ({ cid, kind: 'directory', sizeBytes: 7, read: fail }),
      },
    })
    await expect(api.client.download(SOME_CID_TEXT)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('is a directory'),
    })
  })
})

describe('download: failures', () => {
  test('before the first byte are told with status, code and hint', async () => {
    const api = await startApi({
      files: {
        open: async () => {
          throw new DpsError('NOT_FOUND', 'nobody has it', { hint: 'publish it' })
        },
      },
    })
    const response = await get(api)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: { code: 'NOT_FOUND', message: 'nobody has it', hint: 'publish it' },
    })
    await expect(api.client.download(SOME_CID_TEXT)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'nobody has it',
      hint: 'publish it',
      exitCode: 4,
    })
  })

  test('an error says nothing that is only true of the content', async () => {
    const files = contentOf(1_000_000, () => {
      throw new DpsError('UNAVAILABLE', 'its peers are gone')
    })
    const api = await startApi({ files })
    const response = await get(api, { range: 'bytes=5-9' })
    expect(response.status).toBe(503)
    for (const name of ['etag', 'content-range', 'accept-ranges', 'content-disposition']) {
      expect(response.headers.get(name), name).toBeNull()
    }
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({ error: { code: 'UNAVAILABLE' } })
  })

  const broken = (sent: number) =>
    contentOf(1_000_000, async function* () {
      yield bytesOf(sent)
      await delay(20)
      throw new DpsError('DATA_LOSS', 'chunk 3 is damaged', { hint: 'verify --repair' })
    })

  test('in the middle break the connection of any HTTP client', async () => {
    const api = await startApi({ files: broken(500_000) })
    const response = await get(api)
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('in the middle reset the stream of an HTTP/2 client', async () => {
    const api = await startApi({ files: broken(500_000) })
    const session = connectHttp2(api.url)
    const stream = session.request({ ':path': path, ...auth() })
    const failed = deferred<unknown>()
    stream.on('error', failed.resolve)
    stream.on('end', () => failed.resolve('complete'))
    stream.resume()
    expect(await failed.promise).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
    session.destroy()
  })

  test('in the middle reach our own client as they were', async () => {
    const api = await startApi({ files: broken(500_000) })
    const { body, sizeBytes } = await api.client.download(SOME_CID_TEXT)
    expect(sizeBytes).toBe(1_000_000)
    let got = 0
    const reading = (async () => {
      for await (const piece of body) got += piece.byteLength
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: 'chunk 3 is damaged',
      hint: 'verify --repair',
    })
    expect(got).toBe(500_000)
  })

  test.each([
    ['too little', 999_999],
    ['too much', 1_000_001],
  ])('content that turns out %s is never complete', async (_, length) => {
    const api = await startApi({
      files: contentOf(1_000_000, async function* () {
        yield bytesOf(500_000)
        await delay(20)
        yield bytesOf(length - 500_000)
      }),
    })
    const { body } = await api.client.download(SOME_CID_TEXT)
    await expect(collectBytes(body)).rejects.toMatchObject({ code: 'DATA_LOSS' })
    const plain = await get(api)
      .then(
        (response) => response.arrayBuffer(),
        () => Promise.reject(new DpsError('ABORTED', 'broken')),
      )
      .then(
        () => 'complete',
        () => 'broken',
      )
    expect(plain).toBe('broken')
  })

  test('a node that dies in the middle is UNAVAILABLE', async () => {
    const api = await startApi(
      {
        files: contentOf(1_000_000, async function* () {
          yield bytesOf(1000)
          await new Promise(() => {})
        }),
      },
      { stopGraceMs: 1 },
    )
    const { body } = await api.client.download(SOME_CID_TEXT)
    const iterator = body[Symbol.asyncIterator]()
    await iterator.next()
    const rest = iterator.next()
    rest.catch(() => {})
    await api.server.stop()
    await expect(rest).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('download: cancelling', () => {
  const endless = (left: (reason: unknown) => void, ended = () => {}) =>
    contentOf(2 ** 40, async function* ({ signal } = {}) {
      void aborted(signal).then(left)
      try {
        for (;;) {
          yield BYTES
          await delay(1)
        }
      } finally {
        ended()
      }
    })

  test('a reader that leaves early ends the reading', async () => {
    const left = deferred<unknown>()
    const ended = deferred()
    const api = await startApi({ files: endless(left.resolve, ended.resolve) })
    const { body } = await api.client.download(SOME_CID_TEXT)
    for await (const _ of body) break
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
    await ended.promise
  })

  test('an aborted signal ends it, on both sides', async () => {
    const left = deferred<unknown>()
    const api = await startApi({ files: endless(left.resolve) })
    const controller = new AbortController()
    const { body } = await api.client.download(SOME_CID_TEXT, { signal: controller.signal })
    const reason = new DpsError('CANCELLED', 'enough')
    const reading = (async () => {
      for await (const _ of body) controller.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
  })

  test('a client that leaves while content is looked for ends the looking', async () => {
    const left = deferred<unknown>()
    const entered = deferred()
    const api = await startApi({
      files: {
        open: async (_, { signal } = {}) => {
          entered.resolve()
          left.resolve(await aborted(signal))
          throw signal?.reason
        },
      },
    })
    const controller = new AbortController()
    const { signal } = controller
    const asking = api.client.download(SOME_CID_TEXT, { signal })
    asking.catch(() => {})
    await entered.promise
    controller.abort()
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
    await expect(asking).rejects.toBe(signal.reason)
  })

  test('so does one over HTTP/2, and nobody answers a stream that is gone', async () => {
    const left = deferred<unknown>()
    const entered = deferred()
    const api = await startApi({
      files: {
        open: async (_, { signal } = {}) => {
          entered.resolve()
          left.resolve(await aborted(signal))
          await delay(20)
          throw signal?.reason
        },
      },
    })
    const session = connectHttp2(api.url)
    const stream = session.request({ ':path': path, ...auth() })
    stream.on('error', () => {})
    await entered.promise
    stream.close(constants.NGHTTP2_CANCEL)
    expect(await left.promise).toMatchObject({ code: 'CANCELLED' })
    const again = session.request({ ':path': '/v1/nothing', ...auth() })
    await new Promise((resolve) => again.once('response', resolve))
    await delay(50)
    session.destroy()
  })

  test('a deadline in the header is the deadline of the whole call', async () => {
    const api = await startApi({
      files: {
        open: async (_, { signal } = {}) => {
          await aborted(signal)
          throw signal?.reason
        },
      },
    })
    const response = await get(api, { 'connect-timeout-ms': '30' })
    expect(response.status).toBe(504)
    expect((await get(api, { 'connect-timeout-ms': 'soon' })).status).toBe(400)
  })

  test('timeoutMs is the time to find it in', async () => {
    const asked: unknown[] = []
    const api = await startApi({
      files: {
        open: async (_, options) => {
          asked.push(options?.timeoutMs)
          throw new DpsError('NOT_FOUND', 'x')
        },
      },
    })
    await expect(api.client.download(SOME_CID_TEXT, { timeoutMs: 5 })).rejects.toThrow()
    await expect(api.client.download(SOME_CID_TEXT)).rejects.toThrow()
    expect(asked).toEqual([5, undefined])
    expect((await get(api, {}, `${path}?timeoutMs=-1`)).status).toBe(400)
    expect((await get(api, {}, `${path}?timeout=1`)).status).toBe(400)
  })
})

test.each(['1.1', '2'])(
  'download: a slow reader over HTTP/%s holds the reading back',
  async (v) => {
    let yielded = 0
    const ended = deferred()
    const piece = bytesOf(1024 * 1024)
    const api = await startApi({
      files: contentOf(2 ** 40, async function* () {
        try {
          for (;;) {
            yielded++
            yield piece
          }
        } finally {
          ended.resolve()
        }
      }),
    })
    const close = v === '2' ? slowHttp2(api) : slowHttp1(api)
    let before = -1
    await expect
      .poll(
        () => {
          const still = before === yielded && yielded > 0
          before = yielded
          return still
        },
        { interval: 150, timeout: 10_000 },
      )
      .toBe(true)
    // What the writer may hold, and the kernel's buffers of both sides.
    expect(yielded).toBeLessThan(24)
    close()
    await ended.promise
  },
)

function slowHttp2(api: TestApi): () => void {
  const session = connectHttp2(api.url)
  const stream = session.request({ ':path': path, ...auth() })
  stream.on('error', () => {})
  stream.pause()
  return () => session.destroy()
}

function slowHttp1(api: TestApi): () => void {
  const asked = httpRequest(`${api.url}${path}`, { headers: auth(), agent: false })
  asked.on('response', (response: IncomingMessage) => response.pause())
  asked.on('error', () => {})
  asked.end()
  return () => asked.destroy()
}

test('download: our client reads any part', async () => {
  const api = await startApi({ files: fileOf(BYTES, 10_000) })
  const part = async (options: { offset?: number; length?: number }) => {
    const { body, ...sizes } = await api.client.download(SOME_CID_TEXT, options)
    return { bytes: await collectBytes(body), ...sizes }
  }
  for (const [offset, length, expected] of [
    [undefined, undefined, 300_000],
    [0, 300_000, 300_000],
    [10, undefined, 299_990],
    [299_999, 100, 1],
    [5, 0, 0],
    [300_000, undefined, 0],
    [300_000, 10, 0],
    [999_999, undefined, 0],
    [0, 0, 0],
  ] as const) {
    const what = `offset ${offset} length ${length}`
    const got = await part({
      ...(offset !== undefined && { offset }),
      ...(length !== undefined && { length }),
    })
    expect(got.sizeBytes, what).toBe(300_000)
    expect(got.lengthBytes, what).toBe(expected)
    const from = offset ?? 0
    expect(got.bytes.equals(BYTES.subarray(from, from + expected)), what).toBe(true)
  }
})

test('download: an empty file is empty', async () => {
  const api = await startApi({ files: fileOf(new Uint8Array(0)) })
  const whole = await api.client.download(SOME_CID_TEXT)
  expect(whole.sizeBytes).toBe(0)
  expect(await collectBytes(whole.body)).toHaveLength(0)
  const part = await api.client.download(SOME_CID_TEXT, { offset: 0, length: 5 })
  expect([part.sizeBytes, part.lengthBytes]).toEqual([0, 0])
})

// ---------------------------------------------------------------- uploads

/** Publishes by counting; `seen` says what reached the service. */
function publisher(): { files: NonNullable<Fakes['files']>; seen: UploadSeen } {
  const seen: UploadSeen = { pieces: [], complete: 0, published: 0, error: deferred() }
  return {
    seen,
    files: {
      async *publishStream(source, options, { signal } = {}) {
        seen.options = options
        let doneBytes = 0
        try {
          for await (const piece of source) {
            seen.pieces.push(piece)
            doneBytes += piece.byteLength
            yield { type: 'progress', doneBytes, totalBytes: 0, files: 1 }
          }
          seen.complete++
          // As long as a disk takes to make it durable.
          await delay(20, signal ? { signal } : {})
        } catch (error) {
          seen.error.resolve(error)
          throw error
        }
        seen.published++
        yield added(doneBytes)
      },
    },
  }
}

interface UploadSeen {
  pieces: Uint8Array[]
  /** Bodies that looked whole. */
  complete: number
  published: number
  error: ReturnType<typeof deferred<unknown>>
  options?: unknown
}

function added(sizeBytes: number) {
  const counts = { sizeBytes, chunks: 1, newBytes: sizeBytes }
  return { type: 'added', cid: SOME_CID_TEXT, name: 'n', kind: 'file', ...counts } as const
}

async function* piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    yield bytes.subarray(at, at + pieceBytes)
  }
}

describe('upload', () => {
  test('the bytes and options arrive as they were, the events come back', async () => {
    const { files, seen } = publisher()
    const { client } = await startApi({ files })
    const events = await collectAll(
      client.upload(piecesOf(BYTES, 7001), {
        name: 'a b&c=d',
        chunkSizeBytes: 65536,
        chunker: 'fastcdc',
        onlyHash: true,
        noPin: true,
        replicate: 2,
        ttlMs: 1000,
      }),
    )
    expect(Buffer.concat(seen.pieces).equals(BYTES)).toBe(true)
    expect(seen.options).toEqual({
      name: 'a b&c=d',
      chunkSizeBytes: 65536,
      chunker: 'fastcdc',
      onlyHash: true,
      noPin: true,
      replicate: 2,
      ttlMs: 1000,
    })
    expect(events.map(({ event }) => event.case)).toEqual(['added'])
    expect(events[0]?.event.value).toMatchObject({ cid: SOME_CID_TEXT, sizeBytes: 300_000 })
  })

  test('progress comes while the body goes', async () => {
    const { files } = publisher()
    const { client } = await startApi({ files })
    const gate = deferred()
    async function* source() {
      yield BYTES
      await gate.promise
      yield BYTES
    }
    let progressed = 0
    for await (const { event } of client.upload(source(), { progressHz: 1000 })) {
      if (event.case === 'progress') {
        progressed++
        gate.resolve()
      }
    }
    expect(progressed).toBeGreaterThan(0)
  })

  test('an empty body is an empty file', async () => {
    const { files, seen } = publisher()
    const { client } = await startApi({ files })
    await collectAll(client.upload(piecesOf(new Uint8Array(0), 1)))
    expect([seen.published, seen.pieces.length]).toEqual([1, 0])
  })

  test('a plain POST answers with JSON lines', async () => {
    const { files } = publisher()
    const { url } = await startApi({ files })
    const answer = await fetch(`${url}/v1/content?name=x`, {
      method: 'POST',
      headers: auth(),
      body: BYTES,
    })
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await answer.text()).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        added: {
          cid: SOME_CID_TEXT,
          name: 'n',
          kind: 'file',
          sizeBytes: 300_000,
          chunks: 1,
          newBytes: 300_000,
        },
      },
    ])
  })

  test('HTTP/2 uploads as well', async () => {
    const { files, seen } = publisher()
    const { url } = await startApi({ files })
    const session = connectHttp2(url)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/content', ...auth() })
    stream.end(BYTES)
    expect((await collectBytes(stream)).toString()).toContain('"added"')
    expect(Buffer.concat(seen.pieces).equals(BYTES)).toBe(true)
    session.destroy()
  })

  test.each([
    ['onlyhash=1', 'onlyhash'],
    ['onlyHash=maybe', 'onlyHash'],
    ['chunkSizeBytes=1e6', 'chunkSizeBytes'],
    ['chunker=magic', 'chunker'],
    ['ttlMs=-5', 'ttlMs'],
  ])('?%s is refused before a byte is read', async (query, named) => {
    const { files, seen } = publisher()
    const { url } = await startApi({ files })
    const answer = await fetch(`${url}/v1/content?${query}`, {
      method: 'POST',
      headers: auth(),
      body: BYTES,
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain(named)
    expect(seen.pieces).toEqual([])
  })

  test('a failure before the first event has its status; after it, the last line', async () => {
    let fails = 'first'
    const { client, url } = await startApi({
      files: {
        async *publishStream(source) {
          for await (const _ of source) break
          if (fails === 'later') {
            yield { type: 'notice', code: 'X', message: 'm', path: '' }
            await delay(20)
          }
          throw new DpsError('RESOURCE_EXHAUSTED', 'disk d1 is full', { hint: 'make room' })
        },
      },
    })
    const expected = { code: 'RESOURCE_EXHAUSTED', message: 'disk d1 is full', hint: 'make room' }
    const post = () => fetch(`${url}/v1/content`, { method: 'POST', headers: auth(), body: BYTES })
    const first = await post()
    expect([first.status, await first.json()]).toMatchObject([429, { error: expected }])
    await expect(collectAll(client.upload(piecesOf(BYTES, 1000)))).rejects.toMatchObject(expected)
    fails = 'later'
    const later = await post()
    const lines = (await later.text()).trimEnd().split('\n')
    expect([later.status, JSON.parse(lines.at(-1)!)]).toMatchObject([200, { error: expected }])
    await expect(collectAll(client.upload(piecesOf(BYTES, 1000)))).rejects.toMatchObject(expected)
  })

  test('a failure reaches a client that would send for ever', async () => {
    const { client } = await startApi({
      files: {
        // biome-ignore lint/correctness/useYield: it fails first
        async *publishStream(source) {
          for await (const _ of source) throw new DpsError('RESOURCE_EXHAUSTED', 'full')
        },
      },
    })
    const released = deferred()
    async function* endless() {
      try {
        for (;;) yield BYTES
      } finally {
        released.resolve()
      }
    }
    await expect(collectAll(client.upload(endless()))).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
    })
    await released.promise
  })

  test('a fast uploader is held back by a slow disk', async () => {
    const gate = deferred()
    const { client } = await startApi({
      files: {
        async *publishStream(source) {
          let bytes = 0
          for await (const piece of source) {
            await gate.promise
            bytes += piece.byteLength
          }
          yield added(bytes)
        },
      },
    })
    let produced = 0
    async function* source() {
      for (let i = 0; i < 200; i++) {
        produced++
        yield PIECE
      }
    }
    const uploading = collectAll(client.upload(source()))
    let before = -1
    await expect
      .poll(
        () => {
          const still = before === produced && produced > 0
          before = produced
          return still
        },
        { interval: 150, timeout: 10_000 },
      )
      .toBe(true)
    expect(produced).toBeLessThan(32)
    gate.resolve()
    const [last] = await uploading
    expect(last?.event.value).toMatchObject({ sizeBytes: 200 * PIECE.byteLength })
  })

  test('curl’s Expect: 100-continue is answered only after the door', async () => {
    const { files } = publisher()
    const { url } = await startApi({ files })
    const post = (headers: Record<string, string>) =>
      new Promise<string>((resolve, reject) => {
        const asked = httpRequest(`${url}/v1/content`, {
          method: 'POST',
          headers: { expect: '100-continue', ...headers },
        })
        asked.on('continue', () => asked.end(BYTES))
        asked.on('response', (response) => {
          response.resume()
          response.on('end', () => resolve(String(response.statusCode)))
        })
        asked.on('error', reject)
        asked.flushHeaders()
      })
    expect(await post(auth())).toBe('200')
    expect(await post({})).toBe('401')
  })

  test('without the token, an upload is refused while it is being sent', async () => {
    const { files, seen } = publisher()
    const { url } = await startApi({ files })
    const answer = await new Promise<number>((resolve, reject) => {
      const asked = httpRequest(`${url}/v1/content`, { method: 'POST' }, (response) => {
        response.resume()
        resolve(response.statusCode!)
      })
      asked.on('error', reject)
      const more = () => asked.write(BYTES, () => asked.destroyed || setImmediate(more))
      more()
    })
    expect(answer).toBe(401)
    expect(seen.pieces).toEqual([])
  })
})

const PIECE = bytesOf(1024 * 1024)

describe('upload: a client that goes away leaves nothing published', () => {
  async function expectCancelled(seen: UploadSeen): Promise<void> {
    expect(await seen.error.promise).toMatchObject({ code: 'CANCELLED' })
    expect([seen.complete, seen.published]).toEqual([0, 0])
  }

  test.each([
    ['chunked', 'transfer-encoding: chunked', `${(100_000).toString(16)}\r\n`],
    ['with a length', 'content-length: 200000', ''],
  ])('HTTP/1.1, %s, by closing and by reset', async (_, header, prefix) => {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const { files, seen } = publisher()
      const { server } = await startApi({ files })
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      const { authorization } = auth()
      socket.write(
        `POST /v1/content HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\n${header}\r\n\r\n${prefix}`,
      )
      socket.write(bytesOf(100_000))
      await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
      socket[how]()
      await expectCancelled(seen)
      socket.destroy()
    }
  })

  test.each([
    ['CANCEL', constants.NGHTTP2_CANCEL],
    ['NO_ERROR', constants.NGHTTP2_NO_ERROR],
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
  ])('HTTP/2, reset with %s', async (_, code) => {
    const { files, seen } = publisher()
    const { url, server } = await startApi({ files })
    const session = connectHttp2(url)
    session.on('error', () => {})
    const stream = session.request({ ':method': 'POST', ':path': '/v1/content', ...auth() })
    stream.on('error', () => {})
    stream.write(BYTES)
    await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
    stream.close(code)
    // Node's client ends a stream before it resets it, so the body may have been whole.
    expect(await seen.error.promise).toMatchObject({ code: 'CANCELLED' })
    expect(seen.published).toBe(0)
    session.destroy()

    Object.assign(seen, publisher().seen)
    const socket = connect(server.port, '127.0.0.1')
    socket.write(Buffer.concat([PREFACE, frame(0x4, 0, 0, Buffer.alloc(0)), uploadHeaders()]))
    socket.write(frame(0x0, 0, 1, bytesOf(1000)))
    await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
    const reason = Buffer.alloc(4)
    reason.writeUInt32BE(code)
    socket.write(frame(0x3, 0, 1, reason))
    await expectCancelled(seen)
    socket.destroy()
  })

  test('HTTP/2, the connection gone', async () => {
    const { files, seen } = publisher()
    const { url } = await startApi({ files })
    const session = connectHttp2(url)
    session.on('error', () => {})
    const stream = session.request({ ':method': 'POST', ':path': '/v1/content', ...auth() })
    stream.on('error', () => {})
    stream.write(BYTES)
    await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
    session.destroy()
    await expectCancelled(seen)
  })

  test('our client, its source failing', async () => {
    const { files, seen } = publisher()
    const { client } = await startApi({ files })
    async function* source() {
      yield BYTES
      await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
      throw new DpsError('DATA_LOSS', 'the file changed while it was read')
    }
    await expect(collectAll(client.upload(source()))).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: 'the file changed while it was read',
    })
    await expectCancelled(seen)
  })

  test('our client, aborted', async () => {
    const { files, seen } = publisher()
    const { client } = await startApi({ files })
    const controller = new AbortController()
    const reason = new DpsError('CANCELLED', 'Ctrl-C')
    async function* source() {
      yield BYTES
      await expect.poll(() => seen.pieces.length).toBeGreaterThan(0)
      controller.abort(reason)
      await new Promise(() => {})
    }
    const { signal } = controller
    await expect(collectAll(client.upload(source(), { signal }))).rejects.toBe(reason)
    await expectCancelled(seen)
  })

  test('our client, its iteration left early', async () => {
    const { files, seen } = publisher()
    const { client } = await startApi({ files })
    async function* source() {
      for (;;) {
        yield BYTES
        await delay(1)
      }
    }
    for await (const _ of client.upload(source(), { progressHz: 100 })) break
    await expectCancelled(seen)
  })
})

function rawGet(api: TestApi, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(api.server.port, '127.0.0.1')
    const { authorization } = auth()
    socket.write(
      `GET ${target} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\nconnection: close\r\n\r\n`,
    )
    let text = ''
    socket.on('data', (piece) => {
      text += piece
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** An HTTP/2 frame (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.byteLength, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HEADERS with END_HEADERS, every field a literal without indexing (RFC 7541, 6.2.2). */
function uploadHeaders(): Buffer {
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': '/v1/content',
    ':authority': 'localhost',
    ...auth(),
  }
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  const block = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.from([0]),
    text(name),
    text(value),
  ])
  return frame(0x1, 0x4, 1, Buffer.concat(block))
}

function fail(): never {
  throw new DpsError('INTERNAL', 'must not be read')
}
