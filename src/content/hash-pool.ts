/**
 * sha2-256 off the main thread. One core hashes 1.7 GB/s, so that a main thread that hashes does
 * little else; workers read the bytes in place, from shared memory.
 */
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { type AbortOptions, DpsError, raceSignal } from '../base/index.js'
import { type Digest, sha256 } from './cid.js'
import { HASH_WORKER_SOURCE, type HashJob } from './hash-worker.js'

// Below this, hashing (20 µs) costs about what the message to a worker and back does.
const INLINE_BYTES_MAX = 32 * 1024

// Jobs of one message are answered together: more of them would hold slabs back.
const MESSAGE_JOBS_MAX = 16

export interface HashPoolInit {
  /** Threads, each started when there is work for it. @default 2 */
  workers?: number
}

/** A hash over bytes that come in pieces. One call after another; `close` it if `digest` is never called. */
export interface StreamHash {
  /** Resolves when the bytes were read and may be overwritten. */
  update(bytes: Uint8Array, options?: AbortOptions): Promise<void>
  /** The sha2-256 of all updates; the last call. */
  digest(options?: AbortOptions): Promise<Digest>
  close(): void
}

export class HashPool {
  readonly #threads: HashThread[]
  #waiting: Task[] = []
  #isDispatching = false
  #closed = false
  #streams = 0

  constructor({ workers = 2 }: HashPoolInit = {}) {
    this.#threads = Array.from({ length: workers }, () => new HashThread())
  }

  /**
   * The sha2-256 of `bytes`. On a worker when they lie on a SharedArrayBuffer and are 32 KiB or
   * more; they must not change until this settles. Else in this thread.
   * An abort ends the wait, not the reading.
   */
  digest(bytes: Uint8Array, options: AbortOptions = {}): Promise<Digest> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closed) return Promise.reject(closed())
    if (bytes.length < INLINE_BYTES_MAX || !isShared(bytes)) return Promise.resolve(sha256(bytes))
    const done = new Promise<Digest | undefined>((resolve, reject) => {
      this.#waiting.push({ job: { op: 'digest', bytes }, cost: bytes.length, resolve, reject })
    }) as Promise<Digest>
    // After the promise callbacks of this turn, so that all its calls share messages.
    if (!this.#isDispatching) {
      this.#isDispatching = true
      process.nextTick(() => this.#dispatch())
    }
    return raceSignal(done, signal)
  }

  /** Each to the thread that has the least to read. */
  #dispatch(): void {
    this.#isDispatching = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const task of waiting) this.#idlest().add(task)
  }

  #idlest(): HashThread {
    let idlest = this.#threads[0]!
    for (const thread of this.#threads) if (thread.load < idlest.load) idlest = thread
    return idlest
  }

  /** A running hash. It stays on one worker; what stays under 32 KiB never leaves this thread. */
  stream(): StreamHash {
    return new PooledStream(this.#streams++, () => {
      if (this.#closed) throw closed()
      let chosen = this.#threads[0]!
      for (const thread of this.#threads) {
        const order = thread.streams - chosen.streams || thread.load - chosen.load
        if (order < 0) chosen = thread
      }
      return chosen
    })
  }

  /** Ends the threads. What still runs gets CANCELLED. */
  async close(): Promise<void> {
    this.#closed = true
    for (const task of this.#waiting) task.reject(closed())
    this.#waiting = []
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

interface Task {
  job: HashJob
  /** Bytes to read: the unit of a thread's load. */
  cost: number
  resolve(digest: Digest | undefined): void
  reject(error: unknown): void
}

/** One worker, started by its first task and again after a crash. */
class HashThread {
  /** Bytes given and not yet read. */
  load = 0
  /** Running hashes that stay here. */
  streams = 0

  #worker: Worker | undefined
  #queued: Task[] = []
  /** Messages under way, in order. Invariant: the worker is ref'd exactly while there are any. */
  #sent: Task[][] = []
  #isFlushing = false
  #closed = false

  /** Counts the crashes, so that a stream notices that its state is gone. */
  generation = 0

  add(task: Task): void {
    if (this.#closed) {
      task.reject(closed())
      return
    }
    this.load += task.cost
    this.#queued.push(task)
    if (this.#isFlushing) return
    this.#isFlushing = true
    process.nextTick(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const queued = this.#queued
    if (queued.length === 0) return
    this.#queued = []
    const worker = this.#started()
    // A process with nothing else to do would end before the answer came.
    if (this.#sent.length === 0) worker.ref()
    for (let at = 0; at < queued.length; at += MESSAGE_JOBS_MAX) {
      const tasks = queued.slice(at, at + MESSAGE_JOBS_MAX)
      this.#sent.push(tasks)
      worker.postMessage(tasks.map((task) => task.job))
    }
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker
    // No options or environment of the parent's: loaders and preloads would slow the start.
    const worker = new Worker(HASH_WORKER_SOURCE, { eval: true, execArgv: [], env: {} })
    worker.on('message', (results: (Digest | undefined)[]) => this.#answered(worker, results))
    worker.on('error', (cause) => {
      this.#lost(worker, new DpsError('INTERNAL', 'a hash worker failed', { cause }))
    })
    worker.on('exit', () => this.#lost(worker, new DpsError('INTERNAL', 'a hash worker ended')))
    this.#worker = worker
    return worker
  }

  #answered(worker: Worker, results: (Digest | undefined)[]): void {
    if (worker !== this.#worker) return
    const tasks = this.#sent.shift()
    if (this.#sent.length === 0) worker.unref()
    for (const [index, task] of (tasks ?? []).entries()) {
      this.load -= task.cost
      task.resolve(results[index])
    }
  }

  #lost(worker: Worker | undefined, error: DpsError): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.generation++
    // What is queued goes too: a stream's later pieces must not start a new hash elsewhere.
    const tasks = [...this.#sent.flat(), ...this.#queued]
    this.#sent = []
    this.#queued = []
    for (const task of tasks) {
      this.load -= task.cost
      task.reject(error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    this.#lost(worker, closed())
    await worker?.terminate()
  }
}

class PooledStream implements StreamHash {
  readonly #id: number
  readonly #choose: () => HashThread
  /** Small starts wait here: most files are small, and done before a worker is worth it. */
  #held: Uint8Array[] = []
  #heldBytes = 0
  #thread: HashThread | undefined
  #generation = 0
  #ended = false

  constructor(id: number, choose: () => HashThread) {
    this.#id = id
    this.#choose = choose
  }

  update(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#ended) return Promise.reject(ended())
    if (this.#thread === undefined) {
      if (this.#heldBytes + bytes.length < INLINE_BYTES_MAX) {
        this.#held.push(bytes.slice())
        this.#heldBytes += bytes.length
        return Promise.resolve()
      }
      try {
        this.#thread = this.#choose()
      } catch (error) {
        return Promise.reject(error)
      }
      this.#thread.streams++
      this.#generation = this.#thread.generation
      for (const held of this.#held) this.#send(held).catch(() => {})
      this.#held = []
    }
    // What is not shared is copied on the way; a view would take its whole buffer along.
    const sent = this.#send(isShared(bytes) ? bytes : bytes.slice())
    return raceSignal(sent, signal) as Promise<void>
  }

  digest(options: AbortOptions = {}): Promise<Digest> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#ended) return Promise.reject(ended())
    this.#ended = true
    const thread = this.#thread
    if (thread === undefined) {
      const hash = createHash('sha256')
      for (const held of this.#held) hash.update(held)
      return Promise.resolve(new Uint8Array(hash.digest()))
    }
    const done = this.#task(thread, { op: 'finish', stream: this.#id }, 0)
    thread.streams--
    return raceSignal(done, signal) as Promise<Digest>
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#held = []
    const thread = this.#thread
    if (thread === undefined) return
    thread.streams--
    this.#task(thread, { op: 'drop', stream: this.#id }, 0).catch(() => {})
  }

  #send(bytes: Uint8Array): Promise<Digest | undefined> {
    return this.#task(this.#thread!, { op: 'update', stream: this.#id, bytes }, bytes.length)
  }

  #task(thread: HashThread, job: HashJob, cost: number): Promise<Digest | undefined> {
    if (thread.generation !== this.#generation) {
      return Promise.reject(new DpsError('INTERNAL', 'the hash worker of this stream is gone'))
    }
    return new Promise((resolve, reject) => thread.add({ job, cost, resolve, reject }))
  }
}

function isShared(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer
}

function closed(): DpsError {
  return new DpsError('CANCELLED', 'the hash pool is closed')
}

function ended(): DpsError {
  return new DpsError('FAILED_PRECONDITION', 'the running hash has ended')
}
