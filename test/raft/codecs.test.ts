import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { decodeEntries, encodeEntries } from '../../src/raft/entry-codec.js'
import { configurationOf, type Entry, type Message } from '../../src/raft/index.js'
import {
  decodeHardState,
  decodePack,
  decodeSnapshot,
  encodeHardState,
  encodePack,
  encodeSnapshot,
  firstOfPackKey,
  packKey,
} from '../../src/raft/log-codec.js'
import {
  decodeBegin,
  decodeFrame,
  encodeBegin,
  encodeHello,
  encodeMessage,
  encodePing,
  encodeRefusal,
  type Frame,
  messageFrom,
} from '../../src/raft/message-codec.js'
import { decodePromises, encodePromises } from '../../src/raft/promises-file.js'
import { plain } from '../support/log-store-suite.js'

const HELLO = { clusterId: 'c1', from: 'a:1', to: 'b:2' }
const BASE = { from: 'a:1', to: 'b:2' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

const ENTRIES: Entry[] = [
  { kind: 'noop', index: 7, term: 2 },
  { kind: 'command', index: 8, term: 2, data: unhex('cafe') },
  {
    kind: 'config',
    index: 9,
    term: 2 ** 33 + 1,
    change: { kind: 'addLearner', id: 'd:1', context: unhex('01') },
  },
]
const ENTRIES_HEX =
  '02000000000000000200000000' +
  '01000000000000000200000002cafe' +
  '0300000002000000010000000a08021203643a311a0101'

test('raft codecs: golden bytes of entries', () => {
  expect(hex(encodeEntries(ENTRIES))).toBe(ENTRIES_HEX)
  expect(plain(decodeEntries(unhex(ENTRIES_HEX), 7, 2))).toEqual(plain(ENTRIES))
})

test('raft codecs: golden bytes of records in the log', () => {
  const key = packKey(7)
  expect(hex(key)).toBe('650000000000000007')
  const pack = `0100000000000000010000000000000006${ENTRIES_HEX}`
  const value = encodePack(key, { prevTerm: 1, commit: 6, entries: ENTRIES })
  expect(hex(value)).toBe(`${pack}f17eaea6`)
  const hardState = { term: 5, vote: 'a:1', commit: 2 ** 40, damaged: true }
  expect(hex(encodeHardState(hardState))).toBe(
    '0101000000000000000500000100000000006' + '13a31b9e28c87',
  )
  const configuration = configurationOf(['a:1', 'b:2'], ['d:1'])
  const snapshot = { meta: { index: 9, term: 4, configuration }, generation: 3, first: 5 }
  expect(hex(encodeSnapshot(snapshot))).toBe(
    '01' +
      '0000000000000009' +
      '0000000000000004' +
      '0000000000000003' +
      '0000000000000005' +
      '0a03613a310a03623a321203643a31' +
      '51eed9d6',
  )
  expect(decodeHardState(encodeHardState(hardState))).toEqual(hardState)
  expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot)
})

test('raft codecs: golden bytes of the promises', () => {
  const promises = { term: 5, vote: 'b:2', kept: { index: 300, term: 4 }, generation: 2 }
  const slot = encodePromises(17, promises)
  expect(slot.length).toBe(512)
  expect(hex(slot.subarray(0, 52))).toBe(
    '44505350' +
      '01030000' +
      '0000000000000011' +
      '0000000000000005' +
      '000000000000012c' +
      '0000000000000004' +
      '0000000000000002' +
      '623a3200',
  )
  expect(hex(slot.subarray(508))).toBe('5ecde754')
  expect(decodePromises(slot)).toEqual({ sequence: 17, promises })
})

const MESSAGES: [string, Message, string][] = [
  [
    'vote',
    { ...BASE, term: 3, type: 'vote', pre: true, lastIndex: 9, lastTerm: 2, transfer: true },
    '08021a0c080110031809200240014801',
  ],
  [
    'vote reply',
    { ...BASE, term: 3, type: 'voteReply', pre: true, granted: true },
    '08021a080802100340015001',
  ],
  [
    'append',
    {
      ...BASE,
      term: 2 ** 33 + 1,
      type: 'append',
      prevIndex: 6,
      prevTerm: 2,
      entries: ENTRIES,
      commit: 5,
    },
    '08021a0e0803108180808020200228063005',
  ],
  [
    'append reply',
    { ...BASE, term: 3, type: 'appendReply', rejected: false, index: 9 },
    '08021a06080410031809',
  ],
  [
    'rejection',
    {
      ...BASE,
      term: 3,
      type: 'appendReply',
      rejected: true,
      index: 9,
      hintIndex: 4,
      hintTerm: 1,
      lost: true,
    },
    '08021a0e0804100318095801600468017001',
  ],
  [
    'heartbeat',
    { ...BASE, term: 3, type: 'heartbeat', commit: 8, round: 5 },
    '08021a080805100330083805',
  ],
  [
    'heartbeat reply',
    { ...BASE, term: 3, type: 'heartbeatReply', round: 5 },
    '08021a06080610033805',
  ],
  [
    'snapshot',
    {
      ...BASE,
      term: 3,
      type: 'snapshot',
      snapshot: { index: 9, term: 2, configuration: configurationOf(['a:1'], ['d:1']) },
    },
    '08021a1708071003920110080910021a0a0a03613a311203643a31',
  ],
  ['timeout now', { ...BASE, term: 3, type: 'timeoutNow' }, '08021a0408081003'],
  [
    'transfer',
    { ...BASE, term: 3, type: 'transfer', target: 'd:1' },
    '08021a0a080910038a0103643a31',
  ],
  [
    'read index',
    { ...BASE, term: 3, type: 'readIndex', context: 'r1', heal: true },
    '08021a0b080a10037a027231800101',
  ],
  [
    'read index reply',
    { ...BASE, term: 3, type: 'readIndexReply', context: 'r1', heal: true, index: 9 },
    '08021a0d080b100318097a027231800101',
  ],
  ['term notice', { ...BASE, term: 3, type: 'termNotice' }, '08021a04080c1003'],
]

function decodeMessage(header: Uint8Array, body: Uint8Array = new Uint8Array(0)): Message {
  const frame = decodeFrame(header)
  if (frame.kind !== 'message') throw new Error(`a ${frame.kind}`)
  return messageFrom(frame.message, body, HELLO)
}

describe('raft codecs: messages', () => {
  test.each(MESSAGES)('raft codecs: golden bytes of a %s', (_name, message, golden) => {
    const { header, body } = encodeMessage(message)
    expect(hex(header)).toBe(golden)
    if (message.type === 'append') expect(hex(body!)).toBe(ENTRIES_HEX)
    const decoded = decodeMessage(header, body)
    if (decoded.type === 'append' && message.type === 'append') {
      expect({ ...decoded, entries: plain(decoded.entries) }).toEqual({
        ...message,
        entries: plain(message.entries),
      })
    } else expect(decoded).toEqual(message)
  })

  test('raft codecs: golden bytes of what is not a message', () => {
    expect(hex(encodeHello(HELLO))).toBe('0801120e0a0263311203613a311a03623a32')
    expect(hex(encodePing('ping', 300))).toBe('080428ac02')
    const error = new DpsError('PERMISSION_DENIED', 'no')
    expect(hex(encodeRefusal(error))).toBe('080322170a115045524d495353494f4e5f44454e49454412026e6f')
    expect(decodeFrame(encodeHello(HELLO))).toEqual({ kind: 'hello', hello: HELLO })
    expect(decodeFrame(encodePing('pong', 9))).toEqual({ kind: 'pong', number: 9 })
    expect(decodeFrame(encodeRefusal(error))).toMatchObject({
      kind: 'refusal',
      error: { code: 'PERMISSION_DENIED', message: 'no' },
    })
    const snapshot = MESSAGES.find(([name]) => name === 'snapshot')![1] as never
    expect(decodeBegin(encodeBegin('c1', snapshot))).toEqual({ hello: HELLO, message: snapshot })
  })
})

describe('raft codecs: what others could send', () => {
  const refuses = (run: () => unknown, code = 'INVALID_ARGUMENT') => {
    try {
      run()
    } catch (error) {
      expect(error).toBeInstanceOf(DpsError)
      expect((error as DpsError).code).toBe(code)
    }
  }
  const wire = (text: string) => () => decodeMessage(unhex(text))

  test('raft codecs: entries that no leader could have written are refused', () => {
    const cases: [string, string][] = [
      ['a kind of the future', '04000000000000000200000000'],
      ['term 0', '02000000000000000000000000'],
      ['a falling term', '0200000000000000050000000002000000000000000400000000'],
      ['a term beyond 2^53', '02002000000000000000000000'],
      ['a noop with data', '0200000000000000020000000100'],
      ['an end inside the header', '0200000000000000020000'],
      ['an end inside the data', '010000000000000002000000ff00'],
      ['a change that is none', '0300000000000000020000000408091200'],
      ['a change of nobody', '0300000000000000020000000208' + '01'],
    ]
    for (const [name, text] of cases) {
      expect(() => decodeEntries(unhex(text), 1, 0), name).toThrow(DpsError)
    }
    expect(() => decodeEntries(encodeEntries(ENTRIES), 7, 3), 'older than the one before').toThrow()
  })

  test('raft codecs: messages out of range are refused', () => {
    expect(wire(''), 'no kind').toThrow(DpsError)
    expect(wire('0802'), 'no message').toThrow(DpsError)
    expect(wire('08021a00'), 'no type').toThrow('type 0')
    expect(wire('08021a02080d'), 'a type of the future').toThrow('type 13')
    expect(wire('08021a020807'), 'a snapshot without a configuration').toThrow(DpsError)
    expect(wire('08021a02080a'), 'a read without a name').toThrow(DpsError)
    expect(wire('0806'), 'a kind of the future').toThrow('kind 6')
    const beat = encodeMessage({ ...BASE, term: 1, type: 'heartbeat', commit: 0, round: 0 })
    expect(() => decodeMessage(beat.header, new Uint8Array(1)), 'a body').toThrow('out of place')
    const late = MESSAGES.find(([name]) => name === 'append')![1]
    const { header, body } = encodeMessage({ ...late, term: 3 } as Message)
    expect(() => decodeMessage(header, body), 'an entry of a later term').toThrow('to come')
  })

  test('raft codecs: any bytes are decoded or refused, never worse', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const first = fc.integer({ min: 1, max: 2 ** 40 })
    fc.assert(
      fc.property(bytes, first, (noise, at) => {
        refuses(() => decodeEntries(noise, at, 0))
        refuses(() => decodeFrame(noise))
        refuses(() => decodeBegin(noise))
        refuses(() => decodePack(packKey(at), noise), 'DATA_LOSS')
        refuses(() => decodeHardState(noise), 'DATA_LOSS')
        refuses(() => decodeSnapshot(noise), 'DATA_LOSS')
        refuses(() => decodePromises(Buffer.from(noise)))
        firstOfPackKey(noise)
      }),
      { numRuns: 2000 },
    )
  })

  test('raft codecs: any frame with one byte changed is decoded or refused', () => {
    const frames = MESSAGES.map(([, message]) => encodeMessage(message))
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (of, at, by) => {
          const header = new Uint8Array(of.header)
          const body = new Uint8Array(of.body ?? [])
          header[at % header.length]! ^= by
          if (body.length > 0) body[at % body.length]! ^= by
          refuses(() => {
            const frame: Frame = decodeFrame(header)
            if (frame.kind === 'message') messageFrom(frame.message, body, HELLO)
          })
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('raft codecs: a record with one bit changed, or under another key, is damaged', () => {
    const key = packKey(7)
    const value = encodePack(key, { prevTerm: 1, commit: 6, entries: ENTRIES })
    for (let bit = 0; bit < value.length * 8; bit++) {
      const changed = new Uint8Array(value)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => decodePack(key, changed)).toThrow('damaged')
    }
    expect(() => decodePack(packKey(8), value)).toThrow('damaged')
  })

  test('raft codecs: entries of any kind come back', () => {
    const data = fc.uint8Array({ maxLength: 50 })
    const kinds = fc.oneof(
      data.map((d) => ({ kind: 'command' as const, data: d })),
      fc.constant({ kind: 'noop' as const }),
      fc
        .record({
          kind: fc.constantFrom('addVoter' as const, 'addLearner' as const, 'remove' as const),
          id: fc.stringMatching(/^[A-Za-z0-9]{1,60}:[0-9]{1,5}$/),
          context: data,
        })
        .map((change) => ({ kind: 'config' as const, change })),
    )
    const log = fc.array(fc.tuple(kinds, fc.nat(3)), { maxLength: 20 })
    fc.assert(
      fc.property(log, fc.integer({ min: 1, max: 2 ** 45 }), (steps, first) => {
        let term = 1
        const entries = steps.map(([body, rise], i): Entry => {
          term += rise
          return { ...body, index: first + i, term }
        })
        expect(decodeEntries(encodeEntries(entries), first, 0)).toEqual(entries)
      }),
    )
  })
})
