/** The libp2p host: who we are, where we listen, whom we are connected to. */
import './polyfill.js'
import type { Connection, IdentifyResult, PeerId, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import {
  type AbortOptions,
  type Clock,
  DpsError,
  type Part,
  systemClock,
  systemRandom,
} from '../base/index.js'
import type { Log } from '../observability/index.js'
import type { StreamOpener } from './calls-types.js'
import { parseMultiaddr, parsePeerId, peerIdOf, withoutPeer, withPeer } from './host-address.js'
import { agentOf, nameOfAgent } from './host-agent.js'
import { listenError, peerError } from './host-errors.js'
import type { HostComponents, HostInit } from './host-init.js'
import { createNode, type DpsLibp2p, KAD_PROTOCOL, PING_PROTOCOL } from './host-libp2p.js'
import { InboundLimiter } from './host-limits.js'
import { libp2pLogger } from './host-log.js'
import { OwnConnections, type OwnStream } from './host-own.js'
import {
  type ConnectedPeer,
  describePeer,
  matchPeer,
  measurePeers,
  type PeerFacts,
  roundTrip,
} from './host-peers.js'
import { type DialTarget, Redialler } from './host-redial.js'
import { boundedSignal } from './host-signal.js'
import { type HostStore, openHostStore } from './host-store.js'
import { type KnownPeer, KnownPeers } from './known-peers.js'

type HandleOptions = Parameters<StreamOpener['handle']>[2]
type StreamListener = Parameters<StreamOpener['handle']>[1]
type PeerListener = (peerId: string) => void

const DIAL_TIMEOUT_MS = 15_000
const PING_TIMEOUT_MS = 10_000
const ADDRESS_AGE_MS = 72 * 3_600_000
/** Addresses of connected peers are confirmed so often within their age. */
const CONFIRMS_PER_AGE = 36

export class Host implements Part, StreamOpener {
  readonly serviceId = 'host'
  readonly peerId: string
  readonly #parts: HostComponents
  readonly #init: HostInit
  readonly #log: Log
  readonly #clock: Clock
  readonly #dialTimeoutMs: number
  readonly #addressAgeMs: number
  readonly #known: KnownPeers
  readonly #redial: Redialler
  readonly #limiter: InboundLimiter
  readonly #own: OwnConnections
  readonly #handlers = new Map<string, { listener: StreamListener; options: HandleOptions }>()
  readonly #onConnect = new Set<PeerListener>()
  readonly #onDisconnect = new Set<PeerListener>()
  /** What connected peers told of themselves, and how far away they are. */
  readonly #facts = new Map<string, PeerFacts>()
  readonly #background = new Set<Promise<unknown>>()
  readonly #stopping = new AbortController()
  #node: DpsLibp2p | undefined
  #store: HostStore | undefined
  #confirming: NodeJS.Timeout | undefined

  constructor(components: HostComponents, init: HostInit) {
    this.#parts = components
    this.#init = init
    this.#log = components.log.child({ component: 'host', service_id: this.serviceId })
    this.#clock = components.clock ?? systemClock
    this.#dialTimeoutMs = init.dialTimeoutMs ?? DIAL_TIMEOUT_MS
    this.#addressAgeMs = init.addressAgeMs ?? ADDRESS_AGE_MS
    this.#known = new KnownPeers(components.knownPeers, this.#clock)
    this.#limiter = new InboundLimiter(this.#clock, init.inbound)
    this.#redial = new Redialler(
      {
        dial: (target, signal) => this.#dialTarget(target, signal),
        isConnected: (peerId) => this.isConnected(peerId),
        connectedCount: () => this.#facts.size,
        log: this.#log,
        random: components.random ?? systemRandom,
      },
      init.redial,
    )
    this.#own = new OwnConnections({
      connectionsOf: (peerId) => this.#connectionsOf(peerId),
      libp2p: () => this.libp2p,
    })
    this.peerId = components.identity.peerId
  }

  /**
   * Listens, then returns: bootstraps are dialled in the background.
   * @throws DpsError FAILED_PRECONDITION a port is taken (named); INVALID_ARGUMENT a bad address
   */
  async start(): Promise<void> {
    const { identity, dhtPath, log } = this.#parts
    const { listen, bootstrap = [], announce = [], mdns = false } = this.#init
    for (const addr of [...listen, ...announce, ...bootstrap]) parseMultiaddr(addr)
    if (identity.wasOpenToOthers) {
      this.#log.warn('the identity key could be read by other users; it is closed to them now')
    }
    this.#store = await openHostStore(dhtPath, (movedTo, err) => {
      this.#log.warn({ err }, `the DHT's database was damaged: moved to ${movedTo}, begun anew`)
    })
    try {
      this.#node = await createNode({
        privateKey: identity.privateKey,
        store: this.#store,
        logger: libp2pLogger(log, this.#clock, this.#stopping.signal),
        listen,
        announce,
        agent: agentOf(this.#init.version, this.#init.name),
        maxConnections: this.#init.maxConnections ?? 300,
        dialTimeoutMs: this.#dialTimeoutMs,
        addressAgeMs: this.#addressAgeMs,
        kadProtocol: this.#init.kadProtocol ?? KAD_PROTOCOL,
        mdns,
        mdnsIntervalMs: this.#init.mdnsIntervalMs ?? 10_000,
        denyAddress: (address) => !this.#limiter.admit(address),
        denyPeer: (peerId) =>
          this.#connectionsOf(peerId).length >= (this.#init.maxConnectionsPerPeer ?? 8),
        onMdnsPeer: (peer) => this.#met(peer.id.toString(), peer.multiaddrs),
      })
      this.#store.usePeers(this.peerId, (peerId) => this.#reachable(peerId))
      this.#listenToNode(this.#node)
      for (const [protocol, { listener, options }] of this.#handlers) {
        await this.#register(protocol, listener, options)
      }
      await Promise.all([this.#node.start(), this.#known.load()])
      // libp2p does it a second later; until then we could not be named as a provider.
      const own = this.#node.getMultiaddrs().map((addr) => multiaddr(withoutPeer(addr)))
      await this.#node.peerStore.patch(this.#node.peerId, { multiaddrs: own })
    } catch (error) {
      await this.stop()
      const { name } = error instanceof Error ? error : { name: '' }
      throw name === 'UnsupportedListenAddressesError' ? listenError(error, listen) : error
    }
    measurePeers(this.#parts.metrics, {
      connected: () => this.#facts.size,
      known: () => this.#known.all().length,
    })
    this.#dialKnown(bootstrap)
    this.#confirming = setInterval(() => {
      for (const peerId of this.#facts.keys()) this.#run(this.#confirmAddrs(peerId))
    }, this.#addressAgeMs / CONFIRMS_PER_AGE)
    this.#confirming.unref()
  }

  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort(new DpsError('CANCELLED', 'the node stops'))
    }
    this.#redial.stop()
    clearInterval(this.#confirming)
    try {
      await this.#node?.stop()
    } finally {
      await Promise.allSettled(this.#background)
      await this.#store?.close()
      this.#store = undefined
    }
  }

  /** For the parts of this room; outsiders use the methods. */
  get libp2p(): DpsLibp2p {
    if (this.#node === undefined) throw new DpsError('FAILED_PRECONDITION', 'the host is not up')
    return this.#node
  }

  get store(): HostStore {
    if (this.#store === undefined) throw new DpsError('FAILED_PRECONDITION', 'the host is not up')
    return this.#store
  }

  get kadProtocol(): string {
    return this.#init.kadProtocol ?? KAD_PROTOCOL
  }

  /** Where others can reach us, with our peer id; empty before the start. */
  addrs(): string[] {
    return this.#node?.getMultiaddrs().map((addr) => addr.toString()) ?? []
  }

  /** Protocols served here. */
  protocols(): string[] {
    return this.#node?.getProtocols().sort() ?? []
  }

  isConnected(peerId: string): boolean {
    return this.#facts.has(peerId)
  }

  peers(): ConnectedPeer[] {
    const byPeer = new Map<string, Connection[]>()
    for (const connection of this.#node?.getConnections() ?? []) {
      const peerId = connection.remotePeer.toString()
      byPeer.set(peerId, [...(byPeer.get(peerId) ?? []), connection])
    }
    return [...byPeer].map(([peerId, connections]) =>
      describePeer(peerId, connections, this.#facts.get(peerId)),
    )
  }

  /** Peers remembered across restarts, connected or not. */
  known(): KnownPeer[] {
    return this.#known.all()
  }

  /**
   * Connects to a multiaddr (with or without a peer id), or to a peer id whose addresses are
   * known here or in the DHT. A multiaddr is remembered, and redialled for ever.
   *
   * @returns the peer id that answered
   * @throws DpsError INVALID_ARGUMENT, UNAVAILABLE, DEADLINE_EXCEEDED (after 15 s by default)
   */
  async connect(target: string, options: AbortOptions = {}): Promise<string> {
    const addr = target.startsWith('/') ? parseMultiaddr(target) : undefined
    const peer = addr === undefined ? parsePeerId(target) : undefined
    if ((peer?.toString() ?? peerIdOf(addr)) === this.peerId) {
      throw new DpsError('INVALID_ARGUMENT', `${target} is this node itself`)
    }
    const connection = await this.#dial(addr ?? peer!, target, options)
    const peerId = connection.remotePeer.toString()
    if (addr !== undefined) {
      await this.#known.remember(peerId, [withoutPeer(addr)], { explicit: true })
      this.#keepDialling(peerId, 'always')
    }
    return peerId
  }

  /** Closes every connection to the peer, and leaves it alone until either side connects anew. */
  async disconnect(peer: string, options: AbortOptions = {}): Promise<void> {
    const peerId = parsePeerId(peer)
    if (!this.isConnected(peer)) {
      throw new DpsError('NOT_FOUND', `not connected to ${peer}`)
    }
    this.#redial.hold(peer)
    await this.#known.release(peer)
    await this.libp2p.hangUp(peerId, options)
  }

  /** Addresses heard elsewhere, so that the peer can be dialled by its id. */
  async learn(peerId: string, addrs: readonly string[], options: AbortOptions = {}): Promise<void> {
    const multiaddrs = addrs.map(parseMultiaddr)
    await this.libp2p.peerStore.merge(parsePeerId(peerId), { multiaddrs }, options)
  }

  /** Addresses of the peer that are known here, without its id. */
  async addrsOf(peerId: string, options: AbortOptions = {}): Promise<string[]> {
    try {
      const peer = await this.libp2p.peerStore.get(parsePeerId(peerId), options)
      return peer.addresses.map(({ multiaddr }) => multiaddr.toString())
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof DpsError) throw error
      return this.#known.get(peerId)?.addrs ?? []
    }
  }

  /** One round trip on a stream of its own, in milliseconds; connects first when needed. */
  async ping(peer: string, options: AbortOptions = {}): Promise<number> {
    const stream = await this.openStream(peer, PING_PROTOCOL, options)
    const { signal, done } = boundedSignal(PING_TIMEOUT_MS, options.signal)
    try {
      const latencyMs = await roundTrip(stream, this.#clock, { signal })
      const facts = this.#facts.get(peer)
      if (facts !== undefined) facts.latencyMs = latencyMs
      await stream.close({ signal })
      return latencyMs
    } catch (error) {
      stream.abort(error instanceof Error ? error : new DpsError('INTERNAL', String(error)))
      throw peerError(error, `ping ${peer}`, options)
    } finally {
      done()
    }
  }

  /**
   * The peer meant by an id, an unambiguous prefix of at least 6 characters, or a node name,
   * among the connected and known ones. A whole id is taken as it is.
   * @throws DpsError NOT_FOUND; INVALID_ARGUMENT when several match (they are listed)
   */
  async resolvePeer(prefixOrName: string, _options: AbortOptions = {}): Promise<string> {
    const names = new Map<string, string | undefined>()
    for (const { peerId, name } of this.known()) names.set(peerId, name)
    for (const { peerId, name } of this.peers()) names.set(peerId, name ?? names.get(peerId))
    return matchPeer(prefixOrName, names)
  }

  /** A new stream; connects first when needed. UNIMPLEMENTED: the peer lacks the protocol. */
  async openStream(peerId: string, protocol: string, options: AbortOptions = {}): Promise<Stream> {
    const { signal, done } = boundedSignal(this.#dialTimeoutMs, options.signal)
    try {
      const dial = (force: boolean) => this.libp2p.dial(parsePeerId(peerId), { signal, force })
      return await this.#own.openShared(peerId, protocol, dial, signal)
    } catch (error) {
      throw peerError(error, `open ${protocol} to ${peerId}`, options)
    } finally {
      done()
    }
  }

  /**
   * A new stream on a connection that no other protocol uses, from here at least: one that either
   * side keeps for this protocol, else a new one. The peer counts as a member, which libp2p keeps
   * when it has too many connections.
   *
   * @param options.addrs multiaddrs to dial; what is known here when empty
   */
  async openOwnStream(
    peerId: string,
    protocol: string,
    options: AbortOptions & { addrs?: readonly string[] } = {},
  ): Promise<OwnStream> {
    const { signal, done } = boundedSignal(this.#dialTimeoutMs, options.signal)
    try {
      return await this.#own.openOwn(peerId, protocol, options.addrs ?? [], signal)
    } catch (error) {
      throw peerError(error, `open ${protocol} to ${peerId}`, options)
    } finally {
      done()
    }
  }

  /** Serves a protocol, now or from the start on. */
  async handle(protocol: string, listener: StreamListener, options: HandleOptions): Promise<void> {
    this.#handlers.set(protocol, { listener, options })
    if (this.#node !== undefined) await this.#register(protocol, listener, options)
  }

  async unhandle(protocol: string): Promise<void> {
    this.#handlers.delete(protocol)
    if (!this.#stopping.signal.aborted) await this.#node?.unhandle(protocol)
  }

  /** Ends every connection to a peer that goes on breaking a protocol. */
  cutOff(peerId: string, reason: DpsError): void {
    this.#log.warn({ peer: peerId }, `cut off: ${reason.message}`)
    for (const connection of this.#connectionsOf(peerId)) connection.abort(reason)
  }

  /** A peer's first connection is up. @returns stops listening */
  onConnect(listener: PeerListener): () => void {
    this.#onConnect.add(listener)
    return () => void this.#onConnect.delete(listener)
  }

  /** A peer's last connection is down. @returns stops listening */
  onDisconnect(listener: PeerListener): () => void {
    this.#onDisconnect.add(listener)
    return () => void this.#onDisconnect.delete(listener)
  }

  async #register(protocol: string, listener: StreamListener, options: HandleOptions) {
    await this.libp2p.handle(
      protocol,
      (stream, connection) => {
        if (options.ownConnection === true && !this.#own.claim(connection)) {
          stream.abort(new DpsError('ABORTED', 'other protocols use this connection'))
        } else listener(stream, connection.remotePeer.toString())
      },
      options,
    )
  }

  #connectionsOf(peerId: string): Connection[] {
    // By text, as a PeerId costs a parse.
    const all = this.#node?.getConnections() ?? []
    return all.filter(({ remotePeer }) => remotePeer.toString() === peerId)
  }

  #listenToNode(node: DpsLibp2p): void {
    node.addEventListener('peer:connect', ({ detail }) => {
      const peerId = detail.toString()
      if (!this.#facts.has(peerId)) this.#facts.set(peerId, {})
      this.#redial.connected(peerId)
      this.#log.debug({ peer: peerId }, 'connected')
      for (const listener of this.#onConnect) listener(peerId)
    })
    node.addEventListener('peer:disconnect', ({ detail }) => {
      const peerId = detail.toString()
      this.#facts.delete(peerId)
      this.#redial.disconnected(peerId)
      this.#log.debug({ peer: peerId }, 'disconnected')
      for (const listener of this.#onDisconnect) listener(peerId)
    })
    node.addEventListener('peer:identify', ({ detail }) => this.#run(this.#identified(detail)))
  }

  async #identified(result: IdentifyResult): Promise<void> {
    const { peerId, agentVersion: agent, listenAddrs, protocols, connection } = result
    const peer = peerId.toString()
    const facts = this.#facts.get(peer)
    if (facts !== undefined && agent !== undefined) facts.agent = agent
    if (facts !== undefined) facts.listenAddrs = listenAddrs
    await this.#confirmAddrs(peer)
    if (!protocols.includes(this.kadProtocol)) return
    const proven = connection.direction === 'outbound' ? [withoutPeer(connection.remoteAddr)] : []
    const name = nameOfAgent(agent)
    const addrs = [...proven, ...listenAddrs.map(withoutPeer)]
    await this.#known.remember(peer, addrs, name === undefined ? {} : { name })
    this.#keepDialling(peer, 'lonely')
    if (facts?.latencyMs === undefined) await this.ping(peer, { signal: this.#stopping.signal })
  }

  /**
   * The peer store counts an address's age from its first sight, however often it is seen again;
   * one that has expired stays so as long as it is mentioned. Put in anew, it counts from now.
   */
  async #confirmAddrs(peerId: string): Promise<void> {
    const { peerStore } = this.libp2p
    const peer = parsePeerId(peerId)
    const known = await peerStore.get(peer).catch(() => undefined)
    const addresses = known?.addresses ?? []
    const fresh = this.#facts.get(peerId)?.listenAddrs ?? []
    await peerStore.patch(peer, { multiaddrs: [] })
    await peerStore.patch(peer, { addresses, multiaddrs: fresh })
  }

  #met(peerId: string, addrs: readonly Multiaddr[]): void {
    if (peerId === this.peerId || this.isConnected(peerId)) return
    const dial = async () => {
      await this.libp2p.peerStore.merge(parsePeerId(peerId), { multiaddrs: [...addrs] })
      await this.#dial(parsePeerId(peerId), peerId, { signal: this.#stopping.signal })
    }
    this.#run(dial())
  }

  /** Work that nobody waits for; a failure is worth a line at most. */
  #run(work: Promise<unknown>): void {
    const quiet = work
      .catch((err: unknown) => {
        if (!this.#stopping.signal.aborted) this.#log.debug({ err }, 'background work failed')
      })
      .finally(() => this.#background.delete(quiet))
    this.#background.add(quiet)
  }

  #dialKnown(bootstrap: readonly string[]): void {
    for (const addr of bootstrap) {
      const peerId = peerIdOf(multiaddr(addr))
      // One list for all nodes of a swarm names this one too.
      if (peerId === this.peerId) continue
      const target: DialTarget = { key: addr, keep: 'always', addrs: () => [addr] }
      if (peerId !== undefined) target.peerId = peerId
      this.#redial.add(target)
    }
    for (const { peerId, explicit } of this.#known.all()) {
      this.#keepDialling(peerId, explicit ? 'always' : 'lonely')
    }
  }

  #keepDialling(peerId: string, keep: DialTarget['keep']): void {
    const addrs = () => (this.#known.get(peerId)?.addrs ?? []).map((addr) => withPeer(addr, peerId))
    this.#redial.add({ key: peerId, peerId, keep, addrs })
  }

  async #dialTarget(target: DialTarget, signal: AbortSignal): Promise<string> {
    const addrs = target.addrs().map((addr) => multiaddr(addr))
    const connection = await this.#dial(addrs, target.key, { signal })
    return connection.remotePeer.toString()
  }

  async #dial(
    target: PeerId | Multiaddr | Multiaddr[],
    text: string,
    options: AbortOptions,
  ): Promise<Connection> {
    const { signal, done } = boundedSignal(this.#dialTimeoutMs, options.signal)
    try {
      return await this.libp2p.dial(target, { signal })
    } catch (error) {
      throw peerError(error, `connect to ${text}`, options)
    } finally {
      done()
    }
  }

  async #reachable(peerId: string): Promise<boolean> {
    if (peerId === this.peerId) return true
    const peer = parsePeerId(peerId)
    if (await this.libp2p.peerStore.has(peer)) return true
    const addrs = this.#known.get(peerId)?.addrs
    if (addrs === undefined) return false
    await this.learn(peerId, addrs)
    return true
  }
}
