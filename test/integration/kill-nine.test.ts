/**
 * `kill -9` at random moments: ten times during a publish, ten times during a get.
 *
 * The moments come from a seed, which every run prints; `DPS_TEST_SEED=<seed>` repeats them.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  between,
  KIB,
  MIB,
  seededRandom,
  sha256,
  sha256OfFile,
  writeRandomFile,
} from '../support/data.js'
import { jsonLines, spawnCli, spawnNode, TestNode } from '../support/processes.js'
import { eventually, tempDir } from '../support/temp.js'
import {
  type Added,
  get,
  healthy,
  metric,
  publish,
  sha256OfContent,
  untilProvided,
  verify,
} from './commands.js'

const seed = Number(process.env.DPS_TEST_SEED ?? Math.floor(Math.random() * 1e9))
console.log(`kill -9: seed ${seed} (DPS_TEST_SEED)`)

const NODE_KILLS = 6
const COMMAND_KILLS = 4
const TRANSFERS = 5
const KILLS_PER_TRANSFER = 2

const FILES = 8

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Files of an attempt: some tiny, some of a few chunks, one of a hundred. */
async function writeFiles(folder: string, random: () => number, attempt: number) {
  const files = new Map<string, string>()
  for (let i = 0; i < FILES; i++) {
    const sizeBytes =
      i === 6
        ? between(random, 16, 40) * MIB + 1
        : between(random, 0, i % 2 === 0 ? 64 : 4096) * KIB
    const name = `file ${i}`
    files.set(name, await writeRandomFile(join(folder, name), sizeBytes, seed + attempt * 1000 + i))
  }
  return files
}

function addedIn(stdout: string): Added[] {
  // The last line may have been cut off by the kill.
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1)
  return jsonLines<Added>(whole).filter(({ event }) => event === 'added')
}

test('kill -9: what was printed as added is whole after it', async () => {
  const random = seededRandom(seed)
  const node = new TestNode({}, tempDir('dps-node-'))
  await node.ok(['init'])
  /** Everything that was ever printed: CID → sha256 of its source. */
  const promised = new Map<string, string>()
  let cut = 0
  for (let attempt = 0; attempt < NODE_KILLS + COMMAND_KILLS; attempt++) {
    const context = `seed ${seed}, attempt ${attempt}`
    // Every node is killed; then, with no node running, the command that works by itself.
    const byNode = attempt < NODE_KILLS
    const source = tempDir('dps-source-')
    const files = await writeFiles(source, random, attempt)
    if (byNode && !node.running) await node.start()
    const command = spawnCli([
      'publish',
      '--json',
      '--data-dir',
      node.dataDir,
      ...[...files.keys()].map((name) => join(source, name)),
    ])
    let stdout = ''
    command.stdout?.on('data', (bytes: Buffer) => {
      stdout += bytes.toString()
    })
    const ended = new Promise((resolve) => command.once('close', resolve))
    // After some of it was promised, or before anything was; never at a point of our choosing.
    const promisedAtLeast = between(random, 0, FILES - 2)
    await eventually(
      `${context}: ${promisedAtLeast} files are published`,
      () => addedIn(stdout).length >= promisedAtLeast || command.exitCode !== null,
      { timeoutMs: 60_000, everyMs: 5 },
    )
    await sleep(random() * (promisedAtLeast === 0 ? 800 : 120))
    if (byNode) await node.kill('SIGKILL')
    else command.kill('SIGKILL')
    await ended
    const added = addedIn(stdout)
    if (added.length < files.size) cut++
    for (const { cid, name } of added) {
      expect(files.has(name), `${context}: ${name} is not one of ours`).toBe(true)
      promised.set(cid, files.get(name)!)
    }

    // By turns on the directory itself and through a node that starts again.
    const [one] = added
    if (one !== undefined) {
      const { bytes } = await node.ok(['cat', one.cid])
      expect(sha256(bytes), `${context}: ${one.name}`).toBe(files.get(one.name))
    }
    if (attempt % 2 === 0) expect(await verify(node), context).toMatchObject({ damaged: 0 })
    await node.start()
    for (const { cid, name } of added) {
      expect(await sha256OfContent(node, cid), `${context}: ${name}`).toBe(files.get(name))
    }
    if (attempt % 2 !== 0) expect(await verify(node), context).toMatchObject({ damaged: 0 })
    const nextByNode = attempt + 1 < NODE_KILLS
    if (!nextByNode) await node.stop()
    rmSync(source, { recursive: true })
  }
  // The point of it: kills hit publishes that were under way.
  expect(cut).toBeGreaterThanOrEqual((NODE_KILLS + COMMAND_KILLS) / 3)
  expect(promised.size).toBeGreaterThan(0)

  // Later kills and restarts took nothing from what earlier ones left, and neither does gc.
  await node.start()
  await node.ok(['gc'])
  for (const [cid, expected] of promised) {
    expect(await sha256OfContent(node, cid), `seed ${seed}: ${cid}`).toBe(expected)
  }
  expect((await verify(node)).damaged).toBe(0)
  await healthy(node)
})

/** Bytes of chunks and manifests that a node has served to peers. */
async function servedBytes(node: TestNode): Promise<number> {
  return (await metric(node, 'dps_exchange_bytes_total')).get('direction="out"') ?? 0
}

const TRANSFER_BYTES = 160 * MIB
// So that a kill hits where it is meant to.
const SERVED_BYTES_PER_SECOND = 64 * MIB
// Under way to the fetching node when it dies, or there and not yet stored.
const IN_FLIGHT_BYTES_MAX = 48 * MIB
// Of manifests.
const EXTRA_BYTES_MAX = MIB

test('kill -9: an interrupted get goes on where it was', async () => {
  const random = seededRandom(seed + 1)
  const source = tempDir('dps-source-')
  const out = tempDir('dps-out-')
  const server = await spawnNode({
    env: { DPS_EXCHANGE_UPLOAD_LIMIT: String(SERVED_BYTES_PER_SECOND) },
  })
  const node = await spawnNode({ bootstrap: server.addrs })
  let resumedBytes = 0
  for (let transfer = 0; transfer < TRANSFERS; transfer++) {
    const context = `seed ${seed}, transfer ${transfer}`
    const path = join(source, `file ${transfer}`)
    const expected = await writeRandomFile(path, TRANSFER_BYTES, seed + 77_000 + transfer)
    const { cid } = await publish(server, [path])
    const target = join(out, `file ${transfer}`)
    const servedAtFirst = await servedBytes(server)
    for (let kill = 0; kill < KILLS_PER_TRANSFER; kill++) {
      await untilProvided(node, cid, server)
      const before = await servedBytes(server)
      const killAfterBytes = between(random, 1, 64) * MIB
      const command = spawnCli(['get', cid, '-o', target, '--json', '--data-dir', node.dataDir])
      const ended = new Promise((resolve) => command.once('close', resolve))
      await eventually(
        `${context}: ${killAfterBytes} bytes on their way`,
        async () => (await servedBytes(server)) - before >= killAfterBytes,
        { timeoutMs: 60_000, everyMs: 5 },
      )
      await node.kill('SIGKILL')
      await ended
      await node.start()
    }
    await untilProvided(node, cid, server)
    const servedBefore = await servedBytes(server)
    const got = await get(node, cid, target)
    const servedAfter = await servedBytes(server)
    expect(await sha256OfFile(target), context).toBe(expected)
    expect(got).toMatchObject({ cid, sizeBytes: TRANSFER_BYTES })
    resumedBytes += got.resumedBytes
    // What it says it had was not sent again: the server is the witness.
    const again = servedAfter - servedBefore
    expect(again, context).toBeLessThanOrEqual(TRANSFER_BYTES - got.resumedBytes + EXTRA_BYTES_MAX)
    expect(again, context).toBeGreaterThanOrEqual(TRANSFER_BYTES - got.resumedBytes)
    // And what was sent before the kills was kept, but for what was on its way.
    const sentTwice = servedAfter - servedAtFirst - TRANSFER_BYTES
    expect(sentTwice, context).toBeLessThanOrEqual(
      KILLS_PER_TRANSFER * IN_FLIGHT_BYTES_MAX + EXTRA_BYTES_MAX,
    )
    console.log(`${context}: ${got.resumedBytes / MIB} MiB resumed, ${sentTwice / MIB} sent twice`)
    expect(await verify(node), context).toMatchObject({ damaged: 0 })
    rmSync(path)
    rmSync(target)
  }
  expect(resumedBytes).toBeGreaterThan(0)
  await healthy(node)
})
