import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  contentOf,
  holdersOf,
  isHeldBy,
  listEntries,
  namespaceTotals,
  statEntry,
} from '../../src/metadata/index.js'
import { decodeContent, decodeDirectory, decodeEntry } from '../../src/metadata/namespace-codec.js'
import { detachedDirectories, namesOf } from '../../src/metadata/namespace-reads.js'
import type { PutContent, PutItem } from '../../src/metadata/namespace-types.js'
import { type ModelNode, ModelTree } from './namespace-model.js'
import { ATTRIBUTES, fileId, NamespaceState, place } from './namespace-support.js'

const HOLDER = 'peer-a'

function openUpload(state: NamespaceState, holder = HOLDER): number {
  return state.run({ type: 'openUpload', holder, ttlMs: 60_000 }).uploadId
}

function file(text: string): PutContent {
  return { kind: 'file', fileId: fileId(text), sizeBytes: text.length, policy: 'default' }
}

function item(path: string, content: PutContent, more: Partial<PutItem> = {}): PutItem {
  return { place: place(path), content, attributes: ATTRIBUTES, ...more }
}

/** Puts one thing; the code it failed with, or OK. */
function put(state: NamespaceState, path: string, content: PutContent, more = {}): string {
  const uploadId = openUpload(state)
  const items = [item(path, content, more)]
  const [outcome] = state.run({ type: 'put', uploadId, items, closes: true }).items
  return outcome !== undefined && 'code' in outcome ? outcome.code : 'OK'
}

async function pruneAll(state: NamespaceState): Promise<void> {
  for (let round = 0; round < 10_000; round++) {
    const [directoryId] = await detachedDirectories(state, 1)
    if (directoryId === undefined) return
    const names = await namesOf(state, directoryId, 2)
    state.run({ type: 'prune', directoryId, names })
  }
  expect.fail('pruning does not end')
}

/** Everything that a path leads to, as the model shows it. */
async function shown(state: NamespaceState, texts: readonly string[]): Promise<string[]> {
  const names = new Map(texts.map((text) => [Buffer.from(fileId(text)).toString('hex'), text]))
  const lines: string[] = []
  const walk = async (directoryId: number, path: string): Promise<void> => {
    lines.push(`${path}/`)
    let before = ''
    for await (const page of listEntries(state, directoryId)) {
      for (const info of page) {
        expect(Buffer.compare(Buffer.from(before), Buffer.from(info.name))).toBeLessThan(0)
        before = info.name
        const at = `${path}/${info.name}`
        if (info.kind === 'directory') await walk(info.directoryId!, at)
        else if (info.kind === 'symlink') lines.push(`${at} -> ${info.target}`)
        else lines.push(`${at} = ${names.get(Buffer.from(info.fileId!).toString('hex'))}`)
      }
    }
  }
  await walk(0, '')
  return lines.sort()
}

/** What the records say of each other. */
function checkRecords(state: NamespaceState): void {
  const references = new Map<string, number>()
  const children = new Map<string, number>()
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1)
  let files = 0
  let symlinks = 0
  for (const key of state.keys('e/')) {
    count(children, key.slice(2, 10))
    const entry = decodeEntry(state.rows.get(key)![1])
    if (entry.kind === 'symlink') symlinks++
    if (entry.kind !== 'file') continue
    files++
    count(references, Buffer.from(entry.fileId).toString('latin1'))
  }
  const held = new Set<string>()
  let sizeBytes = 0
  for (const key of state.keys('c/')) {
    const id = key.slice(2)
    const content = decodeContent(state.rows.get(key)![1])
    expect(content.references).toBe(references.get(id))
    for (const holder of holdersOf(content)) held.add(`h/${holder}/${id}`)
    sizeBytes += content.sizeBytes
  }
  expect(state.keys('c/').map((key) => key.slice(2))).toEqual([...references.keys()].sort())
  expect(state.keys('h/')).toEqual([...held].sort())
  let directories = 0
  for (const key of state.keys('d/')) {
    if (key === 'd/next') continue
    if (key !== 'd/\0\0\0\0\0\0\0\0') directories++
    const { entries } = decodeDirectory(state.rows.get(key)![1])
    expect(entries).toBe(children.get(key.slice(2)) ?? 0)
  }
  const contents = references.size
  expect(namespaceTotals(state)).toMatchObject({
    files,
    symlinks,
    directories,
    contents,
    sizeBytes,
  })
}

const TEXTS = ['one', 'two', 'three']
const names = fc.array(fc.constantFrom('a', 'b', 'ä', '\u{1f600}', '\uffee'), { maxLength: 3 })
const operation = fc.oneof(
  fc.record({ type: fc.constant('mkdir' as const), names, parents: fc.boolean() }),
  fc.record({
    type: fc.constant('put' as const),
    names,
    parents: fc.boolean(),
    node: fc.oneof(
      fc.record({ kind: fc.constant('file' as const), content: fc.constantFrom(...TEXTS) }),
      fc.record({ kind: fc.constant('symlink' as const), target: fc.constantFrom('x', '/y') }),
      fc.constant({ kind: 'directory' as const }),
    ),
  }),
  fc.record({ type: fc.constant('rename' as const), names, to: names, into: fc.boolean() }),
  fc.record({ type: fc.constant('remove' as const), names, recursive: fc.boolean() }),
  fc.record({ type: fc.constant('prune' as const) }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** One step of both; they must end alike. */
async function both(model: ModelTree, state: NamespaceState, step: Operation): Promise<void> {
  if (step.type === 'prune') {
    await pruneAll(state)
    return
  }
  const at = { directoryId: 0, names: step.names }
  if (step.type === 'mkdir') {
    const { parents } = step
    const command = { type: 'mkdir' as const, place: at, attributes: ATTRIBUTES, parents }
    expect(state.refusal(command)).toBe(model.try(() => model.make(step.names, parents)))
  } else if (step.type === 'put') {
    const { node, parents } = step
    const made: ModelNode = node.kind === 'directory' ? { ...node, children: new Map() } : node
    const content: PutContent = node.kind === 'file' ? file(node.content) : node
    const outcome = model.try(() => model.put(step.names, made, parents))
    expect(put(state, step.names.join('/'), content, { parents })).toBe(outcome)
  } else if (step.type === 'rename') {
    const to = { directoryId: 0, names: step.to }
    const outcome = model.try(() => model.rename(step.names, step.to, step.into))
    expect(state.refusal({ type: 'rename', from: at, to, into: step.into })).toBe(outcome)
  } else {
    const { recursive } = step
    const outcome = model.try(() => model.remove(step.names, recursive))
    expect(state.refusal({ type: 'remove', place: at, recursive })).toBe(outcome)
  }
}

test('namespace: any history of commands leaves the tree that a plain tree becomes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (steps) => {
      const model = new ModelTree()
      const state = new NamespaceState()
      for (const step of steps) await both(model, state, step)
      expect(await shown(state, TEXTS)).toEqual(model.shown())
      checkRecords(state)
      await pruneAll(state)
      checkRecords(state)
      expect(await shown(state, TEXTS)).toEqual(model.shown())
      expect(state.keys('t/')).toEqual([])
    }),
    { numRuns: 400 },
  )
})

describe('namespace: contents', () => {
  test('a replaced file’s content goes when no other entry names it', () => {
    const state = new NamespaceState()
    put(state, '/a', file('one'))
    put(state, '/b', file('one'))
    put(state, '/a', file('two'))
    expect(contentOf(state, fileId('one'))?.references).toBe(1)
    expect(isHeldBy(state, HOLDER, fileId('one'))).toBe(true)
    put(state, '/b', file('two'))
    expect(contentOf(state, fileId('one'))).toBeUndefined()
    expect(isHeldBy(state, HOLDER, fileId('one'))).toBe(false)
    expect(contentOf(state, fileId('two'))?.references).toBe(2)
  })

  test('the same content put again over itself stays, with a new version', () => {
    const state = new NamespaceState()
    put(state, '/a', file('one'))
    const { version } = statEntry(state, place('/a'))
    put(state, '/a', file('one'))
    expect(contentOf(state, fileId('one'))?.references).toBe(1)
    expect(statEntry(state, place('/a')).version).toBeGreaterThan(version)
  })

  test('a second node that puts a content holds it too; both let go when it is removed', () => {
    const state = new NamespaceState()
    put(state, '/a', file('one'))
    const uploadId = openUpload(state, 'peer-b')
    state.run({ type: 'put', uploadId, items: [item('/b', file('one'))], closes: true })
    expect(holdersOf(contentOf(state, fileId('one'))!)).toEqual(['peer-a', 'peer-b'])
    state.run({ type: 'remove', place: place('/a'), recursive: false })
    expect(isHeldBy(state, 'peer-b', fileId('one'))).toBe(true)
    state.run({ type: 'remove', place: place('/b'), recursive: false })
    expect(state.keys('h/')).toEqual([])
  })

  test('a placement covers a large file in one run of extents', () => {
    const state = new NamespaceState()
    const sizeBytes = 1024 ** 4 + 1
    put(state, '/big', { kind: 'file', fileId: fileId('big'), sizeBytes, policy: '' })
    const { placement } = contentOf(state, fileId('big'))!
    expect(placement).toEqual([{ extents: 16_385, holders: [HOLDER] }])
  })

  test('contents of a removed folder stay until it is pruned, then go', async () => {
    const state = new NamespaceState()
    for (const path of ['/f/a', '/f/g/b', '/f/g/c']) put(state, path, file(path), { parents: true })
    state.run({ type: 'remove', place: place('/f'), recursive: true })
    expect(() => statEntry(state, place('/f'))).toThrow('/f does not exist')
    expect(state.keys('c/')).toHaveLength(3)
    await pruneAll(state)
    expect(state.keys('c/')).toEqual([])
    expect(state.keys('e/')).toEqual([])
    checkRecords(state)
  })
})

describe('namespace: uploads', () => {
  test('what comes after the end of an upload is refused', () => {
    const state = new NamespaceState()
    const uploadId = openUpload(state)
    state.run({ type: 'closeUploads', uploadIds: [uploadId], expiredOnly: false })
    const items = [item('/a', file('one'))]
    const refusal = state.refusal({ type: 'put', uploadId, items, closes: true })
    expect(refusal).toBe('FAILED_PRECONDITION')
    expect(state.keys('c/')).toEqual([])
  })

  test('an expired upload is ended by the leader’s time, a renewed one is not', () => {
    const state = new NamespaceState()
    const [first, second] = [openUpload(state), openUpload(state)]
    state.timeMs += 50_000
    state.run({ type: 'renewUpload', uploadId: second, ttlMs: 60_000 })
    const close = { type: 'closeUploads' as const, uploadIds: [first, second], expiredOnly: true }
    expect(state.run(close).closed).toBe(0)
    state.timeMs += 20_000
    expect(state.run(close).closed).toBe(1)
    expect(state.refusal({ type: 'renewUpload', uploadId: first, ttlMs: 1 })).toBe('NOT_FOUND')
    expect(state.refusal({ type: 'renewUpload', uploadId: second, ttlMs: 1 })).toBe('OK')
  })

  test('files of one batch that fail leave the others, and nothing of themselves', async () => {
    const state = new NamespaceState()
    put(state, '/plain', file('one'))
    const uploadId = openUpload(state)
    const dots = { directoryId: 0, names: ['new', 'folder', '..', 'b'] }
    const items = [
      item('/a', file('two')),
      { ...item('', file('three'), { parents: true }), place: dots },
      item('/made/plain', file('three'), { parents: true, expected: 7 }),
      item('/plain/b', file('three'), { parents: true }),
      item('/x/y/c', file('two'), { parents: true }),
    ]
    const result = state.run({ type: 'put', uploadId, items, closes: true })
    const codes = result.items.map((each) => ('code' in each ? each.code : 'OK'))
    expect(codes).toEqual(['OK', 'INVALID_ARGUMENT', 'ABORTED', 'FAILED_PRECONDITION', 'OK'])
    expect(await shown(state, TEXTS)).toEqual(
      ['/', '/a = two', '/plain = one', '/x/', '/x/y/', '/x/y/c = two'].sort(),
    )
    expect(contentOf(state, fileId('three'))).toBeUndefined()
    checkRecords(state)
  })
})

describe('namespace: versions', () => {
  test('a mutation that saw another version is refused, whichever it is', () => {
    const state = new NamespaceState()
    put(state, '/a', file('one'))
    state.run({ type: 'mkdir', place: place('/d'), attributes: ATTRIBUTES, parents: false })
    const at = place('/a')
    const { version } = statEntry(state, at)
    const stale = { expected: version - 1 }
    expect(put(state, '/a', file('two'), stale)).toBe('ABORTED')
    expect(put(state, '/a', file('two'), { expected: 0 })).toBe('ALREADY_EXISTS')
    const remove = { type: 'remove' as const, place: at, recursive: false }
    expect(state.refusal({ ...remove, ...stale })).toBe('ABORTED')
    const change = { type: 'setAttributes' as const, place: at, mode: 1 }
    expect(state.refusal({ ...change, ...stale })).toBe('ABORTED')
    const move = { type: 'rename' as const, from: at, to: place('/b'), into: false }
    expect(state.refusal({ ...move, expectedFrom: version - 1 })).toBe('ABORTED')
    const onto = { ...move, to: place('/d'), expectedTo: 0 }
    expect(state.refusal(onto)).toBe('ALREADY_EXISTS')
    expect(state.refusal({ ...move, expectedFrom: version, expectedTo: 0 })).toBe('OK')
    expect(put(state, '/b', file('two'), { expected: version })).toBe('ABORTED')
    const moved = statEntry(state, place('/b')).version
    expect(put(state, '/b', file('two'), { expected: moved })).toBe('OK')
  })

  test('a name that went and came again is at a version of its own', () => {
    const state = new NamespaceState()
    put(state, '/a', file('one'))
    const { version } = statEntry(state, place('/a'))
    state.run({ type: 'remove', place: place('/a'), recursive: false })
    put(state, '/a', file('one'))
    expect(put(state, '/a', file('two'), { expected: version })).toBe('ABORTED')
  })
})

describe('namespace: directories', () => {
  test('a directory keeps its number when it moves, so that who works in it goes on', () => {
    const state = new NamespaceState()
    put(state, '/a/b/c', file('one'), { parents: true })
    const { directoryId } = statEntry(state, place('/a/b'))
    state.run({ type: 'rename', from: place('/a/b'), to: place('/z'), into: false })
    const uploadId = openUpload(state)
    const items = [{ ...item('', file('two')), place: place('d', directoryId) }]
    state.run({ type: 'put', uploadId, items, closes: true })
    expect(statEntry(state, place('/z/d')).kind).toBe('file')
  })

  test('nothing is put into a directory that was removed, or below one', () => {
    const state = new NamespaceState()
    put(state, '/a/b/c', file('one'), { parents: true })
    const { directoryId } = statEntry(state, place('/a/b'))
    state.run({ type: 'remove', place: place('/a'), recursive: true })
    const below = place('d', directoryId)
    const command = { type: 'mkdir' as const, place: below, attributes: ATTRIBUTES, parents: true }
    expect(state.refusal(command)).toBe('NOT_FOUND')
  })

  test('only what is detached can be pruned', () => {
    const state = new NamespaceState()
    put(state, '/a/b', file('one'), { parents: true })
    const { directoryId } = statEntry(state, place('/a'))
    state.run({ type: 'prune', directoryId: directoryId!, names: ['b'] })
    expect(statEntry(state, place('/a/b')).kind).toBe('file')
  })

  test('a directory’s times and permissions are kept, and follow its entries', () => {
    const state = new NamespaceState()
    const attributes = { mode: 0o2750, uid: 7, gid: 8, mtimeNs: 123_456_789n }
    state.run({ type: 'mkdir', place: place('/d'), attributes, parents: false })
    expect(statEntry(state, place('/d'))).toMatchObject({ attributes, entries: 0 })
    put(state, '/d/f', file('one'))
    const { attributes: after, entries } = statEntry(state, place('/d'))
    expect(entries).toBe(1)
    expect(after.mode).toBe(0o2750)
    expect(after.mtimeNs).toBeGreaterThan(1_700_000_000_000_000_000n)
    state.run({ type: 'setAttributes', place: place('/d'), mode: 0o700, mtimeNs: -5n })
    const changed = { mode: 0o700, uid: 7, gid: 8, mtimeNs: -5n }
    expect(statEntry(state, place('/d')).attributes).toEqual(changed)
  })

  test('the root has attributes of its own from the start, and can be given others', () => {
    const state = new NamespaceState()
    expect(statEntry(state, place('/'))).toMatchObject({ kind: 'directory', entries: 0 })
    state.run({ type: 'setAttributes', place: place('/'), mode: 0o700, expected: 0 })
    expect(statEntry(state, place('/')).attributes.mode).toBe(0o700)
  })
})

describe('namespace: names', () => {
  const bad: [what: string, path: readonly string[]][] = [
    ['that is empty', ['']],
    ['that is .', ['.']],
    ['that is ..', ['a', '..']],
    ['with a slash', ['a/b']],
    ['with a NUL', ['a\0']],
    ['of more than 255 bytes', ['ü'.repeat(128)]],
    ['that is reserved at the top', ['ipfs']],
  ]
  test.each(bad)('a name %s is refused', (_what, path) => {
    const state = new NamespaceState()
    const at = { directoryId: 0, names: path }
    const command = { type: 'mkdir' as const, place: at, attributes: ATTRIBUTES, parents: true }
    expect(state.refusal(command)).toBe('INVALID_ARGUMENT')
    put(state, '/f', file('one'))
    const move = { type: 'rename' as const, from: place('/f'), to: at, into: false }
    expect(state.refusal(move)).toBe('INVALID_ARGUMENT')
    expect(state.keys('e/')).toHaveLength(1)
  })

  test('a reserved name is fine further down, and one of 255 bytes anywhere', () => {
    const state = new NamespaceState()
    expect(put(state, '/a/ipfs', file('one'), { parents: true })).toBe('OK')
    expect(put(state, `/${'x'.repeat(255)}`, file('one'))).toBe('OK')
  })

  test('moving into the root under a reserved name is refused', () => {
    const state = new NamespaceState()
    put(state, '/a/ipfs', file('one'), { parents: true })
    const move = { type: 'rename' as const, from: place('/a/ipfs'), to: place('/'), into: true }
    expect(state.refusal(move)).toBe('INVALID_ARGUMENT')
  })
})
