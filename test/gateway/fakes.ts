/** A gateway over services that a test scripts, on a free loopback port. */
import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { DpsError } from '../../src/base/index.js'
import { cidOf, formatCid } from '../../src/content/index.js'
import type { OpenContent } from '../../src/files/index.js'
import {
  ApiClient,
  ApiServer,
  type ApiServerInit,
  type ClusterControl,
  type ContentFiles,
  type ContentVerifier,
  type GarbageCollector,
  type NamespaceFiles,
  type NodeControl,
} from '../../src/gateway/index.js'
import { type Log, Metrics, silentLog } from '../../src/observability/index.js'

export const TOKEN = 'test-token-0123456789'

export interface Fakes {
  files?: Partial<ContentFiles>
  collector?: Partial<GarbageCollector>
  verifier?: Partial<ContentVerifier>
  node?: Partial<NodeControl>
  cluster?: Partial<ClusterControl>
  namespace?: Partial<NamespaceFiles>
  log?: Log
}

export interface TestApi {
  server: ApiServer
  client: ApiClient
  metrics: Metrics
  url: string
}

/** What a test does not script is UNIMPLEMENTED. */
function scripted<T extends object>(part: Partial<T> | undefined): T {
  return new Proxy((part ?? {}) as T, {
    get(target, name) {
      return (
        Reflect.get(target, name) ??
        (() => {
          throw new DpsError('UNIMPLEMENTED', `${String(name)} is not scripted`)
        })
      )
    },
  })
}

export async function startApi(
  fakes: Fakes = {},
  init: Partial<ApiServerInit> = {},
): Promise<TestApi> {
  const metrics = new Metrics()
  const server = new ApiServer(
    {
      files: scripted(fakes.files),
      collector: scripted(fakes.collector),
      verifier: scripted(fakes.verifier),
      node: scripted(fakes.node),
      cluster: scripted(fakes.cluster),
      namespace: scripted(fakes.namespace),
      log: fakes.log ?? silentLog,
      metrics,
    },
    { token: TOKEN, port: 0, stopGraceMs: 200, ...init },
  )
  await server.start()
  const client = new ApiClient({ url: server.url, token: TOKEN })
  onTestFinished(async () => {
    client.close()
    await server.stop()
  })
  return { server, client, metrics, url: server.url }
}

export function cidOfBytes(bytes: Uint8Array) {
  return cidOf('chunk', createHash('sha256').update(bytes).digest())
}

export const SOME_CID = cidOfBytes(Buffer.from('some content'))
export const SOME_CID_TEXT = formatCid(SOME_CID)

/** A file of these bytes, in pieces of `pieceBytes`. */
export function fileOf(bytes: Uint8Array, pieceBytes = 64 * 1024): Partial<ContentFiles> {
  return {
    open: async (cid) => ({
      cid,
      kind: 'file',
      sizeBytes: bytes.byteLength,
      async *read({ offset = 0, length = bytes.byteLength - offset } = {}) {
        const end = offset + length
        for (let at = offset; at < end; at += pieceBytes) {
          yield bytes.subarray(at, Math.min(at + pieceBytes, end))
        }
      },
    }),
  }
}

/** Content whose `read` the test scripts. */
export function contentOf(sizeBytes: number, read: OpenContent['read']): Partial<ContentFiles> {
  return { open: async (cid) => ({ cid, kind: 'file', sizeBytes, read }) }
}

/** Resolves when the signal aborts, with its reason. */
export function aborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(signal.reason)
    signal?.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

export interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

export function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

export async function collectBytes(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

export async function collectAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function auth(more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${TOKEN}`, ...more }
}
