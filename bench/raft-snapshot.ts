/** A new member is brought a state of a million entries by a snapshot, over libp2p. */
import { MIB, note, peakRssAnon, report } from './harness.js'
import { startMembers } from './members.js'

export { serveMember } from './members.js'

const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 1_000_000)
const TIMEOUT_MS = 600_000

export async function run(): Promise<void> {
  const { leader, spare, stop } = await startMembers(import.meta.filename, { voters: 1, spare: 1 })
  const newcomer = spare[0]!
  let startedAt = performance.now()
  await leader.ask({ ask: 'fill', entries: ENTRIES })
  note(`${ENTRIES} entries in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  const goal = await leader.ask<number>({ ask: 'applied' })
  const pids = [leader.child.pid!, newcomer.child.pid!]
  // One sample before.
  const before = await peakRssAnon(pids, async () => {})
  startedAt = performance.now()
  const peaks = await peakRssAnon(pids, async () => {
    await leader.ask({ ask: 'add', peerId: newcomer.address.peerId })
    while ((await newcomer.ask<number>({ ask: 'applied' })) < goal) {
      if (performance.now() - startedAt > TIMEOUT_MS) throw new Error('the newcomer stays behind')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })
  const seconds = (performance.now() - startedAt) / 1000
  const grownMb = peaks.map((peak, at) => (peak - before[at]!) / 1e6)
  note(`leader +${grownMb[0]!.toFixed()} MB, newcomer +${grownMb[1]!.toFixed()} MB`)
  report({
    bench: 'raft-snapshot',
    unit: 'entries/s',
    value: ENTRIES / seconds,
    seconds,
    leaderGrownMb: grownMb[0],
    newcomerGrownMb: grownMb[1],
    newcomerPeakMb: peaks[1]! / 1e6,
    entries: ENTRIES,
    target: `measured, memory flat: less than ${FLAT_MB} MB more at both`,
    reached: Math.max(...grownMb) < FLAT_MB,
  })
  await stop()
  process.exit(0)
}

/** Buffers of LevelDB on both sides, a few pieces of a MiB, and young garbage. */
const FLAT_MB = (128 * MIB) / 1e6
