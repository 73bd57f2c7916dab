/** States on LevelDB: `<directory>/state-<n>/`, one database for each generation. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DpsError } from '../base/index.js'
import { damagedLevelFiles, type LevelDb, levelDb, levelError, openLevel } from '../store/index.js'
import type {
  CursorRange,
  StateGeneration,
  StateStore,
  StoreCursor,
  StoreSnapshot,
  StoreWrite,
} from './state-store.js'

const NAME = /^state-(\d{1,15})$/
const ASIDE = 'state.damaged'

const LEVEL = {
  // Batches of a second or two are merged in memory, session records above all.
  writeBufferSize: 8 * 2 ** 20,
  maxFileSize: 8 * 2 ** 20,
  cacheSize: 32 * 2 ** 20,
}

/** What one page takes in memory, besides its last row. */
const PAGE_BYTES = 2 ** 20

/** So many are handed to LevelDB in one turn: a few milliseconds. */
const TURN_WRITES = 4096

type LevelSnapshot = ReturnType<LevelDb['snapshot']>

export class LevelStateStore implements StateStore {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async generations(): Promise<number[]> {
    const names = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return names
      .flatMap((name) => {
        const match = NAME.exec(name)
        return match === null ? [] : [Number(match[1])]
      })
      .sort((a, b) => a - b)
  }

  async open(generation: number): Promise<StateGeneration> {
    const path = this.#pathOf(generation)
    await mkdir(path, { recursive: true })
    // LevelDB leaves out what it can't replay and goes on with what came later; and a damaged table
    // may end the process.
    const { logs, tables } = await damagedLevelFiles(path)
    const [damage] = [...tables, ...logs]
    if (damage !== undefined) {
      throw new DpsError('DATA_LOSS', `the replicated state in ${path} is damaged: ${damage}`)
    }
    let made: LevelDb | undefined
    await openLevel(() => {
      made = levelDb(path, LEVEL)
      return made
    }, path)
    return new LevelGeneration(generation, path, made!)
  }

  async remove(generation: number): Promise<void> {
    await rm(this.#pathOf(generation), { recursive: true, force: true })
  }

  async setAside(generation: number): Promise<void> {
    const aside = join(this.#directory, ASIDE)
    await rm(aside, { recursive: true, force: true })
    await rename(this.#pathOf(generation), aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }

  #pathOf(generation: number): string {
    return join(this.#directory, `state-${generation}`)
  }
}

class LevelGeneration implements StateGeneration {
  readonly generation: number
  readonly #path: string
  readonly #db: LevelDb
  #failure: DpsError | undefined

  constructor(generation: number, path: string, db: LevelDb) {
    this.generation = generation
    this.#path = path
    this.#db = db
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#db.getSync(key)
    } catch (error) {
      throw levelError(error, this.#path)
    }
  }

  cursor(range: CursorRange): StoreCursor {
    return this.#cursor(range)
  }

  #cursor({ gte, lt, reverse = false }: CursorRange, snapshot?: LevelSnapshot): StoreCursor {
    if (this.#db.status !== 'open') {
      throw new DpsError('UNAVAILABLE', `${this.#path} is closed`)
    }
    const options = { gte, lt, reverse, highWaterMarkBytes: PAGE_BYTES }
    // Made in this turn: what is written from here on is not seen.
    const iterator = this.#db.iterator({ ...options, ...(snapshot && { snapshot }) })
    return {
      next: async (limit) => {
        try {
          return await iterator.nextv(limit)
        } catch (error) {
          throw levelError(error, this.#path)
        }
      },
      close: () => iterator.close(),
    }
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      // A tenth of the main thread's time that an array of operations costs.
      const batch = this.#db.batch()
      for (const { key, value } of writes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
        if (batch.length % TURN_WRITES === 0) await new Promise((next) => setImmediate(next))
      }
      await batch.write({ sync: true } as object)
    } catch (error) {
      this.#failure = levelError(error, this.#path)
      throw this.#failure
    }
  }

  snapshot(): StoreSnapshot {
    if (this.#failure !== undefined) throw this.#failure
    const snapshot = this.#db.snapshot()
    return { cursor: (range) => this.#cursor(range, snapshot), close: () => snapshot.close() }
  }

  async close(): Promise<void> {
    await this.#db.close().catch((error) => {
      throw new DpsError('UNAVAILABLE', `${this.#path} does not close`, { cause: error })
    })
  }
}
