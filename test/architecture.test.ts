import { describe, expect, test } from 'vitest'
import { checkArchitecture, type Rule, roomOf, sources } from './support/architecture.js'

/** The rules that these files break, each once. */
function broken(files: Record<string, string>): Rule[] {
  const all = checkArchitecture(new Map(Object.entries(files)))
  return [...new Set(all.map(({ rule }) => rule))]
}

test('architecture: the code keeps the rules of the house', () => {
  const violations = checkArchitecture(sources())
  expect(violations.map(({ rule, file, detail }) => `${rule}: ${file}: ${detail}`)).toEqual([])
})

test('architecture: the graph that is checked is the real one', () => {
  const files = sources()
  const rooms = new Set([...files.keys()].map(roomOf))
  for (const room of [
    'base',
    'content',
    'store',
    'network',
    'exchange',
    'files',
    'gateway',
    'cli',
  ]) {
    expect(rooms, 'every room of the data plane').toContain(room)
    // Nobody enters the command line: it is started.
    if (room !== 'cli') expect(files.has(`${room}/index.ts`), `${room} has a door`).toBe(true)
  }
})

test('architecture: every room opens its door with its story', () => {
  for (const [file, text] of sources()) {
    if (file !== `${roomOf(file)}/index.ts` || roomOf(file) === 'wire') continue
    expect(text.startsWith('/**'), file).toBe(true)
  }
})

describe('architecture: each rule catches what it forbids', () => {
  const a = 'export const a = 1\n'
  const cases: [what: string, rule: Rule, files: Record<string, string>][] = [
    ['a folder that is no room', 'room', { 'utils/strings.ts': a }],
    [
      'an import from a folder that is no room',
      'room',
      { 'store/disk.ts': `import '../helpers/x.js'\n` },
    ],
    [
      'an import upwards',
      'floor',
      { 'content/cid.ts': `import { a } from '../store/index.js'\n`, 'store/index.ts': '' },
    ],
    [
      'an import upwards in a type position',
      'floor',
      { 'content/cid.ts': `type A = import('../store/index.js').A\n`, 'store/index.ts': '' },
    ],
    [
      'a dynamic import upwards',
      'floor',
      { 'content/cid.ts': `await import('../cli/index.js')\n`, 'cli/index.ts': '' },
    ],
    [
      'a re-export from above',
      'floor',
      { 'base/index.ts': `export * from '../content/index.js'\n`, 'content/index.ts': '' },
    ],
    [
      'strangers on one floor',
      'stranger',
      { 'store/disk.ts': `import '../network/index.js'\n`, 'network/index.ts': '' },
    ],
    [
      'a way in past the door',
      'door',
      { 'store/disk.ts': `import '../content/cid.js'\n`, 'content/cid.ts': a },
    ],
    [
      'a room that uses its own door',
      'own-door',
      { 'store/disk.ts': `import './index.js'\n`, 'store/index.ts': '' },
    ],
    ['a door with logic', 'door-logic', { 'store/index.ts': a }],
    [
      'a cycle of three files',
      'cycle',
      {
        'store/a.ts': `import './b.js'\n`,
        'store/b.ts': `import './c.js'\n`,
        'store/c.ts': `import type { A } from './a.js'\n`,
      },
    ],
    [
      'wire types outside a codec',
      'wire',
      { 'store/disk.ts': `import '../wire/content/manifest.js'\n` },
    ],
    ['console', 'console', { 'store/disk.ts': `console.log('x')\n` }],
    ['printing past the log', 'console', { 'gateway/http.ts': `process.stderr.write('x')\n` }],
    ['an error that is no DpsError', 'error', { 'store/disk.ts': `throw new TypeError('x')\n` }],
    ['a new family of errors', 'error', { 'store/e.ts': 'class E extends Error {}\n' }],
    ['a thrown string', 'error', { 'store/e.ts': `throw 'x'\n` }],
    ['a clock in the consensus core', 'purity', { 'raft/core/step.ts': 'const t = Date.now()\n' }],
    ['chance in the consensus core', 'purity', { 'raft/core/step.ts': 'Math.random()\n' }],
    ['waiting in the consensus core', 'purity', { 'raft/core/step.ts': 'async function f() {}\n' }],
    ['I/O in the consensus core', 'purity', { 'raft/core/step.ts': `import 'node:fs'\n` }],
    [
      'the runner inside the consensus core',
      'purity',
      { 'raft/core/step.ts': `import '../runner.js'\n`, 'raft/runner.ts': '' },
    ],
    ['a timer in the state machine', 'purity', { 'metadata/apply.ts': 'setTimeout(f, 1)\n' }],
    ['a file past its size', 'size', { 'store/disk.ts': '\n'.repeat(501) }],
  ]
  test.each(cases)('%s', (_what, rule, files) => {
    expect(broken(files)).toContain(rule)
  })
})

test('architecture: what the house allows is no violation', () => {
  expect(
    broken({
      'base/index.ts': `/** Story. */\nexport * from './errors.js'\n`,
      'base/errors.ts': `export class DpsError extends Error {}\nthrow new TypeError('x')\n`,
      'content/index.ts': `export { read } from './codec.js'\n`,
      'content/codec.ts': `import '../wire/content/manifest.js'\nimport { DpsError } from '../base/index.js'\n`,
      'network/calls.ts': `import '../wire/network/call.js'\n`,
      'store/disk.ts': `import { read } from '../content/index.js'\nimport './memory.js'\n`,
      'store/memory.ts': `const state = { process: 1, Date: 2 }\nstate.process\n`,
      'raft/core/step.ts': `import { a } from './log.js'\nimport { b } from '../../base/index.js'\nstate.process = state.Date\n`,
      'raft/core/log.ts': 'export const a = 1\n',
      'node.ts': `import './content/index.js'\n`,
      'config.ts': `import './node.js'\nimport './config-shapes.js'\n`,
      'config-shapes.ts': '',
      'index.ts': `export * from './config.js'\nexport * from './node.js'\n`,
      'cli/main.ts': `process.stdout.write('x')\nprocess.exit(1)\n`,
    }),
  ).toEqual([])
})
