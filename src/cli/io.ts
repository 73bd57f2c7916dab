/** The process's ends as the commands see them, so that a test can hold them. */
import type { Readable, Writable } from 'node:stream'
import { DpsError, toDpsError } from '../base/index.js'

export type OutStream = Writable & { isTTY?: boolean; columns?: number }

export interface Io {
  stdin: Readable & { isTTY?: boolean }
  stdout: OutStream
  stderr: OutStream
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** Calls back on SIGINT and SIGTERM; the returned function unhooks. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void
  /** Ends the process now: the second signal. */
  exit(code: number): void
}

export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onSignal(listener) {
      process.on('SIGINT', listener)
      process.on('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
    exit: (code) => process.exit(code),
  }
}

/** How a pipe says that nobody reads it any longer. */
const READER_GONE_CODES = ['EPIPE', 'ECONNRESET', 'EOF', 'ERR_STREAM_DESTROYED']

/**
 * Writes that end quietly when the reader has gone (`dps-node ls | head`): after EPIPE, `closed`
 * is true and everything further is dropped. So it is after any other failure (a full disk behind
 * `> file`), which {@link failure} keeps: output that was lost is no success.
 */
export class Output {
  closed = false
  failure: DpsError | undefined
  readonly #stream: OutStream
  #wake: (() => void) | undefined

  /** @param onClosed told once, with the failure unless the reader has just gone. */
  constructor(stream: OutStream, onClosed: (failure?: DpsError) => void = () => {}) {
    this.#stream = stream
    // The listener stays: an error that nobody hears would end the process with a stack trace.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.closed) return
      this.closed = true
      if (!READER_GONE_CODES.includes(error.code ?? '')) {
        const { code, message } = toDpsError(error)
        const what = `the output cannot be written: ${message}`
        this.failure = new DpsError(code, what, { cause: error, exitCode: 1 })
      }
      onClosed(this.failure)
      this.#wake?.()
    })
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true
  }

  get columns(): number {
    // Terminals that don't know their width say 0.
    return this.#stream.columns || 80
  }

  /** Not awaited by callers that write little: the stream buffers. */
  write(data: string | Uint8Array): void {
    if (!this.closed) this.#stream.write(data)
  }

  line(text: string): void {
    this.write(`${text}\n`)
  }

  /** Writes and waits while the reader is slower than we are. */
  async writeSlowly(data: string | Uint8Array): Promise<void> {
    if (this.closed || this.#stream.write(data)) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#stream.off('drain', done)
        this.#wake = undefined
        resolve()
      }
      this.#wake = done
      this.#stream.once('drain', done)
    })
  }

  /** Resolves when everything written has left, or the reader has. */
  async flush(): Promise<void> {
    if (this.closed) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#stream.write('', () => resolve())
    })
    this.#wake = undefined
  }
}
