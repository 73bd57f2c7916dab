/** The providers of a fetch session: found, connected, dropped, looked for again. */
import type { CID } from 'multiformats/cid'
import type { Uint8ArrayList } from 'uint8arraylist'
import { type AbortOptions, DpsError } from '../base/index.js'
import { formatCid } from '../content/index.js'
import type { PeerAddress } from './codec.js'
import type { Reputation } from './reputation.js'
import type { Job } from './session-job.js'
import { SessionPeer } from './session-peer.js'

export interface FoundProvider extends PeerAddress {
  /** The content's own bytes, where the peer sent them with its answer. Not verified. */
  root?: Uint8ArrayList
}

/** The next one is asked for only while chunks are waited for. */
export type FindProviders = (cid: CID, options: AbortOptions) => AsyncIterable<FoundProvider>

export interface SessionProvidersComponents {
  reputation: Reputation
  findProviders: FindProviders
  connect: ((provider: PeerAddress, options: AbortOptions) => Promise<unknown>) | undefined
  /** Somebody joined, or a search ended. */
  onChange(): void
  /** Told before the peer that sent it counts as joined. */
  onRoot(peer: SessionPeer, root: Uint8ArrayList): void
}

// More peers than this at once win nothing; the others wait until one is dropped.
const PEERS_MAX = 12
const LOOKUPS_MAX = 4

export class SessionProviders {
  readonly #components: SessionProvidersComponents
  readonly #root: CID
  readonly #signal: AbortSignal
  readonly #peers = new Map<string, SessionPeer>()
  readonly #reserve: FoundProvider[] = []
  #goOn: (() => void)[] = []
  #connecting = 0
  #searching = false
  #lookups = 0

  constructor(components: SessionProvidersComponents, init: { root: CID; signal: AbortSignal }) {
    this.#components = components
    this.#root = init.root
    this.#signal = init.signal
    this.#signal.addEventListener('abort', () => this.goOn(), { once: true })
  }

  /** Those that are connected, dropped ones included. */
  all(): IterableIterator<SessionPeer> {
    return this.#peers.values()
  }

  /** Known, whether reachable or not. */
  known = new Set<string>()

  /** Somebody may still turn up without another search. */
  get hopeful(): boolean {
    return this.#searching || this.#connecting > 0
  }

  get usable(): number {
    let count = 0
    for (const peer of this.#peers.values()) if (!peer.dropped) count++
    return count
  }

  /** Looks for the root's providers; they join as they are found. */
  search(): void {
    if (this.#searching || this.#signal.aborted) return
    this.#searching = true
    void this.#find(this.#root).then(() => {
      this.#searching = false
      this.#components.onChange()
    })
  }

  /** Chunks are still waited for: searches that found somebody look for more. */
  goOn(): void {
    for (const goOn of this.#goOn.splice(0)) goOn()
  }

  /** Looks for a single chunk's providers. `undefined` when enough such searches are running. */
  lookup(cid: CID): Promise<void> | undefined {
    if (this.#lookups >= LOOKUPS_MAX || this.#signal.aborted) return undefined
    this.#lookups++
    return this.#find(cid).then(() => {
      this.#lookups--
    })
  }

  drop(peer: SessionPeer): void {
    peer.dropped = true
    const next = this.#reserve.shift()
    if (next !== undefined) this.#join(next)
  }

  /** Another chance for those that could not be reached; never for those that misbehaved. */
  revive(): void {
    for (const peer of this.#peers.values()) {
      if (peer.dropped && this.#components.reputation.trusted(peer.peerId)) peer.revive()
    }
  }

  /** Why a chunk did not come in `patienceMs`, as its caller is told. */
  verdict({ cid, lastError: cause }: Job, patienceMs: number): DpsError {
    const name = formatCid(cid)
    const seconds = Math.round(patienceMs / 100) / 10
    let reached = 0
    for (const peer of this.#peers.values()) if (peer.reached) reached++
    const { size } = this.known
    if (size === 0) {
      return new DpsError('NOT_FOUND', `nobody who has ${name} was found in ${seconds} s`, {
        hint: 'check that a peer that has it is running and that this node is connected to it',
      })
    }
    if (reached === size && cause?.code === 'NOT_FOUND') {
      return new DpsError('NOT_FOUND', `none of ${size} peers has ${name}`, { cause })
    }
    return new DpsError(
      'UNAVAILABLE',
      `${size} ${size === 1 ? 'provider' : 'providers'} known for ${name}, none gave it in ${seconds} s`,
      { ...(cause === undefined ? {} : { cause }), hint: 'check that its providers are running' },
    )
  }

  async #find(cid: CID): Promise<void> {
    const signal = this.#signal
    let first = true
    try {
      for await (const provider of this.#components.findProviders(cid, { signal })) {
        this.#join(provider)
        if (!first) continue
        first = false
        // A small file is here before another provider could be found.
        await new Promise<void>((resolve) => this.#goOn.push(resolve))
        if (signal.aborted) break
      }
    } catch {
      // A search that fails has found nobody: the fetch's own patience decides what that means.
    }
  }

  #join(provider: FoundProvider): void {
    const { peerId } = provider
    if (this.#signal.aborted || this.#peers.has(peerId)) return
    this.known.add(peerId)
    if (!this.#components.reputation.trusted(peerId)) return
    if (this.usable + this.#connecting >= PEERS_MAX) {
      if (!this.#reserve.some((each) => each.peerId === peerId)) this.#reserve.push(provider)
      return
    }
    const { connect } = this.#components
    if (connect === undefined) {
      this.#joined(provider)
      return
    }
    this.#connecting++
    connect(provider, { signal: this.#signal }).then(
      () => {
        this.#connecting--
        this.#joined(provider)
      },
      () => {
        // Found again by the next search, and tried again then.
        this.#connecting--
        const next = this.#reserve.shift()
        if (next !== undefined) this.#join(next)
        this.#components.onChange()
      },
    )
  }

  #joined(provider: FoundProvider): void {
    if (this.#signal.aborted || this.#peers.has(provider.peerId)) return
    const peer = new SessionPeer(provider.peerId, provider.addrs)
    this.#peers.set(provider.peerId, peer)
    if (provider.root !== undefined) this.#components.onRoot(peer, provider.root)
    this.#components.onChange()
  }
}
