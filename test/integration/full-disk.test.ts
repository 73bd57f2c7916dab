/**
 * A disk that is full, for real: a small file system of its own. Needs root for the mount, and
 * says so where it is skipped.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MIB, sha256, writeRandomFile } from '../support/data.js'
import { jsonLines, spawnNode, TestNode } from '../support/processes.js'
import { cleanUp, tempDir } from '../support/temp.js'
import { type Added, errorOf, healthy, publish, publishedOf, verify } from './commands.js'

const DISK_BYTES = 512 * MIB
const FILE_BYTES = 40 * MIB

/** A small ext4 on a loop device, or a tmpfs where there are no loop devices; none: undefined. */
function smallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = tempDir('dps-disk-')
  const mountPoint = join(folder, 'mnt')
  const image = join(folder, 'image')
  const run = (...args: string[]) => spawnSync(args[0]!, args.slice(1)).status === 0
  run('mkdir', mountPoint)
  const ext4 =
    run('truncate', '-s', String(DISK_BYTES), image) &&
    run('mkfs.ext4', '-q', '-m', '0', image) &&
    run('mount', '-o', 'loop', image, mountPoint)
  const mounted = ext4 || run('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'dps', mountPoint)
  if (!mounted) return undefined
  cleanUp(() => {
    if (!run('umount', mountPoint)) run('umount', '-l', mountPoint)
  })
  return mountPoint
}

const CAN_MOUNT = (() => {
  const able =
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'dps', '/mnt']).status === 0
  if (!able) console.log('full disk: SKIPPED, it needs root and the right to mount')
  return able
})()

test.skipIf(!CAN_MOUNT)(
  'full disk: says so, loses nothing, and works again with space',
  async () => {
    const dataDir = join(smallDisk()!, 'dps')
    const source = tempDir('dps-source-')
    // Nothing held back: the disk itself says that it is full.
    const node = await spawnNode({ dataDir, env: { DPS_STORE_RESERVE: '0' } })
    const kept: { cid: string; sha256: string }[] = []
    let failed: Awaited<ReturnType<TestNode['run']>> | undefined
    for (let i = 0; failed === undefined; i++) {
      expect(i * FILE_BYTES).toBeLessThan(DISK_BYTES)
      const path = join(source, `file ${i}`)
      const hash = await writeRandomFile(path, FILE_BYTES, 900 + i)
      const result = await node.run(['publish', '--json', path])
      if (result.code === 0) kept.push({ cid: publishedOf(result.stdout).cid, sha256: hash })
      else failed = result
      rmSync(path)
    }
    expect(kept.length).toBeGreaterThan(3)
    expect(failed.code).toBe(1)
    expect(errorOf(failed)).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringMatching(/full|space/),
    })
    expect(jsonLines<Added>(failed.stdout).filter(({ event }) => event === 'added')).toEqual([])
    const allThere = async () => {
      for (const { cid, sha256: hash } of kept) {
        expect(sha256((await node.ok(['cat', cid])).bytes)).toBe(hash)
      }
    }
    // Full is no reason to stop reading, nor to stop running.
    await allThere()
    expect(node.running).toBe(true)
    // A small file may or may not fit; it must not be promised and lost.
    const small = join(source, 'small')
    const smallHash = await writeRandomFile(small, MIB, 950)
    const tried = await node.run(['publish', '--json', small])
    if (tried.code === 0) kept.push({ cid: publishedOf(tried.stdout).cid, sha256: smallHash })

    // A restart on the full disk works, and finds everything.
    await node.kill('SIGKILL')
    await node.start()
    await allThere()
    expect(await verify(node)).toMatchObject({ damaged: 0 })

    // Unpinning and gc give space back to the disk, and publishing works again.
    for (const { cid } of kept.splice(0, 3)) await node.ok(['pin', 'rm', cid])
    await node.ok(['gc'])
    const path = join(source, 'again')
    const hash = await writeRandomFile(path, FILE_BYTES, 990)
    kept.push({ cid: (await publish(node, [path])).cid, sha256: hash })
    await allThere()
    expect(await verify(node)).toMatchObject({ damaged: 0 })
    await healthy(node)
    await node.stop()
  },
)

test('full disk: a node keeps to its capacity, and gc makes room again', async () => {
  const node = new TestNode({ env: { DPS_STORE_CAPACITY: String(96 * MIB) } }, tempDir('dps-node-'))
  await node.start()
  const source = tempDir('dps-source-')
  const first = join(source, 'first')
  await writeRandomFile(first, 64 * MIB, 901)
  const { cid } = await publish(node, [first])
  const second = join(source, 'second')
  const hash = await writeRandomFile(second, 64 * MIB, 902)
  const refused = await node.run(['publish', '--json', second])
  expect(refused.code).toBe(1)
  expect(errorOf(refused).code).toBe('RESOURCE_EXHAUSTED')
  expect((await node.ok(['cat', cid])).bytes.length).toBe(64 * MIB)
  await node.ok(['pin', 'rm', cid])
  await node.ok(['gc'])
  const again = await publish(node, [second])
  expect(sha256((await node.ok(['cat', again.cid])).bytes)).toBe(hash)
  expect(await verify(node)).toMatchObject({ damaged: 0 })
  await node.stop()
})
