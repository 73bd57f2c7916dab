/**
 * A machine's disk: what survives its power. Keeps the durable truth beside what the running process believes to
 * have written, so that checks can ask the disk itself and not the code that is under test.
 */
import { DpsError } from '../../src/base/index.js'
import type { SimProcess } from './process.js'
import type { Rng } from './random.js'
import type { World } from './world.js'

export interface DiskFault {
  /** Mean of a synced write. */
  syncMs: number
  /** Every so many writes one takes a hundred times as long; 0: none does. */
  hiccupEvery: number
  /** Every write takes just the mean. @default false */
  exact?: boolean
}

/**
 * A disk that stalls for longer is a broken one, and no member recovers on it: faults that end are for
 * those that live.
 */
const WRITE_US_MAX = 3_000_000

/** One thing that is written, whole or not at all. */
interface Write {
  apply(): void
  readonly sync: boolean
}

export class SimDisk {
  readonly world: World
  readonly random: Rng
  readonly fault: DiskFault
  full = false
  /** The next write fails, though the disk may have taken it. */
  failing = false
  /** Writes in all, for the tests of the simulator. */
  writes = 0
  #areas: DiskArea[] = []

  constructor(world: World, random: Rng, fault: DiskFault) {
    this.world = world
    this.random = random
    this.fault = fault
  }

  area(): DiskArea {
    const area = new DiskArea(this)
    this.#areas.push(area)
    return area
  }

  latencyUs(): number {
    const { syncMs, hiccupEvery, exact } = this.fault
    if (exact) return syncMs * 1_000
    const slow = hiccupEvery > 0 && this.random.below(hiccupEvery) === 0
    const us = this.random.exponential(syncMs * 1_000 * (slow ? 100 : 1))
    return 20 + Math.min(us, WRITE_US_MAX)
  }

  /**
   * The process is gone: the kernel still has what it wrote. When power fails only what was synced stays, and
   * a random part of the rest.
   */
  crash(power: boolean): void {
    for (const area of this.#areas) area.crash(power)
  }
}

/** One database: its writes reach the disk in their order, and none that failed is followed by another. */
export class DiskArea {
  readonly #disk: SimDisk
  /** Written, but not known to be durable; oldest first. */
  #pending: Write[] = []
  #broken: DpsError | undefined
  #busyUntilUs = 0

  constructor(disk: SimDisk) {
    this.#disk = disk
  }

  /** A new process opens it: errors of the old handle are gone. */
  open(): void {
    this.#broken = undefined
    this.#pending = []
    this.#busyUntilUs = 0
  }

  /** Why this handle takes nothing any more. */
  get broken(): DpsError | undefined {
    return this.#broken
  }

  /**
   * Resolves when written, and durable if `sync`: then everything before it is too.
   *
   * @param apply makes it part of what is durable
   */
  write(process: SimProcess, sync: boolean, apply: () => void): Promise<void> {
    const disk = this.#disk
    disk.writes++
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    const write: Write = { apply, sync }
    if (disk.full || disk.failing) {
      disk.failing = false
      this.#broken = disk.full
        ? new DpsError('RESOURCE_EXHAUSTED', 'no space left on the simulated disk')
        : new DpsError('INTERNAL', 'the simulated disk failed')
      const error = this.#broken
      // Half of it may be there: the next process finds out.
      if (disk.random.chance(0.5)) this.#pending.push(write)
      return new Promise((_, reject) => process.inputAfter(disk.latencyUs(), () => reject(error)))
    }
    this.#pending.push(write)
    if (!sync) {
      // The kernel writes it back some time.
      disk.world.at(1e6 + disk.latencyUs(), () => this.#flush(write))
      return new Promise((resolve) => process.inputAfter(10, resolve))
    }
    const { nowUs } = disk.world
    this.#busyUntilUs = Math.max(nowUs, this.#busyUntilUs) + disk.latencyUs()
    return new Promise((resolve) => {
      disk.world.at(this.#busyUntilUs - nowUs, () => {
        this.#flush(write)
        process.input(resolve)
      })
    })
  }

  /** Everything up to this write is durable from now on. */
  #flush(write: Write): void {
    const at = this.#pending.indexOf(write)
    if (at === -1) return
    for (const each of this.#pending.splice(0, at + 1)) each.apply()
  }

  crash(power: boolean): void {
    const { random } = this.#disk
    const { length } = this.#pending
    // A batch that is torn counts as not written: its checksum says so.
    const kept = power ? (random.chance(0.5) ? 0 : random.below(length + 1)) : length
    for (const write of this.#pending.splice(0).slice(0, kept)) write.apply()
  }
}
