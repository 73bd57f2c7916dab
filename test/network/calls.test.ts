import { expect, test } from 'vitest'
import { DpsError, delay } from '../../src/base/index.js'
import { CallClient, type CallClientInit } from '../../src/network/calls-client.js'
import { CallServer, type CallServerInit } from '../../src/network/calls-server.js'
import type { Call, Handler, Reply } from '../../src/network/calls-types.js'
import { Metrics, silentLog } from '../../src/observability/index.js'
import { cleanUp } from '../support/temp.js'
import { type BareNode, bareNodes, keptLog, patterned, until } from './calls-support.js'

const MIB = 1024 * 1024
const PROTOCOL = '/test/calls/1.0.0'
const text = (value: string) => new TextEncoder().encode(value)
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const echo: Handler = async ({ payload, body }) => ({ payload, body })

interface Pair {
  server: BareNode
  client: BareNode
  calls: CallClient
  served: CallServer
}

async function pair(
  handlers: Record<string, Handler>,
  server: Partial<CallServerInit> = {},
  client: Partial<CallClientInit> = {},
  log = silentLog,
): Promise<Pair> {
  const [serverNode, clientNode] = await bareNodes(2)
  const served = new CallServer(
    { streams: serverNode!.streams, log },
    { protocol: PROTOCOL, maxBodyBytes: 4 * MIB, handlers, ...server },
  )
  await served.start()
  const calls = new CallClient(
    { streams: clientNode!.streams, log },
    { protocol: PROTOCOL, maxBodyBytes: 4 * MIB, ...client },
  )
  await calls.start()
  cleanUp(async () => {
    await calls.stop()
    await served.stop()
  })
  return { server: serverNode!, client: clientNode!, calls, served }
}

async function failure(promise: Promise<unknown>): Promise<DpsError> {
  try {
    await promise
  } catch (error) {
    return error as DpsError
  }
  throw new Error('it did not fail')
}

test('calls: payload and body go there and back', async () => {
  const { server, calls } = await pair({ echo })
  const body = patterned(3 * MIB + 7)
  const answer = await calls.call(server.peerId, 'echo', { payload: text('hello'), body })
  expect(read(answer.payload)).toBe('hello')
  expect(Buffer.compare(answer.body.slice(), body)).toBe(0)
})

test('calls: a thousand at once share one stream, and each gets its own answer', async () => {
  const { server, client, calls } = await pair({ echo })
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      calls.call(server.peerId, 'echo', { payload: text(`call ${i}`) }),
    ),
  )
  expect(answers.map(({ payload }) => read(payload))).toEqual(
    Array.from({ length: 1000 }, (_, i) => `call ${i}`),
  )
  expect(client.opened.length).toBe(1)
})

test('calls: an error keeps its code, message and hint; what broke inside stays inside', async () => {
  const kept = keptLog()
  const { server, calls } = await pair(
    {
      refuse: async () => {
        throw new DpsError('FAILED_PRECONDITION', 'not\u001b[31m today', { hint: 'come back' })
      },
      long: async () => {
        throw new DpsError('NOT_FOUND', 'x'.repeat(100_000), { hint: 'y'.repeat(100_000) })
      },
      bug: async () => {
        throw new TypeError('secret internals')
      },
    },
    {},
    {},
    kept.log,
  )
  const refused = await failure(calls.call(server.peerId, 'refuse'))
  expect(refused).toBeInstanceOf(DpsError)
  expect(refused.code).toBe('FAILED_PRECONDITION')
  // No control characters of a peer reach anybody's terminal.
  expect(refused.message).toBe('not [31m today')
  expect(refused.hint).toBe('come back')
  const long = await failure(calls.call(server.peerId, 'long'))
  expect([long.code, long.message.length, long.hint!.length]).toEqual(['NOT_FOUND', 1024, 512])
  const bug = await failure(calls.call(server.peerId, 'bug'))
  expect([bug.code, bug.message]).toEqual(['INTERNAL', 'internal error'])
  expect(kept.lines.some(({ level }) => level === 'error')).toBe(true)
  const missing = await failure(calls.call(server.peerId, 'nothing'))
  expect(missing.code).toBe('UNIMPLEMENTED')
  expect((await failure(calls.call(server.peerId, 'toString'))).code).toBe('UNIMPLEMENTED')
})

test('calls: request id and trace id reach the other side and its log', async () => {
  const kept = keptLog()
  const seen: Call[] = []
  const { server, calls } = await pair(
    {
      look: async (call) => {
        seen.push(call)
        throw new DpsError('NOT_FOUND', 'no')
      },
    },
    {},
    {},
    kept.log,
  )
  const ids = { requestId: 'req-1', traceId: 'trace-1' }
  await failure(calls.call(server.peerId, 'look', {}, ids))
  expect(seen[0]).toMatchObject(ids)
  expect(kept.lines.some((line) => line.fields.request_id === 'req-1')).toBe(true)
  expect(kept.lines.find((line) => line.fields.request_id === 'req-1')!.fields.trace_id).toBe(
    'trace-1',
  )
  // What could break out of a log line is not let in.
  await failure(calls.call(server.peerId, 'look', {}, { requestId: 'a\n{"level":"fatal"}' }))
  expect(seen[1]!.requestId).toBe('')
})

test('calls: the deadline travels along, and both sides keep it', async () => {
  const seen: Call[] = []
  let reason: unknown
  const { server, calls, served } = await pair({
    wait: (call) => {
      seen.push(call)
      return new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => {
          reason = call.signal.reason
          reject(call.signal.reason)
        })
      })
    },
  })
  const begun = performance.now()
  const error = await failure(calls.call(server.peerId, 'wait', {}, { timeoutMs: 150 }))
  expect(error.code).toBe('DEADLINE_EXCEEDED')
  expect(performance.now() - begun).toBeLessThan(1500)
  expect(seen[0]!.deadlineMs - performance.now()).toBeLessThan(150)
  await until(() => served.inFlight === 0, 'the end of the handler')
  expect(['DEADLINE_EXCEEDED', 'CANCELLED']).toContain((reason as DpsError).code)
})

test('calls: an abort leaves as its reason and cancels the handler', async () => {
  let aborted = 0
  const { server, calls, served } = await pair({
    wait: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted++
          reject(signal.reason)
        })
      }),
    echo,
  })
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  const pending = failure(calls.call(server.peerId, 'wait', {}, { signal: controller.signal }))
  await until(() => served.inFlight === 1, 'the request')
  controller.abort(reason)
  expect(await pending).toBe(reason)
  await until(() => served.inFlight === 0, 'the cancel')
  expect(aborted).toBe(1)
  const before = AbortSignal.abort(reason)
  expect(await failure(calls.call(server.peerId, 'wait', {}, { signal: before }))).toBe(reason)
  // The stream goes on.
  expect(read((await calls.call(server.peerId, 'echo', { payload: text('on') })).payload)).toBe(
    'on',
  )
})

test('calls: a reply that nobody waits for any more is not sent, and is released', async () => {
  const released: string[] = []
  let finish: (() => void) | undefined
  const { server, calls, served } = await pair({
    slow: async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return {
        payload: new Uint8Array(0),
        body: new Uint8Array(MIB),
        onReleased: () => released.push('slow'),
      }
    },
  })
  const controller = new AbortController()
  const pending = failure(calls.call(server.peerId, 'slow', {}, { signal: controller.signal }))
  await until(() => finish !== undefined, 'the handler')
  controller.abort(new Error('enough'))
  await pending
  await delay(20)
  finish!()
  await until(() => served.inFlight === 0, 'the end')
  expect(released).toEqual(['slow'])
  expect(calls.receivedBytes(server.peerId)).toBe(0)
})

test('calls: no more than the limit are on their way; the rest waits its turn', async () => {
  let running = 0
  let most = 0
  const { server, calls } = await pair(
    {
      work: async () => {
        running++
        most = Math.max(most, running)
        await delay(2)
        running--
        return { payload: new Uint8Array(0) }
      },
    },
    {},
    { maxInFlightPerPeer: 7 },
  )
  await Promise.all(Array.from({ length: 60 }, () => calls.call(server.peerId, 'work')))
  expect(most).toBe(7)
})

test('calls: the bytes on their way are limited too, at the asking side', async () => {
  let running = 0
  let most = 0
  const { server, calls } = await pair(
    {
      work: async () => {
        running++
        most = Math.max(most, running)
        await delay(5)
        running--
        return { payload: new Uint8Array(0) }
      },
    },
    {},
    { maxInFlightBytesPerPeer: 2 * MIB },
  )
  await Promise.all(
    Array.from({ length: 10 }, () =>
      calls.call(server.peerId, 'work', {}, { replyBodyBytesMax: 600 * 1024 }),
    ),
  )
  expect(most).toBe(3)
})

test('calls: a server at its limit stops reading, so that a greedy client waits', async () => {
  let running = 0
  let most = 0
  let mostBytes = 0
  let bytes = 0
  const { server, calls } = await pair(
    {
      work: async ({ body }) => {
        running++
        bytes += body.byteLength
        most = Math.max(most, running)
        mostBytes = Math.max(mostBytes, bytes)
        await delay(2)
        running--
        bytes -= body.byteLength
        return { payload: new Uint8Array(0) }
      },
    },
    { maxInFlightPerPeer: 5, maxInFlightBytesPerPeer: 2 * MIB },
    { maxInFlightPerPeer: 1000 },
  )
  await Promise.all(Array.from({ length: 100 }, () => calls.call(server.peerId, 'work')))
  expect(most).toBe(5)
  const body = new Uint8Array(MIB)
  await Promise.all(Array.from({ length: 30 }, () => calls.call(server.peerId, 'work', { body })))
  expect(mostBytes).toBe(2 * MIB)
  // One request may be as large as the whole limit.
  await calls.call(server.peerId, 'work', { body: new Uint8Array(4 * MIB) })
})

test('calls: a refused request costs the server no bytes', async () => {
  let ran = 0
  const { server, calls } = await pair(
    {
      put: async () => {
        ran++
        return { payload: new Uint8Array(0) }
      },
    },
    {
      admit: ({ method, bodyBytes }) => {
        if (bodyBytes > 10) throw new DpsError('PERMISSION_DENIED', `no ${method} for you`)
      },
    },
  )
  const error = await failure(calls.call(server.peerId, 'put', { body: new Uint8Array(4 * MIB) }))
  expect([error.code, error.message, ran]).toEqual(['PERMISSION_DENIED', 'no put for you', 0])
  await calls.call(server.peerId, 'put', { body: new Uint8Array(10) })
  expect(ran).toBe(1)
})

test('calls: a streamed reply comes in order, and a slow reader slows only its own call', async () => {
  let made = 0
  const { server, calls } = await pair({
    count: async function* ({ payload }): AsyncGenerator<Reply> {
      const last = Number(read(payload))
      for (let i = 0; i < last; i++) {
        made++
        yield { payload: text(String(i)), body: new Uint8Array(100_000) }
      }
    },
    echo,
  })
  const seen: string[] = []
  const parts = calls.callStream(
    server.peerId,
    'count',
    { payload: text('40') },
    { windowParts: 4 },
  )
  for await (const { payload, body } of parts) {
    expect(body.byteLength).toBe(100_000)
    seen.push(read(payload))
    if (seen.length !== 10) continue
    // While nobody takes parts, few are made, and other calls go on.
    await calls.call(server.peerId, 'echo', { body: new Uint8Array(MIB) })
    await delay(30)
    expect(made).toBeLessThanOrEqual(10 + 4 + 2)
  }
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => String(i)))
})

test('calls: leaving a streamed reply early ends it at the server', async () => {
  let ended = false
  const { server, calls, served } = await pair({
    count: async function* (): AsyncGenerator<Reply> {
      try {
        for (;;) yield { payload: new Uint8Array(0) }
      } finally {
        ended = true
      }
    },
    broken: async function* (): AsyncGenerator<Reply> {
      yield { payload: text('one') }
      throw new DpsError('DATA_LOSS', 'the rest is gone')
    },
  })
  let taken = 0
  for await (const _part of calls.callStream(server.peerId, 'count')) if (++taken === 20) break
  await until(() => ended && served.inFlight === 0, 'the end')
  const seen: string[] = []
  const error = await failure(
    (async () => {
      for await (const { payload } of calls.callStream(server.peerId, 'broken')) {
        seen.push(read(payload))
      }
    })(),
  )
  expect([seen, error.code]).toEqual([['one'], 'DATA_LOSS'])
  expect((await failure(calls.call(server.peerId, 'count'))).code).toBe('INVALID_ARGUMENT')
})

test('calls: a small call is not stuck behind bulk on the same stream', async () => {
  const body = new Uint8Array(4 * MIB)
  const { server, calls } = await pair({
    bulk: async () => ({ payload: new Uint8Array(0), body }),
    echo,
  })
  let bulkDone = 0
  const bulk = Array.from({ length: 24 }, () =>
    calls.call(server.peerId, 'bulk').then(() => bulkDone++),
  )
  await until(() => bulkDone > 0, 'the first bulk reply')
  await calls.call(server.peerId, 'echo')
  // At most what was below the writer already: the window, the queue, and the frame being sent.
  expect(bulkDone).toBeLessThan(12)
  await Promise.all(bulk)
})

test('calls: a lost stream fails what was on it, and the next call opens another', async () => {
  const { server, client, calls, served } = await pair({
    wait: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    echo,
  })
  const pending = failure(calls.call(server.peerId, 'wait'))
  await until(() => served.inFlight === 1, 'the request')
  server.opened[0]!.abort(new Error('cable pulled'))
  expect((await pending).code).toBe('UNAVAILABLE')
  await until(() => served.inFlight === 0, 'the handler to be told')
  await calls.call(server.peerId, 'echo')
  expect(client.opened.length).toBe(2)
  await client.libp2p.hangUp(server.libp2p.peerId)
  // The address is known: dialled again.
  await calls.call(server.peerId, 'echo')
  expect(client.opened.length).toBe(3)
})

test('calls: a peer that is not there is UNAVAILABLE, one without the protocol is told apart', async () => {
  const { server, client, calls } = await pair({ echo })
  const [stranger] = await bareNodes(1)
  expect((await failure(calls.call(stranger!.peerId, 'echo'))).code).toBe('UNAVAILABLE')
  const other = new CallClient(
    { streams: client.streams, log: silentLog },
    { protocol: '/test/none/1.0.0', maxBodyBytes: 10 },
  )
  cleanUp(() => other.stop())
  const error = await failure(other.call(server.peerId, 'echo'))
  expect(['UNIMPLEMENTED', 'UNAVAILABLE']).toContain(error.code)
})

test('calls: an idle stream is closed on both sides, and opened again when needed', async () => {
  const { server, client, calls } = await pair({ echo }, {}, { idleTimeoutMs: 60 })
  await calls.call(server.peerId, 'echo')
  await until(() => client.opened[0]!.status === 'closed', 'the client to close')
  await until(() => server.opened[0]!.status === 'closed', 'the server to close')
  expect(calls.peers()).toEqual([])
  await calls.call(server.peerId, 'echo')
  expect(client.opened.length).toBe(2)
})

test('calls: stopping either side fails what is under way and leaves no stream', async () => {
  const wait: Handler = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const one = await pair({ wait })
  const pending = failure(one.calls.call(one.server.peerId, 'wait'))
  await until(() => one.served.inFlight === 1, 'the request')
  await one.served.stop()
  expect((await pending).code).toBe('UNAVAILABLE')
  expect((await failure(one.calls.call(one.server.peerId, 'wait'))).code).toMatch(
    /UNAVAILABLE|UNIMPLEMENTED/,
  )
  const two = await pair({ wait })
  const other = failure(two.calls.call(two.server.peerId, 'wait'))
  await until(() => two.served.inFlight === 1, 'the request')
  await two.calls.stop()
  expect((await other).code).toBe('UNAVAILABLE')
  await until(() => two.served.inFlight === 0, 'the handler to be told')
})

test('calls: outcomes are counted by side, method and code', async () => {
  const metrics = new Metrics()
  const [serverNode, clientNode] = await bareNodes(2)
  const served = new CallServer(
    { streams: serverNode!.streams, log: silentLog, metrics },
    { protocol: PROTOCOL, maxBodyBytes: 10, handlers: { echo } },
  )
  await served.start()
  const calls = new CallClient(
    { streams: clientNode!.streams, log: silentLog, metrics },
    { protocol: PROTOCOL, maxBodyBytes: 10 },
  )
  cleanUp(async () => {
    await calls.stop()
    await served.stop()
  })
  await calls.call(serverNode!.peerId, 'echo')
  await failure(calls.call(serverNode!.peerId, 'made-up-method'))
  const exposed = await metrics.text()
  const line = (side: string, method: string, code: string) =>
    `dps_network_calls_total{side="${side}",protocol="${PROTOCOL}",method="${method}",code="${code}"} 1`
  expect(exposed).toContain(line('client', 'echo', 'OK'))
  expect(exposed).toContain(line('server', 'echo', 'OK'))
  // A peer can't make up series.
  expect(exposed).toContain(line('server', 'unknown', 'UNIMPLEMENTED'))
})
