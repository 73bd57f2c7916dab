import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import {
  cidOf,
  digestOf,
  FileTreeBuilder,
  fixedChunking,
  formatCid,
} from '../../src/content/index.js'
import { Verifier, type VerifyEvent } from '../../src/durability/index.js'
import { MemoryChunkStore, type NewChunk, openMeta, References } from '../../src/store/index.js'
import { all, newChunk, randomChunk } from '../support/chunk-store-suite.js'
import { cleanUp, tempDir } from '../support/temp.js'

const CHUNK = 64 * 1024

async function world() {
  const store = new MemoryChunkStore()
  const meta = await openMeta(join(tempDir(), 'meta'))
  cleanUp(() => meta.close())
  const references = new References({ meta, store })
  await references.start()
  const blocks: NewChunk[] = []
  const builder = new FileTreeBuilder(fixedChunking(CHUNK), ({ digest, bytes }) => {
    blocks.push({ digest, bytes, kind: 'manifest' })
  })
  const whole = createHash('sha256')
  for (let i = 0; i < 3; i++) {
    const chunk = newChunk(Buffer.alloc(CHUNK, `part ${i} `))
    whole.update(chunk.bytes)
    blocks.push(chunk)
    await builder.add(chunk.digest, CHUNK)
  }
  const { cid } = await builder.finish(new Uint8Array(whole.digest()))
  await store.put(blocks)
  await references.pin(cid, { name: 'holiday.jpg' })
  const other = randomChunk()
  await store.put([other])
  const refetch = async (wanted: CID) => {
    const block = blocks.find(({ digest }) => Buffer.compare(digest, digestOf(wanted)) === 0)
    if (block === undefined) throw new Error('nobody has it')
    await store.put([block])
  }
  const chunks = blocks.filter(({ kind }) => kind === 'chunk')
  return { store, references, cid, chunks, other, refetch }
}

const damages = (events: readonly VerifyEvent[]) =>
  events.filter((event) => event.type === 'damaged')
const summary = (events: readonly VerifyEvent[]) => events.at(-1)

test('verify: what is whole is whole, every chunk is looked at', async () => {
  const { store, references, cid } = await world()
  const verifier = new Verifier({ store, references })
  const events = await all(verifier.verify())
  expect(damages(events)).toEqual([])
  expect(summary(events)).toEqual({ type: 'summary', checked: 5, damaged: 0, repaired: 0 })
  expect(events.at(-2)).toMatchObject({ type: 'progress', checked: 5, total: 5 })
  expect(summary(await all(verifier.verify({ cid })))).toMatchObject({ checked: 4, damaged: 0 })
})

test('verify: a damaged chunk is named with the files that need it, again and again', async () => {
  const { store, references, chunks } = await world()
  const { digest } = chunks[1]!
  store.damage(digest)
  const verifier = new Verifier({ store, references })
  for (let i = 0; i < 2; i++) {
    const events = await all(verifier.verify())
    expect(damages(events)).toMatchObject([
      { cid: formatCid(cidOf('chunk', digest)), repaired: false, files: ['holiday.jpg'] },
    ])
    expect(summary(events)).toMatchObject({ damaged: 1, repaired: 0 })
  }
})

test('verify: bytes that pass their CRC and are not what their name says are damaged', async () => {
  const { store, references, chunks } = await world()
  await store.quarantine(chunks[0]!.digest, 'to be replaced')
  await store.put([{ ...chunks[0]!, bytes: Buffer.from('a lie') }])
  const events = await all(new Verifier({ store, references }).verify())
  expect(damages(events)).toMatchObject([{ reason: expect.stringContaining('do not match') }])
  expect(await store.has([chunks[0]!.digest])).toEqual([false])
})

test('verify: a pinned chunk that is gone whole is damage too', async () => {
  const { store, references, chunks, cid } = await world()
  const { digest } = chunks[2]!
  await store.collect(
    (async function* () {
      yield digest
    })(),
    { isGarbage: () => true },
  )
  const verifier = new Verifier({ store, references })
  const wanted = [{ cid: formatCid(cidOf('chunk', digest)), reason: 'it is not stored here' }]
  expect(damages(await all(verifier.verify()))).toMatchObject(wanted)
  expect(damages(await all(verifier.verify({ cid })))).toMatchObject(wanted)
})

test('verify --repair: chunks and manifests come back from peers', async () => {
  const { store, references, chunks, cid, refetch, other } = await world()
  store.damage(chunks[1]!.digest)
  store.damage(digestOf(cid))
  store.damage(other.digest) // nobody else has that one
  const verifier = new Verifier({ store, references, refetch })
  const events = await all(verifier.verify({ repair: true }))
  expect(summary(events)).toMatchObject({ damaged: 3, repaired: 2 })
  const after = await all(verifier.verify())
  expect(damages(after)).toMatchObject([{ cid: formatCid(cidOf('chunk', other.digest)) }])
  expect(summary(await all(verifier.verify({ cid })))).toMatchObject({ checked: 4, damaged: 0 })
})

test('verify --repair: below a damaged root everything is looked at once it is back', async () => {
  const { store, references, chunks, cid, refetch } = await world()
  store.damage(chunks[0]!.digest)
  store.damage(digestOf(cid))
  const verifier = new Verifier({ store, references, refetch })
  const events = await all(verifier.verify({ cid, repair: true }))
  expect(summary(events)).toEqual({ type: 'summary', checked: 4, damaged: 2, repaired: 2 })
})
