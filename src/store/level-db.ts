/** LevelDB databases of byte keys and values: opening, and what their errors mean here. */
import { readdir } from 'node:fs/promises'
import { Level } from 'level'
import { DpsError } from '../base/index.js'

const EXIT_IN_USE = 11

/** `level` leaves out of its type what browsers lack. */
export type LevelDb = Level<Uint8Array, Uint8Array> & {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  approximateSize(start: Uint8Array, end: Uint8Array): Promise<number>
}

export interface LevelDbInit {
  writeBufferSize: number
  maxFileSize: number
  cacheSize: number
}

export function levelDb(path: string, init: LevelDbInit): LevelDb {
  return new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    // Chunks are mostly compressed already, or encrypted; keys are hashes.
    compression: false,
    ...init,
  }) as LevelDb
}

/**
 * Rebuilds a closed database's table of contents from its tables and logs. What a damaged block
 * held is lost; flipped bytes within values are kept, and met by their CRC.
 */
export async function repairLevel(path: string): Promise<void> {
  const { repair } = Level as unknown as { repair(path: string): Promise<void> }
  try {
    await repair(path)
  } catch (error) {
    throw levelError(error, path)
  }
}

/** The innermost `LEVEL_…` code of an error, looking through its causes. */
export function levelCode(error: unknown): string | undefined {
  let found: string | undefined
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException
    if (code?.startsWith('LEVEL_')) found = code
  }
  return found
}

/** All messages of an error and its causes: LevelDB's own words are in the innermost. */
export function levelMessage(error: unknown): string {
  const parts: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    parts.push(at.message)
  }
  return parts.join(': ')
}

export function isDiskFull(error: unknown): boolean {
  return /no space left|quota exceeded|ENOSPC|EDQUOT/i.test(levelMessage(error))
}

/**
 * A failed open or operation as the error that leaves the room. IO errors at open that name a
 * missing or unreadable file are damage: LevelDB has no other word for a lost table.
 */
export function levelError(error: unknown, what: string, hint?: string): DpsError {
  if (error instanceof DpsError) return error
  const code = levelCode(error)
  const detail = levelMessage(error)
  if (code === 'LEVEL_LOCKED') {
    return new DpsError('FAILED_PRECONDITION', `${what} is in use by another process`, {
      cause: error,
      exitCode: EXIT_IN_USE,
      hint: 'stop the other node, or give this one another --data-dir',
    })
  }
  if (isDiskFull(error)) {
    return new DpsError('RESOURCE_EXHAUSTED', `${what}: the disk is full`, {
      cause: error,
      hint: 'free space on that disk, then try again',
    })
  }
  if (code === 'LEVEL_CORRUPTION' || /No such file|does not exist|missing files/i.test(detail)) {
    return new DpsError('DATA_LOSS', `${what} is damaged: ${detail}`, {
      cause: error,
      ...(hint !== undefined && { hint }),
    })
  }
  return new DpsError('UNAVAILABLE', `${what}: ${detail}`, { cause: error })
}

/**
 * Opens a database; its failure is one of {@link levelError}'s.
 *
 * LevelDB takes a directory without `CURRENT` for a new database and deletes the tables in it, so
 * a directory that lost that file is refused here.
 */
export async function openLevel<DB extends { open(): Promise<void> }>(
  make: () => DB,
  path: string,
  options: { hint?: string } = {},
): Promise<DB> {
  const names = await readdir(path).catch((): string[] => [])
  if (!names.includes('CURRENT') && names.some((name) => /\.(ldb|sst)$/.test(name))) {
    throw new DpsError('DATA_LOSS', `${path} is damaged: its file CURRENT is missing`, {
      ...(options.hint !== undefined && { hint: options.hint }),
    })
  }
  // Made only now: a database opens itself in the turn after it was made.
  const db = make()
  try {
    await db.open()
    return db
  } catch (error) {
    throw levelError(error, path, options.hint)
  }
}
