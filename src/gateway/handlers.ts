/** The two services: each method unpacks its request, calls a room, packs the answer. */
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type { CID } from 'multiformats/cid'
import { DpsError } from '../base/index.js'
import { formatCid, kindOf, parseCid } from '../content/index.js'
import { throttleProgress } from './calls.js'
import {
  ContentService,
  collectEventToWire,
  entryFromWire,
  entryToWire,
  fetchEventToWire,
  NodeService,
  publishEventToWire,
  publishOptionsFromWire,
  REQUEST_ID_HEADER,
  sizeFromWire,
  sourcesFromWire,
  timeoutFromWire,
  verifyEventToWire,
} from './codec.js'
import type {
  CallOptions,
  ContentFiles,
  ContentVerifier,
  GarbageCollector,
  NodeControl,
} from './services.js'

export interface Services {
  files: ContentFiles
  collector: GarbageCollector
  verifier: ContentVerifier
  node: NodeControl
}

export function serviceRoutes(services: Services): (router: ConnectRouter) => void {
  return (router) => {
    router.service(NodeService, nodeService(services))
    router.service(ContentService, contentService(services))
  }
}

/** Every answer to a `stop` has this long to leave before the node goes down. */
const STOP_DELAY_MS = 50

function nodeService({ node }: Services): ServiceImpl<typeof NodeService> {
  return {
    id: (_, context) => node.id(callOf(context)),
    status: (_, context) => node.status(callOf(context)),
    stop() {
      setTimeout(() => node.stop(), STOP_DELAY_MS)
      return {}
    },
    async swarmPeers(_, context) {
      return { peers: await node.swarmPeers(callOf(context)) }
    },
    async swarmAddrs(_, context) {
      return { known: await node.swarmAddrs(callOf(context)) }
    },
    async swarmConnect({ addr }, context) {
      return { peerId: await node.swarmConnect(addr, callOf(context)) }
    },
    async swarmDisconnect({ peer }, context) {
      return { peerId: await node.swarmDisconnect(peer, callOf(context)) }
    },
    findProviders: ({ cid, limit }, context) =>
      node.findProviders(parseCid(cid), { limit, ...callOf(context) }),
    provide: ({ cid }, context) => node.provide(parseCid(cid), callOf(context)),
    ping: ({ peer, count }, context) => node.ping(peer, { count, ...callOf(context) }),
    async diagnose(_, context) {
      return { json: JSON.stringify(await node.diagnose(callOf(context))) }
    },
  }
}

function contentService({
  files,
  collector,
  verifier,
}: Services): ServiceImpl<typeof ContentService> {
  return {
    publishPaths(request, context) {
      const options = publishOptionsFromWire(request.options)
      const events = files.publishPaths(
        sourcesFromWire(request),
        { ...options, recursive: request.recursive },
        callOf(context),
      )
      return map(throttleProgress(events, request.progressHz), publishEventToWire)
    },
    publishDirectory(request, context) {
      const entries = request.entries.map(entryFromWire)
      const options = publishOptionsFromWire(request.options)
      return map(files.publishDirectory(entries, options, callOf(context)), publishEventToWire)
    },
    async *fetch({ cid, timeoutMs, progressHz }, context) {
      const options = { ...timeoutFromWire(timeoutMs), ...callOf(context) }
      const target = await targetOf(files, cid, options)
      const events = files.fetch(target, options, options)
      yield* map(throttleProgress(events, progressHz), fetchEventToWire)
    },
    async *list({ cid, timeoutMs }, context) {
      const options = { ...timeoutFromWire(timeoutMs), ...callOf(context) }
      yield* map(files.list(await targetOf(files, cid, options), options), entryToWire)
    },
    async stat({ cid, timeoutMs }, context) {
      const options = { ...timeoutFromWire(timeoutMs), ...callOf(context) }
      return files.stat(await targetOf(files, cid, options), options)
    },
    pinAdd({ cid, name, ttlMs, timeoutMs, progressHz }, context) {
      const ttl = sizeFromWire(ttlMs, 'ttl_ms')
      const pin = {
        ...(name !== '' && { name }),
        ...(ttl > 0 && { ttlMs: ttl }),
        ...timeoutFromWire(timeoutMs),
      }
      const events = files.pinAdd(parseCid(cid), pin, callOf(context))
      return map(throttleProgress(events, progressHz), fetchEventToWire)
    },
    async pinRemove({ cid }, context) {
      await files.pinRemove(parseCid(cid), callOf(context))
      return {}
    },
    async *pinList(_, context) {
      const call = callOf(context)
      for await (const { cid, name, createdAt, expiresAt } of files.pins(call)) {
        yield {
          cid: formatCid(cid),
          name,
          ...(await sizeOf(files, cid, call)),
          createdAt: new Date(createdAt).toISOString(),
          expiresAt: expiresAt === undefined ? '' : new Date(expiresAt).toISOString(),
        }
      }
    },
    collect: ({ dryRun }, context) =>
      map(collector.collect({ dryRun, ...callOf(context) }), collectEventToWire),
    verify({ cid, repair, progressHz }, context) {
      const root = cid === '' ? {} : { cid: parseCid(cid) }
      const events = verifier.verify({ ...root, repair, ...callOf(context) })
      return map(throttleProgress(events, progressHz), verifyEventToWire)
    },
  }
}

function callOf({ signal, requestHeader }: HandlerContext): CallOptions {
  return { signal, requestId: requestHeader.get(REQUEST_ID_HEADER) ?? '' }
}

/** What `<cid>` or `<cid>/a/path` names, with the prefixes that {@link parseCid} takes. */
async function targetOf(files: ContentFiles, text: string, call: CallOptions): Promise<CID> {
  const [root = '', ...path] = text.replace(/^(?:\/ipfs\/|ipfs:\/\/)/, '').split('/')
  // `<cid>/` is the same as `<cid>`.
  if (path.at(-1) === '') path.pop()
  const cid = parseCid(root)
  return path.length === 0 ? cid : files.resolve(cid, path, call)
}

// A pinned root's manifest is on this disk; where it is not (damaged), the list must not wait for
// the network.
const PIN_OPEN_TIMEOUT_MS = 1_000

async function sizeOf(
  files: ContentFiles,
  cid: CID,
  call: CallOptions,
): Promise<{ kind: string; sizeBytes: number }> {
  try {
    const { kind, sizeBytes } = await files.open(cid, { timeoutMs: PIN_OPEN_TIMEOUT_MS, ...call })
    return { kind, sizeBytes }
  } catch (error) {
    if (call.signal?.aborted) throw call.signal.reason
    if (!(error instanceof DpsError)) throw error
    return { kind: kindOf(cid) === 'chunk' ? 'file' : '', sizeBytes: 0 }
  }
}

async function* map<T, U>(items: AsyncIterable<T>, convert: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield convert(item)
}
