import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  hasMajority,
  type MembershipStep,
  nextStep,
  type PlanInput,
  votersWanted,
} from '../../src/metadata/cluster-plan.js'
import type { NodeRecord } from '../../src/metadata/index.js'
import {
  type Configuration,
  changeConfiguration,
  configurationOf,
  nodeIdOf,
} from '../../src/raft/index.js'

const NOW_MS = 1_800_000_000_000
const REPLACE_MS = 600_000

interface Node extends Partial<NodeRecord> {
  peerId: string
  online?: boolean
  caughtUp?: boolean
}

function record({ peerId, online: _, caughtUp: __, ...rest }: Node): NodeRecord {
  return {
    peerId,
    incarnation: 1,
    name: '',
    zone: '',
    addrs: [],
    state: 'online',
    stateSinceMs: NOW_MS,
    joinedAtMs: 0,
    wish: 'auto',
    leaving: false,
    ...rest,
  }
}

const id = (peerId: string, incarnation = 1) => nodeIdOf(peerId, incarnation)

/** `a*` votes, `b` learns; the first one leads. */
function input(members: string, nodes: Node[], extra: Partial<PlanInput> = {}): PlanInput {
  const words = members.split(' ')
  const idOf = (word: string) => (word.includes(':') ? word : id(word.replace('*', '')))
  const voters = words.filter((word) => word.endsWith('*')).map((w) => idOf(w.replace('*', '')))
  const learners = words.filter((word) => !word.endsWith('*')).map(idOf)
  const of = new Map(nodes.map((node) => [id(node.peerId, node.incarnation), node]))
  return {
    self: voters[0]!,
    configuration: configurationOf(voters, learners),
    records: nodes.map(record),
    facts: new Map(
      [...voters, ...learners].map((member) => {
        const { online = true, caughtUp = true } = of.get(member) ?? {}
        return [member, { online, caughtUp }]
      }),
    ),
    nowMs: NOW_MS,
    replaceAfterMs: REPLACE_MS,
    ...extra,
  }
}

const nodes = (text: string): Node[] => text.split(' ').map((peerId) => ({ peerId }))

test('voters: the table by members', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 100].map(votersWanted)).toEqual([1, 2, 3, 3, 5, 5, 5, 5])
})

describe('the next step', () => {
  const gone = { state: 'offline', stateSinceMs: NOW_MS - REPLACE_MS, online: false } as const
  const cases: [what: string, PlanInput, MembershipStep | undefined][] = [
    ['a cluster of one wants nothing', input('a*', nodes('a')), undefined],
    [
      'an admitted node becomes a learner first',
      input('a*', nodes('a b')),
      { kind: 'addLearner', id: id('b') },
    ],
    [
      'a learner that has caught up is promoted',
      input('a* b', nodes('a b')),
      { kind: 'promote', id: id('b') },
    ],
    [
      'one that has not waits',
      input('a* b', [{ peerId: 'a' }, { peerId: 'b', caughtUp: false }]),
      undefined,
    ],
    ['of four members three vote', input('a* b* c* d', nodes('a b c d')), undefined],
    [
      'with the fifth, five vote',
      input('a* b* c* d e', nodes('a b c d e')),
      { kind: 'promote', id: id('d') },
    ],
    [
      'whoever came first votes first',
      input('a* b* c d', [
        { peerId: 'a' },
        { peerId: 'b' },
        { peerId: 'c', joinedAtMs: 9 },
        { peerId: 'd', joinedAtMs: 8 },
      ]),
      { kind: 'promote', id: id('d') },
    ],
    [
      'another zone is preferred to the first come',
      input('a* b* c d', [
        { peerId: 'a', zone: 'z1' },
        { peerId: 'b', zone: 'z1' },
        { peerId: 'c', zone: 'z1', joinedAtMs: 1 },
        { peerId: 'd', zone: 'z2', joinedAtMs: 2 },
      ]),
      { kind: 'promote', id: id('d') },
    ],
    [
      'voters move to a zone that has none',
      input('a* b* c* d', [
        { peerId: 'a', zone: 'z1' },
        { peerId: 'b', zone: 'z1' },
        { peerId: 'c', zone: 'z1' },
        { peerId: 'd', zone: 'z2' },
      ]),
      { kind: 'promote', id: id('d') },
    ],
    [
      'and the crowded zone gives one up',
      input('a* b* c* d*', [
        { peerId: 'a', zone: 'z1' },
        { peerId: 'b', zone: 'z1' },
        { peerId: 'c', zone: 'z1' },
        { peerId: 'd', zone: 'z2' },
      ]),
      { kind: 'demote', id: id('c') },
    ],
    [
      'a voter that is offline for long makes room for another',
      input('a* b* c* d', [...nodes('a b d'), { peerId: 'c', ...gone }]),
      { kind: 'demote', id: id('c') },
    ],
    [
      'but keeps its vote while nobody can take it',
      input('a* b* c*', [...nodes('a b'), { peerId: 'c', ...gone }]),
      undefined,
    ],
    [
      'or while it may come back soon',
      input('a* b* c* d', [
        ...nodes('a b d'),
        { peerId: 'c', ...gone, stateSinceMs: NOW_MS - REPLACE_MS + 1 },
      ]),
      undefined,
    ],
    [
      'a manual demote keeps a node a learner',
      input('a* b* c', [...nodes('a b'), { peerId: 'c', wish: 'learner' }]),
      undefined,
    ],
    [
      'and makes a voter one',
      input('a* b* c*', [...nodes('a b'), { peerId: 'c', wish: 'learner' }]),
      { kind: 'demote', id: id('c') },
    ],
    [
      'a manual promote goes before the table',
      input('a* b* c* d', [...nodes('a b c'), { peerId: 'd', wish: 'voter' }]),
      { kind: 'promote', id: id('d') },
    ],
    [
      'a demoted leader hands over first',
      input('a* b* c*', [{ peerId: 'a', wish: 'learner' }, ...nodes('b c')]),
      { kind: 'transfer', target: id('b') },
    ],
    [
      'who leaves goes out of the configuration',
      input('a* b* c*', [...nodes('a b'), { peerId: 'c', leaving: true }]),
      { kind: 'remove', id: id('c') },
    ],
    [
      'after another has taken its vote',
      input('a* b* c* d', [...nodes('a b d'), { peerId: 'c', leaving: true }]),
      { kind: 'promote', id: id('d') },
    ],
    [
      'a dead one goes at once: it only raises the majority',
      input('a* b* c* d', [...nodes('a b d'), { peerId: 'c', leaving: true, online: false }]),
      { kind: 'remove', id: id('c') },
    ],
    [
      'a leaving leader hands over first',
      input('a* b*', [{ peerId: 'a', leaving: true }, { peerId: 'b' }]),
      { kind: 'transfer', target: id('b') },
    ],
    [
      'a leaving last voter waits until a learner votes',
      input('a* b', [{ peerId: 'a', leaving: true }, { peerId: 'b' }]),
      { kind: 'promote', id: id('b') },
    ],
    [
      'an earlier life of a node that came again goes out',
      input('a* b* c:1* c:2', [...nodes('a b'), { peerId: 'c', incarnation: 2 }], {
        self: id('a'),
      }),
      { kind: 'promote', id: id('c', 2) },
    ],
  ]
  test.each(cases)('%s', (_what, given, expected) => {
    expect(nextStep(given)).toEqual(expected)
  })

  test('a live voter is not let go while another one is silent: two of two would be needed', () => {
    const silent = { peerId: 'c', online: false, state: 'suspect' } as const
    const wanting = input('a* b* c*', [{ peerId: 'a' }, { peerId: 'b', leaving: true }, silent])
    expect(nextStep(wanting)).toBeUndefined()
    const back = input('a* b* c*', [...nodes('a c'), { peerId: 'b', leaving: true }])
    expect(nextStep(back)).toEqual({ kind: 'remove', id: id('b') })
  })
})

test('steps: whatever is wanted, they come to an end, and a majority answers after each', () => {
  const node = (peerId: string) =>
    fc.record({
      peerId: fc.constant(peerId),
      incarnation: fc.constantFrom(1, 2),
      zone: fc.constantFrom('', 'z1', 'z2'),
      wish: fc.constantFrom('auto', 'auto', 'voter', 'learner') as fc.Arbitrary<NodeRecord['wish']>,
      leaving: fc.constantFrom(false, false, true),
      state: fc.constantFrom('online', 'offline', 'removed') as fc.Arbitrary<NodeRecord['state']>,
      stateSinceMs: fc.constantFrom(NOW_MS, NOW_MS - REPLACE_MS),
      role: fc.constantFrom('voter', 'learner', 'none'),
    })
  const peers = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  fc.assert(
    fc.property(fc.tuple(...peers.map(node)), (all) => {
      const members = all.filter(({ role }) => role !== 'none')
      const voters = members.filter(({ role }) => role === 'voter').map(({ peerId }) => id(peerId))
      const online = new Set(
        all
          .filter(({ state }) => state === 'online')
          .flatMap(({ peerId }) => [id(peerId, 1), id(peerId, 2)]),
      )
      const [self] = voters.filter((voter) => online.has(voter))
      fc.pre(self !== undefined && hasMajority(voters, online))
      const learners = members.filter(({ role }) => role === 'learner').map((m) => id(m.peerId))
      let leader = self
      let configuration: Configuration = configurationOf(voters, learners)
      const seen = new Set<string>()
      for (let steps = 0; ; steps++) {
        expect(steps, 'it comes to an end').toBeLessThan(60)
        const facts = new Map(
          [...configuration.voters, ...configuration.learners].map((member) => [
            member,
            { online: online.has(member), caughtUp: true },
          ]),
        )
        const records = all.map(({ role: _, ...rest }) => record(rest))
        const nowMs = NOW_MS
        const step = nextStep({
          self: leader,
          configuration,
          records,
          facts,
          nowMs,
          replaceAfterMs: REPLACE_MS,
        })
        if (step === undefined) break
        if (step.kind === 'transfer') {
          expect(configuration.voters).toContain(step.target)
          expect(online.has(step.target)).toBe(true)
          leader = step.target
          continue
        }
        const kind = (
          {
            promote: 'addVoter',
            demote: 'addLearner',
            addLearner: 'addLearner',
            remove: 'remove',
          } as const
        )[step.kind]
        expect(step.id, 'a leader never goes itself').not.toBe(
          step.kind === 'promote' ? '' : leader,
        )
        configuration = changeConfiguration(configuration, {
          kind,
          id: step.id,
          context: new Uint8Array(0),
        })
        if (step.kind !== 'addLearner') {
          expect(hasMajority(configuration.voters, online), 'a majority answers').toBe(true)
        }
        const key = JSON.stringify(configuration)
        expect(seen.has(key), 'no way back').toBe(false)
        seen.add(key)
      }
    }),
    { numRuns: 1_000 },
  )
})
