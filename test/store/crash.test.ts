import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { all } from '../support/chunk-store-suite.js'
import { tempDir } from '../support/temp.js'
import { openStore } from './level-support.js'

const ROOT = join(import.meta.dirname, '../..')
const KILLS = 6

function bytesOf(name: string): Buffer {
  const sizeBytes = Number(name.split('/').at(-1))
  return Buffer.alloc(sizeBytes, createHash('sha256').update(name).digest())
}

/** Runs the child until it has acknowledged so many, then kills it; what it acknowledged. */
function runAndKill(script: string, path: string, seed: number, acks: number): Promise<string[]> {
  const child = spawn(process.execPath, [script, path, String(seed)], {
    env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += data
  })
  child.stdout.on('data', (data) => {
    text += data
    if (text.split('\n').length > acks) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${errors}`))
      // The last line may be torn.
      else resolve(text.split('\n').slice(1, -1))
    })
  })
}

test('crash: kill -9 at random moments loses nothing that a barrier covered', async () => {
  const folder = tempDir()
  const script = join(folder, 'child.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'crash-child.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(join(ROOT, 'package.json'))});`,
    },
    plugins: [
      {
        // Native parts and what asks for files beside itself come from the project.
        name: 'from-project',
        setup(builder) {
          builder.onResolve(
            { filter: /^(level|@node-rs\/crc32|pino|pino-pretty|prom-client)$/ },
            (a) => ({
              path: join(ROOT, 'node_modules', a.path),
              namespace: 'from-project',
            }),
          )
          builder.onLoad({ filter: /.*/, namespace: 'from-project' }, ({ path }) => ({
            contents: `module.exports = require(${JSON.stringify(path)})`,
            loader: 'js',
          }))
          builder.onResolve({ filter: /.*/, namespace: 'from-project' }, ({ path }) => ({
            path,
            external: true,
          }))
        },
      },
    ],
  })
  const path = join(folder, 'disk')
  const acknowledged: string[] = []
  for (let seed = 0; seed < KILLS; seed++) {
    acknowledged.push(...(await runAndKill(script, path, seed, 5 + seed * 150)))
  }
  expect(acknowledged.length).toBeGreaterThan(KILLS * 100)
  const store = await openStore(path)
  for (const name of acknowledged) {
    const wanted = bytesOf(name)
    const digest = new Uint8Array(createHash('sha256').update(wanted).digest())
    const got = await store.get(digest)
    expect(got, name).toBeDefined()
    expect(Buffer.compare(got!.bytes, wanted)).toBe(0)
  }
  // The numbers are exact, also after crashes.
  const listed = await all(store.list())
  expect(await store.stats()).toMatchObject({
    chunks: listed.length,
    bytes: listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  })
  await store.stop()
})
