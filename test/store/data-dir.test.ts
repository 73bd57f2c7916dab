import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DataDir, openMeta } from '../../src/store/index.js'
import { tempDir } from '../support/temp.js'

test('data dir: without one, opening says how to make one and exits 10', async () => {
  const path = join(tempDir(), 'none')
  await expect(DataDir.open(path, { create: false })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    exitCode: 10,
    hint: 'create one with: dps-node init',
  })
  expect(await DataDir.exists(path)).toBe(false)
  await expect(stat(path)).rejects.toThrow()
})

test('data dir: is made private, with its version, and opens again', async () => {
  const path = join(tempDir(), 'new')
  const dir = await DataDir.open(path, { create: true })
  expect((await stat(path)).mode & 0o777).toBe(0o700)
  expect(JSON.parse(await readFile(dir.paths.version, 'utf8'))).toEqual({ format: 1 })
  await dir.close()
  await (await DataDir.open(path, { create: false })).close()
  expect(await readdir(path)).toEqual(['version.json'])
})

test('data dir: is one process only, also within the process', async () => {
  const path = tempDir()
  const dir = await DataDir.open(path, { create: true })
  await expect(DataDir.open(path, { create: false })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    exitCode: 11,
  })
  await dir.close()
  await (await DataDir.open(path, { create: false })).close()
})

test('data dir: another living process keeps it, a dead one does not', async () => {
  const path = tempDir()
  await (await DataDir.open(path, { create: true })).close()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    await writeFile(join(path, 'lock'), JSON.stringify({ pid: child.pid }))
    await expect(DataDir.open(path, { create: false })).rejects.toMatchObject({
      exitCode: 11,
      message: expect.stringContaining(String(child.pid)),
    })
  } finally {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  await (await DataDir.open(path, { create: false })).close()
})

test('data dir: a lock of a process id that belongs to another process by now is stale', async () => {
  const path = tempDir()
  await (await DataDir.open(path, { create: true })).close()
  // The test's parent lives, but did not start then.
  await writeFile(join(path, 'lock'), JSON.stringify({ pid: process.ppid, started: 'boot:1' }))
  await (await DataDir.open(path, { create: false })).close()
})

test('data dir: of ten that race for a stale lock one wins', async () => {
  const path = tempDir()
  await (await DataDir.open(path, { create: true })).close()
  await writeFile(join(path, 'lock'), '{"pid":999999999}')
  const opens = await Promise.allSettled(
    Array.from({ length: 10 }, () => DataDir.open(path, { create: false })),
  )
  const won = opens.filter(({ status }) => status === 'fulfilled')
  expect(won).toHaveLength(1)
})

test('data dir: of a newer version is refused and left alone', async () => {
  const path = tempDir()
  await writeFile(join(path, 'version.json'), '{"format":2}')
  await expect(DataDir.open(path, { create: true })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('newer'),
  })
  expect(await readdir(path)).toEqual(['version.json'])
})

test('data dir: a damaged or lost version is named, nothing is made over old data', async () => {
  const path = tempDir()
  await writeFile(join(path, 'version.json'), 'oops')
  await expect(DataDir.open(path, { create: true })).rejects.toMatchObject({ code: 'DATA_LOSS' })
  const other = tempDir()
  await mkdir(join(other, 'disk'))
  await expect(DataDir.open(other, { create: true })).rejects.toMatchObject({ code: 'DATA_LOSS' })
})

test('meta: a second opener is told that it is in use, damage is DATA_LOSS with a way out', async () => {
  const path = join(tempDir(), 'meta')
  const meta = await openMeta(path)
  await expect(openMeta(path)).rejects.toMatchObject({ exitCode: 11 })
  await meta.close()
  await writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n')
  await expect(openMeta(path)).rejects.toMatchObject({
    code: 'DATA_LOSS',
    hint: expect.stringContaining('aside'),
  })
})
