import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageVersion } from '../../src/config.js'
import { cli, fakeNode, tempDir } from './support.js'

const CID = 'zb2rhYSxw4ZjuzgCnWSt19Q94ERaeFhu9uSqRgjSdx9bsgM6f'

/** The help of every command, in one text, as `golden/help.txt` has it. */
async function allHelp(): Promise<string> {
  const paths = ['', 'start', 'init', 'stop', 'status', 'id', 'config', 'config show', 'config get']
  paths.push('config set', 'config check', 'swarm', 'swarm peers', 'swarm addrs', 'swarm connect')
  paths.push('swarm disconnect', 'routing', 'routing findprovs', 'routing provide', 'ping', 'diag')
  paths.push('bench', 'publish', 'get', 'cat', 'ls', 'stat', 'pin', 'pin add', 'pin rm', 'pin ls')
  paths.push('gc', 'verify', 'put', 'mkdir', 'mv', 'rm', 'cluster')
  for (const name of ['status', 'invite', 'join', 'leave', 'promote', 'demote', 'remove']) {
    paths.push(`cluster ${name}`)
  }
  paths.push('cluster transfer', 'cluster recover', 'version', 'completion', 'help')
  let text = ''
  for (const path of paths) {
    const words = path === '' ? [] : path.split(' ')
    const { stdout, code, stderr } = await cli([...words, '--help'])
    expect({ path, code, stderr }).toEqual({ path, code: 0, stderr: '' })
    text += `$ dps-node ${[...words, '--help'].join(' ')}\n${stdout}\n`
  }
  return text
}

describe('help', () => {
  // Set UPDATE_GOLDEN=1 to write it anew, then read the difference.
  test('help: what every command says about itself', async () => {
    const path = new URL('golden/help.txt', import.meta.url)
    const text = await allHelp()
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text)
    expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '')
  })

  test('help: every command has an example that its own parser knows', async () => {
    const text = await allHelp()
    const examples = [...text.matchAll(/^ {2}\$ dps-node (.*)$/gm)].map((match) => match[1]!)
    expect(examples.length).toBeGreaterThan(25)
    for (const example of examples) {
      const argv = example.split(' > ')[0]!.split(' ')
      const { code, stdout } = await cli([...argv, '--help'])
      expect({ example, code, usage: stdout.startsWith('Usage: dps-node') }).toEqual({
        example,
        code: 0,
        usage: true,
      })
    }
  })

  test('help: "help COMMAND" and "COMMAND --help" say the same', async () => {
    const long = await cli(['swarm', 'connect', '--help'])
    expect((await cli(['help', 'swarm', 'connect'])).stdout).toBe(long.stdout)
    expect((await cli(['help'])).stdout).toBe((await cli(['--help'])).stdout)
  })
})

describe('usage errors', () => {
  const cases: [argv: string, message: string, hint: string][] = [
    ['pubish x', "unknown command 'pubish'", 'did you mean: dps-node publish'],
    ['frobnicate', "unknown command 'frobnicate'", 'list all commands with: dps-node --help'],
    ['start now', 'start takes no arguments', 'see: dps-node start --help'],
    ['--frob', "unknown option '--frob'", 'see: dps-node --help'],
    ['publish --only-hsh x', "unknown option '--only-hsh'", 'did you mean --only-hash?'],
    ['publish', "missing required argument 'path'", 'see: dps-node publish --help'],
    ['get', "missing required argument 'cid|path'", 'see: dps-node get --help'],
    [
      'get a b',
      "too many arguments for 'get'. Expected 1 argument but got 2",
      'see: dps-node get --help',
    ],
    ['get x -o', "option '-o, --output <out>' argument missing", 'see: dps-node get --help'],
    [
      'swarm',
      'swarm needs a command: peers, addrs, connect, disconnect',
      'see: dps-node swarm --help',
    ],
    ['swarm pers', "unknown command 'swarm pers'", 'did you mean: dps-node swarm peers'],
    ['pin zap', "unknown command 'pin zap'", 'see: dps-node pin --help'],
    ['help pubish', "unknown command 'pubish'", "did you mean 'publish'?"],
    ['help swarm pers', "unknown command 'swarm pers'", "did you mean 'peers'?"],
    ['diag sick', "unknown command 'diag sick'", 'there are: diag, diag healthy'],
    ['completion tcsh', 'no completion for "tcsh"', 'accepted: bash, zsh, fish'],
    ['ping x -n 0', 'bad value for --count: "0"', 'accepted: a whole number from 1 to 1000000'],
    [
      'cat x --offset=-1',
      'bad value for --offset: "-1"',
      'accepted: bytes: a number, or a size like 256KiB',
    ],
    [
      'pin add x --ttl soon',
      'bad value for --ttl: "soon"',
      'accepted: a duration of 1s or more, like 30s, 1h, 7d',
    ],
    [
      'publish x --chunk-size 5MiB',
      'bad value for --chunk-size: "5MiB"',
      'accepted: a size from 64KiB to 4MiB (256KiB, 10GB) or "auto"',
    ],
    [
      'publish x --ttl 5',
      'bad value for --ttl: "5"',
      'accepted: a duration from 1s (30s, 1h, 7d) or "forever"',
    ],
    ['publish x --chunker magic', 'bad value for --chunker: "magic"', 'accepted: fixed or fastcdc'],
    [
      '--api nonsense',
      'bad value for --api: "nonsense"',
      'accepted: HOST:PORT, like 127.0.0.1:4180 or [::1]:4180',
    ],
    [
      '--log-level loud',
      'bad value for --log-level: "loud"',
      'accepted: trace, debug, info, warn or error',
    ],
    ['config get nework.listen', 'unknown setting "nework.listen"', 'did you mean network.listen?'],
    ['publish - -', '"-" (stdin) goes once only', ''],
    [
      'publish x --chunker fastcdc --chunk-size 1MiB',
      '--chunk-size goes with the fixed chunker alone',
      'fastcdc chooses its own sizes: leave one of the two out',
    ],
    [`cat ${CID}/../x`, `${CID}/../x: "." and ".." are no names in content`, ''],
    ['bench --size 1', 'bad value for --size: 1 bytes', 'accepted: a size from 1MiB to 16GiB'],
  ]
  test.each(cases)('usage: %s', async (argv, message, hint) => {
    const dataDir = await tempDir()
    const words = argv.split(' ')
    const plain = await cli([...words, '--data-dir', dataDir])
    expect(plain).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `error: ${message} (INVALID_ARGUMENT)\n${hint === '' ? '' : `hint: ${hint}\n`}`,
    })
    const json = await cli(['--json', '--data-dir', dataDir, ...words])
    expect(json).toMatchObject({ code: 2, stdout: '' })
    const expected = { code: 'INVALID_ARGUMENT', message, ...(hint === '' ? {} : { hint }) }
    expect(JSON.parse(json.stderr)).toEqual({ error: expected })
  })

  test('usage: a CID that is none says what is accepted', async () => {
    const { code, stderr } = await cli(['cat', 'nonsense', '--data-dir', await tempDir()])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: .*nonsense.* \(INVALID_ARGUMENT\)\nhint: .*CIDv1/)
  })

  const noPaths = [
    ['put', 'x', 'photos'],
    ['mkdir', 'photos'],
    ['mv', '/a', 'b'],
    ['mv', 'a', '/b'],
    ['rm', '/ipfs/x'],
  ]
  test.each(noPaths)(
    'usage: %s %s %s: what is no path of the cluster is refused',
    async (...argv) => {
      const given = argv.filter((each) => each !== undefined)
      const { code, stderr } = await cli([...given, '--data-dir', await tempDir()])
      expect(code).toBe(2)
      expect(stderr).toMatch(/ is no path of the cluster .*\nhint: cluster paths start with '\/'/)
    },
  )

  test.each(['cluster_only', 'cloud'])('start: mode %s is refused, not pretended', async (mode) => {
    const dataDir = join(await tempDir(), 'new')
    const { code, stderr } = await cli(['--mode', mode, '--data-dir', dataDir])
    expect(code).toBe(1)
    expect(stderr).toContain(
      `error: mode ${mode} needs a cluster, which this version does not have yet (FAILED_PRECONDITION)\n`,
    )
    expect(existsSync(dataDir)).toBe(false)
  })
})

describe('no node, no repository', () => {
  const needsNode = ['swarm peers', 'swarm addrs', 'swarm connect x', 'swarm disconnect x', 'stop']
  needsNode.push(
    'ping 12D3KooW',
    `routing findprovs ${CID}`,
    `routing provide ${CID}`,
    'diag healthy',
  )
  test.each(needsNode)('no node: %s says so', async (argv) => {
    const dataDir = await tempDir()
    const result = await cli([...argv.split(' '), '--data-dir', dataDir])
    expect(result).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        `error: no node is running on ${dataDir} (UNAVAILABLE)\n` +
        `hint: start one with: npx dps-node --data-dir ${dataDir}\n`,
    })
  })

  const needsRepository = ['ls', 'id', 'status', 'diag', `cat ${CID}`, `get ${CID}`, 'gc', 'verify']
  needsRepository.push('pin ls', `stat ${CID}`, 'config set node.zone a', 'config check')
  test.each(needsRepository)('no repository: %s is exit 10', async (argv) => {
    const dataDir = join(await tempDir(), 'my data')
    const result = await cli([...argv.split(' '), '--data-dir', dataDir])
    expect(result).toMatchObject({
      code: 10,
      stdout: '',
      stderr:
        `error: no repository at ${dataDir} (FAILED_PRECONDITION)\n` +
        `hint: create one with: npx dps-node init --data-dir "${dataDir}"\n`,
    })
    expect(existsSync(dataDir)).toBe(false)
  })

  test('no node: what a killed node left behind is no node', async () => {
    const dataDir = await tempDir()
    const left = { url: 'http://127.0.0.1:1', token: 't', instanceId: 'i' }
    for (const pid of [2 ** 22 + 1, process.pid]) {
      await writeFile(join(dataDir, 'api.json'), JSON.stringify({ ...left, pid }))
      const { stderr } = await cli(['swarm', 'peers', '--data-dir', dataDir])
      expect(stderr).toContain('no node is running')
    }
    for (const text of ['', '{', '[]', '{"url":1}', 'null']) {
      await writeFile(join(dataDir, 'api.json'), text)
      const { stderr } = await cli(['stop', '--data-dir', dataDir])
      expect(stderr).toContain('no node is running')
    }
  })
})

describe('version and configuration', () => {
  test('version: as a word and as an option', async () => {
    const words = `dps-node ${packageVersion()}\n`
    expect(await cli(['version'])).toMatchObject({ code: 0, stdout: words })
    expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: words })
    const json = await cli(['version', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ version: packageVersion() })
  })

  test('config: get, set and show; comments stay, other lines too', async () => {
    const { dataDir, cli: run } = await fakeNode()
    const path = join(dataDir, 'config.toml')
    await writeFile(path, '# mine\n[node]\nzone = "a" # rack\n')
    expect((await run(['config', 'get', 'node.zone'])).stdout).toBe('a\n')
    expect((await run(['config', 'set', 'node.zone', 'b'])).code).toBe(0)
    expect((await run(['config', 'set', 'gc.interval', '2h'])).code).toBe(0)
    expect(
      (await run(['config', 'set', 'network.bootstrap', '/ip4/1.2.3.4/tcp/1,/ip4/1.2.3.4/tcp/2']))
        .code,
    ).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(
      '# mine\n[node]\nzone = "b" # rack\n\n[gc]\ninterval = "2h"\n\n' +
        '[network]\nbootstrap = ["/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/tcp/2"]\n',
    )
    expect((await run(['config', 'get', 'network.bootstrap'])).stdout).toBe(
      '/ip4/1.2.3.4/tcp/1\n/ip4/1.2.3.4/tcp/2\n',
    )
    expect(JSON.parse((await run(['config', 'get', 'gc.interval', '--json'])).stdout)).toBe('2h')
    const shown = (await run(['config', 'show'], { env: { DPS_NODE_NAME: 'n' } })).stdout
    expect(shown).toContain(
      '[node]\nname = "n"  # environment\nzone = "b"  # this file\nmode = "hybrid"\n',
    )
    const json = JSON.parse((await run(['config', 'show', '--json'])).stdout)
    expect(json).toMatchObject({ dataDir, gc: { interval: '2h' }, network: { mdns: true } })
  })

  test('config set: a bad value changes nothing', async () => {
    const { dataDir, cli: run } = await fakeNode()
    const path = join(dataDir, 'config.toml')
    await writeFile(path, '[node]\n')
    for (const argv of [
      ['node.zone', 'a b'],
      ['node.zoen', 'a'],
      ['gc.interval', '5'],
    ]) {
      expect((await run(['config', 'set', ...argv])).code).toBe(2)
    }
    expect(readFileSync(path, 'utf8')).toBe('[node]\n')
  })

  test('config: a broken file can be checked and mended by commands', async () => {
    const { dataDir, cli: run } = await fakeNode()
    await writeFile(
      join(dataDir, 'config.toml'),
      '[log]\nlevel = "loud"\nfromat = "json"\n[node]\nzone = 1\n',
    )
    const check = await run(['config', 'check'])
    expect(check.code).toBe(2)
    const lines = check.stderr.split('\n').filter((line) => line.startsWith('error: '))
    expect(lines).toHaveLength(3)
    expect(check.stderr).toContain('did you mean log.format?')
    // Other commands don't run on it, these do.
    expect((await run(['id'])).code).toBe(2)
    expect((await run(['version'])).code).toBe(0)
    expect((await run(['completion', 'bash'])).code).toBe(0)
  })

  test('config check: a valid file, and one whose mode cannot be had', async () => {
    const { dataDir, cli: run } = await fakeNode()
    expect((await run(['config', 'check'])).stdout).toBe(
      `${join(dataDir, 'config.toml')} is valid\n`,
    )
    await writeFile(join(dataDir, 'config.toml'), '[node]\nmode = "cloud"\n')
    expect(await run(['config', 'check'])).toMatchObject({ code: 1 })
  })

  test('config: JSON by default, and a flag after the command', async () => {
    const { cli: run } = await fakeNode()
    const { stdout } = await run(['config', 'get', 'log.level', '--log-level', 'warn'], {
      env: { DPS_OUTPUT_JSON: 'true' },
    })
    expect(stdout).toBe('"warn"\n')
  })

  test('config: a data directory that is a file is an error that names it', async () => {
    const path = join(await tempDir(), 'file')
    await writeFile(path, '')
    const { code, stderr } = await cli(['ls', '--data-dir', path])
    expect(code).toBe(10)
    expect(stderr).toContain(path)
    await mkdir(join(await tempDir(), 'x'))
  })
})
