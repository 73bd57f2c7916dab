import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LevelStateStore, MemoryStateStore } from '../../src/metadata/index.js'
import { keyOf } from '../../src/metadata/keys.js'
import { stateStoreSuite } from '../support/state-store-suite.js'
import { tempDir } from '../support/temp.js'

stateStoreSuite('state in memory', () => new MemoryStateStore())
stateStoreSuite('state on LevelDB', () => new LevelStateStore(tempDir()))

test('state on LevelDB: a damaged batch before the last one is no tail to cut', async () => {
  const directory = tempDir()
  const store = new LevelStateStore(directory)
  const state = await store.open(0)
  for (let batch = 0; batch < 20; batch++) {
    await state.write([{ key: keyOf('a/', batch), value: new Uint8Array(1_000).fill(batch) }])
  }
  await state.close()
  const path = join(directory, 'state-0')
  const name = readdirSync(path).find((each) => each.endsWith('.log'))!
  const bytes = readFileSync(join(path, name))
  bytes[5_000]! ^= 1
  writeFileSync(join(path, name), bytes)
  await expect(store.open(0)).rejects.toMatchObject({ code: 'DATA_LOSS' })
  // Its files are as they were: put aside, another one takes its place.
  await store.setAside(0)
  const fresh = await store.open(0)
  expect(fresh.get(keyOf('a/', 1))).toBeUndefined()
  await fresh.close()
})
