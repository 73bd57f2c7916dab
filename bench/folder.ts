/** Publish a folder of 10,000 files of 4 KiB; against plain copies with one sync at the end. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { median, note, publish, ROUNDS, report, startNode, tempPath } from './harness.js'

const FILES = 10_000
const BYTES = 4096

function makeFolder(): string {
  const folder = tempPath('folder')
  for (let i = 0; i < FILES; i++) {
    const sub = path.join(folder, `d${Math.floor(i / 500)}`)
    if (i % 500 === 0) fs.mkdirSync(sub, { recursive: true })
    fs.writeFileSync(path.join(sub, `f${i}`), randomBytes(BYTES))
  }
  return folder
}

export async function run(): Promise<void> {
  const folder = makeFolder()
  const published: number[] = []
  const copied: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const target = tempPath('copy')
    let startedAt = performance.now()
    execFileSync('cp', ['-r', folder, target])
    execFileSync('sync', ['-f', target])
    copied.push(FILES / ((performance.now() - startedAt) / 1000))
    fs.rmSync(target, { recursive: true })
    const node = await startNode()
    startedAt = performance.now()
    await publish(node, folder, true)
    published.push(FILES / ((performance.now() - startedAt) / 1000))
    note(`folder ${published.at(-1)} files/s, cp ${copied.at(-1)}`)
    await node.destroy()
  }
  report({
    bench: 'publish-folder-10000x4KiB',
    unit: 'files/s',
    value: median(published),
    baseline: median(copied),
    against: 'cp -r of the same folder and one sync at the end',
    ratio: median(published.map((value, i) => value / copied[i]!)),
    target: '>= 1500 files/s',
    reached: median(published) >= 1500,
  })
}
