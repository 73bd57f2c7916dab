/**
 * Giving space back: live records of sparse ranges of the log are copied to its end, then the
 * ranges are cleared and compacted, and only they.
 *
 * A sequence is a position in bytes, so a range's dead bytes are its length less its live records,
 * known from the index alone.
 */
import type { AbortOptions } from '../base/index.js'
import { type Digest, decodeRecordHeader } from '../content/index.js'
import type { IndexMove } from './chunk-index.js'
import type { NewRecord } from './chunk-log.js'
import type { Databases } from './databases.js'
import { headerOfKey, locationOf, recordBytes, sequenceOfKey } from './keys.js'
import type { Damaged, Reads } from './reads.js'

/** Ranges are whole segments. Two tables' worth: their edges cost a rewrite of their neighbours. */
export const SEGMENT_BYTES = 64 * 1024 * 1024
/** Copying at most two live bytes for each one that comes back. */
const LIVE_SHARE_MAX = 2 / 3
/** The segment that is being written is closed early for at least so much. */
const OPEN_SEGMENT_DEAD_BYTES_MIN = 1024 * 1024
/** Adjacent segments cleared at once; bounds the time of one compaction. */
const SEGMENTS_AT_ONCE = 16
const COPY_BYTES_AT_ONCE = 8 * 1024 * 1024

export interface ReclaimComponents {
  databases: Databases
  reads: Reads
  /** Every record of a smaller sequence is in the index, or dead. */
  indexedBelow(): number
  damaged(digest: Digest, read: Damaged): Promise<void>
}

export async function reclaim(
  components: ReclaimComponents,
  { signal }: AbortOptions,
): Promise<{ reclaimedBytes: number }> {
  // What lies in the memtable alone takes no space that could be measured.
  await components.databases.log.flush()
  let reclaimedBytes = 0
  for (const range of await sparseRanges(components, signal)) {
    signal?.throwIfAborted()
    reclaimedBytes += await empty(components, range, signal)
  }
  return { reclaimedBytes }
}

interface Range {
  from: number
  to: number
}

async function sparseRanges(
  { databases, indexedBelow }: ReclaimComponents,
  signal: AbortSignal | undefined,
): Promise<Range[]> {
  const { log, index } = databases
  const live = new Map<number, number>()
  for await (const entries of index.list({ ...(signal && { signal }) })) {
    for (const { at } of entries) {
      const segment = Math.floor(at.sequence / SEGMENT_BYTES)
      live.set(segment, (live.get(segment) ?? 0) + recordBytes(at.sizeBytes))
    }
  }
  const open = Math.floor(log.nextSequence / SEGMENT_BYTES)
  const openBytes = log.nextSequence - open * SEGMENT_BYTES
  if (isSparse(live.get(open) ?? 0, openBytes, OPEN_SEGMENT_DEAD_BYTES_MIN)) {
    log.skipTo((open + 1) * SEGMENT_BYTES)
  }
  const end = Math.floor(Math.min(indexedBelow(), log.nextSequence) / SEGMENT_BYTES)
  const ranges: Range[] = []
  let segment = 0
  while (true) {
    // Skips what was cleared before, one look for each segment that is there.
    const [key] = await log.keys({
      gte: segment * SEGMENT_BYTES,
      lt: end * SEGMENT_BYTES,
      limit: 1,
    })
    if (key === undefined) return ranges
    segment = Math.floor(sequenceOfKey(key) / SEGMENT_BYTES)
    if (isSparse(live.get(segment) ?? 0, SEGMENT_BYTES, 0)) {
      const from = segment * SEGMENT_BYTES
      const to = from + SEGMENT_BYTES
      const last = ranges.at(-1)
      if (last?.to === from && to - last.from <= SEGMENTS_AT_ONCE * SEGMENT_BYTES) last.to = to
      else ranges.push({ from, to })
    }
    segment++
  }
}

function isSparse(liveBytes: number, bytes: number, deadBytesMin: number): boolean {
  return liveBytes <= bytes * LIVE_SHARE_MAX && bytes - liveBytes > deadBytesMin
}

/** @returns the bytes that came back: what the range's tables took, less what was copied. */
async function empty(
  components: ReclaimComponents,
  { from, to }: Range,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { databases, indexedBelow } = components
  const { log } = databases
  const before = await log.sizeBytes(from, to)
  const moved = await copyLive(components, { from, to }, signal)
  // The copies, then their entries, then the deletion: each durable before the next.
  await databases.checkpoint(indexedBelow(), { from, to })
  await log.clear(from, to)
  await databases.checkpoint(indexedBelow())
  return Math.max(0, before - moved)
}

async function copyLive(
  components: ReclaimComponents,
  { from, to }: Range,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { databases, reads } = components
  const { log, index } = databases
  let copiedBytes = 0
  let records: NewRecord[] = []
  let bytes = 0
  const copy = async () => {
    if (records.length === 0) return
    // Places are taken in the turn of the append: keys must be written in their order.
    const copies = records.map((record): NewRecord => {
      const sequence = log.take(record.at.sizeBytes)
      return { ...record, at: { ...record.at, sequence } }
    })
    await log.append(copies)
    await log.sync()
    await index.move(
      copies.map(({ digest, at }, i): IndexMove => ({ digest, at, from: records[i]!.at.sequence })),
    )
    copiedBytes += bytes
    records = []
    bytes = 0
  }
  for await (const keys of log.keysFrom(from, to)) {
    signal?.throwIfAborted()
    const entries = keys.flatMap((key) => {
      try {
        const header = decodeRecordHeader(headerOfKey(key))
        return [{ digest: header.digest, at: locationOf(header, sequenceOfKey(key)) }]
      } catch {
        // Without a name it can't be in the index.
        return []
      }
    })
    const now = await index.find(entries.map(({ digest }) => digest))
    for (const [i, { digest, at }] of entries.entries()) {
      if (now[i]?.sequence !== at.sequence) continue
      const read = await reads.read(digest, at)
      if (read === undefined || read.at.sequence !== at.sequence) continue
      if (!('bytes' in read)) {
        await components.damaged(digest, read)
        continue
      }
      records.push({ digest, at, bytes: read.bytes })
      bytes += recordBytes(at.sizeBytes)
      if (bytes >= COPY_BYTES_AT_ONCE) await copy()
    }
  }
  await copy()
  return copiedBytes
}
