/** What a seed means: how large the cluster is, how bad the weather, who asks for what. */
import type { DiskFault } from './disk.js'
import type { LinkFault } from './network.js'
import { Rng } from './random.js'

export const FAULTS = [
  'partition',
  'isolateLeader',
  'oneWay',
  'partial',
  'linkStorm',
  'crash',
  'powerCut',
  'blackout',
  'pause',
  'stall',
  'clockJump',
  'slowDisk',
  'diskFull',
  'diskError',
  'damage',
  'diskLoss',
  'membership',
  'transfer',
] as const

export type FaultKind = (typeof FAULTS)[number]

export interface Plan {
  seed: number
  /** Founding voters, and machines that may join later. */
  voters: number
  spares: number
  tickMs: number
  electionTicks: number
  heartbeatTicks: number
  link: LinkFault
  disk: DiskFault
  /** Clock rates lie in [1 - drift, 1 + drift]. */
  drift: number
  faults: readonly FaultKind[]
  /** Mean time from one fault to the next, and how long one lasts. */
  faultEveryMs: number
  faultLastsMs: number
  /** Faults come until then; afterwards everything must recover. */
  faultsUntilMs: number
  clients: number
  keys: number
  thinkMs: number
  /** Of client operations. */
  readShare: number
  keepLogBytes: number
  holdLogBytesMax: number
  flushDelayMs: number
  overlayBytesMax: number
  appendBytesMax: number
  inflightMessagesMax: number
  uncommittedBytesMax: number
}

/** How long recovery may take after the last fault: elections, catching up, retries of clients. */
export const RECOVERY_MS = 20_000

export function planOf(seed: number): Plan {
  const random = new Rng(seed, 'plan')
  const voters = random.weighted([
    [4, 1],
    [5, 2],
    [42, 3],
    [9, 4],
    [26, 5],
    [5, 6],
    [6, 7],
  ])
  const share = random.pick([0.15, 0.3, 0.5])
  const faults = compatible(
    FAULTS.filter(() => random.chance(share)),
    random,
  )
  const storms = faults.includes('linkStorm')
  return {
    seed,
    voters,
    spares: faults.includes('membership') || faults.includes('diskLoss') ? random.between(1, 2) : 0,
    tickMs: random.pick([20, 30, 50]),
    electionTicks: random.pick([6, 10]),
    heartbeatTicks: random.pick([1, 2]),
    link: {
      delayMs: random.pick([0.3, 1, 5, 15]),
      drop: random.pick([0, 0, 0.001, 0.02]),
      duplicate: random.pick([0, 0, 0.01, 0.05]),
      reorder: random.pick([0, 0, 0.02, storms ? 0.2 : 0.05]),
      pieceMs: random.pick([0, 20, 300]),
      // It costs a third of the speed.
      wire: random.chance(0.1),
    },
    disk: { syncMs: random.pick([0.2, 1, 4, 20]), hiccupEvery: random.pick([0, 0, 500, 100]) },
    drift: random.pick([0, 0.01, 0.1]),
    faults,
    faultEveryMs: random.pick([150, 400, 800]),
    faultLastsMs: random.pick([200, 600, 1_500]),
    faultsUntilMs: random.between(6_000, 12_000),
    clients: random.between(1, 4),
    keys: random.between(1, 4),
    thinkMs: random.pick([10, 40, 150]),
    readShare: random.pick([0.3, 0.5]),
    keepLogBytes: random.pick([400, 2_000, 20_000]),
    holdLogBytesMax: random.pick([2_000, 50_000]),
    flushDelayMs: random.pick([0, 20, 200]),
    overlayBytesMax: random.pick([1_500, 1_000_000]),
    appendBytesMax: random.pick([120, 400, 65_536]),
    inflightMessagesMax: random.pick([1, 3, 64]),
    uncommittedBytesMax: random.pick([2_000, 65_536]),
  }
}

/** Each of them alone takes away what the others need to recover without a person who decides. */
const EXCLUSIVE: readonly FaultKind[] = ['damage', 'diskLoss', 'membership']

function compatible(faults: readonly FaultKind[], random: Rng): FaultKind[] {
  const kept = random.pick(EXCLUSIVE.filter((kind) => faults.includes(kind)))
  return faults.filter((kind) => kind === kept || !EXCLUSIVE.includes(kind))
}
