/** Who asks the cluster for something, and remembers what it was told. */
import { DpsError } from '../../src/base/index.js'
import {
  checkByKey,
  explain,
  HistoryRecorder,
  type KeyValueInput,
  type KeyValueOutput,
  keyValueModel,
} from '../support/linearizability/index.js'
import { type Host, PATIENCE_MS } from './host.js'
import type { Rng } from './random.js'
import { registerKey, textOf } from './register.js'
import type { Simulation } from './simulation.js'

export class Clients {
  readonly #simulation: Simulation
  readonly #random: Rng
  readonly #history = new HistoryRecorder<KeyValueInput, KeyValueOutput>()
  /** Per client: operations that it still wants to see succeed before it is content; undefined while it goes on. */
  readonly #wishes: (number | undefined)[]
  #tokens = 0
  readonly counts = { writes: 0, reads: 0, unknown: 0, refused: 0, undecided: 0 }

  constructor(simulation: Simulation, random: Rng) {
    this.#simulation = simulation
    this.#random = random
    this.#wishes = Array.from({ length: simulation.plan.clients }, () => undefined)
  }

  start(): void {
    for (const [client] of this.#wishes.entries()) this.#think(client)
  }

  /** Faults are over: each wants to succeed twice more. */
  finish(): void {
    this.#wishes.fill(2)
  }

  get finished(): boolean {
    return this.#wishes.every((wish) => wish === 0)
  }

  get waiting(): string {
    return `clients want ${this.#wishes.join()} more answers`
  }

  #think(client: number): void {
    const { world, plan } = this.#simulation
    world.at(this.#random.exponential(plan.thinkMs * 1_000), () => this.#ask(client))
  }

  #ask(client: number): void {
    const { hosts, plan } = this.#simulation
    const random = this.#random
    const wish = this.#wishes[client]
    if (wish === 0) return
    // At last everybody knows who takes part: one that was removed can't answer.
    const host = random.pick(wish === undefined ? hosts : this.#simulation.members())
    if (!host.serving) {
      this.#think(client)
      return
    }
    const key = `k${random.below(plan.keys)}`
    const read = wish === undefined ? random.chance(plan.readShare) : wish === 1
    const value = `${(this.#tokens++).toString(36)},`
    const input: KeyValueInput = read
      ? { key, type: 'get' }
      : { key, type: random.chance(0.1) ? 'put' : 'append', value }
    this.perform(
      host,
      input,
      (succeeded) => {
        if (succeeded && wish !== undefined) this.#wishes[client] = wish - 1
        this.#think(client)
      },
      client,
    )
  }

  /** Asks a machine for something. @param end called once, when the answer is there or given up */
  perform(host: Host, input: KeyValueInput, end: (succeeded: boolean) => void, client = 0): void {
    const { world } = this.#simulation
    const read = input.type === 'get'
    const id = this.#history.invoke(client, input)
    const { process } = host
    const startedUs = world.nowUs
    let over = false
    const finish = (succeeded: boolean) => {
      over = true
      end(succeeded)
    }
    const watch = () => {
      if (over) return
      if (process!.alive && world.nowUs < startedUs + 1.5e3 * PATIENCE_MS) world.at(50_000, watch)
      else {
        if (read) this.#history.withdraw(id)
        this.counts.unknown++
        finish(false)
      }
    }
    world.at(50_000, watch)
    this.#answer(host, input).then(
      (output) => {
        if (over || !process!.alive) return
        this.#history.complete(id, output)
        this.counts[read ? 'reads' : 'writes']++
        world.say?.(`client ${client}: ${JSON.stringify(input)} → ${output.value}`)
        world.record(5, client, id)
        finish(true)
      },
      (error: unknown) => {
        if (over || !process!.alive) return
        if (!(error instanceof DpsError)) {
          world.onError(error as Error)
          return
        }
        world.say?.(`client ${client}: ${JSON.stringify(input)} fails: ${error.message}`)
        if (read) this.#history.withdraw(id)
        this.counts.refused++
        finish(false)
      },
    )
  }

  async #answer(host: Host, input: KeyValueInput): Promise<KeyValueOutput> {
    const { checks } = this.#simulation
    if (input.type === 'get') {
      const floor = checks.highestCommit
      const view = await host.authority!.read()
      checks.served(host.id!, view.appliedIndex, floor)
      const value = view.get(registerKey(input.key))
      return { value: value === undefined ? '' : textOf(value) }
    }
    const { key, value } = input
    const command = { type: 'simRegister', put: input.type === 'put', key, value }
    await host.authority!.execute(command as never)
    return { value: '' }
  }

  check(): void {
    const { checks } = this.#simulation
    const seen = new Set<string>()
    for (const { input, output } of this.#history.operations) {
      if (input.type !== 'get' || output === undefined) continue
      const tokens = output.value.split(',').slice(0, -1)
      for (const token of tokens) seen.add(`${token},`)
      const twice = tokens.find((token, at) => tokens.indexOf(token, at + 1) !== -1)
      const text = () => `${twice} was applied twice: ${output.value}`
      checks.must(twice === undefined, 'exactly-once', text)
    }
    // A write of unknown outcome that no read ever saw changes nothing if it is left out, and a great
    // deal of work for the search.
    const operations = this.#history.operations.filter(
      ({ input, output }) => output !== undefined || input.type === 'get' || seen.has(input.value),
    )
    const check = checkByKey(keyValueModel, operations, ({ key }) => key, { stepsMax: 200_000 })
    if (check.verdict === 'undecided') this.counts.undecided++
    if (check.verdict === 'violated') checks.fail('linearizability', explain(check))
  }
}
