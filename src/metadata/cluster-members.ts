/**
 * Who is a member right now, and where: asked on every call of a peer, so it is kept in memory.
 *
 * Raft's configuration decides who belongs here; the records tell names and addresses.
 */
import { DpsError } from '../base/index.js'
import { type Configuration, type NodeId, nodeIdOf, peerOf } from '../raft/index.js'
import type { MemberAddress } from './cluster-codec.js'
import type { NodeRecord } from './cluster-types.js'

const PREFIX_CHARS_MIN = 6

export class ClusterMembers {
  readonly #self: string
  #configuration: Configuration = { voters: [], learners: [] }
  #records = new Map<string, NodeRecord>()
  /** Told when this node came, or by a member since: counts until the log has caught up with it. */
  #told = new Map<string, MemberAddress>()
  #peers = new Set<string>()
  readonly #listeners = new Set<() => void>()

  constructor(self: string) {
    this.#self = self
  }

  /** Members of Raft's configuration, this node included. */
  get configuration(): Configuration {
    return this.#configuration
  }

  get records(): readonly NodeRecord[] {
    return [...this.#records.values()]
  }

  /** Whether the peer is a member, by its key. This node is one. */
  isMember(peerId: string): boolean {
    return this.#peers.has(peerId)
  }

  /** Whether it was one, and is told so when it asks. */
  wasMember(peerId: string): boolean {
    return this.#records.get(peerId)?.state === 'removed'
  }

  /**
   * Whether this life of a node has surely ended here. What is known may be old: of a later life
   * than any that is known nothing is said.
   */
  isGone(id: NodeId): boolean {
    const record = this.#records.get(peerOf(id))
    if (record === undefined) return false
    const incarnation = Number(id.slice(id.lastIndexOf(':') + 1))
    if (record.incarnation !== incarnation) return record.incarnation > incarnation
    return record.state === 'removed'
  }

  /** Other members' peer ids. */
  others(): string[] {
    return [...this.#peers].filter((peerId) => peerId !== this.#self)
  }

  recordOf(id: NodeId): NodeRecord | undefined {
    const record = this.#records.get(peerOf(id))
    return record !== undefined && nodeIdOf(record.peerId, record.incarnation) === id
      ? record
      : undefined
  }

  /** Multiaddrs without the peer id, of a member. */
  addressesOf(id: NodeId): readonly string[] {
    const peerId = peerOf(id)
    const record = this.#records.get(peerId)
    const told = this.#told.get(peerId)?.addrs ?? []
    return [...new Set([...(record?.addrs ?? []), ...told])]
  }

  /** Every member with its addresses. */
  addresses(): MemberAddress[] {
    const { voters, learners } = this.#configuration
    return [...voters, ...learners].map((nodeId) => ({ nodeId, addrs: this.addressesOf(nodeId) }))
  }

  setConfiguration(configuration: Configuration): void {
    this.#configuration = configuration
    this.#changed()
  }

  setRecords(records: readonly NodeRecord[]): void {
    this.#records = new Map(records.map((record) => [record.peerId, record]))
    this.#changed()
  }

  /** Members that the log here may not name yet. An empty list forgets them. */
  setTold(members: readonly MemberAddress[]): void {
    this.#told = new Map(members.map((member) => [peerOf(member.nodeId), member]))
    this.#changed()
  }

  /** Another membership begins: nothing of the former one counts. */
  reset(told: readonly MemberAddress[]): void {
    this.#configuration = { voters: [], learners: [] }
    this.#records.clear()
    this.setTold(told)
  }

  /** Called when anything of it changed. @returns removes the listener */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #changed(): void {
    const { voters, learners } = this.#configuration
    this.#peers = new Set([this.#self, ...[...voters, ...learners].map(peerOf)])
    for (const peerId of this.#told.keys()) {
      if (!this.wasMember(peerId)) this.#peers.add(peerId)
    }
    for (const listener of this.#listeners) listener()
  }

  /**
   * The member meant by an id, an unambiguous prefix of at least 6 characters, or a name.
   *
   * @throws NOT_FOUND; INVALID_ARGUMENT when several match
   */
  resolve(text: string): NodeRecord {
    const candidates = this.records.filter(({ state }) => state !== 'removed')
    const exact = candidates.find(({ peerId }) => peerId === text)
    if (exact !== undefined) return exact
    const long = text.length >= PREFIX_CHARS_MIN
    const matches = candidates.filter(
      ({ peerId, name }) => name === text || (long && peerId.startsWith(text)),
    )
    if (matches.length === 1) return matches[0]!
    if (matches.length > 1) {
      const list = matches.map(({ peerId, name }) => (name === '' ? peerId : `${peerId} (${name})`))
      throw new DpsError('INVALID_ARGUMENT', `${text} may be any of: ${list.sort().join(', ')}`, {
        hint: 'give more of the peer id',
      })
    }
    throw new DpsError('NOT_FOUND', `no member matches ${JSON.stringify(text)}`, {
      hint: 'list them with: dps-node cluster status',
    })
  }
}
