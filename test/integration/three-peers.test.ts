/**
 * Three real nodes on loopback. B and C know A's address and nothing else: what they know of each
 * other and of who has what, they know from the DHT.
 */
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import {
  CHUNK_BYTES,
  describeTree,
  type Folder,
  GIB,
  MIB,
  randomBytes,
  sha256OfFile,
  writeOddFolder,
  writeRandomFile,
} from '../support/data.js'
import { spawnNode, type TestNode } from '../support/processes.js'
import { tempDir } from '../support/temp.js'
import {
  get,
  healthy,
  publish,
  publishedOf,
  runPiped,
  untilProvided,
  upload,
  verify,
} from './commands.js'

const FILES = 2_000
// The start of the large file: longer than 256 MiB, where chunks become larger.
const START_BYTES = 300 * MIB

let a: TestNode
let b: TestNode
let c: TestNode
let source: string
let out: string
let folder: Folder
/** CIDs by the names of what was published on A. */
const cids: Record<string, string> = {}

const SMALL = { empty: 0, 'one chunk': CHUNK_BYTES, 'one more': CHUNK_BYTES + 1 }

beforeAll(async () => {
  source = tempDir('dps-source-')
  out = tempDir('dps-out-')
  folder = await writeOddFolder(join(source, 'folder'), FILES, 1)
  await writeRandomFile(join(source, 'large'), GIB, 2)
  await writeRandomFile(join(source, 'start'), START_BYTES, 2)
  for (const [name, sizeBytes] of Object.entries(SMALL)) {
    await writeFile(join(source, name), randomBytes(sizeBytes, 3))
  }
  a = await spawnNode()
  ;[b, c] = await Promise.all([
    spawnNode({ bootstrap: a.addrs }),
    spawnNode({ bootstrap: a.addrs }),
  ])
  await Promise.all([b.connectedTo(a), c.connectedTo(a)])
}, 120_000)

test('three peers: A publishes files of every size and a folder of 2,000', async () => {
  const large = await publish(a, [join(source, 'large')])
  expect(large.added).toHaveLength(1)
  expect(large.added[0]).toMatchObject({ name: 'large', sizeBytes: GIB, chunks: 1024 + 768 })
  expect(large.summary).toMatchObject({ root: large.cid, files: 1, announced: true })
  cids.large = large.cid

  for (const [name, sizeBytes] of Object.entries(SMALL)) {
    const { added, cid } = await publish(a, [join(source, name)])
    const chunks = Math.ceil(sizeBytes / CHUNK_BYTES)
    expect(added).toMatchObject([{ name, sizeBytes, chunks }])
    cids[name] = cid
  }

  const tree = await publish(a, ['-r', join(source, 'folder')])
  expect(tree.summary).toMatchObject({ files: FILES, sizeBytes: folder.bytes, root: tree.cid })
  expect(tree.added.at(-1)).toMatchObject({ name: 'folder', cid: tree.cid })
  // Each file and each folder has its line; each line names what it is.
  expect(tree.added.length).toBe(FILES + folder.directories)
  expect(new Set(tree.added.map(({ name }) => name)).size).toBe(tree.added.length)
  cids.folder = tree.cid
})

test('three peers: a pipe and an upload of unknown length give the CID of the file', async () => {
  const path = join(source, 'start')
  const file = await publish(a, [path])
  // It is the start of the large file: nothing of it is new but its manifest.
  expect(file.summary.newBytes).toBeLessThan(MIB)
  const piped = await runPiped(a, ['publish', '--json', '-'], createReadStream(path))
  expect(publishedOf(piped).cid).toBe(file.cid)
  expect(publishedOf(piped).summary.newBytes).toBe(0)
  expect(JSON.stringify(await upload(a, path, '?name=start'))).toContain(`"${file.cid}"`)
  // Not through the node at all, and nothing stored.
  const hashed = await b.ok(['publish', '--only-hash', '-Q', path])
  expect(hashed.stdout.trim()).toBe(file.cid)

  for (const name of Object.keys(SMALL)) {
    const input = createReadStream(join(source, name))
    const { cid } = publishedOf(await runPiped(a, ['publish', '--json', '-'], input))
    expect(cid, name).toBe(cids[name])
  }
})

test('three peers: C gets by CID, byte for byte', async () => {
  for (const name of Object.keys(SMALL)) {
    const got = await get(c, cids[name]!, join(out, `c ${name}`))
    expect(got).toMatchObject({ cid: cids[name], sizeBytes: SMALL[name as keyof typeof SMALL] })
    expect(await sha256OfFile(join(out, `c ${name}`))).toBe(await sha256OfFile(join(source, name)))
  }
  const large = await get(c, cids.large!, join(out, 'c large'))
  expect(large).toMatchObject({ sizeBytes: GIB, resumedBytes: 0, peers: [a.peerId] })
  expect(await sha256OfFile(join(out, 'c large'))).toBe(await sha256OfFile(join(source, 'large')))

  await get(c, cids.folder!, join(out, 'c folder'))
  expect(await describeTree(join(out, 'c folder'))).toEqual(
    await describeTree(join(source, 'folder')),
  )
  expect((await verify(c)).damaged).toBe(0)
})

test('three peers: A is killed; B, which was told of A alone, gets it all from C', async () => {
  for (const cid of Object.values(cids)) await untilProvided(b, cid, c)
  await a.kill('SIGKILL')

  for (const name of Object.keys(SMALL)) {
    await get(b, cids[name]!, join(out, `b ${name}`))
    expect(await sha256OfFile(join(out, `b ${name}`))).toBe(await sha256OfFile(join(source, name)))
  }
  const large = await get(b, cids.large!, join(out, 'b large'))
  expect(large).toMatchObject({ sizeBytes: GIB, resumedBytes: 0, peers: [c.peerId] })
  expect(await sha256OfFile(join(out, 'b large'))).toBe(await sha256OfFile(join(source, 'large')))

  // A folder that is only read, not got: straight from C.
  const cat = await b.ok(['cat', `${cids.folder}/size 5`])
  expect(cat.bytes.equals(await readFile(join(source, 'folder', 'size 5')))).toBe(true)
  await get(b, cids.folder!, join(out, 'b folder'))
  expect(await describeTree(join(out, 'b folder'))).toEqual(
    await describeTree(join(source, 'folder')),
  )
  expect((await verify(b)).damaged).toBe(0)
  await Promise.all([healthy(b), healthy(c)])
})
