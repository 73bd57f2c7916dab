import { describe, expect, test } from 'vitest'
import {
  importNamespace,
  listEntries,
  NamespaceJanitor,
  statEntry,
} from '../../src/metadata/index.js'
import type { NamespaceCommand } from '../../src/metadata/namespace-types.js'
import { silentLog } from '../../src/observability/index.js'
import { ATTRIBUTES, fileId, NamespaceState, place } from './namespace-support.js'

/** An authority over one state, whose leadership a test gives and takes. */
class FakeAuthority {
  readonly state = new NamespaceState()
  readonly commands: NamespaceCommand[] = []
  leading = true
  readonly #changes = new Set<() => void>()
  readonly #applied = new Set<(keys: readonly Uint8Array[] | 'all') => void>()

  status() {
    return { leading: this.leading }
  }

  async execute<C extends NamespaceCommand>(command: C) {
    this.commands.push(command)
    const result = this.state.run(command)
    for (const listener of this.#applied) listener(this.state.written)
    return result
  }

  async read() {
    return this.state
  }

  lead(leading: boolean): void {
    this.leading = leading
    for (const listener of this.#changes) listener()
  }

  onChange(listener: () => void): () => void {
    this.#changes.add(listener)
    return () => this.#changes.delete(listener)
  }

  onApplied(listener: (keys: readonly Uint8Array[] | 'all') => void): () => void {
    this.#applied.add(listener)
    return () => this.#applied.delete(listener)
  }
}

function janitor(authority: FakeAuthority) {
  const due: (() => void)[] = []
  const timers = {
    after: (_delayMs: number, run: () => void) => {
      due.push(run)
      return () => {}
    },
  }
  const clock = { now: () => authority.state.timeMs }
  const parts = { authority: authority as never, clock, timers, log: silentLog }
  return { janitor: new NamespaceJanitor(parts), due }
}

function fill(state: NamespaceState, path: string, files: number): void {
  const { uploadId } = state.run({ type: 'openUpload', holder: 'me', ttlMs: 1000 })
  const items = Array.from({ length: files }, (_, i) => ({
    place: place(`${path}/${i % 7}/file ${i}`),
    content: { kind: 'file' as const, fileId: fileId(`${i}`), sizeBytes: 1, policy: '' },
    attributes: ATTRIBUTES,
    parents: true,
  }))
  for (let at = 0; at < files; at += 500) {
    const batch = items.slice(at, at + 500)
    state.run({ type: 'put', uploadId, items: batch, closes: false })
  }
  state.run({ type: 'closeUploads', uploadIds: [uploadId], expiredOnly: false })
}

describe('janitor', () => {
  test('a removed folder is taken apart to the bottom, by commands of bounded size', async () => {
    const authority = new FakeAuthority()
    const { state } = authority
    const { janitor: worker } = janitor(authority)
    await worker.start()
    fill(state, '/big', 3000)
    fill(state, '/kept', 10)
    await authority.execute({ type: 'remove', place: place('/big'), recursive: true })
    await worker.settled()
    expect(state.keys('t/')).toEqual([])
    expect(state.keys('c/')).toHaveLength(10)
    const prunes = authority.commands.filter((command) => command.type === 'prune')
    expect(prunes.length).toBeGreaterThan(7)
    for (const { names } of prunes) expect(names.length).toBeLessThanOrEqual(512)
    await worker.stop()
  })

  test('only the leader prunes; a new one goes on where the last one was', async () => {
    const authority = new FakeAuthority()
    const { state } = authority
    authority.leading = false
    fill(state, '/big', 2000)
    state.run({ type: 'remove', place: place('/big'), recursive: true })
    const { janitor: worker } = janitor(authority)
    await worker.start()
    await worker.settled()
    expect(authority.commands).toEqual([])
    authority.lead(true)
    await worker.settled()
    expect(state.keys('e/')).toEqual([])
    await worker.stop()
  })

  test('uploads whose time is up are ended, others are not', async () => {
    const authority = new FakeAuthority()
    const { state } = authority
    const open = (ttlMs: number) => state.run({ type: 'openUpload', holder: 'me', ttlMs }).uploadId
    open(1000)
    open(100_000)
    state.timeMs += 5000
    const { janitor: worker, due } = janitor(authority)
    await worker.start()
    due.shift()?.()
    await expect.poll(() => state.keys('u/').length).toBe(1)
    await worker.stop()
  })
})

async function paths(state: NamespaceState, directoryId = 0, above = ''): Promise<string[]> {
  const found: string[] = []
  for await (const page of listEntries(state, directoryId)) {
    for (const { name, kind, directoryId, target = '' } of page) {
      found.push(`${above}/${name} ${kind} ${target}`.trimEnd())
      if (kind === 'directory') found.push(...(await paths(state, directoryId, `${above}/${name}`)))
    }
  }
  return found
}

describe('import', () => {
  function former(): NamespaceState {
    const state = new NamespaceState()
    fill(state, '/a/b', 30)
    const { uploadId } = state.run({ type: 'openUpload', holder: 'me', ttlMs: 1000 })
    const content = { kind: 'symlink' as const, target: 'b' }
    const items = [{ place: place('/a/link'), content, attributes: ATTRIBUTES }]
    state.run({ type: 'put', uploadId, items, closes: true })
    return state
  }

  test('a namespace comes along whole, below another path, and may be brought again', async () => {
    const from = former()
    const into = new FakeAuthority()
    fill(into.state, '/theirs', 3)
    for (let time = 0; time < 2; time++) {
      const { files } = await importNamespace(from, into as never, '/from/laptop', 'me')
      expect(files).toBe(30)
    }
    const expected = (await paths(from)).map((line) => `/from/laptop${line}`)
    const there = (await paths(into.state)).filter((line) => line.startsWith('/from/laptop/'))
    expect(there).toEqual(expected)
    expect(into.state.keys('h/me/')).toHaveLength(30)
    expect(into.state.keys('u/')).toEqual([])
    const { attributes } = statEntry(into.state, place('/from/laptop/a/b/1/file 1'))
    expect(attributes).toEqual(ATTRIBUTES)
  })

  test('what is in the way of an import stays, and stops it', async () => {
    const into = new FakeAuthority()
    const { state } = into
    const { uploadId } = state.run({ type: 'openUpload', holder: 'you', ttlMs: 1000 })
    const content = { kind: 'file' as const, fileId: fileId('other'), sizeBytes: 5, policy: '' }
    const item = { place: place('/a/link'), content, attributes: ATTRIBUTES, parents: true }
    state.run({ type: 'put', uploadId, items: [item], closes: true })
    const importing = importNamespace(former(), into as never, '/', 'me')
    await expect(importing).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(statEntry(state, place('/a/link')).kind).toBe('file')
  })

  test('a content that this node does not keep is not claimed', async () => {
    const importing = importNamespace(former(), new FakeAuthority() as never, '/', 'somebody else')
    await expect(importing).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
  })
})
