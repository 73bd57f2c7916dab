/**
 * Directed runs: a few steps that lead to where random ones rarely come. A scenario is plain code that lets the
 * world run in between; what it demands of the cluster is a check like any other.
 */

import type { CheckName } from './check-names.js'
import { type Host, PATIENCE_MS } from './host.js'
import { type Plan, planOf } from './plan.js'
import type { Simulation } from './simulation.js'

export interface Scenario {
  name: string
  /** What goes wrong, and what must not come of it. */
  story: string
  plan?: Partial<Plan>
  run(stage: Stage): void
}

/** Nothing goes wrong by itself. */
export function quietPlan(seed: number, changes: Partial<Plan> = {}): Plan {
  return {
    ...planOf(seed),
    voters: 3,
    spares: 0,
    tickMs: 20,
    electionTicks: 10,
    heartbeatTicks: 1,
    link: { delayMs: 1, drop: 0, duplicate: 0, reorder: 0 },
    disk: { syncMs: 1, hiccupEvery: 0 },
    drift: 0,
    faults: [],
    clients: 0,
    keys: 1,
    keepLogBytes: 20_000,
    holdLogBytesMax: 50_000,
    flushDelayMs: 20,
    overlayBytesMax: 1_000_000,
    appendBytesMax: 65_536,
    inflightMessagesMax: 64,
    uncommittedBytesMax: 65_536,
    ...changes,
  }
}

/** Ends a scenario whose run has failed. */
class Over extends Error {}

export class Stage {
  readonly simulation: Simulation
  #values = 0

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  /** @returns whether the scenario came to its end */
  static play(scenario: Scenario, simulation: Simulation): boolean {
    try {
      scenario.run(new Stage(simulation))
      return true
    } catch (error) {
      if (error instanceof Over) return false
      throw error
    }
  }

  get hosts(): readonly Host[] {
    return this.simulation.hosts
  }

  /** Time goes on. */
  forMs(ms: number): void {
    const { world } = this.simulation
    world.run(world.nowUs + ms * 1_000)
    if (world.failure !== undefined) throw new Over()
  }

  /** Until something is there; if it doesn't come in time, that is a failure of `check`. */
  until<T>(
    what: string,
    probe: () => T | undefined | false,
    { withinMs = 3_000, check = 'liveness' }: { withinMs?: number; check?: CheckName } = {},
  ): T {
    const { world } = this.simulation
    const endUs = world.nowUs + withinMs * 1_000
    for (;;) {
      const found = probe()
      if (found !== undefined && found !== false) return found
      if (world.nowUs >= endUs) this.fail(check, `within ${withinMs} ms: ${what}`)
      this.forMs(0.25)
    }
  }

  fail(check: CheckName, text: string): never {
    this.simulation.checks.fail(check, text)
    throw new Over()
  }

  must(condition: boolean, check: CheckName, text: string): void {
    if (!condition) this.fail(check, text)
  }

  leader(): Host {
    return this.until('somebody leads, and all know it', () => {
      const leader = this.simulation.leader()
      const known = this.hosts.every(
        (host) => !host.serving || host.runner!.status().leader === leader?.id,
      )
      return known && leader
    })
  }

  others(...hosts: Host[]): Host[] {
    return this.hosts.filter((host) => !hosts.includes(host))
  }

  /** Cuts both directions, or only that from the first to the second. */
  cut(from: Host, to: Host, both = true): void {
    const { network } = this.simulation
    network.cut(from.name, to.name)
    if (both) network.cut(to.name, from.name)
  }

  isolate(host: Host): void {
    for (const other of this.others(host)) this.cut(host, other)
  }

  heal(...hosts: Host[]): void {
    const { network } = this.simulation
    if (hosts.length === 0) network.heal()
    for (const a of hosts) {
      for (const b of hosts) if (a !== b) network.healLink(a.name, b.name)
    }
  }

  /** Begins a write. @returns whether it was answered */
  write(host: Host): { done: boolean } {
    const state = { done: false }
    const value = `${this.#values++},`
    this.simulation.clients.perform(host, { key: 'k0', type: 'append', value }, (succeeded) => {
      state.done = succeeded
    })
    return state
  }

  read(host: Host): { done: boolean } {
    const state = { done: false }
    this.simulation.clients.perform(host, { key: 'k0', type: 'get' }, (succeeded) => {
      state.done = succeeded
    })
    return state
  }

  /** A write here is answered in time, with a few attempts. */
  mustWrite(host: Host, withinMs = 3_000): void {
    let write = this.write(host)
    let startedUs = this.simulation.world.nowUs
    this.until(
      `${host.id} takes a write`,
      () => {
        const { nowUs } = this.simulation.world
        if (nowUs - startedUs > PATIENCE_MS * 1_000) {
          write = this.write(host)
          startedUs = nowUs
        }
        return write.done
      },
      { withinMs },
    )
  }

  mustRead(host: Host, withinMs = 3_000): void {
    const read = this.read(host)
    this.until(`${host.id} answers a read`, () => read.done, { withinMs })
  }

  /**
   * Remembers who leads.
   *
   * @returns demands that it still does, in the same term
   */
  sameLeader(): () => void {
    const leader = this.leader()
    const { term } = leader.runner!.status()
    return () => {
      const now = this.simulation.leader()
      const terms = now === undefined ? 'nothing' : now.runner!.status().term
      const text = `${leader.id} led term ${term}, now ${now?.id} leads ${terms}`
      this.must(now === leader && terms === term, 'calm', text)
    }
  }

  /** Everybody has everything, soon. */
  recover(withinMs = 5_000): void {
    this.until('all recover', () => this.simulation.missing === undefined, { withinMs })
  }
}
