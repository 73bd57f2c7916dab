/**
 * CIDs: what names a chunk or a manifest. CIDv1, sha2-256, codec `raw` (0x55) for chunks, so that
 * a chunk has the CID that IPFS gives a raw leaf, and `protobuf` (0x50) for manifests.
 *
 * Spec: https://github.com/multiformats/cid
 */
import { createHash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { bases } from 'multiformats/basics'
import { CID } from 'multiformats/cid'
import * as MultihashDigest from 'multiformats/hashes/digest'
import { DpsError } from '../base/index.js'

/** 32 bytes: a sha2-256. */
export type Digest = Uint8Array
export type ChunkKind = 'chunk' | 'manifest'

export const DIGEST_BYTES = 32
export const CODEC_RAW = 0x55
export const CODEC_MANIFEST = 0x50
const CODE_SHA256 = 0x12
/** Binary form of every CID here: version, codec, hash, length (each one byte), digest. */
export const CID_BYTES = 4 + DIGEST_BYTES

// A CID of 36 bytes takes 289 characters in the longest base (base2). Decoding base58 is quadratic,
// so longer input is refused before it is looked at.
const CID_TEXT_MAX = 320

const ACCEPTED = 'a CIDv1 with codec raw (0x55) or protobuf (0x50) and a sha2-256 hash'

/**
 * Reads a CID in any multibase, bare, as `/ipfs/<cid>` or as `ipfs://<cid>`.
 * @throws INVALID_ARGUMENT for anything that can't name a chunk or a manifest here.
 */
export function parseCid(text: string): CID {
  const bare = text.replace(/^(?:\/ipfs\/|ipfs:\/\/)/, '')
  if (bare.length > CID_TEXT_MAX) throw badCid(`${bare.slice(0, 20)}…`, 'it is too long')
  if (/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/.test(bare)) {
    throw badCid(text, 'it is a CIDv0, which names an IPFS UnixFS file')
  }
  const base = Object.values(bases).find((each) => bare.startsWith(each.prefix))
  if (base === undefined) throw badCid(text, 'it is in no known multibase')
  let cid: CID
  try {
    cid = CID.decode(base.decode(bare))
  } catch (cause) {
    throw badCid(text, 'it is not a CID', cause)
  }
  return checkCid(cid, text)
}

/** @throws INVALID_ARGUMENT unless the CID is one that {@link cidOf} makes. */
export function checkCid(cid: CID, text: string = cid.toString()): CID {
  if (cid.version !== 1) throw badCid(text, `its version is ${cid.version}`)
  if (cid.code !== CODEC_RAW && cid.code !== CODEC_MANIFEST) {
    throw badCid(text, `its codec is 0x${cid.code.toString(16)}`)
  }
  if (cid.multihash.code !== CODE_SHA256 || cid.multihash.digest.byteLength !== DIGEST_BYTES) {
    throw badCid(text, `its hash is 0x${cid.multihash.code.toString(16)}`)
  }
  // Longer spellings of the same numbers (padded varints) would be second names for one chunk.
  if (cid.byteLength !== CID_BYTES) throw badCid(text, 'its encoding is not canonical')
  return cid
}

function badCid(text: string, why: string, cause?: unknown): DpsError {
  return new DpsError('INVALID_ARGUMENT', `CID ${JSON.stringify(text)}: ${why}`, {
    cause,
    hint: `give ${ACCEPTED}`,
  })
}

/** CIDv1 in base58btc: `z…`. */
export function formatCid(cid: CID): string {
  return cid.toString(base58btc)
}

/** @param digest kept, not copied. */
export function cidOf(kind: ChunkKind, digest: Digest): CID {
  return CID.createV1(codecOf(kind), MultihashDigest.create(CODE_SHA256, digest))
}

/**
 * @internal The CID over its binary form, without copying: for thousands of directory entries. The
 * bytes must have been checked, and are kept.
 */
export function cidOver(bytes: Uint8Array<ArrayBuffer>): CID {
  const digest = bytes.subarray(CID_BYTES - DIGEST_BYTES)
  const multihash = new MultihashDigest.Digest(CODE_SHA256, DIGEST_BYTES, digest, bytes.subarray(2))
  return new CID(1, bytes[1] as number, multihash, bytes)
}

/**
 * The CID of its binary form.
 * @throws INVALID_ARGUMENT unless it is one that {@link cidOf} makes
 */
export function cidOfBytes(bytes: Uint8Array): CID {
  try {
    return checkCid(CID.decode(bytes))
  } catch (cause) {
    if (cause instanceof DpsError) throw cause
    throw badCid(`${bytes.length} bytes`, 'they are not a CID', cause)
  }
}

export function codecOf(kind: ChunkKind): number {
  return kind === 'chunk' ? CODEC_RAW : CODEC_MANIFEST
}

/** @throws INVALID_ARGUMENT for a codec that is neither a chunk's nor a manifest's. */
export function kindOf(cid: CID): ChunkKind {
  if (cid.code === CODEC_RAW) return 'chunk'
  if (cid.code === CODEC_MANIFEST) return 'manifest'
  throw badCid(cid.toString(), `its codec is 0x${cid.code.toString(16)}`)
}

export function digestOf(cid: CID): Digest {
  return cid.multihash.digest
}

export function digestHex(digest: Digest): string {
  return bufferOver(digest).toString('hex')
}

/** A key for maps and sets: 32 one-byte characters. Not printable; {@link digestHex} is. */
export function digestKey(digest: Digest): string {
  return bufferOver(digest).toString('latin1')
}

/** The digest that {@link digestKey} made the key of. */
export function digestOfKey(key: string): Digest {
  return new Uint8Array(Buffer.from(key, 'latin1'))
}

/** In byte order: negative, zero or positive. */
export function compareDigests(a: Digest, b: Digest): number {
  return Buffer.compare(a, b)
}

/** Hashes in this thread: 0.6 ms per MiB. Bulk goes to the `HashPool`. */
export function sha256(bytes: Uint8Array): Digest {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

/**
 * Hashes in this thread.
 * @throws DATA_LOSS when the bytes are not the ones that the CID or digest names.
 */
export function verifyChunk(name: CID | Digest, bytes: Uint8Array): void {
  const expected = name instanceof Uint8Array ? name : digestOf(name)
  const actual = sha256(bytes)
  if (compareDigests(actual, expected) !== 0) {
    throw new DpsError(
      'DATA_LOSS',
      `bytes do not match their name: expected ${digestHex(expected)}, got ${digestHex(actual)}`,
    )
  }
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}
