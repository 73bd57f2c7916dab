import { statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Entry, LevelLogStore } from '../../src/raft/index.js'
import { bundleScript, runAndKill } from '../support/child-script.js'
import { BOOT, commands, plain } from '../support/log-store-suite.js'
import { canMount, smallDisk } from '../support/small-disk.js'
import { tempDir } from '../support/temp.js'
import { summary } from './log-crash-child.js'

const KILLS = 5
const MIB = 1024 * 1024

test('log crash: kill -9 at random moments loses nothing that was acknowledged', async () => {
  const folder = tempDir()
  const script = join(folder, 'log-crash.mjs')
  await bundleScript(join(import.meta.dirname, 'log-crash-child.ts'), script)
  const path = join(folder, 'raft', 'log')
  let acknowledged = 0
  for (let seed = 1; seed <= KILLS; seed++) {
    const lines = await runAndKill(script, [path, `${seed}`], (count) => count > 3 + seed * 100)
    const acks = lines.filter((line) => line.startsWith('ack '))
    acknowledged += acks.length
    const store = new LevelLogStore({}, { path })
    const found = summary(await store.open(BOOT))
    await store.close()
    // What was being saved may be there, or not; whole in any case.
    const allowed = lines.slice(-2).map((line) => line.slice(line.indexOf(' ') + 1))
    expect(allowed.includes(found), `${found}\nafter\n${allowed.join('\n')}`).toBe(true)
  }
  expect(acknowledged).toBeGreaterThan(KILLS * 60)
}, 60_000)

const mountable = canMount()
if (!mountable) console.log('log on a full disk: SKIPPED, it needs root and the right to mount')

test.skipIf(!mountable)(
  'log crash: a full disk is an error, and nothing acknowledged is lost',
  async () => {
    const disk = smallDisk(32 * MIB)!
    const path = join(disk, 'raft', 'log')
    const store = new LevelLogStore({}, { path })
    await store.open(BOOT)
    const hardState = { term: 1, vote: 'a:1', commit: 0 }
    await store.save({ hardState, entries: commands(1, 10, 1), sync: true })
    const filler = join(disk, 'filler')
    await writeFile(filler, Buffer.alloc(14 * MIB))
    const kept: Entry[] = commands(1, 10, 1)
    let failure: unknown
    while (failure === undefined) {
      expect(statSync(filler).size + kept.length * 100_000).toBeLessThan(100 * MIB)
      const data = new Uint8Array(100_000).fill(kept.length)
      const entry: Entry = { kind: 'command', index: kept.length + 1, term: 1, data }
      await store.save({ entries: [entry], sync: true }).then(
        () => kept.push(entry),
        (error: unknown) => {
          failure = error
        },
      )
    }
    expect(failure).toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
    expect(kept.length).toBeGreaterThan(20)
    // There is room again, but this handle has lost its word.
    await writeFile(filler, '')
    const next = { kind: 'noop' as const, index: kept.length + 1, term: 1 }
    const refused = { code: 'RESOURCE_EXHAUSTED' }
    await expect(store.save({ entries: [next], sync: true })).rejects.toMatchObject(refused)
    const vote = { term: 2, vote: 'b:1', commit: 0 }
    await expect(store.save({ hardState: vote, entries: [], sync: true })).rejects.toMatchObject(
      refused,
    )
    await store.close()
    const again = new LevelLogStore({}, { path })
    const contents = await again.open(BOOT)
    expect(contents.damaged).toBe(false)
    expect(contents.hardState).toEqual(hardState)
    expect(plain(contents.entries.slice(0, kept.length))).toEqual(plain(kept))
    expect(contents.entries.length).toBeLessThanOrEqual(kept.length + 1)
    await again.save({ hardState: vote, entries: [], sync: true })
    await again.close()
  },
)
