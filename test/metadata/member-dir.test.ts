import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { foundingOf, MemberDir } from '../../src/metadata/member-dir.js'
import { tempDir } from '../support/temp.js'

const FOUNDER = { peerId: '12D3KooWfounder', mode: 'hybrid' }

function place(): { root: string; raft: string } {
  const root = tempDir()
  return { root, raft: join(root, 'raft') }
}

const open = (raft: string) => MemberDir.open(raft, FOUNDER)
const NEXT = { ...foundingOf(FOUNDER), clusterId: 'next', nodeId: '12D3KooWfounder:7' }

test('member: a fresh node founds a cluster of one, and is in it ever after', async () => {
  const { raft } = place()
  const { current } = await open(raft)
  expect(current.nodeId).toBe('12D3KooWfounder:1')
  expect(current.boot).toEqual({ voters: [current.nodeId], learners: [] })
  expect(current.clusterId).toMatch(/^[1-9A-HJ-NP-Za-km-z]{20,23}$/)
  expect((await open(raft)).current).toEqual(current)
  expect((await open(place().raft)).current.clusterId).not.toBe(current.clusterId)
})

test('member: a swap keeps the former directory aside, each under its own number', async () => {
  const { root, raft } = place()
  const dir = await open(raft)
  const first = dir.current.clusterId
  writeFileSync(join(raft, 'something'), 'of the first')
  await dir.prepare()
  expect(await dir.keepPath()).toBe(join(root, `raft.${first}.1`))
  const kept = await dir.adopt(NEXT)
  expect(readFileSync(join(kept, 'something'), 'utf8')).toBe('of the first')
  expect((await open(raft)).current).toEqual(NEXT)
  mkdirSync(join(root, 'raft.next.4'))
  await dir.prepare()
  expect(await dir.adopt({ ...NEXT, clusterId: 'third' })).toBe(join(root, 'raft.next.5'))
})

test('member: a crash before the swap leaves the old membership, and no rubbish', async () => {
  const { root, raft } = place()
  const dir = await open(raft)
  await dir.prepare()
  writeFileSync(join(root, 'raft.new', 'state'), 'half')
  expect((await open(raft)).current).toEqual(dir.current)
  expect(readdirSync(root)).toEqual(['raft'])
})

test('member: a crash between the two renames is finished by the next start', async () => {
  const { root, raft } = place()
  const dir = await open(raft)
  await dir.prepare()
  const kept = await dir.adopt(NEXT)
  // As it was in between: the old one is away, the new one not yet in place.
  mkdirSync(join(root, 'raft.new'))
  writeFileSync(join(root, 'raft.new', 'member.json'), readFileSync(join(raft, 'member.json')))
  rmSync(raft, { recursive: true })
  expect((await open(raft)).current).toEqual(NEXT)
  expect(existsSync(kept)).toBe(true)
  expect(existsSync(join(root, 'raft.new'))).toBe(false)
})

test('member: what is unreadable is never guessed, but told with what to do', async () => {
  for (const damage of ['', '{', '{"format":1}', '[]']) {
    const { raft } = place()
    await open(raft)
    writeFileSync(join(raft, 'member.json'), damage)
    await expect(open(raft)).rejects.toMatchObject({ code: 'DATA_LOSS' })
  }
  const { raft } = place()
  mkdirSync(join(raft, 'log'), { recursive: true })
  await expect(open(raft)).rejects.toMatchObject({ code: 'DATA_LOSS' })
})

test('member: a newer format is left alone', async () => {
  const { raft } = place()
  await open(raft)
  writeFileSync(join(raft, 'member.json'), '{"format":2}')
  await expect(open(raft)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' })
})

test('member: a log that was there and is gone stops the start: its promises are unknown', async () => {
  const { raft } = place()
  const dir = await open(raft)
  await dir.checkLog()
  await dir.update({ started: true })
  await expect(dir.checkLog()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  writeFileSync(join(raft, 'log.promises'), '')
  await (await open(raft)).checkLog()
})
