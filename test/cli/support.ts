/** Runs commands in this process, with ends that a test holds. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Io, OutStream } from '../../src/cli/io.js'
import { run } from '../../src/cli/run.js'
import { type Fakes, startApi, TOKEN } from '../gateway/fakes.js'

export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'dps-cli-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

export interface CliOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** Both outputs are terminals. */
  tty?: boolean
  /** Sends a signal when called. */
  onStart?: (signal: (name: NodeJS.Signals) => void) => void
  /** Bytes of stdout after which its reader leaves. */
  readerLeavesAfterBytes?: number
  /** What a write says from then on. @default EPIPE */
  stdoutError?: string
}

export interface CliResult {
  code: number
  stdout: string
  bytes: Buffer
  stderr: string
  /** Exit codes asked for at once, past the orderly end. */
  exits: number[]
}

export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const out = collector(options.tty ?? false, options.readerLeavesAfterBytes, options.stdoutError)
  const err = collector(options.tty ?? false)
  const listeners = new Set<(signal: NodeJS.Signals) => void>()
  const exits: number[] = []
  const io: Io = {
    stdin: options.stdin === undefined ? new PassThrough().end() : Readable.from(options.stdin),
    stdout: out.stream,
    stderr: err.stream,
    env: { HOME: '/nonexistent', ...options.env },
    cwd: options.cwd ?? process.cwd(),
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => exits.push(code),
  }
  const running = run(argv, io)
  options.onStart?.((name) => {
    for (const listener of listeners) listener(name)
  })
  const code = await running
  return { code, stdout: out.text(), bytes: out.bytes(), stderr: err.text(), exits }
}

function collector(tty: boolean, leavesAfterBytes = Number.POSITIVE_INFINITY, code = 'EPIPE') {
  const pieces: Buffer[] = []
  let seen = 0
  const stream: OutStream = new Writable({
    write(piece: Buffer, _encoding, done) {
      seen += piece.length
      if (seen > leavesAfterBytes) {
        done(Object.assign(new Error(`${code}: write`), { code }))
        return
      }
      pieces.push(piece)
      setImmediate(done)
    },
  })
  if (tty) Object.assign(stream, { isTTY: true, columns: 100 })
  const bytes = () => Buffer.concat(pieces)
  return { stream, bytes, text: () => bytes().toString() }
}

export interface FakeNode {
  dataDir: string
  /** Runs a command on this node's data directory. */
  cli(argv: readonly string[], options?: CliOptions): Promise<CliResult>
}

/** A data directory with a node on it, whose services the test scripts. */
export async function fakeNode(fakes: Fakes = {}): Promise<FakeNode> {
  const dataDir = await tempDir()
  const { url } = await startApi(fakes)
  await writeFile(join(dataDir, 'version.json'), '{"format":1}\n')
  const api = { url, token: TOKEN, pid: process.pid, instanceId: 'i1' }
  await writeFile(join(dataDir, 'api.json'), JSON.stringify(api))
  return {
    dataDir,
    cli: (argv, options) => cli(['--data-dir', dataDir, ...argv], options),
  }
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
