/** One file from the node to a path: whole, or not there. */
import { randomBytes } from 'node:crypto'
import { chmod, type FileHandle, lstat, open, rename, rm, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DpsError, toDpsError } from '../base/index.js'
import type { ApiClient } from '../gateway/index.js'
import type { Session } from './session.js'

export interface WriteFileInit {
  cid: string
  sizeBytes: number
  path: string
  force: boolean
  attributes?: FileAttributes
}

/** What a file of the namespace has besides its bytes. */
export interface FileAttributes {
  mode: number
  mtimeNs: bigint
}

/** Set-id and sticky bits are for the owner of the machine to give. */
const PERMISSIONS = 0o777

export async function restoreAttributes(
  path: string,
  { mode, mtimeNs }: FileAttributes,
): Promise<void> {
  await chmod(path, mode & PERMISSIONS)
  const seconds = Number(mtimeNs) / 1e9
  await utimes(path, seconds, seconds)
}

/** A name beside `path` that nobody else has; what a crash leaves is found by its ending. */
export function temporaryBeside(path: string): string {
  const tag = randomBytes(6).toString('hex')
  // Long names leave no room for the tag: 255 bytes are most file systems' limit.
  const stem = Buffer.from(basename(path))
    .subarray(0, 200)
    .toString()
    .replace(/\uFFFD+$/, '')
  return join(dirname(path), `.${stem}.${tag}.dps-part`)
}

/** Writes beside the target and renames, so that no reader ever sees half a file. */
export async function writeFile(
  session: Session,
  client: ApiClient,
  { cid, sizeBytes, path, force, attributes }: WriteFileInit,
): Promise<void> {
  const temporary = temporaryBeside(path)
  try {
    await download(session, client, {
      cid,
      sizeBytes,
      path: temporary,
      onBytes: showBytes(session, sizeBytes),
    })
    if (attributes !== undefined) await restoreAttributes(temporary, attributes)
    // rename() replaces silently: what appeared meanwhile is refused here.
    if (!force && (await exists(path))) {
      throw new DpsError('ALREADY_EXISTS', `${path} exists`, { hint: 'overwrite it with: --force' })
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw localError(path, error)
  }
}

function showBytes(session: Session, totalBytes: number): (bytes: number) => void {
  let done = 0
  return (bytes) => {
    done += bytes
    session.progress.update(done, totalBytes)
  }
}

export async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}

export interface DownloadInit {
  cid: string
  sizeBytes: number
  /** Must not exist. */
  path: string
  onBytes(bytes: number): void
}

// HTTP hands out 64 KiB pieces: a system call for each would cost more than the copy.
const WRITE_BYTES = 1024 * 1024

/** The bytes of a file to a new path. DATA_LOSS when there are more or fewer than there must be. */
export async function download(
  session: Session,
  client: ApiClient,
  { cid, sizeBytes, path, onBytes }: DownloadInit,
): Promise<void> {
  const { settings, signal } = session
  const handle = await open(path, 'wx', 0o666)
  try {
    let seen = 0
    if (sizeBytes > 0) {
      const options = { timeoutMs: settings.get.timeoutMs, signal }
      const writer = new BatchWriter(handle)
      try {
        const { body } = await client.download(cid, options)
        for await (const piece of body) {
          seen += piece.length
          if (seen > sizeBytes) break
          await writer.write(piece)
          onBytes(piece.length)
        }
      } finally {
        await writer.flush()
      }
    }
    if (seen !== sizeBytes) {
      const message = `${cid}: ${seen} bytes came, ${sizeBytes} were announced`
      throw new DpsError('DATA_LOSS', message, { hint: 'run it again' })
    }
  } finally {
    await handle.close()
  }
}

/** Gathers pieces and writes them together; the next are read while the last are written. */
class BatchWriter {
  readonly #handle: FileHandle
  #batch: Uint8Array[] = []
  #batchBytes = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#batch.push(piece)
    this.#batchBytes += piece.length
    if (this.#batchBytes >= WRITE_BYTES) await this.#turn()
  }

  async flush(): Promise<void> {
    await this.#turn()
    await this.#writing
  }

  async #turn(): Promise<void> {
    await this.#writing
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    if (batch.length === 0) return
    this.#writing = writeAll(this.#handle, batch)
    // Its failure is told by the next turn, or the flush.
    this.#writing.catch(() => {})
  }
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await handle.writev(pieces)
  // A write may take less than it was given, at full disks and signals.
  let skip = bytesWritten
  for (const piece of pieces) {
    const rest = piece.subarray(Math.min(skip, piece.length))
    skip -= piece.length - rest.length
    if (rest.length > 0) await writeRest(handle, rest)
  }
}

async function writeRest(handle: FileHandle, data: Uint8Array): Promise<void> {
  for (let rest = data; rest.length > 0; ) {
    const { bytesWritten } = await handle.write(rest)
    rest = rest.subarray(bytesWritten)
  }
}

/** A failure of this machine's file system is a failed command, whatever its code means remotely. */
export function localError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const { code, message } = toDpsError(error)
  return new DpsError(code, message.includes(path) ? message : `${path}: ${message}`, {
    cause: error,
    exitCode: 1,
  })
}
