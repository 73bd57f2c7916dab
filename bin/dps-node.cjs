#!/usr/bin/env node
// CommonJS, and nothing is imported before these lines have run: the size of libuv's thread pool
// is read when the first asynchronous work starts, and LevelDB needs more than its four threads
// (a stalled write holds one; see docs/decisions).
'use strict'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `error: dps-node needs Node.js 20.19 or newer, this is ${process.versions.node} ` +
      '(FAILED_PRECONDITION)\nhint: install a newer one: https://nodejs.org\n',
  )
  process.exit(1)
}

process.env.UV_THREADPOOL_SIZE ??= '16'

// V8 lets a heap grow by some 10 MB between full collections when it is as small as ours (20 MB),
// and counts the bytes of Buffers in: a node serving 1 GiB collected 97 times, which cost half of
// its processor time. A factor of 4 leaves four collections; see docs/performance.md.
require('node:v8').setFlagsFromString('--heap-growing-percent=300')

// Node 22.8 and newer keep compiled code between runs; older ones lack the function.
try {
  require('node:module').enableCompileCache?.()
} catch {
  // A cache that can't be written costs time, nothing else.
}

import('../dist/main.js').catch((error) => {
  const missing = error?.code === 'ERR_MODULE_NOT_FOUND'
  process.stderr.write(
    missing
      ? `error: ${error.message.split('\n')[0]} (INTERNAL)\nhint: in a clone, build first: npm run build\n`
      : `error: ${error?.stack ?? error} (INTERNAL)\n`,
  )
  process.exit(1)
})
