/** One local file into chunks, a manifest and the store. */
import type { BigIntStats } from 'node:fs'
import { open } from 'node:fs/promises'
import { type AbortOptions, DpsError } from '../base/index.js'
import { AUTO_CHUNKING, type Chunking, fastCdcChunking, fixedChunking } from '../content/index.js'
import type { Ingest, Ingested } from './ingest.js'
import { pathError } from './paths.js'
import { FileReader, StreamReader } from './reader.js'
import type { PublishOptions } from './types.js'

/** Files at most this long are read into a buffer of their own and hashed in place. */
const SMALL_BYTES_MAX = 32 * 1024

/** @param seen as the file was found: `changed` tells whether it was another one while it was read. */
export async function ingestPath(
  ingest: Ingest,
  path: string,
  seen: BigIntStats,
  { signal }: AbortOptions,
): Promise<Ingested & { changed: boolean }> {
  const abort = signal === undefined ? {} : { signal }
  const handle = await open(path, 'r').catch((error) => {
    throw pathError(path, error)
  })
  try {
    let ingested: Ingested
    if (seen.size <= SMALL_BYTES_MAX) {
      // One byte more than seen: a file that grew meanwhile goes the long way.
      const buffer = Buffer.allocUnsafe(Number(seen.size) + 1)
      const filled = await new FileReader(handle).fill(buffer, abort)
      ingested =
        filled < buffer.length
          ? await ingest.small(buffer.subarray(0, filled), abort)
          : await ingest.stream(
              new StreamReader(startingWith(buffer, handle.createReadStream({ autoClose: false }))),
              abort,
            )
    } else {
      ingested = await ingest.stream(new FileReader(handle), abort)
    }
    const after = await handle.stat({ bigint: true })
    const changed = after.mtimeNs !== seen.mtimeNs || BigInt(ingested.sizeBytes) !== seen.size
    return { ...ingested, changed }
  } catch (error) {
    throw pathError(path, error)
  } finally {
    await handle.close()
  }
}

export function chunkingOf(options: Pick<PublishOptions, 'chunker' | 'chunkSizeBytes'>): Chunking {
  if (options.chunker === 'fastcdc') {
    if (!options.chunkSizeBytes) return fastCdcChunking()
    throw new DpsError('INVALID_ARGUMENT', 'a chunk size goes with the fixed chunker alone')
  }
  return options.chunkSizeBytes ? fixedChunking(options.chunkSizeBytes) : AUTO_CHUNKING
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first
  yield* rest
}
