/** The process's ends as the commands see them, so that a test can hold them. */
import type { Readable, Writable } from 'node:stream'

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

/**
 * Writes that end quietly when the reader has gone (`dps-node ls | head`): after EPIPE, `closed`
 * is true and everything further is dropped.
 */
export class Output {
  closed = false
  readonly #stream: OutStream
  #wake: (() => void) | undefined

  constructor(stream: OutStream, onClosed: () => void = () => {}) {
    this.#stream = stream
    // Anything but a reader that left is as final here; there is nowhere to say so. The listener
    // stays: an error that nobody hears would end the process with a stack trace.
    stream.on('error', () => {
      if (this.closed) return
      this.closed = true
      onClosed()
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
