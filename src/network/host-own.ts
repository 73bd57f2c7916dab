/**
 * Connections kept for one protocol alone. On a shared one its small messages would wait behind
 * bulk bytes: in the socket, in noise's queue and in the other end's reading.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { DpsError } from '../base/index.js'
import { parseMultiaddr, parsePeerId, withoutPeer, withPeer } from './host-address.js'
import type { DpsLibp2p } from './host-libp2p.js'

/** A stream on a connection of its own. */
export interface OwnStream {
  stream: Stream
  /**
   * Ends the stream, and its connection if nobody else uses it: what doesn't answer any more may be
   * dead below, and a new stream on it would be too.
   */
  cut(reason: DpsError): void
}

export interface OwnConnectionsInit {
  connectionsOf(peerId: string): Connection[]
  libp2p(): DpsLibp2p
}

/** When connections are too many, libp2p closes those of the lowest tags. */
const MEMBER_TAG = 'dps-member'
const MEMBER_TAG_VALUE = 100

const GOODBYE_MS = 1000

/** A dial under way is joined by libp2p, so one may come back that others have got as well. */
const TRIES = 3

export class OwnConnections {
  readonly #init: OwnConnectionsInit
  readonly #own = new WeakSet<Connection>()
  /** Those on which other protocols have been opened from here. */
  readonly #shared = new WeakSet<Connection>()

  constructor(init: OwnConnectionsInit) {
    this.#init = init
  }

  has(connection: Connection): boolean {
    return this.#own.has(connection)
  }

  /** Takes an inbound connection on which the protocol was opened. @returns false when others use it */
  claim(connection: Connection): boolean {
    if (this.#shared.has(connection)) return false
    this.#own.add(connection)
    return true
  }

  /** A stream beside those that are kept apart; `dial` connects when there is nothing else. */
  async openShared(
    peerId: string,
    protocol: string,
    dial: (force: boolean) => Promise<Connection>,
    signal: AbortSignal,
  ): Promise<Stream> {
    for (let tries = 0; tries < TRIES; tries++) {
      const open = this.#openOf(peerId)
      const free = open.find((connection) => !this.#own.has(connection))
      const connection = free ?? (await dial(open.length > 0))
      if (this.#own.has(connection)) continue
      this.#shared.add(connection)
      return connection.newStream(protocol, { signal })
    }
    throw new DpsError('UNAVAILABLE', `no connection to ${peerId} is free`)
  }

  async openOwn(
    peerId: string,
    protocol: string,
    addrs: readonly string[],
    signal: AbortSignal,
  ): Promise<OwnStream> {
    for (let tries = 0; tries < TRIES; tries++) {
      const own = this.#openOf(peerId).find((connection) => this.#own.has(connection))
      const connection = own ?? (await this.#dialAnew(peerId, addrs, signal))
      if (!this.claim(connection)) continue
      const cut = (reason: DpsError, stream?: Stream) => {
        stream?.abort(reason)
        const used = connection.streams.some(
          (other) => other !== stream && other.protocol !== protocol && isOurs(other),
        )
        if (used) this.#give(connection)
        else void hangUp(connection, reason)
      }
      try {
        const stream = await connection.newStream(protocol, { signal })
        return { stream, cut: (reason) => cut(reason, stream) }
      } catch (error) {
        // Of a peer that is not ready yet, the connection is as good as a new one.
        const { name } = error instanceof Error ? error : { name: '' }
        if (name !== 'UnsupportedProtocolError') {
          cut(new DpsError('UNAVAILABLE', 'no stream on it', { cause: error }))
        }
        throw error
      }
    }
    throw new DpsError('UNAVAILABLE', `no connection to ${peerId} of its own`)
  }

  async #dialAnew(peerId: string, addrs: readonly string[], signal: AbortSignal) {
    const libp2p = this.#init.libp2p()
    const peer = parsePeerId(peerId)
    const tags = { [MEMBER_TAG]: { value: MEMBER_TAG_VALUE } }
    await libp2p.peerStore.merge(peer, { tags }, { signal })
    const plain = addrs.map((addr) => withoutPeer(parseMultiaddr(addr)))
    const multiaddrs = plain.map((addr) => multiaddr(withPeer(addr, peerId)))
    const dial = (target: Parameters<typeof libp2p.dial>[0]) =>
      libp2p.dial(target, { signal, force: true })
    if (multiaddrs.length === 0) return dial(peer)
    try {
      return await dial(multiaddrs)
    } catch {
      signal.throwIfAborted()
      // It may have moved: the swarm may know where to.
      return dial(peer)
    }
  }

  #give(connection: Connection): void {
    this.#own.delete(connection)
    this.#shared.add(connection)
  }

  #openOf(peerId: string): Connection[] {
    return this.#init.connectionsOf(peerId).filter(({ status }) => status === 'open')
  }
}

/** With a goodbye, where the other end still listens. It counts as closed from now on. */
async function hangUp(connection: Connection, reason: DpsError): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(GOODBYE_MS) })
  } catch {
    connection.abort(reason)
  }
}

/** libp2p's own protocols are a few bytes now and then. */
function isOurs({ protocol }: Stream): boolean {
  return protocol.startsWith('/dps/') && !protocol.startsWith('/dps/kad/')
}
