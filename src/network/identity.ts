/** A node's key: who it is in the swarm, for ever. One file, readable by its owner alone. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type AbortOptions, DpsError } from '../base/index.js'

export interface Identity {
  privateKey: PrivateKey
  /** The peer id of the key, as text (base58btc). */
  peerId: string
  /** The file could be read by others; it was closed to them now. */
  wasOpenToOthers: boolean
}

/** No key type of libp2p needs more; a larger file is something else. */
const KEY_FILE_BYTES_MAX = 16 * 1024
const OWNER_ONLY = 0o600
const OTHERS = 0o077

/**
 * The key at `path` (libp2p's protobuf of a private key), made on the first call. Two processes
 * that race to make it end up with the same one.
 *
 * @throws DpsError DATA_LOSS when the file is damaged: a new key would be a new peer, and
 * everything that knows the old one would lose it, so that is for a person to decide.
 */
export async function loadIdentity(path: string, options: AbortOptions = {}): Promise<Identity> {
  options.signal?.throwIfAborted()
  const existing = await readKey(path)
  if (existing !== undefined) return existing
  await createKey(path)
  const created = await readKey(path)
  if (created === undefined) {
    throw new DpsError('UNAVAILABLE', `identity key ${path} disappeared while it was made`)
  }
  return created
}

async function readKey(path: string): Promise<Identity | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return undefined
    throw new DpsError('PERMISSION_DENIED', `identity key ${path} cannot be read`, {
      cause,
      hint: 'run as the owner of the data directory',
    })
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw damaged(path, 'it is no file')
    if (stat.size > KEY_FILE_BYTES_MAX) throw damaged(path, `it has ${stat.size} bytes`)
    // Windows has no such bits; there the user's profile folder protects the file.
    const wasOpenToOthers = process.platform !== 'win32' && (stat.mode & OTHERS) !== 0
    if (wasOpenToOthers) await closeToOthers(file, path)
    return { ...decodeKey(path, await file.readFile()), wasOpenToOthers }
  } finally {
    await file.close()
  }
}

async function closeToOthers(file: FileHandle, path: string): Promise<void> {
  try {
    await file.chmod(OWNER_ONLY)
  } catch (cause) {
    throw new DpsError('PERMISSION_DENIED', `identity key ${path} can be read by others`, {
      cause,
      hint: `run: chmod 600 ${path}`,
    })
  }
}

function decodeKey(path: string, bytes: Uint8Array): Omit<Identity, 'wasOpenToOthers'> {
  try {
    const privateKey = privateKeyFromProtobuf(bytes)
    return { privateKey, peerId: peerIdFromPrivateKey(privateKey).toString() }
  } catch (cause) {
    throw damaged(path, 'it holds no private key', cause)
  }
}

function damaged(path: string, why: string, cause?: unknown): DpsError {
  return new DpsError('DATA_LOSS', `identity key ${path} is damaged: ${why}`, {
    cause,
    hint: 'put back a copy of it, or move it away to go on as a new peer',
  })
}

async function createKey(path: string): Promise<void> {
  const key = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  // Whole or absent: written aside, synced, then linked to its name, which fails when another
  // process was first (its key then counts).
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(aside, 'wx', OWNER_ONLY)
  try {
    await file.writeFile(key)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(aside, path)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await unlink(aside)
  }
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === code
}
