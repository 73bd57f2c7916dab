import type { Patch } from '../bundle.js'
import type { CheckName } from '../check-names.js'

/** A deliberate mistake, of a kind that people make, and what finds it. */
export interface Bug {
  name: string
  /** What it breaks, and where it was seen, if it was. */
  story: string
  patches: readonly Patch[]
  /** The check that finds it. */
  by: CheckName
  /** Others that would find it a little later: off too where the bug is seen to survive without `by`. */
  also?: readonly CheckName[]
  /** Found within so many seeds, from 1 on. */
  seeds: number
  /** In this directed run; else in random ones. */
  scenario?: string
}

/** A bug of one place. */
export function patch(file: string, find: string, replace: string): Patch[] {
  return [{ file, find, replace }]
}
