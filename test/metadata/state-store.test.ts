import { LevelStateStore, MemoryStateStore } from '../../src/metadata/index.js'
import { stateStoreSuite } from '../support/state-store-suite.js'
import { tempDir } from '../support/temp.js'

stateStoreSuite('state in memory', () => new MemoryStateStore())
stateStoreSuite('state on LevelDB', () => new LevelStateStore(tempDir()))
