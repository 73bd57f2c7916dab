/** Publish 2 GiB through a running node, and the same again when it is stored. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import {
  GIB,
  MIB,
  median,
  note,
  publish,
  ROUNDS,
  randomFile,
  rate,
  report,
  startNode,
  tempPath,
  unpinAndCollect,
} from './harness.js'

const SIZE = Number(process.env.BENCH_PUBLISH_BYTES ?? 2 * GIB)

/** The same bytes appended to one file, made durable each 64 MiB. */
async function append(file: string): Promise<void> {
  const target = tempPath('append')
  const from = fs.openSync(file, 'r')
  const to = fs.openSync(target, 'w')
  const block = Buffer.allocUnsafe(MIB)
  for (let at = 0; at < SIZE; at += block.length) {
    const bytes = fs.readSync(from, block, 0, block.length, at)
    fs.writeSync(to, block, 0, bytes)
    if ((at + bytes) % (64 * MIB) === 0) fs.fdatasyncSync(to)
  }
  fs.fdatasyncSync(to)
  fs.closeSync(to)
  fs.closeSync(from)
  fs.unlinkSync(target)
}

/** Rate of sha256 alone, reading left out. */
function hashRate(file: string): number {
  const fd = fs.openSync(file, 'r')
  const block = Buffer.allocUnsafe(MIB)
  const hash = createHash('sha256')
  let elapsedMs = 0
  for (let at = 0; at < SIZE; at += block.length) {
    const bytes = block.subarray(0, fs.readSync(fd, block, 0, block.length, at))
    const startedAt = performance.now()
    hash.update(bytes)
    elapsedMs += performance.now() - startedAt
  }
  hash.digest()
  fs.closeSync(fd)
  return SIZE / 1e6 / (elapsedMs / 1000)
}

export async function run(): Promise<void> {
  const file = randomFile(SIZE)
  const published: number[] = []
  const appended: number[] = []
  const again: number[] = []
  const hashed: number[] = []
  await append(file)
  for (let round = 0; round < ROUNDS; round++) {
    appended.push(await rate(SIZE, () => append(file)))
    // A node of its own each round: nothing of the last one is stored, cached or compacting.
    const node = await startNode()
    let cid = ''
    published.push(
      await rate(SIZE, async () => {
        cid = await publish(node, file)
      }),
    )
    hashed.push(hashRate(file))
    again.push(await rate(SIZE, () => publish(node, file)))
    note(`publish ${published.at(-1)} append ${appended.at(-1)} again ${again.at(-1)} ${cid}`)
    await unpinAndCollect(node, cid)
    await node.destroy()
  }
  const ratios = published.map((value, i) => value / appended[i]!)
  report({
    bench: 'publish-2gib',
    unit: 'MB/s',
    value: median(published),
    baseline: median(appended),
    against: 'the same bytes appended to one file, fdatasync per 64 MiB',
    ratio: median(ratios),
    target: '>= 0.35',
    reached: median(ratios) >= 0.35,
  })
  const againRatios = again.map((value, i) => value / hashed[i]!)
  report({
    bench: 'publish-again-2gib',
    unit: 'MB/s',
    value: median(again),
    baseline: median(hashed),
    against: 'sha256 of the same bytes on one core',
    ratio: median(againRatios),
    target: '>= 0.4',
    reached: median(againRatios) >= 0.4,
  })
}
