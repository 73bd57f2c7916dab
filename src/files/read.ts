/**
 * Reading a range of one file: from the store, else from peers. Chunks are loaded a little ahead
 * of the reader, so that a disk or a peer works while the last bytes are being written out.
 */
import type { CID } from 'multiformats/cid'
import { type AbortOptions, childController, DpsError } from '../base/index.js'
import { cidOf, fileChunks, formatCid, kindOf, openRoot } from '../content/index.js'
import { type Fetcher, runs } from './fetch.js'
import type { ContentSession } from './network.js'
import type { EntryKind } from './types.js'

/** Bytes loaded together; small chunks share one trip. */
const RUN_BYTES = 2 * 1024 * 1024
/** Runs loaded beside the one being read. */
const RUNS_AHEAD = 3

interface Piece {
  digest: Uint8Array
  sizeBytes: number
  offset: number
}

/** What `cid` is. Its manifest is loaded, and kept, on the way. */
export async function describe(
  cid: CID,
  fetcher: Fetcher,
  session: ContentSession,
  options: AbortOptions = {},
): Promise<{ kind: EntryKind; sizeBytes: number }> {
  if (kindOf(cid) === 'manifest') return openRoot(cid, fetcher.reader(session), options)
  const bytes = await fetcher.loadBlock(cid, session, undefined, { ...options, ahead: true })
  return { kind: 'file', sizeBytes: bytes.length }
}

/** Bytes `offset` to `offset + length` of a file, as far as it goes. */
export async function* readFile(
  cid: CID,
  sizeBytes: number,
  fetcher: Fetcher,
  session: ContentSession,
  options: AbortOptions & { offset?: number; length?: number } = {},
): AsyncGenerator<Uint8Array> {
  const offset = Math.min(options.offset ?? 0, sizeBytes)
  const length = Math.min(options.length ?? sizeBytes - offset, sizeBytes - offset)
  if (offset < 0 || length < 0) {
    throw new DpsError('INVALID_ARGUMENT', 'offset and length must not be negative')
  }
  if (length === 0) return
  const controller = childController(options.signal)
  const { signal } = controller
  const ahead: Promise<Uint8Array[]>[] = []
  try {
    const pieces = piecesOf(cid, sizeBytes, fetcher, session, { offset, length, signal })
    for await (const run of runs(pieces, RUN_BYTES)) {
      const loading = Promise.all(run.map((piece) => load(piece, fetcher, session, signal)))
      loading.catch(() => {})
      ahead.push(loading.then((loaded) => trim(run, loaded, offset, length)))
      ahead.at(-1)!.catch(() => {})
      if (ahead.length > RUNS_AHEAD) yield* (await ahead.shift()) ?? []
    }
    while (ahead.length > 0) yield* (await ahead.shift()) ?? []
  } finally {
    controller.abort(new DOMException('reading ended', 'AbortError'))
    controller.dispose()
    await Promise.allSettled(ahead)
  }
}

async function* piecesOf(
  cid: CID,
  sizeBytes: number,
  fetcher: Fetcher,
  session: ContentSession,
  range: AbortOptions & { offset: number; length: number },
): AsyncGenerator<Piece> {
  if (kindOf(cid) === 'chunk') yield { digest: cid.multihash.digest, sizeBytes, offset: 0 }
  else yield* fileChunks(cid, fetcher.reader(session), range)
}

async function load(
  { digest, sizeBytes }: Piece,
  fetcher: Fetcher,
  session: ContentSession,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const cid = cidOf('chunk', digest)
  const options = { signal, sizeBytes, ahead: true }
  const bytes = await fetcher.loadBlock(cid, session, undefined, options)
  if (bytes.length === sizeBytes) return bytes
  throw new DpsError('DATA_LOSS', `${formatCid(cid)} is not as long as its manifest says`)
}

function trim(run: Piece[], loaded: Uint8Array[], offset: number, length: number): Uint8Array[] {
  return loaded.map((bytes, i) => {
    const start = Math.max(0, offset - run[i]!.offset)
    const end = Math.min(bytes.length, offset + length - run[i]!.offset)
    return bytes.subarray(start, end)
  })
}
