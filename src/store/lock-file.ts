/**
 * One process at a time. LevelDB has locks of its own, but they are lost when anything in the
 * process opens and closes the lock file, and they name nobody.
 *
 * The file names its holder: a holder that is gone (or whose process id belongs to another process
 * by now) is replaced. Two that replace at once are told apart by a link, which only one can make.
 */
import { constants, readFileSync } from 'node:fs'
import { copyFile, link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DpsError } from '../base/index.js'

const EXIT_IN_USE = 11
const TRIES_MAX = 10

interface Holder {
  pid: number
  /** When the process started, as the system tells it; empty where it doesn't. */
  started: string
}

/** Held by this very process, which its own process id can't tell. */
const held = new Set<string>()

export class LockFile {
  readonly #path: string
  #released = false

  private constructor(path: string) {
    this.#path = path
  }

  /** @throws FAILED_PRECONDITION, exit 11, naming the process that has it. */
  static async take(path: string, what: string): Promise<LockFile> {
    if (held.has(path)) throw inUse(what, process.pid)
    held.add(path)
    try {
      await take(path, what)
    } catch (error) {
      held.delete(path)
      throw error
    }
    return new LockFile(path)
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    await rm(this.#path, { force: true })
    held.delete(this.#path)
  }
}

async function take(path: string, what: string): Promise<void> {
  const mine = `${path}.${process.pid}`
  const self: Holder = { pid: process.pid, started: startedAt(process.pid) ?? '' }
  try {
    await writeFile(mine, `${JSON.stringify(self)}\n`, { mode: 0o600 }).catch(async (error) => {
      // Whether somebody has it can be told without room for a lock of one's own.
      const holder = parse(await readFile(path, 'utf8').catch(() => ''))
      throw holder !== undefined && isAlive(holder) ? inUse(what, holder.pid) : error
    })
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await linkOrCopy(mine, path)) return
      const text = await readFile(path, 'utf8').catch(() => undefined)
      if (text === undefined) continue
      const holder = parse(text)
      if (holder !== undefined && isAlive(holder)) throw inUse(what, holder.pid)
      await removeStale(path, text)
    }
  } finally {
    await rm(mine, { force: true })
  }
  throw inUse(what, undefined)
}

/** @returns false when there is one already. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error
      // File systems without hard links: here the file is empty for a moment.
      await copyFile(from, to, constants.COPYFILE_EXCL)
    })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock that was read, and puts another back if it was faster. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  const moved = await readFile(aside, 'utf8').catch(() => text)
  if (moved !== text) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

function isAlive({ pid, started }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is somebody else's, and alive.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startedAt(pid)
  return now === undefined || started === '' || now === started
}

/** Linux: the 22nd field of /proc/pid/stat, in clock ticks since boot, and the boot's id. */
function startedAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const ticks = fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return ticks === undefined ? undefined : `${boot}:${ticks}`
  } catch {
    return undefined
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, started = '' } = JSON.parse(text) as Partial<Holder>
    if (!Number.isSafeInteger(pid) || pid! <= 0) return undefined
    return { pid: pid!, started: String(started) }
  } catch {
    return undefined
  }
}

function inUse(what: string, pid: number | undefined): DpsError {
  const by = pid === undefined ? 'another process' : `process ${pid}`
  return new DpsError('FAILED_PRECONDITION', `${what} is in use by ${by}`, {
    exitCode: EXIT_IN_USE,
    hint: 'stop it first (dps-node stop), or give this one another --data-dir',
  })
}
