/**
 * What a hash worker runs. Plain JavaScript in a string, because a file would have to be found
 * from TypeScript under a test runner and from a bundle alike.
 *
 * A message is an array of jobs, done in order and answered by one array of results: a digest
 * (ArrayBuffer) where the job makes one, else undefined.
 */
export type HashJob =
  | { op: 'digest'; bytes: Uint8Array }
  | { op: 'update'; stream: number; bytes: Uint8Array }
  | { op: 'finish'; stream: number }
  | { op: 'drop'; stream: number }

export const HASH_WORKER_SOURCE = `
'use strict'
const { parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const streams = new Map()
const digestOf = (hash) => new Uint8Array(hash.digest())
parentPort.on('message', (jobs) => {
  parentPort.postMessage(jobs.map(({ op, bytes, stream }) => {
    if (op === 'digest') return digestOf(createHash('sha256').update(bytes))
    if (op === 'update') {
      const hash = streams.get(stream) ?? createHash('sha256')
      streams.set(stream, hash)
      hash.update(bytes)
      return undefined
    }
    const hash = streams.get(stream)
    streams.delete(stream)
    return op === 'finish' ? digestOf(hash) : undefined
  }))
})
`
