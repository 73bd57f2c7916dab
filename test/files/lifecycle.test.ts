import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import type { PublishEvent } from '../../src/files/index.js'
import { MemoryChunkStore, type NewChunk } from '../../src/store/index.js'
import { collect, pieces, summaryOf, tempFolder, world } from './support.js'

const OPTIONS = { name: 'x' }

/** A store that takes its time, and knows how many puts are under way. */
class SlowStore extends MemoryChunkStore {
  puts = 0
  running = 0

  constructor(readonly fails: (put: number) => boolean = () => false) {
    super()
  }

  override async put(
    chunks: readonly NewChunk[],
    options = {},
  ): ReturnType<MemoryChunkStore['put']> {
    const put = this.puts++
    this.running++
    try {
      if (this.fails(put)) throw new DpsError('RESOURCE_EXHAUSTED', 'the disk is full')
      await sleep(300)
      return await super.put(chunks, options)
    } finally {
      this.running--
    }
  }
}

async function* without(end: Uint8Array): AsyncGenerator<Uint8Array> {
  yield end
  await new Promise(() => {})
}

test('files: a stop ends a publish whose source stands still, and waits until it is over', async () => {
  const store = new SlowStore()
  const { files } = await world({ store })
  const events = files.publishStream(without(new Uint8Array(9 * 1024 * 1024)), OPTIONS)
  const ended = collect(events).catch((error) => error)
  await expect.poll(() => store.running).toBeGreaterThan(0)
  await files.stop()
  expect(store.running).toBe(0)
  const error = await ended
  expect(error).toMatchObject({ code: 'UNAVAILABLE', message: 'the node is stopping' })
})

test('files: a stop ends a publish to which nobody listens any longer', async () => {
  const folder = await tempFolder()
  // More lines than may wait for their listener.
  const names = Array.from({ length: 1500 }, (_, i) => path.join(folder, `${i}`))
  await Promise.all(names.map((name) => writeFile(name, 'x')))
  const { files } = await world()
  const source = { path: folder, dev: '', ino: '' }
  const events = files.publishPaths([source], { ...OPTIONS, recursive: true })
  const iterator = events[Symbol.asyncIterator]() as AsyncIterator<PublishEvent>
  await iterator.next()
  await files.stop()
  await iterator.return?.()
})

test('files: when one run of a file fails, all have ended when that is told', async () => {
  // The last run fails at once while those before it are still being written.
  const store = new SlowStore((put) => put === 4)
  const { files } = await world({ store })
  const bytes = new Uint8Array(20 * 1024 * 1024)
  for (let at = 0; at < bytes.length; at += 65_536) new DataView(bytes.buffer).setUint32(at, at)
  await expect(collect(files.publishStream(pieces(bytes, 1 << 20), OPTIONS))).rejects.toThrow(
    'the disk is full',
  )
  expect(store.puts).toBe(5)
  expect(store.running).toBe(0)
})

test('files: what is published after others were stopped is refused', async () => {
  const { files } = await world()
  const done = summaryOf(await collect(files.publishStream(pieces(Buffer.from('a'), 1), OPTIONS)))
  expect(done.files).toBe(1)
  await files.stop()
  const late = collect(files.publishStream(pieces(Buffer.from('b'), 1), OPTIONS))
  await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
