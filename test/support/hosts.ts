/**
 * Several hosts on one machine: network namespaces on a bridge, each with a second interface over
 * which this process reaches it whatever happens to the first. Needs root on Linux.
 */
import { spawnSync } from 'node:child_process'
import { cleanUp } from './temp.js'

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

const tryIp = (...args: string[]) => spawnSync('ip', args).status === 0

/** Whether {@link Hosts} can be made here. */
export function canMakeHosts(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const name = `dps${process.pid}`
  const able =
    tryIp('netns', 'add', name) &&
    tryIp('-n', name, 'link', 'add', 'br0', 'type', 'bridge') &&
    tryIp('-n', name, 'link', 'add', 've0', 'type', 'veth', 'peer', 'name', 've1')
  tryIp('netns', 'del', name)
  return able
}

let made = 0

export class Hosts {
  readonly #prefix: string
  readonly #subnet: number
  readonly #count: number

  constructor(count: number) {
    const number = made++
    this.#count = count
    this.#prefix = `d${process.pid.toString(36)}${number}`
    this.#subnet = (process.pid * 4 + number) % 250
    cleanUp(() => this.#remove())
    for (const side of [0, 1]) {
      ip('link', 'add', this.#bridge(side), 'type', 'bridge')
      ip('link', 'set', this.#bridge(side), 'up')
    }
    for (let at = 0; at < count; at++) this.#add(at)
  }

  #bridge(side: number): string {
    return `${this.#prefix}b${side}`
  }

  /** What a command on this host begins with. */
  prefix(at: number): string[] {
    return ['ip', 'netns', 'exec', this.#name(at)]
  }

  #name(at: number): string {
    return `${this.#prefix}h${at}`
  }

  /** Where the other hosts reach it. */
  address(at: number): string {
    return `10.213.${this.#subnet}.${10 + at}`
  }

  /** Where this process reaches it, always. */
  control(at: number): string {
    return `10.214.${this.#subnet}.${4 * at + 2}`
  }

  #add(at: number): void {
    const name = this.#name(at)
    ip('netns', 'add', name)
    const inside = (...args: string[]) => ip('-n', name, ...args)
    inside('link', 'set', 'lo', 'up')
    const data = `${name}d`
    ip('link', 'add', data, 'type', 'veth', 'peer', 'name', 'data', 'netns', name)
    ip('link', 'set', data, 'master', this.#bridge(0))
    ip('link', 'set', data, 'up')
    inside('addr', 'add', `${this.address(at)}/24`, 'dev', 'data')
    inside('link', 'set', 'data', 'up')
    const control = `${name}c`
    ip('link', 'add', control, 'type', 'veth', 'peer', 'name', 'control', 'netns', name)
    ip('addr', 'add', `10.214.${this.#subnet}.${4 * at + 1}/30`, 'dev', control)
    ip('link', 'set', control, 'up')
    inside('addr', 'add', `${this.control(at)}/30`, 'dev', 'control')
    inside('link', 'set', 'control', 'up')
  }

  /** Hosts of this list hear each other only, and so do those that are not in it. Nothing is refused: it is lost. */
  split(apart: readonly number[]): void {
    for (let at = 0; at < this.#count; at++) {
      ip('link', 'set', `${this.#name(at)}d`, 'master', this.#bridge(apart.includes(at) ? 1 : 0))
    }
  }

  heal(): void {
    this.split([])
  }

  #remove(): void {
    for (let at = 0; at < this.#count; at++) {
      tryIp('link', 'del', `${this.#name(at)}d`)
      tryIp('link', 'del', `${this.#name(at)}c`)
      tryIp('netns', 'del', this.#name(at))
    }
    for (const side of [0, 1]) tryIp('link', 'del', this.#bridge(side))
  }
}
