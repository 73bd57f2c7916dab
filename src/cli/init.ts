/** `init`: the data directory, without starting anything. */
import { writeFile } from 'node:fs/promises'
import { DpsError } from '../base/index.js'
import { configPathOf, defaultConfigFile, type Settings } from '../config.js'
import { tilde } from './errors.js'
import { findRunningNode, hasRepository } from './node-process.js'
import type { Handler } from './session.js'

export const init: Handler = async (session) => {
  const { settings } = session
  const { dataDir } = settings
  if ((await findRunningNode(dataDir)) !== undefined) {
    throw new DpsError('FAILED_PRECONDITION', `a node is running on ${tilde(dataDir)}`, {
      exitCode: 11,
    })
  }
  const created = await ensureDataDir(settings)
  const { createNode } = await import('../node.js')
  // Opening it once makes what a node needs to be itself: the key, the databases.
  const node = await createNode({
    ...settings,
    offline: true,
    log: { ...settings.log, level: 'warn' },
  })
  let peerId: string
  try {
    await node.start()
    peerId = node.peerId
  } finally {
    await node.stop()
  }
  if (session.json) {
    session.value({ event: 'initialised', dataDir, peerId, created })
    return
  }
  session.line(`${created ? 'created' : 'already there:'} ${tilde(dataDir)}`)
  session.line(`Peer ID    ${peerId}`)
}

/** Makes the data directory where there is none. True when it made it. */
export async function ensureDataDir(settings: Settings): Promise<boolean> {
  const { dataDir } = settings
  const created = !(await hasRepository(dataDir))
  if (created) {
    const { DataDir } = await import('../store/index.js')
    const directory = await DataDir.open(dataDir, { create: true })
    await directory.close()
  }
  try {
    await writeFile(configPathOf(dataDir), defaultConfigFile(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return created
}
