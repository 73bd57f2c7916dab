/**
 * A disk that is full, for real: a small file system of its own. Needs root for the mount, and
 * says so where it is skipped.
 */
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KIB, MIB, sha256, writeRandomFile } from '../support/data.js'
import { jsonLines, type RunResult, spawnNode, TestNode } from '../support/processes.js'
import { canMount, smallDisk } from '../support/small-disk.js'
import { eventually, tempDir } from '../support/temp.js'
import {
  type Added,
  errorOf,
  healthy,
  publish,
  publishedOf,
  sha256OfContent,
  verify,
} from './commands.js'

const DISK_BYTES = 512 * MIB
const FILE_BYTES = 40 * MIB

const CAN_MOUNT = canMount()
if (!CAN_MOUNT) console.log('full disk: SKIPPED, it needs root and the right to mount')

/** What was published, and must stay as it was whatever happens. */
class Kept {
  readonly #contents: { cid: string; sha256: string }[] = []

  get size(): number {
    return this.#contents.length
  }

  add(cid: string, hash: string): void {
    this.#contents.push({ cid, sha256: hash })
  }

  take(): string {
    return this.#contents.shift()!.cid
  }

  async expectWhole(node: TestNode): Promise<void> {
    for (const { cid, sha256: hash } of this.#contents) {
      expect(await sha256OfContent(node, cid)).toBe(hash)
    }
  }
}

async function tryPublish(node: TestNode, folder: string, seed: number, sizeBytes = FILE_BYTES) {
  const path = join(folder, `file ${seed}`)
  const hash = await writeRandomFile(path, sizeBytes, seed)
  const result = await node.run(['publish', '--json', path])
  rmSync(path)
  return { result, hash }
}

function expectFull(result: RunResult): void {
  expect(result.code, result.stderr).toBe(1)
  expect(errorOf(result)).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringMatching(/full|space/),
  })
  expect(jsonLines<Added>(result.stdout).filter(({ event }) => event === 'added')).toEqual([])
}

test.skipIf(!CAN_MOUNT)('full disk: says so, loses nothing, and works again after gc', async () => {
  const node = await spawnNode({
    dataDir: join(smallDisk(DISK_BYTES)!, 'dps'),
    env: { DPS_STORE_RESERVE: '64MiB' },
  })
  const source = tempDir('dps-source-')
  const kept = new Kept()
  for (let i = 0; ; i++) {
    expect(i * FILE_BYTES).toBeLessThan(DISK_BYTES)
    const { result, hash } = await tryPublish(node, source, 900 + i)
    if (result.code !== 0) {
      expectFull(result)
      break
    }
    kept.add(publishedOf(result.stdout).cid, hash)
  }
  expect(kept.size).toBeGreaterThan(3)
  // Full is no reason to stop reading, nor to stop running.
  await kept.expectWhole(node)
  expect(node.running).toBe(true)

  // A restart on the full disk works, and finds everything.
  await node.kill('SIGKILL')
  await node.start()
  await kept.expectWhole(node)
  expect(await verify(node)).toMatchObject({ damaged: 0 })

  // Unpinning and gc give space back to the disk.
  for (let i = 0; i < 3; i++) await node.ok(['pin', 'rm', kept.take()])
  await node.ok(['gc'])
  const { result, hash } = await tryPublish(node, source, 990)
  expect(result.code, result.stderr).toBe(0)
  kept.add(publishedOf(result.stdout).cid, hash)
  await kept.expectWhole(node)
  expect(await verify(node)).toMatchObject({ damaged: 0 })
  await healthy(node)
  await node.stop()
})

test.skipIf(!CAN_MOUNT)('full disk: filled by another program, to the last byte', async () => {
  const disk = smallDisk(DISK_BYTES)!
  // Nothing held back: the database itself meets the end of the disk in the middle of a write.
  const node = await spawnNode({ dataDir: join(disk, 'dps'), env: { DPS_STORE_RESERVE: '0' } })
  const source = tempDir('dps-source-')
  const kept = new Kept()
  const first = await tryPublish(node, source, 920)
  kept.add(publishedOf(first.result.stdout).cid, first.hash)
  // Thrown off when there is no room to open in.
  const ballast = join(disk, 'dps', 'disk', 'ballast')
  await eventually(
    'the ballast is written',
    () => (statSync(ballast, { throwIfNoEntry: false })?.size ?? 0) >= 96 * MIB,
    { timeoutMs: 40_000, everyMs: 200 },
  )
  const others = join(disk, 'others')
  fillWith(others)
  expectFull((await tryPublish(node, source, 921)).result)
  await kept.expectWhole(node)
  expect(node.running).toBe(true)

  // All that is free now is the ballast, if the node needed it; and a crash comes on top.
  await node.kill('SIGKILL')
  await node.start()
  await kept.expectWhole(node)
  expect(await verify(node)).toMatchObject({ damaged: 0 })

  rmSync(others)
  await eventually('it stores again', async () => {
    const { result, hash } = await tryPublish(node, source, 922)
    if (result.code === 0) kept.add(publishedOf(result.stdout).cid, hash)
    else expectFull(result)
    return result.code === 0
  })
  await kept.expectWhole(node)
  expect(await verify(node)).toMatchObject({ damaged: 0 })
  await healthy(node)
  await node.stop()
})

/** Takes every free byte of the disk on which `path` is. */
function fillWith(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (const sizeBytes of [MIB, 4 * KIB]) {
      const block = Buffer.alloc(sizeBytes, 'other')
      try {
        for (;;) writeSync(file, block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

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
