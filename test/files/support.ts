/** A files service over a memory store, and another peer's store as its whole network. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { CID } from 'multiformats/cid'
import { onTestFinished } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { type Digest, digestKey, digestOf, HashPool } from '../../src/content/index.js'
import {
  type FilesNetwork,
  FilesService,
  offlineNetwork,
  type PublishEvent,
} from '../../src/files/index.js'
import { MemoryChunkStore, openMeta, References } from '../../src/store/index.js'

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dps-files-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface World {
  files: FilesService
  store: MemoryChunkStore
  references: References
  /** What the network was asked for, in hex-free map keys. */
  asked: string[]
}

/** @param other the store of the one other peer; without it there is no network. */
export async function world(
  options: { other?: MemoryChunkStore; store?: MemoryChunkStore } = {},
): Promise<World> {
  const folder = await tempFolder()
  const meta = await openMeta(path.join(folder, 'meta'))
  const store = options.store ?? new MemoryChunkStore()
  const references = new References({ meta, store })
  await references.start()
  const hashes = new HashPool()
  const asked: string[] = []
  const network =
    options.other === undefined
      ? offlineNetwork('~/.dps')
      : networkOf(options.other, (digest) => asked.push(digestKey(digest)))
  const files = new FilesService({ store, references, hashes, network, peerId: 'me' })
  onTestFinished(async () => {
    await files.stop()
    await references.stop()
    await hashes.close()
    await meta.close()
  })
  return { files, store, references, asked }
}

function networkOf(other: MemoryChunkStore, onAsked: (digest: Digest) => void): FilesNetwork {
  return {
    ...offlineNetwork('~/.dps'),
    openSession: () => ({
      fetch: async ({ cid }, into) => {
        onAsked(digestOf(cid))
        const found = await other.get(digestOf(cid))
        if (found === undefined) throw new DpsError('NOT_FOUND', 'nobody has it')
        if (into === undefined) return found.bytes
        into.set(found.bytes)
        return into
      },
      peers: () => ['other'],
      close: () => {},
    }),
  }
}

export async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const event of events) all.push(event)
  return all
}

export function summaryOf(events: readonly PublishEvent[]) {
  const last = events.at(-1)
  if (last?.type !== 'summary') throw new Error('no summary')
  return last
}

export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function readAll(
  files: FilesService,
  cid: CID,
  range?: { offset?: number; length?: number },
): Promise<Buffer> {
  const content = await files.open(cid)
  return Buffer.concat(await collect(content.read(range)))
}
