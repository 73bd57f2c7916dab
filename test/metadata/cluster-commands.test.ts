import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { listInvitations } from '../../src/metadata/cluster-records.js'
import { decodeOutcome } from '../../src/metadata/codec.js'
import { decodeResult } from '../../src/metadata/commands.js'
import {
  type Command,
  listNodes,
  MemoryStateStore,
  type MetadataMachine,
  readCluster,
  readNode,
} from '../../src/metadata/index.js'
import { entryOf, machineOn, TIME_MS } from './machine-support.js'

const HASH = new Uint8Array(createHash('sha256').update('secret').digest())
const OTHER = new Uint8Array(createHash('sha256').update('other').digest())

const FOUND: Command = {
  type: 'foundCluster',
  clusterId: 'c1',
  mode: 'hybrid',
  peerId: 'p1',
  incarnation: 1,
  name: 'one',
  zone: 'z1',
  addrs: ['/ip4/10.0.0.1/tcp/4101'],
}
const INVITE: Command = {
  type: 'createInvitation',
  id: 'i1',
  secretHash: HASH,
  ttlMs: 60_000,
  usesMax: 1,
  createdBy: 'p1',
}

const admit = (peerId: string, extra: Partial<Command> = {}) =>
  ({
    type: 'admitNode',
    invitationId: 'i1',
    secretHash: HASH,
    peerId,
    name: '',
    zone: '',
    addrs: [],
    ...extra,
  }) as Extract<Command, { type: 'admitNode' }>

let machine: MetadataMachine
let index: number

beforeEach(async () => {
  machine = machineOn(new MemoryStateStore())
  await machine.open(0)
  index = 0
})

/** What the command answered, or the code it was refused with. */
async function run<C extends Command>(command: C, timeMs = TIME_MS): Promise<unknown> {
  index++
  const [bytes] = await machine.apply([entryOf(index, command, undefined, { timeMs })])
  const outcome = decodeOutcome(bytes!)
  if (outcome.status === 'done') return decodeResult(command.type, outcome.result)
  return outcome.status === 'refused' ? outcome.code : outcome.status
}

test('founding: once, and again for the same cluster only', async () => {
  expect(await run(INVITE)).toBe('FAILED_PRECONDITION')
  expect(await run(FOUND)).toEqual({})
  expect(await run(FOUND)).toEqual({})
  expect(await run({ ...FOUND, clusterId: 'c2' })).toBe('FAILED_PRECONDITION')
  expect(readCluster(machine)).toMatchObject({
    clusterId: 'c1',
    mode: 'hybrid',
    nextIncarnation: 2,
  })
  expect(await listNodes(machine)).toMatchObject([
    { peerId: 'p1', incarnation: 1, name: 'one', state: 'online', joinedAtMs: TIME_MS },
  ])
})

describe('invitations', () => {
  beforeEach(async () => {
    await run(FOUND)
    expect(await run(INVITE)).toEqual({ expiresAtMs: TIME_MS + 60_000 })
  })

  test('invitations: the right secret lets one node in, with an incarnation of its own', async () => {
    expect(await run(admit('p2'))).toEqual({ incarnation: 2 })
    expect(readNode(machine, 'p2')).toMatchObject({ incarnation: 2, leaving: false, wish: 'auto' })
  })

  test('invitations: a wrong secret, an unknown one, an expired and a used one let nobody in', async () => {
    expect(await run(admit('p2', { secretHash: OTHER }))).toBe('PERMISSION_DENIED')
    expect(await run(admit('p2', { invitationId: 'i9' }))).toBe('PERMISSION_DENIED')
    expect(await run(admit('p2'), TIME_MS + 60_000)).toBe('PERMISSION_DENIED')
    await run({ ...INVITE, id: 'i2' })
    expect(await run(admit('p2', { invitationId: 'i2' }))).toMatchObject({ incarnation: 2 })
    expect(await run(admit('p3', { invitationId: 'i2' }))).toBe('PERMISSION_DENIED')
    expect((await listNodes(machine)).map(({ peerId }) => peerId)).toEqual(['p1', 'p2'])
  })

  test('invitations: time goes by the log, so a leader whose clock is behind lets nobody in late', async () => {
    await run(FOUND, TIME_MS + 61_000)
    expect(await run(admit('p2'), TIME_MS)).toBe('PERMISSION_DENIED')
  })

  test('invitations: who came in may come again, as another life', async () => {
    expect(await run(admit('p2'))).toEqual({ incarnation: 2 })
    expect(await run(admit('p2'))).toEqual({ incarnation: 3 })
    expect(await run({ type: 'retireNode', peerId: 'p2', incarnation: 2 })).toBe('NOT_FOUND')
  })

  test('invitations: one of several uses counts peers', async () => {
    await run({ ...INVITE, id: 'i3', usesMax: 2 })
    for (const peer of ['p2', 'p3', 'p2']) {
      expect(await run(admit(peer, { invitationId: 'i3' }))).toHaveProperty('incarnation')
    }
    expect(await run(admit('p4', { invitationId: 'i3' }))).toBe('PERMISSION_DENIED')
  })

  test('invitations: an id is taken once', async () => {
    expect(await run(INVITE)).toBe('ALREADY_EXISTS')
  })

  test('invitations: only expired ones are forgotten', async () => {
    await run({ ...INVITE, id: 'i2', ttlMs: 120_000 })
    await run({ type: 'pruneInvitations', ids: ['i1', 'i2', 'i9'] }, TIME_MS + 60_000)
    expect((await listInvitations(machine)).map(({ id }) => id)).toEqual(['i2'])
  })

  test('invitations: the state holds the hash and never the secret', async () => {
    const [invitation] = await listInvitations(machine)
    expect(Buffer.from(invitation!.secretHash)).toEqual(Buffer.from(HASH))
  })
})

describe('members', () => {
  const life = { peerId: 'p1', incarnation: 1 }
  beforeEach(async () => {
    await run(FOUND)
  })

  test('members: tell their addresses, their name and their zone', async () => {
    const told = { name: 'uno', zone: 'z2', addrs: ['/ip4/10.0.0.9/tcp/1'] }
    await run({ type: 'describeNode', ...life, ...told })
    expect(readNode(machine, 'p1')).toMatchObject(told)
  })

  test('members: a change of state has the time of the log, the same state again has none', async () => {
    await run({ type: 'observeNode', ...life, state: 'offline' }, TIME_MS + 5)
    await run({ type: 'observeNode', ...life, state: 'offline' }, TIME_MS + 9)
    expect(readNode(machine, 'p1')).toMatchObject({ state: 'offline', stateSinceMs: TIME_MS + 5 })
  })

  test('members: only who is on the way out is forgotten; a wish calls it back', async () => {
    expect(await run({ type: 'forgetNode', ...life })).toBe('FAILED_PRECONDITION')
    await run({ type: 'retireNode', ...life })
    expect(readNode(machine, 'p1')?.leaving).toBe(true)
    await run({ type: 'wishNode', ...life, wish: 'voter' })
    expect(readNode(machine, 'p1')).toMatchObject({ leaving: false, wish: 'voter' })
    await run({ type: 'retireNode', ...life })
    expect(await run({ type: 'forgetNode', ...life })).toEqual({})
    expect(readNode(machine, 'p1')?.state).toBe('removed')
    expect(await run({ type: 'describeNode', ...life, name: '', zone: '', addrs: [] })).toBe(
      'NOT_FOUND',
    )
  })

  test('mode: of the cluster, changed as a whole', async () => {
    await run({ type: 'setClusterMode', mode: 'local_only' })
    expect(readCluster(machine)).toMatchObject({ clusterId: 'c1', mode: 'local_only' })
  })

  test('recovery: another cluster id, one member, the others removed, incarnations go on', async () => {
    await run(INVITE)
    await run(admit('p2'))
    const again: Command = {
      type: 'refoundCluster',
      clusterId: 'c2',
      formerId: 'c1',
      peerId: 'p2',
      incarnation: 3,
      lost: ['p1', 'p9'],
    }
    expect(await run({ ...again, formerId: 'c0' })).toBe('FAILED_PRECONDITION')
    expect(await run(again)).toEqual({})
    expect(await run(again)).toEqual({})
    expect(readCluster(machine)).toMatchObject({
      clusterId: 'c2',
      formerIds: ['c1'],
      nextIncarnation: 4,
    })
    expect(await listNodes(machine)).toMatchObject([
      { peerId: 'p1', state: 'removed' },
      { peerId: 'p2', state: 'online', incarnation: 3, wish: 'auto' },
    ])
  })
})
