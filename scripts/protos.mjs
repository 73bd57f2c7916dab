/**
 * Generates `src/wire/` from `protos/`, the wire's source of truth.
 *
 *   node scripts/protos.mjs           writes src/wire/
 *   node scripts/protos.mjs --check   exits 1 and names the files that are not what protos/ says
 *
 * `protos/dps/api/**` becomes ConnectRPC messages and services (buf, protoc-gen-es) in
 * `src/wire/api/`; every other `protos/dps/<package>/v1/<name>.proto` becomes a protons codec in
 * `src/wire/<package>/<name>.ts`.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROTOS = join(ROOT, 'protos')
const WIRE = join(ROOT, 'src', 'wire')
const BIN = join(ROOT, 'node_modules', '.bin')
const check = process.argv.includes('--check')

function run(command, args, cwd) {
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}` }
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (result.status === 0) return
  process.stderr.write(`${command} ${args.join(' ')}\n${result.stdout ?? ''}${result.stderr ?? ''}`)
  process.exit(1)
}

/** Paths below `dir`, relative to it, sorted; none when it does not exist. */
function list(dir) {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dir.length + 1))
    .sort()
}

function generate(out) {
  // buf.gen.yaml names `../src/wire/api`, seen from protos/ or from the folder given here.
  run('buf', ['generate', '--output', join(out, 'protos')], PROTOS)
  const wire = join(out, 'src', 'wire')
  for (const path of list(PROTOS)) {
    const match = /^dps\/([a-z]+)\/v\d+\/[a-z_]+\.proto$/.exec(path)
    if (match === null || match[1] === 'api') continue
    const directory = join(wire, match[1])
    mkdirSync(directory, { recursive: true })
    run('protons', ['--path', PROTOS, '--output', directory, join(PROTOS, path)], ROOT)
  }
  return wire
}

const fresh = mkdtempSync(join(tmpdir(), 'dps-wire-'))
try {
  const wire = generate(fresh)
  if (check) {
    const names = new Set([...list(wire), ...list(WIRE)])
    const stale = [...names].filter((name) => {
      const [left, right] = [join(wire, name), join(WIRE, name)]
      return (
        !existsSync(left) || !existsSync(right) || !readFileSync(left).equals(readFileSync(right))
      )
    })
    for (const name of stale) process.stderr.write(`src/wire/${name} is not what protos/ says\n`)
    if (stale.length > 0) {
      process.stderr.write('run: npm run protos\n')
      process.exitCode = 1
    }
  } else {
    rmSync(WIRE, { recursive: true, force: true })
    cpSync(wire, WIRE, { recursive: true })
  }
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
