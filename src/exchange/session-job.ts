/** One chunk that a fetch session owes. */
import type { CID } from 'multiformats/cid'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { DpsError } from '../base/index.js'
import type { Sample, SessionPeer } from './session-peer.js'

/** One request of a job at one peer. */
export interface Attempt {
  peer: SessionPeer
  controller: AbortController
  sample: Sample
  /** What it should take, as known when it was sent. */
  expectedMs: number
  /** Made because another attempt was overdue. */
  hedge: boolean
  /** The network writes what comes straight into the job's buffer. */
  direct: boolean
}

/** What a peer sent: pieces, or so many bytes that stand in the job's buffer already. */
export interface Received {
  peer: SessionPeer
  pieces: Uint8ArrayList | undefined
  sizeBytes: number
}

export interface JobInit {
  /** Place among all that was asked for. */
  order: number
  cid: CID
  sizeBytes: number | undefined
  sizeMaxBytes: number
  /** What it counts for in windows. */
  countedBytes: number
  into: Uint8Array | undefined
  startedMs: number
  settle(bytes: Uint8Array | undefined, reason: unknown): void
}

export class Job {
  readonly order: number
  readonly cid: CID
  readonly sizeBytes: number | undefined
  readonly sizeMaxBytes: number
  readonly countedBytes: number
  readonly into: Uint8Array | undefined
  readonly startedMs: number
  readonly settle: JobInit['settle']
  readonly attempts = new Map<SessionPeer, Attempt>()
  /** Peers that said they can't give it. */
  readonly absent = new Set<SessionPeer>()
  /** Answers that came while another was being verified. */
  readonly spares: Received[] = []
  /** The search for providers of this very chunk. */
  lookup: 'none' | 'running' | 'done' = 'none'
  /** An answer is being hashed. */
  verifying = false
  settled = false
  lastError: DpsError | undefined

  constructor(init: JobInit) {
    this.order = init.order
    this.cid = init.cid
    this.sizeBytes = init.sizeBytes
    this.sizeMaxBytes = init.sizeMaxBytes
    this.countedBytes = init.countedBytes
    this.into = init.into
    this.startedMs = init.startedMs
    this.settle = init.settle
  }

  /** An attempt that may write to `into` at any moment. */
  get hasDirect(): boolean {
    for (const attempt of this.attempts.values()) if (attempt.direct) return true
    return false
  }
}
