/** A chunk store on a real disk, and ways to hurt it. */

import { join } from 'node:path'
import { Level } from 'level'
import { LevelChunkStore, type LevelChunkStoreInit } from '../../src/store/index.js'

export async function openStore(
  path: string,
  init: Partial<LevelChunkStoreInit> = {},
): Promise<LevelChunkStore> {
  const store = new LevelChunkStore({}, { path, ballastBytes: 0, ...init })
  await store.start()
  return store
}

export async function withLevel<T>(
  path: string,
  work: (db: Level<Uint8Array, Uint8Array>) => Promise<T>,
): Promise<T> {
  const db = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  })
  await db.open()
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/** Flips a bit of a record's bytes; the store must be stopped. */
export function damageOnDisk(path: string, digest: Uint8Array, sequence: number): Promise<void> {
  return withLevel(join(path, 'chunks'), async (db) => {
    for await (const [key, value] of db.iterator()) {
      const at = Number(Buffer.from(key).readBigUInt64BE(0))
      if (at !== sequence || Buffer.from(key).indexOf(digest) < 0) continue
      const flipped = Uint8Array.from(value)
      flipped[flipped.length >> 1]! ^= 1
      await db.put(key, flipped)
      return
    }
    throw new Error('no such record')
  })
}
