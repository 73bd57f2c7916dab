import { Writable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { reportOf } from '../../src/cli/errors.js'
import { columns, count, humanBytes, humanTime, shown } from '../../src/cli/format.js'
import { Output } from '../../src/cli/io.js'
import { Progress } from '../../src/cli/progress.js'
import { joinAddress } from '../../src/cli/start.js'

function screen(columns = 100) {
  let text = ''
  const stream = new Writable({
    write(piece, _encoding, done) {
      text += String(piece)
      done()
    },
  })
  Object.assign(stream, { isTTY: true, columns })
  return { out: new Output(stream), text: () => text }
}

function fakeClock() {
  let nowMs = 0
  return {
    clock: { now: () => nowMs, monotonicMs: () => nowMs },
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('progress: bytes, share, rate and time left, redrawn in place', () => {
  const { out, text } = screen()
  const { clock, pass } = fakeClock()
  const progress = new Progress(out, { enabled: true, colors: false, clock })
  progress.start('fetching')
  progress.update(0, 100 * 1024 * 1024)
  pass(1000)
  progress.update(25 * 1024 * 1024, 100 * 1024 * 1024)
  const last = text().split('\r').at(-1)!
  expect(last).toBe(
    'fetching  [=======>                      ]   25%  25.0 MiB / 100 MiB  25.0 MiB/s  3s left\x1b[K',
  )
  progress.clear()
  expect(text().endsWith('\r\x1b[K')).toBe(true)
})

test('progress: the rate is of the last seconds, so that a stall shows', () => {
  const { out } = screen()
  const { clock, pass } = fakeClock()
  const progress = new Progress(out, { enabled: true, colors: false, clock })
  const mib = 1024 * 1024
  for (let second = 0; second <= 10; second++) {
    progress.update(second * 10 * mib, 1000 * mib)
    pass(1000)
  }
  for (let second = 0; second < 10; second++) {
    progress.update(100 * mib, 1000 * mib)
    pass(1000)
  }
  expect(progress.render(100 * mib, 1000 * mib, '')).not.toContain('/s')
})

test('progress: at most ten lines a second, none when it is off', () => {
  const { out, text } = screen()
  const { clock, pass } = fakeClock()
  const progress = new Progress(out, { enabled: true, colors: false, clock })
  for (let at = 0; at < 1000; at++) {
    progress.update(at, 1000)
    pass(1)
  }
  expect(text().split('\r').length - 1).toBeLessThanOrEqual(11)
  const off = screen()
  const silent = new Progress(off.out, { enabled: false, colors: false, clock })
  silent.update(1, 2)
  silent.updateCount(1, 2, 'x')
  silent.clear()
  expect(off.text()).toBe('')
})

test('progress: a narrow terminal never gets a line that wraps', () => {
  for (const colors of [false, true]) {
    const { out, text } = screen(40)
    const progress = new Progress(out, { enabled: true, colors, clock: fakeClock().clock })
    progress.start('publishing something with a long name')
    progress.update(1024 ** 3, 1024 ** 4, '12,345 files')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences take no columns
    const visible = text().replace(/\x1b\[[0-9;]*[mK]|\r/g, '')
    expect(visible.length).toBeLessThan(40)
  }
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [150 * 1024 ** 3, '150 GiB'],
])('format: %d bytes are %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text)
})

test.each([
  [400, '0s'],
  [59_000, '59s'],
  [65_000, '1m 05s'],
  [7_260_000, '2h 01m'],
  [266_400_000, '3d 2h'],
])('format: %d ms are %s', (ms, text) => {
  expect(humanTime(ms)).toBe(text)
})

test('format: counts and columns', () => {
  expect(count(1, 'file')).toBe('1 file')
  expect(count(12_345, 'chunk')).toBe('12,345 chunks')
  expect(
    columns(
      [
        ['a', '1', 'x'],
        ['bbb', '22', 'y'],
      ],
      [1],
    ),
  ).toEqual(['a     1  x', 'bbb  22  y'])
})

test('format: names from elsewhere can not move the cursor or forge lines', () => {
  expect(shown('a\x1b[2Jb\nc\td\u202ee')).toBe('a\\u001b[2Jb\\nc\\td\\u202ee')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      return !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(shown(text))
    }),
  )
  expect(shown('für_日本🎉')).toBe('für_日本🎉')
})

test('errors: one line, a hint, a stack only where it was asked for', () => {
  const error = new DpsError('NOT_FOUND', 'no such\nthing', { hint: 'look elsewhere' })
  const plain = { json: false, colors: false, stack: false }
  expect(reportOf(error, plain)).toBe('error: no such\\nthing (NOT_FOUND)\nhint: look elsewhere\n')
  expect(reportOf(error, { ...plain, stack: true })).toContain('output.test.ts')
  expect(reportOf(error, { ...plain, colors: true })).toContain('\x1b[31merror:\x1b[0m')
  expect(JSON.parse(reportOf(error, { ...plain, json: true }))).toEqual({
    error: { code: 'NOT_FOUND', message: 'no such\nthing', hint: 'look elsewhere' },
  })
})

test('output: after its reader left, everything is dropped and nobody waits', async () => {
  let left = 0
  const stream = new Writable({
    highWaterMark: 1,
    write(_piece, _encoding, done) {
      setImmediate(() => done(Object.assign(new DpsError('INTERNAL', 'x'), { code: 'EPIPE' })))
    },
  })
  const out = new Output(stream, () => {
    left++
  })
  await out.writeSlowly('a')
  await out.writeSlowly('b')
  await out.flush()
  out.line('c')
  expect(out.closed).toBe(true)
  expect(left).toBe(1)
})

test('start: the address to join with is one that others can reach', () => {
  const loopback = '/ip4/127.0.0.1/tcp/1/p2p/x'
  const six = '/ip6/2001:db8::1/tcp/1/p2p/x'
  const lan = '/ip4/192.168.1.5/tcp/1/p2p/x'
  expect(joinAddress([loopback, six, lan])).toBe(lan)
  expect(joinAddress([loopback, '/ip4/169.254.1.1/tcp/1/p2p/x', six])).toBe(six)
  expect(joinAddress([loopback])).toBe(loopback)
  expect(joinAddress([])).toBeUndefined()
})
