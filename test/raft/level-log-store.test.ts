import { join } from 'node:path'
import { LevelLogStore } from '../../src/raft/index.js'
import { type LogPlace, logStoreSuite } from '../support/log-store-suite.js'
import { tempDir } from '../support/temp.js'

export function levelPlace(path = join(tempDir(), 'raft', 'log')): LogPlace {
  return { store: () => new LevelLogStore({}, { path }), end: (store) => store.close() }
}

logStoreSuite('level', async () => levelPlace())
