import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryChunkStore } from '../../src/store/index.js'
import { chunkStoreSuite } from '../support/chunk-store-suite.js'
import { damageOnDisk, openStore } from './level-support.js'

chunkStoreSuite('memory', async () => {
  const store = new MemoryChunkStore()
  return { store, damage: async (digest) => store.damage(digest), close: async () => {} }
})

chunkStoreSuite('level', async () => {
  const path = await mkdtemp(join(tmpdir(), 'dps-store-'))
  let store = await openStore(path)
  // Damage happens while nobody looks: the store in use is replaced by one that opens the disk.
  const under = {
    get store() {
      return current
    },
    damage: async (digest: Uint8Array) => {
      const [info] = await store.info([digest])
      await store.stop()
      await damageOnDisk(path, digest, info!.sequence)
      store = await openStore(path)
    },
    close: async () => {
      await store.stop()
      await rm(path, { recursive: true })
    },
  }
  const current = new Proxy({} as typeof store, {
    get: (_, name) => {
      const value = Reflect.get(store, name, store)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
  return under
})
