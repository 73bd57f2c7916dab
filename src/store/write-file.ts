import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Whole or not at all, also after power loss: written aside, synced, renamed. Mode 0600. */
export async function writeFileDurably(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`
  const file = await open(aside, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(aside, path)
  // The rename itself; directories can't be opened everywhere.
  const directory = await open(dirname(path)).catch(() => undefined)
  await directory?.sync().catch(() => {})
  await directory?.close()
}
