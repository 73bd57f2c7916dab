/** The `StateStore` on a simulated disk. */
import { assert, DpsError } from '../../src/base/index.js'
import { MemoryGeneration } from '../../src/metadata/memory-state-store.js'
import type {
  CursorRange,
  StateGeneration,
  StateStore,
  StoreCursor,
  StoreSnapshot,
  StoreWrite,
} from '../../src/metadata/state-store.js'
import type { DiskArea, SimDisk } from './disk.js'
import type { SimProcess } from './process.js'

/** What the disk holds, by number of the generation. */
export type DurableState = Map<number, MemoryGeneration>

export class SimStateStore implements StateStore {
  readonly #disk: SimDisk
  readonly #area: DiskArea
  readonly #durable: DurableState
  readonly #process: SimProcess
  readonly #open = new Set<number>()

  constructor(disk: SimDisk, area: DiskArea, durable: DurableState, process: SimProcess) {
    this.#disk = disk
    this.#area = area
    this.#durable = durable
    this.#process = process
    area.open()
  }

  async generations(): Promise<number[]> {
    return [...this.#durable.keys()].sort((a, b) => a - b)
  }

  async open(generation: number): Promise<StateGeneration> {
    if (this.#open.has(generation)) {
      throw new DpsError('FAILED_PRECONDITION', `generation ${generation} is open already`)
    }
    this.#open.add(generation)
    await new Promise<void>((resolve) => this.#process.inputAfter(this.#disk.latencyUs(), resolve))
    let rows = this.#durable.get(generation)
    if (rows === undefined) {
      rows = new MemoryGeneration(generation)
      rows.open()
      this.#durable.set(generation, rows)
    }
    const close = () => this.#open.delete(generation)
    return new SimGeneration(rows, this.#area, this.#process, close)
  }

  async remove(generation: number): Promise<void> {
    assert(!this.#open.has(generation), 'an open generation is not removed')
    this.#durable.delete(generation)
  }

  setAside(generation: number): Promise<void> {
    return this.remove(generation)
  }
}

class SimGeneration implements StateGeneration {
  readonly generation: number
  readonly #rows: MemoryGeneration
  readonly #area: DiskArea
  readonly #process: SimProcess
  readonly #onClose: () => void
  #open = true
  #writing = false

  constructor(rows: MemoryGeneration, area: DiskArea, process: SimProcess, onClose: () => void) {
    this.generation = rows.generation
    this.#rows = rows
    this.#area = area
    this.#process = process
    this.#onClose = onClose
  }

  #check(): void {
    if (!this.#open) throw new DpsError('UNAVAILABLE', 'the simulated state is closed')
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return this.#rows.get(key)
  }

  cursor(range: CursorRange): StoreCursor {
    this.#check()
    return slow(this.#rows.cursor(range), this.#process)
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    this.#check()
    assert(!this.#writing, 'one batch of the state at a time')
    this.#writing = true
    try {
      await this.#area.write(this.#process, true, () => this.#rows.apply(writes))
    } finally {
      this.#writing = false
    }
  }

  snapshot(): StoreSnapshot {
    this.#check()
    const rows = this.#rows.snapshot()
    const process = this.#process
    return { cursor: (range) => slow(rows.cursor(range), process), close: () => rows.close() }
  }

  async close(): Promise<void> {
    this.#open = false
    this.#onClose()
  }
}

function slow({ next, close }: StoreCursor, process: SimProcess): StoreCursor {
  return {
    next: async (limit) => {
      await new Promise<void>((resolve) => process.inputAfter(20, resolve))
      return next(limit)
    },
    close,
  }
}
