/** What both sides of the exchange agree on. */
import { MAX_CHUNK_BYTES } from '../content/index.js'

export const EXCHANGE_PROTOCOL = '/dps/chunk/1.0.0'

export const METHOD = {
  has: 'has',
  retrieve: 'retrieve',
  store: 'store',
  replicate: 'replicate',
} as const

/** Largest body of a frame: a chunk. Manifests are smaller (16,384 children of some 40 bytes). */
export const CHUNK_BODY_BYTES_MAX = MAX_CHUNK_BYTES
