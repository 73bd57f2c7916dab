/**
 * The namespace over real processes: paths at one node and at several, kills in the middle of puts.
 *
 * The moments of the kills come from a seed, which every run prints; `DPS_TEST_SEED=<seed>` repeats
 * them.
 */
import {
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  between,
  KIB,
  MIB,
  seededRandom,
  sha256,
  sha256OfFile,
  writeRandomFile,
} from '../support/data.js'
import { jsonLines, spawnCli, spawnNode, TestNode } from '../support/processes.js'
import { eventually, tempDir } from '../support/temp.js'
import { errorOf, lastLine, verify } from './commands.js'

const seed = Number(process.env.DPS_TEST_SEED ?? Math.floor(Math.random() * 1e9))
console.log(`namespace: seed ${seed} (DPS_TEST_SEED)`)

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Listed {
  name: string
  kind: string
  cid: string | null
  sizeBytes: number
}

async function list(node: TestNode, path: string, args: string[] = []): Promise<Listed[]> {
  const { stdout } = await node.ok(['ls', path, '--json', ...args])
  return jsonLines<Listed>(stdout)
}

async function names(node: TestNode, path: string): Promise<string[]> {
  return (await list(node, path)).map(({ name }) => name)
}

async function sha256At(node: TestNode, path: string): Promise<string> {
  return sha256((await node.ok(['cat', path])).bytes)
}

interface Freed {
  chunks: number
  bytes: number
}

async function collect(node: TestNode): Promise<Freed> {
  return lastLine<Freed>((await node.ok(['gc', '--json'])).stdout)
}

test('namespace: every command, through a node and on the directory alone', async () => {
  const node = await spawnNode()
  const source = tempDir('dps-source-')
  mkdirSync(join(source, 'photos', 'old'), { recursive: true })
  writeFileSync(join(source, 'photos', 'a.jpg'), 'a picture')
  writeFileSync(join(source, 'photos', 'old', 'b.jpg'), 'an old one', { mode: 0o600 })
  symlinkSync('old/b.jpg', join(source, 'photos', 'link'))
  const then = new Date('2011-12-13T14:15:16Z')
  utimesSync(join(source, 'photos', 'a.jpg'), then, then)
  const big = await writeRandomFile(join(source, 'big'), 70 * MIB + 3, seed)

  for (const running of [true, false]) {
    if (!running) await node.stop()
    const root = running ? '/on' : '/off'
    await node.ok(['mkdir', '-p', `${root}/deep`])
    const put = await node.ok(['put', '-r', '--json', join(source, 'photos'), root])
    expect(lastLine(put.stdout)).toMatchObject({
      event: 'summary',
      path: `${root}/photos`,
      files: 2,
      directories: 2,
      symlinks: 1,
      failed: 0,
    })
    await node.ok(['put', join(source, 'big'), `${root}/`])
    expect(await names(node, root)).toEqual(['big', 'deep', 'photos'])
    expect(await sha256At(node, `${root}/big`)).toBe(big)
    const part = await node.ok(['cat', `${root}/photos/a.jpg`, '--offset', '2', '--length', '3'])
    expect(part.stdout).toBe('pic')
    const stat = lastLine<Record<string, unknown>>(
      (await node.ok(['stat', `${root}/photos/a.jpg`, '--json'])).stdout,
    )
    expect(stat).toMatchObject({
      path: `${root}/photos/a.jpg`,
      kind: 'file',
      sizeBytes: 9,
      chunks: 1,
      sha256: sha256(Buffer.from('a picture')),
      mode: '0644',
      mtime: then.toISOString(),
      policy: 'default',
    })
    const out = join(tempDir('dps-out-'), 'photos')
    await node.ok(['get', `${root}/photos`, '-o', out])
    expect(readFileSync(join(out, 'link'), 'utf8')).toBe('an old one')
    expect(statSync(join(out, 'old', 'b.jpg')).mode & 0o777).toBe(0o600)
    expect(statSync(join(out, 'a.jpg')).mtime).toEqual(then)

    await node.ok(['mv', `${root}/photos/a.jpg`, `${root}/deep`])
    await node.ok(['mv', `${root}/deep`, `${root}/deeper`])
    expect(await names(node, `${root}/deeper`)).toEqual(['a.jpg'])
    const into = await node.run(['mv', root, `${root}/deeper/x`, '--json'])
    expect(into.code).toBe(2)
    expect(errorOf(into).code).toBe('INVALID_ARGUMENT')
    const full = await node.run(['rm', `${root}/deeper`, '--json'])
    expect({ exit: full.code, code: errorOf(full).code }).toEqual({
      exit: 1,
      code: 'FAILED_PRECONDITION',
    })
    await node.ok(['rm', '-r', `${root}/deeper`])
    const gone = await node.run(['stat', `${root}/deeper/a.jpg`])
    expect(gone.code).toBe(4)
  }
  // Both roots share their contents: only what neither has is freed.
  await node.ok(['rm', '-r', '/on'])
  expect((await collect(node)).chunks).toBe(2)
  expect(await sha256At(node, '/off/big')).toBe(big)
  await node.ok(['rm', '-r', '/off'])
  expect((await collect(node)).bytes).toBeGreaterThan(70 * MIB)
  expect(await names(node, '/')).toEqual([])
})

const KILLS = 6

test('kill -9 during put: each file is there whole or not at all, and nothing stays behind', async () => {
  const random = seededRandom(seed)
  const node = new TestNode({}, tempDir('dps-node-'))
  await node.ok(['init'])
  const source = tempDir('dps-source-')
  const expected = new Map<string, string>()
  let sourceBytes = 0
  for (let i = 0; i < 30; i++) {
    const sizeBytes = i % 10 === 0 ? between(random, 8, 24) * MIB : between(random, 0, 300) * KIB
    const name = `file ${i}`
    expected.set(name, await writeRandomFile(join(source, name), sizeBytes, seed + i))
    sourceBytes += sizeBytes
  }
  let cut = 0
  for (let attempt = 0; attempt < KILLS; attempt++) {
    const context = `seed ${seed}, attempt ${attempt}`
    const byNode = attempt % 2 === 0
    if (byNode && !node.running) await node.start()
    if (!byNode && node.running) await node.stop()
    const target = `/try ${attempt}`
    await node.ok(['mkdir', target])
    const command = spawnCli(['put', '-r', source, target, '--json', '--data-dir', node.dataDir])
    let told = ''
    command.stdout?.on('data', (bytes: Buffer) => {
      told += bytes.toString()
    })
    const ended = new Promise((resolve) => command.once('close', resolve))
    await sleep(between(random, 200, 900))
    await eventually(`${context}: it has begun`, () => told !== '' || command.exitCode !== null, {
      timeoutMs: 60_000,
      everyMs: 5,
    })
    await sleep(random() * 200)
    if (byNode) await node.kill('SIGKILL')
    else command.kill('SIGKILL')
    await ended
    if (!told.includes('"summary"')) cut++

    // By turns on the directory alone and through a node that starts again.
    if (attempt % 4 < 2) await node.start()
    const promised = jsonLines<{ event: string; kind: string; name: string }>(
      told.slice(0, told.lastIndexOf('\n') + 1),
    ).filter(({ event, kind }) => event === 'added' && kind === 'file')
    const [folder] = await list(node, target)
    const there = folder === undefined ? [] : await list(node, `${target}/${folder.name}`)
    const found = new Set(there.map(({ name }) => name))
    for (const { name } of promised) expect(found, context).toContain(name)
    await collect(node)
    if (folder !== undefined) {
      const out = join(tempDir('dps-out-'), 'got')
      await node.ok(['get', `${target}/${folder.name}`, '-o', out])
      for (const { name } of there) {
        const path = join(out, name)
        expect(await sha256OfFile(path), `${context}: ${name}`).toBe(expected.get(name))
      }
      rmSync(out, { recursive: true })
    }
    expect(await verify(node), context).toMatchObject({ damaged: 0 })
    await node.ok(['rm', '-r', target])
    const { bytes } = await collect(node)
    expect(bytes, context).toBeLessThanOrEqual(sourceBytes + MIB)
    // Everything is gone: nothing was leaked by the kill.
    const { checked } = await verify(node)
    expect(checked, context).toBe(0)
  }
  expect(cut).toBeGreaterThanOrEqual(KILLS / 4)
})

test('namespace: members see one tree, and read what another one holds', async () => {
  const [first, second] = await Promise.all([spawnNode(), spawnNode()])
  const { token } = lastLine<{ token: string }>(
    (await first!.ok(['cluster', 'invite', '--json'])).stdout,
  )
  await second!.ok(['cluster', 'join', token])
  const source = tempDir('dps-source-')
  const expected = await writeRandomFile(join(source, 'data'), 9 * MIB + 5, seed + 1)
  await first!.ok(['put', join(source, 'data'), '/data'])
  // At once: reads are linearizable wherever they are made.
  expect(await names(second!, '/')).toEqual(['data'])
  expect(await sha256At(second!, '/data')).toBe(expected)
  await second!.ok(['put', join(source, 'data'), '/copy'])
  await second!.ok(['mv', '/copy', '/renamed'])
  expect(await names(first!, '/')).toEqual(['data', 'renamed'])
  const { holders } = lastLine<{ holders: string[] }>(
    (await first!.ok(['stat', '/renamed', '--json'])).stdout,
  )
  expect(holders.sort()).toEqual([first!.peerId, second!.peerId].sort())
  // A directory of a cluster of two is worth nothing without the other: that is said.
  await second!.stop()
  const alone = await second!.run(['ls', '/', '--json'])
  expect({ exit: alone.code, code: errorOf(alone).code }).toEqual({ exit: 1, code: 'UNAVAILABLE' })
  const stale = await second!.ok(['ls', '/', '--stale', '--json'])
  expect(jsonLines<Listed>(stale.stdout).map(({ name }) => name)).toEqual(['data', 'renamed'])
})
