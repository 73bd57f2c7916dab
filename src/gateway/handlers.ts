/** The services: each method unpacks its request, calls a room, packs the answer. */
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect'
import type { CID } from 'multiformats/cid'
import { parseCid } from '../content/index.js'
import { throttleProgress } from './calls.js'
import { type ClusterControl, clusterService } from './cluster-service.js'
import {
  ClusterService,
  ContentService,
  collectEventToWire,
  entryFromWire,
  entryToWire,
  fetchEventToWire,
  NamespaceService,
  NodeService,
  pinToWire,
  publishEventToWire,
  publishOptionsFromWire,
  REQUEST_ID_HEADER,
  sizeFromWire,
  sourcesFromWire,
  timeoutFromWire,
  verifyEventToWire,
} from './codec.js'
import { type NamespaceFiles, namespaceService } from './namespace-service.js'
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
  cluster: ClusterControl
  namespace: NamespaceFiles
}

export function serviceRoutes(services: Services): (router: ConnectRouter) => void {
  return (router) => {
    router.service(NodeService, nodeService(services))
    router.service(ContentService, contentService(services))
    router.service(ClusterService, clusterService(services.cluster, callOf))
    router.service(NamespaceService, namespaceService(services.namespace, callOf))
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
      const { target, root } = await targetOf(files, cid, options)
      const events = files.fetch(target, { ...options, root }, options)
      yield* map(throttleProgress(events, progressHz), fetchEventToWire)
    },
    async *list({ cid, timeoutMs }, context) {
      const options = { ...timeoutFromWire(timeoutMs), ...callOf(context) }
      const { target, root } = await targetOf(files, cid, options)
      yield* map(files.list(target, { ...options, root }), entryToWire)
    },
    async stat({ cid, timeoutMs }, context) {
      const options = { ...timeoutFromWire(timeoutMs), ...callOf(context) }
      const { target, root } = await targetOf(files, cid, options)
      return files.stat(target, { ...options, root })
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
    pinList: (_, context) => map(files.pins(callOf(context)), pinToWire),
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
async function targetOf(
  files: ContentFiles,
  text: string,
  call: CallOptions,
): Promise<{ target: CID; root: CID }> {
  const [first = '', ...path] = text.replace(/^(?:\/ipfs\/|ipfs:\/\/)/, '').split('/')
  // `<cid>/` is the same as `<cid>`.
  if (path.at(-1) === '') path.pop()
  const root = parseCid(first)
  return { root, target: path.length === 0 ? root : await files.resolve(root, path, call) }
}

async function* map<T, U>(items: AsyncIterable<T>, convert: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield convert(item)
}
