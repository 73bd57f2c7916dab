/** Listing a folder of a million entries in process, in pages of a thousand, from the disk. */
import fs from 'node:fs'
import { systemTimers } from '../src/base/index.js'
import { encodeEntry, encodeProposal } from '../src/metadata/codec.js'
import { encodeCommand } from '../src/metadata/commands.js'
import {
  LevelStateStore,
  listEntries,
  MetadataMachine,
  ROOT_DIRECTORY,
} from '../src/metadata/index.js'
import { silentLog } from '../src/observability/index.js'
import { configurationOf } from '../src/raft/index.js'
import { MIB, median, note, ROUNDS, report, tempPath } from './harness.js'
import { fillOf } from './members.js'

const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 1_000_000)
const BATCH = 1000

function rssAnon(): number {
  const status = fs.readFileSync('/proc/self/status', 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}

async function fill(machine: MetadataMachine): Promise<void> {
  for (let from = 0, index = 1; from < ENTRIES; from += BATCH, index++) {
    const command = encodeCommand(fillOf(from, Math.min(BATCH, ENTRIES - from)))
    const data = encodeEntry(
      Date.now(),
      encodeProposal({ ...command, session: 0, seq: 0, lowest: 0 }),
    )
    await machine.apply([{ kind: 'command', index, term: 1, data }])
  }
}

async function open(path: string): Promise<MetadataMachine> {
  const store = new LevelStateStore(path)
  const boot = configurationOf(['a:0'])
  const machine = new MetadataMachine({ store, timers: systemTimers, log: silentLog }, { boot })
  await machine.open(0)
  return machine
}

async function list(machine: MetadataMachine): Promise<{ perSecond: number; grownBytes: number }> {
  globalThis.gc?.()
  const before = rssAnon()
  let peak = before
  let entries = 0
  let pages = 0
  const startedAt = performance.now()
  for await (const page of listEntries(machine, ROOT_DIRECTORY)) {
    entries += page.length
    if (pages++ % 50 === 0) peak = Math.max(peak, rssAnon())
  }
  const seconds = (performance.now() - startedAt) / 1000
  if (entries !== ENTRIES) throw new Error(`listed ${entries} of ${ENTRIES} entries`)
  return { perSecond: entries / seconds, grownBytes: Math.max(peak, rssAnon()) - before }
}

export async function run(): Promise<void> {
  const path = tempPath('state')
  fs.mkdirSync(path)
  const filled = await open(path)
  const startedAt = performance.now()
  await fill(filled)
  note(`${ENTRIES} entries in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  await filled.close()
  const machine = await open(path)
  const rounds: Awaited<ReturnType<typeof list>>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await list(machine))
    const { perSecond, grownBytes } = rounds.at(-1)!
    note(`round ${round}: ${perSecond.toFixed()} entries/s, +${(grownBytes / MIB).toFixed()} MiB`)
  }
  const value = median(rounds.map(({ perSecond }) => perSecond))
  // The first: later ones find memory that earlier ones left.
  const grownMb = rounds[0]!.grownBytes / 1e6
  report({
    bench: 'raft-listing',
    unit: 'entries/s',
    value,
    grownMb,
    entries: ENTRIES,
    target: '>= 100000 entries/s, RssAnon + < 50 MB',
    reached: value >= 100_000 && grownMb < 50,
  })
  await machine.close()
  process.exit(0)
}
