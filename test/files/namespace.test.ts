import { chmod, lstat, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { formatCid } from '../../src/content/index.js'
import type { PutEvent } from '../../src/files/index.js'
import { collected, NamespaceWorld, type Process, SoloAuthority } from './namespace-support.js'
import { collect, pieces, tempFolder } from './support.js'

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

function put({ namespace }: Process, at: string, text: string, options = {}): Promise<PutEvent[]> {
  return collect(namespace.putStream(bytesOf(text), at, options))
}

async function textAt({ namespace }: Process, at: string): Promise<string> {
  const content = await namespace.open(at)
  return Buffer.concat(await collect(content.read())).toString()
}

async function hasChunks({ store }: NamespaceWorld): Promise<boolean> {
  return (await store.stats()).chunks > 0
}

async function namesIn({ namespace }: Process, at: string): Promise<string[]> {
  return (await collect(namespace.list(at))).flat().map(({ name }) => name)
}

function summaryOf(events: readonly PutEvent[]) {
  const last = events.at(-1)
  if (last?.type !== 'summary') throw new Error('no summary')
  return last
}

describe('namespace: putting', () => {
  test('a file is read back by its path, and its upload is over', async () => {
    const node = await (await NamespaceWorld.create()).start()
    const events = await put(node, '/notes.txt', 'hello')
    expect(summaryOf(events)).toMatchObject({ path: '/notes.txt', files: 1, sizeBytes: 5 })
    expect(await textAt(node, '/notes.txt')).toBe('hello')
    const { holders, policy, kind } = await node.namespace.stat('/notes.txt')
    expect({ holders, policy, kind }).toEqual({ holders: ['me'], policy: 'default', kind: 'file' })
  })

  test('one small file costs two commands: its lease and its commit', async () => {
    const authority = new SoloAuthority()
    const node = await (await NamespaceWorld.create(authority)).start()
    await put(node, '/a', 'a')
    expect(authority.commands.map(({ type }) => type)).toEqual(['openUpload', 'put'])
    expect(authority.state.keys('u/')).toEqual([])
  })

  test('a path that names a folder takes the source inside, as cp does', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await node.namespace.mkdir('/in')
    const folder = await tempFolder()
    const local = path.join(folder, 'x.txt')
    await writeFile(local, 'x')
    const source = { path: local, dev: '', ino: '' }
    const into = summaryOf(await collect(node.namespace.putPath(source, '/in')))
    expect(into.path).toBe('/in/x.txt')
    const named = summaryOf(await collect(node.namespace.putPath(source, '/in/y')))
    expect(named.path).toBe('/in/y')
    const missing = collect(node.namespace.putPath(source, '/no/'))
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const through = collect(node.namespace.putPath(source, '/in/y/z'))
    await expect(through).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
  })

  test('a folder goes in whole, with links, modes and times, in few commands', async () => {
    const authority = new SoloAuthority()
    const node = await (await NamespaceWorld.create(authority)).start()
    const folder = path.join(await tempFolder(), 'tree')
    await mkdir(path.join(folder, 'sub'), { recursive: true })
    for (let i = 0; i < 300; i++) await writeFile(path.join(folder, 'sub', `f${i}`), `file ${i}`)
    await writeFile(path.join(folder, 'run.sh'), '#!/bin/sh')
    await chmod(path.join(folder, 'run.sh'), 0o755)
    await symlink('sub/f1', path.join(folder, 'link'))
    const then = new Date('2001-02-03T04:05:06.789Z')
    await utimes(path.join(folder, 'run.sh'), then, then)
    await utimes(path.join(folder, 'sub'), then, then)
    const source = { path: folder, dev: '', ino: '' }
    // Commits that take their time are what makes others wait for the next.
    authority.quorum = () => new Promise((resolve) => setTimeout(resolve, 20))
    const events = await collect(node.namespace.putPath(source, '/', { recursive: true }))
    expect(summaryOf(events)).toMatchObject({ files: 301, directories: 2, symlinks: 1, failed: 0 })
    expect(await namesIn(node, '/tree')).toEqual(['link', 'run.sh', 'sub'])
    expect(await namesIn(node, '/tree/sub')).toHaveLength(300)
    expect(await textAt(node, '/tree/sub/f123')).toBe('file 123')
    const script = await node.namespace.stat('/tree/run.sh')
    const { uid, gid } = await lstat(path.join(folder, 'run.sh'))
    const mtimeNs = BigInt(then.getTime()) * 1_000_000n
    expect(script.attributes).toEqual({ mode: 0o755, uid, gid, mtimeNs })
    expect((await node.namespace.stat('/tree/sub')).attributes.mtimeNs).toBe(mtimeNs)
    expect((await node.namespace.stat('/tree/link')).target).toBe('sub/f1')
    const puts = authority.commands.filter(({ type }) => type === 'put').length
    expect(puts).toBeLessThan(60)
  })

  test('a folder merges into the one that is there; what cannot go in is told, the rest is in', async () => {
    const node = await (await NamespaceWorld.create()).start()
    const folder = path.join(await tempFolder(), 'tree')
    await mkdir(path.join(folder, 'sub'), { recursive: true })
    await writeFile(path.join(folder, 'a'), 'new')
    await writeFile(path.join(folder, 'sub', 'b'), 'b')
    await node.namespace.mkdir('/tree')
    await put(node, '/tree/a', 'old')
    await put(node, '/tree/kept', 'kept')
    await put(node, '/tree/sub', 'a file where a folder wants to be')
    const source = { path: folder, dev: '', ino: '' }
    const events = await collect(node.namespace.putPath(source, '/', { recursive: true }))
    expect(summaryOf(events)).toMatchObject({ files: 1, directories: 0, failed: 2 })
    const notices = events.flatMap((event) => (event.type === 'notice' ? [event.code] : []))
    expect(notices).toEqual(['FAILED_PRECONDITION', 'FAILED_PRECONDITION'])
    expect(await textAt(node, '/tree/a')).toBe('new')
    expect(await namesIn(node, '/tree')).toEqual(['a', 'kept', 'sub'])
  })

  test('a put that demands a version is refused when there is another one', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await put(node, '/a', 'one', { version: 0 })
    const again = put(node, '/a', 'two', { version: 0 })
    await expect(again).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    const { version } = await node.namespace.stat('/a')
    await put(node, '/a', 'two', { version })
    const stale = put(node, '/a', 'three', { version })
    await expect(stale).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await textAt(node, '/a')).toBe('two')
  })

  test('only a policy that says so announces', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await put(node, '/quiet', 'quiet')
    expect(node.announced).toEqual([])
    await put(node, '/loud', 'loud', { policy: 'public' })
    const { cid } = await node.namespace.stat('/loud')
    expect(node.announced).toEqual([String(cid)])
    const unknown = put(node, '/x', 'x', { policy: 'nine-copies' })
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a source that throws puts nothing, and what it stored is collected', async () => {
    const world = await NamespaceWorld.create()
    const node = await world.start()
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* pieces(new Uint8Array(9 * 1024 * 1024).fill(7), 1 << 20)
      await expect.poll(() => hasChunks(world)).toBe(true)
      throw new DpsError('UNAVAILABLE', 'the source broke')
    }
    const putting = collect(node.namespace.putStream(broken(), '/a'))
    await expect(putting).rejects.toThrow('the source broke')
    await expect(node.namespace.stat('/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await collected(node)).toBeGreaterThan(0)
    expect(await collected(node)).toBe(0)
  })
})

describe('namespace: what is kept', () => {
  test('what paths lead to survives collections; what was replaced or removed does not', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await put(node, '/a', 'one')
    await put(node, '/b', 'two')
    expect(await collected(node)).toBe(0)
    await put(node, '/a', 'three')
    expect(await collected(node)).toBe(2)
    await node.namespace.move('/b', '/a', { exactly: true })
    expect(await collected(node)).toBe(2)
    expect(await textAt(node, '/a')).toBe('two')
    await node.namespace.remove('/a')
    expect(await collected(node)).toBe(2)
    expect((await node.references.placed().next()).done).toBe(true)
  })

  test('a pin keeps what no path leads to any longer', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await put(node, '/a', 'one')
    const { cid } = await node.namespace.stat('/a')
    await node.references.pin(cid!)
    await node.namespace.remove('/a')
    expect(await collected(node)).toBe(0)
    await node.references.unpin(cid!)
    expect(await collected(node)).toBe(2)
  })

  test('a commit whose answer never came is kept', async () => {
    const authority = new SoloAuthority()
    const node = await (await NamespaceWorld.create(authority)).start()
    const error = new DpsError('UNAVAILABLE', 'nobody knows')
    authority.failure = ({ type }) => (type === 'put' ? { error, applied: true } : undefined)
    await expect(put(node, '/a', 'one')).rejects.toThrow('nobody knows')
    authority.failure = () => undefined
    await node.holdings.settled()
    expect(await collected(node)).toBe(0)
    expect(await textAt(node, '/a')).toBe('one')
  })

  test('a commit that never came cannot come later: its upload is ended before its chunks go', async () => {
    const authority = new SoloAuthority()
    const node = await (await NamespaceWorld.create(authority)).start()
    const error = new DpsError('UNAVAILABLE', 'nobody knows')
    authority.failure = ({ type }) => (type === 'put' ? { error, applied: false } : undefined)
    await expect(put(node, '/a', 'one')).rejects.toThrow('nobody knows')
    authority.failure = () => undefined
    await node.holdings.settled()
    expect(authority.state.keys('u/')).toEqual([])
    expect(await collected(node)).toBe(2)
  })
})

describe('namespace: after a crash', () => {
  test('a commit that was never kept is kept at the next start, before anything is freed', async () => {
    const world = await NamespaceWorld.create()
    const before = await world.start()
    // The process ends between the commit and what should follow.
    before.references.place = () => Promise.reject(new DpsError('INTERNAL', 'it ends here'))
    await expect(put(before, '/a', 'one')).rejects.toThrow('it ends here')
    await before.stop()
    const after = await world.start()
    expect(await collected(after)).toBe(0)
    expect(await collect(after.references.placed())).toHaveLength(1)
    expect(await textAt(after, '/a')).toBe('one')
  })

  test('an upload of an earlier process is ended, and what it stored is collected', async () => {
    const world = await NamespaceWorld.create()
    const before = await world.start()
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield* pieces(new Uint8Array(9 * 1024 * 1024).fill(9), 1 << 20)
      await new Promise(() => {})
    }
    const putting = collect(before.namespace.putStream(endless(), '/a'))
    putting.catch(() => {})
    await expect.poll(() => hasChunks(world)).toBe(true)
    expect(world.authority.state.keys('u/')).toHaveLength(1)
    // Nothing is told to the cluster any more: as good as killed.
    world.authority.quorum = () => new Promise(() => {})
    await before.stop()
    world.authority.quorum = () => Promise.resolve()
    const after = await world.start()
    await after.holdings.settled()
    expect(world.authority.state.keys('u/')).toEqual([])
    expect(await collected(after)).toBeGreaterThan(0)
    expect(await collected(after)).toBe(0)
  })

  test('what the state lost meanwhile is dropped, what it gained is kept', async () => {
    const world = await NamespaceWorld.create()
    const before = await world.start()
    for (let i = 0; i < 20; i++) await put(before, `/f${i}`, `file ${i}`)
    const cids = (await collect(before.namespace.list('/'))).flat().map(({ cid }) => cid!)
    await before.stop()
    const { state } = world.authority
    for (let i = 0; i < 20; i += 2) {
      state.run({ type: 'remove', place: { directoryId: 0, names: [`f${i}`] }, recursive: false })
    }
    const after = await world.start()
    await after.holdings.settled()
    const kept = await collect(after.references.placed())
    expect(kept).toHaveLength(10)
    await after.references.unplace(kept.slice(0, 3))
    await after.stop()
    const last = await world.start()
    await last.holdings.settled()
    expect(await collect(last.references.placed())).toHaveLength(10)
    const held = new Set(state.keys('h/').map((key) => key.slice('h/me/'.length)))
    const placed = await collect(last.references.placed())
    for (const cid of placed) expect(held).toContain(Buffer.from(cid.bytes).toString('latin1'))
    expect(cids.length).toBe(20)
  })

  test('while nobody knows what must be kept, nothing is freed', async () => {
    const world = await NamespaceWorld.create()
    const before = await world.start()
    await put(before, '/a', 'one')
    const { cid } = await before.namespace.stat('/a')
    await before.references.unplace([cid!])
    await before.stop()
    let found!: () => void
    const quorum = new Promise<void>((resolve) => {
      found = resolve
    })
    world.authority.quorum = () => quorum
    const after = await world.start()
    const sweep = after.references.sweep()
    await after.references.settle()
    const [chunk] = await collect(world.store.list())
    expect(sweep.mayFree(chunk!)).toBe(false)
    sweep.end()
    found()
    expect(await collected(after)).toBe(0)
    expect(await textAt(after, '/a')).toBe('one')
  })

  test('a state that was replaced is compared anew; while an import runs nothing is dropped', async () => {
    const world = await NamespaceWorld.create()
    const node = await world.start()
    await put(node, '/a', 'one')
    const { rows } = world.authority.state
    const before = [...rows]
    rows.clear()
    world.importing = true
    world.authority.replaced()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await collect(node.references.placed())).toHaveLength(1)
    for (const [key, row] of before) rows.set(key, row)
    world.importing = false
    expect(await collected(node)).toBe(0)
    expect(await textAt(node, '/a')).toBe('one')
  })
})

describe('namespace: reading', () => {
  test('a folder lists in pages after a name, a file lists itself', async () => {
    const node = await (await NamespaceWorld.create()).start()
    for (const name of ['b', 'a', 'ä', 'c']) await put(node, `/${name}`, name)
    expect(await namesIn(node, '/')).toEqual(['a', 'b', 'c', 'ä'])
    const after = await collect(node.namespace.list('/', { after: 'b', limit: 1 }))
    expect(after.flat().map(({ path }) => path)).toEqual(['/c'])
    expect(await namesIn(node, '/a')).toEqual(['a'])
  })

  test('what is no file is not opened', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await node.namespace.mkdir('/d')
    await expect(node.namespace.open('/d')).rejects.toThrow('/d is a directory')
    await expect(node.namespace.open('/e')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(node.namespace.open('e')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('the same bytes have one content, however many paths lead to it', async () => {
    const node = await (await NamespaceWorld.create()).start()
    await put(node, '/a', 'same')
    await put(node, '/b', 'same')
    const [a, b] = await Promise.all(['/a', '/b'].map((each) => node.namespace.stat(each)))
    expect(formatCid(a!.cid!)).toBe(formatCid(b!.cid!))
    await node.namespace.remove('/a')
    expect(await collected(node)).toBe(0)
    expect(await textAt(node, '/b')).toBe('same')
  })
})
