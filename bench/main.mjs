/**
 * `npm run bench [-- NAME...]`: every speed this project promises, each with its baseline measured
 * in the same run. One JSON line for each measure on stdout, notes on stderr.
 *
 * A measure is a file here with an exported `run()`; it is bundled on the fly and run in a process
 * of its own, so that none leaves memory or timers to the next.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const out = join(here, '..', 'dist', 'bench')
const helpers = new Set(['harness.ts'])
const all = readdirSync(here)
  .filter((file) => file.endsWith('.ts') && !helpers.has(file))
  .filter((file) => readFileSync(join(here, file), 'utf8').includes('export async function run'))
  .map((file) => file.slice(0, -3))
  .sort()

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
const unknown = wanted.filter((name) => !all.includes(name))
if (unknown.length > 0 || process.argv.includes('--help')) {
  console.error(`npm run bench [-- NAME...]   where NAME is one of: ${all.join(', ')}`)
  process.exit(unknown.length > 0 ? 2 : 0)
}

mkdirSync(out, { recursive: true })
let failed = 0
for (const name of wanted.length > 0 ? wanted : all) {
  const outfile = join(out, `${name}.mjs`)
  await build({
    entryPoints: [join(here, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
  console.error(`# ${name}`)
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--input-type=module',
      '-e',
      `(await import(${JSON.stringify(outfile)})).run()`,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], env: { UV_THREADPOOL_SIZE: '16', ...process.env } },
  )
  const [code] = await once(child, 'exit')
  if (code !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
