/**
 * Real nodes in real processes, for integration tests: the built executable, free ports, its own
 * data directory. Whatever a test starts is killed and removed when that test (or file) ends.
 *
 * @example
 * const a = await spawnNode()
 * const b = await spawnNode({ bootstrap: a.addrs })
 * const { stdout } = await a.run(['publish', '-Q', path])
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanUp, eventually, tempDir } from './temp.js'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BIN = join(ROOT, 'bin', 'dps-node.cjs')

/** Longest wait for a node's ready line, and for its end after a signal. */
const READY_TIMEOUT_MS = 30_000
const EXIT_TIMEOUT_MS = 20_000
/** Kept of a node's log, for the message of a failed test. */
const LOG_BYTES_MAX = 256 * 1024

export interface RunOptions {
  /** Written to the command's stdin, which is then closed. */
  input?: string | Uint8Array
  /** The command is killed after so long, and the run rejects. @default 120000 */
  timeoutMs?: number
  env?: Record<string, string>
  cwd?: string
}

export interface RunResult {
  /** Exit code; -1 when a signal ended it. */
  code: number
  signal: NodeJS.Signals | null
  stdout: string
  /** The same as `stdout`, as bytes (file contents). */
  bytes: Buffer
  stderr: string
  elapsedMs: number
}

export interface SpawnOptions {
  /** Multiaddrs given as `--bootstrap`. */
  bootstrap?: readonly string[]
  /** Further flags of `start`; a flag given here comes after the helper's own. */
  flags?: readonly string[]
  env?: Record<string, string>
  /** An existing data directory, which is then not removed. */
  dataDir?: string
  /** Multiaddr to listen on. @default a free port on 127.0.0.1 */
  listen?: string
  /** Flags for node itself, before the script: `--expose-gc`. */
  nodeFlags?: readonly string[]
  /** A command that becomes the node: `ip netns exec NAME`. */
  prefix?: readonly string[]
}

let built = false

/** Builds `dist/` once per test process, if a source changed since the last build. */
export function ensureBuilt(): void {
  if (built) return
  const build = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--if-stale'], {
    encoding: 'utf8',
  })
  if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`)
  built = true
}

/** The environment of a child: this one without anything that would configure a node. */
function childEnv(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('DPS_') && name !== 'NODE_OPTIONS' && !name.startsWith('VITEST'),
  )
  return { ...Object.fromEntries(inherited), NO_COLOR: '1', ...extra }
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

function track(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** Starts `dps-node` with these arguments and returns the process, killed when the test ends. */
export function spawnCli(
  args: readonly string[],
  {
    env,
    cwd,
    nodeFlags = [],
    prefix = [],
  }: Pick<RunOptions, 'env' | 'cwd'> & Pick<SpawnOptions, 'nodeFlags' | 'prefix'> = {},
): ChildProcess {
  ensureBuilt()
  const [command, ...before] = [...prefix, process.execPath]
  const child = spawn(command!, [...before, ...nodeFlags, BIN, ...args], {
    env: childEnv(env),
    cwd: cwd ?? ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  track(child)
  cleanUp(() => killHard(child))
  return child
}

/** Runs `dps-node` with these arguments to its end. Never rejects for an exit code. */
export async function runCli(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { input, timeoutMs = 120_000 } = options
  const startedAt = performance.now()
  const child = spawnCli(args, options)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes))
  // A command may end without reading its input.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  const bytes = Buffer.concat(stdout)
  const result = {
    code: code ?? -1,
    signal,
    bytes,
    stdout: bytes.toString(),
    stderr: Buffer.concat(stderr).toString(),
    elapsedMs: performance.now() - startedAt,
  }
  if (late) {
    throw new Error(`dps-node ${args.join(' ')}: not done in ${timeoutMs} ms\n${result.stderr}`)
  }
  return result
}

/** Each line of a `--json` stream as a value. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T)
}

/** A node in its own process. After `restart()` its fields describe the new process. */
export class TestNode {
  readonly dataDir: string
  peerId = ''
  /** Listening addresses, each with `/p2p/<peer id>`. */
  addrs: string[] = []
  /** `http://127.0.0.1:<port>` */
  api = ''
  token = ''
  /** From the start of the process to its ready line. */
  readyMs = 0
  readonly #options: SpawnOptions
  #child: ChildProcess | undefined
  #log = ''

  constructor(options: SpawnOptions, dataDir: string) {
    this.#options = options
    this.dataDir = dataDir
  }

  get pid(): number {
    return this.#process().pid!
  }

  /** The end of what the node wrote to stderr, over all its processes. */
  get log(): string {
    return this.#log
  }

  get running(): boolean {
    const child = this.#child
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  async start(): Promise<void> {
    const { bootstrap = [], flags = [], env, nodeFlags, prefix, listen } = this.#options
    const args = [
      'start',
      '--json',
      '--data-dir',
      this.dataDir,
      '--api',
      '127.0.0.1:0',
      '--no-mdns',
    ]
    args.push('--listen', listen ?? '/ip4/127.0.0.1/tcp/0')
    for (const addr of bootstrap) args.push('--bootstrap', addr)
    args.push(...flags)
    const startedAt = performance.now()
    const child = spawnCli(args, {
      ...(env && { env }),
      ...(nodeFlags && { nodeFlags }),
      ...(prefix && { prefix }),
    })
    this.#child = child
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#log = (this.#log + bytes.toString()).slice(-LOG_BYTES_MAX)
    })
    const ready = await this.#ready(child)
    this.readyMs = performance.now() - startedAt
    this.peerId = ready.peerId
    this.addrs = ready.addrs
    this.api = ready.api
    this.token = JSON.parse(readFileSync(join(this.dataDir, 'api.json'), 'utf8')).token
  }

  #ready(child: ChildProcess): Promise<{ peerId: string; addrs: string[]; api: string }> {
    return new Promise((resolve, reject) => {
      let text = ''
      const fail = (what: string) => {
        clearTimeout(timer)
        child.kill('SIGKILL')
        reject(new Error(`node: ${what}\n${text}${this.#log.slice(-4_000)}`))
      }
      const timer = setTimeout(() => fail(`not ready in ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS)
      const onExit = (code: number | null, signal: string | null) =>
        fail(`ended with ${code ?? signal} before it was ready`)
      child.once('exit', onExit)
      child.stdout?.on('data', (bytes: Buffer) => {
        text += bytes.toString()
        const line = text.split('\n').find((candidate) => candidate.includes('"event":"ready"'))
        if (line === undefined || !text.includes(`${line}\n`)) return
        clearTimeout(timer)
        child.off('exit', onExit)
        resolve(JSON.parse(line))
      })
    })
  }

  #process(): ChildProcess {
    if (this.#child === undefined) throw new Error('the node was never started')
    return this.#child
  }

  /** Runs a command against this node (or, when it is down, on its data directory). */
  run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runCli([...args, '--data-dir', this.dataDir], options)
  }

  /** As `run`, but a non-zero exit is a failure of the test that shows both sides' stderr. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const result = await this.run(args, options)
    if (result.code !== 0) {
      throw new Error(
        `dps-node ${args.join(' ')}: exit ${result.code}\n${result.stderr}\n${this.#log.slice(-4_000)}`,
      )
    }
    return result
  }

  /** Sends the signal and resolves with the exit code (-1: ended by the signal). */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const child = this.#process()
    if (!this.running) return child.exitCode ?? -1
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
    return child.exitCode ?? -1
  }

  /** A clean stop. @throws when the node does not end by itself with exit code 0. */
  async stop(): Promise<void> {
    const code = await this.kill('SIGTERM')
    if (code !== 0) throw new Error(`the node ended with ${code}\n${this.#log.slice(-4_000)}`)
  }

  /** Starts again on the same data directory; stops first when it runs. */
  async restart(): Promise<void> {
    if (this.running) await this.stop()
    await this.start()
  }

  /** Anonymous resident memory of the process in bytes (`RssAnon`); Linux only, else 0. */
  rss(): number {
    if (process.platform !== 'linux') return 0
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  }

  /** Resolves when the node is connected to every one of these peers. */
  async connectedTo(...others: TestNode[]): Promise<void> {
    await eventually(`${this.peerId} connected to ${others.length} peers`, async () => {
      const { stdout } = await this.ok(['swarm', 'peers'])
      return others.every((other) => stdout.includes(other.peerId))
    })
  }
}

/** A started node on free ports; see {@link SpawnOptions}. */
export async function spawnNode(options: SpawnOptions = {}): Promise<TestNode> {
  const node = new TestNode(options, options.dataDir ?? tempDir('dps-node-'))
  await node.start()
  return node
}

async function killHard(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
