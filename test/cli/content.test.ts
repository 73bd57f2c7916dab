import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { formatCid } from '../../src/content/index.js'
import type { PublishEvent, PublishOptions, PublishSummary } from '../../src/files/index.js'
import type { ContentFiles } from '../../src/gateway/index.js'
import { aborted, bytesOf, cidOfBytes, collectBytes } from '../gateway/fakes.js'
import { cli as bareCli, fakeNode, jsonLines, tempDir } from './support.js'

type Entries = Awaited<ReturnType<typeof listed>>
async function listed(entries: AsyncIterable<unknown>) {
  const all = []
  for await (const entry of entries) all.push(entry)
  return all
}

const FILE = Buffer.from('some content')
const FILE_CID = cidOfBytes(FILE)
const CID = formatCid(FILE_CID)
const DIR_CID = cidOfBytes(Buffer.from('a folder'))
const DIR = formatCid(DIR_CID)

type Tree = { [name: string]: string | { to: string } | Tree }

/** Files service over a tree: names → text, symlink or folder. The root folder has CID `DIR`. */
function treeFiles(
  tree: Tree,
  options: { lie?: (text: string) => string } = {},
): Partial<ContentFiles> {
  const texts = new Map<string, string>()
  const folders = new Map<string, Tree>()
  const entriesOf = new Map<string, Awaited<Entries>>()
  const visit = (node: Tree, cid = DIR_CID) => {
    folders.set(formatCid(cid), node)
    const entries = Object.entries(node).map(([name, value]) => {
      if (typeof value === 'string') {
        const cid = cidOfBytes(Buffer.from(value))
        texts.set(formatCid(cid), value)
        return { name, kind: 'file', cid, sizeBytes: value.length }
      }
      if (typeof value.to === 'string') {
        return { name, kind: 'symlink', target: value.to, sizeBytes: 0 }
      }
      const cid = cidOfBytes(Buffer.from(`folder ${name}`))
      visit(value as Tree, cid)
      return { name, kind: 'directory', cid, sizeBytes: 0 }
    })
    entriesOf.set(formatCid(cid), entries)
  }
  visit(tree)
  const service = {
    async *fetch(cid: typeof DIR_CID) {
      yield { type: 'progress', doneBytes: 1, totalBytes: 2 }
      const kind = folders.has(formatCid(cid)) ? 'directory' : 'file'
      const sizeBytes = texts.get(formatCid(cid))?.length ?? 0
      yield { type: 'summary', cid: formatCid(cid), kind, sizeBytes, resumedBytes: 0, peers: ['p'] }
    },
    async *list(cid: typeof DIR_CID) {
      yield* entriesOf.get(formatCid(cid)) ?? []
    },
    open: async (cid: typeof DIR_CID) => {
      const text = texts.get(formatCid(cid))
      if (text === undefined) throw new DpsError('NOT_FOUND', `no provider of ${formatCid(cid)}`)
      const sent = Buffer.from(options.lie?.(text) ?? text)
      return {
        cid,
        kind: 'file',
        sizeBytes: sent.length,
        async *read({ offset = 0, length = sent.length } = {}) {
          yield sent.subarray(offset, offset + length)
        },
      }
    },
  }
  return service as unknown as Partial<ContentFiles>
}

describe('get', () => {
  const tree: Tree = {
    a: 'first',
    empty: '',
    link: { to: 'a' },
    sub: { b: 'second', up: { to: '../a' } },
  }

  test('get: a folder, with the JSON that scripts rely on', async () => {
    const { cli } = await fakeNode({ files: treeFiles(tree) })
    const cwd = await tempDir()
    const { code, stdout, stderr } = await cli(['get', DIR, '-o', 'out', '--json'], { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(jsonLines(stdout)).toEqual([
      { event: 'progress', doneBytes: 1, totalBytes: 2 },
      {
        event: 'summary',
        cid: DIR,
        path: join(cwd, 'out'),
        sizeBytes: 0,
        resumedBytes: 0,
        peers: ['p'],
        kind: 'directory',
      },
    ])
    expect(await readFile(join(cwd, 'out', 'sub', 'b'), 'utf8')).toBe('second')
    expect((await readFile(join(cwd, 'out', 'empty'))).length).toBe(0)
    expect(await readlink(join(cwd, 'out', 'sub', 'up'))).toBe('../a')
    expect(await readdir(cwd)).toEqual(['out'])
  })

  test('get: what leads out of the folder is left out, named, and exit 3', async () => {
    const { cli } = await fakeNode({
      files: treeFiles({ good: { to: 'a' }, bad: { to: '../x' }, sub: { worse: { to: '/etc' } } }),
    })
    const cwd = await tempDir()
    const { code, stderr } = await cli(['get', DIR, '-o', 'out'], { cwd })
    expect(code).toBe(3)
    expect(stderr).toContain('note: bad left out: the symlink leads out of the folder, to ../x\n')
    expect(stderr).toContain('note: sub/worse left out')
    expect((await readdir(join(cwd, 'out'))).sort()).toEqual(['good', 'sub'])
    expect(await readdir(join(cwd, 'out', 'sub'))).toEqual([])
  })

  test.each(['..', '.', '', 'a/b', '/etc'])(
    'get: a folder with a name like %j writes nothing there',
    async (name) => {
      const { cli } = await fakeNode({ files: treeFiles({ [name]: 'evil', good: 'good' }) })
      const cwd = await tempDir()
      const { code } = await cli(['get', DIR, '-o', 'in/out'], { cwd })
      expect(code).not.toBe(0)
      await mkdir(join(cwd, 'in'))
      const second = await cli(['get', DIR, '-o', 'in/out'], { cwd })
      expect(second.code).not.toBe(0)
      const all = await readdir(cwd, { recursive: true })
      expect(all.filter((path) => !/^in(\/out(\/good)?)?$/.test(path))).toEqual([])
    },
  )

  test('get: a file to a name, into a folder, to its own name, to stdout', async () => {
    const { cli } = await fakeNode({ files: treeFiles({ a: FILE.toString() }) })
    const cwd = await tempDir()
    await mkdir(join(cwd, 'dir'))
    expect((await cli(['get', CID, '-o', 'x'], { cwd })).stdout).toBe('saved x (12 B)\n')
    await cli(['get', CID, '-o', 'dir'], { cwd })
    await cli(['get', `ipfs://${CID}`], { cwd })
    for (const path of ['x', join('dir', CID), CID]) {
      expect((await readFile(join(cwd, path))).equals(FILE), path).toBe(true)
    }
    expect((await cli(['get', CID, '-o', '-'], { cwd })).stdout).toBe('some content')
  })

  test('get: what exists is kept, --force replaces it, an empty folder is nothing', async () => {
    const { cli } = await fakeNode({ files: treeFiles({ a: FILE.toString(), keep: 'new' }) })
    const cwd = await tempDir()
    await writeFile(join(cwd, 'x'), 'mine')
    const refused = await cli(['get', CID, '-o', 'x'], { cwd })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/exists \(ALREADY_EXISTS\)\nhint: .*--force/)
    expect(await readFile(join(cwd, 'x'), 'utf8')).toBe('mine')
    expect((await cli(['get', CID, '-o', 'x', '--force'], { cwd })).code).toBe(0)
    expect(await readFile(join(cwd, 'x'), 'utf8')).toBe('some content')

    await mkdir(join(cwd, 'out'))
    expect((await cli(['get', DIR, '-o', 'out'], { cwd })).code).toBe(0)
    await writeFile(join(cwd, 'out', 'mine'), 'mine')
    await writeFile(join(cwd, 'out', 'keep'), 'old')
    expect((await cli(['get', DIR, '-o', 'out'], { cwd })).code).toBe(1)
    expect(await readFile(join(cwd, 'out', 'keep'), 'utf8')).toBe('old')
    expect((await cli(['get', DIR, '-o', 'out', '--force'], { cwd })).code).toBe(0)
    expect(await readFile(join(cwd, 'out', 'keep'), 'utf8')).toBe('new')
    expect(await readFile(join(cwd, 'out', 'mine'), 'utf8')).toBe('mine')
    // A file is no folder and a folder no file, force or not.
    expect((await cli(['get', DIR, '-o', 'x', '--force'], { cwd })).code).toBe(1)
    expect((await lstat(join(cwd, 'x'))).isFile()).toBe(true)
  })

  test('get: --force never writes through a symlink that stands there', async () => {
    const { cli } = await fakeNode({ files: treeFiles({ sub: { file: 'new' }, top: 'new' }) })
    const cwd = await tempDir()
    const elsewhere = await tempDir()
    await writeFile(join(elsewhere, 'file'), 'old')
    await mkdir(join(cwd, 'out'))
    await symlink(join(elsewhere, 'file'), join(cwd, 'out', 'top'))
    await symlink(elsewhere, join(cwd, 'out', 'sub'))
    const { code, stderr } = await cli(['get', DIR, '-o', 'out', '--force'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('in the way')
    expect(await readFile(join(elsewhere, 'file'), 'utf8')).toBe('old')
    expect(await readdir(elsewhere)).toEqual(['file'])
  })

  test('get: too few or too many bytes are an error, and nothing is left', async () => {
    for (const lie of [(text: string) => text.slice(1), (text: string) => `${text}!`]) {
      const { cli } = await fakeNode({ files: treeFiles({ a: FILE.toString() }, { lie }) })
      const cwd = await tempDir()
      for (const cid of [CID, DIR]) {
        const { code, stderr } = await cli(['get', cid, '-o', 'x'], { cwd })
        expect({ code, known: stderr.includes('(DATA_LOSS)') }).toEqual({ code: 1, known: true })
      }
      expect(await readdir(cwd)).toEqual([])
    }
  })

  test('get: nobody has it: NOT_FOUND is exit 4, as JSON too', async () => {
    const hint = 'is a node that has it connected?'
    const files: Partial<ContentFiles> = {
      // biome-ignore lint/correctness/useYield: it fails before the first event
      async *fetch() {
        throw new DpsError('NOT_FOUND', 'no provider found', { hint })
      },
    }
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    const plain = await cli(['get', CID], { cwd })
    expect(plain.stderr).toBe(`error: no provider found (NOT_FOUND)\nhint: ${hint}\n`)
    const json = await cli(['get', CID, '--json'], { cwd })
    expect({ code: json.code, error: JSON.parse(json.stderr) }).toEqual({
      code: 4,
      error: { error: { code: 'NOT_FOUND', message: 'no provider found', hint } },
    })
  })

  test('interrupt: the call ends, exit 130, nothing half is left; a second one is at once', async () => {
    let ended: unknown
    const files: Partial<ContentFiles> = {
      async *fetch(_cid, _options, call) {
        yield { type: 'progress', doneBytes: 1, totalBytes: 2 }
        ended = await aborted(call?.signal)
        throw ended
      },
    }
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    const result = await cli(['get', CID, '--json'], {
      cwd,
      onStart: (signal) => {
        setTimeout(() => signal('SIGINT'), 100)
        setTimeout(() => signal('SIGINT'), 105)
      },
    })
    expect(result.code).toBe(130)
    expect(JSON.parse(result.stderr)).toEqual({
      error: { code: 'CANCELLED', message: 'interrupted' },
    })
    expect(await readdir(cwd)).toEqual([])
  })

  test('get: a progress bar on a terminal, unless it is unwanted', async () => {
    const { cli } = await fakeNode({ files: treeFiles({ a: FILE.toString() }) })
    const shown = async (argv: string[], env = {}) =>
      (await cli(['get', CID, '--force', ...argv], { cwd: await tempDir(), tty: true, env })).stderr
    expect(await shown([])).toMatch(/\rfetching.*50%/)
    expect(await shown([], { NO_COLOR: '1' })).not.toContain('\x1b[36m')
    expect(await shown(['--no-progress'])).toBe('')
    expect(await shown(['--json'])).toBe('')
    expect(await shown([], { DPS_OUTPUT_PROGRESS: 'false' })).toBe('')
  })
})

describe('cat', () => {
  test('cat: ranges', async () => {
    const { cli } = await fakeNode({ files: treeFiles({ a: FILE.toString() }) })
    for (const [offset, length, expected] of [
      ['0', '4', 'some'],
      ['5', '100', 'content'],
      ['12', '1', ''],
      ['99', '1', ''],
      ['0', '0', ''],
    ] as const) {
      const { stdout, code } = await cli(['cat', CID, '--offset', offset, '--length', length])
      expect({ stdout, code }).toEqual({ stdout: expected, code: 0 })
    }
    expect((await cli(['cat', CID, '--offset', '5'])).stdout).toBe('content')
  })

  test('get: a folder that is not there is told before anything is fetched', async () => {
    const cwd = await tempDir()
    const { cli } = await fakeNode()
    const { code, stderr } = await cli(['get', CID, '-o', 'no/x'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toBe(
      `error: there is no folder ${join(cwd, 'no')} (NOT_FOUND)\n` +
        'hint: make it first, or write to another name with: -o OUT\n',
    )
  })

  test('cat: a reader that leaves ends it quietly', async () => {
    const bytes = bytesOf(8 * 1024 * 1024)
    let stopped = false
    const files: Partial<ContentFiles> = {
      open: async (cid) => ({
        cid,
        kind: 'file',
        sizeBytes: 2 ** 40,
        async *read() {
          try {
            for (;;) yield bytes
          } finally {
            stopped = true
          }
        },
      }),
    }
    const { cli } = await fakeNode({ files })
    const { code, stderr } = await cli(['cat', CID], { readerLeavesAfterBytes: 100_000 })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect.poll(() => stopped).toBe(true)
  })

  test.each([0, 100_000])(
    'cat: a full disk behind stdout, after %i bytes, is a failure',
    async (n) => {
      const files: Partial<ContentFiles> = {
        open: async () => ({
          cid: FILE_CID,
          kind: 'file',
          sizeBytes: 400_000,
          async *read() {
            for (let i = 0; i < 4; i++) yield new Uint8Array(100_000)
          },
        }),
      }
      const { cli } = await fakeNode({ files })
      const { code, stderr } = await cli(['cat', CID], {
        readerLeavesAfterBytes: n,
        stdoutError: 'ENOSPC',
      })
      expect(code).toBe(1)
      expect(stderr).toBe(
        'error: the output cannot be written: ENOSPC: write (RESOURCE_EXHAUSTED)\n',
      )
    },
  )

  test('ls: a reader that leaves a list without end', async () => {
    let stopped = false
    const files: Partial<ContentFiles> = {
      async *list() {
        try {
          for (let at = 0; ; at++) {
            yield { name: `file ${at}`, kind: 'file', cid: FILE_CID, sizeBytes: 1 }
          }
        } finally {
          stopped = true
        }
      },
    }
    const { cli } = await fakeNode({ files })
    const { code, stderr } = await cli(['ls', DIR], { readerLeavesAfterBytes: 1000 })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect.poll(() => stopped).toBe(true)
  })
})

describe('publish', () => {
  const added = (name: string, kind: 'file' | 'directory' = 'file') =>
    ({ type: 'added', cid: CID, name, kind, sizeBytes: 3, chunks: 1, newBytes: 2 }) as const
  const summary = (more: Partial<PublishSummary> = {}): PublishSummary => ({
    type: 'summary',
    root: DIR,
    files: 2,
    sizeBytes: 6,
    newBytes: 4,
    announced: true,
    copies: [],
    copiesWanted: 0,
    ...more,
  })

  function publishing(events: PublishEvent[]) {
    const calls: unknown[] = []
    const files: Partial<ContentFiles> = {
      async *publishPaths(sources, options) {
        calls.push({ sources, options })
        yield* events
      },
      async *publishStream(source, options) {
        calls.push({ bytes: await collectBytes(source), options })
        yield* events
      },
    }
    return { calls, files }
  }

  test('publish: words, -q, -Q and --json', async () => {
    const { files, calls } = publishing([added('d/a'), added('d', 'directory'), summary()])
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await mkdir(join(cwd, 'd'))
    const run = async (...argv: string[]) =>
      (await cli(['publish', '-r', 'd', ...argv], { cwd })).stdout
    expect(await run()).toBe(`added ${CID} d/a\nadded ${CID} d\n`)
    expect(await run('-q')).toBe(`${CID}\n${CID}\n`)
    expect(await run('-Q')).toBe(`${DIR}\n`)
    expect(jsonLines(await run('--json'))).toEqual([
      { event: 'added', cid: CID, name: 'd/a', sizeBytes: 3, chunks: 1, newBytes: 2, kind: 'file' },
      {
        event: 'added',
        cid: CID,
        name: 'd',
        sizeBytes: 3,
        chunks: 1,
        newBytes: 2,
        kind: 'directory',
      },
      { event: 'summary', root: DIR, files: 2, sizeBytes: 6, newBytes: 4, announced: true },
    ])
    const stats = await lstat(join(cwd, 'd'), { bigint: true })
    expect(calls[0]).toMatchObject({
      sources: [{ path: join(cwd, 'd'), dev: String(stats.dev), ino: String(stats.ino) }],
      options: { recursive: true, onlyHash: false, noPin: false },
    })
  })

  test('publish: every option reaches the node; settings are their defaults', async () => {
    const { files, calls } = publishing([summary()])
    const { cli, dataDir } = await fakeNode({ files })
    const cwd = await tempDir()
    await writeFile(join(cwd, 'f'), 'x')
    await writeFile(
      join(dataDir, 'config.toml'),
      '[publish]\nreplicate = 2\nttl = "2d"\npin = false\n',
    )
    await cli(['publish', 'f'], { cwd })
    await cli(
      [
        'publish',
        'f',
        '--chunk-size',
        '1MiB',
        '--replicate',
        '0',
        '--ttl',
        '1h',
        '--name',
        'n',
        '--only-hash',
      ],
      { cwd },
    )
    const options = calls.map((call) => (call as { options: PublishOptions }).options)
    expect(options[0]).toMatchObject({
      replicate: 2,
      ttlMs: 172_800_000,
      noPin: true,
      onlyHash: false,
    })
    expect(options[1]).toMatchObject({
      chunkSizeBytes: 1_048_576,
      chunker: 'fixed',
      ttlMs: 3_600_000,
      name: 'n',
      onlyHash: true,
    })
    // On the wire 0 is absent: none.
    expect(options[1]?.replicate ?? 0).toBe(0)
  })

  test('publish: stdin goes up as it is, between the paths', async () => {
    const { files, calls } = publishing([added(''), summary()])
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    for (const name of ['a', 'b', 'c']) await writeFile(join(cwd, name), name)
    const bytes = bytesOf(300_000)
    const { stdout, code } = await cli(['publish', 'a', 'b', '-', 'c', '--json'], {
      cwd,
      stdin: [bytes.subarray(0, 1000), bytes.subarray(1000)],
    })
    expect(code).toBe(0)
    expect(calls).toMatchObject([
      { sources: [{ path: join(cwd, 'a') }, { path: join(cwd, 'b') }] },
      { bytes: Buffer.from(bytes) },
      { sources: [{ path: join(cwd, 'c') }] },
    ])
    const lines = jsonLines(stdout)
    expect(lines.filter(({ event }) => event === 'summary')).toEqual([lines.at(-1)])
    expect(lines.at(-1)).toMatchObject({ files: 6, sizeBytes: 18, newBytes: 12 })
    expect((await cli(['publish', '-'], { stdin: [bytes] })).stdout).toBe(`added ${CID} -\n`)
  })

  test('publish: what is missing or a folder is refused before anything is published', async () => {
    const { files, calls } = publishing([summary()])
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await mkdir(join(cwd, 'd'))
    await writeFile(join(cwd, 'f'), 'x')
    const missing = await cli(['publish', 'f', 'nope'], { cwd })
    expect(missing).toMatchObject({
      code: 4,
      stderr: 'error: nope: no such file or folder (NOT_FOUND)\n',
    })
    const folder = await cli(['publish', 'f', 'd'], { cwd })
    expect(folder.code).toBe(2)
    expect(folder.stderr).toContain('hint: publish it with what is in it: add -r')
    expect(calls).toEqual([])
  })

  test('publish --replicate: without a node nothing is done, and that is said', async () => {
    const dataDir = await tempDir()
    const cwd = await tempDir()
    await writeFile(join(cwd, 'f'), 'x')
    await bareCli(['init', '--data-dir', dataDir])
    const args = ['publish', 'f', '--replicate', '1', '--data-dir', dataDir]
    const { code, stdout, stderr } = await bareCli(args, { cwd })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: no node is running on .* \(UNAVAILABLE\)\nhint: start one with/)
  })

  test('publish --replicate: fewer copies than wanted is exit 3, and each is told', async () => {
    const copies = [
      { peerId: 'p1', where: 'alpha', error: '' },
      { peerId: 'p2', where: '', error: 'not allowed (PERMISSION_DENIED)' },
    ]
    const { files } = publishing([added('f'), summary({ copies, copiesWanted: 2 })])
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await writeFile(join(cwd, 'f'), 'x')
    const plain = await cli(['publish', 'f', '--replicate', '2'], { cwd })
    expect(plain).toMatchObject({
      code: 3,
      stdout: `added ${CID} f\n`,
      stderr:
        'copied to p1 (alpha)\nno copy on p2: not allowed (PERMISSION_DENIED)\n' +
        'hint: a peer takes copies from the peer ids in its setting exchange.allow\n' +
        'only 1 of 2 copies made\n',
    })
    const json = await cli(['publish', 'f', '--replicate', '2', '--json'], { cwd })
    expect(json.code).toBe(3)
    expect(jsonLines(json.stdout).at(-1)).toMatchObject({ copiesWanted: 2, copies })
  })

  test('publish: a skipped socket is a note, a changed file is exit 3', async () => {
    for (const [code, exit] of [
      ['SKIPPED', 0],
      ['CHANGED', 3],
    ] as const) {
      const notice = { type: 'notice', code, message: 'd/x is odd', path: 'd/x' } as const
      const { files } = publishing([notice, summary()])
      const { cli } = await fakeNode({ files })
      const cwd = await tempDir()
      await mkdir(join(cwd, 'd'))
      const result = await cli(['publish', '-r', 'd'], { cwd })
      expect(result).toMatchObject({ code: exit, stderr: 'note: d/x is odd\n' })
    }
  })

  test('publish: a stream that ends without its summary is a failure', async () => {
    const { files } = publishing([added('f')])
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await writeFile(join(cwd, 'f'), 'x')
    const { code, stderr } = await cli(['publish', 'f'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('(UNAVAILABLE)')
  })

  test('publish: what the node can not see is uploaded, folders made of their parts', async () => {
    const uploads: { name?: string; text: string; noPin?: boolean }[] = []
    const directories: { options: PublishOptions; names: string[] }[] = []
    const files: Partial<ContentFiles> = {
      // biome-ignore lint/correctness/useYield: it fails before the first event
      async *publishPaths() {
        throw new DpsError('FAILED_PRECONDITION', 'the node sees another file')
      },
      async *publishStream(source, { name, noPin }) {
        const text = (await collectBytes(source)).toString()
        uploads.push({
          text,
          ...(name === undefined ? {} : { name }),
          ...(noPin === undefined ? {} : { noPin }),
        })
        yield {
          ...added(''),
          cid: formatCid(cidOfBytes(Buffer.from(text))),
          sizeBytes: text.length,
        }
        yield summary({ files: 1, sizeBytes: text.length, newBytes: text.length })
      },
      async *publishDirectory(entries, options) {
        directories.push({ options, names: entries.map(({ name }) => name) })
        yield { ...added('', 'directory'), cid: DIR }
        yield summary({ files: 0, sizeBytes: 0, newBytes: 10 })
      },
    }
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await mkdir(join(cwd, 'd', 'sub'), { recursive: true })
    await writeFile(join(cwd, 'd', 'b'), 'bb')
    await writeFile(join(cwd, 'd', 'sub', 'c'), 'ccc')
    await symlink('b', join(cwd, 'd', 'a'))
    const { code, stdout, stderr } = await cli(['publish', '-r', 'd', '--json', '--ttl', '1h'], {
      cwd,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const names = jsonLines(stdout).map(({ name }) => name)
    expect(names.slice(0, -1).sort()).toEqual(['d', 'd/b', 'd/sub', 'd/sub/c'])
    expect(names.indexOf('d/sub')).toBeGreaterThan(names.indexOf('d/sub/c'))
    expect(names.at(-2)).toBe('d')
    expect(uploads.map(({ text, noPin }) => [text, noPin]).sort()).toEqual([
      ['bb', true],
      ['ccc', true],
    ])
    expect(directories).toMatchObject([
      { names: ['c'], options: { noPin: true } },
      { names: ['a', 'b', 'sub'], options: { noPin: false, ttlMs: 3_600_000, name: 'd' } },
    ])
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      files: 2,
      sizeBytes: 5,
      newBytes: 25,
      root: DIR,
    })
  })

  test('publish: any other refusal is told, not worked around', async () => {
    const files: Partial<ContentFiles> = {
      // biome-ignore lint/correctness/useYield: it fails before the first event
      async *publishPaths() {
        throw new DpsError('RESOURCE_EXHAUSTED', 'disk d1 is full')
      },
    }
    const { cli } = await fakeNode({ files })
    const cwd = await tempDir()
    await writeFile(join(cwd, 'f'), 'x')
    expect(await cli(['publish', 'f'], { cwd })).toMatchObject({
      code: 1,
      stderr: 'error: disk d1 is full (RESOURCE_EXHAUSTED)\n',
    })
  })
})

describe('ls, stat, pin, gc, verify', () => {
  const stat = {
    cid: CID,
    kind: 'file' as const,
    sizeBytes: 12,
    chunks: 1,
    chunkSizeBytes: 262_144,
    sha256: 'ab'.repeat(32),
    chunking: 'fixed',
    copies: [{ peerId: 'p', where: 'here', error: '' }],
    localBytes: 12,
    pinned: 'recursive',
    entries: 0,
  }

  test('ls: entries and pins, for people and for programs', async () => {
    const createdAt = Date.UTC(2026, 10, 20)
    const files = treeFiles({ a: 'x', l: { to: 'a' }, sub: {} })
    files.pins = async function* () {
      yield { cid: FILE_CID, name: 'my\npin', kind: 'file', sizeBytes: 12, createdAt }
    }
    files.stat = async () => stat
    files.open = async (cid) => ({ cid, kind: 'file', sizeBytes: 12, read: async function* () {} })
    const { cli } = await fakeNode({ files })
    const A = formatCid(cidOfBytes(Buffer.from('x')))
    const SUB = formatCid(cidOfBytes(Buffer.from('folder sub')))
    expect((await cli(['ls', DIR])).stdout).toBe(`${A} a\n- l -> a\n${SUB} sub/\n`)
    expect((await cli(['ls', DIR, '-l'])).stdout).toBe(
      `file             1 B  ${A} a\nsymlink          0 B  - l -> a\ndirectory        0 B  ${SUB} sub/\n`,
    )
    expect(jsonLines((await cli(['ls', DIR, '--json'])).stdout)).toEqual([
      { name: 'a', kind: 'file', cid: A, sizeBytes: 1 },
      { name: 'l', kind: 'symlink', cid: '', sizeBytes: 0, target: 'a' },
      { name: 'sub', kind: 'directory', cid: SUB, sizeBytes: 0 },
    ])
    for (const argv of [['ls'], ['pin', 'ls'], ['pin', 'ls', CID]]) {
      expect((await cli(argv)).stdout).toBe(`${CID} my\\npin\n`)
      expect(jsonLines((await cli([...argv, '--json'])).stdout)).toEqual([
        {
          cid: CID,
          name: 'my\npin',
          kind: 'file',
          sizeBytes: 12,
          createdAt: '2026-11-20T00:00:00.000Z',
          expiresAt: null,
        },
      ])
    }
    expect((await cli(['pin', 'ls', DIR])).code).toBe(4)
  })

  test('pin: add and rm go through all, and the first failure is told', async () => {
    const removed: string[] = []
    const { cli } = await fakeNode({
      files: {
        async *pinAdd(cid, options) {
          expect(options).toMatchObject({ name: 'n', ttlMs: 3_600_000 })
          yield {
            type: 'summary',
            cid: formatCid(cid),
            kind: 'file',
            sizeBytes: 1,
            resumedBytes: 1,
            chunks: 1,
            peers: [],
          }
        },
        async pinRemove(cid) {
          if (formatCid(cid) === CID) throw new DpsError('NOT_FOUND', `${CID} is not pinned`)
          removed.push(formatCid(cid))
        },
      },
    })
    const add = await cli(['pin', 'add', CID, DIR, '--name', 'n', '--ttl', '1h'])
    expect(add.stdout).toBe(`pinned ${CID}\npinned ${DIR}\n`)
    const rm = await cli(['pin', 'rm', CID, DIR])
    expect(rm).toMatchObject({ code: 4, stdout: `unpinned ${DIR}\n` })
    expect(removed).toEqual([DIR])
  })

  test('gc: says what went and what the disk got back', async () => {
    const asked: unknown[] = []
    const { cli } = await fakeNode({
      collector: {
        async *collect(options) {
          asked.push(options?.dryRun)
          yield { type: 'progress', checked: 1, total: 2 }
          yield { type: 'summary', chunks: 2, bytes: 2048, reclaimedBytes: 1024 }
        },
      },
    })
    expect((await cli(['gc'])).stdout).toBe('freed 2 chunks, 2.0 KiB (1.0 KiB back on the disk)\n')
    expect((await cli(['gc', '--dry-run'])).stdout).toBe('would free 2 chunks, 2.0 KiB\n')
    expect(asked).toEqual([false, true])
    expect(jsonLines((await cli(['gc', '--json'])).stdout)).toEqual([
      { event: 'summary', chunks: 2, bytes: 2048, reclaimedBytes: 1024, dryRun: false },
    ])
  })

  test.each([
    [0, 0, 0],
    [2, 0, 3],
    [2, 1, 3],
    [2, 2, 0],
  ])('verify: %d damaged, %d repaired is exit %d', async (damaged, repaired, exit) => {
    const { cli } = await fakeNode({
      verifier: {
        async *verify() {
          for (let at = 0; at < damaged; at++) {
            yield {
              type: 'damaged',
              cid: CID,
              reason: 'bad crc',
              repaired: at < repaired,
              files: ['f'],
            }
          }
          yield { type: 'summary', checked: 10, damaged, repaired }
        },
      },
    })
    const { code, stdout } = await cli(['verify', '--json'])
    expect(code).toBe(exit)
    const lines = jsonLines(stdout)
    expect(lines).toHaveLength(damaged + 1)
    expect(lines.at(-1)).toEqual({ event: 'summary', checked: 10, damaged, repaired })
    if (damaged > 0)
      expect(lines[0]).toMatchObject({ event: 'damaged', cid: CID, reason: 'bad crc' })
    expect((await cli(['verify'])).stdout).toContain(`10 chunks checked, ${damaged} damaged`)
  })

  test('stat: the JSON that scripts rely on', async () => {
    const { cli } = await fakeNode({ files: { stat: async () => stat } })
    const json = JSON.parse((await cli(['stat', CID, '--json'])).stdout)
    const { entries: _entries, ...expected } = stat
    expect(json).toEqual({ ...expected, copies: [{ peerId: 'p', where: 'here' }] })
    const screen = (await cli(['stat', CID])).stdout
    expect(screen).toContain(`SHA-256     ${'ab'.repeat(32)}\n`)
    expect(screen).toContain('Chunk size  256.0 KiB'.replace('256.0', '256'))
  })
})
