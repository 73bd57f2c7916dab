import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  createLog,
  describeError,
  isRequestId,
  type LogInit,
  Metrics,
  newRequestId,
  silentLog,
} from '../../src/observability/index.js'

async function logTo(init: LogInit = {}) {
  const lines: string[] = []
  const log = await createLog({ ...init, destination: { write: (line) => lines.push(line) } })
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) }
}

test('log: a line carries the fields of the contract and nothing of the process', async () => {
  const { log, parsed } = await logTo({ bindings: { node_id: '12D3', instance_id: 'i1' } })
  const scope = log.child({ component: 'exchange', service_id: 'exchange' })
  scope.warn({ peer: '12D4', request_id: 'r1', trace_id: 't1' }, 'bad bytes')
  const [line] = parsed()
  expect(line).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    node_id: '12D3',
    instance_id: 'i1',
    component: 'exchange',
    service_id: 'exchange',
    peer: '12D4',
    request_id: 'r1',
    trace_id: 't1',
    message: 'bad bytes',
  })
})

test('log: lines below the level are not written', async () => {
  const { log, lines } = await logTo({ level: 'warn' })
  log.info('quiet')
  log.child({ component: 'x' }).debug('quiet')
  expect(log.isLevelEnabled('info')).toBe(false)
  log.error('loud')
  expect(lines).toHaveLength(1)
})

test('log: an expected error is told without its stack, an unexpected one with it', async () => {
  const { log, parsed } = await logTo()
  const cause = new DpsError('UNAVAILABLE', 'inner', { cause: new RangeError('innermost') })
  log.warn({ err: new DpsError('NOT_FOUND', 'outer', { cause }) }, 'expected')
  log.error({ err: new RangeError('bug') }, 'unexpected')
  const [expected, unexpected] = parsed()
  expect(expected.err).toEqual({
    code: 'NOT_FOUND',
    message: 'outer',
    cause: 'inner: innermost',
  })
  expect(unexpected.err.code).toBe('INTERNAL')
  expect(unexpected.err.stack).toContain('observability.test')
})

test('log: a cause that leads back to itself ends', () => {
  const error = new RangeError('loop')
  error.cause = error
  expect(describeError(new DpsError('INTERNAL', 'x', { cause: error })).cause).toBe(
    'loop: loop: loop: loop: loop',
  )
})

test('log: the pretty format is for people', async () => {
  const { log, lines } = await logTo({ format: 'pretty', bindings: { node_id: '12D3' } })
  log.child({ component: 'raft', service_id: 'raft' }).info({ term: 7 }, 'elected')
  const text = lines.join('')
  expect(text).toMatch(/^\[\S+\] INFO: raft: elected \{"term":7\}\n$/)
  expect(text).not.toContain('12D3')
  expect(() => JSON.parse(text)).toThrow()
})

test('log: the silent log takes everything and says nothing', () => {
  silentLog.child({ component: 'x' }).error({ err: 1 }, 'nothing')
  expect(silentLog.isLevelEnabled('fatal')).toBe(false)
})

test('metrics: two nodes in one process do not mix', async () => {
  const [a, b] = [new Metrics(), new Metrics()]
  a.counter({ name: 'dps_test_total', help: 'x' }).inc(3)
  b.counter({ name: 'dps_test_total', help: 'x' }).inc(5)
  expect(await a.text()).toContain('dps_test_total 3')
  expect(await b.text()).toContain('dps_test_total 5')
})

test('metrics: asking twice for a name gives the same metric', async () => {
  const metrics = new Metrics()
  const ask = () =>
    metrics.histogram({ name: 'dps_test_seconds', help: 'x', labelNames: ['protocol'] })
  ask().observe({ protocol: 'a' }, 0.2)
  ask().observe({ protocol: 'b' }, 0.2)
  const text = await metrics.text()
  expect(text).toContain('dps_test_seconds_count{protocol="a"} 1')
  expect(text).toContain('dps_test_seconds_count{protocol="b"} 1')
  expect(() => metrics.counter({ name: 'dps_test_seconds', help: 'x' })).toThrow(/no counter/)
})

test('metrics: a gauge is asked for at each scrape', async () => {
  const metrics = new Metrics()
  let peers = 1
  metrics.gauge({ name: 'dps_test_peers', help: 'x', collect: (gauge) => gauge.set(peers) })
  expect(await metrics.text()).toContain('dps_test_peers 1')
  peers = 2
  expect(await metrics.text()).toContain('dps_test_peers 2')
})

test('metrics: the process is told about on request', async () => {
  const metrics = new Metrics()
  expect(await metrics.text()).not.toContain('process_cpu')
  metrics.collectProcess()
  expect(await metrics.text()).toContain('process_cpu')
  metrics.clear()
  expect(await metrics.text()).not.toContain('process_cpu')
})

test('request ids: new ones differ, and foreign ones that could break a log line are refused', () => {
  expect(newRequestId()).not.toBe(newRequestId())
  expect(isRequestId(newRequestId())).toBe(true)
  for (const bad of ['', 'a b', 'a\nb', 'x'.repeat(65), '"', undefined, 7]) {
    expect(isRequestId(bad), String(bad)).toBe(false)
  }
})
