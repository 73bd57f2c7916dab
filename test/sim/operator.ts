/** Who changes the cluster's members: at random, and where a disk is gone for good. */
import { DpsError, toDpsError } from '../../src/base/index.js'
import { type ConfigurationChange, type NodeId, nodeIdOf } from '../../src/raft/index.js'
import type { Host } from './host.js'
import type { SimProcess } from './process.js'
import type { Rng } from './random.js'
import type { Simulation } from './simulation.js'

/** How often somebody looks after a member that is lost. */
const ROUND_MS = 300

type Outcome = 'done' | 'refused' | 'unknown'

export class Operator {
  readonly #simulation: Simulation
  readonly #random: Rng
  /** Machines whose disk is gone, with what they were called. Still named by the configuration, perhaps. */
  #lost: { host: Host; id: NodeId } | undefined
  #joins = 1
  /** Changes that took effect. */
  changes = 0

  constructor(simulation: Simulation, random: Rng) {
    this.#simulation = simulation
    this.#random = random
  }

  /** Nobody waits for a machine that is gone. */
  get idle(): boolean {
    return this.#lost === undefined
  }

  async #propose(kind: ConfigurationChange['kind'], id: NodeId): Promise<Outcome> {
    const leader = this.#simulation.leader()
    if (leader === undefined) return 'refused'
    const { world } = this.#simulation
    try {
      const change = { kind, id, context: new Uint8Array(0) }
      await this.#inTime(leader.process!, leader.runner!.proposeChange(change))
      this.changes++
      world.say?.(`operator: ${kind} ${id}`)
      world.record(7, kind.length, id.charCodeAt(1))
      return 'done'
    } catch (error) {
      const { code, message } = toDpsError(error)
      world.say?.(`operator: ${kind} ${id} fails: ${message}`)
      // Whatever was appended may yet be committed.
      return code === 'ABORTED' || code === 'FAILED_PRECONDITION' ? 'refused' : 'unknown'
    }
  }

  /** A process that dies never answers, and one that is cut off may take long. */
  #inTime<T>(process: SimProcess, promise: Promise<T>): Promise<T> {
    const { world } = this.#simulation
    return new Promise((resolve, reject) => {
      let rounds = 0
      const watch = () => {
        if (process.alive && ++rounds < 20) world.at(200_000, watch)
        else reject(new DpsError('UNAVAILABLE', 'no answer'))
      }
      world.at(200_000, watch)
      promise.then(resolve, reject)
    })
  }

  #nextId(host: Host): NodeId {
    return nodeIdOf(host.name, ++this.#joins)
  }

  /** One change that makes no particular sense. */
  change(): boolean {
    const { hosts } = this.#simulation
    const leader = this.#simulation.leader()
    if (leader === undefined) return false
    const { voters, learners } = leader.runner!.status().configuration
    const random = this.#random
    const spare = hosts.find(({ id }) => id === undefined)
    const kind = random.pick(['join', 'join', 'promote', 'promote', 'demote', 'remove'] as const)
    if (kind === 'join' && spare !== undefined) void this.#join(spare)
    else if (kind === 'promote' && learners.length > 0) {
      void this.#propose('addVoter', random.pick(learners))
    } else if (kind === 'demote' && voters.length > 1) {
      void this.#propose('addLearner', random.pick(voters))
    } else if (kind === 'remove' && voters.length > 1) {
      void this.#remove(random.pick([...voters, ...learners]))
    } else return false
    return true
  }

  async #join(host: Host): Promise<void> {
    const id = this.#nextId(host)
    const { boot } = this.#simulation
    // Nobody else takes it meanwhile.
    host.found(id, boot)
    const early = this.#random.chance(0.3)
    if (early) host.start()
    const outcome = await this.#propose('addLearner', id)
    if (outcome !== 'refused') host.start()
    else if (host.id === id) {
      host.crash(false)
      host.id = undefined
    }
  }

  async #remove(id: NodeId): Promise<void> {
    if ((await this.#propose('remove', id)) !== 'done') return
    const { world, hosts } = this.#simulation
    // It goes on for a while, and may disturb the others.
    world.at(this.#random.exponential(1_500_000), () => {
      const host = hosts.find((each) => each.id === id)
      if (host === undefined) return
      host.crash(false)
      host.id = undefined
    })
  }

  /** The disk of a voter is gone. @returns false where the others could not do without it */
  lose(host: Host): boolean {
    const leader = this.#simulation.leader()
    const { id } = host
    if (leader === undefined || id === undefined || this.#lost !== undefined) return false
    const { voters, learners } = leader.runner!.status().configuration
    if (voters.length < 3 || learners.length > 0 || !voters.includes(id)) return false
    host.crash(true)
    host.id = undefined
    this.#lost = { host, id }
    this.#simulation.world.say?.(`${id} has lost its disk`)
    this.#replaceLater()
    return true
  }

  #replaceLater(): void {
    const { world } = this.#simulation
    world.at(ROUND_MS * 1_000, () => {
      void this.#replace().then(() => {
        if (this.#lost !== undefined) this.#replaceLater()
      })
    })
  }

  /** The next step towards a new member on the machine whose disk is gone. */
  async #replace(): Promise<void> {
    const leader = this.#simulation.leader()
    const lost = this.#lost
    if (leader === undefined || lost === undefined) return
    const { voters, learners } = leader.runner!.status().configuration
    if (voters.includes(lost.id)) {
      await this.#propose('remove', lost.id)
      return
    }
    const { host } = lost
    if (host.id === undefined) host.found(this.#nextId(host), this.#simulation.boot)
    const id = host.id!
    if (voters.includes(id)) this.#lost = undefined
    else if (learners.includes(id)) {
      host.start()
      await this.#propose('addVoter', id)
    } else await this.#propose('addLearner', id)
  }
}
