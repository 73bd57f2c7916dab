import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DpsError } from '../src/base/index.js'
import {
  defaultConfigFile,
  editDistance,
  envNameOf,
  formatDuration,
  formatSetting,
  formatSize,
  isPeerId,
  loadSettings,
  loadSettingsWithSources,
  nearestOf,
  packageVersion,
  parseConfigFile,
  parseDuration,
  parseEnvironment,
  parseSetting,
  parseSize,
  settingsMarkdown,
  settingsTable,
  settingValue,
  splitHostPort,
} from '../src/config.js'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dps-config-'))
})
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true })
})

const writeConfig = (text: string) => writeFile(join(dataDir, 'config.toml'), text)
const load = (env: Record<string, string> = {}, flags: Record<string, unknown> = {}) =>
  loadSettings({ dataDir, env, flags })

async function problemOf(work: () => unknown): Promise<DpsError> {
  try {
    await work()
  } catch (error) {
    expect(error).toBeInstanceOf(DpsError)
    return error as DpsError
  }
  throw new DpsError('INTERNAL', 'nothing was thrown')
}

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['256KiB', 262_144],
    ['1MB', 1_000_000],
    ['1.5 GB', 1_500_000_000],
    ['0.5kib', 512],
    ['12B', 12],
  ])('size: %s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each([
    '',
    'KiB',
    '1 K',
    '1k',
    '-1',
    '+1',
    '1e3',
    '0.3B',
    '1.KiB',
    '.5KiB',
    '1KiB ',
    '1  KiB',
    '0x10',
    '9007199254740993',
    '99999PiB',
    '1KiB2',
  ])('size: %j is refused', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })

  test('size: what is written is read back exactly', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes))
  })

  test('size: any text gives whole bytes or nothing', () => {
    const nearly = fc.stringMatching(/^[0-9.]{0,6} ?[kKmMgGiIbB]{0,3}$/)
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        const bytes = parseSize(text)
        return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)
      }),
    )
  })
})

describe('durations', () => {
  test.each([
    ['30s', 30_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['1m1ms', 60_001],
    ['0s', 0],
  ])('duration: %s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each([
    '',
    '30',
    '30 s',
    's',
    '-1s',
    '1s1h',
    '1h1h',
    '1.0001s',
    '1y',
    '1S',
    '1h ',
    '9999999999999999s',
  ])('duration: %j is refused', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  test('duration: what is written is read back exactly', () => {
    fc.assert(fc.property(fc.nat(2 ** 45), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe('addresses', () => {
  test.each([
    ['127.0.0.1:4180', { host: '127.0.0.1', port: 4180 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['node1.lan:80', { host: 'node1.lan', port: 80 }],
    ['::1:80', undefined],
    ['127.0.0.1', undefined],
    ['127.0.0.1:65536', undefined],
    ['127.0.0.256:80', undefined],
    ['[127.0.0.1]:80', undefined],
    ['http://x:80', undefined],
    [':80', undefined],
  ])('host and port: %s', (text, expected) => {
    expect(splitHostPort(text)).toEqual(expected)
  })

  const PEER = '12D3KooWGC6TvWhfapngX6wvJHZtMYhFKRKGNhA7tSBKJrjVHFcH'
  test.each([
    ['/ip4/0.0.0.0/tcp/4101', true],
    ['/ip6/::/tcp/0', true],
    [`/dns4/node1.example.org/tcp/4101/p2p/${PEER}`, true],
    ['/ip4/0.0.0.0/udp/4101/quic-v1', false],
    ['/ip4/300.0.0.1/tcp/4101', false],
    ['/ip4/1.2.3.4/tcp/99999', false],
    ['/ip4/1.2.3.4/tcp/1/p2p/12D3', false],
    ['1.2.3.4:4101', false],
    ['/ip4/1.2.3.4/tcp/1/', false],
  ])('multiaddr: %s', async (addr, accepted) => {
    const work = async () => parseSetting('network.bootstrap', addr, '--bootstrap')
    if (accepted) expect(await work()).toEqual([addr])
    else expect(await problemOf(work)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('peer ids: base58 of the right length', () => {
    expect(isPeerId(PEER)).toBe(true)
    expect(isPeerId(PEER.slice(0, -1))).toBe(false)
    expect(isPeerId(PEER.replace('G', '0'))).toBe(false)
    expect(isPeerId('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).toBe(true)
  })
})

describe('the table', () => {
  test('settings: the file that init writes says exactly the defaults', async () => {
    const commented = defaultConfigFile()
    expect((await parseConfigFile(commented, 'x')).size).toBe(0)
    // With its comments taken off, it is valid and changes nothing.
    const live = commented.replace(/^# ([a-z_]+ = )/gm, '$1')
    const values = await parseConfigFile(live, 'x')
    for (const { key, fallback } of settingsTable()) {
      if (key !== 'node.name' && key !== 'node.zone') expect(values.get(key), key).toEqual(fallback)
    }
    expect(values.size).toBe(settingsTable().length)
  })

  test('settings: keys, environment names and documentation agree', () => {
    const names = settingsTable().map(({ key }) => envNameOf(key))
    expect(new Set(names).size).toBe(names.length)
    expect(envNameOf('network.max_connections')).toBe('DPS_NETWORK_MAX_CONNECTIONS')
    const table = settingsMarkdown()
    for (const { key } of settingsTable()) {
      expect(key).toMatch(/^[a-z]+\.[a-z_]+$/)
      expect(table).toContain(`| \`${key}\` |`)
    }
  })

  test('settings: every default is a value that its own shape accepts', () => {
    for (const { key, fallback, shape } of settingsTable()) {
      const toml = parse(`x = ${shape.toToml(fallback)}`).x
      expect(shape.fromToml(toml), key).toEqual(fallback)
    }
  })
})

describe('sources', () => {
  test('settings: flags win over environment over file over default', async () => {
    await writeConfig('[node]\nzone = "file"\nname = "file"\n[gc]\ninterval = "2h"\n')
    const env = { DPS_NODE_ZONE: 'env', DPS_NODE_NAME: 'env' }
    const { settings, sources } = await loadSettingsWithSources({
      dataDir,
      env,
      flags: { 'node.name': 'flag', 'log.level': undefined },
    })
    expect(settings.node).toEqual({ name: 'flag', zone: 'env', mode: 'hybrid' })
    expect(settings.gc.intervalMs).toBe(7_200_000)
    expect(settings.log.level).toBe('info')
    expect(settings).toMatchObject({ dataDir, offline: false, version: packageVersion() })
    expect(
      ['node.name', 'node.zone', 'gc.interval', 'log.level'].map((key) => sources.get(key)),
    ).toEqual(['flag', 'env', 'file', 'default'])
    expect(settingValue(settings, 'gc.interval')).toBe(7_200_000)
  })

  test('settings: the data directory is the flag, else DPS_PATH', async () => {
    expect((await loadSettings({ env: { DPS_PATH: dataDir } })).dataDir).toBe(dataDir)
    const both = await loadSettings({ dataDir, env: { DPS_PATH: '/elsewhere' } })
    expect(both.dataDir).toBe(dataDir)
  })

  test('settings: a node without a name is called as its host', async () => {
    expect((await load()).node.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
  })

  test('settings: defaults are never shared between two loads', async () => {
    const first = await load()
    first.network.listen.push('/ip4/1.2.3.4/tcp/1')
    expect((await load()).network.listen).toEqual(['/ip4/0.0.0.0/tcp/4101'])
  })

  test('settings: lists come as commas or as an array', async () => {
    const addrs = ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/2']
    for (const text of [addrs.join(','), addrs.join(' , '), JSON.stringify(addrs)]) {
      expect((await load({ DPS_NETWORK_LISTEN: text })).network.listen).toEqual(addrs)
    }
    expect((await load({ DPS_NETWORK_LISTEN: '' })).network.listen).toEqual([])
  })

  test('settings: words stand for nothing and everything', async () => {
    await writeConfig(
      '[store]\ncapacity = "auto"\nreserve = 5\n[gc]\ninterval = "never"\n[publish]\nttl = "forever"\n',
    )
    const { store, gc, publish } = await load()
    expect(store).toMatchObject({ capacityBytes: 0, reserveBytes: 5 })
    expect(gc.intervalMs).toBe(0)
    expect(publish.ttlMs).toBe(0)
  })
})

describe('bad values', () => {
  test.each([
    [
      '[log]\nlevel = "loud"\n',
      /log\.level in .*config\.toml: "loud"/,
      /trace, debug, info, warn or error/,
    ],
    ['[network]\nlisten = "/ip4/1.2.3.4/tcp/1"\n', /network\.listen/, /a list of TCP multiaddrs/],
    ['[network]\nlisten = [1]\n', /network\.listen.*\[1\]/, /a list/],
    ['[network]\nmax_connections = "300"\n', /network\.max_connections.*"300"/, /whole number/],
    ['[network]\nmdns = 1\n', /network\.mdns.*: 1/, /true or false/],
    ['[gc]\ninterval = 3600\n', /gc\.interval.*: 3600/, /duration.*or "never"/],
    ['[store]\ncapacity = "1MiB"\n', /store\.capacity.*"1MiB"/, /from 64MiB/],
    ['[node]\nname = "a b"\n', /node\.name.*"a b"/, /letters/],
    [
      '[network]\nlisten_on = []\n',
      /unknown setting "network\.listen_on"/,
      /did you mean network\.listen\?/,
    ],
    ['[netwrok]\n', /unknown setting "netwrok"/, /did you mean network\?/],
    ['node = 1\n', /node must be a section/, undefined],
    ['[log\n', /config\.toml:1:\d+: not valid TOML/, undefined],
  ])('settings: %j is refused', async (text, message, hint) => {
    await writeConfig(text)
    const problem = await problemOf(() => load())
    expect(problem.code).toBe('INVALID_ARGUMENT')
    expect(problem.exitCode).toBe(2)
    expect(problem.message).toMatch(message)
    if (hint !== undefined) expect(problem.hint).toMatch(hint)
  })

  test('settings: the environment is checked as the file is', async () => {
    const bad = await problemOf(() => load({ DPS_LOG_LEVEL: 'loud' }))
    expect(bad.message).toBe('bad value for DPS_LOG_LEVEL (log.level): "loud"')
    const unknown = await problemOf(() => load({ DPS_LOG_LEVLE: 'info' }))
    expect(unknown).toMatchObject({ hint: 'did you mean DPS_LOG_LEVEL?' })
    // A word too near to be chance, and somebody else's variable.
    expect(await problemOf(() => load({ DPS_NETWRK_LISTEN: '' }))).toMatchObject({
      hint: 'did you mean DPS_NETWORK_LISTEN?',
    })
    await load({ DPS_BENCHMARK_DIRECTORY: '/x', DPSX: '1' })
  })

  test('settings: all problems are told to who asks for all', async () => {
    const problems: string[] = []
    const collect = (problem: DpsError) => problems.push(problem.message)
    await parseConfigFile('[log]\nlevel = 1\nx = 2\n[nope]\n', 'c', collect)
    parseEnvironment({ DPS_GC_INTERVAL: 'x' }, collect)
    expect(problems).toHaveLength(4)
  })

  test('settings: an unknown key of the library is refused too', async () => {
    await expect(load({}, { 'log.levl': 'info' })).rejects.toMatchObject({
      hint: 'did you mean log.level?',
    })
  })

  test('settings: keys of Object.prototype are unknown', async () => {
    await writeConfig('[constructor]\nx = 1\n')
    expect((await problemOf(() => load())).message).toContain('constructor')
    expect(() => parseSetting('network.mdns', 'constructor')).toThrow(DpsError)
  })

  test('settings: any value of any key is taken or refused by name', () => {
    const keys = settingsTable().map(({ key }) => key)
    const likely = fc.constantFrom('true', '1h', '5MiB', '[]', '/ip4/1.2.3.4/tcp/1', 'a', '-1', '')
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.oneof(fc.string(), likely), (key, text) => {
        try {
          const value = parseSetting(key, text)
          // What was taken survives being written to a file.
          const toml = parse(`x = ${formatSetting(key, value)}`).x
          const row = settingsTable().find((setting) => setting.key === key)
          expect(row?.shape.fromToml(toml)).toEqual(value)
        } catch (error) {
          expect(error).toBeInstanceOf(DpsError)
          expect((error as DpsError).message).toContain(key)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('the nearest word', () => {
  test.each([
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['ca', 'abc', 3],
  ])('edits from %j to %j: %d', (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits)
  })

  test('nearest: a far word has none', () => {
    expect(nearestOf('publsh', ['publish', 'pin'])).toBe('publish')
    expect(nearestOf('frobnicate', ['publish', 'pin'])).toBeUndefined()
  })

  test('edits are a distance', () => {
    const word = fc.string({ maxLength: 8 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        const edits = editDistance(a, b)
        return (
          edits === editDistance(b, a) &&
          (edits === 0) === (a === b) &&
          edits <= Math.max(a.length, b.length) &&
          edits >= Math.abs(a.length - b.length)
        )
      }),
    )
  })
})
