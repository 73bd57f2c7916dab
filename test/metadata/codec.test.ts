import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import * as codec from '../../src/metadata/codec.js'
import { COMMANDS, encodeCommand, handlerOf } from '../../src/metadata/commands.js'
import { configurationOf } from '../../src/raft/index.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const of = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

const proposal: codec.Proposal = {
  session: 300,
  seq: 7,
  lowest: 5,
  tag: 2,
  version: 1,
  body: of('0a0101'),
}
const mark = {
  schema: 1,
  index: 70_000,
  term: 3,
  timeMs: 1_800_000_000_000,
  configuration: configurationOf(['a:1', 'b:1'], ['c:2']),
}

describe('codec: golden bytes', () => {
  const cases: [string, Uint8Array, string][] = [
    [
      'a proposal',
      codec.encodeProposal(proposal),
      '000000000000012c 0000000000000007 0000000000000005 0002 0001 0a0101',
    ],
    ['a log entry', codec.encodeEntry(258, of('abcd')), '01 0000000000000102 abcd'],
    ['an outcome', codec.encodeOutcome({ status: 'done', result: of('beef') }), '00 beef'],
    [
      'a refusal',
      codec.encodeOutcome({ status: 'refused', code: 'NOT_FOUND', message: 'x', hint: 'y' }),
      '01 0a094e4f545f464f554e44 120178 1a0179',
    ],
    ['an unknown session', codec.encodeOutcome({ status: 'unknownSession' }), '02'],
    ['a forgotten answer', codec.encodeOutcome({ status: 'forgotten' }), '03'],
    ['a full window', codec.encodeOutcome({ status: 'tooManyOpen' }), '04'],
    [
      'a session',
      codec.encodeSession({ lowest: 2, highest: 9, activeMs: 1_800_000_000_000 }),
      '0000000000000002 0000000000000009 000001a3185c5000',
    ],
    [
      'a mark',
      codec.encodeMark(mark),
      '0801 10f0a204 1803 2080a0f1c2b134 2a03613a31 2a03623a31 3203633a32',
    ],
    ['openSession', encodeCommand({ type: 'openSession' }).body, ''],
    ['its result', codec.encodeOpenedSession({ session: 300 }), '08ac02'],
    [
      'expireSessions',
      encodeCommand({ type: 'expireSessions', sessions: [1, 300] }).body,
      '0801 08ac02',
    ],
    ['its result', codec.encodeExpired({ count: 2 }), '0802'],
    [
      'a forwarded proposal’s target',
      codec.encodeProposeRequest({ clusterId: 'k', to: 'a:1' }),
      '0a016b 1203613a31',
    ],
    [
      'a snapshot’s tail',
      codec.encodeSnapshotTail({ records: 300, digest: of('0102') }),
      '08ac02 12020102',
    ],
  ]
  test.each(cases)('%s', (_name, bytes, golden) => {
    expect(hex(bytes)).toBe(golden.replaceAll(' ', ''))
  })
})

test('codec: what was encoded is decoded', () => {
  expect(codec.decodeProposal(codec.encodeProposal(proposal))).toEqual(proposal)
  const entry = codec.encodeEntry(258, codec.encodeProposal(proposal))
  expect(codec.decodeEntry(entry)).toEqual({ timeMs: 258, proposal })
  expect(codec.decodeMark(codec.encodeMark(mark))).toEqual(mark)
  expect(codec.decodeSnapshotHead(codec.encodeSnapshotHead(mark))).toEqual(mark)
  const outcomes: codec.Outcome[] = [
    { status: 'done', result: of('00') },
    { status: 'refused', code: 'ABORTED', message: 'ä', hint: '' },
    { status: 'unknownSession' },
    { status: 'forgotten' },
    { status: 'tooManyOpen' },
  ]
  for (const outcome of outcomes) {
    expect(codec.decodeOutcome(codec.encodeOutcome(outcome))).toEqual(outcome)
  }
})

describe('codec: refused', () => {
  const cases: [string, () => unknown][] = [
    ['a proposal that is cut off', () => codec.decodeProposal(new Uint8Array(27))],
    ['a proposal without a command', () => codec.decodeProposal(new Uint8Array(28))],
    ['a number before the first', () => read({ seq: 0, lowest: 0 })],
    ['a lowest number above its own', () => read({ seq: 3, lowest: 4 })],
    ['no lowest number', () => read({ seq: 3, lowest: 0 })],
    ['a number outside of a session', () => read({ session: 0 })],
    ['a session of another size', () => codec.decodeSession(new Uint8Array(23))],
    ['a number beyond 2^53', () => codec.decodeSession(new Uint8Array(24).fill(0x7f))],
    ['an outcome of no byte', () => codec.decodeOutcome(new Uint8Array(0))],
    ['an outcome of a newer program', () => codec.decodeOutcome(of('05'))],
  ]
  const read = (change: object) =>
    codec.decodeProposal(codec.encodeProposal({ ...proposal, ...change }))
  test.each(cases)('%s', (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

test('codec: an entry of a newer format stops whoever reads it', () => {
  expect(() => codec.decodeEntry(of('02 0000000000000102 abcd'))).toThrow(
    expect.objectContaining({ code: 'UNIMPLEMENTED' }),
  )
})

test('codec: any bytes are decoded or refused, never more', () => {
  const decoders = [
    codec.decodeEntry,
    codec.decodeProposal,
    codec.decodeOutcome,
    codec.decodeSession,
    codec.decodeMark,
    codec.decodeSnapshotHead,
    codec.decodeSnapshotTail,
    codec.decodeProposeRequest,
    ...COMMANDS.map(({ decode }) => decode),
  ]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DpsError)
          expect(['INVALID_ARGUMENT', 'UNIMPLEMENTED']).toContain((error as DpsError).code)
        }
      }
    }),
  )
})

test('commands: each has its own name and number, within its subject’s', () => {
  expect(new Set(COMMANDS.map(({ type }) => type)).size).toBe(COMMANDS.length)
  expect(new Set(COMMANDS.map(({ tag }) => tag)).size).toBe(COMMANDS.length)
  for (const { tag } of COMMANDS) expect(tag > 0 && tag < 90).toBe(true)
})

test('commands: one that is unknown, or newer than known, is named', () => {
  expect(() => handlerOf({ tag: 900, version: 1 })).toThrow('unknown command 900 (version 1)')
  expect(() => handlerOf({ tag: 1, version: 2 })).toThrow('unknown command 1 (version 2)')
})
