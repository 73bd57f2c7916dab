/**
 * Shapes of settings: how a value is read from text (flag, environment) and from TOML, how it is
 * written, and what is accepted, in words. Parsers are strict: what they don't know is refused.
 */
import { isIP } from 'node:net'

/** One kind of value. `undefined` from a parser: not accepted. */
export interface Shape<T = unknown> {
  /** What is accepted, as the end of "accepted: …". */
  readonly accepts: string
  /** Of a list: one of its items. */
  readonly item?: Shape<string>
  /** The words that stand for the whole set, when it is finite (completion). */
  readonly words?: readonly string[]
  fromText(text: string): T | undefined
  fromToml(value: unknown): T | undefined
  toToml(value: unknown): string
}

export const boolean: Shape<boolean> = {
  accepts: 'true or false',
  words: ['true', 'false'],
  fromText: (text) => BOOLEANS[text.toLowerCase()],
  fromToml: (value) => (typeof value === 'boolean' ? value : undefined),
  toToml: String,
}
const BOOLEANS: Record<string, boolean | undefined> = Object.assign(Object.create(null), {
  true: true,
  false: false,
  1: true,
  0: false,
  yes: true,
  no: false,
  on: true,
  off: false,
})

export function integer(min: number, max: number): Shape<number> {
  const check = (value: number) =>
    Number.isInteger(value) && value >= min && value <= max ? value : undefined
  return {
    accepts: `a whole number from ${min} to ${max}`,
    fromText: (text) => (/^-?\d{1,15}$/.test(text) ? check(Number(text)) : undefined),
    fromToml: (value) => (typeof value === 'number' ? check(value) : undefined),
    toToml: String,
  }
}

export function choice<T extends string>(words: readonly T[]): Shape<T> {
  const find = (value: unknown) => words.find((word) => word === value)
  return {
    accepts: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    words,
    fromText: find,
    fromToml: find,
    toToml: tomlString,
  }
}

/** A list: in TOML an array, as text separated by commas (or an array in brackets). */
export function list(item: Shape<string>): Shape<string[]> {
  const all = (values: readonly unknown[]) => {
    const parsed = values.map((value) => item.fromToml(value))
    return parsed.every((value) => value !== undefined) ? (parsed as string[]) : undefined
  }
  return {
    accepts: `a list of ${item.accepts}`,
    item,
    fromText: (text) => {
      const trimmed = text.trim()
      if (trimmed === '') return []
      if (!trimmed.startsWith('[')) return all(trimmed.split(',').map((part) => part.trim()))
      try {
        return all(JSON.parse(trimmed) as unknown[])
      } catch {
        return undefined
      }
    },
    fromToml: (value) => (Array.isArray(value) ? all(value) : undefined),
    toToml: (value) => `[${(value as string[]).map(tomlString).join(', ')}]`,
  }
}

/** Bytes: `4096`, `256KiB`, `1.5GB`. `word` stands for 0. */
export function size(limits: {
  word?: string
  minBytes: number
  maxBytes?: number
}): Shape<number> {
  const max = limits.maxBytes ?? Number.MAX_SAFE_INTEGER
  const check = (bytes: number | undefined) =>
    bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= limits.minBytes && bytes <= max
      ? bytes
      : undefined
  const fromText = (text: string) => (text === limits.word ? 0 : check(parseSize(text)))
  const upTo = limits.maxBytes === undefined ? '' : ` to ${formatSize(limits.maxBytes)}`
  const from = limits.minBytes === 0 ? '' : ` from ${formatSize(limits.minBytes)}${upTo}`
  return {
    accepts: `a size${from} (256KiB, 10GB)${limits.word === undefined ? '' : ` or "${limits.word}"`}`,
    fromText,
    fromToml: (value) => (typeof value === 'number' ? check(value) : ifText(value, fromText)),
    toToml: (value) =>
      tomlString(
        value === 0 && limits.word !== undefined ? limits.word : formatSize(Number(value)),
      ),
  }
}

/** Milliseconds: `30s`, `1h30m`, `7d`. `word` stands for 0. A number without unit is refused. */
export function duration(limits: { word?: string; minMs: number; maxMs?: number }): Shape<number> {
  const max = limits.maxMs ?? Number.MAX_SAFE_INTEGER
  const fromText = (text: string) => {
    if (text === limits.word) return 0
    const ms = parseDuration(text)
    return ms !== undefined && ms >= limits.minMs && ms <= max ? ms : undefined
  }
  const upTo = limits.maxMs === undefined ? '' : ` to ${formatDuration(limits.maxMs)}`
  const from = ` from ${formatDuration(limits.minMs)}${upTo}`
  return {
    accepts: `a duration${from} (30s, 1h, 7d)${limits.word === undefined ? '' : ` or "${limits.word}"`}`,
    fromText,
    fromToml: (value) => ifText(value, fromText),
    toToml: (value) =>
      tomlString(
        value === 0 && limits.word !== undefined ? limits.word : formatDuration(Number(value)),
      ),
  }
}

function textShape(accepts: string, accept: (text: string) => boolean): Shape<string> {
  const check = (value: unknown) => (typeof value === 'string' && accept(value) ? value : undefined)
  return { accepts, fromText: check, fromToml: check, toToml: tomlString }
}

/** Strings. Addresses are checked lightly here (no libp2p at start-up); the host has the last word. */
export const text = {
  name: (accepts: string) =>
    textShape(accepts, (value) => /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/.test(value)),
  multiaddr: (example: string) => textShape(`TCP multiaddrs like ${example}`, isTcpMultiaddr),
  peerId: textShape('peer ids like 12D3KooW…', isPeerId),
  hostPort: textShape('HOST:PORT, like 127.0.0.1:4180 or [::1]:4180', (value) => {
    return splitHostPort(value) !== undefined
  }),
  host: textShape('host names without port, like node1.lan', isHost),
  origin: textShape('origins like https://drive.example.org', (value) => {
    try {
      const url = new URL(value)
      return /^https?:$/.test(url.protocol) && url.origin === value
    } catch {
      return false
    }
  }),
}

/** HOST:PORT taken apart; brackets around IPv6 are dropped. */
export function splitHostPort(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(value)
  if (match === null) return undefined
  const host = match[1] ?? match[2]!
  const port = Number(match[3])
  if (port > 65_535) return undefined
  if (match[1] === undefined ? !isHost(host) : isIP(host) !== 6) return undefined
  return { host, port }
}

function isHost(value: string): boolean {
  if (/^[\d.]+$/.test(value)) return isIP(value) === 4
  return (
    isIP(value) !== 0 ||
    /^(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/.test(
      value,
    )
  )
}

/** Base58btc Ed25519, secp256k1 and RSA peer ids. */
export function isPeerId(value: string): boolean {
  return /^(12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|16Uiu2HA[1-9A-HJ-NP-Za-km-z]{45,46}|Qm[1-9A-HJ-NP-Za-km-z]{44})$/.test(
    value,
  )
}

function isTcpMultiaddr(value: string): boolean {
  const match = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/p2p\/([^/]+))?$/.exec(
    value,
  )
  if (match === null) return false
  const [, protocol, host, port, peer] = match as unknown as [
    string,
    string,
    string,
    string,
    string?,
  ]
  if (Number(port) > 65_535 || (peer !== undefined && !isPeerId(peer))) return false
  if (protocol === 'ip4') return isIP(host) === 4
  if (protocol === 'ip6') return isIP(host) === 6
  return isHost(host)
}

const SIZE_UNITS: Record<string, number> = Object.assign(Object.create(null), {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  pib: 1024 ** 5,
})

/** Bytes of `4096`, `256KiB`, `1.5 GB` (units in any case); undefined when it is none or not whole. */
export function parseSize(value: string): number | undefined {
  const match = /^(\d{1,16})(?:\.(\d{1,9}))?\s?([A-Za-z]{0,3})$/.exec(value)
  if (match === null) return undefined
  const unit = SIZE_UNITS[match[3]!.toLowerCase()]
  if (unit === undefined) return undefined
  return scaled(match[1]!, match[2], unit)
}

/** Exact where it can be: 0.1 of 10 is 1, whatever binary fractions say. */
function scaled(whole: string, fraction: string | undefined, unit: number): number | undefined {
  const decimals = fraction?.length ?? 0
  const digits = BigInt(whole + (fraction ?? '')) * BigInt(unit)
  const divisor = 10n ** BigInt(decimals)
  if (digits % divisor !== 0n) return undefined
  const result = Number(digits / divisor)
  return Number.isSafeInteger(result) ? result : undefined
}

/** The shortest spelling that {@link parseSize} reads back exactly. */
export function formatSize(bytes: number): string {
  for (const unit of ['PiB', 'TiB', 'GiB', 'MiB', 'KiB', 'PB', 'TB', 'GB', 'MB', 'KB']) {
    const factor = SIZE_UNITS[unit.toLowerCase()]!
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return String(bytes)
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]

/** Milliseconds of `30s`, `1.5h`, `1h30m`: units once each, largest first; undefined when it is none. */
export function parseDuration(value: string): number | undefined {
  if (!/^(\d{1,15}(\.\d{1,9})?(ms|[wdhms]))+$/.test(value)) return undefined
  let total = 0
  let lastUnit = -1
  for (const [, whole, fraction, name] of value.matchAll(/(\d+)(?:\.(\d+))?(ms|[wdhms])/g)) {
    const index = DURATION_UNITS.findIndex(([unit]) => unit === name)
    if (index <= lastUnit) return undefined
    lastUnit = index
    const ms = scaled(whole!, fraction, DURATION_UNITS[index]![1])
    if (ms === undefined) return undefined
    total += ms
  }
  return Number.isSafeInteger(total) ? total : undefined
}

/** The spelling with the largest units that {@link parseDuration} reads back exactly. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let result = ''
  for (const [unit, factor] of DURATION_UNITS) {
    const count = Math.floor(rest / factor)
    // 24d reads better than 3w3d; weeks are for whole weeks.
    if (count === 0 || (unit === 'w' && rest % factor !== 0)) continue
    result += `${count}${unit}`
    rest -= count * factor
  }
  return result
}

function ifText<T>(value: unknown, parse: (text: string) => T | undefined): T | undefined {
  return typeof value === 'string' ? parse(value) : undefined
}

/** A TOML basic string. JSON's escapes are TOML's, but for DEL, which TOML wants escaped. */
function tomlString(value: unknown): string {
  return JSON.stringify(String(value)).replaceAll('\u007f', '\\u007F')
}

/** The nearest candidate within a third of the word's length, by edits; undefined: none is near. */
export function nearestOf(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

/** Damerau-Levenshtein (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1)
      }
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
