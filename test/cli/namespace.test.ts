import {
  chmod,
  mkdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { PutEvent } from '../../src/files/index.js'
import { bound, NamespaceWorld } from '../files/namespace-support.js'
import { cli as bareCli, type CliOptions, fakeNode, jsonLines, tempDir } from './support.js'

/** A node with a namespace of its own behind its API. */
async function node() {
  const { namespace, files } = await (await NamespaceWorld.create()).start()
  const { cli } = await fakeNode({ namespace: bound(namespace), files: bound(files) })
  /** Runs a command that must go well; its stdout. */
  const ok = async (argv: readonly string[], options?: CliOptions) => {
    const { code, stdout, stderr } = await cli(argv, options)
    expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: '' })
    return stdout
  }
  return { cli, ok, namespace }
}

async function tree(): Promise<string> {
  const folder = join(await tempDir(), 'tree')
  await mkdir(join(folder, 'sub'), { recursive: true })
  await writeFile(join(folder, 'a.txt'), 'hello')
  await writeFile(join(folder, 'sub', 'b.txt'), 'world', { mode: 0o600 })
  await chmod(join(folder, 'a.txt'), 0o755)
  await symlink('sub/b.txt', join(folder, 'link'))
  const then = new Date('2010-11-12T13:14:15Z')
  await utimes(join(folder, 'a.txt'), then, then)
  await utimes(join(folder, 'sub'), then, then)
  return folder
}

describe('put', () => {
  test('put: a folder goes under its own name; a line for each entry', async () => {
    const { ok } = await node()
    const lines = (await ok(['put', '-r', await tree()])).trim().split('\n')
    const shown = lines.map((line) => line.replace(/ z\S+ /, ' CID ')).sort()
    expect(shown).toEqual([
      'added - /tree/',
      'added - /tree/link',
      'added - /tree/sub/',
      'added CID /tree/a.txt',
      'added CID /tree/sub/b.txt',
    ])
    expect(await ok(['ls', '/'])).toBe('tree/\n')
    expect(await ok(['ls', '/tree'])).toBe('a.txt\nlink -> sub/b.txt\nsub/\n')
  })

  test('put -q: CIDs of files only', async () => {
    const { ok } = await node()
    const lines = (await ok(['put', '-r', '-q', await tree()])).trim().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toMatch(/^z\w+$/)
  })

  test('put --json: a line for each entry, the last sums up', async () => {
    const { ok } = await node()
    const lines = jsonLines(await ok(['put', '-r', await tree(), '--json']))
    const file = lines.find(({ path }) => path === '/tree/a.txt')
    expect(file).toEqual({
      event: 'added',
      name: 'a.txt',
      path: '/tree/a.txt',
      kind: 'file',
      cid: expect.stringMatching(/^z/),
      sizeBytes: 5,
      chunks: 1,
      newBytes: expect.any(Number),
      version: expect.any(Number),
      replaced: false,
    })
    expect(lines.at(-1)).toEqual({
      event: 'summary',
      path: '/tree',
      files: 2,
      directories: 2,
      symlinks: 1,
      sizeBytes: 10,
      newBytes: expect.any(Number),
      failed: 0,
    })
  })

  test('put -: stdin needs a name, and is there when the command ends', async () => {
    const { cli, ok } = await node()
    const unnamed = await cli(['put', '-'], { stdin: [Buffer.from('x')] })
    expect(unnamed).toMatchObject({ code: 2, stdout: '' })
    expect(unnamed.stderr).toContain('hint: give one: dps-node put - /notes.txt')
    await ok(['put', '-', '/notes.txt'], { stdin: [Buffer.from('some '), Buffer.from('notes')] })
    expect(await ok(['cat', '/notes.txt'])).toBe('some notes')
    expect(await ok(['cat', '/notes.txt', '--offset', '2', '--length', '4'])).toBe('me n')
    expect(await ok(['cat', '/notes.txt', '--length', '0'])).toBe('')
  })

  test('put: what cannot be put is told, the rest is there, exit 3', async () => {
    const { cli, ok } = await node()
    await ok(['mkdir', '/tree'])
    await ok(['put', '-', '/tree/sub'], { stdin: [Buffer.from('in the way')] })
    const { code, stderr } = await cli(['put', '-r', await tree()])
    expect(code).toBe(3)
    expect(stderr).toContain('note: /tree/sub is not a directory\n')
    expect(stderr).toMatch(/2 entries could not be put\n$/)
    expect(await ok(['cat', '/tree/a.txt'])).toBe('hello')
  })

  test('put: a folder without -r, a source that is not there, a parent that is missing', async () => {
    const { cli } = await node()
    const folder = await tree()
    const plain = await cli(['put', folder])
    expect(plain).toMatchObject({ code: 2 })
    expect(plain.stderr).toContain('hint: put it with what is in it: add -r')
    const missing = await cli(['put', join(folder, 'nothing')])
    expect(missing).toMatchObject({ code: 4 })
    const nowhere = await cli(['put', join(folder, 'a.txt'), '/no/where'])
    expect(nowhere).toMatchObject({ code: 4 })
    expect(nowhere.stderr).toContain('hint: make it first, with: dps-node mkdir -p /no')
    const policy = await cli(['put', join(folder, 'a.txt'), '--policy', 'many'])
    expect(policy).toMatchObject({ code: 4 })
    expect(policy.stderr).toContain('hint: choose one of: default, public')
  })

  test('put: what the node cannot see is uploaded', async () => {
    const { namespace, files } = await (await NamespaceWorld.create()).start()
    // biome-ignore lint/correctness/useYield: it fails before its first event
    async function* blind(): AsyncGenerator<PutEvent> {
      throw new DpsError('NOT_FOUND', 'no such file', { hint: 'upload its bytes instead' })
    }
    const far = { ...bound(namespace), putPath: blind }
    const { cli } = await fakeNode({ namespace: far, files: bound(files) })
    const { code, stdout, stderr } = await cli(['put', '-r', await tree(), '/', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.anything() })
    expect(stderr).toContain('link is neither a file nor a folder')
    expect(jsonLines(stdout).at(-1)).toMatchObject({ files: 2, directories: 2, failed: 0 })
    const { attributes } = await namespace.stat('/tree/a.txt')
    expect(attributes.mode).toBe(0o755)
    expect(attributes.mtimeNs).toBe(BigInt(Date.parse('2010-11-12T13:14:15Z')) * 1_000_000n)
    expect((await cli(['cat', '/tree/sub/b.txt'])).stdout).toBe('world')
  })
})

describe('reading paths', () => {
  test('ls --json and -l: kind, size, mode and time of each entry', async () => {
    const { ok } = await node()
    await ok(['put', '-r', await tree()])
    const [a, link, sub] = jsonLines(await ok(['ls', '/tree', '--json']))
    expect(a).toMatchObject({
      name: 'a.txt',
      path: '/tree/a.txt',
      kind: 'file',
      sizeBytes: 5,
      mode: '0755',
      mtime: '2010-11-12T13:14:15.000Z',
    })
    expect(link).toMatchObject({ name: 'link', kind: 'symlink', cid: null, target: 'sub/b.txt' })
    expect(sub).toMatchObject({ name: 'sub', kind: 'directory', cid: null, entries: 1 })
    const long = await ok(['ls', '-l', '/tree'])
    expect(long).toMatch(/^-rwxr-xr-x {8}5 B {2}2010-11-12 13:14 {2}z\S+ a\.txt\n/)
    expect(long).toMatch(/\ndrwxr-xr-x .* sub\/\n$/)
    expect(await ok(['ls', '/tree/a.txt'])).toBe('a.txt\n')
  })

  test('stat: a file’s content, a folder’s entries, a link’s target', async () => {
    const { ok, cli } = await node()
    await ok(['put', '-r', await tree()])
    const [file] = jsonLines(await ok(['stat', '/tree/a.txt', '--json']))
    expect(file).toMatchObject({
      path: '/tree/a.txt',
      kind: 'file',
      sizeBytes: 5,
      chunks: 1,
      chunkSizeBytes: 262_144,
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      copies: [{ peerId: 'me', where: 'this node' }],
      policy: 'default',
      holders: ['me'],
    })
    expect(await ok(['stat', '/tree'])).toMatch(/Entries +3\nMode +0755\n/)
    expect(await ok(['stat', '/tree/link'])).toMatch(/Target +sub\/b\.txt\n/)
    expect(jsonLines(await ok(['stat', '/', '--json']))[0]).toMatchObject({
      path: '/',
      kind: 'directory',
      cid: null,
      entries: 1,
    })
    expect(await cli(['stat', '/nothing'])).toMatchObject({ code: 4 })
  })

  test('get: a file and a folder come back as they were', async () => {
    const { ok, cli } = await node()
    await ok(['put', '-r', await tree()])
    const out = await tempDir()
    const then = new Date('2010-11-12T13:14:15Z')
    await ok(['get', '/tree/a.txt'], { cwd: out })
    expect(await readFile(join(out, 'a.txt'), 'utf8')).toBe('hello')
    const { mode, mtime } = await stat(join(out, 'a.txt'))
    expect({ mode: mode & 0o777, mtime }).toEqual({ mode: 0o755, mtime: then })
    const [summary] = jsonLines(await ok(['get', '/tree', '--json'], { cwd: out }))
    expect(summary).toMatchObject({ event: 'summary', kind: 'directory', sizeBytes: 10 })
    expect(await readlink(join(out, 'tree', 'link'))).toBe('sub/b.txt')
    expect(await readFile(join(out, 'tree', 'sub', 'b.txt'), 'utf8')).toBe('world')
    expect((await stat(join(out, 'tree', 'sub'))).mtime).toEqual(then)
    const again = await cli(['get', '/tree'], { cwd: out })
    expect(again).toMatchObject({ code: 1 })
    expect(again.stderr).toContain('overwrite it with: --force')
    await ok(['get', '/tree', '--force'], { cwd: out })
    expect(await cli(['get', '/tree', '-o', '-'])).toMatchObject({ code: 2 })
    expect((await cli(['get', '/tree/a.txt', '-o', '-'])).stdout).toBe('hello')
  })

  test('cat: a folder and a link are told apart from a file', async () => {
    const { ok, cli } = await node()
    await ok(['put', '-r', await tree()])
    const folder = await cli(['cat', '/tree'])
    expect(folder).toMatchObject({ code: 1, stdout: '' })
    expect(folder.stderr).toContain('error: /tree is a directory (FAILED_PRECONDITION)\nhint: ')
    const link = await cli(['cat', '/tree/link'])
    expect(link.stderr).toContain("/tree/link is a symlink to 'sub/b.txt'")
  })
})

describe('mkdir, mv, rm', () => {
  test('mkdir: parents on demand, what exists is an error without -p', async () => {
    const { ok, cli } = await node()
    const missing = await cli(['mkdir', '/a/b'])
    expect(missing).toMatchObject({ code: 4 })
    expect(missing.stderr).toContain('hint: make its parents too: add -p')
    expect(await ok(['mkdir', '-p', '/a/b', '/c'])).toBe('made /a/b/\nmade /c/\n')
    expect(await ok(['mkdir', '-p', '/a/b'])).toBe('')
    expect(await cli(['mkdir', '/c'])).toMatchObject({ code: 1 })
    const [made] = jsonLines(await ok(['mkdir', '/d', '--json']))
    expect(made).toEqual({ event: 'made', path: '/d', version: expect.any(Number), created: true })
    expect(await cli(['mkdir', '/ipfs'])).toMatchObject({ code: 2 })
  })

  test('mv: to a name, into a folder, over a file; never into itself', async () => {
    const { ok, cli } = await node()
    await ok(['put', '-', '/a'], { stdin: [Buffer.from('a')] })
    await ok(['put', '-', '/b'], { stdin: [Buffer.from('b')] })
    await ok(['mkdir', '/d'])
    expect(await ok(['mv', '/a', '/b'])).toBe('moved /a to /b\n')
    expect(await ok(['cat', '/b'])).toBe('a')
    expect(await ok(['mv', '/b', '/d'])).toBe('moved /b to /d/b\n')
    const [moved] = jsonLines(await ok(['mv', '/d/b', '/', '--json']))
    expect(moved).toMatchObject({ event: 'moved', from: '/d/b', path: '/b', replaced: false })
    expect(await cli(['mv', '/d', '/d/e'])).toMatchObject({ code: 2 })
    expect(await cli(['mv', '/nothing', '/x'])).toMatchObject({ code: 4 })
    expect(await cli(['mv', '/b', '/x/'])).toMatchObject({ code: 4 })
    expect(await ok(['ls', '/'])).toBe('b\nd/\n')
  })

  test('rm: files and empty folders; full ones with -r', async () => {
    const { ok, cli } = await node()
    await ok(['put', '-r', await tree()])
    const full = await cli(['rm', '/tree'])
    expect(full).toMatchObject({ code: 1 })
    expect(full.stderr).toContain('hint: remove it with all that is in it: dps-node rm -r')
    expect(await ok(['rm', '/tree/a.txt', '/tree/link'])).toBe(
      'removed /tree/a.txt\nremoved /tree/link\n',
    )
    expect(jsonLines(await ok(['rm', '-r', '/tree', '--json']))).toEqual([
      { event: 'removed', path: '/tree' },
    ])
    expect(await cli(['rm', '/tree'])).toMatchObject({ code: 4 })
    expect(await cli(['rm', '-r', '/'])).toMatchObject({ code: 2 })
  })
})

test('paths: without a repository they say how to make one', async () => {
  const dataDir = join(await tempDir(), 'none')
  for (const argv of [
    ['ls', '/'],
    ['mkdir', '/a'],
    ['cat', '/a'],
  ]) {
    const { code, stderr } = await bareCli([...argv, '--data-dir', dataDir])
    expect(code).toBe(10)
    expect(stderr).toContain('hint: create one with: npx dps-node init')
  }
})
