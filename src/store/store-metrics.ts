import type { Metrics } from '../observability/index.js'
import type { ChunkStore } from './chunk-store.js'

/** Gauges that ask the store at each scrape; a store that is closed keeps its last numbers. */
export function storeMetrics(metrics: Metrics, store: Pick<ChunkStore, 'stats'>): void {
  const gauges = [
    ['dps_store_chunks', 'Chunks stored.', 'chunks'],
    ['dps_store_chunk_bytes', 'Bytes of chunks, without headers.', 'bytes'],
    ['dps_store_used_bytes', 'Bytes of disk that the databases take.', 'usedBytes'],
    ['dps_store_free_bytes', 'Bytes free on the disk.', 'freeBytes'],
  ] as const
  for (const [name, help, field] of gauges) {
    metrics.gauge({
      name,
      help,
      collect: async (gauge) => {
        const stats = await store.stats().catch(() => undefined)
        if (stats !== undefined) gauge.set(stats[field])
      },
    })
  }
}
