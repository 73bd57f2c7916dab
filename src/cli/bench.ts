/**
 * `bench`: what this machine can do, so that a slow node can be told from a slow disk. Short:
 * each measure ends after its bytes or its time, whichever is first.
 */
import { createHash, randomFillSync } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DpsError } from '../base/index.js'
import { columns, humanBytes } from './format.js'
import { findRunningNode, hasRepository } from './node-process.js'
import type { Handler, Session } from './session.js'

const MIB = 1024 * 1024
const SIZE_DEFAULT = 256 * MIB
const SIZE_MAX = 16 * 1024 * MIB
const MEASURE_MS_MAX = 5_000
const COMMITS_MAX = 200
const CALLS = 200

interface Measure {
  measure: string
  value: number
  unit: string
  /** What was done, in words. */
  note: string
}

export const bench: Handler = async (session, _args, options) => {
  const sizeBytes = (options.size as number | undefined) ?? SIZE_DEFAULT
  if (sizeBytes < MIB || sizeBytes > SIZE_MAX) {
    throw new DpsError('INVALID_ARGUMENT', `bad value for --size: ${sizeBytes} bytes`, {
      hint: 'accepted: a size from 1MiB to 16GiB',
    })
  }
  const { dataDir } = session.settings
  const where = (await hasRepository(dataDir)) ? dataDir : tmpdir()
  const directory = await mkdtemp(join(where, 'bench-'))
  const rows: string[][] = []
  const tell = (measure: Measure) => {
    if (session.json) session.value({ event: 'measure', ...measure })
    rows.push([measure.measure, valueText(measure), measure.note])
  }
  try {
    const steps = [
      () => hashing(sizeBytes, session.signal),
      () => diskWrite(directory, sizeBytes, session.signal),
      () => diskRead(directory, session.signal),
      () => commits(directory, session.signal),
      () => loopback(sizeBytes, session.signal),
    ]
    for (const [index, step] of steps.entries()) {
      session.progress.start('measuring')
      session.progress.updateCount(index + 1, steps.length, 'measures')
      tell(await step())
      session.signal.throwIfAborted()
    }
    const call = await nodeCall(session)
    if (call !== undefined) tell(call)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  if (!session.json) for (const line of columns(rows, [1])) session.line(line)
}

function valueText({ value, unit }: Measure): string {
  return unit === 'B/s' ? `${humanBytes(value)}/s` : `${value.toFixed(2)} ${unit}`
}

/** Runs `step` (which answers the bytes it did) until the bytes or the time are used up. */
async function rate(
  sizeBytes: number,
  signal: AbortSignal,
  step: () => Promise<number> | number,
): Promise<number> {
  const start = performance.now()
  let done = 0
  while (done < sizeBytes && performance.now() - start < MEASURE_MS_MAX) {
    signal.throwIfAborted()
    const bytes = await step()
    if (bytes === 0) break
    done += bytes
  }
  return (done / Math.max(performance.now() - start, 0.001)) * 1000
}

async function hashing(sizeBytes: number, signal: AbortSignal): Promise<Measure> {
  const chunk = randomFillSync(Buffer.allocUnsafe(MIB))
  const value = await rate(sizeBytes, signal, () => {
    for (let at = 0; at < chunk.length; at += 256 * 1024) {
      createHash('sha256')
        .update(chunk.subarray(at, at + 256 * 1024))
        .digest()
    }
    return chunk.length
  })
  return { measure: 'hash', value, unit: 'B/s', note: 'sha-256 of 256 KiB chunks, one core' }
}

const FILE = 'data'

async function diskWrite(
  directory: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<Measure> {
  const chunk = randomFillSync(Buffer.allocUnsafe(MIB))
  const handle = await open(join(directory, FILE), 'wx')
  try {
    let unsynced = 0
    const value = await rate(sizeBytes, signal, async () => {
      await handle.write(chunk)
      unsynced += chunk.length
      if (unsynced >= 64 * MIB) {
        await handle.datasync()
        unsynced = 0
      }
      return chunk.length
    })
    await handle.datasync()
    return { measure: 'disk write', value, unit: 'B/s', note: 'append, fdatasync per 64 MiB' }
  } finally {
    await handle.close()
  }
}

async function diskRead(directory: string, signal: AbortSignal): Promise<Measure> {
  const handle = await open(join(directory, FILE), 'r')
  try {
    const buffer = Buffer.allocUnsafe(MIB)
    const value = await rate(Number.MAX_SAFE_INTEGER, signal, async () => {
      return (await handle.read(buffer)).bytesRead
    })
    return {
      measure: 'disk read',
      value,
      unit: 'B/s',
      note: 'the same file, cached as the system likes',
    }
  } finally {
    await handle.close()
  }
}

async function commits(directory: string, signal: AbortSignal): Promise<Measure> {
  const handle = await open(join(directory, 'log'), 'wx')
  try {
    const record = randomFillSync(Buffer.allocUnsafe(256))
    const times: number[] = []
    await rate(COMMITS_MAX, signal, async () => {
      const start = performance.now()
      await handle.write(record)
      await handle.datasync()
      times.push(performance.now() - start)
      return 1
    })
    return {
      measure: 'commit',
      value: median(times),
      unit: 'ms',
      note: 'append 256 B and fdatasync, median',
    }
  } finally {
    await handle.close()
  }
}

async function loopback(sizeBytes: number, signal: AbortSignal): Promise<Measure> {
  const sockets: Socket[] = []
  let received = 0
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      received += data.length
    })
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const chunk = Buffer.alloc(MIB)
    const value = await rate(sizeBytes, signal, async () => {
      const before = received
      if (!socket.write(chunk)) await new Promise<void>((resolve) => socket.once('drain', resolve))
      // What lies in buffers has not been carried yet; the first megabytes count as they come.
      return Math.max(received - before, 1)
    })
    return { measure: 'network', value, unit: 'B/s', note: 'TCP over loopback, one stream' }
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

/** A round trip through the running node's API; absent when none runs. */
async function nodeCall(session: Session): Promise<Measure | undefined> {
  if ((await findRunningNode(session.settings.dataDir)) === undefined) return undefined
  const { client } = await session.running()
  const times: number[] = []
  for (let call = 0; call < CALLS; call++) {
    const start = performance.now()
    await client.node.id({}, { signal: session.signal })
    times.push(performance.now() - start)
  }
  return { measure: 'node', value: median(times), unit: 'ms', note: 'a call of its API, median' }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
