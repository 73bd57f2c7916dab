/**
 * The package's public API: everything the binary does, as a library.
 *
 * Goals: a node inside another program, and a client for a node that runs elsewhere.
 * Non-goals: the command line's output and exit codes (see cli).
 *
 * @example
 * const node = await createNode(await loadSettings({ dataDir: '/srv/dps' }))
 * await node.start()
 * const client = new ApiClient(node.api)
 * const { peerId } = await client.node.id({})
 * await node.stop()
 */
export { DpsError, type DpsErrorOptions, ERROR_CODES, type ErrorCode } from './base/index.js'
export { type LoadOptions, loadSettings, type Settings } from './config.js'
export {
  CODEC_MANIFEST,
  CODEC_RAW,
  type Digest,
  digestOf,
  formatCid,
  parseCid,
  verifyChunk,
} from './content/index.js'
export {
  ApiClient,
  type ApiClientInit,
  type Download,
  type UploadOptions,
} from './gateway/index.js'
export { createNode, type DpsNode } from './node.js'
