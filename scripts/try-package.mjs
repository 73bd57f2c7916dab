/**
 * Tries the package the way a stranger does: packed, installed in an empty folder by npm, then a
 * node started from there, a file published, read back and compared, the node stopped.
 *
 *   node scripts/try-package.mjs                packs the tree first
 *   node scripts/try-package.mjs FILE.tgz       tries that tarball
 *   … --node BINARY                             runs the installed package on another Node
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)
const nodeFlag = args.indexOf('--node')
const NODE = nodeFlag === -1 ? process.execPath : args.splice(nodeFlag, 2)[1]

const folder = mkdtempSync(join(tmpdir(), 'dps-package-'))
const dataDir = join(folder, 'data')
let daemon
process.on('exit', () => daemon?.kill('SIGKILL'))

function fail(what) {
  throw new Error(what)
}

/** Output of a command that must succeed. */
function run(command, commandArgs, { cwd = folder, input } = {}) {
  const result = spawnSync(command, commandArgs, {
    cwd,
    input,
    maxBuffer: 1 << 26,
    timeout: 300_000,
  })
  if (result.status !== 0) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}`
    fail(`${command} ${commandArgs.join(' ')}: exit ${result.status ?? result.signal}\n${output}`)
  }
  return result.stdout
}

function ready(child) {
  return new Promise((resolvePromise, reject) => {
    let out = ''
    let log = ''
    const timer = setTimeout(() => reject(new Error(`not ready in 30 s\n${out}${log}`)), 30_000)
    child.stdout.on('data', (bytes) => {
      out += bytes
      if (!out.endsWith('\n')) return
      clearTimeout(timer)
      resolvePromise(JSON.parse(out))
    })
    child.stderr.on('data', (bytes) => {
      log += bytes
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code}\n${out}${log}`)))
  })
}

function say(line) {
  process.stdout.write(`${line}\n`)
}

try {
  let tarball = args[0]
  if (tarball === undefined) {
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { cwd: ROOT }),
    )
    tarball = join(folder, packed.filename)
    say(`packed ${packed.filename}: ${packed.size} bytes, ${packed.entryCount} files`)
  }
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
  run('npm', ['install', '--no-audit', '--no-fund', resolve(tarball)])
  const installed = readdirSync(join(folder, 'node_modules')).length
  say(`installed: ${installed} entries in node_modules`)
  run('npm', ['ls', '--all'])
  for (const name of ['typescript', 'esbuild', 'vitest', '@biomejs/biome', 'protons']) {
    if (existsSync(join(folder, 'node_modules', name))) fail(`a development package came: ${name}`)
  }
  const help = run('npx', ['--no-install', 'dps-node', '--help']).toString()
  if (!/usage/i.test(help)) fail(`no usage in --help:\n${help}`)

  const bin = join(folder, 'node_modules', 'dps-node', 'bin', 'dps-node.cjs')
  const cli = (...commandArgs) => run(NODE, [bin, ...commandArgs, '--data-dir', dataDir])
  const version = run(NODE, ['--version']).toString().trim()
  daemon = spawn(
    NODE,
    [
      ...[bin, 'start', '--json', '--data-dir', dataDir, '--no-mdns'],
      ...['--listen', '/ip4/127.0.0.1/tcp/0', '--api', '127.0.0.1:0'],
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const { peerId } = await ready(daemon)
  say(`started ${peerId} on Node ${version}`)

  const bytes = randomBytes(3_000_000)
  writeFileSync(join(folder, 'file'), bytes)
  const cid = cli('publish', '-Q', join(folder, 'file')).toString().trim()
  if (!cli('cat', cid).equals(bytes)) fail(`cat ${cid} gave other bytes`)
  say(`published and read back ${cid}`)

  const ended = new Promise((resolvePromise) => daemon.once('exit', resolvePromise))
  cli('stop')
  const code = await ended
  if (code !== 0) fail(`the node ended with ${code}`)
  if (!cli('cat', cid).equals(bytes)) fail('the bytes were gone after the stop')
  const names = run(NODE, [
    '--input-type=module',
    '-e',
    "import * as api from 'dps-node'; console.log(Object.keys(api).join())",
  ]).toString()
  if (!names.includes('createNode')) fail(`the library exports: ${names}`)
  say('stopped; the bytes are still there; the library imports')
} catch (error) {
  process.stderr.write(`the package does not work: ${error.message}\n`)
  process.exitCode = 1
} finally {
  daemon?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
