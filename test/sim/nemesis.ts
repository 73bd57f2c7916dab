/** What goes wrong, when, for how long. */
import type { Host } from './host.js'
import type { FaultKind } from './plan.js'
import type { Rng } from './random.js'
import type { Simulation } from './simulation.js'

export class Nemesis {
  readonly #simulation: Simulation
  readonly #random: Rng
  #stopped = false
  readonly counts: Partial<Record<FaultKind, number>> = {}

  constructor(simulation: Simulation, random: Rng) {
    this.#simulation = simulation
    this.#random = random
  }

  start(): void {
    if (this.#simulation.plan.faults.length > 0) this.#next()
  }

  #next(): void {
    const { world, plan } = this.#simulation
    world.at(this.#random.exponential(plan.faultEveryMs * 1_000), () => {
      if (this.#stopped) return
      this.#strike(this.#random.pick(plan.faults))
      this.#next()
    })
  }

  #later(run: () => void): void {
    const { world, plan } = this.#simulation
    world.at(this.#random.exponential(plan.faultLastsMs * 1_000), () => {
      if (!this.#stopped) run()
    })
  }

  /** Usually the leader: that is where it hurts. */
  #victim(leaderShare = 0.4): Host | undefined {
    const up = this.#simulation.hosts.filter(({ up }) => up)
    if (up.length === 0) return undefined
    const leader = this.#simulation.leader()
    return leader !== undefined && this.#random.chance(leaderShare) ? leader : this.#random.pick(up)
  }

  #strike(kind: FaultKind): void {
    if (!this.#apply(kind)) return
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    this.#simulation.world.say?.(`fault: ${kind}`)
    this.#simulation.world.record(6, kind.length)
  }

  #cutAll(left: readonly Host[], right: readonly Host[], both: boolean): void {
    const { network } = this.#simulation
    for (const a of left) {
      for (const b of right) {
        if (a === b) continue
        network.cut(a.name, b.name)
        if (both) network.cut(b.name, a.name)
      }
    }
  }

  /** @returns false if there was nobody to do it to */
  #apply(kind: FaultKind): boolean {
    const simulation = this.#simulation
    const { hosts, network, world, plan } = simulation
    const random = this.#random
    const victim = this.#victim()
    if (victim === undefined) return false
    switch (kind) {
      case 'partition': {
        const order = random.shuffle(hosts)
        const at = random.between(1, Math.max(1, hosts.length - 1))
        this.#cutAll(order.slice(0, at), order.slice(at), true)
        this.#later(() => network.heal())
        return true
      }
      case 'isolateLeader': {
        const leader = simulation.leader() ?? victim
        this.#cutAll([leader], hosts, true)
        this.#later(() => network.heal())
        return true
      }
      case 'oneWay': {
        const others = hosts.filter((host) => host !== victim && random.chance(0.7))
        if (random.chance(0.5)) this.#cutAll([victim], others, false)
        else this.#cutAll(others, [victim], false)
        this.#later(() => network.heal())
        return true
      }
      case 'partial': {
        for (const a of hosts) {
          for (const b of hosts)
            if (a.name < b.name && random.chance(0.4)) this.#cutAll([a], [b], true)
        }
        this.#later(() => network.heal())
        return true
      }
      case 'linkStorm': {
        Object.assign(network.fault, { drop: 0.2, duplicate: 0.1, reorder: 0.3 })
        this.#later(() => Object.assign(network.fault, plan.link))
        return true
      }
      case 'crash':
      case 'powerCut': {
        victim.crash(kind === 'powerCut')
        this.#later(() => victim.start())
        return true
      }
      case 'blackout': {
        for (const host of hosts) host.crash(true)
        for (const host of hosts) this.#later(() => host.start())
        return true
      }
      case 'pause':
      case 'stall': {
        const { process } = victim
        process!.pause()
        if (kind === 'pause') this.#later(() => process!.resume())
        else world.at(random.between(20, 400) * 1_000, () => process!.resume())
        return true
      }
      case 'clockJump': {
        victim.clock.skewMs += random.between(-100_000, 100_000)
        return true
      }
      case 'slowDisk': {
        victim.disk.fault.syncMs = plan.disk.syncMs * random.pick([5, 50])
        this.#later(() => {
          victim.disk.fault.syncMs = plan.disk.syncMs
        })
        return true
      }
      case 'diskFull':
      case 'diskError': {
        if (kind === 'diskFull') victim.disk.full = true
        else victim.disk.failing = true
        victim.excused = true
        this.#later(() => this.#repair(victim))
        return true
      }
      case 'damage':
        return this.#damage(victim)
      case 'transfer': {
        const leader = simulation.leader()
        if (leader === undefined) return false
        const { voters } = leader.runner!.status().configuration
        leader.runner!.transfer(random.pick(voters)).catch(() => {})
        return true
      }
      case 'membership':
        return simulation.operator.change()
      case 'diskLoss':
        return simulation.operator.lose(victim)
    }
  }

  /** An operator makes room, or changes the disk's cable, and starts the process anew. */
  #repair(host: Host): void {
    host.disk.full = false
    host.disk.failing = false
    host.crash(false)
    host.start()
    host.excused = false
  }

  /** One log at a time, and only where the others can do without it. */
  #damage(victim: Host): boolean {
    const { hosts } = this.#simulation
    const leader = this.#simulation.leader()
    if (leader === undefined) return false
    const { voters } = leader.runner!.status().configuration
    if (voters.length < 3 || hosts.some(({ log }) => log.damaged)) return false
    const { log } = victim
    victim.crash(false)
    const first = log.entries[0]?.index
    if (first !== undefined) {
      log.damage(this.#random.between(Math.max(first, log.last - 30), log.last))
    }
    this.#later(() => victim.start())
    return true
  }

  /** All that is broken is mended. */
  stop(): void {
    this.#stopped = true
    const { hosts, network, plan, world } = this.#simulation
    world.say?.('faults are over')
    network.heal()
    Object.assign(network.fault, plan.link, { drop: Math.min(plan.link.drop, 0.001) })
    for (const host of hosts) {
      Object.assign(host.disk.fault, plan.disk)
      if (host.excused || host.failure !== undefined) this.#repair(host)
      if (host.up) host.process!.resume()
      else host.start()
    }
  }
}
