/** Names and symlink targets that a directory may hold. */
import { DpsError } from '../base/index.js'

// More than any file system's limit (255 bytes, or 255 UTF-16 units); small enough that a manifest
// of the longest names still has a thousand children.
export const NAME_BYTES_MAX = 1024
/** Linux's PATH_MAX. */
export const TARGET_BYTES_MAX = 4096

/** Why this can't be the name of an entry, or undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it points outside its directory'
  if (name.includes('/')) return 'it holds a "/"'
  if (name.includes('\0')) return 'it holds a NUL'
  return textProblem(name, NAME_BYTES_MAX)
}

/** A target may be absolute or lead outside: it is stored, never followed. */
export function targetProblem(target: string): string | undefined {
  if (target === '') return 'it is empty'
  if (target.includes('\0')) return 'it holds a NUL'
  return textProblem(target, TARGET_BYTES_MAX)
}

// A lone surrogate has no UTF-8: two names would become one.
const LONE_SURROGATE = /\p{Surrogate}/u

function textProblem(text: string, bytesMax: number): string | undefined {
  if (LONE_SURROGATE.test(text)) return 'it is not Unicode text'
  if (text.length * 3 <= bytesMax) return undefined
  return Buffer.byteLength(text) > bytesMax ? `it is longer than ${bytesMax} bytes` : undefined
}

/** @throws INVALID_ARGUMENT */
export function checkName(name: string): void {
  const problem = nameProblem(name)
  if (problem === undefined) return
  throw new DpsError('INVALID_ARGUMENT', `directory entry ${shown(name)}: ${problem}`, {
    exitCode: 1,
  })
}

/** @throws INVALID_ARGUMENT */
export function checkTarget(name: string, target: string): void {
  const problem = targetProblem(target)
  if (problem === undefined) return
  throw new DpsError('INVALID_ARGUMENT', `target of symlink ${shown(name)}: ${problem}`, {
    exitCode: 1,
  })
}

/** Quoted, with control characters escaped, and short: it ends up on terminals. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}

/**
 * The order of directory entries: the byte order of the names' UTF-8, which differs from that of
 * JavaScript's `<` where characters outside the basic plane meet U+E000 to U+FFFF.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codeOrder(x) - codeOrder(y)
  }
  return a.length - b.length
}

/** Moves surrogates (U+10000 and up) behind the rest of the basic plane. */
function codeOrder(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
