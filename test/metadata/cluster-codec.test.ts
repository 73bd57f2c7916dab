import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import {
  decodeAdmission,
  decodeJoinRequest,
  decodeProbe,
  decodeStanding,
  decodeStandingRequest,
  decodeToken,
  encodeAdmission,
  encodeJoinRequest,
  encodeProbe,
  encodeStanding,
  encodeToken,
  type Token,
} from '../../src/metadata/cluster-codec.js'
import { CLUSTER_CODECS } from '../../src/metadata/cluster-records-codec.js'

const SECRET = createHash('sha256').update('secret').digest()

const TOKEN: Token = {
  clusterId: '5aPBk8bBNhMX1AyVp7aJfP',
  invitationId: 'inv1',
  secret: new Uint8Array(SECRET),
  addrs: ['/ip4/192.168.1.5/tcp/4101/p2p/12D3KooWKdb6KvjCJ4kQWzz28s3KSKCcfHca6uSMyrkXLqnWKWuv'],
  expiresAtMs: 1_800_000_000_000,
}

const ASK = {
  clusterId: 'c1',
  invitationId: 'i1',
  secret: new Uint8Array(SECRET),
  name: 'nas',
  zone: 'rack-2',
  addrs: ['/ip4/127.0.0.1/tcp/4101'],
  fromClusterId: 'c0',
  bound: true,
}

test('token: this is how it is written, for ever', () => {
  expect(encodeToken(TOKEN)).toMatchInlineSnapshot(
    `"dpsjoin152hF3e1V4Ja4b2QC7HbD7sowGhXvGx7dC64RwbwmFTLZ5PxLqwdkdg19BvcwSDQ1Wtw5rX7nBJ5S1wUe3q5Q6fUnAHRC7PEGvhMiZgm9S5iFhwkTBoAGkGtw9iEpyuW545KVe9gLVBYNMdewesRTi2snCiBrqfDHRRwtGmzRzARFTQnHA3TNaEnBuPL24Uq6xWSWm5Uuv1QoJvqTJuzP24k5Z"`,
  )
})

test('token: what was written is read, with white space around it', () => {
  expect(decodeToken(` ${encodeToken(TOKEN)}\n`)).toEqual(TOKEN)
})

test('token: every single changed character is noticed, and the secret is in no message', () => {
  const text = encodeToken(TOKEN)
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === 'z' ? 'y' : 'z'
    const damaged = text.slice(0, at) + other + text.slice(at + 1)
    try {
      decodeToken(damaged)
      expect.unreachable(`position ${at}`)
    } catch (error) {
      expect(error).toBeInstanceOf(DpsError)
      const { code, message, hint, cause } = error as DpsError
      expect(code).toBe('INVALID_ARGUMENT')
      expect(hint).toContain('cluster invite')
      expect(cause).toBeUndefined()
      expect(message).not.toContain(text.slice(20, 40))
    }
  }
})

test('token: anything else is refused, and long texts at once', () => {
  for (const text of ['', 'dpsjoin1', 'dpsjoin', 'zDMZof1m', `dpsjoin1${'1'.repeat(100_000)}`]) {
    expect(() => decodeToken(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  }
})

test('messages: what was sent arrives', () => {
  expect(decodeJoinRequest(encodeJoinRequest(ASK))).toEqual(ASK)
  const members = [{ nodeId: 'p1:1', addrs: ['/ip4/10.0.0.1/tcp/1'] }]
  const admission = {
    clusterId: 'c1',
    nodeId: 'p2:7',
    bootVoters: ['p1:1'],
    members,
    mode: 'hybrid',
  }
  expect(decodeAdmission(encodeAdmission(admission))).toEqual(admission)
  expect(decodeStanding(encodeStanding({ member: true, members }))).toEqual({
    member: true,
    members,
  })
  const probe = {
    clusterId: 'c1',
    nodeId: 'p1:1',
    role: 'leader',
    leader: 'p1:1',
    term: 3,
    lastIndex: 20,
    lastTerm: 3,
    commitIndex: 19,
    appliedIndex: 18,
    heard: [{ nodeId: 'p2:7', agoMs: 40, matchIndex: 17 }],
    failed: false,
  }
  expect(decodeProbe(encodeProbe(probe))).toEqual(probe)
})

test.each([
  ['a secret of another length', { secret: randomBytes(31) }],
  ['a name that could forge a line', { name: 'a\nb' }],
  ['an address that is none', { addrs: ['http://example.org'] }],
  ['no cluster', { clusterId: '' }],
])('join request: %s is refused', (_what, change) => {
  const bytes = encodeJoinRequest({ ...ASK, ...change })
  expect(() => decodeJoinRequest(bytes)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
  )
})

test('decoders: whatever bytes come, they answer or refuse', () => {
  const decoders: ((bytes: Uint8Array) => unknown)[] = [
    decodeJoinRequest,
    decodeAdmission,
    decodeProbe,
    decodeStanding,
    decodeStandingRequest,
    ...Object.values(CLUSTER_CODECS).map(({ decode }) => decode),
  ]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DpsError)
          expect((error as DpsError).code).toBe('INVALID_ARGUMENT')
        }
      }
    }),
    { numRuns: 2_000 },
  )
})
