/**
 * What a node keeps: chunks on one disk, and the small facts about them.
 *
 * Goals: durable when acknowledged; nothing lost by a crash, a full disk or a second process; a
 * damaged record is found, named and stored again; collecting never gets in a reader's or a
 * writer's way, and gives the space back.
 * Non-goals: deciding what to keep for whom (files, durability), talking to peers.
 *
 * @example
 * const dir = await DataDir.open('~/.dps', { create: true })
 * const store = new LevelChunkStore({}, { path: dir.paths.disk })
 * await store.start()
 * await store.put([{ digest, kind: 'chunk', bytes }])
 * await store.barrier()
 */
export * from './chunk-store.js'
export { DataDir, type DataDirPaths } from './data-dir.js'
export { garbage } from './garbage.js'
export type { Lease } from './lease.js'
export {
  LevelChunkStore,
  type LevelChunkStoreComponents,
  type LevelChunkStoreInit,
} from './level-chunk-store.js'
export {
  isDiskFull,
  type LevelDb,
  type LevelDbInit,
  levelDb,
  levelError,
  openLevel,
} from './level-db.js'
export { damagedLevelFiles } from './level-scan.js'
export { MemoryChunkStore } from './memory-chunk-store.js'
export { type MetaDb, openMeta } from './meta.js'
export { type Pin, type PinOptions, References, type Sweep } from './references.js'
export { writeFileDurably } from './write-file.js'
