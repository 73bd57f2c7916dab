import { describe, expect, test } from 'vitest'
import { DpsError, systemClock, systemRandom, systemTimers } from '../../src/base/index.js'
import {
  decodeProposal,
  encodeEntry,
  encodeProposal,
  type Proposal,
} from '../../src/metadata/codec.js'
import {
  SESSION_TTL_MS,
  SESSION_WINDOW,
  sessionKey,
} from '../../src/metadata/commands/session-rules.js'
import { encodeCommand } from '../../src/metadata/commands.js'
import {
  Authority,
  type AuthorityInit,
  type AuthorityReplica,
  MemoryStateStore,
  type MetadataMachine,
} from '../../src/metadata/index.js'
import { rangeOf } from '../../src/metadata/keys.js'
import { silentLog } from '../../src/observability/index.js'
import { type NodeId, NotLeaderError, type ProposeResult } from '../../src/raft/index.js'
import { machineOn, open } from './machine-support.js'

/** What happens to a proposal: applied or not, answered or not. */
type Fate = 'done' | 'lostAnswer' | 'lost' | 'busy' | 'notLeader' | 'hangs'

/** A group of members of which this test plays the log: proposals apply in the order they come. */
class Group {
  readonly machine: MetadataMachine = machineOn(new MemoryStateStore())
  leader: NodeId | undefined = 'm1:1'
  /** Of the next proposals; then all go well. */
  fates: Fate[] = []
  readonly proposals: Proposal[] = []
  readonly listeners = new Set<() => void>()
  clusterId = 'test'

  async open(): Promise<this> {
    await this.machine.open(0)
    return this
  }

  async propose(data: Uint8Array, waiting?: Promise<never>): Promise<ProposeResult> {
    const fate = this.fates.shift() ?? 'done'
    this.proposals.push(decodeProposal(data.subarray(9)))
    if (fate === 'hangs') return waiting ?? new Promise(() => {})
    if (fate === 'busy') throw new DpsError('RESOURCE_EXHAUSTED', 'too many proposals')
    if (fate === 'notLeader') throw new NotLeaderError(undefined)
    if (fate === 'lost') throw new DpsError('UNAVAILABLE', 'the outcome is unknown')
    const index = this.machine.appliedIndex + 1
    const [result] = await this.machine.apply([{ kind: 'command', index, term: 1, data }])
    if (fate === 'lostAnswer') throw new DpsError('UNAVAILABLE', 'the outcome is unknown')
    return { index, term: 1, result: result! }
  }

  elect(leader: NodeId | undefined): void {
    this.leader = leader
    for (const listener of this.listeners) listener()
  }

  /** As one member sees it. */
  replica(id: NodeId): AuthorityReplica {
    const status = () => ({
      state: 'running',
      role: this.leader === id ? 'leader' : 'follower',
      leader: this.leader,
      term: 1,
    })
    return {
      clusterId: this.clusterId,
      machine: this.machine,
      runner: {
        id,
        propose: (data) => this.propose(data),
        readBarrier: async () => {
          if (this.leader === undefined) throw new DpsError('UNAVAILABLE', 'no majority')
          return this.machine.appliedIndex
        },
        status: status as AuthorityReplica['runner']['status'],
        onChange: (listener) => {
          this.listeners.add(listener)
          return () => this.listeners.delete(listener)
        },
      },
    }
  }

  authority(id: NodeId, init: AuthorityInit = {}): Authority {
    const authority = new Authority(
      {
        peers: {
          propose: async (_target, proposal, { signal }) => {
            const aborted = new Promise<never>((_, reject) => {
              signal?.addEventListener('abort', () => reject(signal.reason))
            })
            aborted.catch(() => {})
            return (await this.propose(encodeEntry(1, proposal), aborted)).result
          },
        },
        clock: systemClock,
        timers: systemTimers,
        random: systemRandom,
        log: silentLog,
      },
      init,
    )
    authority.replaceReplica(this.replica(id))
    return authority
  }

  /** Sessions that commands opened, besides those that an authority works with. */
  async opened(): Promise<number> {
    let count = 0
    for await (const rows of this.machine.range(rangeOf('s/'))) count += rows.length
    return count
  }
}

const members: [string, NodeId][] = [
  ['at the leader', 'm1:1'],
  ['at a follower', 'm2:1'],
]

describe.each(members)('authority %s', (_where, id) => {
  test.each<[string, Fate[]]>([
    ['goes well', []],
    ['was applied but not answered', ['lostAnswer', 'lostAnswer']],
    ['was lost', ['lost', 'lost']],
    ['met a busy leader', ['busy', 'busy']],
    ['met no leader', ['notLeader']],
    ['met all of it', ['lost', 'lostAnswer', 'busy', 'notLeader', 'lostAnswer']],
  ])('authority: a command that %s applies once', async (_what, fates) => {
    const group = await new Group().open()
    const authority = group.authority(id)
    await authority.execute(open)
    expect(await group.opened()).toBe(2)
    group.fates = [...fates]
    const { session } = await authority.execute(open)
    expect(await group.opened()).toBe(3)
    expect(group.machine.get(sessionKey(session))).toBeDefined()
    // Every attempt went under the same number.
    const attempts = group.proposals.slice(-1 - fates.length)
    expect(new Set(attempts.map(({ session: of, seq }) => `${of}/${seq}`)).size).toBe(1)
  })

  test('authority: what a handler refused comes back as it is, and is not tried again', async () => {
    const group = await new Group().open()
    const authority = group.authority(id)
    const missing = { type: 'rename', from: place('a'), to: place('b') } as never
    const before = group.proposals.length
    await expect(authority.execute(missing)).rejects.toMatchObject({
      name: 'DpsError',
      code: 'NOT_FOUND',
    })
    expect(group.proposals.length - before).toBe(2)
  })

  test('authority: after its time it says that the outcome is unknown', async () => {
    const group = await new Group().open()
    const authority = group.authority(id)
    await authority.execute(open)
    group.fates = ['hangs']
    await expect(authority.execute(open, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    group.fates = Array.from({ length: 100 }, () => 'lost')
    await expect(authority.execute(open, { timeoutMs: 50 })).rejects.toThrow('outcome is unknown')
    group.fates = []
    await authority.execute(open)
  })

  test('authority: an abort leaves as the signal’s reason', async () => {
    const group = await new Group().open()
    const authority = group.authority(id)
    await authority.execute(open)
    group.fates = ['hangs']
    const abort = new AbortController()
    const running = authority.execute(open, { signal: abort.signal })
    const reason = new DpsError('CANCELLED', 'enough')
    abort.abort(reason)
    await expect(running).rejects.toBe(reason)
    await expect(authority.execute(open, { signal: abort.signal })).rejects.toBe(reason)
  })
})

const place = (name: string) => ({ directoryId: 0, names: [name] })

describe('authority: sessions', () => {
  test('authority: many commands share one session, and what is answered is forgotten', async () => {
    const group = await new Group().open()
    const authority = group.authority('m1:1')
    // More than may be unanswered at once: the rest waits for room.
    const sessions = await Promise.all(
      Array.from({ length: 6_000 }, async () => (await authority.execute(open)).session),
    )
    expect(new Set(sessions).size).toBe(6_000)
    expect(new Set(group.proposals.map(({ session }) => session)).size).toBe(2)
    // What the state would refuse is not even proposed.
    const widths = group.proposals.map(({ seq, lowest }) => seq - lowest + 1)
    expect(Math.max(...widths)).toBeLessThanOrEqual(SESSION_WINDOW)
    await authority.execute(open)
    let kept = 0
    for await (const rows of group.machine.range(rangeOf('r/'))) kept += rows.length
    expect(kept).toBe(1)
  })

  test('authority: a session that expired is replaced, unless the outcome would be in doubt', async () => {
    const group = await new Group().open()
    const authority = group.authority('m1:1')
    await authority.execute(open)
    const expire = async () => {
      const session = group.proposals.at(-1)!.session
      const late = Math.max(Date.now(), group.machine.mark.timeMs) + SESSION_TTL_MS
      const index = group.machine.appliedIndex + 1
      const command = encodeCommand({ type: 'expireSessions', sessions: [session] })
      const data = encodeEntry(late, encodeProposal({ ...command, session: 0, seq: 0, lowest: 0 }))
      await group.machine.apply([{ kind: 'command', index, term: 1, data }])
    }
    await expire()
    const before = await group.opened()
    await authority.execute(open)
    // The command's own, and the authority's new one.
    expect(await group.opened()).toBe(before + 2)
    group.fates = ['lostAnswer']
    const propose = group.propose.bind(group)
    group.propose = async (data) => {
      try {
        return await propose(data)
      } catch (error) {
        await expire()
        throw error
      }
    }
    await expect(authority.execute(open)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('unknown'),
    })
    group.propose = propose
    await authority.execute(open)
  })

  test('authority: a session is opened anew for the next command when opening failed', async () => {
    const group = await new Group().open()
    const authority = group.authority('m1:1', { timeoutMs: 60 })
    group.fates = Array.from({ length: 50 }, () => 'lost')
    await expect(authority.execute(open)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    group.fates = []
    await authority.execute(open)
  })
})

describe('authority: leaders', () => {
  test('authority: a command waits for a leader, and goes as soon as there is one', async () => {
    const group = await new Group().open()
    const authority = group.authority('m2:1')
    await authority.execute(open)
    group.elect(undefined)
    const running = authority.execute(open)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = performance.now()
    group.elect('m3:1')
    await running
    // Without the change it would have waited for its back-off.
    expect(performance.now() - before).toBeLessThan(150)
  })

  test('authority: what hangs at a leader that is none any more goes to the next', async () => {
    const group = await new Group().open()
    const authority = group.authority('m2:1')
    await authority.execute(open)
    group.fates = ['hangs']
    const running = authority.execute(open)
    await new Promise((resolve) => setTimeout(resolve, 20))
    group.elect('m3:1')
    await running
    expect(await group.opened()).toBe(3)
  })

  test('authority: a follower that is no leader refuses what is forwarded to it', async () => {
    const group = await new Group().open()
    const authority = group.authority('m1:1')
    const there = { clusterId: 'test', to: 'm1:1' }
    const proposal = (tag: number) => {
      const bytes = new Uint8Array(28)
      bytes[25] = tag
      bytes[27] = 1
      return bytes
    }
    await expect(
      authority.receiveProposal({ ...there, to: 'm1:2' }, proposal(1)),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(
      authority.receiveProposal({ ...there, clusterId: 'other' }, proposal(1)),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    // What would stop every replica must not come into the log.
    await expect(authority.receiveProposal(there, proposal(250))).rejects.toMatchObject({
      code: 'UNIMPLEMENTED',
    })
    await expect(authority.receiveProposal(there, new Uint8Array(3))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(group.proposals).toEqual([])
    await authority.receiveProposal(there, proposal(1))
    expect(group.proposals.length).toBe(1)
  })

  test('authority: stale reads need nobody; others wait for a majority', async () => {
    const group = await new Group().open()
    const authority = group.authority('m2:1')
    const { session } = await authority.execute(open)
    group.elect(undefined)
    const stale = await authority.read({ stale: true })
    expect(stale.get(sessionKey(session))).toBeDefined()
    await expect(authority.read({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    const reading = authority.read()
    group.elect('m1:1')
    expect((await reading).get(sessionKey(session))).toBeDefined()
  })

  test('authority: it goes on over another replica, in a session of its own', async () => {
    const [group, other] = [await new Group().open(), await new Group().open()]
    other.clusterId = 'other'
    const authority = group.authority('m1:1')
    await authority.execute(open)
    let changes = 0
    authority.onChange(() => changes++)
    const heard: unknown[] = []
    authority.onApplied((keys) => heard.push(keys))
    authority.replaceReplica(undefined)
    expect(() => authority.status()).toThrow('no metadata')
    const running = authority.execute(open)
    authority.replaceReplica(other.replica('m1:1'))
    await running
    expect(await other.opened()).toBe(2)
    expect(await group.opened()).toBe(2)
    expect(authority.status()).toMatchObject({ clusterId: 'other', leading: true, leader: 'm1:1' })
    expect(changes).toBeGreaterThanOrEqual(2)
    expect(heard[0]).toBe('all')
    // The former group is not listened to any more.
    const before = changes
    group.elect('m2:1')
    expect(changes).toBe(before)
  })

  test('authority: stopped, it refuses at once what would be tried again', async () => {
    const group = await new Group().open()
    const authority = group.authority('m1:1')
    await authority.execute(open)
    await authority.stop()
    await expect(authority.execute(open)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(authority.read()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
