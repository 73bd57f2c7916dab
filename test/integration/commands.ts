/** The commands that integration tests run again and again, with their JSON as cli.md has it. */
import { createReadStream } from 'node:fs'
import { request } from 'node:http'
import type { Readable } from 'node:stream'
import { sha256 } from '../support/data.js'
import {
  jsonLines,
  type RunOptions,
  type RunResult,
  spawnCli,
  type TestNode,
} from '../support/processes.js'
import { eventually } from '../support/temp.js'

export interface Added {
  event: 'added'
  cid: string
  name: string
  sizeBytes: number
  chunks: number
  newBytes: number
}

export interface PublishSummary {
  event: 'summary'
  root: string
  files: number
  sizeBytes: number
  newBytes: number
  announced: boolean
}

export interface GetSummary {
  event: 'summary'
  cid: string
  path: string
  sizeBytes: number
  resumedBytes: number
  peers: string[]
}

export interface VerifySummary {
  event: 'summary'
  checked: number
  damaged: number
  repaired: number
}

export interface ErrorReport {
  error: { code: string; message: string; hint?: string }
}

type Line = { event?: string }

export interface Published {
  added: Added[]
  summary: PublishSummary
  /** The CID of the last item: of a single file the file, of a folder its root. */
  cid: string
}

export function publishedOf(stdout: string): Published {
  const lines = jsonLines<Line>(stdout)
  const added = lines.filter((line) => line.event === 'added') as Added[]
  const summary = lines.at(-1) as PublishSummary
  if (summary?.event !== 'summary') throw new Error(`no summary at the end of:\n${stdout}`)
  return { added, summary, cid: added.at(-1)?.cid ?? '' }
}

export async function publish(
  node: TestNode,
  args: readonly string[],
  options?: RunOptions,
): Promise<Published> {
  return publishedOf((await node.ok(['publish', '--json', ...args], options)).stdout)
}

/** The last line of a `--json` stream. */
export function lastLine<T>(stdout: string): T {
  const line = jsonLines<T & Line>(stdout).at(-1)
  if (line === undefined) throw new Error('no line of JSON on stdout')
  return line
}

export async function get(
  node: TestNode,
  cid: string,
  out: string,
  args: readonly string[] = [],
  options?: RunOptions,
): Promise<GetSummary> {
  const { stdout } = await node.ok(['get', '--json', cid, '-o', out, ...args], options)
  return lastLine<GetSummary>(stdout)
}

/** Checks every chunk of the node (or of its directory, when it is down). */
export async function verify(node: TestNode, args: readonly string[] = []): Promise<VerifySummary> {
  return lastLine<VerifySummary>((await node.ok(['verify', '--json', ...args])).stdout)
}

/** What `--json` makes of a failure. */
export function errorOf({ stderr }: RunResult): ErrorReport['error'] {
  const line = stderr.split('\n').find((text) => text.startsWith('{"error"'))
  if (line === undefined) throw new Error(`no error as JSON in:\n${stderr}`)
  return (JSON.parse(line) as ErrorReport).error
}

/** Runs a command with a stream as its stdin, whose length it cannot know. */
export async function runPiped(
  node: TestNode,
  args: readonly string[],
  input: Readable,
): Promise<string> {
  const child = spawnCli([...args, '--data-dir', node.dataDir])
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString()
  })
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes.toString()
  })
  child.stdin?.on('error', () => input.destroy())
  input.pipe(child.stdin!)
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`dps-node ${args.join(' ')} < pipe: exit ${code}\n${stderr}`)
  return stdout
}

/** Uploads a file to the node's API, chunked: of unknown length. Resolves to the answer's lines. */
export function upload(node: TestNode, path: string, query = ''): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${node.api}/v1/content${query}`,
      { method: 'POST', headers: { authorization: `Bearer ${node.token}` } },
      (response) => {
        let text = ''
        response.on('data', (bytes: Buffer) => {
          text += bytes.toString()
        })
        response.once('error', reject)
        response.once('end', () => {
          if (response.statusCode === 200) resolve(jsonLines(text))
          else reject(new Error(`upload: HTTP ${response.statusCode} ${text}`))
        })
      },
    )
    call.once('error', reject)
    createReadStream(path, { highWaterMark: 1024 * 1024 }).pipe(call)
  })
}

/** Resolves when `node` finds these peers among the CID's providers, by the DHT alone. */
export async function untilProvided(
  node: TestNode,
  cid: string,
  ...providers: { peerId: string }[]
): Promise<void> {
  const ids = providers.map(({ peerId }) => peerId)
  await eventually(
    `${ids.join(', ')} found as providers of ${cid}`,
    async () => {
      const { stdout } = await node.run(['routing', 'findprovs', cid, '-n', '100'])
      return ids.every((id) => stdout.includes(id))
    },
    { timeoutMs: 30_000, everyMs: 100 },
  )
}

/** Read through the API of a running node, whole. */
export async function sha256OfContent(node: TestNode, cid: string): Promise<string> {
  const response = await fetch(`${node.api}/v1/content/${cid}`, {
    headers: { authorization: `Bearer ${node.token}` },
  })
  if (!response.ok) throw new Error(`${cid}: HTTP ${response.status} ${await response.text()}`)
  return sha256(new Uint8Array(await response.arrayBuffer()))
}

export interface Status {
  peers: number
  content: { files: number; chunks: number; bytes: number }
}

/** `status --json` without a process for it. Zeros are left out by the API's JSON. */
export async function status(node: TestNode): Promise<Status> {
  const response = await fetch(`${node.api}/dps.api.v1.NodeService/Status`, {
    method: 'POST',
    headers: { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  if (!response.ok) throw new Error(`status: HTTP ${response.status} ${await response.text()}`)
  const { peers = 0, content = {} } = (await response.json()) as Partial<Status>
  return { peers, content: { files: 0, chunks: 0, bytes: 0, ...content } }
}

export async function healthy(node: TestNode): Promise<void> {
  await node.ok(['diag', 'healthy'])
}

/** Values of a metric by its labels as written: `name{labels} value`. */
export async function metric(node: TestNode, name: string): Promise<Map<string, number>> {
  const response = await fetch(`${node.api}/metrics`)
  if (!response.ok) throw new Error(`/metrics: HTTP ${response.status}`)
  const values = new Map<string, number>()
  for (const line of (await response.text()).split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/.exec(line)
    if (match?.[1] === name) values.set(match[2] ?? '', Number(match[3]))
  }
  return values
}

/** The most anonymous memory a node had between the call and `stop()`, sampled. */
export function watchMemory(node: TestNode): { stop(): number } {
  let peakBytes = 0
  const sample = () => {
    if (node.running) peakBytes = Math.max(peakBytes, node.rss())
  }
  sample()
  const timer = setInterval(sample, 50)
  return {
    stop() {
      clearInterval(timer)
      sample()
      return peakBytes
    },
  }
}
