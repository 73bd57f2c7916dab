import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { cidOf, formatCid, parseCid, sha256 } from '../../src/content/index.js'
import type { AddedEvent } from '../../src/files/index.js'
import { MemoryChunkStore } from '../../src/store/index.js'
import { collect, pieces, readAll, summaryOf, tempFolder, world } from './support.js'

const KIB = 1024
const MIB = 1024 * KIB

function at(file: string) {
  return [{ path: file, dev: '', ino: '' }]
}

test.each([0, 1, 32 * KIB, 32 * KIB + 1, 256 * KIB, 256 * KIB + 1, 5 * MIB, 9 * MIB + 7])(
  'publish: %i bytes have one file_id from a file and from a pipe in any pieces',
  async (size) => {
    const { files } = await world()
    const bytes = randomBytes(size)
    const file = path.join(await tempFolder(), 'data')
    await writeFile(file, bytes)
    const fromFile = summaryOf(await collect(files.publishPaths(at(file), {})))
    const fromPipe = summaryOf(await collect(files.publishStream(pieces(bytes, 70_001), {})))
    expect(fromPipe.root).toBe(fromFile.root)
    expect(fromFile.newBytes).toBeGreaterThanOrEqual(size)
    expect(fromPipe.newBytes).toBe(0)
    expect((await readAll(files, parseCid(fromFile.root))).equals(bytes)).toBe(true)
  },
)

test('publish: --only-hash names the same root and stores nothing', async () => {
  const { files, store } = await world()
  const bytes = randomBytes(3 * MIB)
  const dry = summaryOf(await collect(files.publishStream(pieces(bytes, MIB), { onlyHash: true })))
  expect((await store.stats()).chunks).toBe(0)
  const real = summaryOf(await collect(files.publishStream(pieces(bytes, MIB), {})))
  expect(dry.root).toBe(real.root)
})

test('publish: fastcdc and chunk sizes change the file_id, not the bytes', async () => {
  const { files } = await world()
  const bytes = randomBytes(3 * MIB)
  const roots = new Set<string>()
  for (const options of [{}, { chunker: 'fastcdc' as const }, { chunkSizeBytes: 100_000 }]) {
    const { root } = summaryOf(await collect(files.publishStream(pieces(bytes, 99_999), options)))
    expect((await readAll(files, parseCid(root))).equals(bytes)).toBe(true)
    roots.add(root)
  }
  expect(roots.size).toBe(3)
})

test('publish: added is told only when a barrier has passed', async () => {
  let barriers = 0
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  class GatedStore extends MemoryChunkStore {
    override async barrier(): Promise<void> {
      barriers++
      await gate
    }
  }
  const { files } = await world({ store: new GatedStore() })
  const events = files.publishStream(pieces(randomBytes(MIB), MIB), {})[Symbol.asyncIterator]()
  let added = false
  const seen = (async () => {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      if (next.value.type === 'added') added = true
    }
  })()
  await expect.poll(() => barriers).toBeGreaterThan(0)
  expect(added).toBe(false)
  open()
  await seen
  expect(added).toBe(true)
})

test('publish: a folder keeps names, nesting, empty files and symlinks; the root comes last', async () => {
  const { files, references } = await world()
  const folder = path.join(await tempFolder(), 'root')
  await mkdir(path.join(folder, 'sub', 'deep'), { recursive: true })
  await writeFile(path.join(folder, 'a'), 'aaa')
  await writeFile(path.join(folder, 'B'), '')
  await writeFile(path.join(folder, 'é'), 'x')
  await writeFile(path.join(folder, 'sub', 'deep', 'f'), randomBytes(300 * KIB))
  await symlink('../a', path.join(folder, 'sub', 'link'))
  const events = await collect(files.publishPaths(at(folder), { recursive: true }))
  const added = events.filter((event): event is AddedEvent => event.type === 'added')
  // In byte order of the names, a folder after what is in it.
  expect(added.map(({ name }) => name)).toEqual([
    'root/B',
    'root/a',
    'root/sub/deep/f',
    'root/sub/deep',
    'root/sub',
    'root/é',
    'root',
  ])
  const { root, files: count } = summaryOf(events)
  expect(count).toBe(4)
  const entries = await collect(files.list(parseCid(root)))
  expect(entries.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'B file',
    'a file',
    'sub directory',
    'é file',
  ])
  const sub = await files.resolve(parseCid(root), ['sub'])
  expect((await collect(files.list(sub))).find(({ name }) => name === 'link')).toMatchObject({
    kind: 'symlink',
    target: '../a',
  })
  expect(await references.pinOf(parseCid(root))).toBeDefined()
})

test('publish: what is no file is skipped and said; what vanishes is said', async () => {
  const { files } = await world()
  const folder = await tempFolder()
  await writeFile(path.join(folder, 'a'), 'a')
  execFileSync('mkfifo', [path.join(folder, 'pipe')])
  const events = await collect(files.publishPaths(at(folder), { recursive: true }))
  expect(events.filter(({ type }) => type === 'notice')).toMatchObject([{ code: 'SKIPPED' }])
  expect(await collect(files.list(parseCid(summaryOf(events).root)))).toHaveLength(1)
})

test('publish: a path that the node sees otherwise, a symlink, a folder without -r are refused', async () => {
  const { files } = await world()
  const folder = await tempFolder()
  const file = path.join(folder, 'file')
  await writeFile(file, 'x')
  await symlink('file', path.join(folder, 'link'))
  const { dev, ino } = await lstat(file, { bigint: true })
  const wrong = [{ path: file, dev: String(dev), ino: String(ino + 1n) }]
  const code = (code: string) => expect.objectContaining({ code })
  await expect(collect(files.publishPaths(wrong, {}))).rejects.toEqual(code('FAILED_PRECONDITION'))
  await expect(collect(files.publishPaths(at(path.join(folder, 'link')), {}))).rejects.toEqual(
    code('INVALID_ARGUMENT'),
  )
  await expect(collect(files.publishPaths(at(folder), {}))).rejects.toEqual(
    code('INVALID_ARGUMENT'),
  )
  await expect(collect(files.publishPaths(at(path.join(folder, 'no')), {}))).rejects.toEqual(
    code('NOT_FOUND'),
  )
})

test('publish: a file that cannot be read fails the whole, naming it', async ({ skip }) => {
  if (process.getuid?.() === 0) skip('root reads everything')
  const { files } = await world()
  const folder = await tempFolder()
  await writeFile(path.join(folder, 'secret'), 'x')
  await chmod(path.join(folder, 'secret'), 0)
  await expect(collect(files.publishPaths(at(folder), { recursive: true }))).rejects.toThrow(
    'secret',
  )
})

test('publish: a full disk fails it cleanly, again and again, and holds no memory', async () => {
  class FullStore extends MemoryChunkStore {
    override put(): Promise<never> {
      return Promise.reject(new DpsError('RESOURCE_EXHAUSTED', 'disk full'))
    }
  }
  const { files } = await world({ store: new FullStore() })
  // More failures than there are slabs: a slab that leaked would hang the next one.
  for (let i = 0; i < 12; i++) {
    const events = files.publishStream(pieces(randomBytes(9 * MIB), MIB), {})
    await expect(collect(events)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
  }
})

test('publish: a source that breaks midway publishes nothing', async () => {
  const { files, references } = await world()
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield randomBytes(5 * MIB)
    throw new DpsError('CANCELLED', 'the client went')
  }
  await expect(collect(files.publishStream(broken(), {}))).rejects.toMatchObject({
    code: 'CANCELLED',
  })
  expect(await collect(references.pins())).toEqual([])
})

test('publish: a listener that leaves stops the work', async () => {
  const { files, references } = await world()
  let pulled = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; pulled < 10_000; pulled++) {
      await new Promise((resolve) => setImmediate(resolve))
      yield randomBytes(MIB)
    }
  }
  for await (const event of files.publishStream(endless(), {})) {
    if (event.type === 'progress') break
  }
  expect(pulled).toBeLessThan(200)
  expect(await collect(references.pins())).toEqual([])
})

test('publish: a directory made of what is stored equals the published folder', async () => {
  const { files } = await world()
  const folder = path.join(await tempFolder(), 'd')
  await mkdir(folder)
  await writeFile(path.join(folder, 'b'), 'bb')
  await writeFile(path.join(folder, 'a'), 'aa')
  const { root } = summaryOf(await collect(files.publishPaths(at(folder), { recursive: true })))
  const entries = await collect(files.list(parseCid(root)))
  const made = summaryOf(await collect(files.publishDirectory(entries.reverse(), {})))
  expect(made.root).toBe(root)
  expect(formatCid(parseCid(made.root))).toBe(root)
})

test('publish: a directory that names what is not stored is refused', async () => {
  const { files } = await world()
  const cid = cidOf('chunk', sha256(randomBytes(8)))
  const entries = [{ name: 'f', kind: 'file' as const, cid, sizeBytes: 8 }]
  await expect(collect(files.publishDirectory(entries, {}))).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
  })
})
