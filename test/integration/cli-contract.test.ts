/** The command line against real nodes, held to its contract: words, JSON shapes, exit codes. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  CHUNK_BYTES,
  describeTree,
  KIB,
  MIB,
  randomBytes,
  sha256,
  writeRandomFile,
} from '../support/data.js'
import {
  jsonLines,
  type RunResult,
  runCli,
  spawnCli,
  spawnNode,
  TestNode,
} from '../support/processes.js'
import { eventually, tempDir } from '../support/temp.js'
import {
  errorOf,
  get,
  healthy,
  lastLine,
  publish,
  publishedOf,
  status,
  type VerifySummary,
  verify,
} from './commands.js'

const VERSION = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .version as string
const CID = /^z[1-9A-HJ-NP-Za-km-z]{40,}$/

/** `error: <what> (<CODE>)`, then at most a hint, and nothing else: no stack trace. */
function expectError(result: RunResult, code: string, exit: number, hint?: string | RegExp): void {
  const lines = result.stderr.trimEnd().split('\n')
  const shown = `stderr:\n${result.stderr}`
  expect(lines[0], shown).toMatch(/^error: /)
  expect(lines[0], shown).toMatch(new RegExp(`\\(${code}\\)$`))
  expect(lines.length, shown).toBeLessThanOrEqual(2)
  if (lines.length === 2) expect(lines[1], shown).toMatch(/^hint: /)
  if (hint !== undefined) expect(lines[1], shown).toMatch(hint)
  expect(result.code, shown).toBe(exit)
}

/** Started without the help of TestNode: what it prints is looked at. */
async function startPlain(args: readonly string[], dataDir: string) {
  const child = spawnCli([...args, '--data-dir', dataDir, '--no-mdns'])
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString()
  })
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ready = () => stdout.includes('Daemon is ready\n') || stdout.includes('"event":"ready"')
  await eventually(`ready: ${args.join(' ')}`, () => ready() || child.exitCode !== null, {
    timeoutMs: 30_000,
  })
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

const FREE = ['--listen', '/ip4/127.0.0.1/tcp/0', '--api', '127.0.0.1:0']

describe('start', () => {
  test('start: prints these lines and nothing else, and makes the data directory', async () => {
    const dataDir = join(tempDir(), 'new', 'dps')
    const node = await startPlain(FREE, dataDir)
    const lines = node.stdout().trimEnd().split('\n')
    expect(lines[0]).toBe(`dps-node ${VERSION}`)
    expect(lines[1]).toMatch(/^Peer ID {4}12D3KooW\w{44}$/)
    const peerId = lines[1]!.slice(11)
    expect(lines[2]).toMatch(new RegExp(`^Listening  /ip4/127.0.0.1/tcp/\\d+/p2p/${peerId}$`))
    expect(lines[3]).toMatch(/^API {8}http:\/\/127\.0\.0\.1:\d+$/)
    expect(lines[4]).toBe(`Join with  npx dps-node --bootstrap ${lines[2]!.slice(11)}`)
    expect(lines[5]).toBe('Daemon is ready')
    expect(lines).toHaveLength(6)

    for (const secret of ['identity.key', 'api.json']) {
      expect(statSync(join(dataDir, secret)).mode & 0o777, secret).toBe(0o600)
    }
    expect(JSON.parse(await readFile(join(dataDir, 'version.json'), 'utf8')).format).toBe(1)
    const config = await readFile(join(dataDir, 'config.toml'), 'utf8')
    expect(config).toContain('# ')

    // A clean end leaves nothing that says it runs, and it is the same peer the next time.
    node.child.kill('SIGTERM')
    expect(await node.ended).toBe(0)
    expect(existsSync(join(dataDir, 'api.json'))).toBe(false)
    const again = await startPlain(['start', '--json', ...FREE], dataDir)
    const ready = jsonLines(again.stdout())
    expect(ready).toHaveLength(1)
    expect(Object.keys(ready[0]!).sort()).toEqual(['addrs', 'api', 'event', 'peerId'])
    expect(ready[0]).toMatchObject({ event: 'ready', peerId })
    again.child.kill('SIGINT')
    expect(await again.ended).toBe(0)
  })

  test('start: a busy port is an error that names it', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    try {
      const dataDir = tempDir()
      const base = ['start', '--data-dir', dataDir, '--no-mdns']
      const swarm = await runCli([
        ...base,
        '--listen',
        `/ip4/127.0.0.1/tcp/${port}`,
        '--api',
        '127.0.0.1:0',
      ])
      expectError(swarm, 'FAILED_PRECONDITION', 1)
      expect(swarm.stderr).toContain(String(port))
      expect(swarm.stdout).toBe('')
      const api = await runCli([
        ...base,
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--api',
        `127.0.0.1:${port}`,
      ])
      expectError(api, 'FAILED_PRECONDITION', 1)
      expect(api.stderr).toContain(String(port))
      // The failed starts let go of everything.
      const node = await spawnNode({ dataDir })
      await node.stop()
    } finally {
      server.close()
    }
  })

  test('start: a second process on the same directory is exit 11', async () => {
    const node = await spawnNode()
    const second = await runCli(['start', ...FREE, '--data-dir', node.dataDir])
    expectError(second, 'FAILED_PRECONDITION', 11)
    await healthy(node)
    // Also when what it left for commands is gone: the lock tells.
    rmSync(join(node.dataDir, 'api.json'))
    const third = await runCli(['start', ...FREE, '--data-dir', node.dataDir])
    expectError(third, 'FAILED_PRECONDITION', 11)
    const offline = await runCli(['ls', '--data-dir', node.dataDir])
    expectError(offline, 'FAILED_PRECONDITION', 11)
    await node.stop()
    // A lock left by a killed process is nobody's.
    await node.start()
    await node.kill('SIGKILL')
    await node.start()
    await node.stop()
  })

  test('start: a data directory of a newer version is refused and left as it is', async () => {
    const dataDir = tempDir()
    expect((await runCli(['init', '--data-dir', dataDir])).code).toBe(0)
    await writeFile(join(dataDir, 'version.json'), '{"format":99}\n')
    for (const args of [['start', ...FREE], ['ls'], ['gc']]) {
      const result = await runCli([...args, '--data-dir', dataDir])
      expectError(result, 'FAILED_PRECONDITION', 1)
      expect(result.stderr).toMatch(/99|newer/)
    }
    expect(await readFile(join(dataDir, 'version.json'), 'utf8')).toBe('{"format":99}\n')
  })

  test('start: bad values name their key, the value and what is accepted', async () => {
    const dataDir = tempDir()
    const flag = await runCli(['start', '--api', 'nonsense', '--data-dir', dataDir])
    expectError(flag, 'INVALID_ARGUMENT', 2)
    expect(flag.stderr).toContain('nonsense')
    const env = await runCli(['start', '--data-dir', dataDir], {
      env: { DPS_LOG_LEVEL: 'loud' },
    })
    expectError(env, 'INVALID_ARGUMENT', 2)
    expect(env.stderr).toMatch(/DPS_LOG_LEVEL.*loud/)
    expect(env.stderr).toContain('debug')
    await runCli(['init', '--data-dir', dataDir])
    await writeFile(join(dataDir, 'config.toml'), '[network]\nlisten_on = ["/ip4/1.2.3.4/tcp/1"]\n')
    const file = await runCli(['start', '--data-dir', dataDir])
    expectError(file, 'INVALID_ARGUMENT', 2)
    expect(file.stderr).toContain('listen_on')
    expect(file.stderr).toContain('network.listen')
  })

  test('start: flags win over environment over file', async () => {
    const dataDir = tempDir()
    await runCli(['init', '--data-dir', dataDir])
    await writeFile(join(dataDir, 'config.toml'), '[node]\nname = "file"\nzone = "file"\n')
    const named = await spawnNode({
      dataDir,
      flags: ['--name', 'flag'],
      env: { DPS_NODE_NAME: 'env', DPS_NODE_ZONE: 'env' },
    })
    const id = JSON.parse((await named.ok(['id', '--json'])).stdout)
    expect(id).toMatchObject({ name: 'flag', peerId: named.peerId, version: VERSION })
    expect(Object.keys(id)).toEqual(
      expect.arrayContaining(['peerId', 'name', 'addrs', 'version', 'protocols']),
    )
    await named.stop()
  })

  test('stop: waits until the node is down', async () => {
    const node = await spawnNode()
    const { code } = await node.run(['stop'])
    expect(code).toBe(0)
    await eventually('the process is gone', () => !node.running, { timeoutMs: 2_000 })
    const second = await node.run(['stop'])
    expectError(second, 'UNAVAILABLE', 1, /^hint: start one with: npx dps-node/)
  })
})

describe('commands', () => {
  let node: TestNode
  let source: string
  let out: string

  beforeAll(async () => {
    source = tempDir('dps-source-')
    out = tempDir('dps-out-')
    node = await spawnNode()
  })

  test('usage: unknown commands, options and values are exit 2 with the nearest known', async () => {
    const command = await node.run(['pubish', 'x'])
    expectError(command, 'INVALID_ARGUMENT', 2, /publish/)
    const option = await node.run(['publish', '--only-hsh', 'x'])
    expectError(option, 'INVALID_ARGUMENT', 2, /only-hash/)
    expectError(await node.run(['get']), 'INVALID_ARGUMENT', 2)
    expectError(await node.run(['cat', 'no CID']), 'INVALID_ARGUMENT', 2)
    expectError(await node.run(['publish', '--chunk-size', '5MiB', 'x']), 'INVALID_ARGUMENT', 2)
    const json = await node.run(['cat', 'nonsense', '--json'])
    expect(json.code).toBe(2)
    expect(errorOf(json).code).toBe('INVALID_ARGUMENT')
    expect(json.stdout).toBe('')
  })

  test('help: every command has usage, options and one example', async () => {
    const { stdout } = await runCli(['--help'])
    const commands = [
      'start',
      'init',
      'stop',
      'status',
      'id',
      'config',
      'swarm',
      'routing',
      'ping',
      'diag',
      'bench',
      'version',
      'completion',
      'publish',
      'get',
      'cat',
      'ls',
      'stat',
      'pin',
      'gc',
      'verify',
    ]
    for (const name of commands) expect(stdout, name).toMatch(new RegExp(`^ +${name}\\b`, 'm'))
    const both = await Promise.all([runCli(['publish', '--help']), runCli(['help', 'publish'])])
    for (const result of both) {
      expect(result.code).toBe(0)
      expect(result.stdout).toContain('Usage: dps-node publish')
      expect(result.stdout).toContain('--only-hash')
      expect(result.stdout).toContain('Example')
    }
    expect(both[0].stdout).toBe(both[1].stdout)
    expect((await runCli(['version'])).stdout).toContain(VERSION)
    for (const shell of ['bash', 'zsh', 'fish']) {
      const completion = await runCli(['completion', shell])
      expect(completion.code, shell).toBe(0)
      expect(completion.stdout, shell).toContain('publish')
    }
  })

  test('publish: words, -q, -Q and --json', async () => {
    const folder = join(source, 'words')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'a'), 'aaa')
    writeFileSync(join(folder, 'sub', 'b'), 'bbbb')
    const words = (await node.ok(['publish', '-r', folder])).stdout.trimEnd().split('\n')
    const items = words.map((line) => /^added (\S+) (.*)$/.exec(line)?.slice(1))
    const names = items.map((item) => item?.[1])
    // In whatever order they get durable, but a folder after what is in it, and the root last.
    expect([...names].sort()).toEqual(['words', 'words/a', 'words/sub', 'words/sub/b'])
    expect(names.indexOf('words/sub')).toBeGreaterThan(names.indexOf('words/sub/b'))
    expect(names.at(-1)).toBe('words')
    for (const item of items) expect(item?.[0]).toMatch(CID)
    const cids = items.map((item) => item![0])
    const sorted = (list: (string | undefined)[]) => [...list].sort()
    // Global options stand before or after the command.
    const quiet = await runCli(['--data-dir', node.dataDir, 'publish', '-q', '-r', folder])
    expect(sorted(quiet.stdout.trimEnd().split('\n'))).toEqual(sorted(cids))
    const quieter = await node.ok(['publish', '-Q', '-r', folder])
    expect(quieter.stdout).toBe(`${cids.at(-1)}\n`)

    const { added, summary } = await publish(node, ['-r', folder])
    expect(sorted(added.map(({ cid }) => cid))).toEqual(sorted(cids))
    for (const item of added) {
      expect(item).toMatchObject({
        newBytes: 0,
        sizeBytes: expect.any(Number),
        chunks: expect.any(Number),
      })
    }
    expect(summary).toMatchObject({
      root: cids.at(-1),
      files: 2,
      sizeBytes: 7,
      newBytes: 0,
      announced: expect.any(Boolean),
    })
    // A folder needs to be asked for, and nothing is published when one source is missing.
    expectError(await node.run(['publish', folder]), 'INVALID_ARGUMENT', 2, /-r/)
    const missing = await node.run(['publish', join(source, 'not there')])
    expectError(missing, 'NOT_FOUND', 4)
    expect(missing.stderr).toContain('not there')
  })

  test('publish: --only-hash gives the same CID and stores nothing', async () => {
    const path = join(source, 'hash only')
    await writeRandomFile(path, 3 * MIB + 1, 11)
    const before = await verify(node)
    const hash = await publish(node, ['--only-hash', path])
    expect(await verify(node)).toEqual(before)
    expectError(await node.run(['cat', hash.cid, '--timeout', '300ms']), 'NOT_FOUND', 4)
    expect((await publish(node, [path])).cid).toBe(hash.cid)
    // Other chunkings are other files; the same one is the same.
    const cids = new Set([hash.cid])
    for (const args of [
      ['--chunk-size', '64KiB'],
      ['--chunk-size', '1MiB'],
      ['--chunker', 'fastcdc'],
    ]) {
      const first = await publish(node, ['--only-hash', ...args, path])
      const { cid } = await publish(node, [...args, path])
      expect(first.cid).toBe(cid)
      cids.add(cid)
      expect(sha256((await node.ok(['cat', cid])).bytes)).toBe(sha256(await readFile(path)))
    }
    expect(cids.size).toBe(4)
  })

  test('publish: the same bytes again are stored once', async () => {
    const path = join(source, 'twice')
    await writeRandomFile(path, 2 * MIB, 12)
    const first = await publish(node, [path])
    expect(first.added[0]!.newBytes).toBeGreaterThanOrEqual(2 * MIB)
    const second = await publish(node, [path])
    expect(second.cid).toBe(first.cid)
    expect(second.added[0]!.newBytes).toBe(0)
  })

  test('cat: any range, every spelling of a CID, a path below a folder', async () => {
    const folder = join(source, 'ranges')
    mkdirSync(folder)
    const bytes = randomBytes(3 * CHUNK_BYTES + 17, 13)
    writeFileSync(join(folder, 'file'), bytes)
    const { added, cid: root } = await publish(node, ['-r', folder])
    const cid = added[0]!.cid
    for (const [offset, length] of [
      [0, 1],
      [CHUNK_BYTES - 1, 2],
      [CHUNK_BYTES, CHUNK_BYTES],
      [bytes.length - 1, 100],
      [bytes.length, 5],
      [bytes.length + 5, 5],
      [5, 0],
    ] as const) {
      const result = await node.ok(['cat', cid, '--offset', `${offset}`, '--length', `${length}`])
      const expected = bytes.subarray(offset, offset + length)
      expect(result.bytes.equals(expected), `${offset}+${length}`).toBe(true)
    }
    const tail = await node.ok(['cat', cid, '--offset', `${3 * CHUNK_BYTES}`])
    expect(tail.bytes.equals(bytes.subarray(3 * CHUNK_BYTES))).toBe(true)
    for (const name of [`/ipfs/${cid}`, `ipfs://${cid}`, `${root}/file`, `/ipfs/${root}/file`]) {
      expect((await node.ok(['cat', name])).bytes.equals(bytes), name).toBe(true)
    }
    // Of a single chunk: a raw CID is a file of one chunk.
    const { cid: small } = await publish(node, ['--chunk-size', '4MiB', join(folder, 'file')])
    expect((await node.ok(['cat', small])).bytes.equals(bytes)).toBe(true)
    expectError(await node.run(['cat', `${root}/nothing`]), 'NOT_FOUND', 4)
    const directory = await node.run(['cat', root])
    expect(directory.code).not.toBe(0)
    expect(directory.stderr).toMatch(/director|folder/)
    expect(directory.stdout).toBe('')
  })

  test('ls and stat: what is in a folder, what a file is', async () => {
    const folder = join(source, 'listing')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    const bytes = randomBytes(2 * CHUNK_BYTES + 1, 14)
    writeFileSync(join(folder, 'file'), bytes)
    writeFileSync(join(folder, 'sub', 'inner'), 'inner')
    symlinkSync('file', join(folder, 'link'))
    const { added, cid } = await publish(node, ['-r', folder, '--name', 'a listing'])
    const file = added.find(({ name }) => name.endsWith('/file'))!.cid
    const entries = jsonLines((await node.ok(['ls', cid, '--json'])).stdout)
    expect(entries).toMatchObject([
      { name: 'file', kind: 'file', cid: file, sizeBytes: bytes.length },
      { name: 'link', kind: 'symlink', sizeBytes: 0 },
      { name: 'sub', kind: 'directory', sizeBytes: 5 },
    ])
    expect((await node.ok(['ls', `${cid}/sub`])).stdout).toContain('inner')
    const long = (await node.ok(['ls', '-l', cid])).stdout
    for (const word of ['file', 'link', 'sub', file]) expect(long).toContain(word)
    const pinned = jsonLines((await node.ok(['ls', '--json'])).stdout)
    expect(pinned.find((pin) => pin.cid === cid)).toMatchObject({
      name: 'a listing',
      kind: 'directory',
    })

    const stat = JSON.parse((await node.ok(['stat', `${cid}/file`, '--json'])).stdout)
    expect(stat).toMatchObject({
      cid: file,
      kind: 'file',
      sizeBytes: bytes.length,
      chunks: 3,
      chunkSizeBytes: CHUNK_BYTES,
      sha256: sha256(bytes),
    })
    expect(stat.copies).toEqual(
      expect.arrayContaining([expect.objectContaining({ peerId: node.peerId })]),
    )
    const dir = JSON.parse((await node.ok(['stat', cid, '--json'])).stdout)
    expect(dir).toMatchObject({ cid, kind: 'directory', sizeBytes: bytes.length + 5 })
  })

  test('get: refuses to overwrite, takes --force, keeps what is there when it fails', async () => {
    const path = join(source, 'to get')
    await writeRandomFile(path, MIB, 15)
    const { cid } = await publish(node, [path])
    const target = join(out, 'got')
    const got = await get(node, cid, target)
    expect(got).toMatchObject({ cid, sizeBytes: MIB, resumedBytes: MIB, peers: [] })
    expect((await readFile(target)).equals(await readFile(path))).toBe(true)
    await writeFile(target, 'mine')
    const refused = await node.run(['get', cid, '-o', target])
    expectError(refused, 'ALREADY_EXISTS', 1, /--force/)
    expect(await readFile(target, 'utf8')).toBe('mine')
    await get(node, cid, target, ['--force'])
    expect((await readFile(target)).equals(await readFile(path))).toBe(true)
    // Without -o it lands in the current folder, under its name or its CID.
    const cwd = tempDir()
    await node.ok(['get', cid], { cwd })
    const [name] = await readdir(cwd)
    expect((await readFile(join(cwd, name!))).equals(await readFile(path))).toBe(true)
    // Nothing else is left beside what was got.
    expect((await readdir(out)).sort()).toEqual(['got'])
  })

  test('get: a symlink that would leave the output folder is named, not made; exit 3', async () => {
    const folder = join(source, 'links')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'file'), 'here')
    symlinkSync('../file', join(folder, 'sub', 'inside'))
    symlinkSync('../../outside', join(folder, 'sub', 'escapes'))
    symlinkSync('/etc/passwd', join(folder, 'absolute'))
    const { cid } = await publish(node, ['-r', folder])
    const target = join(out, 'links')
    const result = await node.run(['get', cid, '-o', target])
    expect(result.code, result.stderr).toBe(3)
    expect(result.stderr).toContain('escapes')
    expect(result.stderr).toContain('absolute')
    expect(await readFile(join(target, 'file'), 'utf8')).toBe('here')
    expect(await readlink(join(target, 'sub', 'inside'))).toBe('../file')
    expect([...(await describeTree(target)).keys()].sort()).toEqual(['file', 'sub', 'sub/inside'])
  })

  test('get: --force does not write through a symlink that stands in its way', async () => {
    const folder = join(source, 'trap')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'sub', 'file'), 'new')
    writeFileSync(join(folder, 'top'), 'new')
    const { cid } = await publish(node, ['-r', folder])
    const elsewhere = tempDir()
    writeFileSync(join(elsewhere, 'file'), 'old')
    writeFileSync(join(elsewhere, 'top'), 'old')
    const target = join(out, 'trap')
    mkdirSync(target)
    symlinkSync(elsewhere, join(target, 'sub'))
    symlinkSync(join(elsewhere, 'top'), join(target, 'top'))
    await node.run(['get', cid, '-o', target, '--force'])
    expect(await readFile(join(elsewhere, 'file'), 'utf8')).toBe('old')
    expect(await readFile(join(elsewhere, 'top'), 'utf8')).toBe('old')
  })

  test('pin and gc: what is pinned stays, what is not goes, --dry-run only tells', async () => {
    const kept = join(source, 'kept')
    const loose = join(source, 'loose')
    await writeRandomFile(kept, 3 * MIB, 16)
    await writeRandomFile(loose, 5 * MIB, 17)
    const keep = await publish(node, [kept])
    const drop = await publish(node, ['--no-pin', loose])
    const pins = async () =>
      jsonLines<{ cid: string }>((await node.ok(['pin', 'ls', '--json'])).stdout).map(
        ({ cid }) => cid,
      )
    expect(await pins()).toContain(keep.cid)
    expect(await pins()).not.toContain(drop.cid)
    const dry = await node.ok(['gc', '--dry-run'])
    expect(dry.stdout).toMatch(/\d/)
    expect((await node.ok(['cat', drop.cid])).bytes.length).toBe(5 * MIB)
    await node.ok(['gc'])
    const gone = await node.run(['cat', drop.cid, '--timeout', '300ms'])
    expectError(gone, 'NOT_FOUND', 4)
    expect((await node.ok(['cat', keep.cid])).bytes.length).toBe(3 * MIB)

    await node.ok(['pin', 'rm', keep.cid])
    expect(await pins()).not.toContain(keep.cid)
    await node.ok(['pin', 'add', keep.cid])
    await node.ok(['gc'])
    expect((await node.ok(['cat', keep.cid])).bytes.length).toBe(3 * MIB)
    await node.ok(['pin', 'rm', keep.cid])
    await node.ok(['gc'])
    expectError(await node.run(['cat', keep.cid, '--timeout', '300ms']), 'NOT_FOUND', 4)
    expectError(await node.run(['pin', 'rm', keep.cid]), 'NOT_FOUND', 4)
    expect((await verify(node)).damaged).toBe(0)
  })

  test('publish --ttl: what has expired is no longer pinned, and gc frees it', async () => {
    const path = join(source, 'short-lived')
    await writeRandomFile(path, MIB, 18)
    const { cid } = await publish(node, ['--ttl', '1s', path])
    expect((await node.ok(['cat', cid])).bytes.length).toBe(MIB)
    await eventually('the pin expires', async () => {
      await node.ok(['gc'])
      return (await node.run(['cat', cid, '--timeout', '300ms'])).code === 4
    })
    expect((await node.ok(['pin', 'ls'])).stdout).not.toContain(cid)
  })

  test('interrupt: Ctrl-C ends a command with exit 130 and keeps what was done', async () => {
    const big = join(source, 'big')
    await writeRandomFile(big, 600 * MIB, 19)
    const command = spawnCli(['publish', '--json', big, '--data-dir', node.dataDir])
    const ended = new Promise((resolve) => command.once('close', resolve))
    const before = (await status(node)).content.bytes
    await eventually(
      'bytes are stored',
      async () => (await status(node)).content.bytes > before + 20 * MIB,
    )
    command.kill('SIGINT')
    expect(await ended).toBe(130)
    // The work of a client that went ends with it.
    await healthy(node)
    const { summary } = await publish(node, [big])
    expect(summary.newBytes).toBeLessThan(590 * MIB)
    await node.ok(['pin', 'rm', summary.root])
    await node.ok(['gc'])
  })

  test('status and diag: one screen, a bundle without secrets, healthy or not', async () => {
    const screen = JSON.parse((await node.ok(['status', '--json'])).stdout)
    expect(screen).toMatchObject({
      peerId: node.peerId,
      mode: 'hybrid',
      peers: expect.any(Number),
      disks: [expect.any(Object)],
      content: { files: expect.any(Number), chunks: expect.any(Number), bytes: expect.any(Number) },
      health: { ok: true, problems: [] },
    })
    expect(screen.cluster).toHaveProperty('leader')
    expect((await node.ok(['status'])).stdout).toContain(node.peerId)
    const { stdout } = await node.ok(['diag'])
    const key = await readFile(join(node.dataDir, 'identity.key'))
    expect(stdout).toContain(node.peerId)
    expect(stdout).not.toContain(node.token)
    expect(stdout).not.toContain(key.subarray(4, 36).toString('base64').slice(0, 30))
    expect((await node.run(['diag', 'healthy'])).code).toBe(0)
  })

  test('API: no token, a foreign Host or a web page get nothing; exit 12', async () => {
    const route = `${node.api}/v1/content/zz`
    const headers = { authorization: `Bearer ${node.token}` }
    expect((await fetch(route)).status).toBe(401)
    expect((await fetch(route, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    expect((await fetch(route, { headers })).status).toBe(400)
    const origin = await fetch(route, { headers: { ...headers, origin: 'https://evil.example' } })
    expect(origin.status).toBe(403)
    for (const path of ['health', 'ready', 'metrics']) {
      expect((await fetch(`${node.api}/${path}`)).status, path).toBe(200)
    }
    // A command whose token is no longer right says so.
    const api = JSON.parse(await readFile(join(node.dataDir, 'api.json'), 'utf8'))
    await writeFile(join(node.dataDir, 'api.json'), JSON.stringify({ ...api, token: 'wrong' }))
    try {
      expectError(await node.run(['id']), 'UNAUTHENTICATED', 12)
    } finally {
      await writeFile(join(node.dataDir, 'api.json'), JSON.stringify(api))
    }
    await node.ok(['id'])
  })
})

describe('no node', () => {
  test('offline: with no node, content commands work on the directory itself', async () => {
    const node = new TestNode({}, tempDir('dps-node-'))
    const nowhere = await runCli(['ls', '--data-dir', join(tempDir(), 'nothing')])
    expectError(nowhere, 'FAILED_PRECONDITION', 10, /init/)
    await node.ok(['init'])
    const path = join(tempDir(), 'file')
    await writeRandomFile(path, 3 * MIB, 21)
    const { cid, summary } = await publish(node, [path])
    expect(summary.announced).toBe(false)
    expect((await node.ok(['cat', cid])).bytes.equals(await readFile(path))).toBe(true)
    expect((await node.ok(['ls'])).stdout).toContain(cid)
    expect(JSON.parse((await node.ok(['stat', cid, '--json'])).stdout).sizeBytes).toBe(3 * MIB)
    expect(await verify(node)).toMatchObject({ damaged: 0 })
    expect((await node.ok(['pin', 'rm', cid])).code).toBe(0)
    await node.ok(['gc'])
    // Commands that need others say that there is no node.
    for (const args of [
      ['cat', cid],
      ['swarm', 'peers'],
      ['routing', 'findprovs', cid],
      ['ping', '12D3KooW'],
    ]) {
      const result = await node.run(args)
      expectError(result, 'UNAVAILABLE', 1, /^hint: start one with: npx dps-node/)
      expect(result.stderr).toMatch(/^error: no node is running on /)
    }
    // The same peer and the same content when it starts.
    const again = await publish(node, [path])
    await node.start()
    expect((await node.ok(['cat', again.cid])).bytes.length).toBe(3 * MIB)
    await node.stop()
  })
})

describe('verify', () => {
  /** Flips a bit of these bytes wherever they lie in LevelDB's tables; the node must be down. */
  async function damage(node: TestNode, bytes: Buffer): Promise<number> {
    // Opening the database moves what is in its log into a table, where nothing but our own
    // checksum watches over it.
    await node.ok(['ls'])
    const chunks = join(node.dataDir, 'disk', 'chunks')
    let hits = 0
    for (const name of await readdir(chunks)) {
      if (!name.endsWith('.ldb')) continue
      const path = join(chunks, name)
      const raw = await readFile(path)
      const at = raw.indexOf(bytes)
      if (at < 0) continue
      raw[at] = raw[at]! ^ 0x01
      await writeFile(path, raw)
      hits++
    }
    return hits
  }

  test('verify: names what is damaged with exit 3, and --repair fetches it again', async () => {
    const server = await spawnNode()
    const node = await spawnNode({ bootstrap: server.addrs })
    const source = tempDir()
    const content = randomBytes(2 * MIB, 31)
    writeFileSync(join(source, 'file'), content)
    const { cid } = await publish(server, [join(source, 'file')])
    await publish(node, [join(source, 'file')])
    await node.stop()
    expect(await damage(node, content.subarray(MIB + 1000, MIB + 1032))).toBeGreaterThan(0)

    const found = await node.run(['verify', '--json'])
    expect(found.code, found.stderr).toBe(3)
    const lines = jsonLines(found.stdout)
    expect(lines[0]).toMatchObject({ event: 'damaged', cid: expect.stringMatching(CID) })
    expect(lines[0]!.reason).toEqual(expect.any(String))
    expect(lines.at(-1)).toMatchObject({ event: 'summary', damaged: 1, repaired: 0 })
    const chunk = sha256(content.subarray(MIB, MIB + CHUNK_BYTES))
    expect(chunk).toHaveLength(64)

    // Reading it is an error, never wrong bytes; with a node, it comes from another peer.
    const cat = await node.run(['cat', cid])
    expect(cat.code).not.toBe(0)
    expect(content.subarray(0, cat.bytes.length).equals(cat.bytes)).toBe(true)
    await node.start()
    await node.connectedTo(server)
    const repair = await node.run(['verify', '--repair', '--json'])
    expect(repair.code, repair.stderr).toBe(0)
    expect(lastLine<VerifySummary>(repair.stdout)).toMatchObject({ damaged: 1, repaired: 1 })
    expect((await node.ok(['cat', cid])).bytes.equals(content)).toBe(true)
    expect(await verify(node, [cid])).toMatchObject({ damaged: 0 })
    expect(await verify(node)).toMatchObject({ damaged: 0 })
    await node.stop()
    await server.stop()
  })

  test('verify: publishing the bytes again stores the damaged chunk again', async () => {
    const node = new TestNode({}, tempDir('dps-node-'))
    await node.ok(['init'])
    const source = tempDir()
    const content = randomBytes(MIB, 32)
    writeFileSync(join(source, 'file'), content)
    const { cid } = await publish(node, [join(source, 'file')])
    expect(await damage(node, content.subarray(1000, 1032))).toBeGreaterThan(0)
    const again = await publish(node, [join(source, 'file')])
    expect(again.cid).toBe(cid)
    expect(again.added[0]!.newBytes).toBe(CHUNK_BYTES)
    expect((await node.ok(['cat', cid])).bytes.equals(content)).toBe(true)
    expect(await verify(node)).toMatchObject({ damaged: 0 })
  })
})

describe('swarm', () => {
  test('swarm: connect, ping, find, provide, disconnect, by prefix and by name', async () => {
    const a = await spawnNode({ flags: ['--name', 'alpha'] })
    const b = await spawnNode({ flags: ['--name', 'beta'] })
    const self = await a.run(['swarm', 'connect', a.addrs[0]!])
    expect(self.code).not.toBe(0)
    await a.ok(['swarm', 'connect', b.addrs[0]!])
    await b.connectedTo(a)
    for (const name of [b.peerId, b.peerId.slice(0, 16), 'beta']) {
      const { stdout } = await a.ok(['ping', name, '-n', '2'])
      expect(stdout.split('\n').filter((line) => /ms/.test(line)).length).toBeGreaterThanOrEqual(2)
    }
    expectError(await a.run(['ping', 'nobody-of-that-name']), 'NOT_FOUND', 4)
    expect((await a.ok(['swarm', 'addrs'])).stdout).toContain(b.peerId)
    const path = join(tempDir(), 'file')
    await writeRandomFile(path, KIB, 41)
    const { cid } = await publish(a, ['--no-pin', path])
    await a.ok(['routing', 'provide', cid])
    const found = await b.ok(['routing', 'findprovs', cid, '--json'])
    expect(jsonLines(found.stdout)).toMatchObject([{ peerId: a.peerId, addrs: expect.any(Array) }])
    await a.ok(['swarm', 'disconnect', 'beta'])
    await a.stop()
    await b.stop()
  })

  test('publish --replicate: makes copies where it may, says which, exit 3 when fewer', async () => {
    const a = await spawnNode()
    const env = { DPS_EXCHANGE_ALLOW: a.peerId }
    const [willing, unwilling] = await Promise.all([
      spawnNode({ bootstrap: a.addrs, env }),
      spawnNode({ bootstrap: a.addrs }),
    ])
    await a.connectedTo(willing, unwilling)
    const path = join(tempDir(), 'file')
    await writeRandomFile(path, 5 * MIB, 42)
    const one = await a.ok(['publish', '--json', '--replicate', '1', path])
    expect(one.stdout).toContain(willing.peerId)
    const { cid } = publishedOf(one.stdout)
    const two = await a.run(['publish', '--json', '--replicate', '2', path])
    expect(two.code, two.stderr).toBe(3)
    expect(publishedOf(two.stdout).cid).toBe(cid)
    expect(`${two.stdout}${two.stderr}`).toContain('PERMISSION_DENIED')
    // A copy is a whole one, and it stays.
    await a.kill('SIGKILL')
    await willing.ok(['gc'])
    expect((await willing.ok(['cat', cid])).bytes.equals(await readFile(path))).toBe(true)
    expect(await verify(willing)).toMatchObject({ damaged: 0 })
    expect((await verify(unwilling)).checked).toBe(0)
  })
})

test('lifecycle: SIGTERM in the middle of work ends cleanly, and nothing is lost', async () => {
  const node = await spawnNode()
  const source = tempDir()
  await writeRandomFile(join(source, 'small'), MIB, 51)
  await writeRandomFile(join(source, 'big'), 500 * MIB, 52)
  const { cid } = await publish(node, [join(source, 'small')])
  const command = spawnCli(['publish', join(source, 'big'), '--data-dir', node.dataDir])
  const ended = new Promise((resolve) => command.once('close', resolve))
  await eventually('bytes are stored', async () => (await status(node)).content.bytes > 30 * MIB)
  const startedAt = performance.now()
  await node.stop()
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(await ended).toBe(1)
  expect(node.log).not.toMatch(/Unhandled|AssertionError/)
  await node.start()
  expect((await node.ok(['cat', cid])).bytes.length).toBe(MIB)
  expect(await verify(node)).toMatchObject({ damaged: 0 })
  await node.stop()
})
