import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { HASH_WORKER_SOURCE } from '../../src/content/hash-worker.js'
import { HashPool, SlabPool, sha256 } from '../../src/content/index.js'
import { tempDir } from '../support/temp.js'
import { codeOfAsync, randomBytes } from './support.js'

const KIB = 1024
const pools: HashPool[] = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))

function pool(workers?: number): HashPool {
  const made = new HashPool(workers === undefined ? {} : { workers })
  pools.push(made)
  return made
}

function shared(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length))
  bytes.set(randomBytes(length, seed))
  return bytes
}

test('hash pool: digests are sha2-256, wherever they are made', async () => {
  const hashes = pool()
  const slab = shared(4096 * KIB)
  const views = [
    slab.subarray(0, 10),
    slab.subarray(5, 5 + 32 * KIB),
    slab.subarray(1, 256 * KIB),
    slab,
    randomBytes(256 * KIB, 3),
    new Uint8Array(0),
    ...Array.from({ length: 40 }, (_, i) => slab.subarray(i * 100 * KIB, (i + 1) * 100 * KIB)),
  ]
  const digests = await Promise.all(views.map((bytes) => hashes.digest(bytes)))
  expect(digests).toEqual(views.map((bytes) => sha256(bytes)))
})

test('hash pool: a running hash takes pieces of any kind and size', async () => {
  const hashes = pool()
  const slab = shared(2048 * KIB, 7)
  const pieces = fc.array(
    fc.record({ bytes: fc.integer({ min: 0, max: 80_000 }), isShared: fc.boolean() }),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(pieces, async (list) => {
      const hash = hashes.stream()
      let at = 0
      for (const { bytes, isShared } of list) {
        const piece = slab.subarray(at, at + bytes)
        at += bytes
        await hash.update(isShared ? piece : piece.slice())
      }
      expect(await hash.digest()).toEqual(sha256(slab.subarray(0, at)))
    }),
    { numRuns: 60 },
  )
})

test('hash pool: what an update took may be overwritten', async () => {
  const hashes = pool(1)
  const slab = shared(256 * KIB)
  const small = slab.slice(0, 100)
  const expected = Buffer.concat([small, slab, slab])
  const hash = hashes.stream()
  await hash.update(small)
  small.fill(0)
  await hash.update(slab)
  const again = slab.slice()
  slab.fill(0)
  await hash.update(again)
  again.fill(0)
  expect(await hash.digest()).toEqual(sha256(expected))
})

test('hash pool: many running hashes at once do not mix', async () => {
  const hashes = pool()
  const digests = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const slab = shared(300 * KIB, i)
      const hash = hashes.stream()
      for (let at = 0; at < 3; at++) {
        await hash.update(slab.subarray(at * 100 * KIB, (at + 1) * 100 * KIB))
      }
      return [await hash.digest(), sha256(slab)] as const
    }),
  )
  for (const [actual, expected] of digests) expect(actual).toEqual(expected)
})

test('hash pool: a closed one answers CANCELLED, also to what still runs', async () => {
  const hashes = pool()
  const running = [hashes.digest(shared(4096 * KIB)), hashes.digest(shared(64 * KIB))]
  const stream = hashes.stream()
  running.push(stream.update(shared(64 * KIB)) as never)
  const all = running.map((work) => codeOfAsync(work, 'CANCELLED'))
  await hashes.close()
  await Promise.all(all)
  await codeOfAsync(hashes.digest(shared(64 * KIB)), 'CANCELLED')
  await codeOfAsync(hashes.stream().update(shared(64 * KIB)), 'CANCELLED')
  await hashes.close()
})

test('hash pool: a running hash ends once', async () => {
  const hash = pool().stream()
  await hash.digest()
  await codeOfAsync(hash.digest(), 'FAILED_PRECONDITION')
  await codeOfAsync(hash.update(new Uint8Array(1)), 'FAILED_PRECONDITION')
  const closed = pool().stream()
  await closed.update(shared(64 * KIB))
  closed.close()
  closed.close()
  await codeOfAsync(closed.digest(), 'FAILED_PRECONDITION')
})

test('hash pool: an abort ends the wait', async () => {
  const hashes = pool()
  const reason = new Error('enough')
  const controller = new AbortController()
  const { signal } = controller
  const waits = [
    hashes.digest(shared(4096 * KIB), { signal }),
    hashes.stream().update(shared(4096 * KIB), { signal }),
  ]
  controller.abort(reason)
  for (const wait of waits) await expect(wait).rejects.toBe(reason)
  await expect(hashes.digest(new Uint8Array(1), { signal })).rejects.toBe(reason)
  await expect(hashes.stream().digest({ signal })).rejects.toBe(reason)
})

test('hash worker: a message it cannot do is an error event, not silence', async () => {
  const worker = new Worker(HASH_WORKER_SOURCE, { eval: true })
  worker.postMessage([{ op: 'finish', stream: 1 }])
  const [error] = await once(worker, 'error')
  expect(error).toBeInstanceOf(TypeError)
})

test('hash pool: idle threads keep no process alive; busy ones do', () => {
  const bundle = join(tempDir(), 'hash-pool.mjs')
  buildSync({
    entryPoints: [new URL('../../src/content/hash-pool.ts', import.meta.url).pathname],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
  })
  const script = `
    import { HashPool } from ${JSON.stringify(pathToFileURL(bundle).href)}
    const bytes = new Uint8Array(new SharedArrayBuffer(1 << 22))
    const digest = await new HashPool().digest(bytes)
    process.stdout.write(Buffer.from(digest).toString('hex'))
  `
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { timeout: 20_000, encoding: 'utf8' },
  )
  expect(status).toBe(0)
  expect(stdout).toBe(Buffer.from(sha256(new Uint8Array(1 << 22))).toString('hex'))
})

test('slab pool: never more slabs than agreed, in order of asking', async () => {
  const slabs = new SlabPool({ slabBytes: 1024, slabs: 2 })
  const a = await slabs.acquire()
  const b = await slabs.acquire()
  expect(a.buffer.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(a.buffer.length).toBe(1024)
  const order: string[] = []
  const c = slabs.acquire().then((slab) => {
    order.push('c')
    return slab
  })
  const d = slabs.acquire().then((slab) => {
    order.push('d')
    return slab
  })
  b.release()
  b.release()
  expect((await c).buffer).toBe(b.buffer)
  expect(order).toEqual(['c'])
  a.release()
  expect((await d).buffer).toBe(a.buffer)
  expect(order).toEqual(['c', 'd'])
})

test('slab pool: waiters leave by their signal or when it closes', async () => {
  const slabs = new SlabPool({ slabBytes: 16, slabs: 1 })
  const held = await slabs.acquire()
  const controller = new AbortController()
  const reason = new Error('enough')
  const aborted = slabs.acquire({ signal: controller.signal })
  const waiting = slabs.acquire()
  const last = slabs.acquire()
  controller.abort(reason)
  await expect(aborted).rejects.toBe(reason)
  held.release()
  const mine = await waiting
  slabs.close()
  await codeOfAsync(last, 'CANCELLED')
  await codeOfAsync(slabs.acquire(), 'CANCELLED')
  mine.release()
})
