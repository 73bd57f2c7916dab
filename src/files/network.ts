/**
 * What the files service asks of the other peers. With no network (`offlineNetwork`) content
 * that is not here is not found, and announcements wait for the next start of the node.
 */

import type { CID } from 'multiformats/cid'
import type { AbortOptions } from '../base/index.js'
import { DpsError } from '../base/index.js'
import type { CopyResult } from './types.js'

/** One fetch's view of the peers that may have a root's chunks. */
export interface ContentSession {
  /**
   * The bytes of `cid`, verified, in `into` where given (then `into` must be exactly as long).
   * Rejects with NOT_FOUND (nobody has it) or UNAVAILABLE (those who have it can't be reached).
   */
  fetch(
    ref: { cid: CID; sizeBytes?: number },
    into?: Uint8Array,
    options?: AbortOptions,
  ): Promise<Uint8Array>
  /** Ids of the peers that gave bytes. */
  peers(): string[]
  close(): void
}

export interface SessionOptions {
  timeoutMs: number
  /** A peer that has it: asked before anybody is looked for. */
  from?: string
  requestId?: string
}

export interface FilesNetwork {
  openSession(root: CID, options: SessionOptions): ContentSession
  /** Announces now; false where that took longer than `waitMs` or nobody was there to hear it. */
  announce(roots: readonly CID[], waitMs: number, signal?: AbortSignal): Promise<boolean>
  /** Announces in the background, surviving restarts. */
  announceLater(cids: readonly CID[]): void
  forget(cid: CID): Promise<void>
  /** Asks `copies` peers to fetch and keep `root`. */
  seed(root: CID, copies: number, options?: AbortOptions): Promise<CopyResult[]>
  /** Who has `cid`, as far as can be learned in `timeoutMs`. Empty after that time. */
  providers(cid: CID, timeoutMs: number, options?: AbortOptions): Promise<CopyResult[]>
}

/** Every start of a node announces what is pinned, so nothing needs to be remembered here. */
export function offlineNetwork(dataDir: string): FilesNetwork {
  return {
    openSession: () => ({
      fetch: async () => {
        throw new DpsError('UNAVAILABLE', `no node is running on ${dataDir}`, {
          hint: 'start one with: npx dps-node',
        })
      },
      peers: () => [],
      close: () => {},
    }),
    announce: async () => false,
    announceLater: () => {},
    forget: async () => {},
    seed: async () => {
      throw new DpsError('UNAVAILABLE', `no node is running on ${dataDir}`, {
        hint: 'start one with: npx dps-node',
      })
    },
    providers: async () => [],
  }
}
