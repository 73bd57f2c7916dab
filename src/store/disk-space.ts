/** Room on the disk: a reserve that writes leave alone, and a ballast that can be thrown off. */
import { open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { DpsError } from '../base/index.js'

/**
 * What LevelDB may write beyond the records themselves: both memtables' logs and their tables,
 * and as much again while a reclaim copies.
 */
export const RESERVE_BYTES = 256 * 1024 * 1024
/** An open writes both logs of an interrupted run as tables: 64 MiB, and the index's. */
export const BALLAST_BYTES = 96 * 1024 * 1024
/** A store that is opened for a moment (one command) writes no ballast. */
const BALLAST_DELAY_MS = 10_000
const LOOK_EVERY_BYTES = 32 * 1024 * 1024
const LOOK_EVERY_MS = 500
const USED_EVERY_MS = 2000

export interface DiskSpaceInit {
  path: string
  reserveBytes: number
  /** Most bytes of chunks; 0 is whatever the disk has. */
  capacityBytes: number
  ballastBytes: number
}

export class DiskSpace {
  readonly #init: DiskSpaceInit
  #freeBytes = 0
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #sinceLookBytes = 0
  #used: { atMs: number; bytes: Promise<number> } | undefined
  #ballast: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(init: DiskSpaceInit) {
    this.#init = init
  }

  /**
   * @param storedBytes of chunks, asked where there is a capacity.
   * @throws RESOURCE_EXHAUSTED when writing so much would pass the capacity or touch the reserve.
   */
  async admit(bytes: number, storedBytes: () => Promise<number>): Promise<void> {
    const { capacityBytes } = this.#init
    const used = capacityBytes === 0 ? 0 : await storedBytes()
    if (capacityBytes > 0 && used + bytes > capacityBytes) {
      throw new DpsError(
        'RESOURCE_EXHAUSTED',
        `store is full: ${used} of ${capacityBytes} bytes are used`,
        { hint: 'run: dps-node gc, or raise store.capacity' },
      )
    }
    const aged = performance.now() - this.#lookedAtMs > LOOK_EVERY_MS
    if (aged || this.#sinceLookBytes > LOOK_EVERY_BYTES) await this.freeBytes()
    this.#sinceLookBytes += bytes
    const { path, reserveBytes } = this.#init
    if (this.#freeBytes - this.#sinceLookBytes >= reserveBytes) return
    // Forgotten, so that room made now is seen now.
    this.#lookedAtMs = Number.NEGATIVE_INFINITY
    throw new DpsError(
      'RESOURCE_EXHAUSTED',
      `disk of ${path} is full: ${megabytes(this.#freeBytes)} free, of which ` +
        `${megabytes(reserveBytes)} are kept in reserve`,
      { hint: 'free space on that disk, or run: dps-node gc' },
    )
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#init.path)
    this.#freeBytes = bavail * bsize
    this.#lookedAtMs = performance.now()
    this.#sinceLookBytes = 0
    return this.#freeBytes
  }

  /** What the directories' files take, at most two seconds old. */
  async usedBytes(directories: readonly string[]): Promise<number> {
    const now = performance.now()
    if (this.#used === undefined || now - this.#used.atMs > USED_EVERY_MS) {
      const sizes = directories.map((name) => directoryBytes(join(this.#init.path, name)))
      const bytes = Promise.all(sizes).then((all) => all.reduce((sum, each) => sum + each, 0))
      this.#used = { atMs: now, bytes }
    }
    return this.#used.bytes
  }

  /** Writes the ballast, later and in the background, if there is room to spare. */
  keepBallast(): void {
    if (this.#init.ballastBytes === 0) return
    this.#ballast = setTimeout(() => {
      this.#writing = this.#writeBallast().catch(() => {})
    }, BALLAST_DELAY_MS)
    this.#ballast.unref()
  }

  async #writeBallast(): Promise<void> {
    const { ballastBytes, reserveBytes } = this.#init
    const path = this.#ballastPath
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    )
    if (size >= ballastBytes) return
    if ((await this.freeBytes()) < reserveBytes + 2 * ballastBytes) return
    const file = await open(path, 'w', 0o600)
    try {
      const block = Buffer.alloc(1024 * 1024, 'ballast ')
      for (let at = 0; at < ballastBytes && !this.#stopped; at += block.length) {
        await file.write(block, 0, Math.min(block.length, ballastBytes - at), at)
      }
    } finally {
      await file.close()
    }
  }

  /** Makes room for an open. @returns whether there was any to make. */
  async dropBallast(): Promise<boolean> {
    const dropped = await dropBallastOf(this.#init.path)
    if (dropped) this.#lookedAtMs = Number.NEGATIVE_INFINITY
    return dropped
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#ballast)
    await this.#writing
  }

  get #ballastPath(): string {
    return ballastOf(this.#init.path)
  }
}

function ballastOf(diskPath: string): string {
  return join(diskPath, 'ballast')
}

async function dropBallastOf(diskPath: string): Promise<boolean> {
  const path = ballastOf(diskPath)
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined || stats.size === 0) return false
  await rm(path, { force: true })
  return true
}

/**
 * Throws the ballast off where an open would find no room. Whatever is opened before the store
 * (the lock, `meta/`) needs that room as well.
 * @returns whether there is more room now
 */
export async function makeRoomToOpen(diskPath: string): Promise<boolean> {
  const space = await statfs(diskPath).catch(() => undefined)
  if (space === undefined || space.bavail * space.bsize >= BALLAST_BYTES) return false
  return dropBallastOf(diskPath)
}

async function directoryBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path).catch((): string[] => [])) {
    // A table may be deleted between the two calls.
    const stats = await stat(join(path, name)).catch(() => undefined)
    if (stats?.isFile()) bytes += stats.size
  }
  return bytes
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1_000_000)} MB`
}
