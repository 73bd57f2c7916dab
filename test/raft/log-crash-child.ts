/** Saves for ever, telling before and after each save what the log then is; its parent kills it. */
import type { Entry, HardState } from '../../src/raft/core/types.js'
import { LevelLogStore } from '../../src/raft/level-log-store.js'
import type { LogContents } from '../../src/raft/log-store.js'

const VOTERS = ['a:1', 'b:1', 'c:1']

/** All of a log that matters, in one line. */
export function summary({
  hardState: { term, vote },
  snapshot: { index },
  entries,
  damaged,
}: Pick<LogContents, 'hardState' | 'snapshot' | 'entries' | 'damaged'>): string {
  const behind = entries.filter((entry) => entry.index > index)
  const data = behind.map((entry) => {
    const bytes = entry.kind === 'command' ? Buffer.from(entry.data).toString('latin1') : ''
    return `${entry.index}.${entry.term}.${bytes.slice(0, 12)}.${bytes.length}`
  })
  return `${term} ${vote ?? '-'} ${index} ${damaged} ${data.join(',')}`
}

async function main(path: string, seed: number): Promise<void> {
  let state = seed
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const store = new LevelLogStore({}, { path })
  const log = await store.open({ voters: VOTERS, learners: [] })
  const print = (word: string) => process.stdout.write(`${word} ${summary(log)}\n`)
  print('open')
  const commandAt = (index: number, term: number): Entry => {
    const bytes = 1 + below(index % 20 === 0 ? 300_000 : 300)
    const data = new Uint8Array(Buffer.alloc(bytes, `${seed}/${index}/${term} `))
    return { kind: 'command', index, term, data }
  }
  for (;;) {
    const last = log.entries.at(-1)?.index ?? log.snapshot.index
    const dice = below(100)
    let hardState: HardState = { ...log.hardState }
    if (dice < 4 && log.hardState.commit > log.snapshot.index) {
      const index = log.hardState.commit
      const { term } = log.entries.find((entry) => entry.index === index)!
      log.snapshot = { index, term, configuration: { voters: VOTERS, learners: [] } }
      print('try')
      await store.compact(log.snapshot, Math.max(0, index - below(10)))
      log.entries = log.entries.filter((entry) => entry.index > index)
      print('ack')
      continue
    }
    if (dice < 20) {
      const term = hardState.term + 1
      hardState = { ...hardState, term, vote: VOTERS[below(3)] }
    }
    const commit = Math.max(hardState.commit, log.snapshot.index)
    const replaces = dice >= 20 && dice < 30 && last > commit
    const from = replaces ? commit + 1 + below(last - commit) : last + 1
    const term = Math.max(1, hardState.term)
    hardState = { ...hardState, term }
    const many = dice < 10 ? 0 : 1 + below(8)
    const entries = Array.from({ length: many }, (_, i) => commandAt(from + i, term))
    if (entries.length > 0) {
      log.entries = [...log.entries.filter(({ index }) => index < from), ...entries]
      // Some of it, so that there is always something left to replace.
      hardState.commit = Math.max(hardState.commit, from - 5)
    }
    log.hardState = hardState
    print('try')
    await store.save({ hardState, entries, sync: true })
    print('ack')
  }
}

const [path, seed] = process.argv.slice(2)
if (path !== undefined && /log-crash/.test(process.argv[1] ?? '')) await main(path, Number(seed))
