/** What nothing keeps: the index, less what the references and the leases hold. */
import type { AbortOptions } from '../base/index.js'
import { digestKey } from '../content/index.js'
import type { ChunkInfo, ChunkStore } from './chunk-store.js'
import type { References, Sweep } from './references.js'

/** Digests looked up together; the counts are brought up to date before each such run. */
const RUN_CHUNKS = 512

export interface GarbageOptions extends AbortOptions {
  /** Told of every chunk that was looked at. */
  onChecked?(chunks: number): void
}

/**
 * Streams candidates in digest order. Their last word is the sweep's, given when they are marked.
 * @throws DATA_LOSS when a manifest that is referred to cannot be read: what it leads to is unknown.
 */
export async function* garbage(
  store: Pick<ChunkStore, 'list'>,
  references: Pick<References, 'settle' | 'referenced'>,
  sweep: Sweep,
  { signal, onChecked }: GarbageOptions = {},
): AsyncGenerator<ChunkInfo> {
  const options = signal === undefined ? {} : { signal }
  let run: ChunkInfo[] = []
  const sift = async () => {
    const [stuck] = await references.settle(options)
    if (stuck !== undefined) throw stuck
    const referenced = await references.referenced(run.map(({ digest }) => digest))
    return run.filter((chunk) => !referenced.has(digestKey(chunk.digest)) && sweep.mayFree(chunk))
  }
  for await (const chunk of store.list(options)) {
    run.push(chunk)
    if (run.length < RUN_CHUNKS) continue
    yield* await sift()
    onChecked?.(run.length)
    run = []
  }
  if (run.length === 0) return
  yield* await sift()
  onChecked?.(run.length)
}
