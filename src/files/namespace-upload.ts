/** A put's right to commit, and its chunks' right to stay until then. */
import type { Authority } from '../metadata/index.js'
import type { Lease, References } from '../store/index.js'
import { type Holdings, PUT_PURPOSE } from './holdings.js'

/** A local lease outlives any put; the one in the cluster is renewed while the put runs. */
const LEASE_TTL_MS = 24 * 3600 * 1000
/** After so long without a renewal the leader may give an upload up. */
export const UPLOAD_TTL_MS = 10 * 60 * 1000

export interface UploadComponents {
  authority: Pick<Authority, 'execute'>
  holdings: Pick<Holdings, 'ready' | 'abandon'>
  references: Pick<References, 'openLease'>
  peerId: string
}

export class Upload {
  readonly uploadId: number
  readonly lease: Lease
  readonly #components: UploadComponents
  readonly #timer: NodeJS.Timeout
  #over = false

  static async open(components: UploadComponents, signal: AbortSignal): Promise<Upload> {
    const { authority, holdings, references, peerId } = components
    await holdings.ready({ signal })
    const lease = await references.openLease({ ttlMs: LEASE_TTL_MS, purpose: PUT_PURPOSE })
    try {
      const command = { type: 'openUpload' as const, holder: peerId, ttlMs: UPLOAD_TTL_MS }
      const { uploadId } = await authority.execute(command, { signal })
      return new Upload(components, uploadId, lease)
    } catch (error) {
      // One that was opened without our knowing runs out by itself: nothing is put under it.
      holdings.abandon(undefined, lease)
      throw error
    }
  }

  private constructor(components: UploadComponents, uploadId: number, lease: Lease) {
    this.#components = components
    this.uploadId = uploadId
    this.lease = lease
    const renew = { type: 'renewUpload' as const, uploadId, ttlMs: UPLOAD_TTL_MS }
    this.#timer = setInterval(() => {
      // Where it fails the commit will too, and say why.
      components.authority.execute(renew).catch(() => {})
    }, UPLOAD_TTL_MS / 3)
    this.#timer.unref()
  }

  /** Everything put under it is kept otherwise now, and the upload was ended by a command. */
  async end(): Promise<void> {
    this.#over = true
    clearInterval(this.#timer)
    await this.lease.release()
  }

  /** Nobody knows what of it is committed. Harmless after the end. */
  abandon(): void {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#timer)
    this.#components.holdings.abandon(this.uploadId, this.lease)
  }
}
