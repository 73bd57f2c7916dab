/**
 * One file of the simulator and the code under test, from their sources. A test may change the code on its way:
 * that is how deliberate bugs get in, and nothing of them is in what is shipped.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** A change of one source file. */
export interface Patch {
  /** Below `src/`. */
  file: string
  /** Stands there exactly once. */
  find: string
  replace: string
}

/** As seen from here, and from `dist/sim/` too. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SRC = join(ROOT, 'src')

/** Asserts replaced by nothing: to see what finds a bug when they don't. */
export const WITHOUT_ASSERTS: Patch = {
  file: 'base/errors.ts',
  find: 'if (!condition) throw new AssertionError(message)',
  replace: 'void condition, message',
}

/** What real nodes stand on, and a simulated one does not: not worth the time of bundling it. */
const REAL_THINGS = /\/src\/(store|network)\/index\.ts$|\/src\/raft\/(level-|libp2p-)[a-z-]+\.ts$/

const stubs: Plugin = {
  name: 'stubs',
  setup(build) {
    build.onLoad({ filter: REAL_THINGS }, () => ({ contents: '', loader: 'js' }))
  },
}

/** The simulator's own command joins the table. */
const COMMANDS_FILE = 'metadata/commands.ts'
const REGISTER = `
import { SIM_REGISTER } from '../../test/sim/register.js'
byType.set(SIM_REGISTER.type, SIM_REGISTER as never)
byTag.set(SIM_REGISTER.tag, SIM_REGISTER as never)
`

function patching(patches: readonly Patch[]): Plugin {
  return {
    name: 'patches',
    setup(build) {
      const files = new Map<string, Patch[]>()
      for (const patch of patches) files.set(patch.file, [...(files.get(patch.file) ?? []), patch])
      const applied = new Set<Patch>()
      build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
        const file = relative(SRC, path)
        const own = files.get(file) ?? []
        if (own.length === 0 && file !== COMMANDS_FILE) return undefined
        let text = readFileSync(path, 'utf8')
        if (file === COMMANDS_FILE) text += REGISTER
        for (const patch of own) {
          const parts = text.split(patch.find)
          if (parts.length !== 2) {
            throw new Error(`${patch.file} has ${parts.length - 1} times: ${patch.find}`)
          }
          text = parts.join(patch.replace)
          applied.add(patch)
        }
        return { contents: text, loader: 'ts' }
      })
      build.onEnd(() => {
        const missed = patches.find((patch) => !applied.has(patch))
        if (missed !== undefined) throw new Error(`${missed.file} is no part of the simulation`)
      })
    },
  }
}

/** @returns the path of the bundle */
export async function bundleWorker(
  patches: readonly Patch[] = [],
  name = 'worker',
): Promise<string> {
  const outfile = join(ROOT, 'dist', 'sim', `${name}.mjs`)
  await build({
    entryPoints: [join(ROOT, 'test', 'sim', 'worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'silent',
    plugins: [stubs, patching(patches)],
  })
  return outfile
}
