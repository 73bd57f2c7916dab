/**
 * Builds `dist/`: the executable's code and the library, bundled, with type declarations and the
 * licences of everything that was bundled.
 *
 *   node scripts/build.mjs            the whole of it, into an empty dist/
 *   node scripts/build.mjs --if-stale only the code, and only if a source changed since the last build
 *   node scripts/build.mjs --out DIR  the code alone, elsewhere (the test of determinism)
 *
 * Bundled because start-up pays for every module that is looked up on disk: the libp2p stack takes
 * 139 ms bundled and 501 ms as separate files. See docs/decisions/0002-bundled-dependencies.md.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)
const ifStale = args.includes('--if-stale')
const outFlag = args.indexOf('--out')
const OUT = outFlag === -1 ? join(ROOT, 'dist') : resolve(args[outFlag + 1])
const STAMP = join(OUT, '.stamp')

/** Packages with compiled code: they find their binary beside their own files. */
const EXTERNAL = ['level', 'classic-level', '@node-rs/crc32']

const ENTRY_POINTS = { main: 'src/cli/main.ts', index: 'src/index.ts' }

// Bundled CommonJS packages call `require` for Node's own modules.
const BANNER = [
  "import { createRequire as __dpsCreateRequire } from 'node:module'",
  'const require = __dpsCreateRequire(import.meta.url)',
].join('\n')

/** A hash over everything the bundle is made from; the lock file stands for node_modules. */
function sourceHash() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0])
  const add = (path) => hash.update(`${relative(ROOT, path)}\0`).update(readFileSync(path))
  const walk = (dir) => {
    const entries = readdirSync(dir, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) walk(join(dir, entry.name))
      else if (entry.name.endsWith('.ts')) add(join(dir, entry.name))
    }
  }
  walk(join(ROOT, 'src'))
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs']) {
    add(join(ROOT, name))
  }
  return hash.digest('hex')
}

/** Written whole or not at all, so that a node that starts meanwhile never reads half a file. */
function writeAtomically(path, contents) {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, contents)
  renameSync(temporary, path)
}

async function bundle() {
  const { build } = await import('esbuild')
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(
      Object.entries(ENTRY_POINTS).filter(([, path]) => existsSync(join(ROOT, path))),
    ),
    outdir: OUT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: EXTERNAL,
    banner: { js: BANNER },
    chunkNames: 'chunks/[name]-[hash]',
    // Names stay and lines are short, so that a stack trace in a bug report can be read.
    minifyWhitespace: true,
    lineLimit: 160,
    minifySyntax: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  // Chunks before entries: an entry that is there finds its chunks.
  const files = result.outputFiles.sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)))
  for (const file of files) writeAtomically(file.path, file.contents)
  return result.metafile
}

function isEntry(file) {
  return Object.keys(ENTRY_POINTS).some((name) => file.path === join(OUT, `${name}.js`))
}

/** Licences that may be shipped inside a package under MIT or Apache-2.0. */
const LICENCES =
  /^(\(?(MIT|Apache-2\.0|ISC|BSD-2-Clause|BSD-3-Clause|0BSD|CC0-1\.0|Unlicense|BlueOak-1\.0\.0|Unicode-DFS-2016)( (OR|AND) )?)+\)?$/

function collectLicences(metafile) {
  const directories = new Set()
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (match !== null) directories.add(match[1])
  }
  const sections = new Map()
  for (const directory of directories) {
    const manifest = JSON.parse(readFileSync(join(ROOT, directory, 'package.json'), 'utf8'))
    const title = `${manifest.name} ${manifest.version}`
    const licence = manifest.license ?? manifest.licenses?.map((entry) => entry.type).join(' OR ')
    if (typeof licence !== 'string' || !LICENCES.test(licence)) {
      throw new Error(`${title}: licence ${JSON.stringify(licence)} is not known to be shippable`)
    }
    const texts = readdirSync(join(ROOT, directory))
      .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
      .sort()
      .map((name) => readFileSync(join(ROOT, directory, name), 'utf8').trim())
    const author = manifest.author?.name ?? manifest.author ?? 'its contributors'
    if (texts.length === 0)
      texts.push(
        `Copyright ${author}. The package has no licence file; for Apache-2.0 see LICENSE-APACHE.`,
      )
    sections.set(title, `${title} (${licence})\n\n${texts.join('\n\n')}\n`)
  }
  const rule = `\n${'-'.repeat(80)}\n\n`
  const intro = 'dps-node contains code of the following packages, under their licences.\n'
  const body = [...sections.keys()].sort().map((title) => sections.get(title))
  writeAtomically(join(OUT, 'THIRD-PARTY-LICENSES'), [intro, ...body].join(rule))
  return sections.size
}

function declarations() {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const run = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (run.status !== 0) process.exit(run.status ?? 1)
}

const hash = sourceHash()
if (ifStale && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) process.exit(0)
const startedAt = performance.now()
// A stale build is replaced file by file: nodes that run from the old one still load their chunks.
if (!ifStale) rmSync(OUT, { recursive: true, force: true })
const metafile = await bundle().catch((error) => {
  // esbuild has told where already.
  process.stderr.write(`${error.message.split('\n')[0]}\n`)
  process.exit(1)
})
const bundled = collectLicences(metafile)
if (!ifStale && outFlag === -1) declarations()
writeAtomically(STAMP, hash)
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
process.stderr.write(
  `built ${relative(ROOT, OUT) || OUT} in ${seconds} s (${bundled} packages bundled)\n`,
)
