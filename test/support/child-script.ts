/** A TypeScript file as a script that another process can run, killed at any moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')
/** Native, or looking for files beside themselves: they come from the project. */
const FROM_PROJECT = /^(level|@node-rs\/crc32|pino|pino-pretty|prom-client)$/

/** Bundles `entry` into `outfile`. */
export async function bundleScript(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(join(ROOT, 'package.json'))});`,
    },
    plugins: [
      {
        name: 'from-project',
        setup(builder) {
          builder.onResolve({ filter: FROM_PROJECT }, ({ path }) => ({
            path: join(ROOT, 'node_modules', path),
            namespace: 'from-project',
          }))
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
}

/**
 * Runs the script until `enough` of its output, then kills it with SIGKILL.
 *
 * @returns the whole lines that it printed
 */
export function runAndKill(
  script: string,
  args: readonly string[],
  enough: (lines: number) => boolean,
): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  let lines = 0
  let errors = ''
  child.stderr!.on('data', (data) => {
    errors += data
  })
  child.stdout!.on('data', (data: Buffer) => {
    const piece = data.toString()
    text += piece
    lines += piece.split('\n').length - 1
    if (enough(lines)) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${errors}`))
      // The last line may be torn.
      else resolve(text.split('\n').slice(0, -1))
    })
  })
}
