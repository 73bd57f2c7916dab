/**
 * The `meta/` database: small facts of one node, in sublevels (pins, reference counts, leases;
 * composition hands further ones to other rooms).
 */
import { Level } from 'level'
import { openLevel } from './level-db.js'

export type MetaDb = Level<string, Uint8Array>

/**
 * Opens, creating it if needed. Close it with `db.close()`.
 *
 * @throws FAILED_PRECONDITION (exit 11) when another process has it, DATA_LOSS when it is damaged:
 *   it is never recreated by itself, because it holds the pins.
 */
export async function openMeta(path: string): Promise<MetaDb> {
  const make = () =>
    new Level<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  return openLevel(make, path, {
    hint: `move ${path} aside and start again: chunks stay, pins must be added again`,
  })
}
